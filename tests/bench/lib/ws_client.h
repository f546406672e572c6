/* ws_client.h - thousands of WebSocket client connections on one epoll loop.
 *
 * Threading: one loop and its clients belong to one thread.
 * Ownership: the caller owns the ws_client structs (zeroed before the first
 *            ws_connect) and keeps them in place while they are connected.
 * Errors:    a connection that fails in any way reports closed() once, with
 *            the reason; running out of memory aborts.
 */
#ifndef TESTS_BENCH_LIB_WS_CLIENT_H
#define TESTS_BENCH_LIB_WS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ws_state { WS_CLOSED, WS_HANDSHAKE, WS_OPEN };

struct ws_bytes {
    char *at;
    size_t len;
    size_t capacity;
};

struct ws_client {
    int fd;
    enum ws_state state;
    bool awaits_writable;
    struct ws_bytes rest; /* the begun frame a read ended with */
    struct ws_bytes out;  /* what the kernel has not taken yet */
};

struct ws_handlers {
    void (*open)(struct ws_client *client, void *ctx);
    /* READ_NS is when the bytes were read from the kernel. TEXT is borrowed. */
    void (*text)(struct ws_client *client, const char *text, size_t len, uint64_t read_ns,
                 void *ctx);
    /* The client may be connected again from here. REASON is borrowed. */
    void (*closed)(struct ws_client *client, const char *reason, void *ctx);
};

struct ws_target {
    unsigned sources; /* client addresses to spread over; 0: let the kernel choose */
    const char *path;
};

struct ws_loop;

/* HANDLERS and TARGET are borrowed for the life of the loop. */
struct ws_loop *ws_loop_create(const struct ws_target *target, const struct ws_handlers *handlers,
                               void *ctx);
/* Does not close clients that are still connected. Sets *LOOP to NULL. */
void ws_loop_destroy(struct ws_loop **loop);

/* Begin to connect to PORT on 127.0.0.1 from source address number SOURCE;
 * TOKEN is sent as a bearer token unless it is NULL. */
void ws_connect(struct ws_loop *loop, struct ws_client *client, uint16_t port, unsigned source,
                const char *token);

/* Send one text frame. What is sent from within a handler of the same client
 * leaves in one write when the handler returns. */
void ws_send(struct ws_loop *loop, struct ws_client *client, const char *text, size_t len);

/* Close without a close frame; closed() is not called. */
void ws_drop(struct ws_loop *loop, struct ws_client *client);

/* Wait at most TIMEOUT_NS for events and handle them. */
void ws_poll(struct ws_loop *loop, uint64_t timeout_ns);

#endif
