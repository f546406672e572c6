/* socketio_text.h - what the dialects of Socket.IO share.
 *
 * The first character is the Engine.IO packet: 0 open, 2 ping, 3 pong,
 * 4 message; behind a 4 comes the Socket.IO packet: 0 connect, 2 event, 3 ack,
 * 4 refusal. JavaScript's numbers hold an ack's id up to 2^53 only, so that the
 * nanoseconds of a request's id are microseconds there. */
#ifndef TESTS_BENCH_LIB_SOCKETIO_TEXT_H
#define TESTS_BENCH_LIB_SOCKETIO_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOCKETIO_WEBSOCKET_PATH "/socket.io/?EIO=4&transport=websocket"
#define SOCKETIO_POLLING_PATH "/socket.io/?EIO=4&transport=polling"

#define SOCKETIO_NS_PER_ID UINT64_C(1000)

static inline bool socketio_starts(const char *text, size_t len, const char *prefix)
{
    size_t prefix_len = strlen(prefix);

    return len >= prefix_len && memcmp(text, prefix, prefix_len) == 0;
}

/* The request that 43<id>[...] answers, and whether the argument of the ack begins with WANTED. */
static inline uint64_t socketio_ack(const char *text, size_t len, const char *wanted, bool *ok_out)
{
    char head[64];
    char *end = NULL;

    snprintf(head, sizeof(head), "%.*s", (int)(len - 2), text + 2);
    uint64_t id = strtoull(head, &end, 10) * SOCKETIO_NS_PER_ID;
    *ok_out = strncmp(end, wanted, strlen(wanted)) == 0;
    return id;
}

#endif
