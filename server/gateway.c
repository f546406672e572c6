/* gateway.c - WebSocket over libwebsockets, and its callback.
 *
 *   accept (listener.c) -> gateway_adopt -> CALLBACK_HTTP_CONFIRM_UPGRADE: path, Origin, token
 *     -> ESTABLISHED -> RECEIVE*: a message is put together -> dispatch_message()
 *     -> SERVER_WRITEABLE: the rest of the queue, or the close frame -> CLOSED
 *
 * The library carries a pointer to our struct conn as the socket's opaque user data.
 */
#include "server/gateway.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "protocol/websocket.h"
#include "server/conn.h"
#include "server/dispatch.h"
#include "server/engineio.h"
#include "server/listener.h"
#include "server/metrics.h"
#include "server/node.h"
#include "server/origin.h"
#include "server/worker.h"

enum {
    RX_BUFFER = 1024, /* held by each WebSocket for ever: small; messages are put together here */
    SERVICE_BUFFER = 16 * 1024,
    SEND_MAX = 1024 * 1024, /* of an answer: what the socket does not take is copied */
    KEEPALIVE_SECONDS = 60, /* for what has pipelined; of others worker.c sees to it */
    TOKEN_TEXT_MAX = 256,
};

/* -- a WebSocket's life ----------------------------------------------------------------------- */

const char *gateway_header(struct lws *wsi, int token, char *buf, size_t size)
{
    int n = lws_hdr_copy(wsi, buf, (int)size, (enum lws_token_indexes)token);

    if (n <= 0)
        buf[0] = '\0';
    return buf;
}

static int refuse_upgrade(struct lws *wsi, unsigned status, const char *why)
{
    struct conn *conn = lws_get_opaque_user_data(wsi);

    conn->pipelines = true; /* for all that is known: see gateway_http.c */
    if (lws_return_http_status(wsi, status, why) != 0)
        return -1;
    return 1; /* answered; the connection may go on with HTTP */
}

static void remember_token(struct conn *conn, const char *token)
{
    free(conn->token);
    conn->token = mem_strdup(token);
}

void gateway_client(struct conn *conn, char address_out[ADDRESS_TEXT_SIZE])
{
    char forwarded[GATEWAY_HEADERS_MAX]; /* cut, it would name the proxy instead of the client */
    const struct config_nets *trusted = &conn->worker->node->config.trusted_proxies;

    gateway_header(conn->wsi, WSI_TOKEN_X_FORWARDED_FOR, forwarded, sizeof(forwarded));
    client_address(peer_address(conn->peer), forwarded, trusted->items, trusted->n, address_out);
}

bool gateway_client_is_secure(struct conn *conn)
{
    static const char name[] = "x-forwarded-proto:";
    const struct config *config = &conn->worker->node->config;
    char proto[64];

    if (config->tls_cert[0] != '\0')
        return true;
    int n = lws_hdr_custom_copy(conn->wsi, proto, sizeof(proto), name, sizeof(name) - 1);
    return client_is_secure(peer_address(conn->peer), n > 0 ? proto : NULL,
                            config->trusted_proxies.items, config->trusted_proxies.n);
}

/* The token that the request brings, if any, is kept for session.start. False: it came as a cookie
 * from a page that may not use it. */
static bool take_token(struct lws *wsi, struct conn *conn)
{
    char value[1024];
    char host[256];
    char token[TOKEN_TEXT_MAX];
    const struct config_list *allowed = &conn->worker->node->config.allowed_origins;

    gateway_header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, value, sizeof(value));
    if (bearer_find(value, token, sizeof(token))) {
        remember_token(conn, token);
        return true;
    }
    gateway_header(wsi, WSI_TOKEN_HTTP_COOKIE, value, sizeof(value));
    if (!cookie_find(value, SESSION_COOKIE, token, sizeof(token)))
        return true;
    gateway_header(wsi, WSI_TOKEN_ORIGIN, value, sizeof(value));
    gateway_header(wsi, WSI_TOKEN_HOST, host, sizeof(host));
    if (!origin_is_allowed(value, host, gateway_client_is_secure(conn), allowed->items, allowed->n))
        return false;
    remember_token(conn, token);
    return true;
}

bool gateway_take_address(struct conn *conn)
{
    char address[ADDRESS_TEXT_SIZE];

    gateway_client(conn, address);
    return strcmp(address, peer_address(conn->peer)) == 0 ||
           peer_change(&conn->peer, address, &conn->worker->node->config);
}

/* May this request become a WebSocket? */
static int confirm_upgrade(struct lws *wsi, struct conn *conn, const char *to)
{
    char path[16];
    const struct eio_service *service;

    if (strcmp(to, "websocket") != 0 || conn->door != DOOR_PUBLIC)
        return refuse_upgrade(wsi, 404, "Only WebSocket is offered");
    gateway_header(wsi, WSI_TOKEN_GET_URI, path, sizeof(path));
    service = engineio_service(conn->worker, path);
    if (service == NULL && strcmp(path, "/ws") != 0)
        return refuse_upgrade(wsi, 404, "WebSocket connections go to /ws or /socket.io/");
    if (conn->worker->draining) {
        metric_add_by(METRIC_CONNECTIONS_REFUSED, METRIC_REFUSED_DRAINING, 1);
        return refuse_upgrade(wsi, 503, "This server is stopping");
    }
    int refused = service == NULL ? 0 : gateway_eio_confirm(conn, service);
    if (refused != 0)
        return refused;
    if (!take_token(wsi, conn)) {
        metric_add_by(METRIC_CONNECTIONS_REFUSED, METRIC_REFUSED_ORIGIN, 1);
        return refuse_upgrade(wsi, 403,
                              "Pages of that origin may not connect; see allowed_origins");
    }
    if (!gateway_take_address(conn)) {
        metric_add_by(METRIC_CONNECTIONS_REFUSED, METRIC_REFUSED_ADDRESS, 1);
        return refuse_upgrade(wsi, 503, "Too many connections from your address");
    }
    return 0;
}

static void established(struct conn *conn)
{
    conn->websocket = true;
    conn->opened_s = conn->last_rx_s = worker_now_s(conn->worker);
    if (!gateway_eio_established(conn))
        conn_set_transport(conn, METRIC_TRANSPORT_WEBSOCKET);
    log_debug("websocket open", LOG_INT("conn", conn->id),
              LOG_STR("peer", peer_address(conn->peer)));
}

/* May be the end of CONN: its WebSocket may become that of another connection. */
static void take_message(struct lws *wsi, struct conn *conn, const char *bytes, size_t len)
{
    if (conn->eio != NULL || conn->eio_socket != NULL)
        gateway_eio_message(conn, bytes, len, lws_frame_is_binary(wsi) != 0);
    else
        dispatch_message(conn, bytes, len);
}

static void receive(struct lws *wsi, struct conn *conn, const char *bytes, size_t len)
{
    bool engineio = conn->eio != NULL || conn->eio_socket != NULL;
    bool whole = lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;
    size_t max =
        engineio ? conn->worker->node->eio.max_payload : conn->worker->node->config.frame_bytes;

    conn->last_rx_s = worker_now_s(conn->worker);
    conn->pinged = false;
    metric_add(METRIC_RECEIVED_BYTES, len);
    if (conn->closing)
        return;
    if (lws_frame_is_binary(wsi) && !engineio) {
        conn_close(conn, WS_CLOSE_BAD_FRAME);
        return;
    }
    if (conn->in.len + len > max) {
        buf_free(&conn->in);
        conn_close(conn, WS_CLOSE_TOO_LARGE);
        return;
    }
    if (whole && conn->in.len == 0) {
        take_message(wsi, conn, bytes, len);
        return;
    }
    buf_put(&conn->in, bytes, len);
    if (!whole)
        return;
    struct buf message = conn->in;
    conn->in = (struct buf){0};
    take_message(wsi, conn, message.data, message.len);
    buf_free(&message);
}

/* The close frame (RFC 6455 section 5.5.1) goes out like any other: were we to return -1 from the
 * writable callback, the library would drop the connection without one. */
static int send_close(struct lws *wsi, struct conn *conn)
{
    unsigned char frame[LWS_PRE + WS_HEADER_MAX + 125];
    const char *reason = conn->close_reason == NULL ? "" : conn->close_reason;
    size_t reason_len = strlen(reason) > 123 ? 123 : strlen(reason);
    unsigned char *to = frame + LWS_PRE;

    to += ws_frame_header(to, WS_OP_CLOSE, 2 + reason_len);
    *to++ = (unsigned char)(conn->close_code >> 8);
    *to++ = (unsigned char)conn->close_code;
    memcpy(to, reason, reason_len);
    to += reason_len;
    conn->close_sent = true;
    return lws_write(wsi, frame + LWS_PRE, (size_t)(to - frame - LWS_PRE), LWS_WRITE_HTTP) < 0 ? -1
                                                                                               : 0;
}

/* The rest of the queue; when that is out, the farewell. The peer's own close frame ends it, or the
 * time-out that conn_close() has set. */
static int writable(struct lws *wsi, struct conn *conn)
{
    if (!conn_flush(conn))
        return -1;
    if (!conn->closing || conn->close_sent || conn->queue_n > 0 || lws_partial_buffered(wsi))
        return 0;
    return send_close(wsi, conn);
}

/* Not 0: we have said ours already, that was the answer. */
static int peer_closes(struct conn *conn, const unsigned char *bytes, size_t len)
{
    int code = len >= 2 ? bytes[0] << 8 | bytes[1] : 1005;

    if (!conn->closing)
        metric_add_by(METRIC_CLOSES, metric_close_label(code), 1);
    return conn->close_sent ? -1 : 0;
}

static void gone(struct lws *wsi, struct conn *conn)
{
    if (conn == NULL)
        return;
    lws_set_opaque_user_data(wsi, NULL);
    log_debug("connection closed", LOG_INT("conn", conn->id));
    gateway_eio_gone(conn);
    gateway_http_gone(conn);
    conn_gone(conn);
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    struct conn *conn = lws_get_opaque_user_data(wsi);

    (void)user;
    if (conn == NULL)
        return 0; /* not one of ours, or over */
    switch ((int)reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return confirm_upgrade(wsi, conn, in);
    case LWS_CALLBACK_ESTABLISHED:
        established(conn);
        return 0;
    case LWS_CALLBACK_RECEIVE:
        receive(wsi, conn, in, len);
        return 0;
    case LWS_CALLBACK_RECEIVE_PONG:
        conn->last_rx_s = worker_now_s(conn->worker);
        conn->pinged = false;
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return writable(wsi, conn);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        return peer_closes(conn, in, len);
    case LWS_CALLBACK_HTTP:
        return gateway_http_request(conn, in);
    case LWS_CALLBACK_HTTP_BODY:
        return gateway_http_body(conn, in, len);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return gateway_http_body_done(conn);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return gateway_http_writable(conn);
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY:
        gone(wsi, conn);
        return 0;
    default:
        return 0;
    }
}

/* -- the library ------------------------------------------------------------------------------ */

static const struct lws_protocols protocols[] = {
    {.name = "parley",
     .callback = callback,
     .rx_buffer_size = RX_BUFFER,
     .tx_packet_size = SEND_MAX},
    {0},
};

static void library_log(int level, const char *line)
{
    size_t n = strcspn(line, "\n");
    char text[256];

    (void)snprintf(text, sizeof(text), "%.*s", (int)n, line);
    if (level == LLL_ERR)
        log_warn("libwebsockets", LOG_STR("text", text));
    else
        log_debug("libwebsockets", LOG_STR("text", text));
}

void gateway_init(void)
{
    lws_set_log_level(LLL_ERR | (log_enabled(LOG_LEVEL_DEBUG) ? LLL_WARN : 0), library_log);
}

bool gateway_open(struct worker *worker, char error_out[256])
{
    const struct config *config = &worker->node->config;
    void *loops[1] = {&worker->loop};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .gid = -1,
        .uid = -1,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .foreign_loops = loops,
        .pt_serv_buf_size = SERVICE_BUFFER,
        .max_http_header_data = GATEWAY_HEADERS_MAX,
        .timeout_secs = (config->handshake_timeout_ms + 999) / 1000,
        .timeout_secs_ah_idle = (config->handshake_timeout_ms + 999) / 1000, /* headers under way */
        .keepalive_timeout = KEEPALIVE_SECONDS,
        .server_string = "parley",
    };
    struct lws_context_creation_info plain;

    if (config->tls_cert[0] != '\0')
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    worker->lws = lws_create_context(&info);
    if (worker->lws == NULL) {
        (void)snprintf(error_out, 256,
                       "libwebsockets did not start; is its libuv plug-in installed (package "
                       "libwebsockets-evlib-uv)?");
        return false;
    }
    info.options = LWS_SERVER_OPTION_LIBUV;
    plain = info;
    info.vhost_name = "public";
    if (config->tls_cert[0] != '\0') {
        /* The library makes a client's context too; the CA store in it would take 0.7 MB. */
        info.options |=
            LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
        info.ssl_cert_filepath = config->tls_cert;
        info.ssl_private_key_filepath = config->tls_key;
        info.alpn = "http/1.1";
    }
    plain.vhost_name = "plain";
    worker->vhost = lws_create_vhost(worker->lws, &info);
    worker->plain_vhost = lws_create_vhost(worker->lws, &plain);
    if (worker->vhost != NULL && worker->plain_vhost != NULL)
        return true;
    (void)snprintf(error_out, 256, "the certificate %.90s and the key %.90s cannot be used",
                   config->tls_cert, config->tls_key);
    return false;
}

void gateway_close(struct worker *worker)
{
    lws_context_destroy(worker->lws);
}

void gateway_destroy(struct worker *worker)
{
    if (worker->lws != NULL)
        lws_context_destroy(worker->lws); /* the second half: see the library's foreign loops */
    worker->lws = NULL;
}

void gateway_adopt(struct worker *worker, int fd, struct peer *peer, enum door door)
{
    struct lws *wsi =
        lws_adopt_socket_vhost(door == DOOR_PUBLIC ? worker->vhost : worker->plain_vhost, fd);

    if (wsi == NULL) { /* the library has closed FD */
        peer_release(&peer);
        return;
    }
    lws_set_opaque_user_data(wsi, conn_create(worker, wsi, peer, door));
}
