/* user.c - accounts as other people see them, presence. */
#include "server/account.h"
#include "server/announce.h"
#include "server/conn.h"
#include "server/node.h"
#include "server/presence.h"
#include "server/request.h"
#include "server/worker.h"

static enum err put_user(struct request *req)
{
    buf_json_key(&req->result, "user");
    store_user_json(&req->result, &req->call.req.out.user);
    return ERR_OK;
}

enum err handle_user_get(struct request *req)
{
    req->call.req.in.user.user = request_str(req, "user");
    return request_store(req, STORE_USER_GET, put_user);
}

enum err handle_user_list(struct request *req)
{
    request_page(req, &req->call.req.in.page);
    return request_store(req, STORE_USER_LIST, account_put_users);
}

enum err handle_admin_user_list(struct request *req)
{
    return handle_user_list(req);
}

static enum err user_updated(struct request *req)
{
    announce_user(req->worker, &req->call.req.out.user);
    return put_user(req);
}

enum err handle_user_update(struct request *req)
{
    if (!param_has(&req->params, "display_name"))
        return request_fail(req, ERR_INVALID_PARAMS, "display_name", "is missing");
    if (req->actor.user == NULL)
        return request_fail(req, ERR_CONFLICT, NULL, "there is no account yet");
    req->call.req.in.user.user = req->actor.user;
    req->call.req.in.user.display_name = request_str(req, "display_name");
    return request_store(req, STORE_USER_UPDATE, user_updated);
}

enum err handle_presence_set(struct request *req)
{
    enum presence_state state;

    if (!presence_parse(request_str(req, "state"), &state))
        return request_fail(req, ERR_INVALID_PARAMS, "state", "must be online, away or dnd");
    if (req->actor.user != NULL)
        presence_set(req->node->presence, req->actor.user, state);
    return ERR_OK;
}

enum err handle_presence_get(struct request *req)
{
    const char *users[STORE_PAGE_MAX];
    size_t n = param_ids(&req->params, "users", users, STORE_PAGE_MAX);

    buf_json_key(&req->result, "presence");
    buf_putc(&req->result, '{');
    for (size_t i = 0; i < n; i++)
        buf_json_member(&req->result, users[i],
                        presence_name(presence_get(req->node->presence, users[i])));
    buf_putc(&req->result, '}');
    return ERR_OK;
}
