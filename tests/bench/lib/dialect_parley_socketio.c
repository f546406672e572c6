/* dialect_parley_socketio.c - Parley's commands and events as socket.io-client speaks them:
 * the token in the CONNECT packet, commands with an ack. */
#include "tests/bench/lib/dialect.h"

#include <stdio.h>

#include "tests/bench/lib/socketio_text.h"
#include "tests/bench/lib/swarm.h"

/* Borrowed until the next call: one thread, and it is sent at once. */
static const char *connect_packet(const struct member *member)
{
    static char connect[256];

    snprintf(connect, sizeof(connect), "40{\"token\":\"%s\"}", member->person->token);
    return connect;
}

static struct incoming read_ack(const char *text, size_t len)
{
    bool ok = false;
    uint64_t id = socketio_ack(text, len, "[{\"result\":", &ok);

    return (struct incoming){.meaning = ok ? MEANING_ANSWER : MEANING_REFUSAL, .id = id};
}

static struct incoming chat_read(struct member *member, const char *text, size_t len)
{
    if (socketio_starts(text, len, "42[\"message.created\""))
        return (struct incoming){.meaning = MEANING_DELIVERY};
    if (socketio_starts(text, len, "43"))
        return read_ack(text, len);
    if (socketio_starts(text, len, "42[\"session.started\""))
        return (struct incoming){.meaning = MEANING_READY};
    if (socketio_starts(text, len, "44"))
        return (struct incoming){.meaning = MEANING_REFUSAL};
    if (socketio_starts(text, len, "0"))
        return (struct incoming){.reply = connect_packet(member)};
    if (socketio_starts(text, len, "2"))
        return (struct incoming){.reply = "3"};
    return (struct incoming){.meaning = MEANING_NOTHING};
}

static size_t chat_send(const struct member *member, uint64_t id, const char *text, char *out,
                        size_t capacity)
{
    unsigned long long number = id;
    int len = snprintf(out, capacity,
                       "42%llu[\"message.send\",{\"channel\":\"%s\",\"text\":\"%s\","
                       "\"client_msg_id\":\"%llx\"}]",
                       number / SOCKETIO_NS_PER_ID, member->person->channel, text, number);

    return (size_t)len < capacity ? (size_t)len : 0;
}

const struct dialect dialect_parley_socketio = {
    .name = "parley-socketio",
    .path = SOCKETIO_WEBSOCKET_PATH,
    .signs_in = true,
    .token_in_text = true,
    .answers = true,
    .delivers = true,
    .read = chat_read,
    .request = chat_send,
};

const struct dialect dialect_parley_socketio_polling = {
    .name = "parley-socketio-polling",
    .path = SOCKETIO_POLLING_PATH,
    .polling = true,
    .signs_in = true,
    .token_in_text = true,
    .answers = true,
    .delivers = true,
    .read = chat_read,
    .request = chat_send,
};
