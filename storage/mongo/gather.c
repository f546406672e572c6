/* gather.c - several reads at once: after a node is lost, thousands of sessions start within a
 * second, and each would ask for its account, its channels and their tops on its own.
 *
 * What they ask for is loaded with a few questions for all of them, in the order in which each of
 * them would ask: a user's own top before the memberships, these before the channels, and the tops
 * of the channels last. All of it begins after the last of the requests was made, so that none gets
 * anything older than it would have got alone.
 */
#include <string.h>

#include "storage/mongo/mongo.h"
#include "storage/ops.h"
#include "storage/txn.h"

bool mg_joins(enum store_op op)
{
    return op == STORE_SESSION_GET || op == STORE_SNAPSHOT || op == STORE_EVENTS;
}

/* -- sessions and accounts -------------------------------------------------------------------- */

static enum err load_sessions(struct mg_conn *c, bson_t *filter)
{
    mongoc_cursor_t *cursor = mg_find(c, MG_SESSIONS, filter, NULL);
    const bson_t *doc;
    enum err err;

    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        const char *hash = mg_text(c->arena, doc, "hash");
        struct store_session *s = arena_alloc(c->arena, sizeof(*s));
        mg_read_session(c->arena, doc, s);
        if (map_get(&c->warm.sessions, hash, strlen(hash)) == NULL)
            map_put(&c->warm.sessions, hash, strlen(hash), s);
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err gather_sessions(struct mg_conn *c, struct store_req *const *reqs, size_t n)
{
    struct mg_list list;

    mg_list_begin(&list, "hash");
    for (size_t i = 0; i < n; i++)
        if (reqs[i]->op == STORE_SESSION_GET && reqs[i]->in.session.token_hash != NULL) {
            mg_list_text(&list, reqs[i]->in.session.token_hash);
            mg_list_text(&list, token_key(c->arena, reqs[i]->in.session.token_hash));
        }
    bool any = list.n > 0;
    bson_t *filter = mg_list_end(&list);
    if (any)
        return load_sessions(c, filter);
    bson_destroy(filter);
    return ERR_OK;
}

/* The id of the account that REQ asks about; NULL: none. */
static const char *user_of(struct mg_conn *c, const struct store_req *req)
{
    if (req->op == STORE_SNAPSHOT)
        return req->in.user.user;
    if (req->op != STORE_SESSION_GET || req->in.session.token_hash == NULL)
        return NULL;
    const char *hash = req->in.session.token_hash;
    const char *key = token_key(c->arena, hash);
    const struct store_session *s = map_get(&c->warm.sessions, hash, strlen(hash));
    if (s == NULL)
        s = map_get(&c->warm.sessions, key, strlen(key));
    return s != NULL ? s->user : NULL;
}

static enum err gather_users(struct mg_conn *c, struct store_req *const *reqs, size_t n)
{
    const char **ids = arena_alloc(c->arena, (n + 1) * sizeof(*ids));

    for (size_t i = 0; i < n; i++)
        ids[i] = user_of(c, reqs[i]);
    return mg_warm_users(c, ids, n);
}

/* -- streams ---------------------------------------------------------------------------------- */

static void want_stream(struct mg_conn *c, struct mg_list *list, const char *name)
{
    size_t len = strlen(name);

    if (map_get(&c->warm.streams, name, len) != NULL)
        return;
    struct stream *s = arena_alloc(c->arena, sizeof(*s));
    *s = (struct stream){0}; /* until it is found */
    map_put(&c->warm.streams, arena_strdup(c->arena, name), len, s);
    mg_list_text(list, name);
}

static void want_streams(struct mg_conn *c, struct mg_list *list, const struct store_req *req)
{
    char name[STORE_STREAM_SIZE];

    if (req->op == STORE_EVENTS)
        want_stream(c, list, req->in.events.stream);
    if (req->op != STORE_SNAPSHOT)
        return;
    stream_name('u', req->in.user.user, name);
    want_stream(c, list, name);
    stream_name('r', req->in.user.user, name);
    want_stream(c, list, name);
}

static enum err load_streams(struct mg_conn *c, bson_t *filter, size_t max)
{
    struct stream **found = arena_alloc(c->arena, (max + 1) * sizeof(*found));
    mongoc_cursor_t *cursor = mg_find(c, MG_STREAMS, filter, NULL);
    size_t n = 0;
    const bson_t *doc;
    enum err err;

    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        const char *name = mg_text(c->arena, doc, "_id");
        struct stream *s = map_get(&c->warm.streams, name, strlen(name));
        if (s == NULL || s->name[0] != '\0' || n == max)
            continue;
        mg_read_stream(doc, c->backend->epoch, s);
        found[n++] = s;
    }
    if (err == ERR_NOT_FOUND)
        err = mg_tops(c, found, n);
    for (size_t i = 0; i < n; i++)
        if (found[i]->seq == 0 && found[i]->name[0] == 'c')
            found[i]->name[0] = '\0'; /* claimed, never made */
    return err;
}

static enum err gather_streams(struct mg_conn *c, struct store_req *const *reqs, size_t n)
{
    struct mg_list list;

    mg_list_begin(&list, "_id");
    for (size_t i = 0; i < n; i++)
        want_streams(c, &list, reqs[i]);
    size_t wanted = list.n;
    bson_t *filter = mg_list_end(&list);
    if (wanted > 0)
        return load_streams(c, filter, wanted);
    bson_destroy(filter);
    return ERR_OK;
}

/* -- channels --------------------------------------------------------------------------------- */

static void keep_mine(struct mg_conn *c, const bson_t *doc)
{
    struct membership m;

    mg_read_member(doc, &m);
    struct mg_mine *mine = map_get(&c->warm.mine, &m.user_key, sizeof(m.user_key));
    if (mine == NULL)
        return;
    keeper_overlay(c->backend, &m);
    if (mine->n == mine->cap) {
        size_t cap = mine->cap == 0 ? 8 : mine->cap * 2;
        struct membership *grown = arena_alloc(c->arena, cap * sizeof(*grown));
        if (mine->n > 0)
            memcpy(grown, mine->members, mine->n * sizeof(*grown));
        mine->members = grown;
        mine->cap = cap;
    }
    mine->members[mine->n++] = m;
}

static enum err load_mine(struct mg_conn *c, bson_t *filter)
{
    mongoc_cursor_t *cursor = mg_find(c, MG_MEMBERS, filter, NULL);
    const bson_t *doc;
    enum err err;

    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK)
        keep_mine(c, doc);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* What the users of the snapshots are in: *N of them in *MINE_OUT. */
static enum err gather_mine(struct mg_conn *c, struct store_req *const *reqs, size_t n,
                            struct mg_mine **mine_out, size_t *mine_n)
{
    struct mg_list list;

    *mine_n = 0;
    *mine_out = arena_alloc(c->arena, (n + 1) * sizeof(**mine_out));
    mg_list_begin(&list, "user");
    for (size_t i = 0; i < n; i++) {
        const char *id = reqs[i]->op == STORE_SNAPSHOT ? reqs[i]->in.user.user : NULL;
        const struct account *a = id != NULL ? map_get(&c->warm.users, id, strlen(id)) : NULL;
        if (a == NULL || map_get(&c->warm.mine, &a->key, sizeof(a->key)) != NULL)
            continue;
        struct mg_mine *mine = &(*mine_out)[(*mine_n)++];
        *mine = (struct mg_mine){.user_key = a->key};
        map_put(&c->warm.mine, &mine->user_key, sizeof(mine->user_key), mine);
        mg_list_int(&list, a->key);
    }
    bson_t *filter = mg_list_end(&list);
    if (*mine_n == 0) {
        bson_destroy(filter);
        return ERR_OK;
    }
    (void)BSON_APPEND_BOOL(filter, "exists", true);
    return load_mine(c, filter);
}

/* The channels of KEYS that are there; their streams after the *N in STREAMS. */
static enum err load_chans(struct mg_conn *c, const int64_t *keys, size_t keys_n,
                           struct stream **streams, size_t *n)
{
    struct mg_list list;
    const bson_t *doc;
    enum err err;

    mg_list_begin(&list, "key");
    for (size_t i = 0; i < keys_n; i++)
        mg_list_int(&list, keys[i]);
    mongoc_cursor_t *cursor = mg_find(c, MG_STREAMS, mg_list_end(&list), NULL);
    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        struct chan *chan = arena_alloc(c->arena, sizeof(*chan));
        if (!mg_read_chan(c->arena, doc, c->backend->epoch, chan) ||
            map_get(&c->warm.chans, &chan->stream.key, sizeof(chan->stream.key)) != NULL)
            continue;
        map_put(&c->warm.chans, &chan->stream.key, sizeof(chan->stream.key), chan);
        streams[(*n)++] = &chan->stream;
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static size_t count_mine(const struct mg_mine *mine, size_t n)
{
    size_t total = 0;

    for (size_t i = 0; i < n; i++)
        total += mine[i].n;
    return total;
}

static size_t list_keys(const struct mg_mine *mine, size_t n, int64_t *keys)
{
    struct map seen = {0};
    size_t keys_n = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < mine[i].n; k++) {
            const int64_t *key = &mine[i].members[k].chan_key;
            if (map_get(&seen, key, sizeof(*key)) != NULL)
                continue;
            map_put(&seen, key, sizeof(*key), keys);
            keys[keys_n++] = *key;
        }
    map_free(&seen);
    return keys_n;
}

static enum err gather_chans(struct mg_conn *c, const struct mg_mine *mine, size_t n)
{
    size_t total = count_mine(mine, n);
    int64_t *keys = arena_alloc(c->arena, (total + 1) * sizeof(*keys));
    size_t keys_n = list_keys(mine, n, keys);
    struct stream **streams = arena_alloc(c->arena, (keys_n + 1) * sizeof(*streams));
    size_t streams_n = 0;
    enum err err = ERR_OK;

    for (size_t i = 0; err == ERR_OK && i < keys_n; i += MG_PAGE)
        err = load_chans(c, keys + i, keys_n - i < MG_PAGE ? keys_n - i : MG_PAGE, streams,
                         &streams_n);
    return err == ERR_OK ? mg_tops(c, streams, streams_n) : err;
}

static enum err gather_views(struct mg_conn *c, const struct mg_mine *mine, size_t n)
{
    struct mg_view *views = arena_alloc(c->arena, (count_mine(mine, n) + 1) * sizeof(*views));
    size_t views_n = 0;

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < mine[i].n; k++) {
            const struct membership *m = &mine[i].members[k];
            const struct chan *chan = map_get(&c->warm.chans, &m->chan_key, sizeof(m->chan_key));
            if (chan != NULL)
                views[views_n++] = (struct mg_view){chan, m};
        }
    return mg_warm_views(c, views, views_n);
}

enum err mg_gather(struct store_conn *conn, struct store_req *const *reqs, size_t n)
{
    struct mg_conn *c = mg(conn);
    struct mg_mine *mine;
    size_t mine_n;
    enum err err = gather_sessions(c, reqs, n);

    if (err == ERR_OK)
        err = gather_users(c, reqs, n);
    if (err == ERR_OK)
        err = gather_streams(c, reqs, n);
    if (err == ERR_OK)
        err = gather_mine(c, reqs, n, &mine, &mine_n);
    if (err == ERR_OK)
        err = gather_chans(c, mine, mine_n);
    return err == ERR_OK ? gather_views(c, mine, mine_n) : err;
}
