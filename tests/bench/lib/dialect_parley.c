/* dialect_parley.c - Parley's own protocol: JSON-RPC 2.0 over /ws. */
#include "tests/bench/lib/dialect.h"

#include <stdio.h>
#include <string.h>

#include "tests/bench/lib/json_scan.h"
#include "tests/bench/lib/swarm.h"

enum { SESSION_START_ID = 1 };

static size_t append_position(const struct position *position, char *out, size_t capacity)
{
    if (position->epoch[0] == '\0')
        return 0;
    int len = snprintf(out, capacity, ",\"%s\":{\"epoch\":\"%s\",\"seq\":%llu}", position->stream,
                       position->epoch, (unsigned long long)position->seq);
    return (size_t)len < capacity ? (size_t)len : 0;
}

static size_t parley_greet(const struct member *member, char *out, size_t capacity)
{
    char streams[256] = "";
    size_t len = append_position(&member->channel, streams, sizeof(streams));

    append_position(&member->own, streams + len, sizeof(streams) - len);
    int total = snprintf(out, capacity,
                         "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"session.start\","
                         "\"params\":{\"streams\":{%s}}}",
                         SESSION_START_ID, streams[0] == ',' ? streams + 1 : "");
    return (size_t)total < capacity ? (size_t)total : 0;
}

static void copy_content(struct json_span value, char *out, size_t capacity)
{
    struct json_span content = json_content(value);

    snprintf(out, capacity, "%.*s", content.at != NULL ? (int)content.len : 0,
             content.at != NULL ? content.at : "");
}

/* STREAM is an object with epoch, seq and perhaps resumed. A position that we
 * named and that was resumed stays ours: the missed events are still to come. */
static void note_start(struct member *member, struct position *position, struct json_span stream)
{
    struct json_span resumed = json_member(stream, "resumed");

    if (position->epoch[0] != '\0' && json_equals(resumed, "true"))
        return;
    if (position->epoch[0] != '\0')
        member->lost_place = true;
    copy_content(json_member(stream, "epoch"), position->epoch, sizeof(position->epoch));
    position->seq = json_number(json_member(stream, "seq"));
}

static void note_channel(struct member *member, struct json_span channels)
{
    size_t cursor = 0;
    struct json_span channel;

    while (json_next(channels, &cursor, &channel)) {
        struct json_span id = json_content(json_member(channel, "id"));
        if (!json_equals(id, member->person->channel))
            continue;
        snprintf(member->channel.stream, sizeof(member->channel.stream), "c:%s",
                 member->person->channel);
        note_start(member, &member->channel, channel);
    }
}

static void note_own_stream(struct member *member, struct json_span streams)
{
    size_t cursor = 0;
    struct json_span name;
    struct json_span stream;

    while (json_next_member(streams, &cursor, &name, &stream)) {
        if (name.len < 2 || memcmp(name.at, "u:", 2) != 0)
            continue;
        snprintf(member->own.stream, sizeof(member->own.stream), "%.*s", (int)name.len, name.at);
        note_start(member, &member->own, stream);
    }
}

static struct incoming read_answer(struct member *member, struct json_span frame, uint64_t id)
{
    struct json_span result = json_member(frame, "result");

    if (result.at == NULL)
        return (struct incoming){.meaning = MEANING_REFUSAL, .id = id};
    if (id != SESSION_START_ID)
        return (struct incoming){.meaning = MEANING_ANSWER, .id = id};
    note_channel(member, json_member(result, "channels"));
    note_own_stream(member, json_member(result, "streams"));
    return (struct incoming){.meaning = MEANING_READY};
}

static struct incoming read_event(struct member *member, struct json_span frame,
                                  struct json_span method)
{
    if (member->channel.epoch[0] != '\0' && member_tracks_seq(member)) {
        struct json_span params = json_member(frame, "params");
        member_note_event(member, json_content(json_member(params, "stream")),
                          json_number(json_member(params, "seq")));
    }
    if (json_equals(json_content(method), "message.created"))
        return (struct incoming){.meaning = MEANING_DELIVERY};
    return (struct incoming){.meaning = MEANING_NOTHING};
}

/* Whichever of method and id comes first tells events from answers, so that
 * the rest of an event is not looked at. */
static struct incoming parley_read(struct member *member, const char *text, size_t len)
{
    struct json_span frame = {text, len};
    struct json_span key;
    struct json_span value;
    size_t cursor = 0;

    while (json_next_member(frame, &cursor, &key, &value)) {
        if (json_equals(key, "method"))
            return read_event(member, frame, value);
        if (json_equals(key, "id"))
            return read_answer(member, frame, json_number(value));
    }
    return (struct incoming){.meaning = MEANING_NOTHING};
}

static size_t parley_send(const struct member *member, uint64_t id, const char *text, char *out,
                          size_t capacity)
{
    unsigned long long number = id;
    int len = snprintf(out, capacity,
                       "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"message.send\",\"params\":"
                       "{\"channel\":\"%s\",\"text\":\"%s\",\"client_msg_id\":\"%llx\"}}",
                       number, member->person->channel, text, number);

    return (size_t)len < capacity ? (size_t)len : 0;
}

static size_t parley_history(const struct member *member, uint64_t id, const char *text, char *out,
                             size_t capacity)
{
    (void)text;
    int len = snprintf(out, capacity,
                       "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"message.history\","
                       "\"params\":{\"channel\":\"%s\",\"limit\":50}}",
                       (unsigned long long)id, member->person->channel);

    return (size_t)len < capacity ? (size_t)len : 0;
}

const struct dialect dialect_parley = {
    .name = "parley",
    .path = "/ws",
    .signs_in = true,
    .answers = true,
    .delivers = true,
    .greet = parley_greet,
    .read = parley_read,
    .request = parley_send,
};

const struct dialect dialect_parley_history = {
    .name = "parley-history",
    .path = "/ws",
    .signs_in = true,
    .answers = true,
    .greet = parley_greet,
    .read = parley_read,
    .request = parley_history,
};
