/* dialect_socketio_store.c - Socket.IO with rooms and acknowledgements: what a
 * chat server of that kind does once it stores its messages.
 *
 * Members are dealt out to rooms of --fanout. JavaScript's numbers hold an
 * acknowledgement's id up to 2^53 only, so that ids are microseconds here. */
#include "tests/bench/lib/dialect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/lib/swarm.h"

static const uint64_t ns_per_id = 1000;

static bool starts_with(const char *text, size_t len, const char *prefix)
{
    size_t prefix_len = strlen(prefix);

    return len >= prefix_len && memcmp(text, prefix, prefix_len) == 0;
}

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
    char number[24];
    char *end = NULL;

    snprintf(number, sizeof(number), "%.*s", (int)(len - 2), text + 2);
    uint64_t id = strtoull(number, &end, 10) * ns_per_id;
    bool stored = strncmp(end, "[true]", 6) == 0;
    return (struct incoming){.meaning = stored ? MEANING_ANSWER : MEANING_REFUSAL, .id = id};
}

static struct incoming store_read(struct member *member, const char *text, size_t len)
{
    if (starts_with(text, len, "42"))
        return (struct incoming){.meaning = MEANING_DELIVERY};
    if (starts_with(text, len, "43"))
        return read_ack(text, len);
    if (starts_with(text, len, "40"))
        return (struct incoming){.meaning = MEANING_READY};
    if (starts_with(text, len, "0"))
        return (struct incoming){.reply = join_room(member)};
    if (starts_with(text, len, "2"))
        return (struct incoming){.reply = "3"};
    return (struct incoming){.meaning = MEANING_NOTHING};
}

static size_t store_request(const struct member *member, uint64_t id, const char *text, char *out,
                            size_t capacity)
{
    (void)member;
    int len = snprintf(out, capacity, "42%llu[\"message\",\"%s\"]",
                       (unsigned long long)(id / ns_per_id), text);
    return (size_t)len < capacity ? (size_t)len : 0;
}

const struct dialect dialect_socketio_store = {
    .name = "socketio-store",
    .path = "/socket.io/?EIO=4&transport=websocket",
    .answers = true,
    .delivers = true,
    .read = store_read,
    .request = store_request,
};
