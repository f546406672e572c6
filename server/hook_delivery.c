#include "server/hook_delivery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "server/hook_call.h"
#include "server/hook_delivery_ops.h"
#include "server/node.h"
#include "server/worker.h"

enum {
    PAGE = 50,             /* events that are read at once */
    STORE_PAUSE_MS = 1000, /* before the store is asked again that did not answer */
    LINGER_MS = 500,       /* how long a lease is kept for what may come */
};

/* -- waiting --------------------------------------------------------------------------------------
 */

static void on_timer(uv_timer_t *timer)
{
    delivery_go_on(container_of(timer, struct delivery, timer));
}

void delivery_pause(struct delivery *d, uint64_t ms)
{
    if (!d->closed)
        (void)uv_timer_start(&d->timer, on_timer, ms, 0);
}

struct node *delivery_node(const struct delivery *d)
{
    return d->service->worker->node;
}

void delivery_ask(struct delivery *d, enum store_op op, void (*done)(struct store_call *call))
{
    struct store_req *req = &d->call.req;

    d->busy = true;
    req->op = op;
    store_call_submit(&d->call, d->service->worker, done);
}

struct store_req *delivery_question(struct delivery *d)
{
    struct store_req *req = &d->call.req;

    memset(&d->call, 0, sizeof(d->call));
    req->arena = arena_create();
    req->actor.system = true;
    return req;
}

struct delivery *delivery_answered(struct store_call *call, enum err *err_out)
{
    struct delivery *d = container_of(call, struct delivery, call);

    d->busy = false;
    *err_out = call->req.err;
    if (call->req.err == ERR_UNAVAILABLE || call->req.err == ERR_INTERNAL) {
        log_warn("a webhook has to wait for the store", LOG_STR("hook", d->id),
                 LOG_STR("reason", call->req.reason == NULL ? "-" : call->req.reason));
        delivery_pause(d, STORE_PAUSE_MS);
        *err_out = ERR_UNAVAILABLE;
    }
    return d;
}

void delivery_end_question(struct delivery *d)
{
    arena_destroy(&d->call.req.arena);
    delivery_go_on(d);
}

void delivery_drop_page(struct delivery *d)
{
    arena_destroy(&d->page);
    d->events = NULL;
    d->events_n = d->at = 0;
    d->again = false;
}

/* -- deliveries -----------------------------------------------------------------------------------
 */

/* Back on the worker. */
static void target_answered(struct worker *worker, struct mail *mail)
{
    struct delivery *d = container_of(mail, struct delivery, mail);
    struct delivery_answer *a = &d->answer;

    (void)worker;
    d->busy = false;
    if (a->outcome != OUTBOUND_STOPPED && d->at < d->events_n) {
        if (a->outcome == OUTBOUND_ANSWERED && a->status / 100 == 2)
            delivery_delivered(d, &d->events[d->at]);
        else
            delivery_failed(d, &d->events[d->at]);
    }
    free(a->body);
    a->body = NULL;
    delivery_go_on(d);
}

/* On the thread of the HTTP client. */
static void on_answer(void *arg, const struct outbound_answer *answer)
{
    struct delivery *d = arg;
    struct delivery_answer *a = &d->answer;

    a->outcome = answer->outcome;
    a->status = answer->status;
    a->retry_after_s = answer->retry_after_s;
    (void)snprintf(a->reason, sizeof(a->reason), "%s", answer->reason);
    (void)snprintf(a->type, sizeof(a->type), "%s", answer->content_type);
    a->body = mem_strndup(answer->body, answer->cut ? 0 : answer->body_n);
    a->body_n = answer->cut ? 0 : answer->body_n;
    d->mail.run = target_answered;
    mailbox_post(&d->service->worker->box, &d->mail);
}

static void deliver(struct delivery *d, const struct store_event *event)
{
    unsigned before = d->again                        ? d->again_attempts
                      : d->attempts_seq == event->seq ? d->attempts
                                                      : 0;
    struct arena *arena = arena_create();
    struct hook_call call;

    hook_call_event(arena, &d->hook, event, before + 1, clock_unix_ms() / 1000, &call);
    struct outbound_post post = {
        .url = d->hook.url,
        .headers = call.headers,
        .headers_n = call.headers_n,
        .body = call.body,
        .body_n = call.body_n,
        .timeout_ms = (uint32_t)delivery_request_ms(d),
        .lane = OUTBOUND_BACKGROUND,
    };
    d->busy = true;
    if (outbound_post(delivery_node(d)->outbound, &post, on_answer, d) != ERR_OK) {
        d->busy = false;
        delivery_pause(d, STORE_PAUSE_MS);
    }
    arena_destroy(&arena);
}

static bool is_early(const struct delivery *d, const struct store_event *event, uint64_t now)
{
    return !d->again && d->attempts > 0 && d->attempts_seq == event->seq && d->due_ns > now;
}

/* The next event of the page that the hook wants; those before it are passed over. */
static void deliver_next(struct delivery *d)
{
    uint64_t now = clock_monotonic_ns();

    for (; d->at < d->events_n; delivery_pass(d, &d->events[d->at])) {
        const struct store_event *event = &d->events[d->at];
        if (!d->again && !hook_wants(&d->hook, event))
            continue;
        if (is_early(d, event, now)) {
            uint64_t wait_ms = (d->due_ns - now) / 1000000u + 1;
            uint64_t left_ms = delivery_lease_left_ms(d) + 1;
            delivery_pause(d, wait_ms < left_ms ? wait_ms : left_ms);
        } else {
            deliver(d, event);
        }
        return;
    }
    delivery_go_on(d);
}

static void page_read(struct store_call *call)
{
    enum err err;
    struct delivery *d = delivery_answered(call, &err);
    const struct store_req *req = &call->req;

    delivery_drop_page(d);
    if (err == ERR_OK && req->out.n > 0) {
        d->page = req->arena;
        d->call.req.arena = NULL;
        d->events = req->out.events;
        d->events_n = req->out.n;
        d->nudged = d->nudged || d->events_n == PAGE; /* there may be more */
    } else if (err == ERR_UNAVAILABLE) {
        d->nudged = true;
    }
    delivery_end_question(d);
}

static void read_page(struct delivery *d)
{
    struct store_req *req = delivery_question(d);

    d->nudged = false;
    req->in.events.stream = d->stream;
    req->in.events.after = d->position;
    req->in.events.limit = PAGE;
    delivery_ask(d, STORE_EVENTS, page_read);
}

/* -- dead letters ---------------------------------------------------------------------------------
 */

static void dead_event_read(struct store_call *call)
{
    enum err err;
    struct delivery *d = delivery_answered(call, &err);
    const struct store_req *req = &call->req;
    uint64_t seq = req->in.events.after + 1;

    delivery_drop_page(d);
    d->nudged = true; /* for the page that was dropped */
    if (err == ERR_OK && req->out.n > 0 && req->out.events[0].seq == seq) {
        d->page = req->arena;
        d->call.req.arena = NULL;
        d->events = req->out.events;
        d->events_n = 1;
        d->again = true;
    } else if (err != ERR_UNAVAILABLE) { /* an event that is no more */
        d->letter = LETTER_REMOVE;
        d->letter_of = (struct store_hook_failure){.hook = d->id, .seq = seq};
    }
    delivery_end_question(d);
}

static void due_found(struct store_call *call)
{
    enum err err;
    struct delivery *d = delivery_answered(call, &err);
    const struct store_req *answer = &call->req;

    if (err != ERR_OK || answer->out.n == 0) {
        d->redeliver = err == ERR_UNAVAILABLE;
        delivery_end_question(d);
        return;
    }
    uint64_t seq = answer->out.failures[answer->out.n - 1].seq; /* the oldest of them */
    d->again_attempts = answer->out.failures[answer->out.n - 1].attempts;
    arena_destroy(&d->call.req.arena);
    struct store_req *req = delivery_question(d);
    req->in.events.stream = d->stream;
    req->in.events.after = seq - 1;
    req->in.events.limit = 1;
    delivery_ask(d, STORE_EVENTS, dead_event_read);
}

static void ask_due(struct delivery *d, void (*done)(struct store_call *call))
{
    struct store_req *req = delivery_question(d);

    req->in.hooks.hook = d->id;
    req->in.hooks.due = true;
    req->in.hooks.page.limit = STORE_PAGE_MAX;
    delivery_ask(d, STORE_HOOK_FAILURES, done);
}

static void looked_for_due(struct store_call *call)
{
    enum err err;
    struct delivery *d = delivery_answered(call, &err);

    if (err != ERR_UNAVAILABLE)
        d->look = false;
    if (err == ERR_OK && call->req.out.n > 0)
        d->redeliver = true;
    delivery_end_question(d);
}

/* -- what is next ---------------------------------------------------------------------------------
 */

/* Nothing is left to do. With other nodes around the lease is given back when nothing comes for a
 * while, and the position is written first. */
static void wind_up(struct delivery *d)
{
    if (!d->service->shared || d->lease_until_ns == 0)
        return;
    if (!d->lingers) {
        d->lingers = true;
        delivery_pause(d, LINGER_MS);
    } else if (d->position > d->marked) {
        delivery_mark(d, STORE_HOOK_SKIPPED);
        (void)delivery_write_next(d);
    } else {
        delivery_release_lease(d);
    }
}

static void close_timer(struct delivery *d, uv_close_cb done)
{
    if (!d->closed)
        uv_close((uv_handle_t *)&d->timer, done);
    d->closed = true;
}

static void on_closed(uv_handle_t *handle)
{
    struct delivery *d = container_of(handle, struct delivery, timer);

    d->service->ended(d->service, d);
}

void delivery_go_on(struct delivery *d)
{
    bool works = d->redeliver || d->nudged || d->at < d->events_n;

    if (d->busy)
        return;
    if (d->service->stopping) {
        delivery_write_last(d);
        return;
    }
    if (d->closed || uv_is_active((uv_handle_t *)&d->timer))
        return;
    if (delivery_write_next(d))
        return;
    if (d->gone)
        close_timer(d, on_closed);
    else if (d->look)
        ask_due(d, looked_for_due);
    else if (!works)
        wind_up(d);
    else if (delivery_lease_left_ms(d) == 0)
        delivery_ask_lease(d);
    else if (d->redeliver && !d->again)
        ask_due(d, due_found);
    else if (d->at < d->events_n)
        deliver_next(d);
    else
        read_page(d);
}

/* -- life -----------------------------------------------------------------------------------------
 */

static const char *copy(struct delivery *d, const char *text)
{
    return arena_strdup(d->arena, text);
}

void delivery_refresh(struct delivery *d, const struct store_hook *hook)
{
    struct arena *old = d->arena;

    if (d->attempts > 0 &&
        strcmp(d->hook.url, hook->url) != 0) { /* it need not wait for that one */
        d->attempts = 0;
        if (!d->closed)
            (void)uv_timer_stop(&d->timer);
    }
    d->arena = arena_create();
    d->hook = (struct store_hook){
        .id = d->id,
        .kind = hook->kind,
        .channel = copy(d, hook->channel),
        .name = copy(d, hook->name),
        .icon = copy(d, hook->icon),
        .secret = copy(d, hook->secret),
        .url = copy(d, hook->url),
        .events = copy(d, hook->events),
        .trigger = copy(d, hook->trigger),
    };
    arena_destroy(&old);
    if (hook->position > d->marked)
        d->marked = hook->position;
    if (hook->position > d->position) { /* another node has gone on */
        d->position = hook->position;
        if (!d->again && !d->busy)
            delivery_drop_page(d);
    }
}

struct delivery *delivery_create(struct delivery_service *service, const struct store_hook *hook)
{
    struct delivery *d = mem_zalloc(sizeof(*d));

    d->service = service;
    (void)snprintf(d->id, sizeof(d->id), "%s", hook->id);
    (void)snprintf(d->stream, sizeof(d->stream), "c:%s", hook->channel);
    (void)uv_timer_init(&service->worker->loop, &d->timer);
    delivery_refresh(d, hook);
    return d;
}

void delivery_begin(struct delivery *d)
{
    d->look = true;
    delivery_go_on(d);
}

void delivery_nudge(struct delivery *d)
{
    d->nudged = true;
    if (d->lingers && !d->closed) {
        d->lingers = false;
        (void)uv_timer_stop(&d->timer);
    }
    delivery_go_on(d);
}

void delivery_redeliver(struct delivery *d)
{
    d->redeliver = true;
    if (!d->closed)
        (void)uv_timer_stop(&d->timer); /* it does not wait for the event whose turn it is */
    delivery_nudge(d);
}

void delivery_end(struct delivery *d)
{
    d->gone = true;
    if (!d->closed)
        (void)uv_timer_stop(&d->timer);
    delivery_go_on(d);
}

static void drained(struct store_call *call)
{
    struct delivery *d = container_of(call, struct delivery, call);

    d->busy = false;
    arena_destroy(&d->call.req.arena);
}

void delivery_drain(struct delivery *d)
{
    close_timer(d, NULL);
    if (d->busy || d->lease_until_ns == 0 || !d->service->shared)
        return;
    struct store_req *req = delivery_question(d);
    req->in.hook_at.hook = d->id;
    req->in.hook_at.node = d->service->node;
    delivery_ask(d, STORE_HOOK_LEASE, drained);
}

void delivery_free(struct delivery *d)
{
    arena_destroy(&d->call.req.arena);
    arena_destroy(&d->page);
    arena_destroy(&d->arena);
    free(d->answer.body);
    free(d->text);
    free(d);
}
