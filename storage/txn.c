#include "storage/txn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "storage/apply.h"

enum { CACHE_BYTES = 1 << 20, EVENTS_MIN = 64, EVENTS_KEEP = 8192, TEXT_KEEP = 1 << 18 };

void txn_init(struct txn *t, struct store_conn *conn)
{
    *t = (struct txn){.conn = conn, .ops = conn->ops};
    t->cache = arena_create();
    t->batch = arena_create();
}

void txn_free(struct txn *t)
{
    map_free(&t->chans);
    map_free(&t->streams);
    map_free(&t->accounts);
    map_free(&t->memberships);
    arena_destroy(&t->cache);
    arena_destroy(&t->batch);
    free(t->events);
    buf_free(&t->text);
}

void txn_forget(struct txn *t)
{
    map_clear(&t->chans);
    map_clear(&t->streams);
    map_clear(&t->accounts);
    map_clear(&t->memberships);
    t->dirty_streams = NULL;
    t->dirty_chans = NULL;
    t->dirty_members = NULL;
    t->used_chans = NULL;
    t->writing = false;
    arena_destroy(&t->cache);
    t->cache = arena_create();
}

void txn_start(struct txn *t)
{
    if (arena_used(t->cache) > CACHE_BYTES)
        txn_forget(t);
    t->used_chans = NULL;
    t->batch_no++;
    t->writing = true;
    if (arena_used(t->batch) > 0) {
        arena_destroy(&t->batch);
        t->batch = arena_create();
    }
    if (t->events_cap > EVENTS_KEEP) {
        free(t->events);
        t->events = NULL;
        t->events_cap = 0;
    }
    if (t->text.cap > TEXT_KEEP)
        buf_free(&t->text);
    t->events_n = 0;
}

static enum err flush_streams(struct txn *t)
{
    enum err err = ERR_OK;

    while (err == ERR_OK && t->dirty_streams != NULL) {
        struct stream *s = t->dirty_streams;
        t->dirty_streams = s->next_dirty;
        s->dirty = false;
        err = t->ops->stream_save(t->conn, s);
    }
    return err;
}

static enum err flush_members(struct txn *t)
{
    enum err err = ERR_OK;

    while (err == ERR_OK && t->dirty_members != NULL) {
        struct membership *m = t->dirty_members;
        t->dirty_members = m->next_dirty;
        m->dirty = false;
        if (m->exists)
            err = t->ops->member_save(t->conn, m);
    }
    return err;
}

/* What was cached before this batch, and is not written in it, may be old by now. */
static enum err expect_used(struct txn *t)
{
    enum err err = ERR_OK;

    for (struct chan *c = t->used_chans; err == ERR_OK && c != NULL; c = c->next_used)
        if (c->loaded != t->batch_no && !c->stream.dirty && !c->gone)
            err = t->ops->expect(t->conn, &c->stream);
    return err;
}

enum err txn_flush(struct txn *t)
{
    enum err err = t->ops->expect != NULL ? expect_used(t) : ERR_OK;

    if (err == ERR_OK)
        err = flush_streams(t);

    while (err == ERR_OK && t->dirty_chans != NULL) {
        struct chan *c = t->dirty_chans;
        t->dirty_chans = c->next_dirty;
        c->dirty = false;
        if (!c->gone)
            err = t->ops->chan_save(t->conn, c);
    }
    return err == ERR_OK ? flush_members(t) : err;
}

void stream_name(char kind, const char *id, char name_out[STORE_STREAM_SIZE])
{
    (void)snprintf(name_out, STORE_STREAM_SIZE, "%c:%s", kind, id);
}

enum err txn_refuse(struct store_req *req, enum err err, const char *field, const char *reason)
{
    req->field = field;
    req->reason = reason;
    return err;
}

static void keep_account(struct txn *t, struct account *a)
{
    size_t n = strlen(a->user.name);
    char *at_name = arena_alloc(t->cache, n + 2);

    at_name[0] = '@';
    memcpy(at_name + 1, a->user.name, n);
    map_put(&t->accounts, a->user.id, strlen(a->user.id), a);
    map_put(&t->accounts, at_name, n + 1, a);
}

enum err txn_account(struct txn *t, const char *ref, struct account **out)
{
    struct account row;

    *out = map_get(&t->accounts, ref, strlen(ref));
    if (*out != NULL)
        return ERR_OK;
    enum err err = t->ops->user_get(t->conn, t->cache, ref, false, &row);
    if (err != ERR_OK)
        return err;
    *out = map_get(&t->accounts, row.user.id, strlen(row.user.id));
    if (*out == NULL) {
        *out = arena_alloc(t->cache, sizeof(**out));
        **out = row;
        keep_account(t, *out);
    }
    return ERR_OK;
}

enum err txn_actor(struct txn *t, const struct store_req *req, struct account **out)
{
    struct account owner;

    if (req->actor.user != NULL)
        return txn_account(t, req->actor.user, out);
    if (!req->actor.system)
        return ERR_NOT_FOUND;
    enum err err = t->ops->user_owner(t->conn, req->arena, &owner);
    return err == ERR_OK ? txn_account(t, owner.user.id, out) : err;
}

static struct chan *keep_chan(struct txn *t, const struct chan *row)
{
    struct chan *c = arena_alloc(t->cache, sizeof(*c));

    *c = *row;
    c->loaded = t->batch_no;
    map_put(&t->chans, c->id, strlen(c->id), c);
    return c;
}

/* -- what the log has and the rows lack ------------------------------------------------------ */

static bool catches_up(const struct txn *t)
{
    return t->ops->tail != NULL && t->writing;
}

static enum err apply_again(struct txn *t, struct arena *arena, const char *stream,
                            const struct event_row *event)
{
    bool nested = t->catching_up;

    t->catching_up = true;
    enum err err = apply_event(t, arena, stream, event);
    t->catching_up = nested;
    return err;
}

static enum err apply_tail(struct txn *t, struct stream *s)
{
    struct event_row *rows;
    size_t n = 0;
    enum err err;

    do {
        struct arena *arena = arena_create();
        err = t->ops->tail(t->conn, arena, s, &rows, &n);
        for (size_t i = 0; err == ERR_OK && i < n; i++) {
            err = apply_again(t, arena, s->name, &rows[i]);
            s->seq = rows[i].seq;
            txn_touch_stream(t, s);
        }
        arena_destroy(&arena);
    } while (err == ERR_OK && n == STORE_TAIL_PAGE);
    return err;
}

enum err txn_catch_up(struct txn *t, struct stream *stream)
{
    return catches_up(t) ? apply_tail(t, stream) : ERR_OK;
}

/* A channel whose creation is only in the log yet. */
static enum err chan_from_log(struct txn *t, const char *id, struct chan **out)
{
    struct stream s = {0};
    struct event_row *rows;
    size_t n = 0;
    struct arena *arena = arena_create();

    stream_name('c', id, s.name);
    enum err err = t->ops->stream_get(t->conn, s.name, &s);
    if (err == ERR_OK)
        err = t->ops->tail(t->conn, arena, &s, &rows, &n);
    if (err == ERR_OK && (n == 0 || rows[0].type != STORE_EVENT_CHANNEL_CREATED))
        err = ERR_NOT_FOUND;
    if (err == ERR_OK)
        err = apply_again(t, arena, s.name, &rows[0]);
    *out = err == ERR_OK ? map_get(&t->chans, id, strlen(id)) : NULL;
    if (*out != NULL) {
        (*out)->stream.seq = rows[0].seq;
        txn_touch_stream(t, &(*out)->stream);
        err = apply_tail(t, &(*out)->stream);
    }
    arena_destroy(&arena);
    return err;
}

static enum err load_chan(struct txn *t, const char *ref, struct chan **out)
{
    struct chan row = {0};
    enum err err = t->ops->chan_get(t->conn, t->cache, ref, &row);

    if (err == ERR_NOT_FOUND && row.id[0] != '\0' && catches_up(t) &&
        map_get(&t->chans, row.id, strlen(row.id)) == NULL)
        return chan_from_log(t, row.id, out);
    if (err != ERR_OK)
        return err;
    *out = map_get(&t->chans, row.id, strlen(row.id));
    if (*out != NULL)
        return ERR_OK;
    *out = keep_chan(t, &row);
    return catches_up(t) ? apply_tail(t, &(*out)->stream) : ERR_OK;
}

enum err txn_chan(struct txn *t, const char *ref, struct chan **out)
{
    enum err err = ERR_OK;

    *out = map_get(&t->chans, ref, strlen(ref));
    if (*out == NULL)
        err = load_chan(t, ref, out);
    if (err != ERR_OK)
        return err;
    struct chan *c = *out;
    if (t->ops->expect != NULL && t->writing && c->used != t->batch_no) {
        c->used = t->batch_no;
        c->next_used = t->used_chans;
        t->used_chans = c;
    }
    return c->gone ? ERR_NOT_FOUND : ERR_OK;
}

enum err txn_chan_keep(struct txn *t, const struct chan *chan, struct chan **out)
{
    struct chan *c = keep_chan(t, chan);

    *out = c;
    c->name = arena_strdup(t->cache, chan->name);
    c->topic = arena_strdup(t->cache, chan->topic);
    c->dm_key = arena_strdup(t->cache, chan->dm_key);
    stream_name('c', c->id, c->stream.name);
    return ERR_OK;
}

enum err txn_chan_new(struct txn *t, const struct chan *chan, struct chan **out)
{
    enum err err = txn_chan_keep(t, chan, out);

    return err == ERR_OK ? t->ops->stream_add(t->conn, &(*out)->stream) : err;
}

enum err txn_chan_gone(struct txn *t, const char *stream, struct chan **out)
{
    struct chan *c = arena_alloc(t->batch, sizeof(*c));

    *c = (struct chan){.name = "", .topic = "", .gone = true};
    (void)snprintf(c->id, sizeof(c->id), "%.*s", ID_MAX, stream + 2);
    *out = c;
    return t->ops->stream_get(t->conn, stream, &c->stream);
}

enum err txn_member(struct txn *t, const struct chan *chan, const struct account *user,
                    struct membership **out)
{
    int64_t key[2] = {chan->stream.key, user->key};

    *out = map_get(&t->memberships, key, sizeof(key));
    if (*out != NULL)
        return ERR_OK;
    struct membership *m = arena_alloc(t->cache, sizeof(*m));
    enum err err = t->ops->member_get(t->conn, chan->stream.key, user->key, m);
    if (err != ERR_OK)
        return err;
    m->chan_key = key[0];
    m->user_key = key[1];
    map_put(&t->memberships, &m->chan_key, sizeof(key), m);
    *out = m;
    return ERR_OK;
}

enum err txn_stream(struct txn *t, char kind, const char *id, struct stream **out)
{
    struct stream row = {0};

    stream_name(kind, id, row.name);
    *out = map_get(&t->streams, row.name, strlen(row.name));
    if (*out != NULL)
        return ERR_OK;
    enum err err = t->ops->stream_get(t->conn, row.name, &row);
    if (err == ERR_NOT_FOUND)
        err = t->ops->stream_add(t->conn, &row);
    if (err != ERR_OK)
        return err;
    *out = arena_alloc(t->cache, sizeof(**out));
    **out = row;
    map_put(&t->streams, (*out)->name, strlen((*out)->name), *out);
    return catches_up(t) ? apply_tail(t, *out) : ERR_OK;
}

void txn_touch_stream(struct txn *t, struct stream *stream)
{
    if (stream->dirty)
        return;
    stream->dirty = true;
    stream->next_dirty = t->dirty_streams;
    t->dirty_streams = stream;
}

void txn_touch_chan(struct txn *t, struct chan *chan)
{
    if (chan->dirty)
        return;
    chan->dirty = true;
    chan->next_dirty = t->dirty_chans;
    t->dirty_chans = chan;
}

void txn_touch_member(struct txn *t, struct membership *member)
{
    if (member->dirty)
        return;
    member->dirty = true;
    member->next_dirty = t->dirty_members;
    t->dirty_members = member;
}

static struct store_event *next_event(struct txn *t)
{
    if (t->events_n == t->events_cap) {
        t->events_cap = t->events_cap == 0 ? EVENTS_MIN : t->events_cap * 2;
        t->events = mem_realloc_array(t->events, t->events_cap, sizeof(*t->events));
    }
    return &t->events[t->events_n++];
}

enum err txn_emit(struct txn *t, struct stream *stream, const struct account *actor,
                  struct event_row *row)
{
    bool in_channel =
        row->type == STORE_EVENT_CHANNEL_JOINED || row->type == STORE_EVENT_CHANNEL_LEFT;

    row->seq = stream->seq + 1;
    row->actor_key = actor->key;
    row->actor = actor->user.id;
    row->at = t->now;
    enum err err = t->ops->event_add(t->conn, stream, row);
    if (err != ERR_OK)
        return err;
    stream->seq++;
    txn_touch_stream(t, stream);
    *next_event(t) = (struct store_event){
        .stream = arena_strdup(t->batch, stream->name),
        .epoch = arena_strdup(t->batch, stream->epoch),
        .seq = row->seq,
        .type = row->type,
        .actor = arena_strdup(t->batch, actor->user.id),
        .at = row->at,
        .data = arena_strndup(t->batch, row->data, row->data_len),
        .data_len = row->data_len,
        .subject = arena_strdup(t->batch, row->subject),
        .subject_seq = in_channel ? row->link : 0,
    };
    return ERR_OK;
}

/* -- stores with several writers --------------------------------------------------------------- */

enum err txn_refresh(struct txn *t)
{
    enum err err = ERR_OK;

    for (size_t i = 0; err == ERR_OK && i < t->chans.cap; i++) {
        struct chan *c = t->chans.slots[i].key != NULL ? t->chans.slots[i].value : NULL;
        if (c != NULL && !c->gone && t->ops->contended(t->conn, &c->stream))
            err = apply_tail(t, &c->stream);
    }
    return err;
}

static const char *channel_of(const struct store_req *req)
{
    switch (req->op) {
    case STORE_MESSAGE_SEND:
        return req->in.send.channel;
    case STORE_READ_MARK:
        return req->in.read.channel;
    case STORE_CHANNEL_JOIN:
    case STORE_CHANNEL_LEAVE:
        return req->in.channel.channel;
    default:
        return NULL;
    }
}

enum err txn_prefetch(struct txn *t, struct store_req *const *reqs, size_t n, bool again)
{
    struct store_req **cold = arena_alloc(t->batch, (n + 1) * sizeof(struct store_req *));
    size_t cold_n = 0;
    struct chan *chan;
    enum err err = ERR_OK;

    for (size_t i = 0; i < n; i++) {
        const char *user = reqs[i]->actor.user;
        if (user != NULL && (again || map_get(&t->accounts, user, strlen(user)) == NULL))
            cold[cold_n++] = reqs[i];
    }
    if (cold_n < 2 && !again)
        return ERR_OK;
    for (size_t i = 0; i < cold_n && (err == ERR_OK || err == ERR_NOT_FOUND); i++) {
        const char *channel = channel_of(cold[i]);
        if (channel != NULL)
            err = txn_chan(t, channel, &chan);
    }
    return err == ERR_OK || err == ERR_NOT_FOUND ? t->ops->prefetch(t->conn, cold, cold_n, again)
                                                 : err;
}

static enum err load_stream(struct txn *t, const char *name)
{
    struct chan *chan;
    struct stream *stream;
    enum err err =
        name[0] == 'c' ? txn_chan(t, name + 2, &chan) : txn_stream(t, name[0], name + 2, &stream);

    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err txn_repair(struct txn *t, const char *const *names, size_t n)
{
    txn_start(t);
    enum err err = t->ops->begin(t->conn, true);
    for (size_t i = 0; err == ERR_OK && i < n; i++)
        err = load_stream(t, names[i]);
    if (err == ERR_OK)
        err = txn_flush(t);
    if (err == ERR_OK)
        err = t->ops->commit(t->conn);
    if (err != ERR_OK) {
        t->ops->rollback(t->conn);
        txn_forget(t);
    }
    t->writing = false;
    return err;
}
