/* Shards: each thread adds to its own array of numbers; a shard whose thread has ended keeps its
 * numbers and goes to the next thread that comes. What metric_set() sets is in one more array. The
 * sum over all of them is the value.
 */
#include "server/metrics.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/mem.h"
#include "server/metrics_process.h"

struct shard {
    struct shard *next;
    bool used; /* by a thread that lives */
    _Atomic uint64_t slots[METRIC_SLOTS];
    char apart[64]; /* from the next allocation's cache line */
};

_Thread_local _Atomic uint64_t *metric_slots;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list */
static struct shard *shards;
static struct shard set_values;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static struct metrics_info info;

/* -- recording ------------------------------------------------------------------------------- */

static void shard_release(void *arg)
{
    struct shard *shard = arg;

    metric_slots = NULL;
    (void)pthread_mutex_lock(&lock);
    shard->used = false;
    (void)pthread_mutex_unlock(&lock);
}

static void make_key(void)
{
    (void)pthread_key_create(&key, shard_release);
}

_Atomic uint64_t *metric_slots_make(void)
{
    struct shard *shard;

    (void)pthread_once(&key_once, make_key);
    (void)pthread_mutex_lock(&lock);
    for (shard = shards; shard != NULL && shard->used; shard = shard->next)
        ;
    if (shard == NULL) {
        shard = mem_zalloc(sizeof(*shard));
        shard->next = shards;
        shards = shard;
    }
    shard->used = true;
    (void)pthread_mutex_unlock(&lock);
    (void)pthread_setspecific(key, shard);
    metric_slots = shard->slots;
    return metric_slots;
}

void metric_set_by(enum metric metric, size_t label, uint64_t value)
{
    atomic_store_explicit(&set_values.slots[(size_t)metric + label], value, memory_order_relaxed);
}

void metric_set(enum metric metric, uint64_t value)
{
    metric_set_by(metric, 0, value);
}

static const struct {
    uint64_t ns;
    const char *seconds;
} time_bounds[] = {
    {5000, "0.000005"},  {10000, "0.00001"},  {25000, "0.000025"}, {50000, "0.00005"},
    {100000, "0.0001"},  {250000, "0.00025"}, {500000, "0.0005"},  {1000000, "0.001"},
    {2500000, "0.0025"}, {5000000, "0.005"},  {10000000, "0.01"},  {25000000, "0.025"},
    {50000000, "0.05"},  {100000000, "0.1"},  {250000000, "0.25"}, {500000000, "0.5"},
    {1000000000, "1"},   {2500000000, "2.5"}, {5000000000, "5"},   {10000000000, "10"},
    {60000000000, "60"},
};
static_assert(ARRAY_LEN(time_bounds) == METRIC_TIME_BOUNDS - 1, "the last bucket is +Inf");

void metric_time(enum metric metric, uint64_t ns)
{
    size_t bucket = 0;

    while (bucket < ARRAY_LEN(time_bounds) && ns > time_bounds[bucket].ns)
        bucket++;
    metric_add_at((size_t)metric + bucket, 1);
    metric_add_at((size_t)metric + METRIC_TIME_BOUNDS, ns);
}

/* Buckets end at 1, 2, 4, ... */
void metric_size(enum metric metric, uint64_t size)
{
    size_t bucket = 0;

    while (bucket < METRIC_SIZE_BOUNDS - 1 && size > UINT64_C(1) << bucket)
        bucket++;
    metric_add_at((size_t)metric + bucket, 1);
    metric_add_at((size_t)metric + METRIC_SIZE_BOUNDS, size);
}

void metric_command(size_t command, enum err outcome)
{
    size_t row = command < METRIC_COMMANDS_MAX ? command : METRIC_COMMANDS_MAX - 1;
    size_t column = (size_t)outcome < ERR_COUNT ? (size_t)outcome : ERR_INTERNAL;

    metric_add_by(METRIC_COMMANDS, row * ERR_COUNT + column, 1);
}

/* -- labels ---------------------------------------------------------------------------------- */

/* Each ends with NULL. */
#define X(name, text) text,
static const char *const refused_labels[] = {METRIC_REFUSED_MAP(X) NULL};
static const char *const drop_labels[] = {METRIC_DROP_MAP(X) NULL};
static const char *const bus_drop_labels[] = {METRIC_BUS_DROP_MAP(X) NULL};
static const char *const bus_reject_labels[] = {METRIC_BUS_REJECT_MAP(X) NULL};
static const char *const cache_labels[] = {METRIC_CACHE_MAP(X) NULL};
static const char *const close_labels[] = {METRIC_CLOSE_MAP(X) NULL};
static const char *const http_labels[] = {METRIC_HTTP_MAP(X) NULL};
static const char *const login_labels[] = {METRIC_LOGIN_MAP(X) NULL};
static const char *const transport_labels[] = {METRIC_TRANSPORT_MAP(X) NULL};
static const char *const hook_labels[] = {METRIC_HOOK_MAP(X) NULL};
static const char *const outbound_labels[] = {METRIC_OUTBOUND_MAP(X) NULL};
static const char *const hook_post_labels[] = {METRIC_HOOK_POST_MAP(X) NULL};
static const char *const rate_labels[] = {METRIC_RATE_MAP(X) NULL};
static const char *const resume_labels[] = {METRIC_RESUME_MAP(X) NULL};
#undef X

enum metric_close metric_close_label(int code)
{
    char text[4];

    if (code < 1000 || code > 9999)
        return METRIC_CLOSE_OTHER;
    for (int i = 3, rest = code; i >= 0; i--, rest /= 10)
        text[i] = (char)('0' + rest % 10);
    for (size_t i = 0; i < METRIC_CLOSE_OTHER; i++)
        if (memcmp(close_labels[i], text, sizeof(text)) == 0)
            return (enum metric_close)i;
    return METRIC_CLOSE_OTHER;
}

enum metric_http metric_http_label(int status)
{
    return status < 200   ? METRIC_HTTP_1XX
           : status < 300 ? METRIC_HTTP_2XX
           : status < 400 ? METRIC_HTTP_3XX
           : status < 500 ? METRIC_HTTP_4XX
                          : METRIC_HTTP_5XX;
}

/* -- reading --------------------------------------------------------------------------------- */

void metrics_init(const struct metrics_info *given)
{
    info = *given;
    metrics_process_init();
}

static uint64_t read_slot(size_t slot)
{
    uint64_t sum = atomic_load_explicit(&set_values.slots[slot], memory_order_relaxed);

    (void)pthread_mutex_lock(&lock);
    for (struct shard *shard = shards; shard != NULL; shard = shard->next)
        sum += atomic_load_explicit(&shard->slots[slot], memory_order_relaxed);
    (void)pthread_mutex_unlock(&lock);
    return sum;
}

uint64_t metric_read(enum metric metric, size_t label)
{
    return read_slot((size_t)metric + label);
}

uint64_t metric_largest(enum metric metric, size_t n)
{
    uint64_t largest = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t value = metric_read(metric, i);
        largest = value > largest ? value : largest;
    }
    return largest;
}

enum label_set {
    LABELS_NONE,
    LABELS_REFUSED,
    LABELS_DROP,
    LABELS_CLOSE,
    LABELS_HTTP,
    LABELS_LOGIN,
    LABELS_RESUME,
    LABELS_BUS_DROP,
    LABELS_BUS_REJECT,
    LABELS_CACHE,
    LABELS_TRANSPORT,
    LABELS_OUTBOUND,
    LABELS_HOOK,
    LABELS_HOOK_POST,
    LABELS_RATE,
    LABELS_WORKER,
    LABELS_COMMAND,
};

struct row {
    enum metric metric;
    const char *name;
    const char *type;
    const char *help;
    const char *label;
    enum label_set labels;
    size_t n; /* numbers: labels or buckets */
    bool time;
};

static const struct row rows[] = {
#define METRIC_COUNTER(id, name, help)                                                             \
    {METRIC_##id, name, "counter", help, NULL, LABELS_NONE, 1, false},
#define METRIC_GAUGE(id, name, help)                                                               \
    {METRIC_##id, name, "gauge", help, NULL, LABELS_NONE, 1, false},
#define METRIC_COUNTER_BY(id, name, label, labels, help)                                           \
    {METRIC_##id, name, "counter", help, label, LABELS_##labels, METRIC_##labels##_LABELS, false},
#define METRIC_GAUGE_BY(id, name, label, labels, help)                                             \
    {METRIC_##id, name, "gauge", help, label, LABELS_##labels, METRIC_##labels##_LABELS, false},
#define BOUNDS_TIME true
#define BOUNDS_SIZE false
#define METRIC_HISTOGRAM(id, name, bounds, help)                                                   \
    {METRIC_##id,    name, "histogram", help, NULL, LABELS_NONE, METRIC_##bounds##_BOUNDS,         \
     BOUNDS_##bounds},
#include "server/metrics.def"
};

static const char *const *const fixed_labels[] = {
    [LABELS_REFUSED] = refused_labels,     [LABELS_DROP] = drop_labels,
    [LABELS_CLOSE] = close_labels,         [LABELS_HTTP] = http_labels,
    [LABELS_LOGIN] = login_labels,         [LABELS_RESUME] = resume_labels,
    [LABELS_BUS_DROP] = bus_drop_labels,   [LABELS_BUS_REJECT] = bus_reject_labels,
    [LABELS_CACHE] = cache_labels,         [LABELS_TRANSPORT] = transport_labels,
    [LABELS_OUTBOUND] = outbound_labels,   [LABELS_HOOK] = hook_labels,
    [LABELS_HOOK_POST] = hook_post_labels, [LABELS_RATE] = rate_labels,
};

static void render_labelled(struct buf *out, const struct row *row)
{
    const char *const *texts = fixed_labels[row->labels];

    for (size_t i = 0; texts[i] != NULL; i++)
        buf_printf(out, "parley_%s{%s=\"%s\"} %llu\n", row->name, row->label, texts[i],
                   (unsigned long long)metric_read(row->metric, i));
}

static void render_workers(struct buf *out, const struct row *row)
{
    for (size_t i = 0; i < row->n && i < info.workers; i++)
        buf_printf(out, "parley_%s{%s=\"%zu\"} %llu\n", row->name, row->label, i,
                   (unsigned long long)metric_read(row->metric, i));
}

/* Only what has happened: every command with every outcome would be a thousand lines. */
static void render_commands(struct buf *out, const struct row *row)
{
    for (size_t i = 0; i < row->n; i++) {
        uint64_t value = metric_read(row->metric, i);
        size_t command = i / ERR_COUNT;
        if (value == 0)
            continue;
        buf_printf(out, "parley_%s{command=\"%s\",outcome=\"%s\"} %llu\n", row->name,
                   command < info.commands_n ? info.commands[command] : "other",
                   err_name((enum err)(i % ERR_COUNT)), (unsigned long long)value);
    }
}

static void render_seconds(struct buf *out, uint64_t ns)
{
    buf_printf(out, "%llu.%09llu\n", (unsigned long long)(ns / 1000000000),
               (unsigned long long)(ns % 1000000000));
}

static void render_histogram(struct buf *out, const struct row *row)
{
    uint64_t count = 0;

    for (size_t i = 0; i < row->n; i++) {
        count += metric_read(row->metric, i);
        buf_printf(out, "parley_%s_bucket{le=\"", row->name);
        if (i == row->n - 1)
            buf_puts(out, "+Inf");
        else if (row->time)
            buf_puts(out, time_bounds[i].seconds);
        else
            buf_json_uint(out, UINT64_C(1) << i);
        buf_puts(out, "\"} ");
        buf_json_uint(out, count);
        buf_putc(out, '\n');
    }
    uint64_t sum = metric_read(row->metric, row->n);
    buf_printf(out, "parley_%s_sum ", row->name);
    if (row->time)
        render_seconds(out, sum);
    else
        buf_printf(out, "%llu\n", (unsigned long long)sum);
    buf_printf(out, "parley_%s_count %llu\n", row->name, (unsigned long long)count);
}

static void render_row(struct buf *out, const struct row *row)
{
    buf_printf(out, "# HELP parley_%s %s\n# TYPE parley_%s %s\n", row->name, row->help, row->name,
               row->type);
    if (strcmp(row->type, "histogram") == 0)
        render_histogram(out, row);
    else if (row->labels == LABELS_COMMAND)
        render_commands(out, row);
    else if (row->labels == LABELS_WORKER)
        render_workers(out, row);
    else if (row->labels != LABELS_NONE)
        render_labelled(out, row);
    else
        buf_printf(out, "parley_%s %llu\n", row->name,
                   (unsigned long long)metric_read(row->metric, 0));
}

void metrics_render(struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        render_row(out, &rows[i]);
    buf_printf(out,
               "# HELP parley_build_info The version that runs.\n"
               "# TYPE parley_build_info gauge\n"
               "parley_build_info{version=\"%s\"} 1\n",
               info.version != NULL ? info.version : "unknown");
    metrics_process_render(out);
}
