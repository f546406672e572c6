/* hook.c - webhooks and slash commands: making and managing them. What comes in by them is in
 * gateway_hooks.c. */
#include <assert.h>
#include <string.h>

#include "base/id.h"
#include "protocol/limits.h"
#include "server/announce.h"
#include "server/grant.h"
#include "server/request.h"

static_assert((int)LIMIT_HOOKS == (int)STORE_HOOKS_MAX, "the protocol says what the store does");
static_assert((int)LIMIT_HOOK_FAILURES == (int)STORE_HOOK_FAILURES_MAX,
              "the protocol says what the store does");

/* -- as it goes on the wire ------------------------------------------------------------------- */

static void put_time_opt(struct buf *out, const char *name, int64_t at)
{
    if (at != 0)
        buf_json_member_time(out, name, at);
}

static void put_hook(struct buf *out, const struct store_hook *hook)
{
    buf_putc(out, '{');
    buf_json_member(out, "id", hook->id);
    buf_json_member(out, "kind", store_hook_kind_name(hook->kind));
    buf_json_member(out, "channel", hook->channel);
    buf_json_member(out, "creator", hook->creator);
    buf_json_member(out, "bot", hook->id);
    buf_json_member(out, "name", hook->name);
    buf_json_member_opt(out, "icon", hook->icon);
    buf_json_member_opt(out, "url", hook->url);
    if (hook->events != NULL)
        put_word_list(out, "events", hook->events);
    buf_json_member_opt(out, "trigger", hook->trigger);
    buf_json_member_opt(out, "command", hook->command);
    buf_json_member_bool(out, "enabled", hook->enabled);
    buf_json_member_time(out, "created_at", hook->created_at);
    put_time_opt(out, "used_at", hook->used_at);
    if (hook->kind == STORE_HOOK_OUTGOING)
        buf_json_member_int(out, "position", (int64_t)hook->position);
    put_time_opt(out, "failed_at", hook->failed_at);
    buf_json_member_opt(out, "error", hook->error);
    buf_putc(out, '}');
}

static void put_failure(struct buf *out, const struct store_hook_failure *failure)
{
    buf_putc(out, '{');
    buf_json_member_int(out, "seq", (int64_t)failure->seq);
    buf_json_member(out, "event", failure->event);
    buf_json_member_int(out, "attempts", failure->attempts);
    if (failure->status != 0)
        buf_json_member_int(out, "status", failure->status);
    buf_json_member(out, "error", failure->error);
    buf_json_member_time(out, "at", failure->at);
    buf_json_member_bool(out, "due", failure->due);
    buf_putc(out, '}');
}

static enum err answer_hook(struct request *req)
{
    buf_json_key(&req->result, "hook");
    put_hook(&req->result, &req->call.req.out.hook);
    return ERR_OK;
}

/* -- secrets ---------------------------------------------------------------------------------- */

/* A new secret, for whichever kind it will be. */
static void make_secret(struct request *req)
{
    char *secret = arena_alloc(req->arena, TOKEN_SIZE);
    char *hash = arena_alloc(req->arena, HASH_HEX_SIZE);

    token_make(secret);
    token_hash(secret, hash);
    req->data = secret;
    req->call.req.in.hook.secret = secret;
    req->call.req.in.hook.hash = hash;
}

static enum err answer_secret(struct request *req)
{
    const struct store_hook *hook = &req->call.req.out.hook;
    const char *secret = req->data;
    struct buf path = {0};
    enum err err = answer_hook(req);

    buf_json_member(&req->result, "secret", secret);
    if (hook->kind == STORE_HOOK_INCOMING) {
        buf_printf(&path, "/hooks/%s/%s", hook->id, secret);
        buf_json_member(&req->result, "path", path.data);
    }
    buf_free(&path);
    return err;
}

/* -- the commands ----------------------------------------------------------------------------- */

static enum store_hook_kind kind_of(const char *word)
{
    enum store_hook_kind kind = STORE_HOOK_INCOMING;

    while (kind < STORE_HOOK_SLASH && strcmp(store_hook_kind_name(kind), word) != 0)
        kind = (enum store_hook_kind)((int)kind + 1);
    return kind;
}

/* The events that were asked for, each once, with a blank between; NULL: none were. */
static const char *join_events(struct request *req)
{
    const char *words[PARAM_WORDS_MAX];
    size_t n = param_ids(&req->params, "events", words, PARAM_WORDS_MAX);
    struct buf text = {0};

    if (n == 0)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        bool known = false;
        for (size_t k = 0; k < i; k++)
            known = known || strcmp(words[k], words[i]) == 0;
        if (known)
            continue;
        if (text.len > 0)
            buf_putc(&text, ' ');
        buf_puts(&text, words[i]);
    }
    const char *joined = arena_strdup(req->arena, text.data);
    buf_free(&text);
    return joined;
}

static void take_settings(struct request *req)
{
    struct store_req *store = &req->call.req;

    store->in.hook.name = request_str(req, "name");
    store->in.hook.icon = request_str(req, "icon");
    store->in.hook.url = request_str(req, "url");
    store->in.hook.events = join_events(req);
    store->in.hook.trigger = request_str(req, "trigger");
    store->in.hook.command = request_str(req, "command");
}

enum err handle_hook_create(struct request *req)
{
    take_settings(req);
    make_secret(req);
    req->call.req.in.hook.channel = request_str(req, "channel");
    req->call.req.in.hook.kind = kind_of(request_str(req, "kind"));
    return request_store(req, STORE_HOOK_CREATE, answer_secret);
}

static enum err hook_changed(struct request *req)
{
    announce_user(req->worker, &req->call.req.out.user);
    return answer_hook(req);
}

enum err handle_hook_update(struct request *req)
{
    take_settings(req);
    req->call.req.in.hook.hook = request_str(req, "hook");
    req->call.req.in.hook.set_enabled = param_has(&req->params, "enabled");
    req->call.req.in.hook.enabled = param_bool(&req->params, "enabled", false);
    return request_store(req, STORE_HOOK_UPDATE, hook_changed);
}

enum err handle_hook_rotate(struct request *req)
{
    make_secret(req);
    req->call.req.in.hook.hook = request_str(req, "hook");
    return request_store(req, STORE_HOOK_ROTATE, answer_secret);
}

static enum err hook_deleted(struct request *req)
{
    announce_user(req->worker, &req->call.req.out.user);
    return ERR_OK;
}

enum err handle_hook_delete(struct request *req)
{
    req->call.req.in.hook.hook = request_str(req, "hook");
    return request_store(req, STORE_HOOK_DELETE, hook_deleted);
}

static enum err put_hooks(struct request *req)
{
    const struct store_req *store = &req->call.req;
    struct buf *out = &req->result;

    buf_json_key(out, "hooks");
    buf_putc(out, '[');
    for (size_t i = 0; i < store->out.n; i++) {
        buf_json_comma(out);
        put_hook(out, &store->out.hooks[i]);
    }
    buf_putc(out, ']');
    store_users_json(out, store->out.users, store->out.users_n);
    return ERR_OK;
}

enum err handle_hook_list(struct request *req)
{
    req->call.req.in.hooks.channel = request_str(req, "channel");
    return request_store(req, STORE_HOOK_LIST, put_hooks);
}

static enum err put_failures(struct request *req)
{
    const struct store_req *store = &req->call.req;

    buf_json_key(&req->result, "failures");
    buf_putc(&req->result, '[');
    for (size_t i = 0; i < store->out.n; i++) {
        buf_json_comma(&req->result);
        put_failure(&req->result, &store->out.failures[i]);
    }
    buf_putc(&req->result, ']');
    buf_json_member_opt(&req->result, "next_cursor", store->out.next);
    return ERR_OK;
}

enum err handle_hook_failures(struct request *req)
{
    req->call.req.in.hooks.hook = request_str(req, "hook");
    request_page(req, &req->call.req.in.hooks.page);
    return request_store(req, STORE_HOOK_FAILURES, put_failures);
}

/* Whoever delivers for the hook, on whichever node, finds that it is due. */
static enum err failure_due(struct request *req)
{
    const struct store_req *store = &req->call.req;

    if (store->out.n == 0)
        return request_fail(req, ERR_NOT_FOUND, "seq", "is delivered just now");
    buf_json_key(&req->result, "failure");
    put_failure(&req->result, &store->out.failures[0]);
    return ERR_OK;
}

enum err handle_hook_redeliver(struct request *req)
{
    req->call.req.in.hook_failure.hook = request_str(req, "hook");
    req->call.req.in.hook_failure.seq = (uint64_t)param_int(&req->params, "seq", 0);
    return request_store(req, STORE_HOOK_REDELIVER, failure_due);
}
