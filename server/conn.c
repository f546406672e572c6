#include "server/conn.h"

#include <libwebsockets.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "server/engineio.h"
#include "server/follow.h"
#include "server/gateway.h"
#include "server/hub.h"
#include "server/listener.h"
#include "server/metrics.h"
#include "server/node.h"
#include "server/session.h"
#include "server/socketio_chat.h"
#include "server/worker.h"

enum {
    FAREWELL_SECONDS = 5,        /* for a closing peer to take what is queued */
    CATCH_UP_BYTES = 256 * 1024, /* queue below which more missed events are fetched */
};

unsigned char *conn_scratch_create(void)
{
    return mem_alloc(LWS_PRE + WORKER_WRITE_MAX);
}

struct conn *conn_create(struct worker *worker, struct lws *wsi, struct peer *peer, enum door door)
{
    struct conn *c = mem_zalloc(sizeof(*c));

    c->wsi = wsi;
    c->worker = worker;
    c->peer = peer;
    c->door = door;
    c->refs = 1;
    c->id = worker_next_conn_id(worker);
    c->opened_s = c->last_rx_s = worker_now_s(worker);
    c->queue = c->queue_inline;
    c->queue_cap = CONN_INLINE_FRAMES;
    worker_add_conn(worker, c);
    metric_add_by(METRIC_TRANSPORTS, c->transport, 1);
    return c;
}

void conn_set_transport(struct conn *conn, enum metric_transport transport)
{
    metric_sub_by(METRIC_TRANSPORTS, conn->transport, 1);
    metric_add_by(METRIC_TRANSPORTS, transport, 1);
    conn->transport = transport;
}

struct conn *conn_ref(struct conn *conn)
{
    conn->refs++;
    return conn;
}

void conn_unref(struct conn *conn)
{
    if (--conn->refs > 0)
        return;
    free(conn->rates);
    free(conn);
}

static void queue_clear(struct conn *c)
{
    for (uint32_t i = 0; i < c->queue_n; i++)
        frame_unref(c->queue[i]);
    metric_sub(METRIC_QUEUED_BYTES, c->queue_bytes);
    c->queue_n = 0;
    c->queue_bytes = 0;
    if (c->queue != c->queue_inline)
        free(c->queue);
    c->queue = c->queue_inline;
    c->queue_cap = CONN_INLINE_FRAMES;
}

static void token_forget(struct conn *c)
{
    if (c->token == NULL)
        return;
    sodium_memzero(c->token, strlen(c->token));
    free(c->token);
    c->token = NULL;
}

void conn_gone(struct conn *conn)
{
    conn->wsi = NULL;
    conn->gone = conn->closing = true;
    hub_unsubscribe_all(conn);
    session_end(conn);
    if (conn->eio != NULL)
        eio_release(conn->eio);
    queue_clear(conn);
    buf_free(&conn->in);
    token_forget(conn);
    follow_destroy(&conn->follow);
    metric_sub_by(METRIC_TRANSPORTS, conn->transport, 1);
    worker_remove_conn(conn->worker, conn);
    peer_release(&conn->peer);
    conn_unref(conn);
}

bool conn_is_behind(const struct conn *conn)
{
    return conn->queue_bytes > CATCH_UP_BYTES;
}

static void queue_push(struct conn *c, struct frame *frame)
{
    if (c->queue_n == c->queue_cap) {
        uint32_t cap = c->queue_cap * 4;
        struct frame **old = c->queue == c->queue_inline ? NULL : c->queue;
        struct frame **grown = mem_realloc_array(old, cap, sizeof(struct frame *));
        if (old == NULL)
            memcpy(grown, c->queue_inline, sizeof(c->queue_inline));
        c->queue = grown;
        c->queue_cap = cap;
    }
    c->queue[c->queue_n++] = frame_ref(frame);
    c->queue_bytes += frame->len;
    metric_add(METRIC_QUEUED_BYTES, frame->len);
}

void conn_send(struct conn *conn, struct frame *frame)
{
    struct frame *own = NULL;

    if (conn->eio != NULL) {
        frame = chat_frame(frame, conn->recovers);
        if (conn->recovers && !frame->ephemeral)
            eio_stir(conn->eio);
    } else if (conn->follow != NULL) {
        frame = own = follow_frame(conn->follow, frame);
    }
    if (frame != NULL)
        conn_push(conn, frame);
    if (own != NULL)
        frame_unref(own);
}

void conn_push(struct conn *conn, struct frame *frame)
{
    size_t bound = conn->worker->node->config.queue_bytes;

    if (conn->closing)
        return;
    if (frame->ephemeral && conn->queue_bytes > bound / 4) {
        metric_add_by(METRIC_DROPS, METRIC_DROP_SLOW_READER, 1);
        return;
    }
    if (conn->queue_bytes + frame->len > bound && conn->queue_n > 0) {
        log_info("slow consumer", LOG_INT("conn", conn->id), LOG_INT("queued", conn->queue_bytes));
        queue_clear(conn);
        conn_close(conn, WS_CLOSE_SLOW_CONSUMER);
        return;
    }
    queue_push(conn, frame);
    worker_mark_dirty(conn->worker, conn);
}

void conn_send_text(struct conn *conn, const char *text, size_t len)
{
    struct frame *frame = frame_text(text, len);

    conn_send(conn, frame);
    frame_unref(frame);
}

/* How many frames from the front go into one write. */
static uint32_t next_write(const struct conn *c, size_t *bytes_out)
{
    size_t bytes = c->queue[0]->len;
    uint32_t n = 1;

    while (n < c->queue_n && bytes + c->queue[n]->len <= WORKER_WRITE_MAX)
        bytes += c->queue[n++]->len;
    *bytes_out = bytes;
    return n;
}

static void queue_shift(struct conn *c, uint32_t n, size_t bytes)
{
    uint32_t messages = 0;

    for (uint32_t i = 0; i < n; i++) {
        messages += c->queue[i]->count;
        frame_unref(c->queue[i]);
    }
    c->queue_n -= n;
    c->queue_bytes -= bytes;
    metric_sub(METRIC_QUEUED_BYTES, bytes);
    worker_count_out(c->worker, messages, bytes);
    if (c->queue_n > 0)
        memmove(c->queue, c->queue + n, c->queue_n * sizeof(*c->queue));
    else
        queue_clear(c);
}

void conn_queue_drop(struct conn *conn)
{
    queue_clear(conn);
}

void conn_queue_sent(struct conn *conn)
{
    uint32_t messages = 0;

    for (uint32_t i = 0; i < conn->queue_n; i++)
        messages += conn->queue[i]->count;
    worker_count_out(conn->worker, messages, 0);
    queue_clear(conn);
}

bool conn_flush(struct conn *conn)
{
    if (conn->eio != NULL) {
        eio_flushing(conn->eio);
        if (conn->wsi == NULL) {
            eio_flush(conn->eio);
            return true;
        }
    }
    while (conn->queue_n > 0 && conn->wsi != NULL && !lws_partial_buffered(conn->wsi)) {
        size_t bytes;
        uint32_t n = next_write(conn, &bytes);
        unsigned char *from = conn->queue[0]->bytes;

        if (n > 1) {
            from = conn->worker->scratch + LWS_PRE;
            unsigned char *to = from;
            for (uint32_t i = 0; i < n; i++) {
                memcpy(to, conn->queue[i]->bytes, conn->queue[i]->len);
                to += conn->queue[i]->len;
            }
        }
        if (lws_write(conn->wsi, from, bytes, LWS_WRITE_HTTP) < 0) {
            conn_kill(conn);
            return false;
        }
        queue_shift(conn, n, bytes);
    }
    if (conn->follows && conn->wsi != NULL)
        gateway_follow_listen(conn);
    if (conn->wsi != NULL && (conn->queue_n > 0 || (conn->closing && !conn->close_sent)))
        (void)lws_callback_on_writable(conn->wsi);
    else if (conn->filling && !conn_is_behind(conn))
        hub_catch_up(conn);
    if (conn->carries && conn->queue_n == 0 && conn->wsi != NULL) {
        if (lws_partial_buffered(conn->wsi))
            (void)lws_callback_on_writable(conn->wsi);
        else
            gateway_eio_written(conn);
    }
    return true;
}

void conn_close(struct conn *conn, enum ws_close code)
{
    if (conn->closing)
        return;
    if (conn->eio != NULL)
        eio_closing(conn->eio, code);
    conn->closing = true;
    conn->close_code = (uint16_t)code;
    conn->close_reason = ws_close_reason(code);
    metric_add_by(METRIC_CLOSES, metric_close_label((int)code), 1);
    worker_closing(conn->worker, conn); /* it leaves its streams when the turn is over */
    if (conn->wsi == NULL)
        return;
    if (conn->follows)
        gateway_follow_listen(conn);
    lws_set_timeout(conn->wsi, PENDING_TIMEOUT_USER_REASON_BASE, FAREWELL_SECONDS);
    (void)lws_callback_on_writable(conn->wsi);
}

void conn_kill(struct conn *conn)
{
    if (conn->gone)
        return;
    conn->closing = true;
    worker_closing(conn->worker, conn);
    if (conn->wsi == NULL) {
        eio_kill(conn->eio);
        return;
    }
    lws_set_timeout(conn->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    lws_cancel_service_pt(conn->wsi); /* else its timers rest until some socket has news */
}
