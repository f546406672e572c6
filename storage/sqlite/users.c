/* users.c - accounts, sessions, invites and the figures of the database. */
#include <string.h>

#include "base/mem.h"
#include "storage/sqlite/sqlite.h"

static enum err one_user(struct sqlite_conn *c, sqlite3_stmt *stmt, struct arena *arena,
                         bool secret, struct account *out)
{
    enum err err = sq_next(c, stmt);

    if (err != ERR_OK)
        return err;
    sq_user(arena, stmt, out);
    if (secret)
        out->user.password_hash = sq_text(arena, stmt, SQ_USER_N);
    sqlite3_reset(stmt);
    return ERR_OK;
}

SQ_OP(user_get, struct arena *arena, const char *ref, bool secret, struct account *out)
{
    bool by_name = ref[0] == '@';

    return one_user(
        sq(conn), sq_bind(sq(conn), by_name ? SQ_USER_BY_NAME : SQ_USER_BY_ID, "t", ref + by_name),
        arena, secret, out);
}

SQ_OP(user_by_key, struct arena *arena, int64_t key, struct account *out)
{
    return one_user(sq(conn), sq_bind(sq(conn), SQ_USER_BY_KEY, "i", key), arena, false, out);
}

SQ_OP(user_owner, struct arena *arena, struct account *out)
{
    return one_user(sq(conn), sq_bind(sq(conn), SQ_USER_OWNER, ""), arena, false, out);
}

SQ_OP(user_add, struct account *user)
{
    struct sqlite_conn *c = sq(conn);
    const struct store_user *u = &user->user;
    enum err err = sq_run(c, sq_bind(c, SQ_USER_ADD, "tttiiitti", u->id, u->name, u->display_name,
                                     (int64_t)u->role, u->created_at, u->disabled_at,
                                     u->password_hash != NULL ? u->password_hash : "", u->owner,
                                     (int64_t)u->hook));

    user->key = sqlite3_last_insert_rowid(c->db);
    return err;
}

SQ_OP(user_save, const struct account *user)
{
    const struct store_user *u = &user->user;

    return sq_run(sq(conn), sq_bind(sq(conn), SQ_USER_SAVE, "itiit", user->key, u->display_name,
                                    (int64_t)u->role, u->disabled_at, u->password_hash));
}

SQ_OP(user_counts, uint64_t *users_out, uint64_t *owners_out)
{
    struct sqlite_conn *c = sq(conn);
    sqlite3_stmt *stmt = sq_bind(c, SQ_USER_COUNTS, "");
    enum err err = sq_next(c, stmt);

    if (err != ERR_OK)
        return err;
    *users_out = sq_uint(stmt, 0);
    *owners_out = sq_uint(stmt, 1);
    sqlite3_reset(stmt);
    return ERR_OK;
}

/* Where a page begins; NULL: the cursor is none. */
static const char *page_after(const struct store_page *page)
{
    const char *after = page->cursor != NULL ? page->cursor : "";

    return after[strspn(after, "abcdefghijklmnopqrstuvwxyz0123456789._-")] == '\0' ? after : NULL;
}

static enum err read_users(struct sqlite_conn *c, sqlite3_stmt *stmt, struct arena *arena,
                           const struct store_page *page, struct store_user **out, size_t *n,
                           const char **next_out)
{
    struct account user;
    enum err err;

    *out = arena_alloc(arena, (page->limit + 1) * sizeof(**out));
    while ((err = sq_next(c, stmt)) == ERR_OK) {
        if (*n == page->limit) {
            *next_out = (*out)[*n - 1].name;
            sqlite3_reset(stmt);
            return ERR_OK;
        }
        sq_user(arena, stmt, &user);
        (*out)[(*n)++] = user.user;
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

SQ_OP(users_list, struct arena *arena, const struct store_page *page, struct store_user **out,
      size_t *n, const char **next_out)
{
    struct sqlite_conn *c = sq(conn);
    const char *after = page_after(page);

    *n = 0;
    *next_out = NULL;
    return after == NULL ? ERR_INVALID_PARAMS
                         : read_users(c,
                                      sq_bind(c, SQ_USERS_LIST, "tti", after, page->query,
                                              (int64_t)page->limit + 1),
                                      arena, page, out, n, next_out);
}

SQ_OP(bots_list, struct arena *arena, const char *owner, const struct store_page *page,
      struct store_user **out, size_t *n, const char **next_out)
{
    struct sqlite_conn *c = sq(conn);
    const char *after = page_after(page);
    int64_t limit = (int64_t)page->limit + 1;

    *n = 0;
    *next_out = NULL;
    if (after == NULL)
        return ERR_INVALID_PARAMS;
    return read_users(c,
                      owner == NULL
                          ? sq_bind(c, SQ_BOTS_ALL, "tti", after, page->query, limit)
                          : sq_bind(c, SQ_BOTS_LIST, "ttit", after, page->query, limit, owner),
                      arena, page, out, n, next_out);
}

/* -- sessions -------------------------------------------------------------------------------- */

SQ_OP(session_add, int64_t user_key, const char *hash, const struct store_session *s)
{
    return sq_run(sq(conn), sq_bind(sq(conn), SQ_SESSION_ADD, "ttiiiittttt", s->id, hash, user_key,
                                    s->created_at, s->last_seen_at, s->expires_at, s->address,
                                    s->agent, s->label, s->scopes, s->channels));
}

SQ_OP(session_get, struct arena *arena, const char *id, const char *hash, struct store_session *out)
{
    struct sqlite_conn *c = sq(conn);
    sqlite3_stmt *stmt = id != NULL ? sq_bind(c, SQ_SESSION_BY_ID, "t", id)
                                    : sq_bind(c, SQ_SESSION_BY_HASH, "t", hash);
    enum err err = sq_next(c, stmt);

    if (err != ERR_OK)
        return err;
    sq_session(arena, stmt, 0, out);
    sqlite3_reset(stmt);
    return ERR_OK;
}

SQ_OP(session_touch, const char *id, int64_t now)
{
    return sq_run_on_one(sq(conn), sq_bind(sq(conn), SQ_SESSION_TOUCH, "ti", id, now));
}

SQ_OP(session_remove, const char *id)
{
    return sq_run_on_one(sq(conn), sq_bind(sq(conn), SQ_SESSION_REMOVE, "t", id));
}

SQ_OP(sessions_expire, int64_t now, uint32_t limit)
{
    return sq_run(sq(conn), sq_bind(sq(conn), SQ_SESSIONS_EXPIRE, "ii", now, (int64_t)limit));
}

SQ_OP(sessions_list, struct arena *arena, int64_t user_key, struct store_session **out, size_t *n)
{
    struct sqlite_conn *c = sq(conn);
    sqlite3_stmt *stmt = sq_bind(c, SQ_SESSIONS_LIST, "i", user_key);
    size_t cap = 0;
    enum err err;

    *n = 0;
    *out = NULL;
    while ((err = sq_next(c, stmt)) == ERR_OK) {
        if (*n == cap) {
            struct store_session *old = *out;
            cap = cap == 0 ? 8 : cap * 2;
            *out = arena_alloc(arena, cap * sizeof(**out));
            for (size_t i = 0; i < *n; i++)
                (*out)[i] = old[i];
        }
        sq_session(arena, stmt, 0, &(*out)[(*n)++]);
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* -- invites --------------------------------------------------------------------------------- */

enum { INVITES_SHOWN = 1000 };

SQ_OP(invite_add, const char *hash, const struct store_invite *invite)
{
    return sq_run(sq(conn),
                  sq_bind(sq(conn), SQ_INVITE_ADD, "tttiii", invite->id, hash, invite->created_by,
                          invite->created_at, invite->expires_at, (int64_t)invite->uses_left));
}

static void read_invite(struct arena *arena, sqlite3_stmt *stmt, struct store_invite *out)
{
    *out = (struct store_invite){.id = sq_text(arena, stmt, 0),
                                 .created_by = sq_text(arena, stmt, 1),
                                 .created_at = sq_int(stmt, 2),
                                 .expires_at = sq_int(stmt, 3),
                                 .uses_left = sq_uint(stmt, 4)};
}

SQ_OP(invite_find, struct arena *arena, const char *hash, struct store_invite *out)
{
    sqlite3_stmt *stmt = sq_bind(sq(conn), SQ_INVITE_FIND, "t", hash);
    enum err err = sq_next(sq(conn), stmt);

    if (err != ERR_OK)
        return err;
    read_invite(arena, stmt, out);
    sqlite3_reset(stmt);
    return ERR_OK;
}

SQ_OP(invite_use, const char *id)
{
    return sq_run_on_one(sq(conn), sq_bind(sq(conn), SQ_INVITE_USE, "t", id));
}

SQ_OP(invite_remove, const char *id)
{
    return sq_run_on_one(sq(conn), sq_bind(sq(conn), SQ_INVITE_REMOVE, "t", id));
}

SQ_OP(invites_list, struct arena *arena, struct store_invite **out, size_t *n)
{
    struct sqlite_conn *c = sq(conn);
    sqlite3_stmt *stmt = sq_bind(c, SQ_INVITES_LIST, "");
    enum err err;

    *n = 0;
    *out = arena_alloc(arena, INVITES_SHOWN * sizeof(**out));
    while ((err = sq_next(c, stmt)) == ERR_OK && *n < INVITES_SHOWN)
        read_invite(arena, stmt, &(*out)[(*n)++]);
    if (err == ERR_OK)
        sqlite3_reset(stmt);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

SQ_OP(stats, struct store_stats *out)
{
    struct sqlite_conn *c = sq(conn);
    sqlite3_stmt *stmt = sq_bind(c, SQ_STATS, "");
    enum err err = sq_next(c, stmt);

    if (err != ERR_OK)
        return err;
    *out = (struct store_stats){.users = sq_uint(stmt, 0),
                                .sessions = sq_uint(stmt, 1),
                                .channels = sq_uint(stmt, 2),
                                .members = sq_uint(stmt, 3),
                                .messages = sq_uint(stmt, 4),
                                .events = sq_uint(stmt, 5),
                                .streams = sq_uint(stmt, 6),
                                .bytes = sq_uint(stmt, 7)};
    sqlite3_reset(stmt);
    return ERR_OK;
}
