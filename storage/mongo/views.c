/* views.c - what a list of channels shows about each, with a few queries for all of them. */
#include <stdlib.h>
#include <string.h>

#include "storage/mongo/mongo.h"

enum { CLAUSES_MAX = 200, DMS_AT_ONCE = 100 };

/* -- unread mentions -------------------------------------------------------------------------- */

/* A count to be made. Where nothing is unread, nobody is mentioned. */
struct tally {
    struct mg_count *count;
    unsigned reach; /* how much is unread, as a power of two */
};

static unsigned reach_of(uint64_t unread)
{
    unsigned out = 0;

    while (unread > 1) {
        unread >>= 1;
        out++;
    }
    return out;
}

/* Those of one channel and of a like reach beside each other. */
static int by_reach(const void *a, const void *b)
{
    const struct tally *x = a;
    const struct tally *y = b;

    if (x->count->chan_key != y->count->chan_key)
        return x->count->chan_key < y->count->chan_key ? -1 : 1;
    return x->reach < y->reach ? -1 : x->reach > y->reach;
}

static size_t list_tallies(struct mg_conn *c, const struct mg_view *views, size_t n,
                           struct tally *out)
{
    size_t out_n = 0;

    for (size_t i = 0; i < n; i++) {
        const struct membership *m = views[i].member;
        const struct stream *s = &views[i].chan->stream;
        struct mg_pair pair = {m != NULL ? m->chan_key : 0, m != NULL ? m->user_key : 0};
        if (m == NULL || !m->exists || map_get(&c->warm.counts, &pair, sizeof(pair)) != NULL)
            continue;
        struct mg_count *count = arena_alloc(c->arena, sizeof(*count));
        *count = (struct mg_count){
            .chan_key = m->chan_key, .user_key = m->user_key, .after = m->read_seq};
        map_put(&c->warm.counts, &count->chan_key, sizeof(pair), count);
        if (s->msg_no > m->read_no && s->seq > m->read_seq)
            out[out_n++] = (struct tally){count, reach_of(s->seq - m->read_seq)};
    }
    if (out_n > 1)
        qsort(out, out_n, sizeof(*out), by_reach);
    return out_n;
}

/* A clause for the users of TALLIES, which are of one channel: from where the first of them has to
 * count. They have read about as much, so that little is found that is not counted. */
static void put_clause(bson_t *list, uint32_t at, const struct tally *tallies, size_t n)
{
    char room[16];
    const char *index;
    struct mg_list users;
    uint64_t after = tallies[0].count->after;

    mg_list_begin(&users, "user");
    for (size_t i = 0; i < n; i++) {
        mg_list_int(&users, tallies[i].count->user_key);
        after = tallies[i].count->after < after ? tallies[i].count->after : after;
    }
    bson_t *one = mg_list_end(&users);
    BCON_APPEND(one, "channel", BCON_INT64(tallies[0].count->chan_key), "seq", "{", "$gt",
                BCON_INT64((int64_t)after), "}");
    (void)bson_uint32_to_string(at, &index, room, sizeof(room));
    (void)BSON_APPEND_DOCUMENT(list, index, one);
    bson_destroy(one);
}

/* The first TALLIES, as many as one question takes; *USED_OUT of them. */
static bson_t *unread_mentions(const struct tally *tallies, size_t n, size_t *used_out)
{
    bson_t *filter = bson_new();
    bson_t list;
    size_t i = 0;

    (void)BSON_APPEND_ARRAY_BEGIN(filter, "$or", &list);
    for (uint32_t clauses = 0; i < n && clauses < CLAUSES_MAX; clauses++) {
        size_t end = i + 1;
        while (end < n && end - i < MG_PAGE && by_reach(&tallies[i], &tallies[end]) == 0)
            end++;
        put_clause(&list, clauses, &tallies[i], end - i);
        i = end;
    }
    (void)bson_append_array_end(filter, &list);
    *used_out = i;
    return filter;
}

static enum err count_mentions(struct mg_conn *c, bson_t *filter)
{
    const bson_t *doc;
    enum err err;
    mongoc_cursor_t *cursor =
        mg_find(c, MG_MENTIONS, filter,
                BCON_NEW("projection", "{", "_id", BCON_INT32(0), "channel", BCON_INT32(1), "user",
                         BCON_INT32(1), "seq", BCON_INT32(1), "on", BCON_INT32(1), "}"));

    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        struct mg_pair pair = {mg_int(doc, "channel"), mg_int(doc, "user")};
        struct mg_count *count = map_get(&c->warm.counts, &pair, sizeof(pair));
        if (count != NULL && mg_true(doc, "on") && mg_uint(doc, "seq") > count->after)
            count->n++;
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err warm_counts(struct mg_conn *c, const struct mg_view *views, size_t n)
{
    struct tally *tallies = arena_alloc(c->arena, (n + 1) * sizeof(*tallies));
    size_t tallies_n = list_tallies(c, views, n, tallies);
    enum err err = ERR_OK;

    for (size_t i = 0, used; err == ERR_OK && i < tallies_n; i += used)
        err = count_mentions(c, unread_mentions(tallies + i, tallies_n - i, &used));
    return err;
}

/* -- the people of dms ------------------------------------------------------------------------ */

static struct mg_people *people_of(struct mg_conn *c, int64_t chan_key)
{
    return map_get(&c->warm.dms, &chan_key, sizeof(chan_key));
}

static void add_person(struct mg_conn *c, const struct membership *m)
{
    struct mg_people *p = people_of(c, m->chan_key);
    const struct account *a = map_get(&c->warm.keys, &m->user_key, sizeof(m->user_key));

    if (p == NULL || a == NULL || p->n == STORE_DM_USERS_MAX)
        return;
    p->members[p->n++] =
        (struct store_member){.user = a->user, .role = m->role, .joined_at = m->joined_at};
}

static enum err load_people(struct mg_conn *c, bson_t *filter, size_t max)
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
            add_person(c, &rows[i]);
    return err;
}

/* Those of the first VIEWS, as many dms as one question takes; *USED_OUT of the views. */
static enum err warm_some_dms(struct mg_conn *c, const struct mg_view *views, size_t n,
                              size_t *used_out)
{
    struct mg_list list;
    size_t dms = 0;
    size_t i;

    mg_list_begin(&list, "channel");
    for (i = 0; i < n && dms < DMS_AT_ONCE; i++) {
        const struct chan *chan = views[i].chan;
        if (chan->type != STORE_DM || people_of(c, chan->stream.key) != NULL)
            continue;
        struct mg_people *p = arena_alloc(c->arena, sizeof(*p));
        p->chan_key = chan->stream.key;
        p->members = arena_alloc(c->arena, STORE_DM_USERS_MAX * sizeof(*p->members));
        map_put(&c->warm.dms, &p->chan_key, sizeof(p->chan_key), p);
        mg_list_int(&list, p->chan_key);
        dms++;
    }
    *used_out = i;
    bson_t *filter = mg_list_end(&list);
    if (dms > 0)
        return load_people(c, filter, dms * STORE_DM_USERS_MAX);
    bson_destroy(filter);
    return ERR_OK;
}

enum err mg_warm_views(struct mg_conn *c, const struct mg_view *views, size_t n)
{
    enum err err = ERR_OK;

    for (size_t i = 0, used; err == ERR_OK && i < n; i += used)
        err = warm_some_dms(c, views + i, n - i, &used);
    return err == ERR_OK ? warm_counts(c, views, n) : err;
}
