/* message.c - messages and their history. */
#include <string.h>

#include "server/cache.h"
#include "server/request.h"

enum { MESSAGE_BYTES = 300 }; /* of most, as JSON */

static enum err put_message(struct request *req)
{
    buf_json_key(&req->result, "message");
    store_message_json(&req->result, &req->call.req.out.message);
    return ERR_OK;
}

enum err handle_message_send(struct request *req)
{
    req->call.req.in.send.channel = request_str(req, "channel");
    req->call.req.in.send.text = request_str(req, "text");
    req->call.req.in.send.client_msg_id = request_str(req, "client_msg_id");
    if (req->actor.user == NULL)
        return request_fail(req, ERR_CONFLICT, NULL, "there is no account yet to write as");
    return request_store(req, STORE_MESSAGE_SEND, put_message);
}

enum err handle_message_edit(struct request *req)
{
    req->call.req.in.message.message = request_str(req, "message");
    req->call.req.in.message.text = request_str(req, "text");
    return request_store(req, STORE_MESSAGE_EDIT, put_message);
}

enum err handle_message_delete(struct request *req)
{
    req->call.req.in.message.message = request_str(req, "message");
    return request_store(req, STORE_MESSAGE_DELETE, put_message);
}

enum err handle_message_get(struct request *req)
{
    req->call.req.in.message.message = request_str(req, "message");
    return request_store(req, STORE_MESSAGE_GET, put_message);
}

static enum err put_history(struct request *req)
{
    const struct store_req *store = &req->call.req;
    struct buf *out = &req->result;

    (void)buf_reserve(out, (store->out.n + 1) * MESSAGE_BYTES);
    buf_json_key(out, "messages");
    buf_putc(out, '[');
    for (size_t i = 0; i < store->out.n; i++) {
        buf_json_comma(out);
        store_message_json(out, &store->out.messages[i]);
    }
    buf_putc(out, ']');
    buf_json_member_bool(out, "more_before", store->out.more_before);
    buf_json_member_bool(out, "more_after", store->out.more_after);
    store_users_json(out, store->out.users, store->out.users_n);
    return ERR_OK;
}

static enum err history_read(struct request *req)
{
    cache_learn(req);
    return put_history(req);
}

static enum err history_from_store(struct request *req)
{
    return request_store(req, STORE_HISTORY, history_read);
}

enum err handle_message_history(struct request *req)
{
    static const struct {
        const char *name;
        enum store_history_from from;
    } positions[] = {{"before", STORE_BEFORE}, {"after", STORE_AFTER}, {"around", STORE_AROUND}};
    struct store_req *store = &req->call.req;
    unsigned given = 0;

    store->in.history.channel = request_str(req, "channel");
    store->in.history.limit = (uint32_t)param_int(&req->params, "limit", 50);
    store->in.history.from = STORE_NEWEST;
    for (size_t i = 0; i < sizeof(positions) / sizeof(*positions); i++) {
        if (!param_has(&req->params, positions[i].name))
            continue;
        if (given++ > 0)
            return request_fail(req, ERR_INVALID_PARAMS, positions[i].name,
                                "only one of before, after and around may be given");
        store->in.history.from = positions[i].from;
        store->in.history.seq = (uint64_t)param_int(&req->params, positions[i].name, 0);
    }
    return cache_history(req, history_from_store) ? ERR_OK : history_from_store(req);
}
