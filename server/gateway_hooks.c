/* gateway_hooks.c - POST /hooks/<webhook>/<token>: what programs post into a channel.
 *
 *   headers -> method? address? framing? type? -> body, whole or in chunks -> hook_post.h
 *           -> gateway_hook_answer(): "ok", or a problem
 *
 * The address is a secret: nothing here writes it into a log or an answer.
 */
#include <libwebsockets.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "protocol/jsonrpc.h"
#include "protocol/slack.h"
#include "server/conn.h"
#include "server/gateway.h"
#include "server/gateway_http.h"
#include "server/hook_post.h"
#include "server/metrics.h"
#include "server/pace.h"
#include "server/static_files.h"

static int refuse(struct conn *conn, enum err err, int status, const char *extra,
                  const char *detail)
{
    metric_add_by(METRIC_HOOK_POSTS,
                  err == ERR_NOT_FOUND ? METRIC_HOOK_POST_UNKNOWN : METRIC_HOOK_POST_INVALID, 1);
    return http_exchange_refuse(conn, err, status, extra, detail);
}

/* What cannot be a webhook's address is a guess at one. */
static int refuse_unknown(struct conn *conn)
{
    struct http_exchange *x = conn->http;
    uint32_t wait = pace_guess(conn, x->address);

    if (wait == 0)
        return refuse(conn, ERR_NOT_FOUND, 404, "", HOOK_POST_UNKNOWN);
    metric_add_by(METRIC_HOOK_POSTS, METRIC_HOOK_POST_RATE_LIMITED, 1);
    x->last = x->last || http_exchange_has_body(conn);
    gateway_hook_answer(conn, &(struct hook_outcome){ERR_RATE_LIMITED, HOOK_POST_GUESSES, wait});
    return 0;
}

static bool is_type(const char *value, const char *type)
{
    size_t n = strcspn(value, "; \t");

    return n == strlen(type) && strncasecmp(value, type, n) == 0;
}

/* The client's own id for what it posts, into KEY_OUT; "" without. False: it cannot be one. */
static bool take_key(struct conn *conn, char *key_out, size_t size)
{
    static const char name[] = "idempotency-key:";

    key_out[0] = '\0';
    if (lws_hdr_custom_length(conn->wsi, name, (int)sizeof(name) - 1) < 0)
        return true;
    int n = lws_hdr_custom_copy(conn->wsi, key_out, (int)size, name, (int)sizeof(name) - 1);
    return n > 0 && slack_is_key(key_out);
}

int gateway_hook_request(struct conn *conn, const char *rest)
{
    struct http_exchange *x = conn->http;
    char type[128];
    char key[LIMIT_CLIENT_MSG_ID_CHARS + 2];

    gateway_api_take_id(conn);
    gateway_client(conn, x->address);
    if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_POST_URI) == 0)
        return refuse(conn, ERR_INVALID_REQUEST, 405, "Allow: POST\r\n",
                      "A webhook is used with POST");
    gateway_header(conn->wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, type, sizeof(type));
    bool json = is_type(type, "application/json");
    if (!take_key(conn, key, sizeof(key)))
        return refuse(conn, ERR_INVALID_REQUEST, 400, "",
                      "The Idempotency-Key is not 1 to 64 characters of printable ASCII");
    if (!gateway_api_framing(conn)) {
        metric_add_by(METRIC_HOOK_POSTS, METRIC_HOOK_POST_INVALID, 1);
        return 0;
    }
    if (!x->chunked && x->expected == 0)
        return refuse(conn, ERR_INVALID_REQUEST, 400, "", "There is no payload");
    if (!json && !is_type(type, "application/x-www-form-urlencoded"))
        return refuse(conn, ERR_INVALID_REQUEST, 415, "",
                      "Content-Type must be application/json or application/x-www-form-urlencoded");
    x->hook = hook_post_make(rest, !json, key);
    if (x->hook == NULL)
        return refuse_unknown(conn);
    (void)gateway_api_expectation(conn);
    return 0;
}

void gateway_hook_run(struct conn *conn)
{
    struct http_exchange *x = conn->http;
    struct hook_post *post = x->hook;

    x->hook = NULL;
    hook_post_run(post, conn, x->address, &x->body);
}

void gateway_hook_answer(struct conn *conn, const struct hook_outcome *outcome)
{
    const char *id = conn->http->id;
    struct buf headers = {0};
    struct buf body = {0};

    buf_printf(&headers, "Content-Type: %s\r\n" HTTP_API_HEADERS "X-Request-Id: %s\r\n",
               outcome->err == ERR_OK ? "text/plain; charset=utf-8" : HTTP_PROBLEM_TYPE, id);
    if (outcome->retry_after_ms >= 0)
        buf_printf(&headers, "Retry-After: %lld\r\n",
                   (long long)(outcome->retry_after_ms + 999) / 1000);
    if (outcome->err == ERR_OK)
        buf_puts(&body, "ok");
    else
        problem_put(&body, outcome->err, NULL, outcome->detail, outcome->retry_after_ms, id);
    http_exchange_answer(conn, err_http_status(outcome->err), headers.data, body.data, body.len);
    buf_free(&headers);
    buf_free(&body);
}
