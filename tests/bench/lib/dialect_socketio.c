/* dialect_socketio.c - Socket.IO 4 (Engine.IO protocol 4): a room of everybody. */
#include "tests/bench/lib/dialect.h"

#include <stdio.h>

#include "tests/bench/lib/socketio_text.h"

static struct incoming socketio_read(struct member *member, const char *text, size_t len)
{
    (void)member;
    if (socketio_starts(text, len, "42"))
        return (struct incoming){.meaning = MEANING_DELIVERY};
    if (socketio_starts(text, len, "40"))
        return (struct incoming){.meaning = MEANING_READY};
    if (socketio_starts(text, len, "0"))
        return (struct incoming){.reply = "40"};
    if (socketio_starts(text, len, "2"))
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
    .path = SOCKETIO_WEBSOCKET_PATH,
    .delivers = true,
    .read = socketio_read,
    .request = socketio_request,
};

const struct dialect dialect_socketio_polling = {
    .name = "socketio-polling",
    .path = SOCKETIO_POLLING_PATH,
    .polling = true,
    .delivers = true,
    .read = socketio_read,
    .request = socketio_request,
};
