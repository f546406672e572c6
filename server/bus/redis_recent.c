/* redis_recent.c - the latest events of each channel in Redis: a sorted set by seq for each stream.
 *
 * Who commits an event adds it there, on the connection and just before it is published: who has
 * heard of an event finds it. Adding twice, late or from several nodes at once changes nothing,
 * because an entry says all about itself; a reader takes only what fits without a hole
 * (recent.h). Text that was deleted goes at once, and when Redis is away, as soon as it is back.
 *
 *   ZADD <prefix>:r:<stream> <seq> <entry>    trimmed to RECENT_EVENTS, gone after KEEP_MS
 */
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "server/bus/envelope.h"
#include "server/bus/redis_bus.h"
#include "server/event.h"
#include "server/metrics.h"
#include "server/recent.h"

enum {
    PATIENCE_MS = 100, /* for an answer; the store has it too */
    REST_MS = 200,     /* not asked for so long after it was slow */
    TRIM_EVERY = 16,   /* events */
    OWED_MAX = 4096,   /* streams with something to forget; beyond that KEEP_MS has to do */
};
#define KEEP_MS "1800000"
static const uint64_t ns_per_ms = 1000000;
static const uint64_t seq_max = (uint64_t)1 << 53; /* a score is a double */

/* A question under way. READ is NULL when it was given back. */
struct asked {
    struct mail mail;
    struct redis_bus *bus;
    struct recent_read *read;
    uint64_t at_ns;
    bool listed;
    struct asked *prev, *next;
};

/* To be forgotten when Redis is back: what STREAM had before an event. */
struct owed {
    char stream[STORE_STREAM_SIZE];
    uint64_t before;
    UT_hash_handle hh;
};

static void key_of(const struct redis_bus *bus, const char *stream, char key_out[REDIS_NAME_MAX])
{
    (void)snprintf(key_out, REDIS_NAME_MAX, "%s:r:%s", bus->prefix, stream);
}

static void refused(struct redis_bus *bus, const redisReply *reply)
{
    metric_add(METRIC_CACHE_REFUSED, 1);
    if (!log_limited(&bus->refused_log_ms, 10000))
        log_warn("the cache of recent events refuses", LOG_STR("reason", reply->str));
}

static void on_changed(void *arg, const redisReply *reply)
{
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
        refused(arg, reply);
}

/* -- forgetting ------------------------------------------------------------------------------- */

struct forgetting {
    struct redis_bus *bus;
    char stream[STORE_STREAM_SIZE];
    uint64_t before;
    bool last_try;
};

static void owe(struct redis_bus *bus, const char *stream, uint64_t before)
{
    struct owed *o;

    HASH_FIND_STR(bus->owed, stream, o);
    if (o == NULL) {
        if (HASH_COUNT(bus->owed) == OWED_MAX)
            return;
        o = mem_zalloc(sizeof(*o));
        (void)snprintf(o->stream, sizeof(o->stream), "%s", stream);
        HASH_ADD_STR(bus->owed, stream, o);
    }
    o->before = before > o->before ? before : o->before;
}

static void forget(struct redis_bus *bus, const char *stream, uint64_t before, bool last_try);

static void on_forgotten(void *arg, const redisReply *reply)
{
    struct forgetting *f = arg;

    if (reply == NULL && !atomic_load(&f->bus->stopped)) {
        owe(f->bus, f->stream, f->before);
    } else if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        refused(f->bus, reply);
        if (!f->last_try) /* it is something else than a sorted set: away with it */
            forget(f->bus, f->stream, UINT64_MAX, true);
    }
    free(f);
}

static void forget(struct redis_bus *bus, const char *stream, uint64_t before, bool last_try)
{
    struct forgetting *f = mem_zalloc(sizeof(*f));
    char key[REDIS_NAME_MAX];
    char score[32];

    f->bus = bus;
    (void)snprintf(f->stream, sizeof(f->stream), "%s", stream);
    f->before = before;
    f->last_try = last_try;
    key_of(bus, stream, key);
    (void)snprintf(score, sizeof(score), "(%" PRIu64, before);
    struct redis_arg all[] = {REDIS_ARG("DEL"), REDIS_ARG(key)};
    struct redis_arg some[] = {REDIS_ARG("ZREMRANGEBYSCORE"), REDIS_ARG(key), REDIS_ARG("-inf"),
                               REDIS_ARG(score)};
    bool sent = before == UINT64_MAX
                    ? redis_conn_command(bus->commands, all, ARRAY_LEN(all), on_forgotten, f)
                    : redis_conn_command(bus->commands, some, ARRAY_LEN(some), on_forgotten, f);
    if (sent)
        return;
    owe(bus, stream, before);
    free(f);
}

struct forget_mail {
    struct mail mail;
    struct redis_bus *bus;
    char stream[STORE_STREAM_SIZE];
    uint64_t before;
};

static void run_forget(struct worker *none, struct mail *mail)
{
    struct forget_mail *m = container_of(mail, struct forget_mail, mail);

    (void)none;
    if (!atomic_load(&m->bus->stopped))
        forget(m->bus, m->stream, m->before, false);
    free(m);
}

void redis_recent_forget(struct bus *base, const char *stream, uint64_t before)
{
    struct redis_bus *bus = redis_bus_of(base);
    struct forget_mail *m;

    if (stream[0] != 'c') /* also with the cache off: another node may have it on */
        return;
    m = mem_zalloc(sizeof(*m));
    m->mail.run = run_forget;
    m->bus = bus;
    (void)snprintf(m->stream, sizeof(m->stream), "%s", stream);
    m->before = before;
    mailbox_post(&bus->box, &m->mail);
}

/* -- keeping ---------------------------------------------------------------------------------- */

static void expire(struct redis_bus *bus, const char *key)
{
    struct redis_arg args[] = {REDIS_ARG("PEXPIRE"), REDIS_ARG(key), REDIS_ARG(KEEP_MS)};

    (void)redis_conn_command(bus->commands, args, ARRAY_LEN(args), on_changed, bus);
}

static void trim(struct redis_bus *bus, const char *key)
{
    char rank[16];

    (void)snprintf(rank, sizeof(rank), "-%d", RECENT_EVENTS + 1);
    struct redis_arg args[] = {REDIS_ARG("ZREMRANGEBYRANK"), REDIS_ARG(key), REDIS_ARG("0"),
                               REDIS_ARG(rank)};
    (void)redis_conn_command(bus->commands, args, ARRAY_LEN(args), on_changed, bus);
}

void recent_keep(struct redis_bus *bus, const struct event *event)
{
    char key[REDIS_NAME_MAX];
    char score[32];

    if (event->stream[0] != 'c')
        return;
    if (event->type == STORE_EVENT_MESSAGE_DELETED)
        forget(bus, event->stream, event->seq, false);
    if (event->type == STORE_EVENT_CHANNEL_DELETED)
        forget(bus, event->stream, UINT64_MAX, false);
    buf_clear(&bus->scratch);
    if (!bus->keeps_recent || event->type == STORE_EVENT_CHANNEL_DELETED || event->seq > seq_max ||
        !redis_conn_is_up(bus->commands) || !recent_entry(&bus->scratch, event))
        return;
    key_of(bus, event->stream, key);
    (void)snprintf(score, sizeof(score), "%" PRIu64, event->seq);
    struct redis_arg args[] = {
        REDIS_ARG("ZADD"), REDIS_ARG(key), REDIS_ARG(score), {bus->scratch.data, bus->scratch.len}};
    if (!redis_conn_command(bus->commands, args, ARRAY_LEN(args), on_changed, bus))
        return;
    metric_add(METRIC_CACHE_KEPT, 1);
    if (event->seq % TRIM_EVERY == 0)
        trim(bus, key);
    expire(bus, key);
}

struct fill_mail {
    struct mail mail;
    struct redis_bus *bus;
    bool anew;
    size_t n;
    struct event *events[];
};

/* The entries go in with one command. */
static void add_all(struct redis_bus *bus, const char *key, struct event *const *events, size_t n)
{
    struct redis_arg *args = mem_zalloc((2 + 2 * n) * sizeof(*args));
    size_t *ends = mem_zalloc((n + 1) * sizeof(*ends));
    char(*scores)[32] = mem_zalloc((n + 1) * sizeof(*scores));
    size_t first = 0;

    buf_clear(&bus->scratch);
    for (size_t i = 0; i < n; i++) {
        size_t before = bus->scratch.len;
        if (!recent_entry(&bus->scratch, events[i])) {
            bus->scratch.len = before;
            first = i + 1; /* what is before it is of no use: there is a hole */
        }
        ends[i + 1] = bus->scratch.len;
    }
    args[0] = REDIS_ARG("ZADD");
    args[1] = REDIS_ARG(key);
    for (size_t i = first; i < n; i++) {
        struct redis_arg *pair = &args[2 + 2 * (i - first)];
        (void)snprintf(scores[i], sizeof(scores[i]), "%" PRIu64, events[i]->seq);
        pair[0] = REDIS_ARG(scores[i]);
        pair[1] = (struct redis_arg){bus->scratch.data + ends[i], ends[i + 1] - ends[i]};
    }
    if (first < n && redis_conn_command(bus->commands, args, 2 + 2 * (n - first), on_changed, bus))
        metric_add(METRIC_CACHE_KEPT, n - first);
    free(scores);
    free(ends);
    free(args);
}

static void fill(struct redis_bus *bus, const struct fill_mail *m)
{
    const struct event *last = m->events[m->n - 1];
    char key[REDIS_NAME_MAX];

    if (last->seq > seq_max || !redis_conn_is_up(bus->commands))
        return;
    key_of(bus, last->stream, key);
    forget(bus, last->stream, m->anew ? UINT64_MAX : last->seq + 1, false);
    add_all(bus, key, m->events, m->n);
    trim(bus, key);
    expire(bus, key);
}

static void run_fill(struct worker *none, struct mail *mail)
{
    struct fill_mail *m = container_of(mail, struct fill_mail, mail);

    (void)none;
    if (!atomic_load(&m->bus->stopped))
        fill(m->bus, m);
    for (size_t i = 0; i < m->n; i++)
        event_unref(m->events[i]);
    free(m);
}

void redis_recent_fill(struct bus *base, struct event *const *events, size_t n, bool anew)
{
    struct redis_bus *bus = redis_bus_of(base);
    struct fill_mail *m = mem_zalloc(sizeof(*m) + n * sizeof(m->events[0]));

    m->mail.run = run_fill;
    m->bus = bus;
    m->anew = anew;
    m->n = n;
    for (size_t i = 0; i < n; i++)
        m->events[i] = event_ref(events[i]);
    mailbox_post(&bus->box, &m->mail);
}

/* -- asking ----------------------------------------------------------------------------------- */

static void give_back(struct asked *a, enum recent_outcome outcome)
{
    struct recent_read *read = a->read;

    a->read = NULL;
    if (a->listed)
        DL_DELETE(a->bus->asked, a);
    a->listed = false;
    read->outcome = outcome;
    mailbox_post(read->box, &read->mail);
}

static enum recent_outcome take_entries(struct buf *out, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY)
        return RECENT_REFUSED;
    for (size_t i = 0; i < reply->elements && i < RECENT_MORE; i++) {
        const redisReply *entry = reply->element[i];
        uint32_t n = (uint32_t)entry->len;
        if (entry->type != REDIS_REPLY_STRING || entry->len > RECENT_BYTES)
            return RECENT_REFUSED;
        buf_put(out, &n, sizeof(n));
        buf_put(out, entry->str, n);
    }
    return RECENT_READ;
}

static void on_entries(void *arg, const redisReply *reply)
{
    struct asked *a = arg;

    if (a->read != NULL && reply == NULL)
        give_back(a, RECENT_AWAY);
    else if (a->read != NULL)
        give_back(a, take_entries(&a->read->bytes, reply));
    free(a);
}

static bool ask(struct asked *a)
{
    char key[REDIS_NAME_MAX];
    char from[32];
    char most[16];

    key_of(a->bus, a->read->stream, key);
    (void)snprintf(from, sizeof(from), "%" PRIu64, a->read->from);
    (void)snprintf(most, sizeof(most), "%d", RECENT_MORE);
    struct redis_arg args[] = {
        REDIS_ARG("ZRANGEBYSCORE"), REDIS_ARG(key), REDIS_ARG(from), REDIS_ARG("+inf"),
        REDIS_ARG("LIMIT"),         REDIS_ARG("0"), REDIS_ARG(most)};
    return redis_conn_command(a->bus->commands, args, ARRAY_LEN(args), on_entries, a);
}

static void on_patience(uv_timer_t *timer)
{
    struct redis_bus *bus = container_of(timer, struct redis_bus, patience);
    uint64_t now = clock_monotonic_ns();

    while (bus->asked != NULL && now >= bus->asked->at_ns + PATIENCE_MS * ns_per_ms) {
        atomic_store(&bus->recent_at_ns, now + REST_MS * ns_per_ms);
        give_back(bus->asked, RECENT_SLOW); /* on_entries() frees it */
    }
    if (bus->asked != NULL)
        (void)uv_timer_start(timer, on_patience,
                             (bus->asked->at_ns + PATIENCE_MS * ns_per_ms - now) / ns_per_ms + 1,
                             0);
}

static void run_ask(struct worker *none, struct mail *mail)
{
    struct asked *a = container_of(mail, struct asked, mail);
    struct redis_bus *bus = a->bus;

    (void)none;
    if (atomic_load(&bus->stopped) || !ask(a)) {
        give_back(a, RECENT_AWAY);
        free(a);
        return;
    }
    if (bus->asked == NULL)
        (void)uv_timer_start(&bus->patience, on_patience, PATIENCE_MS, 0);
    DL_APPEND(bus->asked, a);
    a->listed = true;
}

void redis_recent_read(struct bus *base, struct recent_read *read)
{
    struct redis_bus *bus = redis_bus_of(base);
    struct asked *a = mem_zalloc(sizeof(*a));

    a->mail.run = run_ask;
    a->bus = bus;
    a->read = read;
    a->at_ns = clock_monotonic_ns();
    mailbox_post(&bus->box, &a->mail);
}

bool redis_has_recent(struct bus *base)
{
    struct redis_bus *bus = redis_bus_of(base);

    return bus->keeps_recent && atomic_load(&bus->is_ready) &&
           clock_monotonic_ns() >= atomic_load(&bus->recent_at_ns);
}

/* -- accounts --------------------------------------------------------------------------------- */

/* While Redis is away the next hello says it; while it does not keep up, a later tick. */
static void tell_account(struct redis_bus *bus)
{
    struct control *control;

    bus->account_due = redis_conn_queued(bus->commands) > REDIS_OUT_MAX / 2;
    if (bus->account_due || !redis_conn_is_up(bus->commands))
        return;
    control = mem_zalloc(sizeof(*control));
    control->kind = CONTROL_ACCOUNT;
    redis_publish_control(bus, control);
    free(control);
}

struct account_mail {
    struct mail mail;
    struct redis_bus *bus;
};

static void run_account(struct worker *none, struct mail *mail)
{
    struct account_mail *m = container_of(mail, struct account_mail, mail);

    (void)none;
    if (!atomic_load(&m->bus->stopped))
        tell_account(m->bus);
    free(m);
}

void redis_account(struct bus *base)
{
    struct account_mail *m = mem_zalloc(sizeof(*m));

    m->mail.run = run_account;
    m->bus = redis_bus_of(base);
    mailbox_post(&m->bus->box, &m->mail);
}

/* -- life ------------------------------------------------------------------------------------- */

void recent_init(struct redis_bus *bus)
{
    (void)uv_timer_init(&bus->loop, &bus->patience);
}

void recent_up(struct redis_bus *bus)
{
    struct owed *o;
    struct owed *tmp;

    HASH_ITER(hh, bus->owed, o, tmp)
    {
        HASH_DEL(bus->owed, o);
        forget(bus, o->stream, o->before, false);
        free(o);
    }
}

void recent_tick(struct redis_bus *bus)
{
    if (bus->account_due)
        tell_account(bus);
}

void recent_end(struct redis_bus *bus)
{
    struct owed *o;
    struct owed *tmp;

    uv_close((uv_handle_t *)&bus->patience, NULL);
    HASH_ITER(hh, bus->owed, o, tmp)
    {
        HASH_DEL(bus->owed, o);
        free(o);
    }
}
