/* views.c - what a list of channels shows about each, with a few queries for all of them. */
#include <stdlib.h>
#include <string.h>

#include "storage/mongo/mongo.h"

static void count_one(struct mg_conn *c, const struct membership *m)
{
    uint64_t *count = arena_alloc(c->arena, sizeof(*count));
    struct mg_pair *pair = arena_alloc(c->arena, sizeof(*pair));

    *pair = (struct mg_pair){m->chan_key, m->user_key};
    if (map_get(&c->warm.counts, pair, sizeof(*pair)) == NULL)
        map_put(&c->warm.counts, pair, sizeof(*pair), count);
}

/* Where nothing is unread, nobody is mentioned. */
static bson_t *unread_mentions(struct mg_conn *c, int64_t user_key, const struct chan *chans,
                               const struct membership *members, size_t n, size_t *asked_out)
{
    bson_t filter = BSON_INITIALIZER;
    bson_t list;
    size_t asked = 0;

    (void)BSON_APPEND_ARRAY_BEGIN(&filter, "$or", &list);
    for (size_t i = 0; i < n; i++) {
        char room[16];
        const char *index;
        if (!members[i].exists)
            continue;
        count_one(c, &members[i]);
        if (chans[i].stream.msg_no <= members[i].read_no)
            continue;
        bson_t *one =
            BCON_NEW("user", BCON_INT64(user_key), "channel", BCON_INT64(chans[i].stream.key),
                     "seq", "{", "$gt", BCON_INT64((int64_t)members[i].read_seq), "}");
        (void)bson_uint32_to_string((uint32_t)asked++, &index, room, sizeof(room));
        (void)BSON_APPEND_DOCUMENT(&list, index, one);
        bson_destroy(one);
    }
    (void)bson_append_array_end(&filter, &list);
    *asked_out = asked;
    bson_t *out = bson_copy(&filter);
    bson_destroy(&filter);
    return out;
}

static enum err warm_counts(struct mg_conn *c, int64_t user_key, const struct chan *chans,
                            const struct membership *members, size_t n)
{
    size_t asked;
    const bson_t *doc;
    enum err err;
    bson_t *filter = unread_mentions(c, user_key, chans, members, n, &asked);

    if (asked == 0) {
        bson_destroy(filter);
        return ERR_OK;
    }
    mongoc_cursor_t *cursor = mg_find(c, MG_MENTIONS, filter,
                                      BCON_NEW("projection", "{", "_id", BCON_INT32(0), "channel",
                                               BCON_INT32(1), "on", BCON_INT32(1), "}"));
    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        struct mg_pair pair = {mg_int(doc, "channel"), user_key};
        uint64_t *count = map_get(&c->warm.counts, &pair, sizeof(pair));
        if (count != NULL && mg_true(doc, "on"))
            ++*count;
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* -- the people of dms ------------------------------------------------------------------------ */

static struct mg_people *people_of(struct mg_conn *c, int64_t chan_key)
{
    return map_get(&c->warm.dms, &chan_key, sizeof(chan_key));
}

static void add_person(struct mg_conn *c, struct arena *arena, const struct membership *m)
{
    struct mg_people *p = people_of(c, m->chan_key);
    const struct account *a = map_get(&c->warm.keys, &m->user_key, sizeof(m->user_key));

    if (p == NULL || a == NULL || p->n == STORE_DM_USERS_MAX)
        return;
    p->members[p->n++] = (struct store_member){
        .user = mg_copy_user(arena, &a->user), .role = m->role, .joined_at = m->joined_at};
}

static enum err load_people(struct mg_conn *c, struct arena *arena, bson_t *filter, size_t max)
{
    struct membership *rows = arena_alloc(c->arena, (max + 1) * sizeof(*rows));
    size_t n = 0;
    const bson_t *doc;
    enum err err;
    mongoc_cursor_t *cursor =
        mg_find(c, MG_MEMBERS, filter, BCON_NEW("sort", "{", "user", BCON_INT32(1), "}"));

    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK)
        if (n < max)
            mg_read_member(doc, &rows[n++]);
    if (err == ERR_NOT_FOUND)
        err = mg_warm_accounts(c, rows, n);
    for (size_t i = 0; err == ERR_OK && i < n; i++)
        if (rows[i].exists)
            add_person(c, arena, &rows[i]);
    return err;
}

static enum err warm_dms(struct mg_conn *c, struct arena *arena, const struct chan *chans, size_t n)
{
    struct mg_list list;
    size_t dms = 0;

    mg_list_begin(&list, "channel");
    for (size_t i = 0; i < n; i++) {
        if (chans[i].type != STORE_DM || people_of(c, chans[i].stream.key) != NULL)
            continue;
        struct mg_people *p = arena_alloc(c->arena, sizeof(*p));
        p->chan_key = chans[i].stream.key;
        p->members = arena_alloc(arena, STORE_DM_USERS_MAX * sizeof(*p->members));
        map_put(&c->warm.dms, &p->chan_key, sizeof(p->chan_key), p);
        mg_list_int(&list, p->chan_key);
        dms++;
    }
    bson_t *filter = mg_list_end(&list);
    if (dms > 0)
        return load_people(c, arena, filter, dms * STORE_DM_USERS_MAX);
    bson_destroy(filter);
    return ERR_OK;
}

enum err mg_warm_views(struct mg_conn *c, struct arena *arena, int64_t user_key,
                       const struct chan *chans, const struct membership *members, size_t n)
{
    enum err err = warm_dms(c, arena, chans, n);

    return err == ERR_OK && user_key != 0 ? warm_counts(c, user_key, chans, members, n) : err;
}
