/* gateway_engineio.c - sockets of Engine.IO: HTTP requests, WebSockets, and who may use them from a
 * page. What they ask goes to their session as words, which may be on another worker.
 */
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "server/conn.h"
#include "server/engineio_session.h"
#include "server/frame.h"
#include "server/gateway.h"
#include "server/gateway_cors.h"
#include "server/gateway_http.h"
#include "server/metrics.h"
#include "server/node.h"
#include "server/origin.h"
#include "server/worker.h"

enum {
    QUERY_ARGS_MAX = 32,
    UNHEARD_MAX = 256 * 1024, /* handed to another worker before reading waits for it */
};

/* -- sockets ---------------------------------------------------------------------------------- */

static struct eio_socket *socket_of(struct conn *conn)
{
    struct engineio *e = conn->worker->engineio;
    struct eio_socket *s = conn->eio_socket;

    if (s != NULL)
        return s;
    s = mem_zalloc(sizeof(*s));
    s->id = conn->id;
    s->conn = conn;
    conn->eio_socket = s;
    HASH_ADD(hh, e->sockets, id, sizeof(s->id), s);
    return s;
}

static struct eio_socket *socket_find(struct worker *worker, uint64_t id)
{
    struct eio_socket *s;

    HASH_FIND(hh, worker->engineio->sockets, &id, sizeof(id), s);
    return s;
}

static void socket_free(struct conn *conn)
{
    struct eio_socket *s = conn->eio_socket;

    if (s == NULL)
        return;
    HASH_DEL(conn->worker->engineio->sockets, s);
    conn->eio_socket = NULL;
    free(s);
}

static void ask(struct eio_socket *s, enum eio_word word, struct eio_words words)
{
    struct worker *worker = s->conn->worker;

    words.word = word;
    words.socket = (struct eio_at){.worker = worker->index, .conn = s->id};
    memcpy(words.sid, s->sid, sizeof(words.sid));
    eio_ask(worker, &words);
}

void gateway_eio_gone(struct conn *conn)
{
    struct eio_socket *s = conn->eio_socket;

    if (s == NULL)
        return;
    bool unwritten = conn->http != NULL && conn->http->answered && !s->post;
    if ((s->asked || unwritten || s->websocket) && s->sid[0] != '\0' && !conn->worker->stopping)
        ask(s, EIO_ASK_GONE, (struct eio_words){0});
    if (s->waits)
        conn->requests--;
    socket_free(conn);
}

/* -- what a request says ---------------------------------------------------------------------- */

struct query {
    char version[4], transport[12];
    char sid[64];
};

static void take_arg(const char *arg, const char *name, char *value_out, size_t size)
{
    size_t n = strlen(name);

    if (value_out[0] == '\0' && strncmp(arg, name, n) == 0 && strlen(arg + n) < size)
        memcpy(value_out, arg + n, strlen(arg + n) + 1);
}

/* Other arguments are the client's own. */
static void read_query(struct lws *wsi, struct query *out)
{
    char arg[128];

    memset(out, 0, sizeof(*out));
    for (int i = 0; i < QUERY_ARGS_MAX; i++) {
        int n = lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, i);
        if (n <= 0)
            return;
        if ((size_t)n >= sizeof(arg) ||
            lws_hdr_copy_fragment(wsi, arg, (int)sizeof(arg), WSI_TOKEN_HTTP_URI_ARGS, i) < 0)
            continue;
        take_arg(arg, "EIO=", out->version, sizeof(out->version));
        take_arg(arg, "transport=", out->transport, sizeof(out->transport));
        take_arg(arg, "sid=", out->sid, sizeof(out->sid));
    }
}

/* What is wrong with the query for TRANSPORT, or -1. */
static int check_query(const struct query *query, const char *transport)
{
    if (strcmp(query->version, "4") != 0)
        return EIO_ERROR_VERSION;
    if (strcmp(query->transport, "polling") != 0 && strcmp(query->transport, "websocket") != 0)
        return EIO_ERROR_TRANSPORT;
    return strcmp(query->transport, transport) == 0 ? -1 : EIO_ERROR_REQUEST;
}

/* The token of a header, or of the cookie if an allowed page asks. NULL: none. */
static char *token_of(struct conn *conn, bool allowed)
{
    char value[HEADER_TEXT_MAX];
    char token[TOKEN_TEXT_MAX];

    gateway_header(conn->wsi, WSI_TOKEN_HTTP_AUTHORIZATION, value, sizeof(value));
    if (bearer_find(value, token, sizeof(token)))
        return mem_strdup(token);
    gateway_header(conn->wsi, WSI_TOKEN_HTTP_COOKIE, value, sizeof(value));
    if (allowed && cookie_find(value, SESSION_COOKIE, token, sizeof(token)))
        return mem_strdup(token);
    return NULL;
}

/* Of a handshake, see origin.h. */
static bool is_javascript(struct conn *conn, bool websocket)
{
    char agent[HEADER_TEXT_MAX];
    char origin[256];
    char extensions[128];

    gateway_header(conn->wsi, WSI_TOKEN_HTTP_USER_AGENT, agent, sizeof(agent));
    gateway_header(conn->wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin));
    gateway_header(conn->wsi, WSI_TOKEN_EXTENSIONS, extensions, sizeof(extensions));
    bool cut = lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_USER_AGENT) >= (int)sizeof(agent) ||
               lws_hdr_total_length(conn->wsi, WSI_TOKEN_ORIGIN) >= (int)sizeof(origin);
    return !cut && agent_is_javascript(agent, origin, websocket ? extensions : NULL);
}

/* -- answers ---------------------------------------------------------------------------------- */

#define PLAIN_HEADERS "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
#define TEXT_HEADERS "Content-Type: text/plain; charset=UTF-8\r\n" PLAIN_HEADERS
#define JSON_HEADERS "Content-Type: application/json\r\n" PLAIN_HEADERS

static int answer(struct conn *conn, int status, const char *text, size_t n)
{
    http_exchange_answer(conn, status, status == 200 ? TEXT_HEADERS : JSON_HEADERS, text, n);
    return 0;
}

/* The connection ends: there may be a body that nobody reads. */
static int refuse(struct conn *conn, enum eio_error error)
{
    struct buf body = {0};
    int status = eio_put_error(&body, error);

    http_exchange_get(conn)->last = true;
    (void)answer(conn, status, body.data, body.len);
    buf_free(&body);
    return 0;
}

static int refuse_status(struct conn *conn, int status, const char *why)
{
    struct buf body = {0};

    buf_putc(&body, '{');
    buf_json_member_int(&body, "code", EIO_ERROR_REQUEST);
    buf_json_member(&body, "message", why);
    buf_putc(&body, '}');
    http_exchange_get(conn)->last = true;
    (void)answer(conn, status, body.data, body.len);
    buf_free(&body);
    return 0;
}

/* A page asks what it may do (the CORS protocol of the Fetch standard). */
static int answer_preflight(struct conn *conn)
{
    struct buf headers = {0};

    gateway_cors_put_preflight(&headers, conn->http, "GET, POST", "Content-Type, Authorization");
    conn->http->last = true;
    http_exchange_answer(conn, 204, headers.len > 0 ? headers.data : "", "", 0);
    buf_free(&headers);
    return 0;
}

/* -- requests --------------------------------------------------------------------------------- */

/* A session without a socket of its own. */
static int begin_session(struct conn *conn, const struct eio_service *service, bool allowed)
{
    struct worker *worker = conn->worker;
    char address[ADDRESS_TEXT_SIZE];
    struct peer *peer = NULL;
    struct buf text = {0};

    if (worker->draining) {
        metric_add_by(METRIC_CONNECTIONS_REFUSED, METRIC_REFUSED_DRAINING, 1);
        return refuse_status(conn, 503, "This server is stopping");
    }
    gateway_client(conn, address);
    if (eio_has_room(worker))
        peer = peer_open(address, &worker->node->config);
    if (peer == NULL) {
        metric_add_by(METRIC_CONNECTIONS_REFUSED, METRIC_REFUSED_ADDRESS, 1);
        return refuse_status(conn, 503, "There are too many sessions already");
    }
    struct conn *own = conn_create(worker, NULL, peer, conn->door);
    own->token = token_of(conn, allowed);
    eio_open(own, service, EIO_POLLED)->javascript = is_javascript(conn, false);
    for (uint32_t i = 0; i < own->queue_n; i++)
        eio_payload_put_frames(&text, own->queue[i]->bytes, own->queue[i]->len);
    conn_queue_sent(own);
    (void)answer(conn, 200, text.data, text.len);
    buf_free(&text);
    return 0;
}

/* All of the request is read: if there is no answer yet, it is not slow, it waits for us. */
static void await(struct eio_socket *s)
{
    s->asked = s->waits = true;
    s->conn->http->handed = true;
    s->conn->requests++;
}

static void ask_request(struct eio_socket *s, enum eio_word word)
{
    await(s);
    ask(s, word, (struct eio_words){0});
    gateway_http_watch(s->conn); /* not answered at once, it may wait long */
}

static int begin_post(struct conn *conn, struct eio_socket *s)
{
    struct http_exchange *x = conn->http;
    int status = http_exchange_length(conn, conn->worker->node->eio.max_payload);

    if (status == 413)
        return refuse_status(conn, 413, "The body is larger than maxPayload");
    if (status != 0)
        return refuse_status(conn, status, "The body needs a Content-Length");
    x->engineio = true;
    s->post = true;
    s->asked = true;
    ask(s, EIO_ASK_POST_BEGIN, (struct eio_words){0});
    return x->expected == 0 ? gateway_eio_body_done(conn) : 0;
}

int gateway_eio_body_done(struct conn *conn)
{
    struct eio_socket *s = socket_of(conn);
    struct http_exchange *x = conn->http;
    struct eio_words words = {.token = token_of(conn, x->origin != NULL)};

    words.data = x->body;
    x->body = (struct buf){0};
    await(s);
    ask(s, EIO_ASK_POST, words);
    return 0;
}

int gateway_eio_request(struct conn *conn, const struct eio_service *service)
{
    struct eio_socket *s = socket_of(conn);
    struct query query;
    unsigned worker;

    s->sid[0] = '\0';
    s->post = s->websocket = false;
    gateway_cors_take(conn, conn->worker->node->eio.any_origin);
    if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_OPTIONS_URI) > 0)
        return answer_preflight(conn);
    read_query(conn->wsi, &query);
    int error = check_query(&query, "polling");
    if (error >= 0)
        return refuse(conn, (enum eio_error)error);
    bool get = lws_hdr_total_length(conn->wsi, WSI_TOKEN_GET_URI) > 0;
    if (query.sid[0] == '\0')
        return get ? begin_session(conn, service, conn->http->origin != NULL)
                   : refuse(conn, EIO_ERROR_METHOD);
    if (!eio_sid_worker(conn->worker, query.sid, &worker))
        return refuse(conn, EIO_ERROR_SID);
    memcpy(s->sid, query.sid, sizeof(s->sid));
    if (get)
        ask_request(s, EIO_ASK_POLL);
    else if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_POST_URI) > 0)
        return begin_post(conn, s);
    else
        return refuse(conn, EIO_ERROR_REQUEST);
    return 0;
}

/* -- WebSockets ------------------------------------------------------------------------------- */

static int refuse_upgrade(struct conn *conn, enum eio_error error)
{
    struct buf body = {0};
    struct buf text = {0};
    int status = eio_put_error(&body, error);

    buf_printf(&text,
               "HTTP/1.1 %d Bad Request\r\nContent-Type: application/json\r\n"
               "Connection: close\r\nContent-Length: %zu\r\n\r\n%s",
               status, body.len, body.data);
    metric_add_by(METRIC_HTTP_REQUESTS, metric_http_label(status), 1);
    (void)lws_write(conn->wsi, (unsigned char *)text.data, text.len, LWS_WRITE_HTTP_FINAL);
    buf_free(&text);
    buf_free(&body);
    return -1;
}

int gateway_eio_confirm(struct conn *conn, const struct eio_service *service)
{
    struct eio_socket *s = socket_of(conn);
    struct query query;
    unsigned worker;

    read_query(conn->wsi, &query);
    int error = check_query(&query, "websocket");
    if (error >= 0)
        return refuse_upgrade(conn, (enum eio_error)error);
    s->service = service;
    s->websocket = true;
    s->sid[0] = '\0';
    if (query.sid[0] == '\0') {
        s->javascript = is_javascript(conn, true);
        return 0;
    }
    if (!eio_sid_worker(conn->worker, query.sid, &worker))
        return refuse_upgrade(conn, EIO_ERROR_SID);
    memcpy(s->sid, query.sid, sizeof(s->sid));
    if (worker == conn->worker->index && eio_find(conn->worker, s->sid) == NULL)
        return refuse_upgrade(conn, EIO_ERROR_SID);
    return 0; /* whether it may take over is the session's to say */
}

bool gateway_eio_established(struct conn *conn)
{
    struct eio_socket *s = conn->eio_socket;

    if (s == NULL || !s->websocket) {
        socket_free(conn); /* it has polled before */
        return false;
    }
    if (s->sid[0] != '\0') {
        conn_set_transport(conn, METRIC_TRANSPORT_SOCKETIO_CARRIER);
        ask(s, EIO_ASK_OPEN, (struct eio_words){0});
        return true;
    }
    const struct eio_service *service = s->service;
    bool javascript = s->javascript;
    socket_free(conn);
    eio_open(conn, service, EIO_OWN)->javascript = javascript;
    return true;
}

/* Reads no more until the session's worker has caught up. */
static void mark(struct eio_socket *s)
{
    s->marked = true;
    (void)lws_rx_flow_control(s->conn->wsi, 0);
    ask(s, EIO_ASK_MARK, (struct eio_words){0});
}

void gateway_eio_message(struct conn *conn, const char *bytes, size_t len, bool binary)
{
    struct eio_packet packet = {.type = EIO_MESSAGE, .binary = true, .data = bytes, .len = len};
    struct eio_socket *s = conn->eio_socket;

    if (!binary && !utf8_is_valid(bytes, len)) { /* RFC 6455 section 8.1 */
        conn_close(conn, WS_CLOSE_INVALID_UTF8);
    } else if (s != NULL) {
        struct eio_words words = {.binary = binary};
        buf_put(&words.data, bytes, len);
        s->unheard += len;
        if (s->unheard > UNHEARD_MAX && !s->marked)
            mark(s);
        ask(s, EIO_ASK_MESSAGE, words); /* may be the end of CONN */
    } else if (conn->eio != NULL) {
        if (binary || eio_packet_parse(bytes, len, &packet))
            eio_take_packet(conn->eio, &packet);
        else
            eio_refuse(conn->eio, "not a packet");
    }
}

void gateway_eio_written(struct conn *conn)
{
    struct eio_socket *s = conn->eio_socket;

    if (!s->taking)
        return;
    s->taking = false;
    ask(s, EIO_ASK_TAKEN, (struct eio_words){0});
}

void gateway_eio_move(struct worker *worker, uint64_t id, struct conn *to)
{
    struct eio_socket *s = socket_find(worker, id);
    struct conn *from = s->conn;

    (void)conn_flush(from);
    if (from->wsi == NULL)
        return;
    to->wsi = from->wsi;
    to->websocket = true;
    lws_set_opaque_user_data(to->wsi, to);
    from->wsi = NULL;
    socket_free(from);
    conn_gone(from);
}

/* -- words from a session --------------------------------------------------------------------- */

/* False: no answer is owed. */
static bool ends_asking(struct eio_socket *s)
{
    if (!s->asked)
        return false;
    if (s->waits)
        s->conn->requests--;
    s->asked = s->waits = false;
    return true;
}

static void hear_answer(struct eio_socket *s, const struct eio_words *words)
{
    if (!ends_asking(s))
        return;
    if (words->code >= 400)
        http_exchange_get(s->conn)->last = true;
    (void)answer(s->conn, words->code, words->data.data, words->data.len);
}

void gateway_eio_hear(struct worker *worker, struct eio_words *words)
{
    struct eio_socket *s = socket_find(worker, words->socket.conn);

    if (s == NULL || s->conn->wsi == NULL)
        return; /* gone meanwhile: the session has been told */
    switch (words->word) {
    case EIO_SAY_ANSWER:
        hear_answer(s, words);
        return;
    case EIO_SAY_PAYLOAD:
        if (ends_asking(s))
            http_exchange_answer_payload(s->conn, TEXT_HEADERS, words->frames, words->frames_n);
        return;
    case EIO_SAY_SEND:
        s->taking = s->conn->carries; /* not the answer to a probe */
        for (uint32_t i = 0; i < words->frames_n; i++)
            conn_push(s->conn, words->frames[i]);
        return;
    case EIO_SAY_LIVE:
        s->conn->carries = true;
        return;
    case EIO_SAY_MARKED:
        s->marked = false;
        s->unheard = 0;
        (void)lws_rx_flow_control(s->conn->wsi, 1);
        return;
    case EIO_SAY_CLOSE:
        conn_close(s->conn, (enum ws_close)words->code);
        return;
    default:
        return;
    }
}
