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
#include "server/frame.h"
#include "server/gateway.h"
#include "server/gateway_cors.h"
#include "server/gateway_http.h"
#include "server/hook_post.h"
#include "server/listener.h"
#include "server/metrics.h"
#include "server/node.h"
#include "server/origin.h"
#include "server/request.h"
#include "server/static_files.h"
#include "server/worker.h"

#define API "/api/v1/"
#define RESPONSE_URL "/hooks/r/" /* of slash commands */
#define HOOKS "/hooks/"

enum { HEAD_BYTES = 1024 }; /* of most answers, at most */

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
    json_decref(x->params);
    free(x->origin);
    hook_post_free(&x->hook);
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
        {406, "Not Acceptable"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (texts[i].status == status)
            return texts[i].text;
    return "Internal Server Error";
}

static void put_head(struct http_exchange *x, int status, const char *headers, size_t body_len)
{
    struct buf *out = &x->out;

    (void)buf_reserve(out, HEAD_BYTES + body_len);
    buf_puts(out, "HTTP/1.1 ");
    buf_json_int(out, status);
    buf_putc(out, ' ');
    buf_puts(out, status_text(status));
    buf_puts(out, "\r\n");
    buf_puts(out, headers);
    if (status != 304 && status != 204) {
        buf_puts(out, "Content-Length: ");
        buf_json_uint(out, body_len);
        buf_puts(out, "\r\n");
    }
    gateway_cors_put(out, x, x->coded);
    if (x->last)
        buf_puts(out, "Connection: close\r\n");
    buf_puts(out, "\r\n");
    metric_add_by(METRIC_HTTP_REQUESTS, metric_http_label(status), 1);
}

static void ready(struct conn *conn)
{
    conn->http->answered = true;
    if (conn->http->deaf)
        (void)lws_rx_flow_control(conn->wsi, 1);
    if (lws_is_ssl(conn->wsi))
        (void)lws_callback_on_writable(conn->wsi);
    else if (conn->eio_socket != NULL)
        worker_mark_dirty(conn->worker, conn); /* as many as there are members who poll */
    else
        worker_add_answer(conn->worker, conn);
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

void http_exchange_answer_payload(struct conn *conn, const char *headers,
                                  struct frame *const *payloads, size_t n)
{
    struct http_exchange *x = http_exchange_get(conn);
    size_t len = n > 0 ? n - 1 : 0;

    for (size_t i = 0; i < n; i++)
        len += payloads[i]->len;
    put_head(x, 200, headers, len);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_putc(&x->out, EIO_SEPARATOR);
        buf_put(&x->out, payloads[i]->bytes, payloads[i]->len);
    }
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

bool http_exchange_has_body(const struct conn *conn)
{
    struct lws *wsi = conn->wsi;

    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) == 0)
        return lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0 ||
               lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0 ||
               lws_hdr_total_length(wsi, WSI_TOKEN_PUT_URI) > 0 ||
               lws_hdr_total_length(wsi, WSI_TOKEN_PATCH_URI) > 0; /* so the library takes it */
    char length[2];
    return strcmp(gateway_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, length, sizeof(length)),
                  "0") != 0;
}

int http_exchange_refuse(struct conn *conn, enum err err, int status, const char *extra,
                         const char *detail)
{
    struct http_exchange *x = http_exchange_get(conn);
    struct buf headers = {0};
    struct buf body = {0};

    if (http_exchange_has_body(conn))
        x->last = true; /* nobody reads it */
    buf_puts(&headers, extra);
    if (x->id[0] != '\0') {
        buf_printf(&headers, "X-Request-Id: %s\r\n", x->id);
        log_debug("request refused", LOG_STR("request_id", x->id), LOG_INT("conn", conn->id),
                  LOG_INT("status", status));
    }
    buf_putc(&body, '{');
    buf_json_member(&body, "type", err_name(err));
    buf_json_member(&body, "title", err_title(err));
    buf_json_member_int(&body, "status", status);
    buf_json_member(&body, "detail", detail);
    buf_json_member_opt(&body, "request_id", x->id[0] != '\0' ? x->id : NULL);
    buf_putc(&body, '}');
    (void)answer(conn, status, HTTP_PROBLEM_TYPE, headers.data, body.data, body.len);
    buf_free(&headers);
    buf_free(&body);
    return 0;
}

/* Whether the library has more input of this connection at hand: only then it keeps the table of
 * the headers, and only with a table the copy below comes as far as ending its (empty) value.
 *
 * It has to be known because libwebsockets 4.1 takes the head of a request that it had at hand for
 * the beginning of its body, and loops for ever when that is used up. So a request with a body that
 * came before the answer to the one before it ends the connection, unanswered and not carried out,
 * which a client that pipelines has to expect (RFC 9112 section 9.3.2). */
static bool has_more_input(struct lws *wsi)
{
    char value = '?';

    (void)lws_hdr_custom_copy(wsi, &value, 1, "-:", 2);
    return value == '\0';
}

/* The answer is out. */
static int complete(struct conn *conn)
{
    conn->answering = false;
    if (conn->answers_end || lws_http_transaction_completed(conn->wsi) != 0)
        return -1;
    conn->pipelines = has_more_input(conn->wsi);
    conn->last_rx_s = worker_now_s(conn->worker);
    if (!conn->pipelines) /* until the next request the time is ours to keep: see worker.c */
        lws_set_timeout(conn->wsi, NO_PENDING_TIMEOUT, 0);
    return 0;
}

int gateway_http_writable(struct conn *conn)
{
    struct http_exchange *x = conn->http;

    if (conn->follows)
        return gateway_follow_writable(conn);
    if (conn->answering) /* asked again when the socket has taken all */
        return lws_partial_buffered(conn->wsi) ? 0 : complete(conn);
    if (x == NULL || !x->answered)
        return conn->closing ? -1 : 0;
    conn->answering = true;
    conn->answers_end = x->last;
    metric_add(METRIC_SENT_BYTES, x->out.len);
    int n = lws_write(conn->wsi, (unsigned char *)x->out.data, x->out.len, LWS_WRITE_HTTP_FINAL);
    gateway_http_gone(conn);
    if (n < 0)
        return -1;
    return lws_partial_buffered(conn->wsi) ? 0 : complete(conn);
}

/* The library has the loop wait until the socket is writable, before an answer and once more after
 * it. It nearly always is: said so at once, an answer takes one turn of the loop instead of three.
 * Where the next request is at hand already the library has to find it by itself. */
void gateway_http_flush(struct conn *conn)
{
    struct lws_pollfd now = {.events = LWS_POLLIN | LWS_POLLOUT};

    if (conn->http == NULL || !conn->http->answered || lws_partial_buffered(conn->wsi))
        return;
    now.fd = lws_get_socket_fd(conn->wsi);
    now.revents = LWS_POLLOUT;
    if (lws_service_fd(conn->worker->lws, &now) != 0 || conn->wsi == NULL)
        return;
    if (conn->http != NULL) {
        (void)lws_callback_on_writable(conn->wsi);
    } else if (!conn->answering && !conn->pipelines) {
        now.revents = LWS_POLLOUT;
        (void)lws_service_fd(conn->worker->lws, &now);
    }
}

/* True when the client has closed its side. Under TLS that cannot be seen without reading. */
static bool has_hung_up(struct lws *wsi)
{
    char byte;
    ssize_t n = recv(lws_get_socket_fd(wsi), &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

bool http_stop_reading(struct conn *conn, bool *unsure_out)
{
    struct lws_context *library = conn->worker->lws;

    (void)lws_rx_flow_control(conn->wsi, 1);
    bool before = lws_service_adjust_timeout(library, 1, 0) == 0;
    (void)lws_rx_flow_control(conn->wsi, 0);
    bool after = lws_service_adjust_timeout(library, 1, 0) == 0;
    *unsure_out = before && after;
    return !before || after;
}

void gateway_http_watch(struct conn *conn)
{
    struct http_exchange *x = conn->http;

    if (x == NULL || !x->handed || x->answered || conn->closing)
        return;
    lws_set_timeout(conn->wsi, NO_PENDING_TIMEOUT, 0); /* ours are in worker.c */
    bool stop = !x->deaf || x->unsure;
    x->deaf = true;
    if ((stop && !http_stop_reading(conn, &x->unsure)) || has_hung_up(conn->wsi))
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
        return http_exchange_refuse(conn, ERR_NOT_FOUND, 404, "",
                                    "Here are /metrics, /healthz and /readyz");
    if (strcmp(path, "/ws") == 0)
        return http_exchange_refuse(conn, ERR_INVALID_REQUEST, 400, "",
                                    "This address speaks WebSocket only");
    return answer_file(conn, path);
}

/* -- requests --------------------------------------------------------------------------------- */

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

/* Then the answer says so too (RFC 9112 section 9.6): a client that pools its connections would
 * else take this one for usable. */
static bool asks_for_end(struct lws *wsi)
{
    char value[128];

    return strcasestr(gateway_header(wsi, WSI_TOKEN_CONNECTION, value, sizeof(value)), "close") !=
           NULL;
}

/* What every request has to have (RFC 9112 sections 2.3 and 3.2). False: it was refused. */
static bool is_http(struct conn *conn)
{
    char version[16];
    char host[256];

    gateway_header(conn->wsi, WSI_TOKEN_HTTP, version, sizeof(version));
    gateway_header(conn->wsi, WSI_TOKEN_HOST, host, sizeof(host));
    if (strcmp(version, "HTTP/1.0") == 0)
        return true;
    if (version[0] == '\0') { /* the library took an escape in the address for the line's end */
        conn->http->last = true;
        (void)http_exchange_refuse(conn, ERR_INVALID_REQUEST, 400, "",
                                   "The first line has no version, or the address an escaped line "
                                   "break");
        return false;
    }
    if (strcmp(version, "HTTP/1.1") != 0) {
        conn->http->last = true;
        (void)http_exchange_refuse(conn, ERR_INVALID_REQUEST, 505, "", "Here is HTTP/1.1");
        return false;
    }
    if (host[0] != '\0' && strchr(host, ',') == NULL)
        return true;
    conn->http->last = true;
    (void)http_exchange_refuse(conn, ERR_INVALID_REQUEST, 400, "",
                               "A request has one Host header (RFC 9112 section 3.2)");
    return false;
}

/* The descriptions of the API lie among its commands. */
static bool asks_for_file(struct conn *conn, const char *path)
{
    return (lws_hdr_total_length(conn->wsi, WSI_TOKEN_HEAD_URI) > 0 ||
            lws_hdr_total_length(conn->wsi, WSI_TOKEN_GET_URI) > 0) &&
           static_files_has(conn->worker->node->files, path);
}

int gateway_http_request(struct conn *conn, const char *path)
{
    struct lws *wsi = conn->wsi;
    struct http_exchange *x = http_exchange_get(conn);

    x->head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    x->last = asks_for_end(wsi);
    conn->last_rx_s = worker_now_s(conn->worker);
    if (conn->pipelines && http_exchange_has_body(conn)) {
        log_debug("pipelined body", LOG_INT("conn", conn->id));
        return -1; /* see has_more_input() */
    }
    if (!is_http(conn))
        return 0;
    if (conn->door == DOOR_PUBLIC && engineio_service(conn->worker, path) != NULL)
        return gateway_eio_request(conn, engineio_service(conn->worker, path));
    if (strncmp(path, API, sizeof(API) - 1) == 0 && conn->door != DOOR_METRICS) {
        gateway_cors_take(conn, false);
        if (!asks_for_file(conn, path))
            return gateway_api_request(conn, path + sizeof(API) - 1);
    }
    if (strncmp(path, RESPONSE_URL, sizeof(RESPONSE_URL) - 1) == 0 && conn->door == DOOR_PUBLIC)
        return gateway_api_slash_request(conn, path + sizeof(RESPONSE_URL) - 1);
    if (strncmp(path, HOOKS, sizeof(HOOKS) - 1) == 0 && conn->door != DOOR_METRICS)
        return gateway_hook_request(conn, path + sizeof(HOOKS) - 1);
    x->last = x->last || http_exchange_has_body(conn); /* which nobody reads */
    if (lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0 && conn->door != DOOR_METRICS)
        return http_exchange_refuse(conn, ERR_NOT_FOUND, 404, "",
                                    "Commands are called with POST " API "<command>");
    if (x->head || lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0)
        return answer_get(conn, path);
    return http_exchange_refuse(conn, ERR_INVALID_REQUEST, 405, "Allow: GET, HEAD\r\n",
                                "Only GET and HEAD are offered here");
}

int gateway_http_body(struct conn *conn, const char *bytes, size_t len)
{
    struct http_exchange *x = conn->http;

    metric_add(METRIC_RECEIVED_BYTES, len);
    if (x == NULL || x->answered || x->handed)
        return 0; /* refused already, or all of it is there: the rest is thrown away */
    if (x->chunked)
        return gateway_api_chunk(conn, bytes, len);
    if (x->body.len + len > x->expected)
        return -1;
    buf_put(&x->body, bytes, len);
    return 0;
}

int gateway_http_body_done(struct conn *conn)
{
    struct http_exchange *x = conn->http;

    if (x == NULL || x->answered || x->handed || x->expected == 0)
        return 0;
    if (x->engineio)
        return gateway_eio_body_done(conn);
    return gateway_api_body_done(conn);
}
