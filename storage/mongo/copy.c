/* copy.c - the pages that are copied from one database into another, and what is put there. */
#include <stdio.h>
#include <string.h>

#include "storage/copy_ops.h"
#include "storage/mongo/mongo.h"

/* -- settings ---------------------------------------------------------------------------------- */

static enum err mg_meta_get(struct store_conn *conn, const char *key,
                            char value_out[COPY_META_SIZE])
{
    bson_t *doc;
    enum err err = mg_one(mg(conn), MG_META, BCON_NEW("_id", BCON_UTF8(key)), NULL, &doc);

    value_out[0] = '\0';
    if (err != ERR_OK)
        return err;
    mg_text_into(value_out, COPY_META_SIZE, doc, "value");
    bson_destroy(doc);
    return ERR_OK;
}

/* At once. */
static enum err mg_meta_set(struct store_conn *conn, const char *key, const char *value)
{
    bson_t *filter = BCON_NEW("_id", BCON_UTF8(key));

    if (value == NULL)
        return mg_delete(mg(conn), MG_META, filter, NULL);
    return mg_update(mg(conn), MG_META, filter,
                     BCON_NEW("$set", "{", "value", BCON_UTF8(value), "}"), true);
}

static void mg_epoch_get(struct store_conn *conn, char epoch_out[STORE_EPOCH_SIZE])
{
    memcpy(epoch_out, mg(conn)->backend->epoch, STORE_EPOCH_SIZE);
}

static enum err mg_epoch_set(struct store_conn *conn, const char *epoch)
{
    struct mg_backend *b = mg(conn)->backend;

    (void)snprintf(b->epoch, sizeof(b->epoch), "%s", epoch);
    return mg_update(mg(conn), MG_META, BCON_NEW("_id", BCON_UTF8("epoch")),
                     BCON_NEW("$set", "{", "epoch", BCON_UTF8(b->epoch), "}"), true);
}

/* -- pages ------------------------------------------------------------------------------------- */

static bson_t *behind_text(const char *field, const char *after)
{
    return BCON_NEW(field, "{", "$gt", BCON_UTF8(after), "}");
}

static bson_t *in_order(const char *field, uint32_t limit)
{
    return BCON_NEW("sort", "{", field, BCON_INT32(1), "}", "limit", BCON_INT64(limit));
}

static enum err mg_streams_page(struct store_conn *conn, struct arena *arena, const char *after,
                                uint32_t limit, struct stream **out, size_t *n)
{
    struct mg_conn *c = mg(conn);
    struct stream **all = arena_alloc(arena, limit * sizeof(*all));
    const bson_t *doc;
    enum err err;

    *n = 0;
    *out = arena_alloc(arena, limit * sizeof(**out));
    mongoc_cursor_t *cursor =
        mg_find(c, MG_STREAMS, behind_text("_id", after), in_order("_id", limit));
    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        if (*n == limit)
            continue;
        all[*n] = &(*out)[*n];
        mg_read_stream(doc, c->backend->epoch, all[(*n)++]);
    }
    return err == ERR_NOT_FOUND ? mg_tops(c, all, *n) : err;
}

static enum err mg_events_page(struct store_conn *conn, struct arena *arena,
                               const struct stream *stream, uint64_t after, uint32_t limit,
                               struct event_row **out, size_t *n)
{
    struct mg_conn *c = mg(conn);
    const bson_t *doc;
    enum err err;

    *n = 0;
    *out = arena_alloc(arena, limit * sizeof(**out));
    mongoc_cursor_t *cursor = mg_find(
        c, MG_EVENTS,
        BCON_NEW("key", BCON_INT64(stream->key), "seq", "{", "$gt", BCON_INT64((int64_t)after),
                 "$lte", BCON_INT64((int64_t)after + limit), "}"),
        BCON_NEW("sort", "{", "seq", BCON_INT32(1), "}", "limit", BCON_INT64(limit), "projection",
                 "{", "text", BCON_INT32(0), "stream", BCON_INT32(0), "mentions", BCON_INT32(0),
                 "then", BCON_INT32(0), "}"));
    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK)
        if (*n < limit)
            mg_read_event(arena, doc, &(*out)[(*n)++]);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err mg_users_page(struct store_conn *conn, struct arena *arena, int64_t after,
                              uint32_t limit, struct account **out, size_t *n)
{
    struct mg_conn *c = mg(conn);
    const bson_t *doc;
    enum err err;

    *n = 0;
    *out = arena_alloc(arena, limit * sizeof(**out));
    mongoc_cursor_t *cursor = mg_find(
        c, MG_USERS, BCON_NEW("key", "{", "$gt", BCON_INT64(after), "}"), in_order("key", limit));
    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        if (*n == limit)
            continue;
        struct account *a = &(*out)[(*n)++];
        mg_read_user(arena, doc, a);
        a->user.password_hash = mg_text(arena, doc, "password_hash");
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err mg_sessions_page(struct store_conn *conn, struct arena *arena, const char *after,
                                 uint32_t limit, struct session_row **out, size_t *n)
{
    struct mg_conn *c = mg(conn);
    const bson_t *doc;
    enum err err;

    *n = 0;
    *out = arena_alloc(arena, limit * sizeof(**out));
    mongoc_cursor_t *cursor =
        mg_find(c, MG_SESSIONS, behind_text("_id", after), in_order("_id", limit));
    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        if (*n == limit)
            continue;
        struct session_row *row = &(*out)[(*n)++];
        mg_read_session(arena, doc, &row->session);
        row->hash = mg_text(arena, doc, "hash");
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err mg_invites_page(struct store_conn *conn, struct arena *arena, const char *after,
                                uint32_t limit, struct invite_row **out, size_t *n)
{
    struct mg_conn *c = mg(conn);
    const bson_t *doc;
    enum err err;

    *n = 0;
    *out = arena_alloc(arena, limit * sizeof(**out));
    mongoc_cursor_t *cursor =
        mg_find(c, MG_INVITES, behind_text("_id", after), in_order("_id", limit));
    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        if (*n == limit)
            continue;
        struct invite_row *row = &(*out)[(*n)++];
        mg_read_invite(arena, doc, &row->invite);
        row->hash = mg_text(arena, doc, "hash");
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err mg_hooks_page(struct store_conn *conn, struct arena *arena, const char *after,
                              uint32_t limit, struct hook_row **out, size_t *n)
{
    struct mg_conn *c = mg(conn);
    const bson_t *doc;
    enum err err;

    *n = 0;
    *out = arena_alloc(arena, limit * sizeof(**out));
    mongoc_cursor_t *cursor =
        mg_find(c, MG_HOOKS, behind_text("_id", after), in_order("_id", limit));
    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK)
        if (*n < limit)
            mg_read_hook(arena, doc, &(*out)[(*n)++]);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* -- rows, written together at commit ---------------------------------------------------------- */

/* SET is destroyed. */
static enum err put(struct store_conn *conn, enum mg_coll coll, const char *id, bson_t *set)
{
    stage_write(mg(conn), (int)coll, WRITE_UPSERT, BCON_NEW("_id", BCON_UTF8(id)),
                BCON_NEW("$set", BCON_DOCUMENT(set)));
    bson_destroy(set);
    return ERR_OK;
}

static enum err mg_user_put(struct store_conn *conn, struct account *account)
{
    const struct store_user *u = &account->user;

    account->key = mg_account_key(u->id);
    bson_t *set =
        BCON_NEW("key", BCON_INT64(account->key), "name", BCON_UTF8(u->name), "display_name",
                 BCON_UTF8(u->display_name), "role", BCON_INT32((int)u->role), "created_at",
                 BCON_INT64(u->created_at), "disabled_at", BCON_INT64(u->disabled_at),
                 "password_hash", BCON_UTF8(u->password_hash != NULL ? u->password_hash : ""));
    mg_append_text(set, "owner", u->owner);
    if (u->hook)
        (void)BSON_APPEND_BOOL(set, "hook", true);
    return put(conn, MG_USERS, u->id, set);
}

static enum err mg_session_put(struct store_conn *conn, int64_t user_key,
                               const struct session_row *row)
{
    bson_t *set = bson_new();

    mg_append_session(set, user_key, row->hash, &row->session);
    return put(conn, MG_SESSIONS, row->session.id, set);
}

static enum err mg_invite_put(struct store_conn *conn, const struct invite_row *row)
{
    const struct store_invite *i = &row->invite;

    return put(conn, MG_INVITES, i->id,
               BCON_NEW("hash", BCON_UTF8(row->hash), "created_by", BCON_UTF8(i->created_by),
                        "created_at", BCON_INT64(i->created_at), "expires_at",
                        BCON_INT64(i->expires_at), "uses_left", BCON_INT64((int64_t)i->uses_left)));
}

static enum err mg_hook_put(struct store_conn *conn, const struct hook_row *row)
{
    bson_t *set = bson_new();

    mg_append_hook(set, row);
    return put(conn, MG_HOOKS, row->h.id, set);
}

const struct store_copy_ops store_mongo_copy_ops = {
    .meta_get = mg_meta_get,
    .meta_set = mg_meta_set,
    .epoch_get = mg_epoch_get,
    .epoch_set = mg_epoch_set,
    .streams_page = mg_streams_page,
    .events_page = mg_events_page,
    .users_page = mg_users_page,
    .sessions_page = mg_sessions_page,
    .invites_page = mg_invites_page,
    .hooks_page = mg_hooks_page,
    .user_put = mg_user_put,
    .session_put = mg_session_put,
    .invite_put = mg_invite_put,
    .hook_put = mg_hook_put,
};
