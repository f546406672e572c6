#include "server/hook_delivery_ops.h"

#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/mem.h"
#include "server/node.h"

enum {
    LEASE_MORE_MS = 10000,     /* a lease is this much longer than a request */
    LEASE_LEAST_MS = 3000,     /* what is left of it beyond that when a request is sent */
    LOST_PAUSE_MS = 500,       /* before a lease is asked for that another node has */
    LOST_LONG_PAUSE_MS = 5000, /* the same when that node does not know what it is for */
};

uint64_t delivery_request_ms(const struct delivery *d)
{
    return delivery_node(d)->config.outbound_timeout_ms;
}

uint64_t delivery_lease_left_ms(const struct delivery *d)
{
    uint64_t now = clock_monotonic_ns();
    uint64_t left = d->lease_until_ns > now ? (d->lease_until_ns - now) / 1000000u : 0;
    uint64_t needed = delivery_request_ms(d) + LEASE_LEAST_MS;

    return left > needed ? left - needed : 0;
}

static void lease_answered(struct store_call *call)
{
    enum err err;
    struct delivery *d = delivery_answered(call, &err);
    bool renewed = d->lease_until_ns > clock_monotonic_ns();

    if (err == ERR_OK) {
        d->lease_until_ns =
            call->req.submitted_ns + (delivery_request_ms(d) + LEASE_MORE_MS) * UINT64_C(1000000);
        if (!renewed) {
            delivery_drop_page(d); /* another node may have gone on meanwhile */
            d->nudged = true;
            d->look = d->service->shared; /* and been asked to deliver something again */
        }
        delivery_refresh(d, &call->req.out.hook);
    } else if (err != ERR_UNAVAILABLE) {
        d->lease_until_ns = 0;
        delivery_drop_page(d);
        d->nudged = false; /* whoever has it looks once more before it gives it back */
        delivery_pause(d, d->redeliver ? LOST_LONG_PAUSE_MS : LOST_PAUSE_MS);
    }
    delivery_end_question(d);
}

void delivery_ask_lease(struct delivery *d)
{
    struct store_req *req = delivery_question(d);

    req->in.hook_at.hook = d->id;
    req->in.hook_at.node = d->service->node;
    req->in.hook_at.until = clock_unix_ms() + (int64_t)delivery_request_ms(d) + LEASE_MORE_MS;
    delivery_ask(d, STORE_HOOK_LEASE, lease_answered);
}

static void looked_once_more(struct store_call *call)
{
    enum err err;
    struct delivery *d = delivery_answered(call, &err);

    if (err == ERR_OK && call->req.out.n == 1 && call->req.out.tops[0].seq > d->position)
        d->nudged = true;
    delivery_end_question(d);
}

/* What was committed elsewhere while this node had the lease was not told to anybody. */
static void lease_released(struct store_call *call)
{
    enum err err;
    struct delivery *d = delivery_answered(call, &err);

    arena_destroy(&d->call.req.arena);
    if (err == ERR_UNAVAILABLE || d->service->stopping) {
        delivery_go_on(d);
        return;
    }
    struct store_req *req = delivery_question(d);
    const char **streams = arena_alloc(req->arena, sizeof(*streams));
    streams[0] = d->stream;
    req->in.tops.streams = streams;
    req->in.tops.n = 1;
    delivery_ask(d, STORE_TOPS, looked_once_more);
}

void delivery_release_lease(struct delivery *d)
{
    struct store_req *req = delivery_question(d);

    d->lease_until_ns = 0;
    d->lingers = false;
    req->in.hook_at.hook = d->id;
    req->in.hook_at.node = d->service->node;
    delivery_ask(d, STORE_HOOK_LEASE, lease_released);
}
