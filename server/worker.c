#include "server/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "protocol/jsonrpc.h"
#include "server/announce.h"
#include "server/conn.h"
#include "server/engineio.h"
#include "server/gateway.h"
#include "server/hub.h"
#include "server/listener.h"
#include "server/metrics.h"
#include "server/node.h"
#include "server/people.h"
#include "server/polls.h"
#include "server/session.h"
#include "server/session_check.h"

enum {
    TICK_MS = 1000,
    HTTP_REQUEST_SECONDS = 30,   /* from a request's headers to the end of its body */
    HEARTBEAT_SLICES = 4,        /* a tick looks at every fourth connection */
    FLUSH_SLICE_NS = 500000,     /* then the loop looks for input before the flush goes on */
    FLUSH_STEP = 16,             /* connections between two looks at the clock */
    FLUSH_SHARE = 4,             /* flushing batches takes a quarter of the time, */
    FLUSH_INTERVAL_NS = 2000000, /* but the next batches wait no longer than this */
    HAND_SHARE = 8,              /* or than handing them to very many members asks for */
};

/* -- the turn -------------------------------------------------------------------------------------
 */

void worker_mark_dirty(struct worker *worker, struct conn *conn)
{
    if (conn->dirty)
        return;
    conn->dirty = true;
    if (worker->dirty_n == worker->dirty_cap) {
        worker->dirty_cap = worker->dirty_cap == 0 ? 256 : worker->dirty_cap * 2;
        worker->dirty = mem_realloc_array(worker->dirty, worker->dirty_cap, sizeof(struct conn *));
    }
    worker->dirty[worker->dirty_n++] = conn_ref(conn);
}

void worker_closing(struct worker *worker, struct conn *conn)
{
    if (worker->closing_n == worker->closing_cap) {
        worker->closing_cap = worker->closing_cap == 0 ? 16 : worker->closing_cap * 2;
        worker->closing =
            mem_realloc_array(worker->closing, worker->closing_cap, sizeof(struct conn *));
    }
    worker->closing[worker->closing_n++] = conn_ref(conn);
}

void worker_count_out(struct worker *worker, uint32_t messages, size_t bytes)
{
    worker->flush_messages += messages;
    worker->flush_bytes += bytes;
}

/* What is left of the queue moves to its front. */
static void settle_dirty(struct worker *w)
{
    size_t left = w->dirty_n - w->dirty_at;

    if (left > w->dirty_at)
        return;
    memmove(w->dirty, w->dirty + w->dirty_at, left * sizeof(struct conn *));
    w->dirty_at = 0;
    w->dirty_n = left;
}

/* Write the dirty connections, the first marked first, for a slice at most. True: all of them are
 * written. */
static bool flush_conns(struct worker *w)
{
    uint64_t began = clock_monotonic_ns();

    if (w->dirty_n == 0)
        return true;
    for (unsigned n = 1; w->dirty_at < w->dirty_n; n++) {
        struct conn *c = w->dirty[w->dirty_at++];
        c->dirty = false;
        if (!c->gone && (c->websocket || c->eio != NULL || c->follows))
            (void)conn_flush(c);
        conn_unref(c);
        if (n % FLUSH_STEP == 0 && clock_monotonic_ns() > began + FLUSH_SLICE_NS)
            break;
    }
    w->flush_took_ns += clock_monotonic_ns() - began;
    metric_add(METRIC_DELIVERIES, w->flush_messages);
    metric_add(METRIC_SENT_BYTES, w->flush_bytes);
    w->flush_messages = w->flush_bytes = 0;
    settle_dirty(w);
    return w->dirty_n == 0;
}

static void end_closing(struct worker *w)
{
    for (size_t i = 0; i < w->closing_n; i++) {
        hub_unsubscribe_all(w->closing[i]);
        session_end(w->closing[i]);
        if (w->closing[i]->eio != NULL && w->closing[i]->wsi == NULL)
            eio_turn_over(w->closing[i]->eio);
        conn_unref(w->closing[i]);
    }
    w->closing_n = 0;
}

static void on_pause_over(uv_timer_t *timer)
{
    (void)timer; /* the turn's end does the rest */
}

static void on_unfinished(uv_idle_t *idle)
{
    (void)idle; /* the loop looks for input without sleeping; the turn's end goes on */
}

/* When the next batches may be handed to the connections: done too often they are small, and each
 * write costs. Those who still wait for the batches before get both in one write, and keep their
 * place in the queue; so nobody waits for longer than it takes to write everybody once. */
static uint64_t next_flush_ns(const struct worker *w)
{
    uint64_t interval = FLUSH_SHARE * w->flush_took_ns;
    uint64_t handing = HAND_SHARE * w->flush_handed_ns;

    if (interval > FLUSH_INTERVAL_NS)
        interval = FLUSH_INTERVAL_NS;
    return w->flush_started_ns + (interval > handing ? interval : handing);
}

static void flush_streams(struct worker *w)
{
    uint64_t now = clock_monotonic_ns();
    uint64_t due = next_flush_ns(w);

    if (!hub_is_dirty(w->hub))
        return;
    if (now < due) {
        if (!uv_is_active((uv_handle_t *)&w->pacer))
            (void)uv_timer_start(&w->pacer, on_pause_over, (due - now + 999999) / 1000000, 0);
        return;
    }
    w->flush_started_ns = now;
    w->flush_took_ns = 0;
    (void)hub_flush(w->hub);
    w->flush_handed_ns = clock_monotonic_ns() - now;
}

static void flush(struct worker *w)
{
    flush_streams(w);
    if (flush_conns(w))
        (void)uv_idle_stop(&w->unfinished);
    else
        (void)uv_idle_start(&w->unfinished, on_unfinished);
}

static void on_check(uv_timer_t *timer)
{
    struct worker *w = container_of(timer, struct worker, check);
    uint64_t again_ms = hub_check(w->hub);

    if (again_ms > 0)
        worker_wake_hub(w, again_ms);
}

void worker_wake_hub(struct worker *worker, uint64_t ms)
{
    uv_handle_t *handle = (uv_handle_t *)&worker->check;

    if (uv_is_closing(handle) ||
        (uv_is_active(handle) && uv_timer_get_due_in(&worker->check) <= ms))
        return;
    (void)uv_timer_start(&worker->check, on_check, ms, 0);
}

static void on_turn(uv_prepare_t *prepare)
{
    struct worker *w = container_of(prepare, struct worker, prepare);

    hub_ask(w->hub);
    flush(w);
    if (w->closing_n > 0)
        end_closing(w);
}

/* -- connections ----------------------------------------------------------------------------------
 */

void worker_add_conn(struct worker *worker, struct conn *conn)
{
    if (worker->conns_n == worker->conns_cap) {
        worker->conns_cap = worker->conns_cap == 0 ? 256 : worker->conns_cap * 2;
        worker->conns = mem_realloc_array(worker->conns, worker->conns_cap, sizeof(struct conn *));
    }
    conn->index = (uint32_t)worker->conns_n;
    worker->conns[worker->conns_n++] = conn;
    metric_add(METRIC_CONNECTIONS, 1);
}

void worker_remove_conn(struct worker *worker, struct conn *conn)
{
    struct conn *last = worker->conns[--worker->conns_n];

    worker->conns[conn->index] = last;
    last->index = conn->index;
    metric_sub(METRIC_CONNECTIONS, 1);
}

uint64_t worker_next_conn_id(struct worker *worker)
{
    return ++worker->next_conn_id * worker->node->workers_n + worker->index;
}

uint32_t worker_now_s(const struct worker *worker)
{
    return worker->now_s;
}

static void heartbeat(struct worker *w, struct conn *c)
{
    const struct config *config = &w->node->config;
    uint64_t silent_ms = (uint64_t)(w->now_s - c->last_rx_s) * 1000;

    if (c->eio != NULL) {
        eio_tick(c->eio);
        return;
    }
    if (c->follows) {
        gateway_follow_tick(c);
        return;
    }
    if (!c->closing && !c->websocket && c->http != NULL && c->requests == 0 &&
        w->now_s - c->last_rx_s >= HTTP_REQUEST_SECONDS) {
        log_debug("slow request", LOG_INT("conn", c->id));
        conn_kill(c);
    }
    if (!c->websocket && c->http != NULL)
        gateway_http_watch(c);
    if (c->closing || !c->websocket || c->carries)
        return;
    if (c->session == NULL && !c->starting &&
        (uint64_t)(w->now_s - c->opened_s) * 1000 >= config->session_start_timeout_ms) {
        conn_close(c, WS_CLOSE_UNAUTHENTICATED);
    } else if (c->eio_socket != NULL) {
        return; /* about to take over a session, which has a heartbeat of its own */
    } else if (silent_ms >= 2 * (uint64_t)config->heartbeat_ms) {
        log_debug("silent peer", LOG_INT("conn", c->id));
        metric_add_by(METRIC_CLOSES, METRIC_CLOSE_LOST, 1);
        conn_kill(c);
    } else if (silent_ms >= config->heartbeat_ms && !c->pinged) {
        struct frame *frame = frame_ping();
        c->pinged = true;
        conn_send(c, frame);
        frame_unref(frame);
    }
}

static void measure_lag(struct worker *w)
{
    uint64_t now = clock_monotonic_ns();
    uint64_t lag = w->tick_due_ns != 0 && now > w->tick_due_ns ? now - w->tick_due_ns : 0;

    metric_time(METRIC_LOOP_LAG, lag);
    metric_set_by(METRIC_WORKER_LOOP_LAG, w->index, lag);
    metric_set_by(METRIC_WORKER_CONNECTIONS, w->index, w->conns_n);
}

static void on_tick(uv_timer_t *timer)
{
    struct worker *w = container_of(timer, struct worker, tick);
    uint64_t interval = w->node->config.heartbeat_ms < 4 * TICK_MS ? TICK_MS / 10 : TICK_MS;

    measure_lag(w);
    w->now_s = (uint32_t)(clock_monotonic_ns() / 1000000000u);
    for (size_t i = w->conns_n; i-- > 0;)
        if (w->conns[i]->session == NULL || (i + w->now_s) % HEARTBEAT_SLICES == 0 ||
            interval < TICK_MS)
            heartbeat(w, w->conns[i]);
    hub_tick(w->hub);
    session_tick(w);
    session_check_tick(w->session_check);
    if (w->index == 0)
        announce_presence(w);
    (void)uv_timer_start(&w->tick, on_tick, interval, 0);
    w->tick_due_ns = clock_monotonic_ns() + interval * 1000000u;
}

/* -- life -----------------------------------------------------------------------------------------
 */

struct worker *worker_create(struct node *node, unsigned index, char error_out[256])
{
    struct worker *w = mem_zalloc(sizeof(*w));

    w->node = node;
    w->index = index;
    w->now_s = (uint32_t)(clock_monotonic_ns() / 1000000000u);
    w->scratch = conn_scratch_create();
    w->hub = hub_create(w);
    w->session_check = session_check_create(w);
    w->people = people_create();
    (void)uv_loop_init(&w->loop);
    w->engineio = engineio_create(w);
    w->loop.data = w;
    mailbox_init(&w->box, &w->loop, w);
    (void)uv_prepare_init(&w->loop, &w->prepare);
    (void)uv_prepare_start(&w->prepare, on_turn);
    (void)uv_timer_init(&w->loop, &w->pacer);
    (void)uv_idle_init(&w->loop, &w->unfinished);
    (void)uv_timer_init(&w->loop, &w->check);
    (void)uv_timer_start(&w->check, on_check, TICK_MS, 0);
    (void)uv_timer_init(&w->loop, &w->tick);
    (void)uv_timer_start(&w->tick, on_tick, TICK_MS, 0);
    if (!gateway_open(w, error_out))
        worker_destroy(&w);
    return w;
}

static void *run(void *arg)
{
    struct worker *w = arg;
    char name[16];

    (void)snprintf(name, sizeof(name), "worker-%u", w->index);
    (void)pthread_setname_np(pthread_self(), name);
    (void)uv_run(&w->loop, UV_RUN_DEFAULT);
    return NULL;
}

void worker_start(struct worker *worker)
{
    worker->started = pthread_create(&worker->thread, NULL, run, worker) == 0;
}

/* -- the end --------------------------------------------------------------------------------------
 */

enum {
    SPREAD_MS = 3000, /* clients come back within this, each at a time of its own */
    DRAIN_POLL_MS = 20,
    DRAIN_MARGIN_MS = 1500, /* of the drain time, kept for closing what is left */
};

static void stop(struct worker *w)
{
    w->stopping = true;
    engineio_stop(w->engineio);
    end_closing(w);
    gateway_close(w);
    mailbox_close(&w->box);
    uv_close((uv_handle_t *)&w->prepare, NULL);
    uv_close((uv_handle_t *)&w->tick, NULL);
    uv_close((uv_handle_t *)&w->check, NULL);
    uv_close((uv_handle_t *)&w->pacer, NULL);
    uv_close((uv_handle_t *)&w->unfinished, NULL);
    uv_stop(&w->loop);
}

static void tell_draining(struct conn *c)
{
    struct buf json = {0};
    struct buf data = {0};
    uint32_t after;

    random_bytes(&after, sizeof(after));
    buf_json_member_int(&data, "reconnect_after_ms", 200 + (int64_t)(after % SPREAD_MS));
    rpc_put_ephemeral(&json, "server.draining", data.data, data.len);
    conn_send_text(c, json.data, json.len);
    buf_free(&data);
    buf_free(&json);
}

/* Commands that wait for the store finish first; then each client is closed. */
static void on_drain(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    uint64_t now = clock_monotonic_ns();
    bool late = now >= w->tick_due_ns;

    if (w->calls > 0 && !late)
        return;
    for (size_t i = w->conns_n; i-- > 0;) {
        struct conn *c = w->conns[i];
        bool talks = c->websocket || c->eio != NULL || c->follows;
        bool waits = c->eio != NULL && c->wsi == NULL && c->closing; /* for a GET; none will come */
        if (talks && !waits)
            conn_close(c, WS_CLOSE_DRAINING);
        else if (talks || c->requests == 0 || late)
            conn_kill(c);
    }
    if (w->conns_n > 0 && now < w->tick_due_ns + (uint64_t)DRAIN_MARGIN_MS * 500000u)
        return;
    uv_close((uv_handle_t *)timer, (uv_close_cb)(void (*)(void))free);
    stop(w);
}

static void run_drain(struct worker *w, struct mail *mail)
{
    uint32_t limit = w->node->config.drain_timeout_ms;

    free(mail);
    if (w->draining)
        return;
    w->draining = true;
    listeners_close(w);
    polls_end(w);
    for (size_t i = w->conns_n; i-- > 0;)
        if (w->conns[i]->session != NULL) /* for the others the answer comes first */
            tell_draining(w->conns[i]);
    (void)uv_timer_stop(&w->tick);
    uint32_t wait = limit > 2 * DRAIN_MARGIN_MS ? limit - DRAIN_MARGIN_MS : limit / 2;
    w->tick_due_ns = clock_monotonic_ns() + (uint64_t)wait * 1000000u;
    uv_timer_t *timer = mem_zalloc(sizeof(*timer));
    (void)uv_timer_init(&w->loop, timer);
    timer->data = w;
    (void)uv_timer_start(timer, on_drain, DRAIN_POLL_MS, DRAIN_POLL_MS);
}

void worker_drain(struct worker *worker)
{
    struct mail *mail = mem_zalloc(sizeof(*mail));

    mail->run = run_drain;
    mailbox_post(&worker->box, mail);
}

void worker_join(struct worker *worker)
{
    (void)pthread_join(worker->thread, NULL);
}

void worker_destroy(struct worker **worker)
{
    struct worker *w = *worker;

    if (w == NULL)
        return;
    *worker = NULL;
    if (!w->started) { /* the start failed elsewhere: nobody has closed anything */
        listeners_close(w);
        stop(w);
        (void)uv_run(&w->loop, UV_RUN_DEFAULT); /* notices the stop, as the thread's would have */
    }
    (void)mailbox_run(&w->box); /* answers that came after the loop ended */
    (void)uv_run(&w->loop, UV_RUN_DEFAULT);
    gateway_destroy(w);
    (void)uv_loop_close(&w->loop);
    hub_destroy(&w->hub);
    people_destroy(&w->people);
    engineio_destroy(&w->engineio);
    while (w->dirty_at < w->dirty_n)
        conn_unref(w->dirty[w->dirty_at++]);
    session_check_destroy(&w->session_check);
    free(w->conns);
    free(w->dirty);
    free(w->closing);
    free(w->scratch);
    free(w);
}
