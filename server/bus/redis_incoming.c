/* redis_incoming.c - what comes through Redis: checked, and handed over to this node's workers. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "server/bus/envelope.h"
#include "server/bus/redis_bus.h"
#include "server/event.h"
#include "server/frame.h"
#include "server/metrics.h"

/* -- in --------------------------------------------------------------------------------------- */

static void reject(enum metric_bus_reject reason)
{
    metric_add_by(METRIC_BUS_REJECTED, reason, 1);
}

static bool reject_fault(enum envelope_fault fault)
{
    static const enum metric_bus_reject reasons[] = {
        [ENVELOPE_OTHER_VERSION] = METRIC_BUS_REJECT_VERSION,
        [ENVELOPE_MALFORMED] = METRIC_BUS_REJECT_MALFORMED,
        [ENVELOPE_OVERSIZE] = METRIC_BUS_REJECT_OVERSIZE,
    };

    if (fault == ENVELOPE_OK)
        return false;
    reject(reasons[fault]);
    return true;
}

/* Only nodes of the cluster are listened to. */
static bool is_foreign(struct redis_bus *bus, const char *node)
{
    if (nodes_find(bus, node) != NULL)
        return false;
    reject(METRIC_BUS_REJECT_FOREIGN);
    return true;
}

void incoming_hand_over(struct redis_bus *bus)
{
    struct event *events[REDIS_INCOMING_MAX];

    for (size_t from = 0, to; from < bus->incoming_n; from = to) {
        uint64_t workers = bus->incoming[from].workers;
        for (to = from; to < bus->incoming_n && bus->incoming[to].workers == workers; to++)
            events[to - from] = bus->incoming[to].event;
        bus->bus.sink.events(bus->bus.sink.arg, workers, events, to - from);
    }
    for (size_t i = 0; i < bus->incoming_n; i++)
        event_unref(bus->incoming[i].event);
    bus->incoming_n = 0;
}

static void take_ephemeral(struct redis_bus *bus, const char *const *streams, size_t n,
                           const char *json, size_t json_len, const char *except)
{
    struct frame *frame = frame_text(json, json_len);

    frame->ephemeral = 1;
    incoming_hand_over(bus); /* what came before it goes before it */
    bus->bus.sink.ephemeral(bus->bus.sink.arg, streams, n, frame,
                            except[0] != '\0' ? except : NULL);
    frame_unref(frame);
}

/* What came on the channel of STREAM. */
static void take_envelope(struct redis_bus *bus, const char *stream, const redisReply *bytes)
{
    struct envelope e;
    uint64_t workers = topics_workers(bus, stream);

    if (workers == 0 || reject_fault(envelope_read(bytes->str, bytes->len, &e)))
        return; /* the last member went, and Redis does not know it yet */
    if (strcmp(e.node, bus->node) == 0 || is_foreign(bus, e.node))
        return;
    if (strcmp(e.stream, stream) != 0) {
        reject(METRIC_BUS_REJECT_STREAM);
        return;
    }
    metric_add(METRIC_BUS_RECEIVED, 1);
    if ((e.flags & ENVELOPE_EPHEMERAL) != 0) {
        take_ephemeral(bus, &e.stream, 1, e.json, e.json_len, e.except);
        return;
    }
    bus->incoming[bus->incoming_n++] = (struct incoming){event_from(&e), workers};
    if (bus->incoming_n == REDIS_INCOMING_MAX)
        incoming_hand_over(bus);
}

static const char *opt(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void take_control(struct redis_bus *bus, const redisReply *bytes)
{
    const struct bus_sink *sink = &bus->bus.sink;
    struct control c;

    if (reject_fault(control_read(bytes->str, bytes->len, &c)) || strcmp(c.node, bus->node) == 0)
        return;
    if (c.kind == CONTROL_HELLO) {
        sink->account(sink->arg); /* what it could not say while it was away */
        nodes_hello(bus, c.node);
        return;
    }
    if (is_foreign(bus, c.node))
        return;
    metric_add(METRIC_BUS_RECEIVED, 1);
    switch (c.kind) {
    case CONTROL_EPHEMERAL:
        take_ephemeral(bus, c.list, c.list_n, c.json, c.json_len, c.except);
        break;
    case CONTROL_REVOKE:
        sink->revoke(sink->arg, opt(c.user), opt(c.session), opt(c.except));
        break;
    case CONTROL_ROLE:
        sink->role(sink->arg, c.user, c.role);
        break;
    case CONTROL_PRESENCE:
        presence_heard(bus, &c);
        break;
    case CONTROL_LOGIN:
        for (size_t i = 0; i < c.list_n; i++)
            sink->attempt(sink->arg, c.list[i], c.seq != 0);
        break;
    case CONTROL_ACCOUNT:
        sink->account(sink->arg);
        break;
    case CONTROL_BYE:
        nodes_bye(bus, c.node);
        break;
    case CONTROL_DRAIN:
        if (strcmp(c.name, bus->name) == 0)
            sink->drain(sink->arg);
        break;
    default:
        break;
    }
}

static bool is_text(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS;
}

/* "<prefix>:s:<stream>" -> the stream; NULL: another channel. */
static const char *stream_of(const struct redis_bus *bus, const char *channel)
{
    size_t n = strlen(bus->prefix);

    return strncmp(channel, bus->prefix, n) == 0 && strncmp(channel + n, ":s:", 3) == 0
               ? channel + n + 3
               : NULL;
}

void incoming_pushed(void *arg, const redisReply *reply)
{
    struct redis_bus *bus = arg;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements < 2 ||
        !is_text(reply->element[0]) || !is_text(reply->element[1])) {
        if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
            log_warn("refused by Redis", LOG_STR("reason", reply->str));
        return;
    }
    const char *what = reply->element[0]->str;
    const char *channel = reply->element[1]->str;
    const char *stream = stream_of(bus, channel);
    if (strcmp(what, "subscribe") == 0 && stream != NULL) {
        topics_heard(bus, stream);
    } else if (strcmp(what, "subscribe") == 0) {
        nodes_heard(bus); /* what they say from now on is not missed */
        bus->bus.sink.account(bus->bus.sink.arg);
        topics_control_heard(bus);
    } else if (strcmp(what, "message") == 0 && reply->elements == 3 && is_text(reply->element[2])) {
        if (stream != NULL)
            take_envelope(bus, stream, reply->element[2]);
        else if (strcmp(channel, bus->control) == 0)
            take_control(bus, reply->element[2]);
    }
}
