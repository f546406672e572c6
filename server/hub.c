#include "server/hub.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "base/log.h"
#include "base/mem.h"
#include "server/conn.h"
#include "server/event.h"
#include "server/hub_stream.h"
#include "server/metrics.h"
#include "server/session.h"
#include "server/store_call.h"
#include "server/worker.h"

enum {
    BATCH_BYTES = 48 * 1024,   /* a batch that is larger is handed over within the turn */
    RING_FRAME_MAX = 4096,     /* larger events are read from the store again */
    TOPS_MAX = STORE_PAGE_MAX, /* streams in one question for their tops */
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
    hub->new_streams++;
    return s;
}

static void batch_clear(struct stream *s)
{
    for (uint32_t i = 0; i < s->batch_n; i++)
        frame_unref(s->batch[i]);
    s->batch_n = 0;
    s->batch_bytes = 0;
}

static void ring_clear(struct stream *s)
{
    for (size_t i = 0; s->ring != NULL && i < STREAM_RING; i++) {
        if (s->ring[i] != NULL)
            event_unref(s->ring[i]);
        s->ring[i] = NULL;
    }
}

void stream_destroy(struct stream *s)
{
    struct hub *hub = s->hub;

    if (s->state == STREAM_NEW)
        hub->new_streams--;
    for (size_t i = 0; s->dirty && i < hub->dirty_n; i++)
        if (hub->dirty[i] == s)
            hub->dirty[i] = NULL;
    HASH_DEL(hub->streams, s);
    batch_clear(s);
    ring_clear(s);
    stream_drop_pages(s);
    free(s->ring);
    free(s->batch);
    free(s->live);
    free(s);
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

static void wake_waits(struct stream *s)
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

/* The next event in order. */
static void stream_take(struct stream *s, struct event *event)
{
    s->busy++;
    s->last = event->seq;
    if (event->type == STORE_EVENT_MESSAGE_DELETED || event->type == STORE_EVENT_CHANNEL_DELETED) {
        ring_clear(s); /* what was deleted is still in here; the store has forgotten it */
        stream_drop_pages(s);
    }
    ring_put(s, event);
    batch_put(s, event->frame);
    if (s->batch_bytes > BATCH_BYTES)
        stream_seal(s);
    apply_membership(s, event);
    if (s->filling != NULL)
        promote_level(s);
    wake_waits(s);
    s->busy--;
    stream_release(s);
}

void hub_deliver(struct hub *hub, struct event *event)
{
    struct stream *s = stream_find(hub, event->stream);

    if (s == NULL)
        return;
    if (event->seq > s->seen)
        s->seen = event->seq;
    if (s->state != STREAM_OK)
        return; /* the answer that is awaited, or the one after it, has this event */
    if (event->seq == s->last + 1)
        stream_take(s, event);
    else if (event->seq > s->last)
        stream_repair(s);
}

/* -- gaps and tops ------------------------------------------------------------------------------
 */

static struct store_call *hub_call(struct hub *hub, enum store_op op)
{
    struct store_call *call = mem_zalloc(sizeof(*call));

    call->req.op = op;
    call->req.arena = arena_create();
    call->req.actor.system = true;
    call->req.owner = hub;
    return call;
}

static void hub_call_free(struct store_call *call)
{
    arena_destroy(&call->req.arena);
    free(call);
}

static void repair_done(struct store_call *call)
{
    struct stream *s = stream_find(call->req.owner, call->req.in.events.stream);

    if (s == NULL || s->state != STREAM_REPAIR) {
        hub_call_free(call);
        return;
    }
    s->state = STREAM_OK;
    s->busy++;
    for (size_t i = 0; call->req.err == ERR_OK && i < call->req.out.n; i++) {
        if (call->req.out.events[i].seq != s->last + 1)
            continue;
        struct event *event = event_make(&call->req.out.events[i]);
        stream_take(s, event);
        event_unref(event);
        metric_add(METRIC_HUB_GAPS_REPAIRED, 1);
    }
    s->busy--;
    if (s->last < s->seen) {
        if (call->req.err == ERR_OK && call->req.out.n > 0)
            stream_repair(s);
        else
            s->state = STREAM_STALLED; /* asked again by hub_tick() */
        s->hub->stalled = true;
    }
    stream_release(s);
    hub_call_free(call);
}

void stream_repair(struct stream *s)
{
    struct store_call *call = hub_call(s->hub, STORE_EVENTS);

    metric_add(METRIC_HUB_GAPS, 1);
    log_debug("gap", LOG_STR("stream", s->name), LOG_INT("last", s->last),
              LOG_INT("seen", s->seen));
    s->state = STREAM_REPAIR;
    call->req.in.events.stream = arena_strdup(call->req.arena, s->name);
    call->req.in.events.after = s->last;
    call->req.in.events.limit = STORE_PAGE_MAX;
    store_call_submit(call, s->hub->worker, repair_done);
}

static void stream_set_top(struct stream *s, uint64_t top)
{
    struct sub *sub;
    struct sub *tmp;

    s->last = top > s->seen ? top : s->seen;
    s->seen = s->last;
    s->state = STREAM_OK;
    s->busy++;
    DL_FOREACH_SAFE(s->filling, sub, tmp)
    {
        sub_advance(sub);
    }
    wake_waits(s);
    s->busy--;
    stream_release(s);
}

static void tops_done(struct store_call *call)
{
    struct hub *hub = call->req.owner;

    for (size_t i = 0; i < call->req.in.tops.n; i++) {
        struct stream *s = stream_find(hub, call->req.in.tops.streams[i]);
        if (s == NULL || s->state != STREAM_ASKED)
            continue;
        if (call->req.err == ERR_OK) {
            stream_set_top(s, call->req.out.tops[i].seq);
        } else {
            s->state = STREAM_NEW;
            hub->new_streams++;
        }
    }
    if (call->req.err != ERR_OK)
        hub->asking_failed = true; /* hub_tick() lets it be asked again */
    hub_call_free(call);
}

static void ask_tops(struct hub *hub)
{
    struct store_call *call = NULL;
    const char **names = NULL;
    struct stream *s;
    struct stream *tmp;

    HASH_ITER(hh, hub->streams, s, tmp)
    {
        if (hub->new_streams == 0)
            break;
        if (s->state != STREAM_NEW)
            continue;
        if (call == NULL) {
            call = hub_call(hub, STORE_TOPS);
            names = arena_alloc(call->req.arena, TOPS_MAX * sizeof(*names));
            call->req.in.tops.streams = names;
        }
        names[call->req.in.tops.n++] = arena_strdup(call->req.arena, s->name);
        s->state = STREAM_ASKED;
        hub->new_streams--;
        if (call->req.in.tops.n == TOPS_MAX) {
            store_call_submit(call, hub->worker, tops_done);
            call = NULL;
        }
    }
    if (call != NULL)
        store_call_submit(call, hub->worker, tops_done);
}

void hub_tick(struct hub *hub)
{
    struct stream *s;
    struct stream *tmp;

    hub->asking_failed = false;
    if (!hub->stalled)
        return;
    hub->stalled = false;
    HASH_ITER(hh, hub->streams, s, tmp)
    {
        if (s->state == STREAM_STALLED)
            stream_repair(s);
        struct sub *sub;
        struct sub *next;
        s->busy++;
        DL_FOREACH_SAFE(s->filling, sub, next)
        {
            sub_advance(sub);
        }
        s->busy--;
        stream_release(s);
    }
}

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

void hub_ask(struct hub *hub)
{
    if (hub->new_streams > 0 && !hub->asking_failed)
        ask_tops(hub);
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
        if (mark != 0 && c->ephemeral_mark == mark)
            continue;
        c->ephemeral_mark = mark != 0 ? mark : c->ephemeral_mark;
        if (except == NULL || strcmp(c->session->user, except) != 0)
            conn_send(c, frame);
    }
    s->busy--;
    stream_release(s);
}

/* -- long polls ----------------------------------------------------------------------------------
 */

struct hub_wait *hub_wait(struct hub *hub, const char *stream, uint64_t after,
                          void (*done)(void *arg), void *arg)
{
    struct stream *s = stream_get(hub, stream);

    if (s->state == STREAM_OK && s->last > after)
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

    if (conn->wsi == NULL || conn->closing)
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
