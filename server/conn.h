/* conn.h - one client connection: its outbound queue, its way to an end, who is signed in.
 *
 * Writing: conn_send() queues a frame and marks the connection dirty; at the end of the loop turn
 * the worker joins what each dirty connection has queued and writes it at once. A connection whose
 * socket is behind keeps pointers to shared frames, bounded in bytes: beyond the bound ephemeral
 * frames are dropped and then the connection is closed as a slow consumer.
 *
 * Threading: a connection lives on its worker; nothing here may be called from another thread.
 * Ownership: counted references, not atomic. `wsi` is NULL once the socket is gone, and as long as
 * a session of Engine.IO has none on this worker (engineio.h).
 */
#ifndef SERVER_CONN_H
#define SERVER_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/id.h"
#include "protocol/command.h"
#include "protocol/websocket.h"
#include "server/frame.h"
#include "server/listener.h"
#include "server/metrics.h"
#include "server/throttle.h"
#include "storage/store.h"

struct lws;
struct sub;
struct peer;
struct worker;
struct eio;
struct grant;
struct eio_socket;
struct follow;
struct http_exchange;

enum { CONN_INLINE_FRAMES = 2, CONN_REQUESTS_MAX = 256 };

/* Who is signed in on a connection. */
struct session {
    char user[ID_MAX + 1];
    char id[ID_MAX + 1];
    enum store_role role;
    struct grant *grant; /* of a token; NULL: a sign-in */
    int64_t expires_at;
    uint64_t began; /* monotonic ns */
    struct conn *conn;
    struct session *prev, *next; /* the user's sessions on this worker */
    struct worker_user *owner;
};

struct conn {
    struct lws *wsi;
    struct worker *worker;
    struct peer *peer;
    struct session *session;       /* NULL until session.start was answered */
    struct sub *subs;              /* streams it gets, linked by conn_next */
    struct eio *eio;               /* the Engine.IO session whose connection this is, or NULL */
    struct eio_socket *eio_socket; /* its part as a socket of one, or NULL */
    struct http_exchange *http;    /* the HTTP request under way, or NULL */
    struct follow *follow;         /* it gets, or is about to get, server-sent events, or NULL */
    char *token;                   /* from the upgrade request (cookie or bearer), or NULL; wiped */
    struct rate_bucket *rates;     /* one for each class, made at the first command */
    uint64_t id;
    uint64_t ephemeral_mark; /* the last one that reached it: the same news goes out once */
    uint32_t refs;
    uint32_t index;    /* among the worker's connections */
    uint32_t opened_s; /* monotonic seconds */
    uint32_t last_rx_s;
    uint32_t requests; /* commands under way */
    uint16_t close_code;
    bool websocket;
    bool follows;  /* server-sent events have begun */
    bool deaf;     /* and nothing is read */
    bool unsure;   /* whether the client has sent more than it should */
    bool recovers; /* the state of this Socket.IO connection can be recovered */
    bool carries;  /* the frames of an Engine.IO session on another worker */
    bool gone;     /* nobody can be reached by it any more */
    bool starting; /* session.start is under way */
    bool dirty;
    bool closing;
    bool close_sent;
    bool pinged;
    bool filling; /* a stream is catching up */
    /* HTTP, between an answer's last write and the next request: */
    bool answering;   /* the socket has not taken all of it yet */
    bool answers_end; /* the connection ends with it */
    bool pipelines;   /* the next request was there before the answer, or may have been */
    enum metric_transport transport;
    enum door door; /* by which it came */
    const char *close_reason;

    struct frame **queue;
    uint32_t queue_n, queue_cap;
    size_t queue_bytes;
    struct frame *queue_inline[CONN_INLINE_FRAMES];
    struct buf in; /* a message that came in parts */
};

/* A worker's room for joining frames: WORKER_WRITE_MAX bytes, and what the library wants before. */
unsigned char *conn_scratch_create(void);
struct conn *conn_create(struct worker *worker, struct lws *wsi, struct peer *peer, enum door door);
struct conn *conn_ref(struct conn *conn);
void conn_unref(struct conn *conn);
/* The socket is gone: gives up the session, streams and queue. The caller's reference goes too. */
void conn_gone(struct conn *conn);

void conn_set_transport(struct conn *conn, enum metric_transport transport);

/* Queue FRAME (the queue takes a reference of its own), in the encoding of the connection's
 * transport. */
void conn_send(struct conn *conn, struct frame *frame);
/* Queue FRAME as it is. */
void conn_push(struct conn *conn, struct frame *frame);
/* The same for a text that only this connection gets. */
void conn_send_text(struct conn *conn, const char *text, size_t len);
/* Write what is queued, as far as the socket takes it. False: the socket is broken; the caller in a
 * libwebsockets callback closes it, others need do nothing. */
bool conn_flush(struct conn *conn);
/* All that is queued has been written, or handed on to be. */
void conn_queue_sent(struct conn *conn);
void conn_queue_drop(struct conn *conn);
/* Ask for the end: what is queued goes out first (a slow consumer's queue is dropped), then the
 * close frame. The first call counts. */
void conn_close(struct conn *conn, enum ws_close code);
/* End without a farewell. */
void conn_kill(struct conn *conn);
/* True while too much is queued to begin catching up more. */
bool conn_is_behind(const struct conn *conn);

#endif
