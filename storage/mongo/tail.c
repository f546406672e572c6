/* tail.c - what the log has beyond what its streams' documents say.
 *
 * A document may lag: its node writes it a little later, or died before it did. Messages alone only
 * move the top; anything else, and whatever is old, has to be applied before the stream is served:
 * then its name goes into `behind`.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "storage/mongo/mongo.h"

enum { TOPS_AT_ONCE = 200, TOPS_TAIL = 1000 };

static bson_t *beyond(int64_t key, uint64_t seq)
{
    return BCON_NEW("key", BCON_INT64(key), "seq", "{", "$gt", BCON_INT64((int64_t)seq), "}");
}

/* -- for a writer: the events themselves ------------------------------------------------------ */

/* The event that DOC carries will be appended, unless it was. */
static void redo_follower(struct mg_conn *c, const bson_t *doc)
{
    bson_iter_t iter;
    uint32_t len;
    const uint8_t *data;
    bson_t then;

    if (!bson_iter_init_find(&iter, doc, "then") || !BSON_ITER_HOLDS_DOCUMENT(&iter))
        return;
    bson_iter_document(&iter, &len, &data);
    if (!bson_init_static(&then, data, len))
        return;
    struct staged_event *e = STAGE_ADD(c->stage.redone);
    *e = (struct staged_event){.id = mg_follower_id(c->arena, mg_text(c->arena, doc, "_id")),
                               .stream = mg_text(c->arena, &then, "stream"),
                               .follows = true};
    mg_read_event(c->arena, &then, &e->row);
    e->key = mg_stream_key(e->stream);
    if (e->stream[0] != 'u')
        c->stage.redone.n--;
}

static enum err warm_people(struct mg_conn *c, const struct stream *stream,
                            const struct event_row *rows, size_t n)
{
    const char **ids = arena_alloc(c->arena, (2 * n + 1) * sizeof(*ids));
    struct mg_pair *pairs = arena_alloc(c->arena, (2 * n + 1) * sizeof(*pairs));
    size_t ids_n = 0;

    for (size_t i = 0; i < n; i++) {
        ids[ids_n++] = rows[i].actor;
        if (rows[i].subject != NULL && stream->name[0] == 'c')
            ids[ids_n++] = rows[i].subject;
    }
    for (size_t i = 0; i < ids_n; i++)
        pairs[i] = (struct mg_pair){stream->key, mg_account_key(ids[i])};
    enum err err = mg_warm_users(c, ids, ids_n);
    return err == ERR_OK && stream->name[0] == 'c' ? mg_warm_members(c, pairs, ids_n) : err;
}

enum err mg_tail(struct store_conn *conn, struct arena *arena, const struct stream *stream,
                 struct event_row **out, size_t *n)
{
    struct mg_conn *c = mg(conn);
    const bson_t *doc;
    enum err err;

    *n = 0;
    *out = arena_alloc(arena, STORE_TAIL_PAGE * sizeof(**out));
    mongoc_cursor_t *cursor =
        mg_find(c, MG_EVENTS, beyond(stream->key, stream->seq),
                BCON_NEW("sort", "{", "seq", BCON_INT32(1), "}", "limit",
                         BCON_INT64(STORE_TAIL_PAGE), "projection", "{", "text", BCON_INT32(0),
                         "stream", BCON_INT32(0), "mentions", BCON_INT32(0), "}"));
    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        struct event_row *row = &(*out)[*n];
        mg_read_event(arena, doc, row);
        if (*n == STORE_TAIL_PAGE || row->seq != stream->seq + *n + 1) {
            mongoc_cursor_destroy(cursor);
            return mg_fail_text(c, ERR_INTERNAL, "a stream has a hole");
        }
        redo_follower(c, doc);
        c->stage.heavy = c->stage.heavy || row->type != STORE_EVENT_MESSAGE_CREATED;
        ++*n;
        if (*n == STORE_TAIL_PAGE) {
            mongoc_cursor_destroy(cursor);
            break;
        }
    }
    if (err != ERR_OK && err != ERR_NOT_FOUND)
        return err;
    if (*n == 0 || turns_holds(c, stream->key))
        return ERR_OK; /* who takes turns knows the people by now */
    return warm_people(c, stream, *out, *n);
}

/* -- for a reader: only the tops -------------------------------------------------------------- */

static void note_behind(struct mg_conn *c, const struct stream *s)
{
    for (size_t i = 0; i < c->behind_n; i++)
        if (strcmp(c->behind[i], s->name) == 0)
            return;
    c->behind = mem_realloc_array(c->behind, c->behind_n + 1, sizeof(*c->behind));
    c->behind[c->behind_n++] = arena_strdup(c->arena, s->name);
}

size_t mg_behind(struct store_conn *conn, const char *const **streams_out)
{
    *streams_out = mg(conn)->behind;
    return mg(conn)->behind_n;
}

static bool only_moves_the_top(const struct stream *s, const bson_t *doc)
{
    int type = mg_enum(doc, "type", STORE_EVENT_TYPES);
    int64_t age = clock_unix_ms() - mg_int(doc, "at");

    if (s->name[0] == 'u')
        return true;
    if (age > MG_TAIL_OLD_MS || age < -MG_TAIL_OLD_MS)
        return false;
    return type == STORE_EVENT_MESSAGE_CREATED || type == STORE_EVENT_READ_MARKED;
}

static void see(struct mg_conn *c, struct stream *s, const bson_t *doc)
{
    uint64_t seq = mg_uint(doc, "seq");

    if (seq > s->seq) {
        s->seq = seq;
        s->msg_no = s->name[0] == 'c' ? mg_uint(doc, "no") : 0;
    }
    if (!only_moves_the_top(s, doc))
        note_behind(c, s);
}

static bson_t *filter_of(struct stream *const *streams, size_t n)
{
    bson_t filter = BSON_INITIALIZER;
    bson_t list;

    if (n == 1)
        return beyond(streams[0]->key, streams[0]->seq);
    (void)BSON_APPEND_ARRAY_BEGIN(&filter, "$or", &list);
    for (size_t i = 0; i < n; i++) {
        char room[16];
        const char *index;
        bson_t *one = beyond(streams[i]->key, streams[i]->seq);
        (void)bson_uint32_to_string((uint32_t)i, &index, room, sizeof(room));
        (void)BSON_APPEND_DOCUMENT(&list, index, one);
        bson_destroy(one);
    }
    (void)bson_append_array_end(&filter, &list);
    bson_t *out = bson_copy(&filter);
    bson_destroy(&filter);
    return out;
}

static enum err tops_of_some(struct mg_conn *c, struct stream *const *streams, size_t n)
{
    struct map by_key = {0};
    const bson_t *doc;
    enum err err;
    bson_t *opts = BCON_NEW("projection", "{", "_id", BCON_INT32(0), "key", BCON_INT32(1), "seq",
                            BCON_INT32(1), "no", BCON_INT32(1), "type", BCON_INT32(1), "at",
                            BCON_INT32(1), "}");

    if (n == 1) {
        BCON_APPEND(opts, "sort", "{", "seq", BCON_INT32(-1), "}", "limit", BCON_INT64(TOPS_TAIL));
    }
    for (size_t i = 0; i < n; i++)
        map_put(&by_key, &streams[i]->key, sizeof(streams[i]->key), streams[i]);
    mongoc_cursor_t *cursor = mg_find(c, MG_EVENTS, filter_of(streams, n), opts);
    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        int64_t key = mg_int(doc, "key");
        struct stream *s = map_get(&by_key, &key, sizeof(key));
        if (s != NULL)
            see(c, s, doc);
    }
    map_free(&by_key);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err mg_tops(struct mg_conn *c, struct stream *const *streams, size_t n)
{
    enum err err = ERR_OK;

    for (size_t i = 0; err == ERR_OK && i < n; i += TOPS_AT_ONCE)
        err = tops_of_some(c, streams + i, n - i < TOPS_AT_ONCE ? n - i : TOPS_AT_ONCE);
    return err;
}
