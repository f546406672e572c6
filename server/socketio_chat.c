#include "server/socketio_chat.h"

#include <string.h>

#include "protocol/jsonrpc.h"
#include "protocol/recovery.h"
#include "server/conn.h"
#include "server/dispatch.h"
#include "server/frame.h"
#include "server/hub.h"
#include "server/request.h"
#include "server/session.h"
#include "server/socketio_state.h"

/* -- events ----------------------------------------------------------------------------------- */

/* ["<name>",<params>] with what Engine.IO and Socket.IO want before it. Clients whose state can be
 * recovered get ["<name>",<params>,"-"] for an event that has a place in a stream, see
 * socketio_state.h. */
#define EVENT_BEGIN "42[\""
#define EVENT_BETWEEN "\","
#define EVENT_END "]"
#define POSITIONED_END ",\"" RECOVERY_NO_OFFSET "\"]"

static const char *event_end(const struct rpc_event *event, enum frame_encoding encoding)
{
    return event->positioned && encoding == FRAME_SOCKETIO_RECOVERABLE ? POSITIONED_END : EVENT_END;
}

static size_t event_len(const struct rpc_event *event, enum frame_encoding encoding)
{
    return strlen(EVENT_BEGIN EVENT_BETWEEN) + event->method_len + event->params_len +
           strlen(event_end(event, encoding));
}

static unsigned char *put(unsigned char *to, const char *bytes, size_t n)
{
    memcpy(to, bytes, n);
    return to + n;
}

static unsigned char *put_event(unsigned char *to, const struct rpc_event *event,
                                enum frame_encoding encoding)
{
    const char *end = event_end(event, encoding);

    to += ws_frame_header(to, WS_OP_TEXT, event_len(event, encoding));
    to = put(to, EVENT_BEGIN, strlen(EVENT_BEGIN));
    to = put(to, event->method, event->method_len);
    to = put(to, EVENT_BETWEEN, strlen(EVENT_BETWEEN));
    to = put(to, event->params, event->params_len);
    return put(to, end, strlen(end));
}

/* The next notification of FRAME; *at moves behind it. */
static bool next_event(const struct frame *frame, size_t *at, struct rpc_event *out)
{
    enum ws_opcode opcode;
    const unsigned char *payload;
    size_t len;
    size_t used;

    while ((used = ws_frame_read(frame->bytes + *at, frame->len - *at, &opcode, &payload, &len)) >
           0) {
        *at += used;
        if (opcode == WS_OP_TEXT && rpc_event_split((const char *)payload, len, out))
            return true;
    }
    return false;
}

static struct frame *make_events(const struct frame *frame, enum frame_encoding encoding)
{
    unsigned char header[WS_HEADER_MAX];
    struct rpc_event event;
    uint32_t count = 0;
    size_t len = 0;

    for (size_t at = 0; next_event(frame, &at, &event); count++) {
        size_t n = event_len(&event, encoding);
        len += ws_frame_header(header, WS_OP_TEXT, n) + n;
    }
    struct frame *made = frame_blank(len, count);
    made->ephemeral = frame->ephemeral;
    unsigned char *to = made->bytes;
    for (size_t at = 0; next_event(frame, &at, &event);)
        to = put_event(to, &event, encoding);
    return made;
}

struct frame *chat_frame(struct frame *frame, bool recovers)
{
    return frame_other(frame, recovers ? FRAME_SOCKETIO_RECOVERABLE : FRAME_SOCKETIO, make_events);
}

/* -- answers ---------------------------------------------------------------------------------- */

bool chat_is_forsaken(const struct request *req)
{
    return sio_find(req->conn, req->sio.socket) == NULL;
}

static void put_result(struct buf *out, const struct request *req)
{
    buf_putc(out, '{');
    if (req->result.len > 0)
        buf_put(out, req->result.data, req->result.len);
    buf_putc(out, '}');
}

static void put_error(struct buf *out, const struct request *req, enum err err)
{
    bool named = req->problem.field != NULL || req->problem.reason != NULL;

    rpc_put_error_object(out, err, named ? &req->problem : NULL, req->detail, req->retry_after_ms);
}

static void answer_connect(struct sio_socket *socket, const struct request *req, enum err err)
{
    struct buf text = {0};

    if (err == ERR_OK) {
        struct chat_state *state = req->sio.recovers ? chat_state_create(req) : NULL;
        sio_set_data(socket, state);
        sio_conn(socket)->recovers = state != NULL;
        sio_accept(socket, state == NULL ? NULL : chat_state_pid(state));
        buf_puts(&text, "\"session.started\",");
        put_result(&text, req);
        if (state != NULL) {
            buf_puts(&text, ",\"");
            chat_state_put_first(state, req, &text);
            buf_putc(&text, '"');
        }
        (void)sio_emit(socket, text.data, text.len, NULL, NULL);
    } else {
        put_error(&text, req, err); /* it has a message and data, as a connect_error should */
        sio_refuse(socket, text.data, text.len);
    }
    buf_free(&text);
}

void chat_answer(struct request *req, enum err err)
{
    struct sio_socket *socket = sio_find(req->conn, req->sio.socket);
    struct buf text = {0};

    if (socket == NULL)
        return;
    if (req->sio.connects) {
        answer_connect(socket, req, err);
        return;
    }
    if (!req->sio.has_ack)
        return;
    buf_puts(&text, err == ERR_OK ? "{\"result\":" : "{\"error\":");
    if (err == ERR_OK)
        put_result(&text, req);
    else
        put_error(&text, req, err);
    buf_putc(&text, '}');
    sio_ack(socket, req->sio.ack, text.data, text.len, NULL);
    buf_free(&text);
}

/* -- the application -------------------------------------------------------------------------- */

static void on_connect(struct sio_socket *socket, json_t *auth)
{
    struct sio_call call = {
        .socket = sio_serial(socket), .connects = true, .name = "session.start"};

    chat_state_ask(auth, eio_is_javascript(sio_conn(socket)->eio), &call.params, &call);
    json_t *params = call.params;
    dispatch_socketio(sio_conn(socket), &call); /* may be the end of SOCKET and AUTH */
    json_decref(params);
}

static void on_event(struct sio_socket *socket, const struct sio_event *event)
{
    bool fits = json_array_size(event->args) <= 2 && event->binary.n == 0;

    dispatch_socketio(sio_conn(socket),
                      &(struct sio_call){
                          .socket = sio_serial(socket),
                          .has_ack = event->ack != NULL,
                          .ack = event->ack != NULL ? *event->ack : 0,
                          .name = json_string_value(json_array_get(event->args, 0)),
                          .params = json_array_get(event->args, 1),
                          .misfit = !fits,
                      });
}

/* Events have been queued: how far the client has come with them. */
static void on_flushing(struct sio_socket *socket)
{
    struct chat_state *state = sio_data(socket);
    struct conn *conn = sio_conn(socket);
    struct buf args = {0};

    if (state == NULL || conn->closing)
        return;
    buf_puts(&args, "\"session.offset\",\"");
    enum chat_offset outcome = chat_state_put_offset(state, conn, &args);
    buf_putc(&args, '"');
    if (outcome == CHAT_OFFSET_WRITTEN)
        (void)sio_emit(socket, args.data, args.len, NULL, NULL);
    else if (outcome == CHAT_OFFSET_LATER)
        eio_stir(conn->eio);
    buf_free(&args);
}

/* What is under way is answered to nobody. */
static void on_disconnect(struct sio_socket *socket)
{
    struct conn *conn = sio_conn(socket);
    struct chat_state *state = sio_data(socket);

    chat_state_destroy(&state);
    sio_set_data(socket, NULL);

    hub_unsubscribe_all(conn);
    session_end(conn);
}

const struct sio_app chat_app = {
    .nsp = "/",
    .connect = on_connect,
    .event = on_event,
    .disconnect = on_disconnect,
    .flushing = on_flushing,
};
