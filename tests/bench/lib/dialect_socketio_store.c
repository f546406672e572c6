/* dialect_socketio_store.c - Socket.IO with rooms and acknowledgements: what a
 * chat server of that kind does once it stores its messages.
 *
 * Members are dealt out to rooms of --fanout. */
#include "tests/bench/lib/dialect.h"

#include <stdio.h>

#include "tests/bench/lib/socketio_text.h"
#include "tests/bench/lib/swarm.h"

/* Borrowed until the next call: one thread, and it is sent at once. */
static const char *join_room(const struct member *member)
{
    static char join[64];

    snprintf(join, sizeof(join), "40{\"room\":\"room-%u\"}",
             member->index / member->swarm->options->fanout);
    return join;
}

/* 43<id>[true], or [false] when the database refused. */
static struct incoming read_ack(const char *text, size_t len)
{
    bool stored = false;
    uint64_t id = socketio_ack(text, len, "[true]", &stored);

    return (struct incoming){.meaning = stored ? MEANING_ANSWER : MEANING_REFUSAL, .id = id};
}

static struct incoming store_read(struct member *member, const char *text, size_t len)
{
    if (socketio_starts(text, len, "42"))
        return (struct incoming){.meaning = MEANING_DELIVERY};
    if (socketio_starts(text, len, "43"))
        return read_ack(text, len);
    if (socketio_starts(text, len, "40"))
        return (struct incoming){.meaning = MEANING_READY};
    if (socketio_starts(text, len, "0"))
        return (struct incoming){.reply = join_room(member)};
    if (socketio_starts(text, len, "2"))
        return (struct incoming){.reply = "3"};
    return (struct incoming){.meaning = MEANING_NOTHING};
}

static size_t store_request(const struct member *member, uint64_t id, const char *text, char *out,
                            size_t capacity)
{
    (void)member;
    int len = snprintf(out, capacity, "42%llu[\"message\",\"%s\"]",
                       (unsigned long long)(id / SOCKETIO_NS_PER_ID), text);
    return (size_t)len < capacity ? (size_t)len : 0;
}

const struct dialect dialect_socketio_store = {
    .name = "socketio-store",
    .path = SOCKETIO_WEBSOCKET_PATH,
    .answers = true,
    .delivers = true,
    .read = store_read,
    .request = store_request,
};
