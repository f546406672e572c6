#include "server/account.h"

#include <stdio.h>
#include <string.h>

#include "base/id.h"
#include "server/worker.h"

enum err account_find_session(struct request *req, const char *token, request_step_fn step)
{
    char *hash = arena_alloc(req->arena, HASH_HEX_SIZE);

    token_hash(token, hash);
    memset(&req->call.req.in, 0, sizeof(req->call.req.in));
    req->call.req.in.session.token_hash = hash;
    req->revocations = req->worker->revocations;
    return request_store(req, STORE_SESSION_GET, step);
}

struct as_owner {
    request_step_fn next;
};

static enum err owner_found(struct request *req)
{
    struct as_owner *state = req->data;

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
    struct as_owner *state = arena_alloc(req->arena, sizeof(*state));

    state->next = step;
    req->data = state;
    req->actor = (struct store_actor){.system = true};
    req->tolerated = ERR_NOT_FOUND;
    return request_store(req, STORE_USER_GET, owner_found); /* no name: the owner */
}
