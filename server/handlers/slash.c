/* slash.c - slash commands: a member's words go to the hook's target, which answers at once or
 * later through a response URL (POST /hooks/r/<token>, which gateway_api.c makes slash.answer).
 *
 *   slash.run -> the channel's commands -> names for the target -> outbound.h, SLASH_WAIT_MS
 *             -> nothing, or text for the caller alone, or a message of the hook's bot
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "protocol/jsonrpc.h"
#include "protocol/limits.h"
#include "server/bus/bus.h"
#include "server/frame.h"
#include "server/hook_call.h"
#include "server/node.h"
#include "server/outbound.h"
#include "server/request.h"
#include "server/slash_token.h"
#include "server/worker.h"

enum { SLASH_WAIT_MS = 3000 };

struct slash_run {
    const struct store_hook *hook;
    const char *channel, *channel_name;
    char run[ID_SIZE]; /* the id of this run */
    /* What the target had to say, copied on the HTTP client's thread while the request waits. */
    enum outbound_outcome outcome;
    int status;
    const char *wrong; /* with the body; static */
    struct hook_answer answer;
    char reason[256];
};

/* -- slash.list ------------------------------------------------------------------------------- */

static enum err put_commands(struct request *req)
{
    const struct store_req *store = &req->call.req;
    struct buf *out = &req->result;

    buf_json_key(out, "commands");
    buf_putc(out, '[');
    for (size_t i = 0; i < store->out.n; i++) {
        const struct store_hook *hook = &store->out.hooks[i];
        buf_json_comma(out);
        buf_putc(out, '{');
        buf_json_member(out, "command", hook->command);
        buf_json_member(out, "name", hook->name);
        buf_json_member_opt(out, "icon", hook->icon);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
    return ERR_OK;
}

enum err handle_slash_list(struct request *req)
{
    req->call.req.in.hooks.channel = request_str(req, "channel");
    return request_store(req, STORE_HOOK_COMMANDS, put_commands);
}

/* -- what came of it -------------------------------------------------------------------------- */

/* That the hook was used, or failed, is written down by itself: nobody waits for it. */
static void noted(struct store_call *call)
{
    arena_destroy(&call->req.arena);
    free(call);
}

static void note_use(struct request *req, const char *error)
{
    const struct slash_run *run = req->data;
    struct store_call *call = mem_zalloc(sizeof(*call));
    struct store_req *store = &call->req;

    store->op = STORE_HOOK_MARK;
    store->arena = arena_create();
    store->actor.system = true;
    store->in.hook_at.hook = arena_strdup(store->arena, run->hook->id);
    store->in.hook_at.outcome = error == NULL ? STORE_HOOK_DELIVERED : STORE_HOOK_FAILED;
    store->in.hook_at.error = arena_strdup(store->arena, error);
    store_call_submit(call, req->worker, noted);
}

static enum err target_failed(struct request *req)
{
    const struct slash_run *run = req->data;
    char *detail = arena_alloc(req->arena, 384);
    char error[300];

    if (run->outcome == OUTBOUND_ANSWERED && run->wrong != NULL)
        (void)snprintf(error, sizeof(error), "gave an answer that %s", run->wrong);
    else if (run->outcome == OUTBOUND_ANSWERED)
        (void)snprintf(error, sizeof(error), "answered with status %d", run->status);
    else if (run->outcome == OUTBOUND_TIMED_OUT)
        (void)snprintf(error, sizeof(error), "did not answer within %d seconds",
                       SLASH_WAIT_MS / 1000);
    else
        (void)snprintf(error, sizeof(error), "%s", run->reason);
    note_use(req, error);
    (void)snprintf(detail, 384, "/%s failed: its target %s", run->hook->command, error);
    req->detail = detail;
    return ERR_UNAVAILABLE;
}

static enum err put_posted(struct request *req)
{
    buf_json_key(&req->result, "message");
    store_message_json(&req->result, &req->call.req.out.message);
    return ERR_OK;
}

static enum err target_answered(struct request *req)
{
    struct slash_run *run = req->data;
    struct store_req *store = &req->call.req;
    char *id;

    if (run->outcome != OUTBOUND_ANSWERED || run->status / 100 != 2 || run->wrong != NULL)
        return target_failed(req);
    note_use(req, NULL);
    if (run->answer.text == NULL)
        return ERR_OK;
    if (!run->answer.in_channel) {
        buf_json_member(&req->result, "text", run->answer.text);
        return ERR_OK;
    }
    id = arena_alloc(req->arena, LIMIT_CLIENT_MSG_ID_CHARS + 1);
    (void)snprintf(id, LIMIT_CLIENT_MSG_ID_CHARS + 1, HOOK_MSG_ID_PREFIX "%s", run->run);
    memset(&store->in, 0, sizeof(store->in));
    req->actor = (struct store_actor){.user = run->hook->id, .role = STORE_ROLE_MEMBER};
    store->in.send.channel = run->channel;
    store->in.send.text = run->answer.text;
    store->in.send.client_msg_id = id;
    store->in.send.as_icon = run->hook->icon;
    return request_store(req, STORE_MESSAGE_SEND, put_posted);
}

/* -- slash.run -------------------------------------------------------------------------------- */

/* On the HTTP client's thread: the request waits, and its arena with it. */
static void on_answer(void *arg, const struct outbound_answer *answer)
{
    struct request *req = arg;
    struct slash_run *run = req->data;

    run->outcome = answer->outcome;
    run->status = answer->status;
    (void)snprintf(run->reason, sizeof(run->reason), "%s", answer->reason);
    if (answer->outcome == OUTBOUND_ANSWERED && answer->status / 100 == 2)
        run->wrong = answer->cut ? "is too long"
                                 : hook_answer_read(req->arena, answer->content_type, answer->body,
                                                    answer->body_n, true, &run->answer);
    request_back(req);
}

static const char *response_url(struct request *req, const struct slash_run *run)
{
    char token[SLASH_TOKEN_SIZE];
    struct slash_token says = {.expires_at_s = clock_unix_ms() / 1000 + SLASH_TOKEN_SECONDS};
    const char *base = req->node->public_url;
    size_t size = strlen(base) + sizeof(token) + 16;
    char *url = arena_alloc(req->arena, size);

    (void)snprintf(says.hook, sizeof(says.hook), "%s", run->hook->id);
    (void)snprintf(says.user, sizeof(says.user), "%s", req->actor.user);
    (void)snprintf(says.run, sizeof(says.run), "%s", run->run);
    slash_token_make(&says, run->hook->secret, token);
    (void)snprintf(url, size, "%s/hooks/r/%s", base, token);
    return url;
}

static enum err call_target(struct request *req)
{
    struct slash_run *run = req->data;
    const char *user_name = req->call.req.out.user.name;
    const char *text = request_str(req, "text");
    char delivery[2 * ID_MAX + 2];
    char slash[LIMIT_NAME_CHARS + 2];
    struct hook_call call;

    (void)snprintf(delivery, sizeof(delivery), "%s:%s", run->hook->id, run->run);
    (void)snprintf(slash, sizeof(slash), "/%s", run->hook->command);
    const struct hook_field fields[] = {
        {"command", slash},           {"text", text == NULL ? "" : text},
        {"user_id", req->actor.user}, {"user_name", user_name},
        {"channel_id", run->channel}, {"channel_name", run->channel_name},
        {"trigger_id", run->run},     {"response_url", response_url(req, run)},
    };
    hook_call_command(req->arena, run->hook, delivery, fields, sizeof(fields) / sizeof(*fields),
                      clock_unix_ms() / 1000, &call);
    struct outbound_post post = {
        .url = run->hook->url,
        .headers = call.headers,
        .headers_n = call.headers_n,
        .body = call.body,
        .body_n = call.body_n,
        .timeout_ms = SLASH_WAIT_MS,
        .lane = OUTBOUND_PROMPT,
    };
    enum err err = request_wait(req, target_answered);
    if (outbound_post(req->node->outbound, &post, on_answer, req) == ERR_OK)
        return err;
    run->outcome = OUTBOUND_FAILED;
    (void)snprintf(run->reason, sizeof(run->reason),
                   "has to wait: too many commands are under way");
    request_back(req);
    return err;
}

static enum err channel_known(struct request *req)
{
    struct slash_run *run = req->data;
    const struct store_channel *channel = &req->call.req.out.channel;

    run->channel_name = channel->type == STORE_DM ? "directmessage" : channel->name;
    memset(&req->call.req.in, 0, sizeof(req->call.req.in));
    req->call.req.in.user.user = req->actor.user;
    return request_store(req, STORE_USER_GET, call_target);
}

static enum err commands_known(struct request *req)
{
    struct slash_run *run = arena_alloc(req->arena, sizeof(*run));
    const struct store_req *store = &req->call.req;
    const char *wanted = request_str(req, "command");

    for (size_t i = 0; i < store->out.n; i++)
        if (strcmp(store->out.hooks[i].command, wanted) == 0)
            run->hook = &store->out.hooks[i]; /* in the request's arena */
    if (run->hook == NULL)
        return request_fail(req, ERR_NOT_FOUND, "command",
                            "there is no such command in this channel");
    req->data = run;
    id_make(run->run);
    run->channel = run->hook->channel;
    memset(&req->call.req.in, 0, sizeof(req->call.req.in));
    req->call.req.in.channel.channel = run->channel;
    return request_store(req, STORE_CHANNEL_GET, channel_known);
}

enum err handle_slash_run(struct request *req)
{
    if (req->actor.user == NULL)
        return request_fail(req, ERR_CONFLICT, NULL, "there is no account yet to write as");
    req->call.req.in.hooks.channel = request_str(req, "channel");
    return request_store(req, STORE_HOOK_COMMANDS, commands_known);
}

/* -- slash.answer ----------------------------------------------------------------------------- */

struct slash_answer {
    const struct store_hook *hook; /* once it is known; the request's */
    struct slash_token token;
    char id[sizeof(HOOK_MSG_ID_PREFIX) + ID_SIZE];
};

/* To all connections of whoever sent the command, on every node. */
static void tell_caller(struct request *req, const struct store_hook *hook, const char *user)
{
    char stream[STORE_STREAM_SIZE];
    const char *const streams[] = {stream};
    struct buf data = {0};
    struct buf json = {0};

    (void)snprintf(stream, sizeof(stream), "u:%s", user);
    buf_json_member(&data, "channel", hook->channel);
    buf_json_member(&data, "command", hook->command);
    buf_json_member(&data, "user", hook->id);
    buf_json_member(&data, "text", request_str(req, "text"));
    rpc_put_ephemeral(&json, "slash.answered", data.data, data.len);
    struct frame *frame = frame_text(json.data, json.len);
    frame->ephemeral = 1;
    bus_publish_ephemeral(req->node->bus, streams, 1, frame, NULL);
    frame_unref(frame);
    buf_free(&json);
    buf_free(&data);
}

static enum err bad_token(struct request *req)
{
    return request_fail(req, ERR_NOT_FOUND, "token", "is not that of a response URL");
}

/* The target knows the hook's secret and could sign a token for anybody: it reaches nobody who is
 * not in the hook's channel. */
static enum err membership_known(struct request *req)
{
    const struct slash_answer *answer = req->data;

    if (req->call.req.err != ERR_OK)
        return bad_token(req);
    tell_caller(req, answer->hook, answer->token.user);
    return ERR_OK;
}

static enum err tell_if_member(struct request *req, struct slash_answer *answer)
{
    struct store_req *store = &req->call.req;
    struct store_hook *hook = arena_alloc(req->arena, sizeof(*hook));

    *hook = store->out.hook;
    answer->hook = hook;
    req->tolerated = ERR_FORBIDDEN;
    req->actor = (struct store_actor){.user = answer->token.user, .role = STORE_ROLE_MEMBER};
    memset(&store->in, 0, sizeof(store->in));
    store->in.hooks.channel = answer->hook->channel;
    return request_store(req, STORE_HOOK_COMMANDS, membership_known);
}

static enum err answer_posted(struct request *req)
{
    (void)req;
    return ERR_OK;
}

/* That it was used once more. */
static void tell_others(struct request *req, const struct slash_token *token)
{
    char key[SLASH_USE_KEY_SIZE];

    slash_use_key(token, key);
    bus_attempt(req->node->bus, (const char *const[]){key}, 1, false);
}

static enum err answer_hook_known(struct request *req)
{
    struct slash_answer *answer = req->data;
    struct store_req *store = &req->call.req;
    const struct store_hook *hook = &store->out.hook;
    const char *type = request_str(req, "response_type");
    int64_t now_s = clock_unix_ms() / 1000;

    if (store->err != ERR_OK || hook->kind != STORE_HOOK_SLASH || !hook->enabled ||
        !slash_token_is_true(request_str(req, "token"), hook->secret))
        return bad_token(req);
    if (answer->token.expires_at_s <= now_s)
        return request_fail(req, ERR_GONE, "token", "is older than half an hour");
    if (slash_uses_take(req->node->slash_uses, &answer->token, now_s) == 0)
        return request_fail(req, ERR_GONE, "token", "was used five times already");
    tell_others(req, &answer->token);
    if (type == NULL || strcmp(type, "in_channel") != 0)
        return tell_if_member(req, answer);
    memcpy(answer->id, HOOK_MSG_ID_PREFIX, sizeof(HOOK_MSG_ID_PREFIX));
    id_make(answer->id + sizeof(HOOK_MSG_ID_PREFIX) - 1); /* each is another message */
    const char *channel = hook->channel;
    const char *icon = hook->icon;
    req->actor =
        (struct store_actor){.user = arena_strdup(req->arena, hook->id), .role = STORE_ROLE_MEMBER};
    req->tolerated = ERR_OK;
    memset(&store->in, 0, sizeof(store->in));
    store->in.send.channel = channel;
    store->in.send.text = request_str(req, "text");
    store->in.send.client_msg_id = answer->id;
    store->in.send.as_icon = icon;
    return request_store(req, STORE_MESSAGE_SEND, answer_posted);
}

enum err handle_slash_answer(struct request *req)
{
    struct slash_answer *answer = arena_alloc(req->arena, sizeof(*answer));

    if (!slash_token_read(request_str(req, "token"), &answer->token))
        return bad_token(req);
    req->data = answer;
    req->actor = (struct store_actor){.system = true};
    req->tolerated = ERR_NOT_FOUND;
    req->call.req.in.hook.hook = answer->token.hook;
    return request_store(req, STORE_HOOK_GET, answer_hook_known);
}
