/* copy.c - the pages that are copied from one database into another, and what is put there. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "storage/copy_ops.h"
#include "storage/sqlite/sqlite.h"

static enum err sq_meta_get(struct store_conn *conn, const char *key,
                            char value_out[COPY_META_SIZE])
{
    sqlite3_stmt *stmt = sq_bind(sq(conn), SQ_META_GET, "t", key);
    enum err err = sq_next(sq(conn), stmt);

    value_out[0] = '\0';
    if (err != ERR_OK)
        return err;
    sq_text_into(value_out, COPY_META_SIZE, stmt, 0);
    sqlite3_reset(stmt);
    return ERR_OK;
}

static enum err sq_meta_set(struct store_conn *conn, const char *key, const char *value)
{
    struct sqlite_conn *c = sq(conn);

    return sq_run(c, value != NULL ? sq_bind(c, SQ_META_SET, "tt", key, value)
                                   : sq_bind(c, SQ_META_REMOVE, "t", key));
}

static void sq_epoch_get(struct store_conn *conn, char epoch_out[STORE_EPOCH_SIZE])
{
    memcpy(epoch_out, sq(conn)->backend->epoch, STORE_EPOCH_SIZE);
}

static enum err sq_epoch_set(struct store_conn *conn, const char *epoch)
{
    struct sqlite_backend *b = sq(conn)->backend;

    (void)snprintf(b->epoch, sizeof(b->epoch), "%s", epoch);
    return sq_meta_set(conn, "epoch", b->epoch);
}

static enum err sq_streams_page(struct store_conn *conn, struct arena *arena, const char *after,
                                uint32_t limit, struct stream **out, size_t *n)
{
    struct sqlite_conn *c = sq(conn);
    sqlite3_stmt *stmt = sq_bind(c, SQ_STREAMS_PAGE, "ti", after, (int64_t)limit);
    enum err err;

    *n = 0;
    *out = arena_alloc(arena, limit * sizeof(**out));
    while ((err = sq_next(c, stmt)) == ERR_OK) {
        struct stream *s = &(*out)[(*n)++];
        *s = (struct stream){
            .key = sq_int(stmt, 0), .seq = sq_uint(stmt, 3), .msg_no = sq_uint(stmt, 4)};
        sq_text_into(s->name, sizeof(s->name), stmt, 1);
        sq_text_into(s->epoch, sizeof(s->epoch), stmt, 2);
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err sq_events_page(struct store_conn *conn, struct arena *arena,
                               const struct stream *stream, uint64_t after, uint32_t limit,
                               struct event_row **out, size_t *n)
{
    struct sqlite_conn *c = sq(conn);
    sqlite3_stmt *stmt = sq_bind(c, SQ_EVENTS_PAGE, "iii", sq_pos(stream->key, after),
                                 sq_pos(stream->key, UINT64_MAX), (int64_t)limit);
    enum err err;

    *n = 0;
    *out = arena_alloc(arena, limit * sizeof(**out));
    while ((err = sq_next(c, stmt)) == ERR_OK)
        (*out)[(*n)++] = (struct event_row){
            .seq = (uint64_t)sq_int(stmt, 0) & ((UINT64_C(1) << SQ_SEQ_BITS) - 1),
            .type = (enum store_event_type)sq_enum(stmt, 1, STORE_EVENT_TYPES),
            .actor_key = sq_int(stmt, 2),
            .at = sq_int(stmt, 3),
            .subject = sq_text_opt(arena, stmt, 4),
            .link = sq_uint(stmt, 5),
            .client_msg_id = sq_text_opt(arena, stmt, 6),
            .data = sq_text(arena, stmt, 7),
            .data_len = (size_t)sqlite3_column_bytes(stmt, 7),
            .actor = sq_text(arena, stmt, 8),
        };
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err sq_users_page(struct store_conn *conn, struct arena *arena, int64_t after,
                              uint32_t limit, struct account **out, size_t *n)
{
    struct sqlite_conn *c = sq(conn);
    sqlite3_stmt *stmt = sq_bind(c, SQ_USERS_PAGE, "ii", after, (int64_t)limit);
    enum err err;

    *n = 0;
    *out = arena_alloc(arena, limit * sizeof(**out));
    while ((err = sq_next(c, stmt)) == ERR_OK) {
        struct account *a = &(*out)[(*n)++];
        sq_user(arena, stmt, a);
        a->user.password_hash = sq_text(arena, stmt, SQ_USER_N);
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err sq_sessions_page(struct store_conn *conn, struct arena *arena, const char *after,
                                 uint32_t limit, struct session_row **out, size_t *n)
{
    struct sqlite_conn *c = sq(conn);
    sqlite3_stmt *stmt = sq_bind(c, SQ_SESSIONS_PAGE, "ti", after, (int64_t)limit);
    enum err err;

    *n = 0;
    *out = arena_alloc(arena, limit * sizeof(**out));
    while ((err = sq_next(c, stmt)) == ERR_OK) {
        struct session_row *row = &(*out)[(*n)++];
        row->hash = sq_text(arena, stmt, 0);
        sq_session(arena, stmt, 1, &row->session);
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err sq_invites_page(struct store_conn *conn, struct arena *arena, const char *after,
                                uint32_t limit, struct invite_row **out, size_t *n)
{
    struct sqlite_conn *c = sq(conn);
    sqlite3_stmt *stmt = sq_bind(c, SQ_INVITES_PAGE, "ti", after, (int64_t)limit);
    enum err err;

    *n = 0;
    *out = arena_alloc(arena, limit * sizeof(**out));
    while ((err = sq_next(c, stmt)) == ERR_OK)
        (*out)[(*n)++] = (struct invite_row){.hash = sq_text(arena, stmt, 0),
                                             .invite = {.id = sq_text(arena, stmt, 1),
                                                        .created_by = sq_text(arena, stmt, 2),
                                                        .created_at = sq_int(stmt, 3),
                                                        .expires_at = sq_int(stmt, 4),
                                                        .uses_left = sq_uint(stmt, 5)}};
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err sq_user_put(struct store_conn *conn, struct account *account)
{
    struct sqlite_conn *c = sq(conn);
    const struct store_user *u = &account->user;
    enum err err = sq_run(c, sq_bind(c, SQ_USER_PUT, "tttiiitti", u->id, u->name, u->display_name,
                                     (int64_t)u->role, u->created_at, u->disabled_at,
                                     u->password_hash != NULL ? u->password_hash : "", u->owner,
                                     (int64_t)u->hook));

    if (err != ERR_OK)
        return err;
    sqlite3_stmt *stmt = sq_bind(c, SQ_USER_BY_ID, "t", u->id);
    err = sq_next(c, stmt);
    if (err != ERR_OK)
        return err;
    account->key = sq_int(stmt, 0);
    sqlite3_reset(stmt);
    return ERR_OK;
}

static enum err sq_session_put(struct store_conn *conn, int64_t user_key,
                               const struct session_row *row)
{
    struct sqlite_conn *c = sq(conn);
    const struct store_session *s = &row->session;

    return sq_run(c, sq_bind(c, SQ_SESSION_PUT, "ttiiiittttt", s->id, row->hash, user_key,
                             s->created_at, s->last_seen_at, s->expires_at, s->address, s->agent,
                             s->label, s->scopes, s->channels));
}

static enum err sq_invite_put(struct store_conn *conn, const struct invite_row *row)
{
    struct sqlite_conn *c = sq(conn);
    const struct store_invite *i = &row->invite;

    return sq_run(c, sq_bind(c, SQ_INVITE_PUT, "tttiii", i->id, row->hash, i->created_by,
                             i->created_at, i->expires_at, (int64_t)i->uses_left));
}

static enum err sq_hooks_page(struct store_conn *conn, struct arena *arena, const char *after,
                              uint32_t limit, struct hook_row **out, size_t *n)
{
    struct sqlite_conn *c = sq(conn);
    sqlite3_stmt *stmt = sq_bind(c, SQ_HOOKS_PAGE, "ti", after, (int64_t)limit);
    enum err err;

    *n = 0;
    *out = arena_alloc(arena, limit * sizeof(**out));
    while ((err = sq_next(c, stmt)) == ERR_OK)
        sq_hook(arena, stmt, &(*out)[(*n)++]);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err sq_hook_put(struct store_conn *conn, const struct hook_row *row)
{
    return sq_hook_write(conn, SQ_HOOK_PUT, row);
}

const struct store_copy_ops store_sqlite_copy_ops = {
    .meta_get = sq_meta_get,
    .meta_set = sq_meta_set,
    .epoch_get = sq_epoch_get,
    .epoch_set = sq_epoch_set,
    .streams_page = sq_streams_page,
    .events_page = sq_events_page,
    .users_page = sq_users_page,
    .sessions_page = sq_sessions_page,
    .invites_page = sq_invites_page,
    .hooks_page = sq_hooks_page,
    .user_put = sq_user_put,
    .session_put = sq_session_put,
    .invite_put = sq_invite_put,
    .hook_put = sq_hook_put,
};
