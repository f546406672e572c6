/* warm.c - loading rows together: a batch of hundreds of requests after a lost race would else ask
 * for each account and each membership on its own. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "storage/mongo/mongo.h"

static void each_map(struct mg_warm *warm, void (*visit)(struct map *))
{
    visit(&warm->users);
    visit(&warm->keys);
    visit(&warm->members);
    visit(&warm->dedups);
    visit(&warm->counts);
    visit(&warm->dms);
    visit(&warm->sessions);
    visit(&warm->streams);
    visit(&warm->mine);
    visit(&warm->chans);
}

void mg_warm_clear(struct mg_conn *c)
{
    each_map(&c->warm, map_clear);
}

void mg_warm_free(struct mg_conn *c)
{
    each_map(&c->warm, map_free);
}

void mg_keep_user(struct mg_conn *c, const bson_t *doc)
{
    struct account *a = arena_alloc(c->arena, sizeof(*a));

    mg_read_user(c->arena, doc, a);
    if (map_get(&c->warm.users, a->user.id, strlen(a->user.id)) != NULL)
        return;
    map_put(&c->warm.users, a->user.id, strlen(a->user.id), a);
    map_put(&c->warm.keys, &a->key, sizeof(a->key), a);
}

struct store_user mg_copy_user(struct arena *arena, const struct store_user *user)
{
    struct store_user out = *user;

    out.id = arena_strdup(arena, user->id);
    out.name = arena_strdup(arena, user->name);
    out.display_name = arena_strdup(arena, user->display_name);
    if (user->owner != NULL)
        out.owner = arena_strdup(arena, user->owner);
    out.password_hash = NULL;
    return out;
}

static enum err keep_users(struct mg_conn *c, bson_t *filter)
{
    mongoc_cursor_t *cursor = mg_find(c, MG_USERS, filter, NULL);
    const bson_t *doc;
    enum err err;

    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK)
        mg_keep_user(c, doc);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err mg_warm_users(struct mg_conn *c, const char *const *ids, size_t n)
{
    struct map asked = {0};
    struct mg_list list;

    mg_list_begin(&list, "_id");
    for (size_t i = 0; i < n && list.n < MG_PAGE; i++) {
        size_t len = ids[i] != NULL ? strlen(ids[i]) : 0;
        if (len == 0 || map_get(&c->warm.users, ids[i], len) != NULL ||
            map_get(&asked, ids[i], len) != NULL)
            continue;
        map_put(&asked, ids[i], len, c);
        mg_list_text(&list, ids[i]);
    }
    map_free(&asked);
    bool any = list.n > 0;
    bson_t *filter = mg_list_end(&list);
    if (any)
        return keep_users(c, filter);
    bson_destroy(filter);
    return ERR_OK;
}

enum err mg_warm_accounts(struct mg_conn *c, const struct membership *members, size_t n)
{
    struct mg_list list;

    if (n == 0)
        return ERR_OK;
    mg_list_begin(&list, "key");
    for (size_t i = 0; i < n; i++)
        mg_list_int(&list, members[i].user_key);
    return keep_users(c, mg_list_end(&list));
}

/* Those that are not found are kept as well: they are no members. */
static enum err load_members(struct mg_conn *c, bson_t *filter)
{
    mongoc_cursor_t *cursor = mg_find(c, MG_MEMBERS, filter, NULL);
    const bson_t *doc;
    enum err err;

    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        struct membership row;
        mg_read_member(doc, &row);
        struct mg_pair pair = {row.chan_key, row.user_key};
        struct membership *m = map_get(&c->warm.members, &pair, sizeof(pair));
        if (m != NULL)
            *m = row;
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err mg_warm_members(struct mg_conn *c, const struct mg_pair *pairs, size_t n)
{
    struct mg_list list;

    mg_list_begin(&list, "_id");
    for (size_t i = 0; i < n && list.n < MG_PAGE; i++) {
        char id[MG_MEMBER_ID_SIZE];
        if (map_get(&c->warm.members, &pairs[i], sizeof(pairs[i])) != NULL)
            continue;
        struct membership *m = arena_alloc(c->arena, sizeof(*m));
        m->chan_key = pairs[i].chan_key;
        m->user_key = pairs[i].user_key;
        map_put(&c->warm.members, &m->chan_key, sizeof(pairs[i]), m);
        mg_member_id(m->chan_key, m->user_key, id);
        mg_list_text(&list, id);
    }
    bool any = list.n > 0;
    bson_t *filter = mg_list_end(&list);
    if (any)
        return load_members(c, filter);
    bson_destroy(filter);
    return ERR_OK;
}

static const char *channel_of(const struct store_req *req)
{
    if (req->op == STORE_MESSAGE_SEND)
        return req->in.send.channel;
    if (req->op == STORE_READ_MARK)
        return req->in.read.channel;
    return req->op == STORE_CHANNEL_JOIN || req->op == STORE_CHANNEL_LEAVE ? req->in.channel.channel
                                                                           : NULL;
}

/* Whether one of the requests writes into a stream in which turns are taken. */
static bool needs_turn(struct mg_conn *c, struct store_req *const *reqs, size_t n)
{
    const char *last = "";

    for (size_t i = 0; i < n; i++) {
        char name[STORE_STREAM_SIZE];
        const char *channel = channel_of(reqs[i]);
        if (channel == NULL || channel[0] == '#' || strcmp(channel, last) == 0)
            continue;
        last = channel;
        (void)snprintf(name, sizeof(name), "c:%.*s", ID_MAX, channel);
        if (turns_known(c->backend, mg_stream_key(name)))
            return true;
    }
    return false;
}

/* With one of them come all: what joins the batch later may need another. Whoever writes something
 * else meanwhile does not keep the others waiting. */
bool mg_take_turns(struct store_conn *conn, struct store_req *const *reqs, size_t n, bool again)
{
    struct mg_conn *c = mg(conn);

    if (keeper_is_away(c->backend, conn->reason))
        return false;
    turns_give_due(c);
    if (!turns_any(c->backend) || (!again && !needs_turn(c, reqs, n))) {
        turns_give(c);
        return false;
    }
    bool waited = turns_take(c);
    c->began_ns = clock_monotonic_ns();
    return waited;
}

/* Of those that lost a race: which client_msg_ids are known by now? */
static enum err warm_dedups(struct mg_conn *c, struct store_req *const *reqs, size_t n)
{
    struct mg_list list;
    const bson_t *doc;
    enum err err;

    mg_list_begin(&list, "dedup");
    for (size_t i = 0; i < n && list.n < MG_PAGE; i++)
        if (reqs[i]->op == STORE_MESSAGE_SEND && reqs[i]->in.send.client_msg_id != NULL &&
            reqs[i]->actor.user != NULL)
            mg_list_text(&list, mg_dedup(c->arena, mg_account_key(reqs[i]->actor.user),
                                         reqs[i]->in.send.client_msg_id));
    bool any = list.n > 0;
    bson_t *filter = mg_list_end(&list);
    if (!any) {
        bson_destroy(filter);
        return ERR_OK;
    }
    mongoc_cursor_t *cursor =
        mg_find(c, MG_EVENTS, filter,
                BCON_NEW("projection", "{", "_id", BCON_INT32(0), "dedup", BCON_INT32(1), "}"));
    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        const char *dedup = mg_text(c->arena, doc, "dedup");
        if (map_get(&c->warm.dedups, dedup, strlen(dedup)) == NULL)
            map_put(&c->warm.dedups, dedup, strlen(dedup), c);
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err mg_prefetch(struct store_conn *conn, struct store_req *const *reqs, size_t n, bool again)
{
    struct mg_conn *c = mg(conn);
    const char **ids = arena_alloc(c->arena, (n + 1) * sizeof(*ids));
    struct mg_pair *pairs = arena_alloc(c->arena, (n + 1) * sizeof(*pairs));
    size_t ids_n = 0;
    size_t pairs_n = 0;

    for (size_t i = 0; i < n; i++) {
        char name[STORE_STREAM_SIZE];
        const char *channel = channel_of(reqs[i]);
        if (channel == NULL || reqs[i]->actor.user == NULL)
            continue;
        ids[ids_n++] = reqs[i]->actor.user;
        if (channel[0] == '#')
            continue;
        (void)snprintf(name, sizeof(name), "c:%.*s", ID_MAX, channel);
        pairs[pairs_n++] =
            (struct mg_pair){mg_stream_key(name), mg_account_key(reqs[i]->actor.user)};
    }
    enum err err = ids_n > 1 ? mg_warm_users(c, ids, ids_n) : ERR_OK;
    if (err == ERR_OK && pairs_n > 1)
        err = mg_warm_members(c, pairs, pairs_n);
    return err == ERR_OK && again ? warm_dedups(c, reqs, n) : err;
}
