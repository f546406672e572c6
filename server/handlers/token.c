/* token.c - tokens: what programs sign in with. */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "protocol/limits.h"
#include "server/bus/bus.h"
#include "server/grant.h"
#include "server/node.h"
#include "server/request.h"

static_assert((int)LIMIT_TOKENS == (int)STORE_TOKENS_MAX, "the protocol says what the store does");

static void put_token(struct buf *out, const struct store_session *token)
{
    buf_putc(out, '{');
    buf_json_member(out, "id", token->id);
    buf_json_member(out, "user", token->user);
    buf_json_member(out, "name", token->label == NULL ? "" : token->label);
    put_word_list(out, "scopes", token->scopes);
    if (token->channels != NULL)
        put_word_list(out, "channels", token->channels);
    buf_json_member_time(out, "created_at", token->created_at);
    if (token->last_seen_at > 0)
        buf_json_member_time(out, "last_used_at", token->last_seen_at);
    if (token->expires_at < STORE_NEVER)
        buf_json_member_time(out, "expires_at", token->expires_at);
    buf_putc(out, '}');
}

static enum err token_created(struct request *req)
{
    buf_json_key(&req->result, "token");
    put_token(&req->result, &req->call.req.out.session);
    buf_json_member(&req->result, "secret", req->data);
    return ERR_OK;
}

/* The scopes that were asked for, each once and in the order of the table. */
static const char *join_scopes(struct request *req, scope_set *set_out)
{
    const char *words[PARAM_WORDS_MAX];
    size_t n = param_ids(&req->params, "scopes", words, PARAM_WORDS_MAX);
    struct buf text = {0};

    *set_out = 0;
    for (size_t i = 0; i < n; i++)
        *set_out |= scope_parse(words[i]);
    for (unsigned i = 0; i < SCOPE_COUNT; i++)
        if ((*set_out >> i & 1u) != 0) {
            if (text.len > 0)
                buf_putc(&text, ' ');
            buf_puts(&text, scope_name((enum scope)i));
        }
    const char *joined = arena_strdup(req->arena, text.len > 0 ? text.data : "");
    buf_free(&text);
    return joined;
}

enum err handle_token_create(struct request *req)
{
    struct store_req *store = &req->call.req;
    char *secret = arena_alloc(req->arena, TOKEN_SIZE);
    char *hash = arena_alloc(req->arena, HASH_HEX_SIZE);
    const char **channels = arena_alloc(req->arena, LIMIT_TOKEN_CHANNELS * sizeof(*channels));
    size_t n = param_ids(&req->params, "channels", channels, LIMIT_TOKEN_CHANNELS);
    int64_t seconds = param_int(&req->params, "expires_in_s", 0);
    scope_set scopes;

    store->in.token.scopes = join_scopes(req, &scopes);
    if (n > 0 && (scopes >> (unsigned)SCOPE_ADMIN & 1u) != 0)
        return request_fail(req, ERR_INVALID_PARAMS, "channels",
                            "does not go with the scope admin, which is about the whole server");
    token_make(secret);
    token_hash(secret, hash);
    req->data = secret;
    store->in.token.user = request_str(req, "user");
    store->in.token.name = request_str(req, "name");
    store->in.token.hash = hash;
    store->in.token.channels = n > 0 ? channels : NULL;
    store->in.token.channels_n = n;
    store->in.token.expires_at = seconds > 0 ? clock_unix_ms() + seconds * 1000 : 0;
    return request_store(req, STORE_TOKEN_CREATE, token_created);
}

/* Those that are still good. */
static enum err put_tokens(struct request *req)
{
    const struct store_req *store = &req->call.req;
    int64_t now = clock_unix_ms();

    buf_json_key(&req->result, "tokens");
    buf_putc(&req->result, '[');
    for (size_t i = 0; i < store->out.n; i++) {
        const struct store_session *token = &store->out.sessions[i];
        if (token->scopes == NULL || token->expires_at <= now)
            continue;
        buf_json_comma(&req->result);
        put_token(&req->result, token);
    }
    buf_putc(&req->result, ']');
    return ERR_OK;
}

enum err handle_token_list(struct request *req)
{
    req->call.req.in.session.user = request_str(req, "user");
    return request_store(req, STORE_SESSION_LIST, put_tokens);
}

static enum err token_revoked(struct request *req)
{
    for (size_t i = 0; i < req->call.req.out.n; i++)
        bus_revoke(req->node->bus, NULL, req->call.req.out.ids[i], NULL);
    return ERR_OK;
}

enum err handle_token_revoke(struct request *req)
{
    req->call.req.in.session.id = request_str(req, "token");
    req->call.req.in.session.token = true;
    return request_store(req, STORE_SESSION_DELETE, token_revoked);
}
