/* metrics.h - counters, gauges and histograms of metrics.def, and their Prometheus text form
 * (exposition format 0.0.4).
 *
 * Each thread writes to a shard of its own with relaxed atomics and no locked instruction; reading
 * adds the shards up. A gauge moved by metric_add() on one thread and by metric_sub() on another is
 * right in the sum.
 * Threading: everything from any thread, except metrics_init(). Units: ns for times.
 */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct buf;

/* Labels: X(name, text). */
#define METRIC_REFUSED_MAP(X)                                                                      \
    X(FULL, "max_connections")                                                                     \
    X(ADDRESS, "address_limit")                                                                    \
    X(DESCRIPTORS, "out_of_descriptors")                                                           \
    X(DRAINING, "draining")                                                                        \
    X(ORIGIN, "origin")
#define METRIC_DROP_MAP(X)                                                                         \
    X(SLOW_READER, "slow_reader")                                                                  \
    X(FANOUT, "presence_fanout")
#define METRIC_BUS_DROP_MAP(X) X(AWAY, "away") X(FULL, "full") X(OVERSIZE, "oversize")
#define METRIC_BUS_REJECT_MAP(X)                                                                   \
    X(VERSION, "version")                                                                          \
    X(MALFORMED, "malformed")                                                                      \
    X(OVERSIZE, "oversize")                                                                        \
    X(STREAM, "stream")                                                                            \
    X(FOREIGN, "foreign")
#define METRIC_CACHE_MAP(X)                                                                        \
    X(HIT, "hit")                                                                                  \
    X(GAP, "gap")                                                                                  \
    X(OLDER, "older")                                                                              \
    X(DELETION, "deletion")                                                                        \
    X(AUTHOR, "author")                                                                            \
    X(LEVEL, "not_level")                                                                          \
    X(BUSY, "busy")                                                                                \
    X(WRONG, "wrong")                                                                              \
    X(SLOW, "slow")                                                                                \
    X(AWAY, "away")
#define METRIC_CLOSE_MAP(X)                                                                        \
    X(NORMAL, "1000")                                                                              \
    X(GOING_AWAY, "1001")                                                                          \
    X(PROTOCOL, "1002")                                                                            \
    X(LOST, "1006")                                                                                \
    X(INVALID_UTF8, "1007")                                                                        \
    X(TOO_LARGE, "1009")                                                                           \
    X(DRAINING, "4000")                                                                            \
    X(UNAUTHENTICATED, "4001")                                                                     \
    X(REVOKED, "4002")                                                                             \
    X(BAD_FRAME, "4003")                                                                           \
    X(RATE_LIMITED, "4008")                                                                        \
    X(SLOW_CONSUMER, "4009")                                                                       \
    X(OTHER, "other")
#define METRIC_HOOK_POST_MAP(X)                                                                    \
    X(OK, "ok")                                                                                    \
    X(DUPLICATE, "duplicate")                                                                      \
    X(INVALID, "invalid")                                                                          \
    X(UNKNOWN, "unknown")                                                                          \
    X(DISABLED, "disabled")                                                                        \
    X(RATE_LIMITED, "rate_limited")                                                                \
    X(FAILED, "failed")
#define METRIC_HTTP_MAP(X) X(1XX, "1xx") X(2XX, "2xx") X(3XX, "3xx") X(4XX, "4xx") X(5XX, "5xx")
#define METRIC_LOGIN_MAP(X) X(OK, "ok") X(FAILED, "failed") X(THROTTLED, "throttled")
#define METRIC_OUTBOUND_MAP(X)                                                                     \
    X(OK, "ok")                                                                                    \
    X(STATUS, "status")                                                                            \
    X(REFUSED, "refused")                                                                          \
    X(REDIRECTED, "redirected")                                                                    \
    X(TIMED_OUT, "timed_out")                                                                      \
    X(FAILED, "failed")                                                                            \
    X(STOPPED, "stopped")
#define METRIC_HOOK_MAP(X) X(DELIVERED, "delivered") X(FAILED, "failed") X(DEAD, "dead")
#define METRIC_TRANSPORT_MAP(X)                                                                    \
    X(HTTP, "http")                                                                                \
    X(EVENT_STREAM, "event_stream")                                                                \
    X(WEBSOCKET, "websocket")                                                                      \
    X(SOCKETIO_WEBSOCKET, "socketio_websocket")                                                    \
    X(SOCKETIO_POLLING, "socketio_polling")                                                        \
    X(SOCKETIO_CARRIER, "socketio_carrier")
#define METRIC_RATE_MAP(X)                                                                         \
    X(CONNECTION, "connection")                                                                    \
    X(SESSION, "session")                                                                          \
    X(ADDRESS, "address")                                                                          \
    X(GUESSES, "guesses")                                                                          \
    X(HOOK, "webhook")
#define METRIC_RESUME_MAP(X) X(RESUMED, "resumed") X(RESYNC, "resync")

/* METRIC_REFUSED_FULL, METRIC_DROP_FANOUT, METRIC_CLOSE_LOST, METRIC_LOGIN_OK, ... */
enum metric_refused {
#define X(name, text) METRIC_REFUSED_##name,
    METRIC_REFUSED_MAP(X) METRIC_REFUSED_LABELS
#undef X
};
enum metric_drop {
#define X(name, text) METRIC_DROP_##name,
    METRIC_DROP_MAP(X) METRIC_DROP_LABELS
#undef X
};
enum metric_bus_drop {
#define X(name, text) METRIC_BUS_DROP_##name,
    METRIC_BUS_DROP_MAP(X) METRIC_BUS_DROP_LABELS
#undef X
};
enum metric_bus_reject {
#define X(name, text) METRIC_BUS_REJECT_##name,
    METRIC_BUS_REJECT_MAP(X) METRIC_BUS_REJECT_LABELS
#undef X
};
enum metric_cache {
#define X(name, text) METRIC_CACHE_##name,
    METRIC_CACHE_MAP(X) METRIC_CACHE_LABELS
#undef X
};
enum metric_close {
#define X(name, text) METRIC_CLOSE_##name,
    METRIC_CLOSE_MAP(X) METRIC_CLOSE_LABELS
#undef X
};
enum metric_hook_post {
#define X(name, text) METRIC_HOOK_POST_##name,
    METRIC_HOOK_POST_MAP(X) METRIC_HOOK_POST_LABELS
#undef X
};
enum metric_http {
#define X(name, text) METRIC_HTTP_##name,
    METRIC_HTTP_MAP(X) METRIC_HTTP_LABELS
#undef X
};
enum metric_login {
#define X(name, text) METRIC_LOGIN_##name,
    METRIC_LOGIN_MAP(X) METRIC_LOGIN_LABELS
#undef X
};
enum metric_rate {
#define X(name, text) METRIC_RATE_##name,
    METRIC_RATE_MAP(X) METRIC_RATE_LABELS
#undef X
};
enum metric_outbound {
#define X(name, text) METRIC_OUTBOUND_##name,
    METRIC_OUTBOUND_MAP(X) METRIC_OUTBOUND_LABELS
#undef X
};
enum metric_hook {
#define X(name, text) METRIC_HOOK_##name,
    METRIC_HOOK_MAP(X) METRIC_HOOK_LABELS
#undef X
};
enum metric_transport {
#define X(name, text) METRIC_TRANSPORT_##name,
    METRIC_TRANSPORT_MAP(X) METRIC_TRANSPORT_LABELS
#undef X
};
enum metric_resume {
#define X(name, text) METRIC_RESUME_##name,
    METRIC_RESUME_MAP(X) METRIC_RESUME_LABELS
#undef X
};

enum {
    METRIC_WORKER_LABELS = 64,
    METRIC_COMMANDS_MAX = 128, /* commands that have a name; the rest count as the last */
    METRIC_COMMAND_LABELS = METRIC_COMMANDS_MAX * ERR_COUNT,
    METRIC_TIME_BOUNDS = 22, /* 5 us to 60 s and +Inf, see metrics.c */
    METRIC_SIZE_BOUNDS = 12, /* 1, 2, 4, ... 1024, +Inf */
};

/* Where each metric's numbers start in a shard: METRIC_CONNECTIONS, METRIC_ACK_TIME, ... A
 * histogram has one number a bucket, then the sum. */
enum metric {
#define METRIC_COUNTER(id, name, help) METRIC_##id,
#define METRIC_GAUGE(id, name, help) METRIC_##id,
#define METRIC_COUNTER_BY(id, name, label, labels, help)                                           \
    METRIC_##id, METRIC_##id##_LAST = METRIC_##id + METRIC_##labels##_LABELS - 1,
#define METRIC_GAUGE_BY METRIC_COUNTER_BY
#define METRIC_HISTOGRAM(id, name, bounds, help)                                                   \
    METRIC_##id, METRIC_##id##_SUM = METRIC_##id + METRIC_##bounds##_BOUNDS,
#include "server/metrics.def"
#undef METRIC_COUNTER
#undef METRIC_GAUGE
#undef METRIC_COUNTER_BY
#undef METRIC_GAUGE_BY
#undef METRIC_HISTOGRAM
    METRIC_SLOTS
};

extern _Thread_local _Atomic uint64_t *metric_slots; /* this thread's shard, NULL until used */
_Atomic uint64_t *metric_slots_make(void);

/* Only this thread writes its shard, so that a load and a store will do. */
static inline void metric_add_at(size_t slot, uint64_t n)
{
    _Atomic uint64_t *slots = metric_slots != NULL ? metric_slots : metric_slots_make();
    uint64_t value = atomic_load_explicit(&slots[slot], memory_order_relaxed);

    atomic_store_explicit(&slots[slot], value + n, memory_order_relaxed);
}
static inline void metric_add(enum metric metric, uint64_t n)
{
    metric_add_at(metric, n);
}
static inline void metric_sub(enum metric metric, uint64_t n)
{
    metric_add_at(metric, 0 - n);
}
/* LABEL: of the metric's own enum, e.g. metric_add_by(METRIC_DROPS, METRIC_DROP_SLOW_READER, 1). */
static inline void metric_add_by(enum metric metric, size_t label, uint64_t n)
{
    metric_add_at((size_t)metric + label, n);
}
static inline void metric_sub_by(enum metric metric, size_t label, uint64_t n)
{
    metric_add_at((size_t)metric + label, 0 - n);
}
/* A gauge's value, process-wide: the last one set counts. Not to be mixed with metric_add(). */
void metric_set(enum metric metric, uint64_t value);
void metric_set_by(enum metric metric, size_t label, uint64_t value);

/* Histograms: of metrics with bounds TIME and SIZE. */
void metric_time(enum metric metric, uint64_t ns);
void metric_size(enum metric metric, uint64_t size);

/* COMMAND: its index among the names given to metrics_init(). */
void metric_command(size_t command, enum err outcome);
/* The label of a close code; codes without one of their own are OTHER. */
enum metric_close metric_close_label(int code);
/* 100 to 599. */
enum metric_http metric_http_label(int status);

struct metrics_info {
    const char *version;
    unsigned workers;            /* how many have numbers of their own */
    const char *const *commands; /* names of the commands, kept by reference */
    size_t commands_n;
};
/* Once, before other threads start. */
void metrics_init(const struct metrics_info *info);
/* The sum of the shards. */
uint64_t metric_read(enum metric metric, size_t label);
/* The largest of the first N numbers of a metric with labels. */
uint64_t metric_largest(enum metric metric, size_t n);
/* Appends the exposition, with the process's memory, descriptors, CPU time and uptime. */
void metrics_render(struct buf *out);

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

#endif
