/* engineio.h - Engine.IO 4: sessions that outlive their sockets, by long-polling or WebSocket.
 *
 *   gateway_engineio.c   a socket's side: HTTP requests and WebSocket messages become words to the
 *                        session, its words become answers and frames
 *   engineio_words.c     the way between the two: a call on the same worker, mail to another one
 *   engineio_carry.c     what a session makes of requests, messages, an upgrade
 *   engineio.c           its life, its heartbeat, its queue
 *
 * A session lives on the worker that made it, whose number is the first letter of its sid. It has a
 * struct conn, which is what everything above (sessions, streams, commands) knows: with a socket of
 * its own when it came by WebSocket, without one while it is polled, or while its WebSocket is on
 * another worker. What is sent is queued as WebSocket frames in any case.
 *
 * What the packets mean is the matter of a struct eio_service.
 *
 * Threading: the worker's own. Ownership: a session ends with its conn.
 */
#ifndef SERVER_ENGINEIO_H
#define SERVER_ENGINEIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/engineio.h"
#include "protocol/websocket.h"

struct conn;
struct eio;
struct engineio;
struct frame;
struct worker;

enum {
    EIO_SID_SIZE = 22, /* the worker's letter, 120 random bits, NUL */
    EIO_CALM_MS = 50,
};

struct eio_service {
    const char *path; /* "/socket.io/" */
    void (*open)(struct eio *eio);
    /* May close the session's conn. DATA is borrowed, and valid UTF-8 unless binary. */
    void (*message)(struct eio *eio, const char *data, size_t len, bool binary);
    void (*closed)(struct eio *eio); /* the last call */
    /* After eio_stir(), before the queue is written, but not more often than every EIO_CALM_MS; at
     * the end of them in any case. May queue more. NULL: of no interest. */
    void (*flushing)(struct eio *eio);
};

struct eio_settings {
    const struct eio_service *const *services; /* ends with NULL */
    uint32_t ping_interval_ms, ping_timeout_ms;
    uint32_t connect_timeout_ms; /* until eio_set_connected() */
    uint32_t max_payload;        /* bytes of one message or POST */
    bool any_origin;             /* pages of all origins may use it */
};

struct engineio *engineio_create(struct worker *worker);
/* Ends the sessions without a socket and the timer; before the loop ends. */
void engineio_stop(struct engineio *engineio);
void engineio_destroy(struct engineio **engineio);

/* The service at PATH (with or without its last slash), or NULL. */
const struct eio_service *engineio_service(const struct worker *worker, const char *path);

/* -- for a service ---------------------------------------------------------------------------- */

struct conn *eio_conn(const struct eio *eio);
/* The session was begun by a client for which agent_is_javascript() (origin.h). */
bool eio_is_javascript(const struct eio *eio);
void *eio_data(const struct eio *eio);
void eio_set_data(struct eio *eio, void *data);
/* One message. */
void eio_send(struct eio *eio, const char *data, size_t len, bool binary);
/* One text message that is given in two parts. */
void eio_send_parts(struct eio *eio, const char *head, size_t head_len, const char *body,
                    size_t body_len);
/* While somebody is connected above, the session has no connect time-out. */
void eio_set_connected(struct eio *eio, bool connected);
/* The client has broken the rules: the end of this session. */
void eio_refuse(struct eio *eio, const char *reason);

/* -- for conn.c and worker.c ------------------------------------------------------------------ */

/* Frames of streams have been queued. */
void eio_stir(struct eio *eio);
/* The queue is about to be written. May close the conn. */
void eio_flushing(struct eio *eio);
/* Writes the queue of a session without a socket of its own, if somebody waits for it. */
void eio_flush(struct eio *eio);
/* Its conn is being closed with CODE: the last words. */
void eio_closing(struct eio *eio, enum ws_close code);
/* Its conn is being ended at once. */
void eio_kill(struct eio *eio);
/* The turn in which its conn was closed is over. May end the conn. */
void eio_turn_over(struct eio *eio);
/* At least once a second. */
void eio_tick(struct eio *eio);
/* Its conn is gone: ends and frees the session. */
void eio_release(struct eio *eio);

#endif
