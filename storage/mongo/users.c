/* users.c - accounts, sessions, invites and the figures of the database: plain documents, written
 * at once, except for sessions that are made together with something else. */
#include <string.h>

#include "base/clock.h"
#include "storage/match.h"
#include "storage/mongo/mongo.h"

enum { ACCOUNTS_CHECK_NS = 1000000000, EXPIRE_NS = 1000000000, INVITES_SHOWN = 1000 };

static enum err one_user(struct mg_conn *c, bson_t *filter, bson_t *opts, struct arena *arena,
                         bool secret, struct account *out)
{
    bson_t *doc;
    enum err err = mg_one(c, MG_USERS, filter, opts, &doc);

    if (err != ERR_OK)
        return err;
    mg_read_user(arena, doc, out);
    if (secret)
        out->user.password_hash = mg_text(arena, doc, "password_hash");
    bson_destroy(doc);
    return ERR_OK;
}

static void copy_account(struct arena *arena, const struct account *from, struct account *out)
{
    out->key = from->key;
    out->user = mg_copy_user(arena, &from->user);
}

MG_OP(user_get, struct arena *arena, const char *ref, bool secret, struct account *out)
{
    struct mg_conn *c = mg(conn);
    bool by_name = ref[0] == '@';
    const struct account *warm =
        by_name || secret ? NULL : map_get(&c->warm.users, ref, strlen(ref));

    if (warm != NULL) {
        copy_account(arena, warm, out);
        return ERR_OK;
    }
    return one_user(
        c, by_name ? BCON_NEW("name", BCON_UTF8(ref + 1)) : BCON_NEW("_id", BCON_UTF8(ref)), NULL,
        arena, secret, out);
}

MG_OP(user_by_key, struct arena *arena, int64_t key, struct account *out)
{
    struct mg_conn *c = mg(conn);
    const struct account *warm = map_get(&c->warm.keys, &key, sizeof(key));

    if (warm == NULL)
        return one_user(c, BCON_NEW("key", BCON_INT64(key)), NULL, arena, false, out);
    copy_account(arena, warm, out);
    return ERR_OK;
}

/* The first owner that is not disabled; else the first one. */
MG_OP(user_owner, struct arena *arena, struct account *out)
{
    struct mg_conn *c = mg(conn);
    enum err err =
        one_user(c, BCON_NEW("role", BCON_INT32(STORE_ROLE_OWNER), "disabled_at", BCON_INT64(0)),
                 BCON_NEW("sort", "{", "key", BCON_INT32(1), "}"), arena, false, out);

    return err != ERR_NOT_FOUND
               ? err
               : one_user(c, BCON_NEW("role", BCON_INT32(STORE_ROLE_OWNER)),
                          BCON_NEW("sort", "{", "key", BCON_INT32(1), "}"), arena, false, out);
}

/* Whoever finds no account and makes one has to be the first of all nodes to do so. */
static enum err be_the_first(struct mg_conn *c, const char *id)
{
    struct account other;
    bson_t *doc;
    int64_t now = clock_unix_ms();
    enum err err = mg_insert(
        c, MG_META,
        BCON_NEW("_id", BCON_UTF8("first"), "user", BCON_UTF8(id), "at", BCON_INT64(now)));

    if (err != ERR_CONFLICT)
        return err;
    err = mg_one(c, MG_META, BCON_NEW("_id", BCON_UTF8("first")), NULL, &doc);
    if (err != ERR_OK)
        return err == ERR_NOT_FOUND ? mg_lost(c) : err;
    const char *first = mg_text(c->arena, doc, "user");
    int64_t at = mg_int(doc, "at");
    bson_destroy(doc);
    err = one_user(c, BCON_NEW("_id", BCON_UTF8(first)), NULL, c->arena, false, &other);
    if (err == ERR_OK || (err == ERR_NOT_FOUND && now - at < MG_CLAIM_OLD_MS))
        return mg_lost(c);
    if (err != ERR_NOT_FOUND)
        return err;
    err =
        mg_update(c, MG_META, /* it died before it made the account */
                  BCON_NEW("_id", BCON_UTF8("first"), "user", BCON_UTF8(first)),
                  BCON_NEW("$set", "{", "user", BCON_UTF8(id), "at", BCON_INT64(now), "}"), false);
    return err == ERR_NOT_FOUND ? mg_lost(c) : err;
}

/* Whether the first account is still to be this one: then it may be made. */
MG_OP(user_add, struct account *user)
{
    struct mg_conn *c = mg(conn);
    const struct store_user *u = &user->user;
    enum err err = c->had_none ? be_the_first(c, u->id) : ERR_OK;

    if (err != ERR_OK)
        return err;
    user->key = mg_account_key(u->id);
    bson_t *doc =
        BCON_NEW("_id", BCON_UTF8(u->id), "key", BCON_INT64(user->key), "name", BCON_UTF8(u->name),
                 "display_name", BCON_UTF8(u->display_name), "role", BCON_INT32((int)u->role),
                 "created_at", BCON_INT64(u->created_at), "disabled_at", BCON_INT64(u->disabled_at),
                 "password_hash", BCON_UTF8(u->password_hash != NULL ? u->password_hash : ""));
    mg_append_text(doc, "owner", u->owner);
    if (u->hook)
        (void)BSON_APPEND_BOOL(doc, "hook", true);
    err = mg_insert(c, MG_USERS, doc);
    return err == ERR_CONFLICT ? mg_lost(c) : err;
}

static enum err accounts_changed(struct mg_conn *c)
{
    return mg_update(c, MG_META, BCON_NEW("_id", BCON_UTF8("accounts")),
                     BCON_NEW("$inc", "{", "rev", BCON_INT64(1), "}"), true);
}

MG_OP(user_save, const struct account *user)
{
    struct mg_conn *c = mg(conn);
    const struct store_user *u = &user->user;
    bson_t *set = BCON_NEW("display_name", BCON_UTF8(u->display_name), "role",
                           BCON_INT32((int)u->role), "disabled_at", BCON_INT64(u->disabled_at));
    bson_t *update = bson_new();

    if (u->password_hash != NULL)
        (void)BSON_APPEND_UTF8(set, "password_hash", u->password_hash);
    (void)BSON_APPEND_DOCUMENT(update, "$set", set);
    bson_destroy(set);
    enum err err = mg_update(c, MG_USERS, BCON_NEW("key", BCON_INT64(user->key)), update, false);
    if (err == ERR_OK)
        err = accounts_changed(c);
    return err == ERR_CONFLICT ? ERR_OK : err; /* two nodes made that document at once */
}

/* Asked once a second: whether accounts were changed, here or on another node. */
bool mg_accounts_changed(struct store_conn *conn)
{
    struct mg_conn *c = mg(conn);
    uint64_t now = clock_monotonic_ns();
    bson_t *doc;

    if (now < c->accounts_checked_ns + ACCOUNTS_CHECK_NS)
        return false;
    enum err err = mg_one(c, MG_META, BCON_NEW("_id", BCON_UTF8("accounts")), NULL, &doc);
    if (err != ERR_OK)
        return false;
    int64_t rev = mg_int(doc, "rev");
    bson_destroy(doc);
    bool changed = rev != c->accounts_rev;
    c->accounts_rev = rev;
    c->accounts_checked_ns = now;
    return changed;
}

MG_OP(user_counts, uint64_t *users_out, uint64_t *owners_out)
{
    struct mg_conn *c = mg(conn);
    bson_t *doc;
    enum err err = mg_one(c, MG_USERS, bson_new(), NULL, &doc);

    *users_out = err == ERR_OK ? 1 : 0; /* some, or none */
    c->had_none = err == ERR_NOT_FOUND;
    if (err == ERR_OK)
        bson_destroy(doc);
    if (err != ERR_OK && err != ERR_NOT_FOUND)
        return err;
    return mg_count(c, MG_USERS,
                    BCON_NEW("role", BCON_INT32(STORE_ROLE_OWNER), "disabled_at", BCON_INT64(0)),
                    owners_out);
}

/* A page of those whom FILTER, which is destroyed, lets through. */
static enum err list_users(struct mg_conn *c, struct arena *arena, bson_t *filter,
                           const struct store_page *page, struct store_user **out, size_t *n,
                           const char **next_out)
{
    const char *after = page->cursor != NULL ? page->cursor : "";
    const bson_t *doc;
    bson_t behind;
    enum err err;

    *n = 0;
    *next_out = NULL;
    if (after[strspn(after, "abcdefghijklmnopqrstuvwxyz0123456789._-")] != '\0') {
        bson_destroy(filter);
        return ERR_INVALID_PARAMS;
    }
    (void)BSON_APPEND_DOCUMENT_BEGIN(filter, "name", &behind);
    (void)BSON_APPEND_UTF8(&behind, "$gt", after);
    (void)bson_append_document_end(filter, &behind);
    *out = arena_alloc(arena, (page->limit + 1) * sizeof(**out));
    bson_t *opts = BCON_NEW("sort", "{", "name", BCON_INT32(1), "}");
    if (page->query == NULL)
        (void)BSON_APPEND_INT64(opts, "limit", (int64_t)page->limit + 1);
    mongoc_cursor_t *cursor = mg_find(c, MG_USERS, filter, opts);
    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        struct account user;
        mg_read_user(arena, doc, &user);
        if (page->query != NULL && !match_contains(user.user.name, page->query) &&
            !match_contains(user.user.display_name, page->query))
            continue;
        if (*n == page->limit) {
            *next_out = (*out)[*n - 1].name;
            mongoc_cursor_destroy(cursor);
            return ERR_OK;
        }
        (*out)[(*n)++] = user.user;
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

MG_OP(users_list, struct arena *arena, const struct store_page *page, struct store_user **out,
      size_t *n, const char **next_out)
{
    return list_users(mg(conn), arena, bson_new(), page, out, n, next_out);
}

MG_OP(bots_list, struct arena *arena, const char *owner, const struct store_page *page,
      struct store_user **out, size_t *n, const char **next_out)
{
    bson_t *filter = owner != NULL ? BCON_NEW("owner", BCON_UTF8(owner))
                                   : BCON_NEW("owner", "{", "$gt", BCON_UTF8(""), "}");

    (void)BSON_APPEND_NULL(filter, "hook"); /* it has no such field */
    return list_users(mg(conn), arena, filter, page, out, n, next_out);
}

/* -- sessions -------------------------------------------------------------------------------- */

void mg_append_session(bson_t *doc, int64_t user_key, const char *hash,
                       const struct store_session *s)
{
    BCON_APPEND(doc, "hash", BCON_UTF8(hash), "user_key", BCON_INT64(user_key), "user",
                BCON_UTF8(s->user), "created_at", BCON_INT64(s->created_at), "last_seen_at",
                BCON_INT64(s->last_seen_at), "expires_at", BCON_INT64(s->expires_at), "address",
                BCON_UTF8(s->address), "agent", BCON_UTF8(s->agent));
    mg_append_text(doc, "label", s->label);
    mg_append_text(doc, "scopes", s->scopes);
    mg_append_text(doc, "channels", s->channels);
}

MG_OP(session_add, int64_t user_key, const char *hash, const struct store_session *s)
{
    bson_t *doc = BCON_NEW("_id", BCON_UTF8(s->id));

    mg_append_session(doc, user_key, hash, s);
    stage_write(mg(conn), MG_SESSIONS, WRITE_INSERT, doc, NULL);
    return ERR_OK;
}

void mg_read_session(struct arena *arena, const bson_t *doc, struct store_session *out)
{
    *out = (struct store_session){.id = mg_text(arena, doc, "_id"),
                                  .user = mg_text(arena, doc, "user"),
                                  .created_at = mg_int(doc, "created_at"),
                                  .last_seen_at = mg_int(doc, "last_seen_at"),
                                  .expires_at = mg_int(doc, "expires_at"),
                                  .address = mg_text(arena, doc, "address"),
                                  .agent = mg_text(arena, doc, "agent"),
                                  .label = mg_text_opt(arena, doc, "label"),
                                  .scopes = mg_text_opt(arena, doc, "scopes"),
                                  .channels = mg_text_opt(arena, doc, "channels")};
}

static void copy_session(struct arena *arena, const struct store_session *from,
                         struct store_session *out)
{
    *out = *from;
    out->id = arena_strdup(arena, from->id);
    out->user = arena_strdup(arena, from->user);
    out->address = arena_strdup(arena, from->address);
    out->agent = arena_strdup(arena, from->agent);
    out->label = arena_strdup(arena, from->label);
    out->scopes = arena_strdup(arena, from->scopes);
    out->channels = arena_strdup(arena, from->channels);
}

MG_OP(session_get, struct arena *arena, const char *id, const char *hash, struct store_session *out)
{
    struct mg_conn *c = mg(conn);
    const struct store_session *warm =
        hash != NULL ? map_get(&c->warm.sessions, hash, strlen(hash)) : NULL;
    bson_t *doc;

    if (warm != NULL) {
        copy_session(arena, warm, out);
        return ERR_OK;
    }
    enum err err =
        mg_one(c, MG_SESSIONS,
               id != NULL ? BCON_NEW("_id", BCON_UTF8(id)) : BCON_NEW("hash", BCON_UTF8(hash)),
               NULL, &doc);

    if (err != ERR_OK)
        return err;
    mg_read_session(arena, doc, out);
    bson_destroy(doc);
    return ERR_OK;
}

MG_OP(session_touch, const char *id, int64_t now)
{
    return mg_update(mg(conn), MG_SESSIONS, BCON_NEW("_id", BCON_UTF8(id)),
                     BCON_NEW("$set", "{", "last_seen_at", BCON_INT64(now), "}"), false);
}

MG_OP(session_remove, const char *id)
{
    int64_t n;
    enum err err = mg_delete(mg(conn), MG_SESSIONS, BCON_NEW("_id", BCON_UTF8(id)), &n);

    return err == ERR_OK && n == 0 ? ERR_NOT_FOUND : err;
}

/* All that have expired, but not at every login. */
MG_OP(sessions_expire, int64_t now, uint32_t limit)
{
    struct mg_conn *c = mg(conn);
    uint64_t now_ns = clock_monotonic_ns();

    (void)limit;
    if (now_ns < c->expired_ns + EXPIRE_NS)
        return ERR_OK;
    c->expired_ns = now_ns;
    return mg_delete(c, MG_SESSIONS, BCON_NEW("expires_at", "{", "$lte", BCON_INT64(now), "}"),
                     NULL);
}

MG_OP(sessions_list, struct arena *arena, int64_t user_key, struct store_session **out, size_t *n)
{
    struct mg_conn *c = mg(conn);
    const bson_t *doc;
    size_t cap = 0;
    enum err err;
    mongoc_cursor_t *cursor =
        mg_find(c, MG_SESSIONS, BCON_NEW("user_key", BCON_INT64(user_key)),
                BCON_NEW("sort", "{", "created_at", BCON_INT32(1), "_id", BCON_INT32(1), "}"));

    *n = 0;
    *out = NULL;
    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        if (*n == cap) {
            const struct store_session *old = *out;
            cap = cap == 0 ? 8 : cap * 2;
            *out = arena_alloc(arena, cap * sizeof(**out));
            for (size_t i = 0; i < *n; i++)
                (*out)[i] = old[i];
        }
        mg_read_session(arena, doc, &(*out)[(*n)++]);
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* -- invites --------------------------------------------------------------------------------- */

MG_OP(invite_add, const char *hash, const struct store_invite *invite)
{
    return mg_insert(mg(conn), MG_INVITES,
                     BCON_NEW("_id", BCON_UTF8(invite->id), "hash", BCON_UTF8(hash), "created_by",
                              BCON_UTF8(invite->created_by), "created_at",
                              BCON_INT64(invite->created_at), "expires_at",
                              BCON_INT64(invite->expires_at), "uses_left",
                              BCON_INT64((int64_t)invite->uses_left)));
}

void mg_read_invite(struct arena *arena, const bson_t *doc, struct store_invite *out)
{
    *out = (struct store_invite){.id = mg_text(arena, doc, "_id"),
                                 .created_by = mg_text(arena, doc, "created_by"),
                                 .created_at = mg_int(doc, "created_at"),
                                 .expires_at = mg_int(doc, "expires_at"),
                                 .uses_left = mg_uint(doc, "uses_left")};
}

MG_OP(invite_find, struct arena *arena, const char *hash, struct store_invite *out)
{
    bson_t *doc;
    enum err err = mg_one(mg(conn), MG_INVITES, BCON_NEW("hash", BCON_UTF8(hash)), NULL, &doc);

    if (err != ERR_OK)
        return err;
    mg_read_invite(arena, doc, out);
    bson_destroy(doc);
    return ERR_OK;
}

/* The last use may be another node's by now: then the request runs again. */
MG_OP(invite_use, const char *id)
{
    struct mg_conn *c = mg(conn);
    enum err err = mg_update(
        c, MG_INVITES, BCON_NEW("_id", BCON_UTF8(id), "uses_left", "{", "$gt", BCON_INT64(0), "}"),
        BCON_NEW("$inc", "{", "uses_left", BCON_INT64(-1), "}"), false);

    return err == ERR_NOT_FOUND ? mg_lost(c) : err;
}

MG_OP(invite_remove, const char *id)
{
    int64_t n;
    enum err err = mg_delete(mg(conn), MG_INVITES, BCON_NEW("_id", BCON_UTF8(id)), &n);

    return err == ERR_OK && n == 0 ? ERR_NOT_FOUND : err;
}

MG_OP(invites_list, struct arena *arena, struct store_invite **out, size_t *n)
{
    struct mg_conn *c = mg(conn);
    const bson_t *doc;
    enum err err;
    mongoc_cursor_t *cursor =
        mg_find(c, MG_INVITES, bson_new(),
                BCON_NEW("sort", "{", "created_at", BCON_INT32(-1), "_id", BCON_INT32(1), "}",
                         "limit", BCON_INT64(INVITES_SHOWN)));

    *n = 0;
    *out = arena_alloc(arena, INVITES_SHOWN * sizeof(**out));
    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK)
        if (*n < INVITES_SHOWN)
            mg_read_invite(arena, doc, &(*out)[(*n)++]);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* -- figures --------------------------------------------------------------------------------- */

static enum err sum_channels(struct mg_conn *c, struct store_stats *out)
{
    const bson_t *doc;
    enum err err;
    mongoc_cursor_t *cursor =
        mg_find(c, MG_STREAMS, BCON_NEW("type", "{", "$gte", BCON_INT32(0), "}"),
                BCON_NEW("projection", "{", "members", BCON_INT32(1), "msg_no", BCON_INT32(1),
                         "gone", BCON_INT32(1), "}"));

    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        out->messages += mg_uint(doc, "msg_no");
        if (mg_true(doc, "gone"))
            continue;
        out->channels++;
        out->members += mg_uint(doc, "members");
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err database_size(struct mg_conn *c, uint64_t *out)
{
    bson_t *command = BCON_NEW("dbStats", BCON_INT32(1));
    bson_t reply;
    bson_error_t error;
    bool fine =
        mongoc_client_command_simple(c->client, c->backend->db, command, NULL, &reply, &error);

    *out = fine ? mg_uint(&reply, "storageSize") + mg_uint(&reply, "indexSize") : 0;
    if (fine && *out == 0)
        *out = mg_uint(&reply, "totalSize");
    bson_destroy(&reply);
    bson_destroy(command);
    return fine ? ERR_OK : mg_fail(c, &error);
}

/* Of messages, what the streams' documents say: up to a second old. */
MG_OP(stats, struct store_stats *out)
{
    struct mg_conn *c = mg(conn);

    *out = (struct store_stats){0};
    enum err err = keeper_flush(c->backend, c);
    if (err == ERR_OK)
        err = mg_count(c, MG_USERS, bson_new(), &out->users);
    if (err == ERR_OK)
        err = mg_count(c, MG_SESSIONS, bson_new(), &out->sessions);
    if (err == ERR_OK)
        err = mg_count(c, MG_EVENTS, bson_new(), &out->events);
    if (err == ERR_OK)
        err = mg_count(c, MG_STREAMS, bson_new(), &out->streams);
    if (err == ERR_OK)
        err = sum_channels(c, out);
    return err == ERR_OK ? database_size(c, &out->bytes) : err;
}
