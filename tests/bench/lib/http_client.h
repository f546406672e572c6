/* http_client.h - thousands of HTTP/1.1 keep-alive connections on one epoll loop.
 *
 * One request at a time on a connection. Answers need a Content-Length or have
 * no body; anything else is a fault.
 *
 * Threading: one loop and its clients belong to one thread.
 * Ownership: the caller owns the http_client structs (zeroed before the first
 *            http_connect) and keeps them in place while they are connected.
 * Errors:    a connection that fails in any way reports closed() once, with
 *            the reason; running out of memory aborts.
 */
#ifndef TESTS_BENCH_LIB_HTTP_CLIENT_H
#define TESTS_BENCH_LIB_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct http_client {
    void *owner; /* whatever the caller likes; untouched */
    int fd;
    bool open; /* or about to be */
    bool busy; /* a request waits for its answer */
    bool awaits_writable;
    struct buf rest; /* the begun answer a read ended with */
    struct buf out;  /* what the kernel has not taken yet */
};

struct http_answer {
    int status;
    const char *body; /* borrowed */
    size_t len;
    uint64_t read_ns; /* when its last bytes were read from the kernel */
};

struct http_handlers {
    /* The client may send its next request from here. */
    void (*answered)(struct http_client *client, const struct http_answer *answer, void *ctx);
    /* The client may be connected again from here. REASON is borrowed; BUSY: a request had no
     * answer yet. */
    void (*closed)(struct http_client *client, const char *reason, bool busy, void *ctx);
};

struct http_loop;

/* HANDLERS are borrowed for the life of the loop. */
struct http_loop *http_loop_create(const struct http_handlers *handlers, void *ctx);
/* Does not close clients that are still connected. Sets *LOOP to NULL. */
void http_loop_destroy(struct http_loop **loop);

/* Connect to PORT on 127.0.0.1; requests may be sent at once. */
void http_connect(struct http_loop *loop, struct http_client *client, uint16_t port);

/* Send "METHOD PATH" with HEADERS (each line ended by CRLF) and a body of LEN bytes; BODY may be
 * NULL. The client must not be busy. */
void http_request(struct http_loop *loop, struct http_client *client, const char *method,
                  const char *path, const char *headers, const char *body, size_t len);

/* Close; closed() is not called. */
void http_drop(struct http_loop *loop, struct http_client *client);

/* Wait at most TIMEOUT_NS for events and handle them. */
void http_poll(struct http_loop *loop, uint64_t timeout_ns);

#endif
