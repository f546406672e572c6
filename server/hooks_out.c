#include "server/hooks_out.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "server/bus/bus.h"
#include "server/hook_delivery.h"
#include "server/hooks_watch.h"
#include "server/node.h"
#include "server/worker.h"

enum { ROUND_MS = 5000, PAGE = STORE_PAGE_MAX };

struct hooks_out {
    struct delivery_service service;
    struct node *node;
    struct hooks_watch watch;
    atomic_bool running; /* there is a worker to tell */

    /* The first worker's own from here on. */
    bool started;
    struct delivery *deliveries; /* by id */
    uv_timer_t timer;            /* of the rounds */
    struct store_call call;      /* of a round */
    bool in_round, again;
    bool first_error; /* of the rounds in a row that did not end well */
    uint64_t round;
    char cursor[ID_MAX + 1];
    struct arena *page; /* the hooks of one page of a round, while their tops are asked for */
    const struct store_hook *hooks;
};

static void begin_round(struct hooks_out *h);

/* -- the set --------------------------------------------------------------------------------------
 */

static struct delivery *find(const struct hooks_out *h, const char *id)
{
    struct delivery *d;

    HASH_FIND_STR(h->deliveries, id, d);
    return d;
}

static void delivery_ended(struct delivery_service *service, struct delivery *d)
{
    struct hooks_out *h = container_of(service, struct hooks_out, service);

    HASH_DEL(h->deliveries, d);
    hooks_watch_remove(&h->watch, d->stream);
    delivery_free(d);
}

/* One that is about to end is made anew in a later round. */
static void take_in(struct hooks_out *h, const struct store_hook *hook)
{
    struct delivery *d = find(h, hook->id);

    if (d == NULL) {
        d = delivery_create(&h->service, hook);
        HASH_ADD_STR(h->deliveries, id, d);
        hooks_watch_add(&h->watch, d->stream);
        delivery_begin(d);
    } else if (!d->gone) {
        delivery_refresh(d, hook);
    }
    d->seen = h->round;
}

/* -- rounds ---------------------------------------------------------------------------------------
 *
 * Every few seconds, and when a hook has changed: which hooks are there, and is one behind its
 * stream?
 */

static void ask(struct hooks_out *h, enum store_op op, void (*done)(struct store_call *call))
{
    h->call.req.op = op;
    h->call.req.actor.system = true;
    store_call_submit(&h->call, h->service.worker, done);
}

static struct store_req *question(struct hooks_out *h)
{
    memset(&h->call, 0, sizeof(h->call));
    h->call.req.arena = arena_create();
    return &h->call.req;
}

static void on_timer(uv_timer_t *timer)
{
    begin_round(container_of(timer, struct hooks_out, timer));
}

static void end_round(struct hooks_out *h, enum err err)
{
    struct delivery *d, *next;

    arena_destroy(&h->call.req.arena);
    arena_destroy(&h->page);
    h->in_round = false;
    if (h->service.stopping)
        return;
    if (err != ERR_OK && !h->first_error)
        log_warn("webhooks cannot be looked up", LOG_STR("reason", err_name(err)));
    h->first_error = err != ERR_OK;
    if (err == ERR_OK)
        HASH_ITER(hh, h->deliveries, d, next)
    if (d->seen != h->round && !d->gone)
        delivery_end(d);
    if (h->again)
        begin_round(h);
    else
        (void)uv_timer_start(&h->timer, on_timer, ROUND_MS, 0);
}

static void ask_page(struct hooks_out *h);

static void tops_known(struct store_call *call)
{
    struct hooks_out *h = container_of(call, struct hooks_out, call);
    struct store_req *req = &call->req;

    for (size_t i = 0; req->err == ERR_OK && i < req->out.n; i++) {
        struct delivery *d = find(h, h->hooks[i].id);
        if (d != NULL && !d->gone && req->out.tops[i].seq > d->position)
            delivery_nudge(d);
    }
    if (req->err == ERR_OK && h->cursor[0] != '\0' && !h->service.stopping) {
        arena_destroy(&req->arena);
        ask_page(h);
    } else {
        end_round(h, req->err);
    }
}

static void page_known(struct store_call *call)
{
    struct hooks_out *h = container_of(call, struct hooks_out, call);
    struct store_req *req = &call->req;
    size_t n = req->out.n;

    if (req->err != ERR_OK || n == 0 || h->service.stopping) {
        end_round(h, req->err);
        return;
    }
    for (size_t i = 0; i < n; i++)
        take_in(h, &req->out.hooks[i]);
    (void)snprintf(h->cursor, sizeof(h->cursor), "%s", req->out.next == NULL ? "" : req->out.next);
    arena_destroy(&h->page);
    h->page = req->arena;
    h->hooks = req->out.hooks;
    struct store_req *next = question(h);
    const char **streams = arena_alloc(next->arena, n * sizeof(*streams));
    for (size_t i = 0; i < n; i++)
        streams[i] = find(h, h->hooks[i].id)->stream;
    next->in.tops.streams = streams;
    next->in.tops.n = n;
    ask(h, STORE_TOPS, tops_known);
}

static void ask_page(struct hooks_out *h)
{
    struct store_req *req = question(h);

    if (h->cursor[0] != '\0')
        req->in.hooks.page.cursor = arena_strdup(req->arena, h->cursor);
    req->in.hooks.page.limit = PAGE;
    ask(h, STORE_HOOKS_OUTGOING, page_known);
}

static void begin_round(struct hooks_out *h)
{
    h->again = h->in_round;
    if (h->in_round || h->service.stopping)
        return;
    (void)uv_timer_stop(&h->timer);
    h->in_round = true;
    h->round++;
    h->cursor[0] = '\0';
    ask_page(h);
}

/* -- mail -----------------------------------------------------------------------------------------
 */

static void post(struct hooks_out *h, void (*run)(struct worker *worker, struct mail *mail))
{
    struct mail *mail = mem_zalloc(sizeof(*mail));

    mail->run = run;
    mailbox_post(&h->service.worker->box, mail);
}

static void run_start(struct worker *worker, struct mail *mail)
{
    struct hooks_out *h = worker->node->hooks;

    free(mail);
    if (worker->draining)
        return;
    h->started = true;
    (void)uv_timer_init(&worker->loop, &h->timer);
    begin_round(h);
}

static void run_noted(struct worker *worker, struct mail *mail)
{
    struct hooks_out *h = worker->node->hooks;
    struct delivery *d, *next;
    size_t n;

    free(mail);
    char(*streams)[STORE_STREAM_SIZE] = hooks_watch_take(&h->watch, &n);
    for (size_t i = 0; i < n; i++)
        HASH_ITER(hh, h->deliveries, d, next)
    if (strcmp(d->stream, streams[i]) == 0)
        delivery_nudge(d);
    free(streams);
}

static void run_changed(struct worker *worker, struct mail *mail)
{
    struct hooks_out *h = worker->node->hooks;

    free(mail);
    if (h->started)
        begin_round(h);
}

static void run_drain(struct worker *worker, struct mail *mail)
{
    struct hooks_out *h = worker->node->hooks;
    struct delivery *d, *next;

    free(mail);
    h->service.stopping = true;
    if (!h->started)
        return;
    uv_close((uv_handle_t *)&h->timer, NULL);
    HASH_ITER(hh, h->deliveries, d, next)
    delivery_drain(d);
}

struct redeliver_mail {
    struct mail mail;
    char hook[ID_MAX + 1];
};

static void run_redeliver(struct worker *worker, struct mail *mail)
{
    struct redeliver_mail *m = container_of(mail, struct redeliver_mail, mail);
    struct delivery *d = find(worker->node->hooks, m->hook);

    if (d != NULL)
        delivery_redeliver(d);
    free(m);
}

/* -- what others call -----------------------------------------------------------------------------
 */

struct hooks_out *hooks_out_create(struct node *node)
{
    struct hooks_out *h = mem_zalloc(sizeof(*h));

    h->node = node;
    h->service.ended = delivery_ended;
    hooks_watch_init(&h->watch);
    return h;
}

/* A node on its own has the same name after its end, however it came: nobody else is to be waited
 * for. */
void hooks_out_start(struct hooks_out *h)
{
    h->service.worker = h->node->workers[0];
    h->service.shared = bus_is_shared(h->node->bus);
    h->service.node =
        h->service.shared || h->node->config.node_name[0] != '\0' ? h->node->name : "local";
    post(h, run_start);
    atomic_store(&h->running, true);
}

void hooks_out_drain(struct hooks_out *h)
{
    post(h, run_drain);
}

void hooks_out_destroy(struct hooks_out **hooks)
{
    struct hooks_out *h = *hooks;
    struct delivery *d, *next;

    if (h == NULL)
        return;
    *hooks = NULL;
    HASH_ITER(hh, h->deliveries, d, next)
    {
        HASH_DEL(h->deliveries, d);
        delivery_free(d);
    }
    arena_destroy(&h->call.req.arena);
    arena_destroy(&h->page);
    hooks_watch_destroy(&h->watch);
    free(h);
}

static void redeliver(struct hooks_out *h, const char *hook)
{
    struct redeliver_mail *m = mem_zalloc(sizeof(*m));

    m->mail.run = run_redeliver;
    (void)snprintf(m->hook, sizeof(m->hook), "%s", hook);
    mailbox_post(&h->service.worker->box, &m->mail);
}

void hooks_out_committed(struct hooks_out *h, const struct store_commit *commit)
{
    bool changed = false;

    if (!atomic_load(&h->running))
        return;
    for (size_t i = 0; i < commit->reqs_n; i++) {
        const struct store_req *req = commit->reqs[i];
        if (req->op < STORE_HOOK_CREATE || req->op > STORE_HOOK_REDELIVER || req->err != ERR_OK)
            continue;
        if (req->op == STORE_HOOK_REDELIVER)
            redeliver(h, req->in.hook_failure.hook);
        else
            changed = true;
    }
    if (changed)
        post(h, run_changed);
    if (hooks_watch_note(&h->watch, commit->events, commit->events_n))
        post(h, run_noted);
}
