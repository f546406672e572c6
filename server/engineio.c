/* engineio.c - the life of Engine.IO sessions.
 *
 * Heartbeats: each session waits either for its next ping or for the pong to the last one. Both
 * times are the same for all, so that two lists in the order of their ends and one timer will do.
 */
#include "server/engineio.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "server/conn.h"
#include "server/engineio_session.h"
#include "server/hub.h"
#include "server/metrics.h"
#include "server/node.h"
#include "server/worker.h"

enum {
    SESSIONS_MAX = 65536, /* of one worker: those that are polled have no descriptor to run out */
    FAREWELL_MS = 5000,   /* for a polling client to fetch the last words */
};

static uint64_t now_ms(void)
{
    return clock_monotonic_ns() / 1000000u;
}

static struct engineio *home(const struct eio *eio)
{
    return eio->conn->worker->engineio;
}

static const struct eio_settings *settings(const struct eio *eio)
{
    return &eio->conn->worker->node->eio;
}

/* -- one worker's ----------------------------------------------------------------------------- */

struct engineio *engineio_create(struct worker *worker)
{
    struct engineio *e = mem_zalloc(sizeof(*e));

    e->worker = worker;
    (void)uv_timer_init(&worker->loop, &e->timer);
    (void)uv_timer_init(&worker->loop, &e->calm);
    return e;
}

void engineio_stop(struct engineio *engineio)
{
    struct eio *eio;
    struct eio *tmp;

    HASH_ITER(hh, engineio->sessions, eio, tmp)
    {
        if (eio->conn->wsi == NULL)
            eio_end(eio, "1");
    }
    uv_close((uv_handle_t *)&engineio->timer, NULL);
    uv_close((uv_handle_t *)&engineio->calm, NULL);
}

void engineio_destroy(struct engineio **engineio)
{
    free(*engineio);
    *engineio = NULL;
}

const struct eio_service *engineio_service(const struct worker *worker, const char *path)
{
    for (const struct eio_service *const *s = worker->node->eio.services; *s != NULL; s++) {
        size_t n = strlen((*s)->path) - 1;
        if (strncmp(path, (*s)->path, n) == 0 &&
            (path[n] == '\0' || (path[n] == '/' && path[n + 1] == '\0')))
            return *s;
    }
    return NULL;
}

bool eio_has_room(const struct worker *worker)
{
    return worker->engineio->sessions_n < SESSIONS_MAX;
}

struct eio *eio_find(const struct worker *worker, const char *sid)
{
    struct eio *eio;

    HASH_FIND_STR(worker->engineio->sessions, sid, eio);
    return eio;
}

/* -- heartbeats ------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer);

static void set_timer(struct engineio *e)
{
    uint64_t due = UINT64_MAX;

    if (uv_is_closing((uv_handle_t *)&e->timer))
        return;
    if (e->pings != NULL)
        due = e->pings->beat_ms;
    if (e->pongs != NULL && e->pongs->beat_ms < due)
        due = e->pongs->beat_ms;
    if (due == UINT64_MAX) {
        (void)uv_timer_stop(&e->timer);
        return;
    }
    uint64_t now = now_ms();
    uv_update_time(&e->worker->loop);
    (void)uv_timer_start(&e->timer, on_timer, due > now ? due - now : 0, 0);
}

static void beat_stop(struct eio *eio)
{
    struct engineio *e = home(eio);

    if (eio->beat == EIO_BEAT_PING)
        DL_DELETE(e->pings, eio);
    else if (eio->beat == EIO_BEAT_PONG)
        DL_DELETE(e->pongs, eio);
    eio->beat = EIO_BEAT_NONE;
}

/* The timer is set for the earliest only: one that is late in its list changes nothing. */
static void beat_set(struct eio *eio, enum eio_beat beat, uint64_t due_ms)
{
    struct engineio *e = home(eio);

    beat_stop(eio);
    eio->beat = beat;
    eio->beat_ms = due_ms;
    if (beat == EIO_BEAT_PING)
        DL_APPEND(e->pings, eio);
    else
        DL_APPEND(e->pongs, eio);
    if (e->pings == eio || e->pongs == eio)
        set_timer(e);
}

void eio_heard_pong(struct eio *eio)
{
    if (eio->beat == EIO_BEAT_PONG)
        beat_set(eio, EIO_BEAT_PING, now_ms() + settings(eio)->ping_interval_ms);
}

static void push(struct eio *eio, struct frame *frame)
{
    conn_push(eio->conn, frame);
    frame_unref(frame);
}

static void on_timer(uv_timer_t *timer)
{
    struct engineio *e = container_of(timer, struct engineio, timer);
    uint64_t now = now_ms();

    while (e->pongs != NULL && e->pongs->beat_ms <= now) {
        struct eio *eio = e->pongs;
        beat_stop(eio);
        log_debug("silent peer", LOG_INT("conn", eio->conn->id));
        metric_add_by(METRIC_CLOSES, METRIC_CLOSE_LOST, 1);
        conn_kill(eio->conn);
    }
    while (e->pings != NULL && e->pings->beat_ms <= now) {
        struct eio *eio = e->pings;
        beat_set(eio, EIO_BEAT_PONG, eio->beat_ms + settings(eio)->ping_timeout_ms);
        push(eio, frame_text("2", 1));
    }
    set_timer(e);
}

/* -- before a flush --------------------------------------------------------------------------- */

static void on_calm(uv_timer_t *timer);

static void calm(struct eio *eio)
{
    if (eio->stirred)
        DL_DELETE2(home(eio)->stirred, eio, stirred_prev, stirred_next);
    eio->stirred = false;
}

void eio_stir(struct eio *eio)
{
    struct engineio *e = home(eio);

    if (eio->stirred || eio->over || eio->service->flushing == NULL)
        return;
    eio->stirred = true;
    DL_APPEND2(e->stirred, eio, stirred_prev, stirred_next);
    if (!uv_is_active((uv_handle_t *)&e->calm) && !uv_is_closing((uv_handle_t *)&e->calm))
        (void)uv_timer_start(&e->calm, on_calm, EIO_CALM_MS, 0);
}

static void ask_service(struct eio *eio, uint64_t now)
{
    calm(eio);
    eio->asked_ms = now;
    eio->service->flushing(eio);
}

void eio_flushing(struct eio *eio)
{
    if (!eio->stirred)
        return;
    uint64_t now = now_ms();
    if (now >= eio->asked_ms + EIO_CALM_MS)
        ask_service(eio, now);
}

/* Who is stirred again by the question waits for the next time. */
static void on_calm(uv_timer_t *timer)
{
    struct engineio *e = container_of(timer, struct engineio, calm);
    struct eio *last = e->stirred == NULL ? NULL : e->stirred->stirred_prev;
    struct eio *eio = NULL;
    uint64_t now = now_ms();

    while (e->stirred != NULL && eio != last) {
        eio = e->stirred;
        ask_service(eio, now);
    }
    if (e->stirred != NULL)
        (void)uv_timer_start(timer, on_calm, EIO_CALM_MS, 0);
}

/* -- life ------------------------------------------------------------------------------------- */

struct eio *eio_open(struct conn *conn, const struct eio_service *service, enum eio_carrier carrier)
{
    struct eio *eio = mem_zalloc(sizeof(*eio));
    struct engineio *e = conn->worker->engineio;
    const struct eio_settings *s = &conn->worker->node->eio;
    struct buf text = {0};

    eio_sid_make(conn->worker, eio->sid);
    eio->service = service;
    eio->conn = conn;
    eio->carrier = carrier;
    eio->opened_ms = now_ms();
    conn->eio = eio;
    conn_set_transport(conn, carrier == EIO_POLLED ? METRIC_TRANSPORT_SOCKETIO_POLLING
                                                   : METRIC_TRANSPORT_SOCKETIO_WEBSOCKET);
    HASH_ADD_STR(e->sessions, sid, eio);
    e->sessions_n++;
    eio_put_open(&text, &(struct eio_handshake){
                            .sid = eio->sid,
                            .upgrades = carrier == EIO_POLLED,
                            .ping_interval_ms = s->ping_interval_ms,
                            .ping_timeout_ms = s->ping_timeout_ms,
                            .max_payload = s->max_payload,
                        });
    push(eio, frame_text(text.data, text.len));
    buf_free(&text);
    beat_set(eio, EIO_BEAT_PING, eio->opened_ms + s->ping_interval_ms);
    service->open(eio);
    return eio;
}

static void hide(struct eio *eio)
{
    struct engineio *e = home(eio);

    if (eio->over)
        return;
    eio->over = true;
    beat_stop(eio);
    calm(eio);
    HASH_DEL(e->sessions, eio);
    e->sessions_n--;
}

void eio_release(struct eio *eio)
{
    hide(eio);
    eio->conn->eio = NULL;
    eio->service->closed(eio);
    free(eio);
}

void eio_end(struct eio *eio, const char *packet)
{
    struct conn *conn = eio->conn;

    if (conn->wsi != NULL) {
        conn_close(conn, WS_CLOSE_BAD_FRAME);
        return;
    }
    if (!eio->over) {
        eio_answer_poll(eio, packet, strlen(packet));
        if (eio->probe.conn != 0)
            eio_say_close(conn->worker, eio->probe, WS_CLOSE_BAD_FRAME);
        if (eio->relay.conn != 0)
            eio_say_close(conn->worker, eio->relay, WS_CLOSE_BAD_FRAME);
        eio->relay.conn = eio->probe.conn = 0;
    }
    hide(eio);
    conn->closing = true;
    worker_closing(conn->worker, conn);
}

void eio_refuse(struct eio *eio, const char *reason)
{
    log_debug("bad packet", LOG_INT("conn", eio->conn->id), LOG_STR("reason", reason));
    metric_add(METRIC_SOCKETIO_REFUSED, 1);
    eio->refused = true;
    if (eio->conn->wsi != NULL)
        conn_close(eio->conn, WS_CLOSE_BAD_FRAME);
    else
        eio_end(eio, "1");
}

/* -- writing ---------------------------------------------------------------------------------- */

void eio_answer_poll(struct eio *eio, const char *text, size_t n)
{
    struct eio_at poll = eio->poll;

    if (poll.conn == 0)
        return;
    eio->answered = poll;
    eio->poll.conn = 0;
    eio_say_answer(eio->conn->worker, poll, 200, text, n);
}

static struct frame *make_payload(const struct frame *frame, enum frame_encoding encoding)
{
    struct buf text = {0};

    (void)encoding;
    eio_payload_put_frames(&text, frame->bytes, frame->len);
    struct frame *made = frame_blank(text.len, frame->count);
    if (text.len > 0)
        memcpy(made->bytes, text.data, text.len);
    buf_free(&text);
    return made;
}

/* Everything that is queued as one payload; what others get too is made into packets once for all
 * of them. A close packet comes alone: standard clients take it before the events that they have
 * got with it, and lose those. */
static void flush_poll(struct eio *eio)
{
    struct conn *conn = eio->conn;
    struct eio_words words = {.word = EIO_SAY_PAYLOAD, .socket = eio->poll};

    if (conn->queue_n == 0) {
        eio_answer_poll(eio, "1", 1);
        return;
    }
    words.frames = mem_alloc(conn->queue_n * sizeof(struct frame *));
    for (uint32_t i = 0; i < conn->queue_n; i++) {
        struct frame *payload = frame_other(conn->queue[i], FRAME_PAYLOAD, make_payload);
        if (payload->len > 0)
            words.frames[words.frames_n++] = frame_ref(payload);
    }
    conn_queue_sent(conn);
    eio->answered = eio->poll;
    eio->poll.conn = 0;
    eio_say(conn->worker, &words);
}

/* One parcel at a time: meanwhile the rest is counted in the queue. */
static void flush_relay(struct eio *eio)
{
    struct conn *conn = eio->conn;
    struct eio_words words = {.word = EIO_SAY_SEND, .socket = eio->relay};

    words.frames = mem_alloc(conn->queue_n * sizeof(struct frame *));
    for (; words.frames_n < conn->queue_n; words.frames_n++)
        words.frames[words.frames_n] = frame_ref(conn->queue[words.frames_n]);
    conn_queue_drop(conn);
    eio->in_transit = true;
    eio_say(conn->worker, &words);
}

void eio_flush(struct eio *eio)
{
    struct conn *conn = eio->conn;

    if (eio->over)
        return;
    if (eio->carrier == EIO_RELAYED && conn->queue_n > 0 && !eio->in_transit)
        flush_relay(eio);
    else if (eio->carrier == EIO_POLLED && eio->poll.conn != 0 &&
             (conn->queue_n > 0 || eio->farewell))
        flush_poll(eio);
    if (conn->filling && !conn->closing && !conn_is_behind(conn))
        hub_catch_up(conn);
}

void eio_send_parts(struct eio *eio, const char *head, size_t head_len, const char *body,
                    size_t body_len)
{
    struct buf text = {0};

    buf_putc(&text, '0' + EIO_MESSAGE);
    buf_put(&text, head, head_len);
    push(eio, frame_data(WS_OP_TEXT, text.data, text.len, body, body_len));
    buf_free(&text);
}

void eio_send(struct eio *eio, const char *data, size_t len, bool binary)
{
    if (binary)
        push(eio, frame_data(WS_OP_BINARY, data, len, NULL, 0));
    else
        push(eio, frame_data(WS_OP_TEXT, "4", 1, data, len));
}

/* -- the end ---------------------------------------------------------------------------------- */

/* A standard client connects again after the end of its connection, but not after a DISCONNECT:
 * that is for who has to sign in anew. */
void eio_closing(struct eio *eio, enum ws_close code)
{
    if (code == WS_CLOSE_REVOKED || code == WS_CLOSE_UNAUTHENTICATED)
        eio_send(eio, "1", 1, false);
    beat_stop(eio);
    eio->farewell = true;
    eio->ended_ms = now_ms();
}

void eio_kill(struct eio *eio)
{
    eio_end(eio, "1");
}

void eio_turn_over(struct eio *eio)
{
    struct conn *conn = eio->conn;

    if (eio->farewell && !eio->over) {
        bool unheard = eio->poll.conn == 0 || conn->queue_n > 0;
        if (eio->carrier == EIO_POLLED && unheard && !conn->worker->draining) {
            eio_flush(eio);
            return; /* the next GET, or eio_tick() */
        }
        eio->in_transit = false;
        eio_flush(eio);
        if (eio->relay.conn != 0)
            eio_say_close(conn->worker, eio->relay, (enum ws_close)conn->close_code);
        eio->relay.conn = 0;
        hide(eio);
    }
    if (eio->over)
        conn_gone(conn);
}

void eio_tick(struct eio *eio)
{
    uint64_t now = now_ms();

    if (eio->farewell) {
        if (eio->conn->wsi == NULL && now >= eio->ended_ms + FAREWELL_MS)
            eio_end(eio, "1");
    } else if (!eio->connected && now >= eio->opened_ms + settings(eio)->connect_timeout_ms) {
        conn_close(eio->conn, WS_CLOSE_UNAUTHENTICATED);
    }
}

/* -- for a service ---------------------------------------------------------------------------- */

struct conn *eio_conn(const struct eio *eio)
{
    return eio->conn;
}

bool eio_is_javascript(const struct eio *eio)
{
    return eio->javascript;
}

void *eio_data(const struct eio *eio)
{
    return eio->data;
}

void eio_set_data(struct eio *eio, void *data)
{
    eio->data = data;
}

void eio_set_connected(struct eio *eio, bool connected)
{
    if (eio->connected && !connected)
        eio->opened_ms = now_ms();
    eio->connected = connected;
}
