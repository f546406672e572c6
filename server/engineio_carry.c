/* engineio_carry.c - what a session makes of what comes by its sockets.
 *
 * The rules of the protocol are here: one GET and one POST at a time, a probe before an upgrade,
 * nothing by HTTP after it, and what breaks them ends the session.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "server/conn.h"
#include "server/engineio_session.h"
#include "server/frame.h"
#include "server/gateway.h"
#include "server/metrics.h"
#include "server/worker.h"

static bool is_at(struct eio_at a, struct eio_at b)
{
    return a.conn != 0 && a.conn == b.conn && a.worker == b.worker;
}

/* -- packets ---------------------------------------------------------------------------------- */

void eio_take_packet(struct eio *eio, const struct eio_packet *packet)
{
    if (eio->conn->closing)
        return;
    switch (packet->type) {
    case EIO_MESSAGE:
        eio->service->message(eio, packet->data, packet->len, packet->binary);
        return;
    case EIO_PONG:
        eio_heard_pong(eio);
        return;
    case EIO_CLOSE:
        if (eio->conn->wsi != NULL)
            conn_kill(eio->conn);
        else
            eio_end(eio, "6");
        return;
    case EIO_NOOP:
        return;
    case EIO_OPEN:
    case EIO_PING:
    case EIO_UPGRADE:
        eio_refuse(eio, "not a packet for this state");
    }
}

/* -- polling ---------------------------------------------------------------------------------- */

/* While a WebSocket is on its way no GET is kept: the client waits for the end of it. */
static void answer_probing(struct eio *eio)
{
    if (eio->probed)
        eio_answer_poll(eio, "6", 1);
}

static void hear_poll(struct worker *worker, struct eio *eio, const struct eio_words *words)
{
    if (eio == NULL) {
        eio_say_error(worker, words->socket, EIO_ERROR_SID);
    } else if (eio->carrier != EIO_POLLED) {
        eio_say_error(worker, words->socket, EIO_ERROR_REQUEST);
    } else if (eio->poll.conn != 0) {
        metric_add(METRIC_SOCKETIO_REFUSED, 1);
        eio_end(eio, "1");
        eio_say_error(worker, words->socket, EIO_ERROR_REQUEST);
    } else {
        bool ends = eio->farewell && eio->conn->queue_n == 0;
        eio->poll = words->socket;
        eio_flush(eio);
        answer_probing(eio);
        if (ends)
            eio_end(eio, "1");
    }
}

static void hear_post_begin(struct eio *eio, const struct eio_words *words)
{
    if (eio == NULL || eio->carrier != EIO_POLLED)
        return; /* it will be told when its body is there */
    if (eio->post.conn != 0 && !is_at(eio->post, words->socket))
        eio_refuse(eio, "two POSTs at a time");
    else
        eio->post = words->socket;
}

/* The packets of a payload, in order. False: it is not one. */
static bool take_payload(struct eio *eio, const struct buf *body)
{
    struct eio_payload payload;
    struct eio_packet packet;
    struct buf decoded = {0};
    enum eio_next next = EIO_NEXT_BAD;

    eio_payload_begin(&payload, body->data, body->len);
    while (!eio->conn->closing &&
           (next = eio_payload_next(&payload, &packet, &decoded)) == EIO_NEXT_PACKET)
        eio_take_packet(eio, &packet);
    buf_free(&decoded);
    return !eio->refused && (eio->conn->closing || next == EIO_NEXT_END);
}

/* The cookie of a page comes with its POSTs: a browser sends no Origin with a GET to its own
 * server, so that there it cannot be told whose page asks. */
static void take_token(struct conn *conn, struct eio_words *words)
{
    if (words->token == NULL || conn->token != NULL)
        return;
    conn->token = words->token;
    words->token = NULL;
}

static void hear_post(struct worker *worker, struct eio *eio, struct eio_words *words)
{
    if (eio == NULL) {
        eio_say_error(worker, words->socket, EIO_ERROR_SID);
        return;
    }
    if (is_at(eio->post, words->socket))
        eio->post.conn = 0;
    if (eio->carrier != EIO_POLLED) {
        eio_say_error(worker, words->socket, EIO_ERROR_REQUEST);
        return;
    }
    take_token(eio->conn, words);
    bool refused = words->data.len == 0 || !utf8_is_valid(words->data.data, words->data.len) ||
                   !take_payload(eio, &words->data);
    if (!refused) {
        eio_say_answer(worker, words->socket, 200, "ok", 2);
        return;
    }
    if (!eio->refused)
        eio_refuse(eio, "not a payload");
    eio_say_error(worker, words->socket, EIO_ERROR_REQUEST);
}

/* -- WebSocket -------------------------------------------------------------------------------- */

static void hear_open(struct worker *worker, struct eio *eio, const struct eio_words *words)
{
    if (eio == NULL || eio->carrier != EIO_POLLED || eio->probe.conn != 0 || eio->farewell)
        eio_say_close(worker, words->socket, WS_CLOSE_BAD_FRAME);
    else
        eio->probe = words->socket;
}

static void say_text(struct worker *worker, struct eio_at to, const char *text)
{
    struct eio_words words = {.word = EIO_SAY_SEND, .socket = to, .frames_n = 1};

    words.frames = mem_alloc(sizeof(struct frame *));
    words.frames[0] = frame_text(text, strlen(text));
    eio_say(worker, &words);
}

/* The WebSocket takes over, with all that is queued. */
static void upgrade(struct eio *eio)
{
    struct conn *conn = eio->conn;
    struct eio_at at = eio->probe;

    eio_answer_poll(eio, "6", 1);
    eio->probe.conn = 0;
    metric_add(METRIC_SOCKETIO_UPGRADES, 1);
    conn_set_transport(conn, METRIC_TRANSPORT_SOCKETIO_WEBSOCKET);
    if (at.worker == conn->worker->index) {
        eio->carrier = EIO_OWN;
        gateway_eio_move(conn->worker, at.conn, conn);
    } else {
        eio->carrier = EIO_RELAYED;
        eio->relay = at;
        eio_say(conn->worker, &(struct eio_words){.word = EIO_SAY_LIVE, .socket = at});
    }
    worker_mark_dirty(conn->worker, conn);
}

static void hear_probe(struct worker *worker, struct eio *eio, const struct eio_words *words)
{
    const char *text = words->data.data;
    size_t n = words->data.len;

    if (!words->binary && !eio->probed && n == 6 && memcmp(text, "2probe", n) == 0) {
        eio->probed = true;
        say_text(worker, words->socket, "3probe");
        answer_probing(eio);
    } else if (!words->binary && eio->probed && n == 1 && text[0] == '5') {
        upgrade(eio);
    } else {
        eio->probe.conn = 0;
        eio->probed = false;
        eio_say_close(worker, words->socket, WS_CLOSE_BAD_FRAME);
    }
}

static void hear_message(struct worker *worker, struct eio *eio, const struct eio_words *words)
{
    struct eio_packet packet = {
        .type = EIO_MESSAGE, .binary = true, .data = words->data.data, .len = words->data.len};

    if (eio == NULL || !(is_at(eio->relay, words->socket) || is_at(eio->probe, words->socket)))
        eio_say_close(worker, words->socket, WS_CLOSE_BAD_FRAME);
    else if (is_at(eio->probe, words->socket))
        hear_probe(worker, eio, words);
    else if (words->binary || eio_packet_parse(words->data.data, words->data.len, &packet))
        eio_take_packet(eio, &packet);
    else
        eio_refuse(eio, "not a packet");
}

static void hear_taken(struct eio *eio, const struct eio_words *words)
{
    if (eio == NULL || !is_at(eio->relay, words->socket))
        return;
    eio->in_transit = false;
    eio_flush(eio);
}

/* A socket ended before its time. */
static void hear_gone(struct eio *eio, const struct eio_words *words)
{
    if (eio == NULL)
        return;
    if (is_at(eio->probe, words->socket)) {
        eio->probe.conn = 0;
        eio->probed = false;
    } else if (is_at(eio->relay, words->socket)) {
        eio->relay.conn = 0;
        eio_end(eio, "1");
    } else if (is_at(eio->poll, words->socket) || is_at(eio->answered, words->socket)) {
        eio->poll.conn = 0; /* what it was answered with is lost */
        eio_end(eio, "1");
    } else if (is_at(eio->post, words->socket)) {
        eio->post.conn = 0;
        eio_end(eio, "1");
    }
}

void eio_hear(struct worker *worker, struct eio_words *words)
{
    struct eio *eio = eio_find(worker, words->sid);

    if (eio != NULL && eio->farewell && words->word != EIO_ASK_POLL &&
        words->word != EIO_ASK_GONE && words->word != EIO_ASK_TAKEN)
        eio = NULL; /* it listens no more */
    switch (words->word) {
    case EIO_ASK_POLL:
        hear_poll(worker, eio, words);
        return;
    case EIO_ASK_POST_BEGIN:
        hear_post_begin(eio, words);
        return;
    case EIO_ASK_POST:
        hear_post(worker, eio, words);
        return;
    case EIO_ASK_OPEN:
        hear_open(worker, eio, words);
        return;
    case EIO_ASK_MESSAGE:
        hear_message(worker, eio, words);
        return;
    case EIO_ASK_TAKEN:
        hear_taken(eio, words);
        return;
    case EIO_ASK_MARK:
        eio_say(worker, &(struct eio_words){.word = EIO_SAY_MARKED, .socket = words->socket});
        return;
    case EIO_ASK_GONE:
        hear_gone(eio, words);
        return;
    default:
        return;
    }
}
