/* redis_topics.c - the streams that this node listens for: those its workers have members of.
 *
 * A worker that asks for a stream is told when Redis has confirmed the subscription, so that it
 * asks the store for the stream's top after that: no event falls between the two. While Redis is
 * away or slow it is told at once; the comparison with the store finds what it may miss.
 */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/mem.h"
#include "server/bus/redis_bus.h"
#include "server/metrics.h"

enum {
    SUBSCRIBE_MAX = 512, /* channels in one command */
    LINGER_MS = 5000,    /* a stream that nobody has any more is kept so long */
    PATIENCE_MS = 1000,  /* for a confirmation */
};

static uint64_t now_ms(void)
{
    return clock_monotonic_ns() / 1000000u;
}

static struct topic *topic_find(struct redis_bus *bus, const char *stream)
{
    struct topic *t;

    HASH_FIND_STR(bus->topics, stream, t);
    return t;
}

static void channel_of(const struct redis_bus *bus, const char *stream, char out[REDIS_NAME_MAX])
{
    (void)snprintf(out, REDIS_NAME_MAX, "%s:s:%s", bus->prefix, stream);
}

/* SUBSCRIBE leaves at the end of the turn, with all others of it. */
static void ask(struct redis_bus *bus, struct topic *t)
{
    if (t->asked)
        return;
    t->asked = true;
    t->since_ms = now_ms();
    bus->unheard++;
    buf_put(&bus->subscribe, t->stream, strlen(t->stream) + 1);
    bus->subscribe_n++;
}

/* T's workers are told at the end of the turn. */
static void answer(struct redis_bus *bus, struct topic *t)
{
    if (t->waiting == 0)
        return;
    if (bus->answered_n == bus->answered_cap) {
        bus->answered_cap = bus->answered_cap == 0 ? 64 : bus->answered_cap * 2;
        bus->answered = mem_realloc_array(bus->answered, bus->answered_cap, sizeof(*bus->answered));
    }
    bus->answered[bus->answered_n++] = t;
}

void topics_listen(struct redis_bus *bus, unsigned worker, const char *stream)
{
    struct topic *t = topic_find(bus, stream);

    if (t == NULL) {
        t = mem_zalloc(sizeof(*t));
        (void)strncpy(t->stream, stream, sizeof(t->stream) - 1);
        HASH_ADD_STR(bus->topics, stream, t);
    } else if (t->workers == 0) {
        DL_DELETE(bus->idle, t);
    }
    t->workers |= UINT64_C(1) << worker;
    t->waiting |= UINT64_C(1) << worker;
    if (redis_conn_is_up(bus->pushes))
        ask(bus, t);
    if (t->heard || !t->asked)
        answer(bus, t);
}

void topics_unlisten(struct redis_bus *bus, unsigned worker, const char *stream)
{
    struct topic *t = topic_find(bus, stream);

    if (t == NULL || t->workers == 0)
        return;
    t->workers &= ~(UINT64_C(1) << worker);
    t->waiting &= t->workers;
    if (t->workers != 0)
        return;
    t->since_ms = now_ms();
    DL_APPEND(bus->idle, t);
}

static void check_if_due(struct redis_bus *bus)
{
    if (!bus->check_due || bus->unheard > 0)
        return;
    bus->check_due = false;
    bus->bus.sink.check(bus->bus.sink.arg);
}

void topics_heard(struct redis_bus *bus, const char *stream)
{
    struct topic *t = topic_find(bus, stream);

    if (t == NULL || !t->asked || t->heard)
        return;
    t->heard = true;
    bus->unheard--;
    answer(bus, t);
    check_if_due(bus);
}

uint64_t topics_workers(struct redis_bus *bus, const char *stream)
{
    const struct topic *t = topic_find(bus, stream);

    return t == NULL ? 0 : t->workers;
}

void topics_up(struct redis_bus *bus)
{
    struct topic *t;
    struct topic *tmp;

    bus->check_due = true;
    bus->unheard = 1; /* the control channel */
    HASH_ITER(hh, bus->topics, t, tmp)
    {
        ask(bus, t);
    }
}

void topics_control_heard(struct redis_bus *bus)
{
    bus->unheard -= bus->unheard > 0;
    check_if_due(bus);
}

void topics_down(struct redis_bus *bus)
{
    struct topic *t;
    struct topic *tmp;

    bus->unheard = 0;
    buf_clear(&bus->subscribe);
    bus->subscribe_n = 0;
    HASH_ITER(hh, bus->topics, t, tmp)
    {
        t->asked = t->heard = false;
        answer(bus, t);
    }
}

/* One SUBSCRIBE for up to SUBSCRIBE_MAX of the names from *NAME on. */
static void subscribe(struct redis_bus *bus, const char **name, size_t n)
{
    static char channels[SUBSCRIBE_MAX][REDIS_NAME_MAX]; /* of the bus's thread alone */
    struct redis_arg args[SUBSCRIBE_MAX + 1];

    args[0] = REDIS_ARG("SUBSCRIBE");
    for (size_t i = 0; i < n; i++) {
        channel_of(bus, *name, channels[i]);
        args[i + 1] = REDIS_ARG(channels[i]);
        *name += strlen(*name) + 1;
    }
    (void)redis_conn_command(bus->pushes, args, n + 1, NULL, NULL);
}

/* Tells each worker at once about all streams that it waits for. */
static void tell(struct redis_bus *bus)
{
    const char **names = mem_alloc(bus->answered_n * sizeof(*names));

    for (unsigned w = 0; w < 64; w++) {
        uint64_t bit = UINT64_C(1) << w;
        size_t n = 0;
        for (size_t i = 0; i < bus->answered_n; i++) {
            if ((bus->answered[i]->waiting & bit) != 0)
                names[n++] = bus->answered[i]->stream;
            bus->answered[i]->waiting &= ~bit;
        }
        if (n > 0)
            bus->bus.sink.listening(bus->bus.sink.arg, w, names, n);
    }
    free((void *)names);
    bus->answered_n = 0;
}

void topics_flush(struct redis_bus *bus)
{
    const char *name = bus->subscribe.data;

    while (bus->subscribe_n > 0) {
        size_t n = bus->subscribe_n < SUBSCRIBE_MAX ? bus->subscribe_n : SUBSCRIBE_MAX;
        subscribe(bus, &name, n);
        bus->subscribe_n -= n;
    }
    buf_clear(&bus->subscribe);
    if (bus->answered_n > 0)
        tell(bus);
}

static void topic_free(struct redis_bus *bus, struct topic *t)
{
    HASH_DEL(bus->topics, t);
    free(t);
}

/* Streams without a member for long enough are not listened for any more. One that Redis has not
 * confirmed waits for that: a late confirmation must not be taken for a newer one's. */
static void drop_idle(struct redis_bus *bus, uint64_t now)
{
    struct topic *t;
    struct topic *tmp;
    char channel[REDIS_NAME_MAX];

    DL_FOREACH_SAFE(bus->idle, t, tmp)
    {
        if (now - t->since_ms < LINGER_MS)
            break;
        if (t->asked && !t->heard)
            continue;
        channel_of(bus, t->stream, channel);
        if (t->heard &&
            !redis_conn_command(bus->pushes,
                                (struct redis_arg[]){REDIS_ARG("UNSUBSCRIBE"), REDIS_ARG(channel)},
                                2, NULL, NULL))
            break;
        DL_DELETE(bus->idle, t);
        topic_free(bus, t);
    }
}

void topics_tick(struct redis_bus *bus)
{
    uint64_t now = now_ms();
    struct topic *t;
    struct topic *tmp;

    drop_idle(bus, now);
    metric_set(METRIC_BUS_STREAMS, HASH_COUNT(bus->topics));
    if (bus->unheard == 0)
        return;
    HASH_ITER(hh, bus->topics, t, tmp)
    {
        if (t->waiting != 0 && now - t->since_ms >= PATIENCE_MS)
            answer(bus, t);
    }
}

void topics_free(struct redis_bus *bus)
{
    struct topic *t;
    struct topic *tmp;

    HASH_ITER(hh, bus->topics, t, tmp)
    {
        topic_free(bus, t);
    }
    free(bus->answered);
    buf_free(&bus->subscribe);
}
