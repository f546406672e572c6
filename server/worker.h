/* worker.h - one event loop: a thread, a libuv loop, a libwebsockets context, its connections.
 *
 * A turn of the loop: sockets and mail are served, then (uv_prepare, before it sleeps) the batches
 * of the streams go to the connections and each dirty connection is written once.
 *
 * Writing to a thousand sockets takes milliseconds. So that a command does not wait that long, it
 * is done in slices: after each the loop takes what has come in, and hands it to the committer,
 * before the flush goes on. What is committed meanwhile joins the flush under way: connections wait
 * for their write in a queue, each gets all that has come for it until then, and goes to the end of
 * the queue when more comes later. Batches keep a distance of at most a few milliseconds under
 * load, so that several events go with one write; answers are not held back.
 *
 * Threading: create, start, stop and join from the main thread; everything else on the worker's
 * own, but worker->box takes mail from anywhere.
 */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "server/mailbox.h"

struct conn;
struct engineio;
struct hub;
struct listener;
struct lws_context;
struct lws_vhost;
struct node;
struct people;
struct poll;
struct session_check;
struct worker_user;

enum {
    WORKER_WRITE_MAX = 64 * 1024, /* bytes in one write(2) */
};

struct worker {
    unsigned index;
    struct node *node;
    pthread_t thread;
    bool started; /* there is a thread, which has closed the handles when it ends */
    uv_loop_t loop;
    uv_prepare_t prepare;
    uv_timer_t tick;      /* once a second: heartbeats, time-outs, metrics */
    uv_timer_t pacer;     /* ends the interval between two flushes of batches */
    uv_idle_t unfinished; /* active while a flush is */
    uv_timer_t check;     /* hub_check() */
    struct mailbox box;
    struct lws_context *lws;
    struct lws_vhost *vhost;       /* the public one, with TLS if configured */
    struct lws_vhost *plain_vhost; /* admin socket and metrics */
    struct listener *listeners;
    struct hub *hub;
    struct engineio *engineio;
    struct worker_user *users; /* signed in here, by id */
    struct session_check *session_check;
    struct people *people; /* authors met lately */

    struct conn **conns;
    size_t conns_n, conns_cap;
    struct conn **dirty; /* with something to write, a queue; those before dirty_at are written */
    size_t dirty_n, dirty_at, dirty_cap;
    struct conn **closing; /* references: leave their streams at the end of the turn */
    size_t closing_n, closing_cap;
    unsigned char *scratch; /* where frames are joined: conn_scratch_create() */
    uint64_t next_conn_id;
    uint64_t flush_started_ns;            /* when batches went to the connections last, */
    uint64_t flush_handed_ns;             /* how long that took, */
    uint64_t flush_took_ns;               /* and writing since */
    uint64_t flush_bytes, flush_messages; /* of the flush under way */
    uint64_t tick_due_ns;
    uint64_t revocations; /* grows when a session or account is ended: who was looking asks again */
    uint32_t now_s;       /* monotonic, as of the last tick */
    struct poll *polls;   /* commands that wait for an event */
    size_t calls;         /* store requests under way */
    bool draining;
    bool stopping;
};

/* NULL: ERROR_OUT says why. */
struct worker *worker_create(struct node *node, unsigned index, char error_out[256]);
void worker_start(struct worker *worker);
/* Ask for a drain: no new connections, clients are told and closed, commands finish, the loop ends.
 */
void worker_drain(struct worker *worker);
/* Wait for the thread; then free all. Sets *worker to NULL. */
void worker_join(struct worker *worker);
void worker_destroy(struct worker **worker);

void worker_add_conn(struct worker *worker, struct conn *conn);
void worker_remove_conn(struct worker *worker, struct conn *conn);
void worker_mark_dirty(struct worker *worker, struct conn *conn);
void worker_closing(struct worker *worker, struct conn *conn);
void worker_count_out(struct worker *worker, uint32_t messages, size_t bytes);
/* hub_check() runs within MS. */
void worker_wake_hub(struct worker *worker, uint64_t ms);
uint64_t worker_next_conn_id(struct worker *worker);
uint32_t worker_now_s(const struct worker *worker);

#endif
