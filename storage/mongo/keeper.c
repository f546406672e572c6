#include "storage/mongo/keeper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "storage/mongo/mongo.h"

enum { KEEPER_INTERVAL_MS = 200, PROBE_INTERVAL_MS = 300, SOME = 500 };

/* -- what is written late ---------------------------------------------------------------------- */

static void free_strings(struct late_stream *s)
{
    free(s->name);
    free(s->topic);
    free(s->dm_key);
}

static struct late_stream *stream_entry(struct late *late, const struct stream *stream)
{
    struct late_stream *s;

    HASH_FIND(hh, late->streams, &stream->key, sizeof(stream->key), s);
    if (s == NULL) {
        s = mem_zalloc(sizeof(*s));
        s->key = stream->key;
        s->stream = *stream;
        HASH_ADD(hh, late->streams, key, sizeof(s->key), s);
    }
    if (stream->seq >= s->stream.seq)
        s->stream = *stream;
    return s;
}

void late_stream(struct late *late, const struct stream *stream)
{
    (void)stream_entry(late, stream);
}

void late_chan(struct late *late, const struct chan *chan)
{
    struct late_stream *s = stream_entry(late, &chan->stream);

    if (s->stream.seq > chan->stream.seq)
        return;
    struct late_stream old = *s;
    s->has_chan = true;
    s->chan = *chan;
    s->chan.name = s->name = mem_strdup(chan->name);
    s->chan.topic = s->topic = mem_strdup(chan->topic);
    s->dm_key = chan->dm_key != NULL ? mem_strdup(chan->dm_key) : NULL;
    s->chan.dm_key = s->dm_key;
    if (old.has_chan)
        free_strings(&old);
}

void late_member(struct late *late, const struct membership *member)
{
    char id[MG_MEMBER_ID_SIZE];
    struct late_member *m;

    mg_member_id(member->chan_key, member->user_key, id);
    HASH_FIND_STR(late->members, id, m);
    if (m == NULL) {
        m = mem_zalloc(sizeof(*m));
        memcpy(m->id, id, sizeof(id));
        m->chan_key = member->chan_key;
        m->user_key = member->user_key;
        HASH_ADD_STR(late->members, id, m);
    }
    if (member->read_seq < m->read_seq)
        return;
    m->read_seq = member->read_seq;
    m->read_no = member->read_no;
}

void late_clear(struct late *late)
{
    struct late_stream *s;
    struct late_stream *next_s;
    struct late_member *m;
    struct late_member *next_m;

    HASH_ITER(hh, late->streams, s, next_s)
    {
        HASH_DEL(late->streams, s);
        free_strings(s);
        free(s);
    }
    HASH_ITER(hh, late->members, m, next_m)
    {
        HASH_DEL(late->members, m);
        free(m);
    }
}

void keeper_add(struct mg_backend *b, struct late *late)
{
    struct keeper *k = &b->keeper;
    struct late_stream *s;
    struct late_stream *next_s;
    struct late_member *m;
    struct late_member *next_m;

    (void)pthread_mutex_lock(&k->lock);
    HASH_ITER(hh, late->streams, s, next_s)
    {
        if (s->has_chan) {
            s->chan.stream = s->stream;
            late_chan(&k->late, &s->chan);
        } else {
            late_stream(&k->late, &s->stream);
        }
    }
    HASH_ITER(hh, late->members, m, next_m)
    {
        late_member(&k->late, &(struct membership){.chan_key = m->chan_key,
                                                   .user_key = m->user_key,
                                                   .read_seq = m->read_seq,
                                                   .read_no = m->read_no});
    }
    (void)pthread_mutex_unlock(&k->lock);
    late_clear(late);
}

void keeper_overlay(struct mg_backend *b, struct membership *row)
{
    struct keeper *k = &b->keeper;
    char id[MG_MEMBER_ID_SIZE];
    struct late_member *m;

    if (!row->exists)
        return;
    mg_member_id(row->chan_key, row->user_key, id);
    (void)pthread_mutex_lock(&k->lock);
    HASH_FIND_STR(k->late.members, id, m);
    if (m != NULL && m->read_seq > row->read_seq) {
        row->read_seq = m->read_seq;
        row->read_no = m->read_no;
    }
    (void)pthread_mutex_unlock(&k->lock);
}

/* -- writing it -------------------------------------------------------------------------------- */

static void put_chan(bson_t *set, const struct chan *chan)
{
    (void)BSON_APPEND_INT32(set, "type", (int32_t)chan->type);
    if (chan->type != STORE_DM)
        (void)BSON_APPEND_UTF8(set, "name", chan->name);
    (void)BSON_APPEND_UTF8(set, "topic", chan->topic);
    if (chan->dm_key != NULL)
        (void)BSON_APPEND_UTF8(set, "dm_key", chan->dm_key);
    (void)BSON_APPEND_INT64(set, "created_at", chan->created_at);
    (void)BSON_APPEND_INT64(set, "archived_at", chan->archived_at);
    (void)BSON_APPEND_INT64(set, "members", (int64_t)chan->members);
    if (chan->gone)
        (void)BSON_APPEND_BOOL(set, "gone", true);
}

static struct staged_write stream_write(const struct late_stream *s)
{
    bson_t *update = bson_new();
    bson_t set;

    (void)BSON_APPEND_DOCUMENT_BEGIN(update, "$set", &set);
    (void)BSON_APPEND_INT64(&set, "seq", (int64_t)s->stream.seq);
    (void)BSON_APPEND_INT64(&set, "msg_no", (int64_t)s->stream.msg_no);
    if (s->has_chan)
        put_chan(&set, &s->chan);
    (void)bson_append_document_end(update, &set);
    return (struct staged_write){.coll = MG_STREAMS,
                                 .kind = WRITE_UPDATE,
                                 .filter = BCON_NEW("_id", BCON_UTF8(s->stream.name), "seq", "{",
                                                    "$lt", BCON_INT64((int64_t)s->stream.seq), "}"),
                                 .update = update};
}

static struct staged_write member_write(const struct late_member *m)
{
    return (struct staged_write){
        .coll = MG_MEMBERS,
        .kind = WRITE_UPDATE,
        .filter = BCON_NEW("_id", BCON_UTF8(m->id), "read_seq", "{", "$lt",
                           BCON_INT64((int64_t)m->read_seq), "}", "exists", BCON_BOOL(true)),
        .update = BCON_NEW("$set", "{", "read_seq", BCON_INT64((int64_t)m->read_seq), "read_no",
                           BCON_INT64((int64_t)m->read_no), "}")};
}

/* What is collected at this moment. */
struct harvest {
    struct staged_write *writes;
    size_t n, members; /* members come first */
    struct late_member *seen_members;
    struct late_stream *seen_streams; /* key and seq only */
};

static void harvest(struct keeper *k, struct harvest *h)
{
    struct late_stream *s;
    struct late_stream *next_s;
    struct late_member *m;
    struct late_member *next_m;

    (void)pthread_mutex_lock(&k->lock);
    size_t members = HASH_COUNT(k->late.members);
    size_t streams = HASH_COUNT(k->late.streams);
    h->writes = mem_alloc((members + streams + 1) * sizeof(*h->writes));
    h->seen_members = mem_alloc((members + 1) * sizeof(*h->seen_members));
    h->seen_streams = mem_alloc((streams + 1) * sizeof(*h->seen_streams));
    h->n = 0;
    HASH_ITER(hh, k->late.members, m, next_m)
    {
        h->seen_members[h->n] = *m;
        h->writes[h->n++] = member_write(m);
    }
    h->members = h->n;
    HASH_ITER(hh, k->late.streams, s, next_s)
    {
        h->seen_streams[h->n - h->members] = *s;
        h->writes[h->n++] = stream_write(s);
    }
    (void)pthread_mutex_unlock(&k->lock);
}

static void forget_member(struct keeper *k, const struct late_member *seen)
{
    struct late_member *m;

    HASH_FIND_STR(k->late.members, seen->id, m);
    if (m == NULL || m->read_seq != seen->read_seq)
        return;
    HASH_DEL(k->late.members, m);
    free(m);
}

static void forget_stream(struct keeper *k, const struct late_stream *seen)
{
    struct late_stream *s;

    HASH_FIND(hh, k->late.streams, &seen->key, sizeof(seen->key), s);
    if (s == NULL || s->stream.seq != seen->stream.seq)
        return;
    HASH_DEL(k->late.streams, s);
    free_strings(s);
    free(s);
}

/* Done with H; WRITTEN: and with what it holds. */
static void settle(struct keeper *k, struct harvest *h, bool written)
{
    (void)pthread_mutex_lock(&k->lock);
    for (size_t i = 0; i < h->n; i++) {
        if (written && i < h->members)
            forget_member(k, &h->seen_members[i]);
        else if (written)
            forget_stream(k, &h->seen_streams[i - h->members]);
        bson_destroy(h->writes[i].filter);
        bson_destroy(h->writes[i].update);
    }
    (void)pthread_mutex_unlock(&k->lock);
    free(h->writes);
    free(h->seen_members);
    free(h->seen_streams);
}

enum err keeper_flush(struct mg_backend *b, struct mg_conn *c)
{
    struct keeper *k = &b->keeper;
    struct harvest h;
    enum err err = ERR_OK;

    (void)pthread_mutex_lock(&k->gate);
    harvest(k, &h);
    for (size_t i = 0; err == ERR_OK && i < h.n;) {
        size_t end = i < h.members ? h.members : h.n;
        size_t n = end - i < SOME ? end - i : SOME;
        err = mg_run_writes(c, h.writes + i, n, SIZE_MAX);
        i += n;
    }
    settle(k, &h, err == ERR_OK);
    (void)pthread_mutex_unlock(&k->gate);
    return err;
}

/* -- away and back ----------------------------------------------------------------------------- */

void keeper_away(struct mg_backend *b, const char *reason)
{
    struct keeper *k = &b->keeper;

    (void)pthread_mutex_lock(&k->lock);
    (void)snprintf(k->reason, sizeof(k->reason), "%s", reason);
    if (k->started)
        atomic_store(&k->away, true);
    (void)pthread_cond_signal(&k->wake);
    (void)pthread_mutex_unlock(&k->lock);
}

bool keeper_is_away(struct mg_backend *b, char reason_out[STORE_REASON_SIZE])
{
    struct keeper *k = &b->keeper;

    if (!atomic_load(&k->away))
        return false;
    (void)pthread_mutex_lock(&k->lock);
    memcpy(reason_out, k->reason, STORE_REASON_SIZE);
    (void)pthread_mutex_unlock(&k->lock);
    return true;
}

static enum err probe(struct mg_conn *c)
{
    c->base.failed = ERR_OK;
    enum err err = mg_update(c, MG_META, BCON_NEW("_id", BCON_UTF8("probe")),
                             BCON_NEW("$set", "{", "at", BCON_INT64(clock_unix_ms()), "}"), true);
    return err == ERR_CONFLICT ? ERR_OK : err; /* two nodes at once */
}

/* Until it is time, or something happens; false: to end. */
static bool rest(struct keeper *k, int64_t ms)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(ms * 1000000);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_mutex_lock(&k->lock);
    if (!k->stop)
        (void)pthread_cond_timedwait(&k->wake, &k->lock, &until);
    bool goes_on = !k->stop;
    (void)pthread_mutex_unlock(&k->lock);
    return goes_on;
}

static void *keeper_run(void *arg)
{
    struct mg_backend *b = arg;
    struct keeper *k = &b->keeper;
    struct mg_conn *c = mg(k->conn);

    (void)pthread_setname_np(pthread_self(), "store-keeper");
    while (rest(k, atomic_load(&k->away) ? PROBE_INTERVAL_MS : KEEPER_INTERVAL_MS)) {
        if (atomic_load(&k->away) && probe(c) == ERR_OK)
            atomic_store(&k->away, false);
        c->base.failed = ERR_OK;
        c->began_ns = clock_monotonic_ns();
        if (atomic_load(&k->away))
            continue;
        (void)keeper_flush(b, c);
        turns_look(b, c);
    }
    return NULL;
}

void keeper_init(struct keeper *k)
{
    pthread_condattr_t attr;

    (void)pthread_mutex_init(&k->gate, NULL);
    (void)pthread_mutex_init(&k->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&k->wake, &attr);
    (void)pthread_condattr_destroy(&attr);
}

enum err keeper_start(struct mg_backend *b, char error_out[STORE_ERROR_SIZE])
{
    struct keeper *k = &b->keeper;
    enum err err = b->base.ops->connect(&b->base, false, &k->conn, error_out);

    if (err != ERR_OK)
        return err;
    int rc = pthread_create(&k->thread, NULL, keeper_run, b);
    k->started = rc == 0;
    if (rc == 0)
        return ERR_OK;
    (void)snprintf(error_out, STORE_ERROR_SIZE, "cannot start a storage thread: %s", strerror(rc));
    return ERR_UNAVAILABLE;
}

void keeper_stop(struct mg_backend *b)
{
    struct keeper *k = &b->keeper;

    (void)pthread_mutex_lock(&k->lock);
    k->stop = true;
    (void)pthread_cond_signal(&k->wake);
    (void)pthread_mutex_unlock(&k->lock);
    if (k->started)
        (void)pthread_join(k->thread, NULL);
    if (k->conn != NULL) {
        k->conn->failed = ERR_OK;
        if (!atomic_load(&k->away))
            (void)keeper_flush(b, mg(k->conn));
        b->base.ops->disconnect(&k->conn);
    }
    late_clear(&k->late);
    (void)pthread_mutex_destroy(&k->gate);
    (void)pthread_mutex_destroy(&k->lock);
    (void)pthread_cond_destroy(&k->wake);
}
