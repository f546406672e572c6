/* hub_tops.c - where a stream ends, and what is missing before that.
 *
 *   UNHEARD --bus listens--> NEW --top from the store--> OK
 *   OK --an event too early--> GAP --still missing after GAP_HOLD_MS--> REPAIR --events--> OK
 *
 * An event that comes before its turn is kept: with several nodes writing to one stream the one
 * before it is usually a moment behind. Only then the store is asked. On a shared bus all tops are
 * compared with the store's once a second, because the last event of a stream may be lost without
 * one after it that shows the gap.
 */
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "server/bus/bus.h"
#include "server/conn.h"
#include "server/event.h"
#include "server/hub_stream.h"
#include "server/metrics.h"
#include "server/node.h"
#include "server/store_call.h"
#include "server/worker.h"

enum {
    TOPS_MAX = STORE_PAGE_MAX, /* streams in one question for their tops */
    GAP_HOLD_MS = 10,          /* an event may be late by this before the store is asked */
    SUSPECT_MS = 300,          /* the same for one that the store has and the bus did not bring */
    CHECK_MS = 1000,           /* between two comparisons with the store */
};
static const uint64_t ns_per_ms = 1000000;

/* A question about many streams, or for the events after a position. */
struct ask {
    struct store_call call;
    struct hub *hub;
    bool now; /* what is missing is missing: the bus was away */
    uint64_t after;
    char stream[STORE_STREAM_SIZE];
};

static struct ask *ask_make(struct hub *hub, enum store_op op)
{
    struct ask *ask = mem_zalloc(sizeof(*ask));

    ask->hub = hub;
    ask->call.req.op = op;
    ask->call.req.arena = arena_create();
    ask->call.req.actor.system = true;
    return ask;
}

static void ask_free(struct ask *ask)
{
    arena_destroy(&ask->call.req.arena);
    free(ask);
}

/* Adds S to the question for tops at *ASK, made when needed. True: it is full. */
static bool ask_top(struct ask **ask, struct stream *s)
{
    struct store_req *req;

    if (*ask == NULL) {
        *ask = ask_make(s->hub, STORE_TOPS);
        (*ask)->call.req.in.tops.streams =
            arena_alloc((*ask)->call.req.arena, TOPS_MAX * sizeof(char *));
    }
    req = &(*ask)->call.req;
    ((const char **)req->in.tops.streams)[req->in.tops.n++] = arena_strdup(req->arena, s->name);
    return req->in.tops.n == TOPS_MAX;
}

/* -- gaps ------------------------------------------------------------------------------------- */

static void set_state(struct stream *s, enum stream_state state)
{
    if (s->state == STREAM_GAP)
        s->hub->gaps--;
    if (state == STREAM_GAP)
        s->hub->gaps++;
    s->state = state;
}

void stream_gap(struct stream *s)
{
    if (s->state != STREAM_OK)
        return;
    s->late_ns = clock_monotonic_ns();
    set_state(s, STREAM_GAP);
    worker_wake_hub(s->hub->worker, GAP_HOLD_MS);
}

void stream_gap_closed(struct stream *s)
{
    if (s->state <= STREAM_OK || s->last < s->seen)
        return;
    if (s->state != STREAM_GAP)
        metric_time(METRIC_HUB_REPAIR_TIME, clock_monotonic_ns() - s->late_ns);
    set_state(s, STREAM_OK);
    s->doubted = false;
    s->late_ns = 0;
}

static void repair(struct stream *s);

/* Everything that is missing did not come: is it in the store at all? */
static void repair_incomplete(struct stream *s, const struct store_req *req, bool progress)
{
    if (progress) {
        repair(s);
        return;
    }
    if (req->err == ERR_OK && s->doubted) {
        log_warn("events were announced that are not in the store", LOG_STR("stream", s->name),
                 LOG_INT("last", s->last), LOG_INT("announced", s->seen));
        s->seen = req->out.top.seq > s->last ? req->out.top.seq : s->last;
        stream_gap_closed(s);
    }
    s->doubted = req->err == ERR_OK;
    if (s->state != STREAM_OK) {
        set_state(s, STREAM_STALLED); /* asked again by hub_tick() */
        s->hub->stalled = true;
    }
}

static void repair_done(struct store_call *call)
{
    struct ask *ask = container_of(call, struct ask, call);
    struct stream *s = stream_find(ask->hub, ask->stream);
    const struct store_req *req = &call->req;

    if (s == NULL || s->state != STREAM_REPAIR) {
        ask_free(ask);
        return;
    }
    s->busy++;
    uint64_t before = s->last;
    if (req->err == ERR_OK && req->out.top.epoch != NULL && s->epoch[0] != '\0' &&
        strcmp(s->epoch, req->out.top.epoch) != 0) {
        stream_restart(s);
    } else {
        for (size_t i = 0; req->err == ERR_OK && i < req->out.n; i++) {
            if (req->out.events[i].seq != s->last + 1)
                continue;
            struct event *event = event_make(&req->out.events[i]);
            stream_take(s, event);
            event_unref(event);
            metric_add(METRIC_HUB_GAPS_REPAIRED, 1);
        }
        if (s->last < s->seen)
            repair_incomplete(s, req, s->last > before);
        else
            stream_gap_closed(s);
    }
    s->busy--;
    stream_release(s);
    ask_free(ask);
}

static void repair(struct stream *s)
{
    struct ask *ask = ask_make(s->hub, STORE_EVENTS);

    log_debug("gap", LOG_STR("stream", s->name), LOG_INT("last", s->last),
              LOG_INT("seen", s->seen));
    set_state(s, STREAM_REPAIR);
    memcpy(ask->stream, s->name, sizeof(ask->stream));
    ask->call.req.in.events.stream = ask->stream;
    ask->call.req.in.events.after = s->last;
    ask->call.req.in.events.limit = STORE_PAGE_MAX;
    store_call_submit(&ask->call, s->hub->worker, repair_done);
}

static void repair_first(struct stream *s)
{
    metric_add(METRIC_HUB_GAPS, 1);
    if (s->late_ns == 0)
        s->late_ns = clock_monotonic_ns();
    s->doubted = false;
    repair(s);
}

void stream_restart(struct stream *s)
{
    struct sub *sub;

    log_warn("stream has another epoch", LOG_STR("stream", s->name), LOG_STR("epoch", s->epoch));
    s->busy++;
    for (size_t i = s->live_n; i-- > 0;)
        conn_close(s->live[i]->conn, WS_CLOSE_DRAINING); /* they resume, and are told to resync */
    DL_FOREACH(s->filling, sub)
    {
        conn_close(sub->conn, WS_CLOSE_DRAINING);
    }
    stream_forget(s);
    s->epoch[0] = '\0';
    s->last = s->seen = s->claimed = s->late_ns = 0;
    set_state(s, STREAM_NEW);
    stream_set_fresh(s, true);
    s->busy--;
    stream_release(s);
}

/* -- new streams ------------------------------------------------------------------------------ */

static void stream_set_top(struct stream *s, const struct store_top *top)
{
    struct sub *sub;
    struct sub *tmp;

    (void)strncpy(s->epoch, top->epoch == NULL ? "" : top->epoch, sizeof(s->epoch) - 1);
    s->last = top->seq;
    set_state(s, STREAM_OK);
    s->busy++;
    DL_FOREACH_SAFE(s->filling, sub, tmp)
    {
        sub_advance(sub);
    }
    stream_wake_waits(s);
    if (s->seen > s->last)
        repair_first(s); /* it came while the store was looking */
    else
        s->seen = s->last;
    s->busy--;
    stream_release(s);
}

static void tops_done(struct store_call *call)
{
    struct ask *ask = container_of(call, struct ask, call);
    struct hub *hub = ask->hub;

    for (size_t i = 0; i < call->req.in.tops.n; i++) {
        struct stream *s = stream_find(hub, call->req.in.tops.streams[i]);
        if (s == NULL || s->state != STREAM_ASKED)
            continue;
        if (call->req.err == ERR_OK) {
            stream_set_top(s, &call->req.out.tops[i]);
        } else {
            s->state = STREAM_NEW;
            stream_set_fresh(s, true);
        }
    }
    if (call->req.err != ERR_OK)
        hub->asking_failed = true; /* hub_tick() lets it be asked again */
    ask_free(ask);
}

void hub_listening(struct hub *hub, const char *stream)
{
    struct stream *s = stream_find(hub, stream);

    if (s == NULL || s->state != STREAM_LISTENING)
        return;
    s->state = STREAM_NEW;
    stream_set_fresh(s, true);
}

/* The bus is asked for N streams. */
static void listen_for(struct hub *hub, struct stream *const *streams, size_t n)
{
    const char *names[TOPS_MAX] = {0};

    for (size_t i = 0; i < n; i++)
        names[i] = streams[i]->name;
    bool heard = bus_listen(hub->worker->node->bus, hub->worker->index, names, n);
    for (size_t i = 0; i < n; i++) {
        streams[i]->state = heard ? STREAM_NEW : STREAM_LISTENING;
        if (!heard)
            stream_set_fresh(streams[i], false);
    }
}

static void listen_all(struct hub *hub)
{
    struct stream *unheard[TOPS_MAX];
    size_t n = 0;
    struct stream *s;
    struct stream *tmp;

    DL_FOREACH_SAFE2(hub->fresh, s, tmp, fresh_next)
    {
        if (s->state != STREAM_UNHEARD)
            continue;
        unheard[n++] = s;
        if (n == TOPS_MAX) {
            listen_for(hub, unheard, n);
            n = 0;
        }
    }
    if (n > 0)
        listen_for(hub, unheard, n);
}

void hub_ask(struct hub *hub)
{
    struct ask *ask = NULL;
    struct stream *s;
    struct stream *tmp;

    if (hub->fresh == NULL)
        return;
    listen_all(hub);
    if (hub->asking_failed)
        return;
    DL_FOREACH_SAFE2(hub->fresh, s, tmp, fresh_next)
    {
        s->state = STREAM_ASKED;
        stream_set_fresh(s, false);
        if (ask_top(&ask, s)) {
            store_call_submit(&ask->call, hub->worker, tops_done);
            ask = NULL;
        }
    }
    if (ask != NULL)
        store_call_submit(&ask->call, hub->worker, tops_done);
}

/* -- comparing with the store ----------------------------------------------------------------- */

/* The store has events of S that did not come. */
static void found_missing(struct stream *s)
{
    metric_add(METRIC_HUB_CHECK_FOUND, s->claimed - s->last);
    if (s->claimed > s->seen)
        s->seen = s->claimed;
    s->claimed = 0;
    if (s->state == STREAM_OK)
        repair_first(s);
}

static void compare(struct stream *s, const struct store_top *top, bool now)
{
    if (s->state < STREAM_OK || top->epoch == NULL)
        return;
    if (s->epoch[0] != '\0' && strcmp(s->epoch, top->epoch) != 0) {
        stream_restart(s);
        return;
    }
    if (top->seq <= s->last)
        return;
    s->hub->suspects += s->claimed == 0;
    s->claimed = top->seq;
    if (s->state == STREAM_OK)
        s->late_ns = clock_monotonic_ns();
    if (now) {
        s->hub->suspects--;
        found_missing(s);
    }
}

static void check_done(struct store_call *call)
{
    struct ask *ask = container_of(call, struct ask, call);

    ask->hub->checks--;
    for (size_t i = 0; call->req.err == ERR_OK && i < call->req.in.tops.n; i++) {
        struct stream *s = stream_find(ask->hub, call->req.in.tops.streams[i]);
        if (s != NULL)
            compare(s, &call->req.out.tops[i], ask->now);
    }
    if (ask->hub->suspects > 0)
        worker_wake_hub(ask->hub->worker, SUSPECT_MS);
    ask_free(ask);
}

static void check_submit(struct hub *hub, struct ask *ask, bool now)
{
    ask->now = now;
    hub->checks++;
    store_call_submit(&ask->call, hub->worker, check_done);
}

static void check_all(struct hub *hub, bool now)
{
    struct ask *ask = NULL;
    struct stream *s;
    struct stream *tmp;

    hub->check_at_ns = clock_monotonic_ns() + CHECK_MS * ns_per_ms;
    HASH_ITER(hh, hub->streams, s, tmp)
    {
        if (s->state < STREAM_OK || !ask_top(&ask, s))
            continue;
        check_submit(hub, ask, now);
        ask = NULL;
    }
    if (ask != NULL)
        check_submit(hub, ask, now);
}

void hub_check_now(struct hub *hub)
{
    check_all(hub, true);
}

/* Streams that wait for something late. */
static void look_for_late(struct hub *hub, uint64_t now)
{
    struct stream *s;
    struct stream *tmp;

    hub->suspects = 0;
    HASH_ITER(hh, hub->streams, s, tmp)
    {
        uint64_t late_ms = (now - s->late_ns) / ns_per_ms;
        if (s->claimed != 0 && s->claimed <= s->last)
            s->claimed = 0; /* it came */
        if (s->claimed != 0 && late_ms >= SUSPECT_MS)
            found_missing(s);
        else if (s->state == STREAM_GAP && late_ms >= GAP_HOLD_MS)
            repair_first(s);
        hub->suspects += s->claimed != 0;
    }
}

/* Until the next comparison. Whoever calls earlier does not put it off. */
static uint64_t check_in_ms(const struct hub *hub, uint64_t now)
{
    if (now >= hub->check_at_ns)
        return SUSPECT_MS; /* the store has not answered the last one yet */
    return (hub->check_at_ns - now + ns_per_ms - 1) / ns_per_ms;
}

uint64_t hub_check(struct hub *hub)
{
    uint64_t now = clock_monotonic_ns();
    bool shared = bus_is_shared(hub->worker->node->bus);

    if (hub->gaps > 0 || hub->suspects > 0)
        look_for_late(hub, now);
    if (shared && now >= hub->check_at_ns && hub->checks == 0)
        check_all(hub, false);
    uint64_t check_ms = shared ? check_in_ms(hub, now) : 0;
    if (hub->gaps > 0)
        return GAP_HOLD_MS;
    if (hub->suspects > 0 && (!shared || check_ms > SUSPECT_MS))
        return SUSPECT_MS;
    return check_ms;
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
        struct sub *sub;
        struct sub *next;
        s->busy++;
        if (s->state == STREAM_STALLED)
            repair(s);
        DL_FOREACH_SAFE(s->filling, sub, next)
        {
            sub_advance(sub);
        }
        s->busy--;
        stream_release(s);
    }
}
