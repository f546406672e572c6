/* channel.c - channels, their members, direct messages. */
#include <string.h>

#include "server/request.h"

static enum err put_nothing(struct request *req)
{
    (void)req;
    return ERR_OK;
}

static enum err put_channel(struct request *req)
{
    buf_json_key(&req->result, "channel");
    store_channel_json(&req->result, &req->call.req.out.channel, false);
    return ERR_OK;
}

static enum err put_view(struct request *req)
{
    buf_json_key(&req->result, "channel");
    store_channel_json(&req->result, &req->call.req.out.channel, true);
    return ERR_OK;
}

static void put_joined(struct buf *out, const struct store_channel *channel, bool view)
{
    buf_json_comma(out);
    store_channel_json(out, channel, view);
    out->len--; /* one more member before the brace */
    buf_json_member_bool(out, "joined", channel->joined);
    buf_putc(out, '}');
}

/* The admin socket may follow any channel; a member's view has this already. */
static void put_top(struct buf *out, const struct store_channel *channel)
{
    out->len--; /* more members before the brace */
    buf_json_member(out, "epoch", channel->epoch);
    buf_json_member_int(out, "seq", (int64_t)channel->seq);
    buf_json_member_int(out, "msg_no", (int64_t)channel->msg_no);
    buf_putc(out, '}');
}

static enum err put_details(struct request *req)
{
    const struct store_channel *channel = &req->call.req.out.channel;

    buf_json_key(&req->result, "channel");
    put_joined(&req->result, channel, channel->joined);
    if (req->actor.system && !channel->joined)
        put_top(&req->result, channel);
    return ERR_OK;
}

static enum err put_channels(struct request *req)
{
    const struct store_req *store = &req->call.req;

    buf_json_key(&req->result, "channels");
    buf_putc(&req->result, '[');
    for (size_t i = 0; i < store->out.n; i++)
        put_joined(&req->result, &store->out.channels[i], false);
    buf_putc(&req->result, ']');
    buf_json_member_opt(&req->result, "next_cursor", store->out.next);
    return ERR_OK;
}

static enum err put_members(struct request *req)
{
    const struct store_req *store = &req->call.req;
    struct buf *out = &req->result;

    buf_json_key(out, "members");
    buf_putc(out, '[');
    for (size_t i = 0; i < store->out.n; i++) {
        buf_json_comma(out);
        buf_putc(out, '{');
        buf_json_key(out, "user");
        store_user_json(out, &store->out.members[i].user);
        buf_json_member(out, "role", store_member_role_name(store->out.members[i].role));
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
    buf_json_member_opt(out, "next_cursor", store->out.next);
    return ERR_OK;
}

/* A command whose parameters are a channel and perhaps a user. */
static enum err on_channel(struct request *req, enum store_op op, request_step_fn step)
{
    req->call.req.in.channel.channel = request_str(req, "channel");
    req->call.req.in.channel.user = request_str(req, "user");
    return request_store(req, op, step);
}

enum err handle_channel_create(struct request *req)
{
    const char *type = request_str(req, "type");
    const char *topic = request_str(req, "topic");
    struct store_req *store = &req->call.req;

    if (req->actor.user == NULL)
        return request_fail(req, ERR_CONFLICT, NULL, "there is no account yet to own the channel");
    store->in.channel_new.name = request_str(req, "name");
    store->in.channel_new.topic = topic == NULL ? "" : topic;
    store->in.channel_new.type =
        type != NULL && strcmp(type, "private") == 0 ? STORE_PRIVATE : STORE_PUBLIC;
    return request_store(req, STORE_CHANNEL_CREATE, put_view);
}

enum err handle_channel_update(struct request *req)
{
    if (!param_has(&req->params, "name") && !param_has(&req->params, "topic"))
        return request_fail(req, ERR_INVALID_PARAMS, "topic", "give a topic, a name, or both");
    req->call.req.in.channel.name = request_str(req, "name");
    req->call.req.in.channel.topic = request_str(req, "topic");
    return on_channel(req, STORE_CHANNEL_UPDATE, put_channel);
}

enum err handle_channel_get(struct request *req)
{
    return on_channel(req, STORE_CHANNEL_GET, put_details);
}

enum err handle_channel_archive(struct request *req)
{
    return on_channel(req, STORE_CHANNEL_ARCHIVE, put_channel);
}

enum err handle_channel_join(struct request *req)
{
    return on_channel(req, STORE_CHANNEL_JOIN, put_view);
}

enum err handle_channel_leave(struct request *req)
{
    return on_channel(req, STORE_CHANNEL_LEAVE, put_nothing);
}

enum err handle_channel_invite(struct request *req)
{
    return on_channel(req, STORE_CHANNEL_INVITE, put_nothing);
}

enum err handle_channel_remove(struct request *req)
{
    return on_channel(req, STORE_CHANNEL_REMOVE, put_nothing);
}

enum err handle_channel_list(struct request *req)
{
    request_page(req, &req->call.req.in.page);
    return request_store(req, STORE_CHANNEL_LIST, put_channels);
}

enum err handle_channel_members(struct request *req)
{
    request_page(req, &req->call.req.in.members.page);
    req->call.req.in.members.channel = request_str(req, "channel");
    return request_store(req, STORE_CHANNEL_MEMBERS, put_members);
}

enum err handle_dm_open(struct request *req)
{
    const char **users = arena_alloc(req->arena, STORE_DM_USERS_MAX * sizeof(*users));

    if (req->actor.user == NULL)
        return request_fail(req, ERR_CONFLICT, NULL, "there is no account yet to write as");
    req->call.req.in.dm.users = users;
    req->call.req.in.dm.users_n = param_ids(&req->params, "users", users, STORE_DM_USERS_MAX - 1);
    return request_store(req, STORE_DM_OPEN, put_view);
}

enum err handle_admin_channel_list(struct request *req)
{
    req->actor.system = true; /* sees private channels too */
    request_page(req, &req->call.req.in.page);
    return request_store(req, STORE_CHANNEL_LIST, put_channels);
}

enum err handle_admin_channel_archive(struct request *req)
{
    req->actor.system = true;
    return on_channel(req, STORE_CHANNEL_ARCHIVE, put_channel);
}

enum err handle_admin_channel_delete(struct request *req)
{
    req->actor.system = true;
    return on_channel(req, STORE_CHANNEL_DELETE, put_nothing);
}
