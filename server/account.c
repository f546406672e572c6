#include "server/account.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "server/bus/bus.h"
#include "server/callers.h"
#include "server/grant.h"
#include "server/node.h"
#include "server/pace.h"
#include "server/worker.h"

enum { TOUCH_INTERVAL_MS = 300000 }; /* last_seen_at is at most this old */

enum err account_find_session(struct request *req, const char *token, request_step_fn step)
{
    char *hash = arena_alloc(req->arena, HASH_HEX_SIZE);

    token_hash(token, hash);
    memset(&req->call.req.in, 0, sizeof(req->call.req.in));
    req->call.req.in.session.token_hash = hash;
    req->revocations = req->worker->revocations;
    return request_store(req, STORE_SESSION_GET, step);
}

static void touch_done(struct store_call *call)
{
    arena_destroy(&call->req.arena);
    free(call);
}

void account_touch(struct worker *worker, const struct store_session *session)
{
    if (clock_unix_ms() - session->last_seen_at < TOUCH_INTERVAL_MS)
        return;
    struct store_call *call = mem_zalloc(sizeof(*call));
    call->req.op = STORE_SESSION_TOUCH;
    call->req.arena = arena_create();
    call->req.actor.system = true;
    call->req.in.session.id = arena_strdup(call->req.arena, session->id);
    store_call_submit(call, worker, touch_done);
}

/* Where a request goes on after the question that came before it. */
struct detour {
    request_step_fn next;
};

/* -- over HTTP -------------------------------------------------------------------------------- */

struct search {
    request_step_fn next;
    char hash[HASH_HEX_SIZE];
    uint64_t revocations; /* the node's, when the store was asked */
};

static enum err act_as(struct request *req, const struct caller *caller, request_step_fn step)
{
    memcpy(req->user, caller->user, sizeof(req->user));
    memcpy(req->session, caller->session, sizeof(req->session));
    req->grant = grant_ref(caller->grant);
    req->actor = grant_actor(req->grant, req->user, caller->role);
    return step(req);
}

static enum err search_store(struct request *req);

/* Nobody has this token, or nobody any more. */
static enum err caller_unknown(struct request *req)
{
    uint32_t wait = pace_guess(req->conn, req->address);

    if (wait == 0)
        return request_fail(req, ERR_UNAUTHENTICATED, NULL, req->call.req.reason);
    req->retry_after_ms = wait;
    req->detail = "Too many tokens that are not good from your address";
    return ERR_RATE_LIMITED;
}

static enum err caller_found(struct request *req)
{
    struct search *search = req->data;
    struct store_req *store = &req->call.req;

    req->tolerated = ERR_OK;
    if (store->err != ERR_OK)
        return caller_unknown(req);
    struct caller caller = {
        .role = store->out.user.role,
        .expires_at = store->out.session.expires_at,
        .asked_ns = store->submitted_ns,
        .revocations = search->revocations,
    };

    if (search->revocations != atomic_load(&req->node->revocations) ||
        req->revocations != req->worker->revocations)
        return search_store(req); /* somebody's session ended meanwhile; was it this one? */
    (void)snprintf(caller.user, sizeof(caller.user), "%s", store->out.user.id);
    (void)snprintf(caller.session, sizeof(caller.session), "%s", store->out.session.id);
    caller.grant = grant_make(&store->out.session);
    account_touch(req->worker, &store->out.session);
    if (!bus_is_shared(req->node->bus))
        callers_learn(req->worker->callers, search->hash, &caller);
    memset(&store->in, 0, sizeof(store->in));
    req->data = NULL;
    enum err err = act_as(req, &caller, search->next);
    grant_unref(&caller.grant);
    return err;
}

static enum err search_store(struct request *req)
{
    struct search *search = req->data;

    search->revocations = atomic_load(&req->node->revocations);
    req->revocations = req->worker->revocations;
    req->tolerated = ERR_UNAUTHENTICATED;
    req->call.req.in.session.token_hash = search->hash;
    return request_store(req, STORE_SESSION_GET, caller_found);
}

enum err account_find_caller(struct request *req, request_step_fn step)
{
    struct search *search = arena_alloc(req->arena, sizeof(*search));

    search->next = step;
    token_hash(req->token, search->hash);
    const struct caller *caller =
        callers_find(req->worker->callers, search->hash, atomic_load(&req->node->revocations),
                     req->started_ns, clock_unix_ms());
    if (caller != NULL)
        return act_as(req, caller, step);
    req->data = search;
    return search_store(req);
}

/* -- the admin socket ------------------------------------------------------------------------- */

static enum err owner_found(struct request *req)
{
    struct detour *state = req->data;

    if (req->call.req.err == ERR_OK) {
        (void)snprintf(req->user, sizeof(req->user), "%s", req->call.req.out.user.id);
        req->actor.user = req->user;
    }
    req->actor.role = STORE_ROLE_OWNER;
    req->tolerated = ERR_OK;
    req->data = NULL;
    memset(&req->call.req.in, 0, sizeof(req->call.req.in));
    return state->next(req);
}

enum err account_as_owner(struct request *req, request_step_fn step)
{
    struct detour *state = arena_alloc(req->arena, sizeof(*state));

    state->next = step;
    req->data = state;
    req->actor = (struct store_actor){.system = true};
    req->tolerated = ERR_NOT_FOUND;
    return request_store(req, STORE_USER_GET, owner_found); /* no name: the owner */
}

/* -- is there an account? --------------------------------------------------------------------- */

static enum err looked(struct request *req)
{
    const struct detour *state = req->data;

    if (req->call.req.err == ERR_OK && req->call.req.out.n > 0)
        atomic_store(&req->node->has_accounts, true);
    memset(&req->call.req.in, 0, sizeof(req->call.req.in));
    memset(&req->call.req.out, 0, sizeof(req->call.req.out));
    req->tolerated = ERR_OK;
    req->data = NULL;
    return state->next(req);
}

enum err account_look_for_any(struct request *req, request_step_fn step)
{
    const struct store_actor actor = req->actor;
    struct detour *state = arena_alloc(req->arena, sizeof(*state));

    if (atomic_load(&req->node->has_accounts) || !bus_is_shared(req->node->bus))
        return step(req);
    state->next = step;
    req->data = state;
    req->tolerated = ERR_UNAVAILABLE; /* then it is not known: as before */
    req->call.req.in.page.limit = 1;
    req->actor = (struct store_actor){.system = true};
    enum err err = request_store(req, STORE_USER_LIST, looked);
    req->actor = actor;
    return err;
}

enum err account_put_users(struct request *req)
{
    const struct store_req *store = &req->call.req;

    store_users_json(&req->result, store->out.users, store->out.n);
    buf_json_member_opt(&req->result, "next_cursor", store->out.next);
    return ERR_OK;
}
