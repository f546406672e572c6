/* log.c - streams and their events. */
#include <stdio.h>
#include <string.h>

#include "storage/mongo/mongo.h"

/* What a reader gets is brought up to the log's top; a writer gets what is applied, and applies the
 * rest itself (txn.c). */
MG_OP(stream_get, const char *name, struct stream *out)
{
    struct mg_conn *c = mg(conn);
    const struct stream *warm = map_get(&c->warm.streams, name, strlen(name));
    bson_t *doc;

    if (warm != NULL) {
        *out = *warm;
        return out->name[0] != '\0' ? ERR_OK : ERR_NOT_FOUND;
    }
    enum err err = mg_one(c, MG_STREAMS, BCON_NEW("_id", BCON_UTF8(name)), NULL, &doc);

    if (err != ERR_OK)
        return err;
    mg_read_stream(doc, c->backend->epoch, out);
    bson_destroy(doc);
    if (c->writing)
        return ERR_OK;
    err = mg_tops(c, &out, 1);
    return err == ERR_OK && out->seq == 0 && out->name[0] == 'c' ? ERR_NOT_FOUND : err;
}

static bool all_warm(struct mg_conn *c, const char *const *names, size_t n, struct stream *out)
{
    for (size_t i = 0; i < n; i++) {
        const struct stream *warm = map_get(&c->warm.streams, names[i], strlen(names[i]));
        if (warm == NULL)
            return false;
        out[i] = *warm;
    }
    return true;
}

MG_OP(streams_get, struct arena *arena, const char *const *names, size_t n, struct stream *out)
{
    struct mg_conn *c = mg(conn);
    struct stream **found = arena_alloc(arena, (n + 1) * sizeof(*found));
    struct map by_name = {0};
    size_t found_n = 0;
    struct mg_list list;
    const bson_t *doc;
    enum err err = ERR_OK;

    if (all_warm(c, names, n, out))
        return ERR_OK;
    mg_list_begin(&list, "_id");
    for (size_t i = 0; i < n; i++) {
        out[i] = (struct stream){0};
        mg_list_text(&list, names[i]);
        if (map_get(&by_name, names[i], strlen(names[i])) == NULL)
            map_put(&by_name, names[i], strlen(names[i]), &out[i]);
    }
    mongoc_cursor_t *cursor = mg_find(c, MG_STREAMS, mg_list_end(&list), NULL);
    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        const char *name = mg_text(arena, doc, "_id");
        struct stream *s = map_get(&by_name, name, strlen(name));
        if (s == NULL || s->name[0] != '\0')
            continue;
        mg_read_stream(doc, c->backend->epoch, s);
        found[found_n++] = s;
    }
    if (err == ERR_NOT_FOUND)
        err = mg_tops(c, found, found_n);
    for (size_t i = 0; err == ERR_OK && i < n; i++) { /* asked for twice */
        const struct stream *s = map_get(&by_name, names[i], strlen(names[i]));
        if (s != &out[i])
            out[i] = *s;
        if (out[i].seq == 0 && out[i].name[0] == 'c')
            out[i].name[0] = '\0'; /* claimed, never made */
    }
    map_free(&by_name);
    return err;
}

/* At once, so that whoever finds the stream's events finds its name: an empty stream is none. */
MG_OP(stream_add, struct stream *stream)
{
    struct mg_conn *c = mg(conn);

    memcpy(stream->epoch, c->backend->epoch, sizeof(stream->epoch));
    stream->key = mg_stream_key(stream->name);
    enum err err = mg_update(c, MG_STREAMS, BCON_NEW("_id", BCON_UTF8(stream->name)),
                             BCON_NEW("$setOnInsert", "{", "key", BCON_INT64(stream->key), "seq",
                                      BCON_INT64(0), "msg_no", BCON_INT64(0), "}"),
                             true);
    return err == ERR_CONFLICT ? ERR_OK : err; /* two at once: the other one's is the same */
}

MG_OP(stream_save, const struct stream *stream)
{
    late_stream(&mg(conn)->stage.late, stream);
    return ERR_OK;
}

static void keep_place(struct mg_conn *c, const struct staged_event *e, size_t index)
{
    int64_t *place = arena_alloc(c->arena, 2 * sizeof(*place));
    size_t *at = arena_alloc(c->arena, sizeof(*at));

    place[0] = e->key;
    place[1] = (int64_t)e->row.seq;
    *at = index;
    map_put(&c->stage.places, place, 2 * sizeof(*place), at);
}

/* False: this client_msg_id is known. */
static bool keep_dedup(struct mg_conn *c, int64_t key, const struct event_row *row)
{
    if (row->client_msg_id == NULL)
        return true;
    const char *dedup = mg_dedup(c->arena, row->actor_key, row->client_msg_id);
    size_t n = strlen(dedup);
    if (map_get(&c->stage.dedups, dedup, n) != NULL || map_get(&c->warm.dedups, dedup, n) != NULL)
        return false;
    int64_t *place = arena_alloc(c->arena, 2 * sizeof(*place));
    place[0] = key;
    place[1] = (int64_t)row->seq;
    map_put(&c->stage.dedups, dedup, n, place);
    return true;
}

/* The event that carries this one: the one in the channel's stream that it tells a user about. */
static struct staged_event *carrier_of(struct mg_conn *c, const struct stream *stream,
                                       const struct event_row *row)
{
    char name[STORE_STREAM_SIZE];

    if (stream->name[0] != 'u' || row->subject == NULL)
        return NULL;
    (void)snprintf(name, sizeof(name), "c:%.*s", ID_MAX, row->subject);
    return stage_event_at(&c->stage, mg_stream_key(name), row->link);
}

MG_OP(event_add, const struct stream *stream, const struct event_row *row)
{
    struct mg_conn *c = mg(conn);
    char id[ID_SIZE];

    if (!keep_dedup(c, stream->key, row))
        return ERR_CONFLICT;
    id_make(id);
    size_t index = c->stage.events.n;
    struct staged_event *e = STAGE_ADD(c->stage.events);
    *e = (struct staged_event){.req = c->stage.req,
                               .id = arena_strdup(c->arena, id),
                               .stream = arena_strdup(c->arena, stream->name),
                               .key = stream->key,
                               .row = *row,
                               .no = stream->msg_no};
    e->row.actor = arena_strdup(c->arena, row->actor);
    e->row.subject = arena_strdup(c->arena, row->subject);
    e->row.client_msg_id = arena_strdup(c->arena, row->client_msg_id);
    e->row.data = arena_strndup(c->arena, row->data, row->data_len);
    keep_place(c, e, index);
    struct staged_event *carrier = carrier_of(c, stream, row);
    if (carrier != NULL && carrier->req == e->req) {
        carrier->follower = index + 1;
        e->follows = true;
        e->id = mg_follower_id(c->arena, carrier->id);
    }
    if (row->type != STORE_EVENT_MESSAGE_CREATED && row->type != STORE_EVENT_READ_MARKED)
        c->stage.heavy = true;
    return ERR_OK;
}

uint64_t mg_event_seq(struct store_conn *conn, size_t i)
{
    return mg(conn)->stage.events.items[i].row.seq;
}

MG_OP(expect, const struct stream *stream)
{
    *STAGE_ADD(mg(conn)->stage.expected) =
        (struct expected){.key = stream->key, .seq = stream->seq};
    return ERR_OK;
}

static bson_t *at_place(int64_t key, uint64_t seq)
{
    return BCON_NEW("key", BCON_INT64(key), "seq", BCON_INT64((int64_t)seq));
}

MG_OP(event_get, const struct stream *stream, uint64_t seq, struct event_row *out)
{
    struct mg_conn *c = mg(conn);
    const struct staged_event *e = stage_event_at(&c->stage, stream->key, seq);
    bson_t *doc;

    if (e != NULL) {
        *out = e->row;
        return ERR_OK;
    }
    enum err err = mg_one(c, MG_EVENTS, at_place(stream->key, seq), NULL, &doc);
    if (err != ERR_OK)
        return err;
    *out =
        (struct event_row){.seq = seq,
                           .type = (enum store_event_type)mg_enum(doc, "type", STORE_EVENT_TYPES),
                           .at = mg_int(doc, "at"),
                           .link = mg_uint(doc, "link")};
    bson_destroy(doc);
    return ERR_OK;
}

MG_OP(event_scrub, const struct stream *stream, uint64_t seq, const char *data, size_t data_len)
{
    struct mg_conn *c = mg(conn);
    struct staged_event *e = stage_event_at(&c->stage, stream->key, seq);

    if (e != NULL) {
        e->row.data = arena_strndup(c->arena, data, data_len);
        e->row.data_len = data_len;
        e->text = NULL;
        e->as_name = e->as_icon = NULL;
        return ERR_OK;
    }
    char *copy = arena_strndup(c->arena, data, data_len);
    stage_write(c, MG_EVENTS, WRITE_UPDATE, at_place(stream->key, seq),
                BCON_NEW("$set", "{", "data", BCON_UTF8(copy), "}", "$unset", "{", "text",
                         BCON_INT32(1), "mentions", BCON_INT32(1), "as_name", BCON_INT32(1),
                         "as_icon", BCON_INT32(1), "}"));
    return ERR_OK;
}

MG_OP(events_list, struct arena *arena, const struct stream *stream, uint64_t after, uint32_t limit,
      struct store_event **out, size_t *n)
{
    struct mg_conn *c = mg(conn);
    const char *name = arena_strdup(arena, stream->name);
    const char *epoch = arena_strdup(arena, stream->epoch);
    const bson_t *doc;
    enum err err;

    *n = 0;
    *out = arena_alloc(arena, (limit + 1) * sizeof(**out));
    if (after >= stream->seq)
        return ERR_OK;
    uint64_t last = stream->seq - after > limit ? after + limit : stream->seq;
    mongoc_cursor_t *cursor =
        mg_find(c, MG_EVENTS,
                BCON_NEW("key", BCON_INT64(stream->key), "seq", "{", "$gt",
                         BCON_INT64((int64_t)after), "$lte", BCON_INT64((int64_t)last), "}"),
                BCON_NEW("sort", "{", "seq", BCON_INT32(1), "}", "limit", BCON_INT64(limit)));
    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        struct event_row row;
        if (*n == limit)
            continue;
        mg_read_event(arena, doc, &row);
        bool own = row.type == STORE_EVENT_CHANNEL_JOINED || row.type == STORE_EVENT_CHANNEL_LEFT;
        (*out)[(*n)++] = (struct store_event){.stream = name,
                                              .epoch = epoch,
                                              .seq = row.seq,
                                              .type = row.type,
                                              .actor = row.actor,
                                              .at = row.at,
                                              .subject = row.subject,
                                              .subject_seq = own ? row.link : 0,
                                              .data = row.data,
                                              .data_len = row.data_len};
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

MG_OP(client_msg_find, int64_t author_key, const char *client_msg_id, int64_t *chan_key_out,
      uint64_t *seq_out)
{
    struct mg_conn *c = mg(conn);
    const char *dedup = mg_dedup(c->arena, author_key, client_msg_id);
    const int64_t *place = map_get(&c->stage.dedups, dedup, strlen(dedup));
    bson_t *doc;

    if (place != NULL) {
        *chan_key_out = place[0];
        *seq_out = (uint64_t)place[1];
        return ERR_OK;
    }
    enum err err = mg_one(c, MG_EVENTS, BCON_NEW("dedup", BCON_UTF8(dedup)), NULL, &doc);
    if (err != ERR_OK)
        return err;
    *chan_key_out = mg_int(doc, "key");
    *seq_out = mg_uint(doc, "seq");
    bson_destroy(doc);
    return ERR_OK;
}

/* -- for a rebuild ---------------------------------------------------------------------------- */

static enum err scan_stream(struct mg_conn *c, const char *name, int64_t key, event_visit_fn visit,
                            void *arg)
{
    const bson_t *doc;
    mongoc_cursor_t *cursor = mg_find(c, MG_EVENTS, BCON_NEW("key", BCON_INT64(key)),
                                      BCON_NEW("sort", "{", "seq", BCON_INT32(1), "}"));
    enum err err;

    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        struct arena *arena = arena_create();
        struct event_row row;
        mg_read_event(arena, doc, &row);
        err = visit(arg, name, key, &row);
        arena_destroy(&arena);
        if (err != ERR_OK) {
            mongoc_cursor_destroy(cursor);
            return err;
        }
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

MG_OP(events_scan, bool reads, event_visit_fn visit, void *arg)
{
    struct mg_conn *c = mg(conn);
    char name[STORE_STREAM_SIZE] = "";

    for (;;) {
        bson_t *doc;
        enum err err = mg_one(c, MG_STREAMS, BCON_NEW("_id", "{", "$gt", BCON_UTF8(name), "}"),
                              BCON_NEW("sort", "{", "_id", BCON_INT32(1), "}"), &doc);
        if (err != ERR_OK)
            return err == ERR_NOT_FOUND ? ERR_OK : err;
        mg_text_into(name, sizeof(name), doc, "_id");
        int64_t key = mg_int(doc, "key");
        bson_destroy(doc);
        if ((name[0] == 'r') == reads)
            err = scan_stream(c, name, key, visit, arg);
        if (err != ERR_OK)
            return err;
    }
}

MG_OP(events_count, uint64_t *out)
{
    return mg_count(mg(conn), MG_EVENTS, bson_new(), out);
}

/* A rebuild of a database that several nodes may use would need all of them to stop: it is refused.
 */
enum err mg_projections_clear(struct store_conn *conn)
{
    return mg_fail_text(mg(conn), ERR_INVALID_PARAMS,
                        "a MongoDB store is rebuilt by its nodes, stream by stream, as they need"
                        " it");
}
