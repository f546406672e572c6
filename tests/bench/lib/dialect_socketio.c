/* dialect_socketio.c - Socket.IO 4 over WebSocket (Engine.IO protocol 4).
 *
 * The first character is the Engine.IO packet: 0 open, 2 ping, 3 pong,
 * 4 message; behind a 4 comes the Socket.IO packet: 0 connect, 2 event. */
#include "tests/bench/lib/dialect.h"

#include <stdio.h>
#include <string.h>

static bool starts_with(const char *text, size_t len, const char *prefix)
{
    size_t prefix_len = strlen(prefix);

    return len >= prefix_len && memcmp(text, prefix, prefix_len) == 0;
}

static struct incoming socketio_read(struct member *member, const char *text, size_t len)
{
    (void)member;
    if (starts_with(text, len, "42"))
        return (struct incoming){.meaning = MEANING_DELIVERY};
    if (starts_with(text, len, "40"))
        return (struct incoming){.meaning = MEANING_READY};
    if (starts_with(text, len, "0"))
        return (struct incoming){.reply = "40"};
    if (starts_with(text, len, "2"))
        return (struct incoming){.reply = "3"};
    return (struct incoming){.meaning = MEANING_NOTHING};
}

static size_t socketio_request(const struct member *member, uint64_t id, const char *text,
                               char *out, size_t capacity)
{
    (void)member;
    (void)id;
    int len = snprintf(out, capacity, "42[\"message\",\"%s\"]", text);
    return (size_t)len < capacity ? (size_t)len : 0;
}

const struct dialect dialect_socketio = {
    .name = "socketio",
    .path = "/socket.io/?EIO=4&transport=websocket",
    .delivers = true,
    .read = socketio_read,
    .request = socketio_request,
};
