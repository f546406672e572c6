#include "server/hub.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/mem.h"
#include "server/bus/bus.h"
#include "server/conn.h"
#include "server/event.h"
#include "server/grant.h"
#include "server/hub_stream.h"
#include "server/node.h"
#include "server/session.h"
#include "server/worker.h"

enum {
    BATCH_BYTES = 48 * 1024, /* a batch that is larger is handed over within the turn */
    RING_FRAME_MAX = 4096,   /* larger events are read from the store again */
    FILL_MS = 2000,          /* between two fillings of the bus's cache for one stream */
};

struct hub *hub_create(struct worker *worker)
{
    struct hub *hub = mem_zalloc(sizeof(*hub));

    hub->worker = worker;
    return hub;
}

void hub_destroy(struct hub **hub)
{
    struct hub *h = *hub;
    struct stream *s;
    struct stream *tmp;

    if (h == NULL)
        return;
    *hub = NULL;
    HASH_ITER(hh, h->streams, s, tmp)
    {
        struct hub_wait *w;
        struct hub_wait *next;
        DL_FOREACH_SAFE(s->waits, w, next)
        {
            DL_DELETE(s->waits, w);
            free(w);
        }
        stream_destroy(s);
    }
    free(h->dirty);
    free(h);
}

size_t hub_streams(const struct hub *hub)
{
    return HASH_COUNT(hub->streams);
}

/* -- streams ---------------------------------------------------------------------------------- */

struct stream *stream_find(struct hub *hub, const char *name)
{
    struct stream *s;

    HASH_FIND_STR(hub->streams, name, s);
    return s;
}

static struct stream *stream_get(struct hub *hub, const char *name)
{
    struct stream *s = stream_find(hub, name);

    if (s != NULL)
        return s;
    s = mem_zalloc(sizeof(*s));
    s->hub = hub;
    (void)strncpy(s->name, name, sizeof(s->name) - 1);
    HASH_ADD_STR(hub->streams, name, s);
    s->state = STREAM_UNHEARD;
    stream_set_fresh(s, true);
    return s;
}

static void batch_clear(struct stream *s)
{
    for (uint32_t i = 0; i < s->batch_n; i++)
        frame_unref(s->batch[i]);
    s->batch_n = 0;
    s->batch_bytes = 0;
}

static void slots_clear(struct event **slots)
{
    for (size_t i = 0; slots != NULL && i < STREAM_RING; i++) {
        if (slots[i] != NULL)
            event_unref(slots[i]);
        slots[i] = NULL;
    }
}

void stream_forget(struct stream *s)
{
    slots_clear(s->ring);
    stream_drop_pages(s);
}

void stream_destroy(struct stream *s)
{
    struct hub *hub = s->hub;

    if (s->state != STREAM_UNHEARD)
        bus_unlisten(hub->worker->node->bus, hub->worker->index, s->name);
    stream_set_fresh(s, false);
    for (size_t i = 0; s->dirty && i < hub->dirty_n; i++)
        if (hub->dirty[i] == s)
            hub->dirty[i] = NULL;
    HASH_DEL(hub->streams, s);
    batch_clear(s);
    stream_forget(s);
    slots_clear(s->ahead);
    free(s->ring);
    free(s->ahead);
    free(s->batch);
    free(s->live);
    free(s);
}

void stream_set_fresh(struct stream *s, bool fresh)
{
    if (fresh && !s->fresh)
        DL_APPEND2(s->hub->fresh, s, fresh_prev, fresh_next);
    else if (!fresh && s->fresh)
        DL_DELETE2(s->hub->fresh, s, fresh_prev, fresh_next);
    s->fresh = fresh;
}

/* Nobody left, and nobody working on it up the stack. */
void stream_release(struct stream *s)
{
    if (s->live_n == 0 && s->filling == NULL && s->waits == NULL && s->busy == 0)
        stream_destroy(s);
}

static void ring_put(struct stream *s, struct event *event)
{
    if (s->ring == NULL)
        s->ring = mem_zalloc(STREAM_RING * sizeof(*s->ring));
    struct event **slot = &s->ring[event->seq % STREAM_RING];
    if (*slot != NULL)
        event_unref(*slot);
    *slot = event->frame->len <= RING_FRAME_MAX ? event_ref(event) : NULL;
}

struct event *stream_ring_get(const struct stream *s, uint64_t seq)
{
    struct event *e = s->ring == NULL ? NULL : s->ring[seq % STREAM_RING];

    return e != NULL && e->seq == seq ? e : NULL;
}

/* Hand the batch of this turn to the live members. */
void stream_seal(struct stream *s)
{
    if (s->batch_n == 0)
        return;
    struct frame *frame =
        s->batch_n == 1 ? frame_ref(s->batch[0]) : frame_join(s->batch, s->batch_n);
    batch_clear(s);
    s->busy++;
    for (size_t i = s->live_n; i-- > 0;)
        if (!s->live[i]->mute)
            conn_send(s->live[i]->conn, frame);
    s->busy--;
    frame_unref(frame);
}

static void mark_dirty(struct stream *s)
{
    struct hub *hub = s->hub;

    if (s->dirty)
        return;
    s->dirty = true;
    if (hub->dirty_n == hub->dirty_cap) {
        hub->dirty_cap = hub->dirty_cap == 0 ? 64 : hub->dirty_cap * 2;
        hub->dirty = mem_realloc_array(hub->dirty, hub->dirty_cap, sizeof(struct stream *));
    }
    hub->dirty[hub->dirty_n++] = s;
}

static void batch_put(struct stream *s, struct frame *frame)
{
    if (s->live_n == 0)
        return;
    if (s->batch_n == s->batch_cap) {
        s->batch_cap = s->batch_cap == 0 ? 8 : s->batch_cap * 2;
        s->batch = mem_realloc_array(s->batch, s->batch_cap, sizeof(struct frame *));
    }
    s->batch[s->batch_n++] = frame_ref(frame);
    s->batch_bytes += frame->len;
    mark_dirty(s);
}

void stream_wake_waits(struct stream *s)
{
    struct hub_wait *w;
    struct hub_wait *tmp;

    DL_FOREACH_SAFE(s->waits, w, tmp)
    {
        if (w->after >= s->last)
            continue;
        DL_DELETE(s->waits, w);
        w->done(w->arg);
        free(w);
    }
}

/* Members who wait for just this position are level now. */
static void promote_level(struct stream *s)
{
    struct sub *sub;
    struct sub *tmp;

    DL_FOREACH_SAFE(s->filling, sub, tmp)
    {
        if (sub->pos == s->last)
            sub_go_live(sub);
    }
}

/* What an event means for who is in the stream, after it was handed over. */
static void apply_membership(struct stream *s, struct event *event)
{
    if (event->type == STORE_EVENT_MEMBER_LEFT) {
        stream_seal(s);
        session_left_channel(s->hub->worker, event);
    } else if (event->type == STORE_EVENT_CHANNEL_JOINED) {
        stream_seal(s);
        for (size_t i = s->live_n; i-- > 0;)
            session_on_channel_joined(s->live[i]->conn, event);
    } else if (event->type == STORE_EVENT_CHANNEL_DELETED) {
        stream_seal(s);
        while (s->live_n > 0) /* that all of them leave is nobody's concern any more */
            hub_unsubscribe(s->live[s->live_n - 1]->conn, s->name);
    }
}

/* What was deleted is still in there; the store has forgotten it. Whoever hears of it sees to it
 * that the bus's cache does, too. */
static void forget_deleted(struct stream *s, const struct event *event)
{
    bool all = event->type == STORE_EVENT_CHANNEL_DELETED;

    stream_forget(s);
    s->deletion = event->seq;
    bus_recent_forget(s->hub->worker->node->bus, s->name, all ? UINT64_MAX : event->seq);
}

/* The next event in order. */
static void take_one(struct stream *s, struct event *event)
{
    s->last = event->seq;
    if (s->epoch[0] == '\0')
        memcpy(s->epoch, event->epoch, sizeof(s->epoch));
    if (event->type == STORE_EVENT_MESSAGE_DELETED || event->type == STORE_EVENT_CHANNEL_DELETED)
        forget_deleted(s, event);
    ring_put(s, event);
    batch_put(s, event->frame);
    if (s->batch_bytes > BATCH_BYTES)
        stream_seal(s);
    apply_membership(s, event);
    if (s->filling != NULL)
        promote_level(s);
    stream_wake_waits(s);
}

/* The event after the last one that came before its turn, or NULL; the caller has a reference. */
static struct event *ahead_take(struct stream *s)
{
    struct event **slot = s->ahead == NULL ? NULL : &s->ahead[(s->last + 1) % STREAM_RING];
    struct event *event = slot == NULL ? NULL : *slot;

    if (event == NULL || event->seq != s->last + 1)
        return NULL;
    *slot = NULL;
    return event;
}

static void ahead_put(struct stream *s, struct event *event)
{
    if (event->seq - s->last > STREAM_RING)
        return; /* the store has it */
    if (s->ahead == NULL)
        s->ahead = mem_zalloc(STREAM_RING * sizeof(struct event *));
    struct event **slot = &s->ahead[event->seq % STREAM_RING];
    if (*slot != NULL)
        event_unref(*slot);
    *slot = event_ref(event);
}

void stream_take(struct stream *s, struct event *event)
{
    struct event *next;

    s->busy++;
    take_one(s, event);
    while ((next = ahead_take(s)) != NULL) {
        take_one(s, next);
        event_unref(next);
    }
    s->busy--;
    stream_release(s);
}

void hub_deliver(struct hub *hub, struct event *event)
{
    struct stream *s = stream_find(hub, event->stream);

    if (s == NULL || event->seq <= s->last)
        return;
    if (s->epoch[0] != '\0' && strcmp(s->epoch, event->epoch) != 0)
        return; /* one of us is behind the times; the comparison with the store finds who */
    if (event->seq > s->seen)
        s->seen = event->seq;
    if (s->state < STREAM_OK)
        return; /* the answer that is awaited, or the one after it, has this event */
    if (event->seq > s->last + 1) {
        ahead_put(s, event);
        stream_gap(s);
        return;
    }
    s->busy++;
    stream_take(s, event);
    stream_gap_closed(s);
    s->busy--;
    stream_release(s);
}

/* -- the end of a turn --------------------------------------------------------------------------
 */

bool hub_is_dirty(const struct hub *hub)
{
    return hub->dirty_n > 0;
}

bool hub_flush(struct hub *hub)
{
    bool any = hub->dirty_n > 0;

    for (size_t i = 0; i < hub->dirty_n; i++) {
        struct stream *s = hub->dirty[i];
        if (s == NULL)
            continue;
        s->dirty = false;
        stream_seal(s);
        stream_release(s);
    }
    hub->dirty_n = 0;
    return any;
}

void hub_deliver_ephemeral(struct hub *hub, const char *stream, struct frame *frame,
                           const char *except, uint64_t mark)
{
    struct stream *s = stream_find(hub, stream);

    if (s == NULL)
        return;
    stream_seal(s); /* what came before it goes before it */
    s->busy++;
    for (size_t i = s->live_n; i-- > 0;) {
        struct conn *c = s->live[i]->conn;
        if (s->live[i]->mute || (mark != 0 && c->ephemeral_mark == mark))
            continue;
        c->ephemeral_mark = mark != 0 ? mark : c->ephemeral_mark;
        if (except == NULL || strcmp(c->session->user, except) != 0)
            conn_send(c, frame);
    }
    s->busy--;
    stream_release(s);
}

/* -- for the cache of the bus ---------------------------------------------------------------------
 */

bool hub_level(const struct conn *conn, const char *stream, struct hub_level *out)
{
    const struct sub *sub = conn->closing || conn->wsi == NULL ? NULL : hub_sub(conn, stream);
    const struct stream *s = sub == NULL ? NULL : sub->stream;

    if (s == NULL || !sub->live || s->state != STREAM_OK || s->seen > s->last || s->claimed != 0)
        return false;
    *out = (struct hub_level){.epoch = s->epoch, .last = s->last};
    return true;
}

void hub_each_position(const struct conn *conn,
                       void (*each)(void *arg, const char *stream, const char *epoch, uint64_t seq),
                       void *arg)
{
    for (const struct sub *sub = conn->subs; sub != NULL; sub = sub->conn_next) {
        const struct stream *s = sub->stream;
        each(arg, s->name, s->epoch, sub->live ? s->last - s->batch_n : sub->pos);
    }
}

void hub_each_recent(struct hub *hub, const char *stream,
                     void (*each)(void *arg, const struct event *event), void *arg)
{
    const struct stream *s = stream_find(hub, stream);

    for (size_t i = 0; s != NULL && s->ring != NULL && i < STREAM_RING; i++)
        if (s->ring[i] != NULL)
            each(arg, s->ring[i]);
}

uint64_t hub_last_deletion(struct hub *hub, const char *stream)
{
    const struct stream *s = stream_find(hub, stream);

    return s == NULL ? UINT64_MAX : s->deletion;
}

bool hub_may_fill(struct hub *hub, const char *stream)
{
    struct stream *s = stream_find(hub, stream);
    uint64_t now = clock_monotonic_ns();

    if (s == NULL || now < s->fill_at_ns)
        return false;
    s->fill_at_ns = now + (uint64_t)FILL_MS * 1000000u;
    return true;
}

/* -- long polls ----------------------------------------------------------------------------------
 */

struct hub_wait *hub_wait(struct hub *hub, const char *stream, uint64_t after,
                          void (*done)(void *arg), void *arg)
{
    struct stream *s = stream_get(hub, stream);

    if (s->state >= STREAM_OK && s->last > after)
        return NULL;
    struct hub_wait *w = mem_zalloc(sizeof(*w));
    w->stream = s;
    w->after = after;
    w->done = done;
    w->arg = arg;
    DL_APPEND(s->waits, w);
    return w;
}

void hub_wait_cancel(struct hub_wait **wait)
{
    struct hub_wait *w = *wait;

    if (w == NULL)
        return;
    *wait = NULL;
    DL_DELETE(w->stream->waits, w);
    stream_release(w->stream);
    free(w);
}

/* -- subscriptions -------------------------------------------------------------------------------
 */

static struct sub *sub_find(const struct conn *conn, const char *stream)
{
    struct sub *sub = conn->subs;

    while (sub != NULL && strcmp(sub->stream->name, stream) != 0)
        sub = sub->conn_next;
    return sub;
}

struct sub *hub_sub(const struct conn *conn, const char *stream)
{
    return sub_find(conn, stream);
}

bool hub_is_subscribed(const struct conn *conn, const char *stream)
{
    return sub_find(conn, stream) != NULL;
}

void hub_subscribe(struct conn *conn, const char *stream, uint64_t after, uint64_t cut)
{
    struct sub *sub = sub_find(conn, stream);

    if (conn->closing)
        return;
    if (sub != NULL) { /* it left and is back: while catching up, that leave is history */
        sub->cut = cut > sub->cut ? cut : sub->cut;
        return;
    }
    sub = mem_zalloc(sizeof(*sub));
    sub->conn = conn;
    sub->stream = stream_get(conn->worker->hub, stream);
    sub->pos = after;
    sub->cut = cut;
    sub->mute = stream[0] == 'u' && grant_is_limited(conn->session->grant);
    sub->conn_next = conn->subs;
    conn->subs = sub;
    DL_APPEND(sub->stream->filling, sub);
    sub_advance(sub);
}

/* Take SUB out of its stream; its place in the connection's list is the caller's matter. */
static void sub_free(struct sub *sub)
{
    struct stream *s = sub->stream;

    if (sub->live) {
        struct sub *last = s->live[--s->live_n];
        s->live[sub->index] = last;
        last->index = sub->index;
    } else {
        DL_DELETE(s->filling, sub);
    }
    free(sub);
    stream_release(s);
}

void hub_unsubscribe(struct conn *conn, const char *stream)
{
    for (struct sub **link = &conn->subs; *link != NULL; link = &(*link)->conn_next) {
        struct sub *sub = *link;
        if (strcmp(sub->stream->name, stream) == 0) {
            *link = sub->conn_next;
            sub_free(sub);
            return;
        }
    }
}

void hub_end_live(struct conn *conn, const char *stream)
{
    struct sub *sub = sub_find(conn, stream);

    if (sub != NULL && sub->live)
        hub_unsubscribe(conn, stream);
}

void hub_unsubscribe_all(struct conn *conn)
{
    while (conn->subs != NULL) {
        struct sub *sub = conn->subs;
        conn->subs = sub->conn_next;
        sub_free(sub);
    }
}
