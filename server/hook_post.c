#include "server/hook_post.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "protocol/json.h"
#include "protocol/slack.h"
#include "server/address.h"
#include "server/conn.h"
#include "server/gateway.h"
#include "server/metrics.h"
#include "server/node.h"
#include "server/pace.h"
#include "server/rates.h"
#include "server/store_call.h"
#include "server/worker.h"

enum { USED_INTERVAL_MS = 300000 }; /* used_at is at most this old */

struct hook_post {
    struct store_call call;
    struct worker *worker;
    struct conn *conn; /* a reference, once it runs */
    struct arena *arena;
    char hook[ID_MAX + 1];
    char hash[HASH_HEX_SIZE];
    char key[LIMIT_CLIENT_MSG_ID_CHARS + 1]; /* "": none */
    char address[ADDRESS_TEXT_SIZE];         /* who posts */
    bool form;
    int64_t used_at; /* of the webhook */
    struct buf body;
    struct slack_post post;
};

struct hook_post *hook_post_make(const char *path, bool form, const char *key)
{
    size_t n = strcspn(path, "/");
    const char *token = path + n + (path[n] == '/' ? 1 : 0);
    char id[ID_MAX + 1];

    if (n == 0 || n > ID_MAX || strlen(token) != TOKEN_SIZE - 1 || strchr(token, '/') != NULL)
        return NULL;
    (void)snprintf(id, sizeof(id), "%.*s", (int)n, path);
    if (!id_is_valid(id))
        return NULL;
    struct hook_post *post = mem_zalloc(sizeof(*post));
    post->arena = arena_create();
    post->form = form;
    memcpy(post->hook, id, sizeof(id));
    token_hash(token, post->hash);
    (void)snprintf(post->key, sizeof(post->key), "%s", key != NULL ? key : "");
    return post;
}

void hook_post_free(struct hook_post **post)
{
    struct hook_post *p = *post;

    *post = NULL;
    if (p == NULL)
        return;
    slack_post_free(&p->post);
    buf_free(&p->body);
    arena_destroy(&p->arena);
    free(p);
}

/* -- the end --------------------------------------------------------------------------------- */

static enum metric_hook_post label_of(enum err err, bool duplicate)
{
    switch (err) {
    case ERR_OK:
        return duplicate ? METRIC_HOOK_POST_DUPLICATE : METRIC_HOOK_POST_OK;
    case ERR_NOT_FOUND:
        return METRIC_HOOK_POST_UNKNOWN;
    case ERR_FORBIDDEN:
    case ERR_CONFLICT:
        return METRIC_HOOK_POST_DISABLED;
    case ERR_RATE_LIMITED:
        return METRIC_HOOK_POST_RATE_LIMITED;
    case ERR_UNAVAILABLE:
    case ERR_INTERNAL:
        return METRIC_HOOK_POST_FAILED;
    default:
        return METRIC_HOOK_POST_INVALID;
    }
}

static void finish(struct hook_post *post, struct hook_outcome outcome)
{
    metric_add_by(METRIC_HOOK_POSTS, label_of(outcome.err, post->call.req.out.duplicate), 1);
    log_debug("webhook post", LOG_STR("hook", post->hook), LOG_INT("conn", post->conn->id),
              LOG_STR("outcome", err_name(outcome.err)));
    if (!post->conn->gone)
        gateway_hook_answer(post->conn, &outcome);
    post->conn->requests--;
    conn_unref(post->conn);
    hook_post_free(&post);
}

static void fail(struct hook_post *post, enum err err, const char *detail)
{
    finish(post, (struct hook_outcome){err, detail, err == ERR_UNAVAILABLE ? 1000 : -1});
}

/* What the store says of itself. */
static void store_failed(struct hook_post *post)
{
    const struct store_req *req = &post->call.req;
    const char *reason = req->reason;

    if (req->err == ERR_INTERNAL)
        log_error("webhook post failed", LOG_STR("hook", post->hook),
                  LOG_STR("reason", reason == NULL ? "-" : reason));
    fail(post, req->err,
         req->err == ERR_INTERNAL ? "The server failed; its log has more"
         : reason != NULL         ? reason
                                  : "The server cannot do this now");
}

/* -- that it was used ------------------------------------------------------------------------ */

static void marked(struct store_call *call)
{
    arena_destroy(&call->req.arena);
    free(call);
}

static void mark_used(struct hook_post *post)
{
    if (clock_unix_ms() - post->used_at < USED_INTERVAL_MS)
        return;
    struct store_call *call = mem_zalloc(sizeof(*call));
    call->req.op = STORE_HOOK_MARK;
    call->req.arena = arena_create();
    call->req.actor.system = true;
    call->req.in.hook_at.hook = arena_strdup(call->req.arena, post->hook);
    call->req.in.hook_at.outcome = STORE_HOOK_DELIVERED;
    store_call_submit(call, post->worker, marked);
}

/* -- the way --------------------------------------------------------------------------------- */

static void sent(struct store_call *call)
{
    struct hook_post *post = container_of(call, struct hook_post, call);

    if (call->req.err == ERR_FORBIDDEN) {
        fail(post, ERR_FORBIDDEN, "The webhook's bot was taken out of the channel");
        return;
    }
    if (call->req.err != ERR_OK) {
        store_failed(post);
        return;
    }
    mark_used(post);
    finish(post, (struct hook_outcome){ERR_OK, NULL, -1});
}

static const char *given(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void send_message(struct hook_post *post, const struct store_hook *hook)
{
    struct store_req *req = &post->call.req;
    const char *channel = arena_strdup(post->arena, hook->channel);
    const char *icon = arena_strdup(post->arena, hook->icon);

    memset(&req->in, 0, sizeof(req->in));
    req->op = STORE_MESSAGE_SEND;
    req->actor = (struct store_actor){.user = post->hook, .role = STORE_ROLE_MEMBER};
    req->in.send.channel = channel;
    req->in.send.text = post->post.text.data;
    req->in.send.client_msg_id = given(post->key);
    req->in.send.as_name = given(post->post.name);
    req->in.send.as_icon = given(post->post.icon) != NULL ? post->post.icon : icon;
    store_call_submit(&post->call, post->worker, sent);
}

/* What is wrong with the payload, or NULL. */
static const char *read_payload(struct hook_post *post)
{
    const char *reason = NULL;
    json_t *payload = post->form ? slack_form(post->body.data, post->body.len, &reason)
                                 : json_parse_bounded(post->body.data, post->body.len, &reason);

    if (payload != NULL && slack_read(payload, &post->post, &reason) == ERR_OK)
        reason = NULL;
    json_decref(payload);
    if (post->key[0] == '\0')
        memcpy(post->key, post->post.key, sizeof(post->key));
    return reason;
}

static const char *sentence(struct hook_post *post, const char *reason)
{
    size_t size = strlen(reason) + sizeof("The payload ");
    char *out = arena_alloc(post->arena, size);

    (void)snprintf(out, size, "The payload %s", reason);
    return out;
}

/* 0, or the milliseconds until the webhook may be used again. */
static uint32_t take_rate(struct hook_post *post)
{
    const struct node *node = post->worker->node;
    struct rate_limit limit = {node->config.rate_hook, node->config.rate_hook_burst};

    if (!node->config.rate_limits)
        return 0;
    uint32_t wait =
        rates_take(node->hook_rates, post->hook, RATE_WRITE, &limit, clock_monotonic_ns());
    if (wait > 0)
        metric_add_by(METRIC_RATE_LIMITED, METRIC_RATE_HOOK, 1);
    return wait;
}

static void take_payload(struct hook_post *post, const struct store_hook *hook)
{
    uint32_t wait = take_rate(post);
    const char *reason = wait == 0 ? read_payload(post) : NULL;

    post->used_at = hook->used_at;
    if (wait > 0)
        finish(post,
               (struct hook_outcome){ERR_RATE_LIMITED, "This webhook is used too often", wait});
    else if (reason != NULL)
        fail(post, ERR_INVALID_REQUEST, sentence(post, reason));
    else
        send_message(post, hook);
}

static void unknown(struct hook_post *post)
{
    uint32_t wait = pace_guess(post->conn, post->address);

    if (wait > 0)
        finish(post, (struct hook_outcome){ERR_RATE_LIMITED, HOOK_POST_GUESSES, wait});
    else
        fail(post, ERR_NOT_FOUND, HOOK_POST_UNKNOWN);
}

static void found(struct store_call *call)
{
    struct hook_post *post = container_of(call, struct hook_post, call);
    const struct store_hook *hook = &call->req.out.hook;

    if (call->req.err == ERR_NOT_FOUND)
        unknown(post);
    else if (call->req.err != ERR_OK)
        store_failed(post);
    else if (!hook->enabled || call->req.out.user.disabled_at != 0)
        fail(post, ERR_FORBIDDEN, "The webhook is disabled");
    else
        take_payload(post, hook);
}

void hook_post_run(struct hook_post *post, struct conn *conn, const char *address, struct buf *body)
{
    struct store_req *req = &post->call.req;

    (void)snprintf(post->address, sizeof(post->address), "%s", address);
    post->worker = conn->worker;
    post->conn = conn_ref(conn);
    post->body = *body;
    *body = (struct buf){0};
    conn->requests++;
    if (atomic_load(&post->worker->node->draining)) {
        fail(post, ERR_UNAVAILABLE, "This server is stopping");
        return;
    }
    req->op = STORE_HOOK_FIND;
    req->arena = post->arena;
    req->in.hook.hook = post->hook;
    req->in.hook.hash = post->hash;
    store_call_submit(&post->call, post->worker, found);
}
