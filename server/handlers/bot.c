/* bot.c - bots: accounts of programs, each with an owner. */
#include <assert.h>
#include <string.h>

#include "protocol/limits.h"
#include "server/account.h"
#include "server/announce.h"
#include "server/bus/bus.h"
#include "server/node.h"
#include "server/request.h"

static_assert((int)LIMIT_BOTS == (int)STORE_BOTS_MAX, "the protocol says what the store does");

static enum err put_bot(struct request *req)
{
    buf_json_key(&req->result, "user");
    store_user_json(&req->result, &req->call.req.out.user);
    return ERR_OK;
}

static enum err no_account(struct request *req)
{
    return request_fail(req, ERR_CONFLICT, NULL, "there is no account yet");
}

enum err handle_bot_create(struct request *req)
{
    struct store_req *store = &req->call.req;
    const char *name = request_str(req, "name");
    const char *display = request_str(req, "display_name");
    const char *owner = request_str(req, "user");

    store->in.user_new.owner = owner != NULL ? owner : req->actor.user;
    if (store->in.user_new.owner == NULL)
        return no_account(req);
    store->in.user_new.name = name;
    store->in.user_new.display_name = display != NULL ? display : name;
    store->in.user_new.role = STORE_ROLE_MEMBER;
    return request_store(req, STORE_USER_CREATE, put_bot);
}

enum err handle_bot_list(struct request *req)
{
    req->call.req.in.bots.owner = req->actor.system ? NULL : req->actor.user;
    request_page(req, &req->call.req.in.bots.page);
    return request_store(req, STORE_BOT_LIST, account_put_users);
}

/* -- changing one ----------------------------------------------------------------------------- */

static enum err bot_changed(struct request *req)
{
    announce_user(req->worker, &req->call.req.out.user);
    return put_bot(req);
}

static enum err bot_locked(struct request *req)
{
    if (param_bool(&req->params, "disabled", false))
        bus_revoke(req->node->bus, req->call.req.out.user.id, NULL, NULL);
    return bot_changed(req);
}

/* The account that was named; the store checks whose it is. */
static enum err change(struct request *req)
{
    const struct store_user *bot = &req->call.req.out.user;
    const char *id = arena_strdup(req->arena, bot->id);

    if (bot->owner == NULL)
        return request_fail(req, ERR_NOT_FOUND, "bot", "there is no such bot");
    memset(&req->call.req.in, 0, sizeof(req->call.req.in));
    req->call.req.in.user.user = id;
    req->call.req.in.user.display_name = request_str(req, "display_name");
    req->call.req.in.user.set_disabled = param_has(&req->params, "disabled");
    req->call.req.in.user.disabled = param_bool(&req->params, "disabled", false);
    return request_store(req, STORE_USER_UPDATE, bot_locked);
}

/* No such account, and one that is no bot, look the same. */
static enum err bot_found(struct request *req)
{
    if (req->call.req.err != ERR_OK)
        return request_fail(req, ERR_NOT_FOUND, "bot", "there is no such bot");
    req->tolerated = ERR_OK;
    return change(req);
}

static enum err on_bot(struct request *req)
{
    req->call.req.in.user.user = request_str(req, "bot");
    req->tolerated = ERR_NOT_FOUND;
    return request_store(req, STORE_USER_GET, bot_found);
}

enum err handle_bot_update(struct request *req)
{
    return on_bot(req);
}

enum err handle_bot_disable(struct request *req)
{
    return on_bot(req);
}
