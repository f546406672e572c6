/* gateway_http.c - HTTP/1.1 over libwebsockets: the API, the web client, health and metrics.
 *
 * One exchange at a time on a connection: request -> body -> answer, all of it in one write.
 * Requests whose length is not announced, or is too large, are refused before their body is read.
 */
#include <errno.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "protocol/jsonrpc.h"
#include "server/bus/bus.h"
#include "server/conn.h"
#include "server/dispatch.h"
#include "server/engineio.h"
#include "server/gateway.h"
#include "server/gateway_http.h"
#include "server/listener.h"
#include "server/metrics.h"
#include "server/node.h"
#include "server/origin.h"
#include "server/request.h"
#include "server/static_files.h"
#include "server/worker.h"

#define API "/api/v1/"
#define JSON_TYPE "application/json"
#define PROBLEM_TYPE "application/problem+json"

struct http_exchange *http_exchange_get(struct conn *conn)
{
    if (conn->http == NULL)
        conn->http = mem_zalloc(sizeof(*conn->http));
    return conn->http;
}

void gateway_http_gone(struct conn *conn)
{
    struct http_exchange *x = conn->http;

    if (x == NULL)
        return;
    conn->http = NULL;
    buf_free(&x->body);
    buf_free(&x->out);
    free(x);
}

/* -- answers ---------------------------------------------------------------------------------- */

static const char *status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } texts[] = {
        {200, "OK"},
        {204, "No Content"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (texts[i].status == status)
            return texts[i].text;
    return "Internal Server Error";
}

static void put_head(struct http_exchange *x, int status, const char *headers, size_t body_len)
{
    buf_printf(&x->out, "HTTP/1.1 %d %s\r\n%s", status, status_text(status), headers);
    if (status != 304 && status != 204)
        buf_printf(&x->out, "Content-Length: %zu\r\n", body_len);
    if (x->last)
        buf_puts(&x->out, "Connection: close\r\n");
    buf_puts(&x->out, "\r\n");
    metric_add_by(METRIC_HTTP_REQUESTS, metric_http_label(status), 1);
}

static void ready(struct conn *conn)
{
    conn->http->answered = true;
    if (conn->http->deaf)
        (void)lws_rx_flow_control(conn->wsi, 1);
    (void)lws_callback_on_writable(conn->wsi);
}

void http_exchange_answer(struct conn *conn, int status, const char *headers, const char *body,
                          size_t len)
{
    struct http_exchange *x = http_exchange_get(conn);

    put_head(x, status, headers, len);
    if (!x->head)
        buf_put(&x->out, body, len);
    ready(conn);
}

/* A whole answer with the API's headers. EXTRA: further header lines. */
static int answer(struct conn *conn, int status, const char *type, const char *extra,
                  const char *body, size_t len)
{
    struct buf headers = {0};

    buf_printf(&headers, "Content-Type: %s\r\n%s%s", type, HTTP_API_HEADERS, extra);
    http_exchange_answer(conn, status, headers.data, body, len);
    buf_free(&headers);
    return 0;
}

/* STATUS may be another than the error's own. The connection ends: there may be a body that nobody
 * reads. */
static int refuse(struct conn *conn, enum err err, int status, const char *extra,
                  const char *detail)
{
    struct buf body = {0};

    http_exchange_get(conn)->last = true;
    buf_putc(&body, '{');
    buf_json_member(&body, "type", err_name(err));
    buf_json_member(&body, "title", err_title(err));
    buf_json_member_int(&body, "status", status);
    buf_json_member(&body, "detail", detail);
    buf_putc(&body, '}');
    (void)answer(conn, status, PROBLEM_TYPE, extra, body.data, body.len);
    buf_free(&body);
    return 0;
}

void gateway_http_answer(struct request *req)
{
    struct conn *conn = req->conn;
    enum err err = req->call.req.err;
    struct buf extra = {0};

    (void)buf_reserve(&extra, 1);
    buf_puts(&extra, "");
    if (req->set_cookie[0] != '\0')
        buf_printf(&extra, "Set-Cookie: %s\r\n", req->set_cookie);
    if (req->retry_after_ms >= 0)
        buf_printf(&extra, "Retry-After: %lld\r\n", (long long)(req->retry_after_ms + 999) / 1000);
    if (err == ERR_UNAUTHENTICATED)
        buf_puts(&extra, "WWW-Authenticate: Bearer\r\n");
    (void)answer(conn, err_http_status(err), err == ERR_OK ? JSON_TYPE : PROBLEM_TYPE, extra.data,
                 req->result.data, req->result.len);
    buf_free(&extra);
}

int gateway_http_writable(struct conn *conn)
{
    struct http_exchange *x = conn->http;

    if (x == NULL || !x->answered)
        return conn->closing ? -1 : 0;
    bool last = x->last;
    metric_add(METRIC_SENT_BYTES, x->out.len);
    int n = lws_write(conn->wsi, (unsigned char *)x->out.data, x->out.len, LWS_WRITE_HTTP_FINAL);
    gateway_http_gone(conn);
    if (n < 0)
        return -1;
    if (lws_http_transaction_completed(conn->wsi) != 0 || last)
        return -1;
    return 0;
}

/* True when the client has closed its side. Under TLS that cannot be seen without reading. */
static bool has_hung_up(struct lws *wsi)
{
    char byte;
    ssize_t n = recv(lws_get_socket_fd(wsi), &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void gateway_http_watch(struct conn *conn)
{
    struct http_exchange *x = conn->http;

    if (x == NULL || !x->handed || x->answered || conn->closing)
        return;
    if (!x->deaf) {
        x->deaf = true;
        (void)lws_rx_flow_control(conn->wsi, 0);
        lws_set_timeout(conn->wsi, NO_PENDING_TIMEOUT, 0); /* ours are in worker.c */
    }
    if (has_hung_up(conn->wsi))
        conn_kill(conn);
}

/* -- what is not the API ---------------------------------------------------------------------- */

static int answer_ready(struct conn *conn)
{
    char reason[256];

    if (atomic_load(&conn->worker->node->draining))
        return answer(conn, 503, "text/plain; charset=utf-8", "Retry-After: 5\r\n", "draining\n",
                      9);
    if (!store_is_writable(conn->worker->node->store, reason) ||
        !bus_is_ready(conn->worker->node->bus, reason)) {
        struct buf body = {0};
        buf_printf(&body, "%s\n", reason);
        (void)answer(conn, 503, "text/plain; charset=utf-8", "Retry-After: 5\r\n", body.data,
                     body.len);
        buf_free(&body);
        return 0;
    }
    return answer(conn, 200, "text/plain; charset=utf-8", "", "ready\n", 6);
}

static int answer_metrics(struct conn *conn)
{
    struct buf body = {0};
    char reason[256];
    struct node *node = conn->worker->node;

    metric_set(METRIC_STORE_QUEUE, store_queue_depth(node->store));
    metric_set(METRIC_STORE_WRITABLE, store_is_writable(node->store, reason) ? 1 : 0);
    metric_set(METRIC_PASSWORD_QUEUE, password_queue_depth(node->passwords));
    metrics_render(&body);
    (void)answer(conn, 200, METRICS_CONTENT_TYPE, "", body.data, body.len);
    buf_free(&body);
    return 0;
}

static int answer_file(struct conn *conn, const char *path)
{
    char accept[256];
    char etag[256];
    struct static_response file;
    struct static_request ask = {
        .path = path,
        .accept_encoding =
            gateway_header(conn->wsi, WSI_TOKEN_HTTP_ACCEPT_ENCODING, accept, sizeof(accept)),
        .if_none_match =
            gateway_header(conn->wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, etag, sizeof(etag)),
    };
    struct http_exchange *x = http_exchange_get(conn);

    static_find(conn->worker->node->files, &ask, &file);
    metric_add(METRIC_STATIC_HITS, 1);
    put_head(x, file.status, file.headers, file.body_len);
    if (!x->head && file.status != 304)
        buf_put(&x->out, file.body, file.body_len);
    ready(conn);
    return 0;
}

static int answer_get(struct conn *conn, const char *path)
{
    const struct node *node = conn->worker->node;

    if (strcmp(path, "/healthz") == 0)
        return answer(conn, 200, "text/plain; charset=utf-8", "", "ok\n", 3);
    if (strcmp(path, "/readyz") == 0)
        return answer_ready(conn);
    if (strcmp(path, "/metrics") == 0 &&
        (node->config.metrics_listen.len == 0 || conn->door != DOOR_PUBLIC))
        return answer_metrics(conn);
    if (conn->door == DOOR_METRICS)
        return refuse(conn, ERR_NOT_FOUND, 404, "", "Here are /metrics, /healthz and /readyz");
    if (strcmp(path, "/ws") == 0)
        return refuse(conn, ERR_INVALID_REQUEST, 400, "", "This address speaks WebSocket only");
    if (strncmp(path, "/api/", 5) == 0 && !static_files_has(node->files, path))
        return refuse(conn, ERR_INVALID_REQUEST, 405, "Allow: POST\r\n",
                      "Commands are called with POST " API "<command>");
    return answer_file(conn, path);
}

/* -- the API ---------------------------------------------------------------------------------- */

/* The token of this request; false: it was refused. */
static bool take_token(struct conn *conn, struct http_exchange *x)
{
    char value[HEADER_TEXT_MAX];
    char host[256];
    const struct config *config = &conn->worker->node->config;

    gateway_header(conn->wsi, WSI_TOKEN_HTTP_AUTHORIZATION, value, sizeof(value));
    x->has_token = bearer_find(value, x->token, sizeof(x->token));
    if (x->has_token)
        return true;
    gateway_header(conn->wsi, WSI_TOKEN_HTTP_COOKIE, value, sizeof(value));
    x->has_token = x->cookie = cookie_find(value, SESSION_COOKIE, x->token, sizeof(x->token));
    if (!x->cookie)
        return true;
    gateway_header(conn->wsi, WSI_TOKEN_ORIGIN, value, sizeof(value));
    gateway_header(conn->wsi, WSI_TOKEN_HOST, host, sizeof(host));
    if (origin_is_allowed(value, host, gateway_client_is_secure(conn),
                          config->allowed_origins.items, config->allowed_origins.n))
        return true;
    (void)refuse(conn, ERR_FORBIDDEN, 403, "",
                 "A call with the session cookie needs the Origin of an allowed page");
    return false;
}

static bool type_is_json(struct lws *wsi)
{
    char type[128];

    gateway_header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, type, sizeof(type));
    size_t n = strcspn(type, "; \t");
    return n == strlen(JSON_TYPE) && strncasecmp(type, JSON_TYPE, n) == 0;
}

static void run_command(struct conn *conn)
{
    struct http_exchange *x = conn->http;

    x->handed = true;
    dispatch_http(conn, &(struct http_call){
                            .name = x->command,
                            .body = x->body.data,
                            .len = x->body.len,
                            .token = x->has_token ? x->token : NULL,
                            .cookie = x->cookie,
                            .secure = x->secure,
                            .address = x->address,
                            .agent = x->agent,
                        });
}

/* What is known about who calls, beside the token. */
static void take_client(struct conn *conn, struct http_exchange *x)
{
    gateway_client(conn, x->address);
    x->secure = gateway_client_is_secure(conn);
    gateway_header(conn->wsi, WSI_TOKEN_HTTP_USER_AGENT, x->agent, sizeof(x->agent));
    if (!utf8_is_valid(x->agent, strlen(x->agent)))
        x->agent[0] = '\0';
}

/* 0 to max digits; false: not a number. */
static bool content_length(struct lws *wsi, size_t *length_out)
{
    char text[32];
    char *end;

    gateway_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof(text));
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 15 || text[digits] != '\0')
        return false;
    *length_out = (size_t)strtoull(text, &end, 10);
    return true;
}

int http_exchange_length(struct conn *conn, size_t max)
{
    struct http_exchange *x = http_exchange_get(conn);

    if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0)
        return 411;
    if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) == 0)
        x->last = true; /* no body (RFC 9112 section 6.3); the library would wait for one */
    else if (!content_length(conn->wsi, &x->expected))
        return 400;
    return x->expected > max ? 413 : 0;
}

static int begin_command(struct conn *conn, const char *name)
{
    struct http_exchange *x = http_exchange_get(conn);
    int status = http_exchange_length(conn, conn->worker->node->config.frame_bytes);

    if (status == 411)
        return refuse(conn, ERR_INVALID_REQUEST, 411, "",
                      "Send the body with a Content-Length, not in chunks");
    if (status == 400)
        return refuse(conn, ERR_INVALID_REQUEST, 400, "", "The Content-Length is not a number");
    if (status == 413)
        return refuse(conn, ERR_TOO_LARGE, 413, "", "The body is larger than frame_bytes");
    if (x->expected > 0 && !type_is_json(conn->wsi))
        return refuse(conn, ERR_INVALID_REQUEST, 415, "", "Content-Type must be application/json");
    if (conn->door != DOOR_ADMIN && !take_token(conn, x))
        return 0;
    take_client(conn, x);
    (void)snprintf(x->command, sizeof(x->command), "%s", name);
    if (x->expected == 0)
        run_command(conn);
    return 0;
}

/* Then the answer says so too (RFC 9112 section 9.6): a client that pools its connections would
 * else take this one for usable. */
static bool asks_for_end(struct lws *wsi)
{
    char value[128];

    return strcasestr(gateway_header(wsi, WSI_TOKEN_CONNECTION, value, sizeof(value)), "close") !=
           NULL;
}

int gateway_http_request(struct conn *conn, const char *path)
{
    struct lws *wsi = conn->wsi;
    struct http_exchange *x = http_exchange_get(conn);

    x->head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    x->last = asks_for_end(wsi);
    conn->last_rx_s = worker_now_s(conn->worker);
    if (conn->door == DOOR_PUBLIC && engineio_service(conn->worker, path) != NULL)
        return gateway_eio_request(conn, engineio_service(conn->worker, path));
    if (lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0 && conn->door != DOOR_METRICS) {
        if (strncmp(path, API, sizeof(API) - 1) == 0)
            return begin_command(conn, path + sizeof(API) - 1);
        return refuse(conn, ERR_NOT_FOUND, 404, "",
                      "Commands are called with POST " API "<command>");
    }
    if (x->head || lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0)
        return answer_get(conn, path);
    return refuse(conn, ERR_INVALID_REQUEST, 405, "Allow: GET, HEAD, POST\r\n",
                  "Only GET, HEAD and POST are offered");
}

int gateway_http_body(struct conn *conn, const char *bytes, size_t len)
{
    struct http_exchange *x = conn->http;

    metric_add(METRIC_RECEIVED_BYTES, len);
    if (x == NULL || x->answered)
        return 0; /* refused already; the rest is thrown away */
    if (x->body.len + len > x->expected)
        return -1;
    buf_put(&x->body, bytes, len);
    return 0;
}

int gateway_http_body_done(struct conn *conn)
{
    struct http_exchange *x = conn->http;

    if (x == NULL || x->answered || x->expected == 0)
        return 0;
    if (x->engineio)
        return gateway_eio_body_done(conn);
    run_command(conn);
    return 0;
}
