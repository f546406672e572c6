/* poll_client.h - Engine.IO 4 by long-polling, as socket.io-client does it: a
 * GET is always under way, packets leave by POST, those that come up while a
 * POST is under way go together with the next one. A connection for each.
 *
 * Threading and ownership: as http_client.h.
 * Errors:    a session that fails in any way reports closed() once, with the
 *            reason, from http_poll's callbacks.
 */
#ifndef TESTS_BENCH_LIB_POLL_CLIENT_H
#define TESTS_BENCH_LIB_POLL_CLIENT_H

#include "tests/bench/lib/http_client.h"

struct poll_client {
    struct http_client get;
    struct http_client post;
    uint16_t port;
    char path[160];     /* with the session's id once there is one */
    struct buf waiting; /* packets for the next POST */
};

struct poll_handlers {
    /* One packet. READ_NS is when the bytes were read from the kernel. TEXT is borrowed. */
    void (*text)(struct poll_client *client, const char *text, size_t len, uint64_t read_ns,
                 void *ctx);
    /* The client may be connected again from here. REASON is borrowed. */
    void (*closed)(struct poll_client *client, const char *reason, void *ctx);
};

struct poll_loop;

/* HANDLERS and PATH are borrowed for the life of the loop. */
struct poll_loop *poll_loop_create(const char *path, const struct poll_handlers *handlers,
                                   void *ctx);
/* Does not close clients that are still connected. Sets *LOOP to NULL. */
void poll_loop_destroy(struct poll_loop **loop);

void poll_connect(struct poll_loop *loop, struct poll_client *client, uint16_t port);

/* Send one packet, when the handshake was answered. */
void poll_send(struct poll_loop *loop, struct poll_client *client, const char *text, size_t len);

/* Close without a word; closed() is not called. */
void poll_drop(struct poll_loop *loop, struct poll_client *client);

/* Wait at most TIMEOUT_NS for events and handle them. */
void poll_poll(struct poll_loop *loop, uint64_t timeout_ns);

#endif
