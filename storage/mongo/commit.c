/* commit.c - a batch becomes durable.
 *
 *   what it relied on is still so -> names are claimed -> the events, in order (the commit point)
 *        -> what follows from them -> events that they carry -> tops and read positions, later
 *
 * Whoever finds an event that another one carries (channel.joined) finds the rows that it speaks
 * of: a session's position in its own stream must not be ahead of the channels that it is shown.
 *
 * The events before the first one that the database refuses are committed, nothing behind it is:
 * their requests are done, the others run again (committer.c). When the outcome of an insert is not
 * known, the ids of all its events are looked for before anything is answered.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "storage/mongo/mongo.h"

enum { READ_BACK_TRIES = 3, READ_BACK_PAUSE_NS = 50000000, PLACE_TRIES = 50 };

/* -- documents of events ----------------------------------------------------------------------- */

static void put_event(bson_t *doc, const struct staged_event *e)
{
    const struct event_row *row = &e->row;

    (void)BSON_APPEND_UTF8(doc, "stream", e->stream);
    (void)BSON_APPEND_INT32(doc, "type", (int32_t)row->type);
    (void)BSON_APPEND_UTF8(doc, "actor", row->actor != NULL ? row->actor : "");
    (void)BSON_APPEND_INT64(doc, "at", row->at);
    if (row->subject != NULL)
        (void)BSON_APPEND_UTF8(doc, "subject", row->subject);
    (void)BSON_APPEND_INT64(doc, "link", (int64_t)row->link);
    (void)bson_append_utf8(doc, "data", 4, row->data, (int)row->data_len);
}

static void put_place(bson_t *doc, const struct staged_event *e)
{
    (void)BSON_APPEND_UTF8(doc, "_id", e->id);
    (void)BSON_APPEND_INT64(doc, "key", e->key);
    (void)BSON_APPEND_INT64(doc, "seq", (int64_t)e->row.seq);
    (void)BSON_APPEND_INT64(doc, "no", (int64_t)e->no);
}

static void put_dedup(bson_t *doc, struct arena *arena, const struct staged_event *e)
{
    if (e->row.client_msg_id != NULL) {
        (void)BSON_APPEND_UTF8(doc, "dedup",
                               mg_dedup(arena, e->row.actor_key, e->row.client_msg_id));
        return;
    }
    size_t n = strlen(e->id);
    char *dedup = arena_alloc(arena, n + 2);
    dedup[0] = '=';
    memcpy(dedup + 1, e->id, n + 1);
    (void)BSON_APPEND_UTF8(doc, "dedup", dedup);
}

static void put_message(bson_t *doc, const struct staged_event *e)
{
    bson_t list;

    if (e->text != NULL)
        (void)BSON_APPEND_UTF8(doc, "text", e->text);
    mg_append_text(doc, "as_name", e->as_name);
    mg_append_text(doc, "as_icon", e->as_icon);
    (void)BSON_APPEND_INT64(doc, "edited_at", 0);
    (void)BSON_APPEND_INT64(doc, "deleted_at", 0);
    (void)BSON_APPEND_INT64(doc, "last_edit", 0);
    if (e->mentions_n == 0)
        return;
    (void)BSON_APPEND_ARRAY_BEGIN(doc, "mentions", &list);
    for (size_t i = 0; i < e->mentions_n; i++) {
        char room[16];
        const char *index;
        (void)bson_uint32_to_string((uint32_t)i, &index, room, sizeof(room));
        (void)BSON_APPEND_UTF8(&list, index, e->mentions[i]);
    }
    (void)bson_append_array_end(doc, &list);
}

static bson_t *event_doc(struct mg_conn *c, const struct staged_event *e)
{
    bson_t *doc = bson_new();
    bson_t then;

    put_place(doc, e);
    put_event(doc, e);
    put_dedup(doc, c->arena, e);
    if (e->is_message)
        put_message(doc, e);
    if (e->follower != 0) {
        (void)BSON_APPEND_DOCUMENT_BEGIN(doc, "then", &then);
        put_event(&then, &c->stage.events.items[e->follower - 1]);
        (void)bson_append_document_end(doc, &then);
    }
    return doc;
}

/* -- appending -------------------------------------------------------------------------------- */

/* Some events of a batch, by pointer, in order. */
struct run {
    struct staged_event **events;
    size_t n;
};

/* How many of the first events of RUN are in the database, whatever became of the insert. */
static enum err read_back(struct mg_conn *c, const struct run *run, size_t *n_out)
{
    struct map found = {0};
    struct mg_list list;
    const bson_t *doc;
    enum err err;

    mg_list_begin(&list, "_id");
    for (size_t i = 0; i < run->n; i++)
        mg_list_text(&list, run->events[i]->id);
    mongoc_cursor_t *cursor = mg_find(c, MG_EVENTS, mg_list_end(&list),
                                      BCON_NEW("projection", "{", "_id", BCON_INT32(1), "}"));
    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        const char *id = mg_text(c->arena, doc, "_id");
        if (map_get(&found, id, strlen(id)) == NULL)
            map_put(&found, id, strlen(id), c);
    }
    *n_out = 0;
    while (*n_out < run->n &&
           map_get(&found, run->events[*n_out]->id, strlen(run->events[*n_out]->id)) != NULL)
        ++*n_out;
    map_free(&found);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Insert RUN, at most MG_PAGE events, in order; *N_OUT are in. CONFLICT: the next one is refused.
 */
static enum err insert_run(struct mg_conn *c, const struct run *run, size_t *n_out)
{
    bson_t **docs = arena_alloc(c->arena, run->n * sizeof(bson_t *));
    bson_t opts = BSON_INITIALIZER;
    bson_t reply;
    bson_error_t error;

    for (size_t i = 0; i < run->n; i++)
        docs[i] = event_doc(c, run->events[i]);
    (void)BSON_APPEND_BOOL(&opts, "ordered", true);
    bool fine = mongoc_collection_insert_many(mg_coll(c, MG_EVENTS), (const bson_t **)docs, run->n,
                                              &opts, &reply, &error);
    bool refused = !fine && (mg_only_duplicates(&reply) || mg_taken_back(&error));
    bson_destroy(&reply);
    bson_destroy(&opts);
    for (size_t i = 0; i < run->n; i++)
        bson_destroy(docs[i]);
    *n_out = run->n;
    if (fine)
        return ERR_OK;
    enum err err = ERR_UNAVAILABLE;
    for (int i = 0; err != ERR_OK && i < READ_BACK_TRIES; i++) {
        if (i > 0)
            (void)nanosleep(&(struct timespec){.tv_nsec = READ_BACK_PAUSE_NS}, NULL);
        err = read_back(c, run, n_out);
    }
    if (err != ERR_OK)
        *n_out = 0;
    if (err == ERR_OK && *n_out == run->n)
        return ERR_OK;
    if (refused && err == ERR_OK)
        return ERR_CONFLICT;
    return mg_fail(c, &error);
}

/* The events of this batch that stand for themselves. The first one that is not in, or NULL. */
static const struct staged_event *append_events(struct mg_conn *c, enum err *err_out)
{
    struct stage *s = &c->stage;
    struct staged_event **all = arena_alloc(c->arena, (s->events.n + 1) * sizeof(*all));
    size_t n = 0;

    for (size_t i = 0; i < s->events.n; i++)
        if (!s->events.items[i].follows)
            all[n++] = &s->events.items[i];
    *err_out = ERR_OK;
    for (size_t at = 0; at < n; at += MG_PAGE) {
        struct run run = {all + at, n - at < MG_PAGE ? n - at : MG_PAGE};
        size_t in;
        *err_out = insert_run(c, &run, &in);
        if (*err_out != ERR_OK)
            return run.events[in];
    }
    return NULL;
}

/* -- events that others carry ------------------------------------------------------------------ */

/* Where E is, if it was appended already, perhaps by another node; else the top of its stream. */
static enum err look_for(struct mg_conn *c, const struct staged_event *e, bool *there_out,
                         uint64_t *seq_out)
{
    bson_t *doc;
    enum err err = mg_one(c, MG_EVENTS, BCON_NEW("_id", BCON_UTF8(e->id)), NULL, &doc);

    *there_out = err == ERR_OK;
    *seq_out = 0;
    if (err == ERR_NOT_FOUND)
        err = mg_one(c, MG_EVENTS, BCON_NEW("key", BCON_INT64(e->key)),
                     BCON_NEW("sort", "{", "seq", BCON_INT32(-1), "}"), &doc);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    if (err != ERR_OK)
        return err;
    *seq_out = mg_uint(doc, "seq");
    bson_destroy(doc);
    return ERR_OK;
}

/* Append E wherever there is room. */
static enum err place(struct mg_conn *c, struct staged_event *e)
{
    enum err err = ERR_CONFLICT;

    for (int i = 0; err == ERR_CONFLICT && i < PLACE_TRIES; i++) {
        bool there;
        uint64_t seq;
        err = look_for(c, e, &there, &seq);
        if (err != ERR_OK)
            return err;
        e->row.seq = there ? seq : seq + 1;
        if (there)
            return ERR_OK;
        err = mg_insert(c, MG_EVENTS, event_doc(c, e));
    }
    return err == ERR_CONFLICT ? mg_fail_text(c, ERR_UNAVAILABLE, "a stream is too busy") : err;
}

static enum err append_followers(struct mg_conn *c)
{
    struct stage *s = &c->stage;
    struct run run = {arena_alloc(c->arena, (s->events.n + 1) * sizeof(*run.events)), 0};
    enum err err = ERR_OK;

    for (size_t i = 0; i < s->events.n; i++)
        if (s->events.items[i].follows && s->events.items[i].req < s->durable)
            run.events[run.n++] = &s->events.items[i];
    while (run.n > 0 && (err == ERR_OK || err == ERR_CONFLICT)) {
        struct run some = {run.events, run.n < MG_PAGE ? run.n : MG_PAGE};
        size_t in;
        err = insert_run(c, &some, &in);
        if (err == ERR_CONFLICT) {
            err = place(c, some.events[in]);
            in++;
        }
        if (err != ERR_OK)
            return err;
        run.events += in;
        run.n -= in;
    }
    for (size_t i = 0; err == ERR_OK && i < s->redone.n; i++)
        err = place(c, &s->redone.items[i]);
    return err;
}

/* -- what follows ------------------------------------------------------------------------------ */

static void add_to_bulk(mongoc_bulk_operation_t *bulk, const struct staged_write *w)
{
    bson_t opts = BSON_INITIALIZER;

    if (w->kind == WRITE_UPSERT)
        (void)BSON_APPEND_BOOL(&opts, "upsert", true);
    if (w->kind == WRITE_INSERT)
        (void)mongoc_bulk_operation_insert_with_opts(bulk, w->filter, NULL, NULL);
    else if (w->kind == WRITE_DELETE)
        (void)mongoc_bulk_operation_remove_many_with_opts(bulk, w->filter, NULL, NULL);
    else
        (void)mongoc_bulk_operation_update_one_with_opts(bulk, w->filter, w->update, &opts, NULL);
    bson_destroy(&opts);
}

static enum err run_bulk(struct mg_conn *c, int coll, const struct staged_write *writes, size_t n,
                         size_t reqs)
{
    bson_t opts = BSON_INITIALIZER;
    bson_t reply;
    bson_error_t error;
    size_t some = 0;

    (void)BSON_APPEND_BOOL(&opts, "ordered", false);
    mongoc_bulk_operation_t *bulk =
        mongoc_collection_create_bulk_operation_with_opts(mg_coll(c, (enum mg_coll)coll), &opts);
    bson_destroy(&opts);
    for (size_t i = 0; i < n; i++)
        if (writes[i].coll == coll && writes[i].req < reqs) {
            add_to_bulk(bulk, &writes[i]);
            some++;
        }
    if (some == 0) {
        mongoc_bulk_operation_destroy(bulk);
        return ERR_OK;
    }
    bool fine = mongoc_bulk_operation_execute(bulk, &reply, &error) != 0 ||
                mg_only_duplicates(&reply); /* somebody was further */
    bson_destroy(&reply);
    mongoc_bulk_operation_destroy(bulk);
    return fine ? ERR_OK : mg_fail(c, &error);
}

enum err mg_run_writes(struct mg_conn *c, const struct staged_write *writes, size_t n, size_t reqs)
{
    enum err err = ERR_OK;
    bool wanted[MG_COLLS] = {0};

    for (size_t i = 0; i < n; i++)
        wanted[writes[i].coll] = true;
    for (int coll = 0; err == ERR_OK && coll < MG_COLLS; coll++)
        if (wanted[coll])
            err = run_bulk(c, coll, writes, n, reqs);
    return err;
}

/* The last word about each mention becomes one write. */
static void stage_mentions(struct mg_conn *c)
{
    struct map seen = {0};

    for (size_t i = c->stage.mentions.n; i > 0; i--) {
        const struct staged_mention *m = &c->stage.mentions.items[i - 1];
        char member[MG_MEMBER_ID_SIZE];
        char *id = arena_alloc(c->arena, 64);
        mg_member_id(m->chan_key, m->user_key, member);
        (void)snprintf(id, 64, "%s:%llu", member, (unsigned long long)m->seq);
        if (map_get(&seen, id, strlen(id)) != NULL)
            continue;
        map_put(&seen, id, strlen(id), c);
        c->stage.req = 0;
        stage_write(
            c, MG_MENTIONS, WRITE_UPSERT,
            BCON_NEW("_id", BCON_UTF8(id), "rev", "{", "$lt", BCON_INT64((int64_t)m->rev), "}"),
            BCON_NEW("$set", "{", "rev", BCON_INT64((int64_t)m->rev), "on", BCON_BOOL(m->on),
                     "user", BCON_INT64(m->user_key), "channel", BCON_INT64(m->chan_key), "seq",
                     BCON_INT64((int64_t)m->seq), "}"));
    }
    map_free(&seen);
}

/* -- the whole -------------------------------------------------------------------------------- */

/* What was only looked at in the cache is still the top. */
static enum err check_expected(struct mg_conn *c)
{
    struct stage *s = &c->stage;
    struct stream *rows = arena_alloc(c->arena, (s->expected.n + 1) * sizeof(*rows));
    struct stream **streams = arena_alloc(c->arena, (s->expected.n + 1) * sizeof(*streams));

    for (size_t i = 0; i < s->expected.n; i++) {
        rows[i] = (struct stream){.key = s->expected.items[i].key,
                                  .seq = s->expected.items[i].seq,
                                  .name = "u"}; /* nothing is applied here */
        streams[i] = &rows[i];
    }
    enum err err = mg_tops(c, streams, s->expected.n);
    for (size_t i = 0; err == ERR_OK && i < s->expected.n; i++)
        if (rows[i].seq != s->expected.items[i].seq)
            err = mg_lost(c);
    return err;
}

static enum err take_claims(struct mg_conn *c)
{
    enum err err = ERR_OK;

    for (size_t i = 0; err == ERR_OK && i < c->stage.claims.n; i++)
        err = mg_name_take(c, c->stage.claims.items[i].name, c->stage.claims.items[i].owner);
    return err;
}

static enum err write_what_follows(struct mg_conn *c, bool all)
{
    struct stage *s = &c->stage;

    if (all)
        stage_mentions(c);
    enum err err = mg_run_writes(c, s->writes.items, s->writes.n, s->durable);
    if (err == ERR_OK)
        err = append_followers(c);
    if (err != ERR_OK || !all)
        return err; /* tops are as they were: somebody will see that the rest is to be applied */
    keeper_add(c->backend, &s->late);
    return s->heavy ? keeper_flush(c->backend, c) : ERR_OK;
}

enum err mg_commit(struct store_conn *conn)
{
    struct mg_conn *c = mg(conn);
    struct stage *s = &c->stage;
    enum err appended = ERR_OK;

    if (!c->writing)
        return c->base.failed;
    s->durable = 0;
    enum err err = s->expected.n > 0 ? check_expected(c) : ERR_OK;
    if (err == ERR_OK)
        err = take_claims(c);
    if (err != ERR_OK)
        return err;
    c->appending = true;
    const struct staged_event *refused = append_events(c, &appended);
    s->durable = refused != NULL ? refused->req : SIZE_MAX;
    err = write_what_follows(c, refused == NULL);
    if (err != ERR_OK) {
        s->durable = 0; /* they are in the log, but nobody knows their places */
        return err;
    }
    if (appended == ERR_CONFLICT) {
        turns_wanted(c->backend, refused->key);
        return mg_lost(c);
    }
    if (appended == ERR_OK) {
        c->writing = false;
        turns_wrote(c);
    }
    return appended;
}

size_t mg_durable(struct store_conn *conn)
{
    return mg(conn)->stage.durable;
}
