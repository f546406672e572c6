/* gateway_follow.c - GET /api/v1/stream.follow: the socket's side of server-sent events.
 *
 *   headers -> follow_create(): which streams, from where -> dispatch_follow(): session.start
 *           -> gateway_follow_begin(): the head, session.started -> the hub's frames, as they come
 */
#include <errno.h>
#include <libwebsockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "protocol/params.h"
#include "server/conn.h"
#include "server/dispatch.h"
#include "server/follow.h"
#include "server/frame.h"
#include "server/gateway.h"
#include "server/gateway_cors.h"
#include "server/gateway_http.h"
#include "server/listener.h"
#include "server/metrics.h"
#include "server/node.h"
#include "server/request.h"
#include "server/static_files.h"
#include "server/worker.h"

#define EVENT_STREAM "text/event-stream"

struct query {
    char streams[FOLLOW_STREAMS_MAX * 40 + 1];
    char last_id[FOLLOW_ID_MAX + 2];
    bool has_streams, has_id;
};

/* -- the request ------------------------------------------------------------------------------ */

static int refuse_field(struct conn *conn, const char *field, const char *reason)
{
    struct problem problem;

    problem_set(&problem, field, reason);
    return gateway_api_refuse_params(conn, &problem);
}

/* NAME's value from ARG, if it is that. */
static bool take_arg(const char *arg, const char *name, char *value_out, size_t size, bool *has_out)
{
    size_t n = strlen(name);

    if (strncmp(arg, name, n) != 0 || *has_out || strlen(arg + n) >= size)
        return false;
    memcpy(value_out, arg + n, strlen(arg + n) + 1);
    *has_out = true;
    return true;
}

/* False: the request was refused. */
static bool read_query(struct conn *conn, struct query *out)
{
    static const char name[] = "last-event-id:";
    char arg[GATEWAY_HEADERS_MAX];

    *out = (struct query){0};
    for (int i = 0;; i++) {
        int n = http_query_arg(conn, i, arg, sizeof(arg));
        if (n < 0)
            break;
        if (n == 0 ||
            take_arg(arg, "streams=", out->streams, sizeof(out->streams), &out->has_streams) ||
            take_arg(arg, "last_event_id=", out->last_id, sizeof(out->last_id), &out->has_id))
            continue;
        (void)refuse_field(conn, "query",
                           "may have streams and last_event_id, each once and not too long");
        return false;
    }
    /* a client that comes back by itself has the later one in the header */
    int n = lws_hdr_custom_copy(conn->wsi, arg, sizeof(arg), name, sizeof(name) - 1);
    if (n > 0 && (size_t)n < sizeof(out->last_id))
        memcpy(out->last_id, arg, (size_t)n + 1);
    return true;
}

static int begin(struct conn *conn, const struct query *query)
{
    struct http_exchange *x = conn->http;
    const char *field;

    conn->follow =
        follow_create(query->has_streams ? query->streams : NULL, query->last_id, &field);
    if (conn->follow == NULL)
        return refuse_field(conn, field,
                            strcmp(field, "streams") == 0
                                ? "must be up to 100 streams with commas between, each once"
                                : "must be the id of an event as it was sent");
    x->handed = true;
    dispatch_follow(conn, &(struct http_call){
                              .name = "stream.follow",
                              .id = x->id,
                              .token = x->has_token ? x->token : NULL,
                              .cookie = x->cookie,
                              .secure = x->secure,
                              .address = x->address,
                              .agent = x->agent,
                          });
    return 0;
}

int gateway_follow_request(struct conn *conn)
{
    struct http_exchange *x = conn->http;
    struct query query;
    char accept[HEADER_TEXT_MAX];

    if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_GET_URI) == 0)
        return http_exchange_refuse(conn, ERR_INVALID_REQUEST, 405, "Allow: GET, OPTIONS\r\n",
                                    "Events are followed with GET");
    if (http_exchange_has_body(conn))
        return http_exchange_refuse(conn, ERR_INVALID_REQUEST, 400, "",
                                    "With GET the parameters are in the query, there is no body");
    if (!http_accepts(gateway_header(conn->wsi, WSI_TOKEN_HTTP_ACCEPT, accept, sizeof(accept)),
                      EVENT_STREAM))
        return http_exchange_refuse(conn, ERR_INVALID_REQUEST, 406, "",
                                    "The answer is " EVENT_STREAM);
    x->reads = true;
    if (!read_query(conn, &query) || !gateway_api_caller(conn))
        return 0;
    if (conn->door == DOOR_PUBLIC && !gateway_take_address(conn)) {
        metric_add_by(METRIC_CONNECTIONS_REFUSED, METRIC_REFUSED_ADDRESS, 1);
        x->last = true;
        return http_exchange_refuse(conn, ERR_UNAVAILABLE, 503, "Retry-After: 5\r\n",
                                    "Too many connections from your address");
    }
    return begin(conn, &query);
}

/* -- the answer ------------------------------------------------------------------------------- */

/* A peer that has gone without a word is noticed by what it does not acknowledge. */
static void limit_silence(struct conn *conn)
{
    unsigned ms = 2 * conn->worker->node->config.heartbeat_ms;

    (void)setsockopt(lws_get_socket_fd(conn->wsi), IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

void gateway_follow_begin(struct request *req)
{
    struct conn *conn = req->conn;
    struct buf text = {0};

    if (conn->closing || conn->session == NULL)
        return;
    buf_printf(&text,
               "HTTP/1.1 200 OK\r\nContent-Type: " EVENT_STREAM "; charset=utf-8\r\n"
               "Connection: close\r\nX-Accel-Buffering: no\r\n" HTTP_API_HEADERS
               "X-Request-Id: %s\r\n",
               conn->http->id);
    gateway_cors_put(&text, conn->http, conn->http->coded);
    buf_puts(&text, "\r\n");
    follow_put(conn->follow, &text, "session.started", req->result.data, req->result.len);
    struct frame *frame = frame_blank(text.len, 1);
    memcpy(frame->bytes, text.data, text.len);
    buf_free(&text);
    metric_add_by(METRIC_HTTP_REQUESTS, metric_http_label(200), 1);
    conn_set_transport(conn, METRIC_TRANSPORT_EVENT_STREAM);
    gateway_http_gone(conn);
    conn->follows = true;
    limit_silence(conn);
    lws_set_timeout(conn->wsi, NO_PENDING_TIMEOUT, 0);
    conn->deaf = true;
    if (!http_stop_reading(conn, &conn->unsure))
        conn_kill(conn); /* it has sent something behind this */
    else
        conn_push(conn, frame);
    frame_unref(frame);
}

void gateway_follow_listen(struct conn *conn)
{
    bool behind = conn->closing || conn->queue_n > 0 || lws_partial_buffered(conn->wsi) != 0;

    if (conn->deaf != behind)
        return;
    conn->deaf = !behind;
    (void)lws_rx_flow_control(conn->wsi, behind);
}

int gateway_follow_writable(struct conn *conn)
{
    if (!conn_flush(conn))
        return -1;
    return conn->closing && conn->queue_n == 0 && !lws_partial_buffered(conn->wsi) ? -1 : 0;
}

/* The client has closed its side, under TLS too, or sent what it has no reason to. */
static bool says_something(struct lws *wsi)
{
    char byte;
    ssize_t n = recv(lws_get_socket_fd(wsi), &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void gateway_follow_tick(struct conn *conn)
{
    uint32_t now = worker_now_s(conn->worker);

    if (conn->closing)
        return;
    if ((conn->deaf && conn->unsure && !http_stop_reading(conn, &conn->unsure)) ||
        says_something(conn->wsi)) {
        conn_kill(conn);
    } else if ((uint64_t)(now - conn->last_rx_s) * 1000 >=
               conn->worker->node->config.heartbeat_ms) {
        struct frame *frame = follow_beat();
        conn->last_rx_s = now;
        conn_push(conn, frame);
        frame_unref(frame);
    }
}
