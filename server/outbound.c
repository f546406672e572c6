#include "server/outbound.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "server/metrics.h"
#include "server/outbound_transfer.h"

enum {
    IDLE_CONNECTIONS = 64,
    POLL_MS = 10000, /* at most, when nothing is due */
};

struct outbound {
    struct outbound_options options;

    pthread_mutex_t lock; /* of those down to the blank line */
    pthread_t thread;
    CURLM *multi; /* NULL: nothing was sent yet, there is no thread */
    struct transfer *inbox;
    size_t queued; /* in the inbox and waiting */
    bool stopping;

    /* The thread's own. */
    struct transfer *waiting;
    struct transfer *under_way;
    unsigned under_way_n[OUTBOUND_LANES];
    struct outbound_host *hosts;
};

/* -- hosts ----------------------------------------------------------------------------------------
 */

static bool join_host(struct outbound *o, struct transfer *t)
{
    char name[OUTBOUND_HOST_SIZE];
    struct outbound_host *host;

    if (outbound_url_problem(t->url) != NULL || !outbound_url_host(t->url, name))
        return false;
    HASH_FIND_STR(o->hosts, name, host);
    if (host == NULL) {
        host = mem_zalloc(sizeof(*host));
        memcpy(host->name, name, sizeof(name));
        HASH_ADD_STR(o->hosts, name, host);
    }
    host->refs++;
    t->host = host;
    return true;
}

static void leave_host(struct outbound *o, struct transfer *t)
{
    struct outbound_host *host = t->host;

    t->host = NULL;
    if (host == NULL || --host->refs > 0)
        return;
    HASH_DEL(o->hosts, host);
    free(host);
}

/* -- the end of a request -------------------------------------------------------------------------
 */

static void unqueue(struct outbound *o, struct transfer *t)
{
    DL_DELETE(o->waiting, t);
    (void)pthread_mutex_lock(&o->lock);
    o->queued--;
    (void)pthread_mutex_unlock(&o->lock);
    metric_sub(METRIC_OUTBOUND_QUEUE, 1);
}

static enum metric_outbound label_of(const struct outbound_answer *answer)
{
    switch (answer->outcome) {
    case OUTBOUND_ANSWERED:
        return answer->status / 100 == 2 ? METRIC_OUTBOUND_OK : METRIC_OUTBOUND_STATUS;
    case OUTBOUND_REFUSED:
        return METRIC_OUTBOUND_REFUSED;
    case OUTBOUND_REDIRECTED:
        return METRIC_OUTBOUND_REDIRECTED;
    case OUTBOUND_TIMED_OUT:
        return METRIC_OUTBOUND_TIMED_OUT;
    case OUTBOUND_STOPPED:
        return METRIC_OUTBOUND_STOPPED;
    case OUTBOUND_FAILED:
        break;
    }
    return METRIC_OUTBOUND_FAILED;
}

static void finish(struct outbound *o, struct transfer *t, const struct outbound_answer *answer)
{
    metric_add_by(METRIC_OUTBOUND, label_of(answer), 1);
    metric_time(METRIC_OUTBOUND_TIME, clock_monotonic_ns() - t->posted_ns);
    t->done(t->arg, answer);
    leave_host(o, t);
    transfer_free(t);
}

static void finish_unsent(struct outbound *o, struct transfer *t, enum outbound_outcome outcome,
                          const char *reason)
{
    struct outbound_answer answer = {
        .outcome = outcome, .body = "", .content_type = "", .reason = reason};

    finish(o, t, &answer);
}

/* -- one round ------------------------------------------------------------------------------------
 */

static void land(struct outbound *o, struct transfer *t)
{
    (void)libcurl.multi_remove_handle(o->multi, t->easy);
    DL_DELETE(o->under_way, t);
    o->under_way_n[t->lane]--;
    t->host->under_way[t->lane]--;
    metric_sub(METRIC_OUTBOUND_UNDER_WAY, 1);
}

static void requeue(struct outbound *o, struct transfer *t)
{
    leave_host(o, t);
    DL_APPEND(o->waiting, t);
    (void)pthread_mutex_lock(&o->lock);
    o->queued++;
    (void)pthread_mutex_unlock(&o->lock);
    metric_add(METRIC_OUTBOUND_QUEUE, 1);
}

/* True if one has ended: there is a place again. */
static bool take_ended(struct outbound *o)
{
    struct outbound_answer answer;
    struct transfer *t = NULL;
    CURLMsg *message;
    bool any = false;
    int left;

    while ((message = libcurl.multi_info_read(o->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode code = message->data.result;
        (void)libcurl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
        land(o, t);
        if (transfer_ended(t, code, &answer))
            finish(o, t, &answer);
        else
            requeue(o, t);
        any = true;
    }
    return any;
}

static bool has_place(const struct outbound *o, const struct transfer *t)
{
    return o->under_way_n[t->lane] < o->options.places &&
           t->host->under_way[t->lane] < o->options.places_per_host;
}

/* Sends what may be sent. Returns in how many ms the first of the others is out of time. */
static int send_waiting(struct outbound *o)
{
    struct transfer *t, *next;
    uint64_t now = clock_monotonic_ns();
    uint64_t first = UINT64_MAX;

    DL_FOREACH_SAFE(o->waiting, t, next)
    {
        if (t->deadline_ns <= now) {
            unqueue(o, t);
            finish_unsent(o, t, OUTBOUND_TIMED_OUT, "did not answer in time");
        } else if (t->host == NULL && !join_host(o, t)) {
            unqueue(o, t);
            finish_unsent(o, t, OUTBOUND_REFUSED, "is not a URL that requests may be sent to");
        } else if (has_place(o, t)) {
            unqueue(o, t);
            transfer_begin(t, now);
            DL_APPEND(o->under_way, t);
            o->under_way_n[t->lane]++;
            t->host->under_way[t->lane]++;
            metric_add(METRIC_OUTBOUND_UNDER_WAY, 1);
            (void)libcurl.multi_add_handle(o->multi, t->easy);
        } else if (t->deadline_ns < first) {
            first = t->deadline_ns;
        }
    }
    return first == UINT64_MAX || first > now + POLL_MS * UINT64_C(1000000)
               ? POLL_MS
               : (int)((first - now) / 1000000u) + 1;
}

/* False: it is time to end. */
static bool take_inbox(struct outbound *o)
{
    (void)pthread_mutex_lock(&o->lock);
    DL_CONCAT(o->waiting, o->inbox);
    o->inbox = NULL;
    bool go_on = !o->stopping;
    (void)pthread_mutex_unlock(&o->lock);
    return go_on;
}

static void stop_all(struct outbound *o)
{
    static const char reason[] = "was not waited for: the server stops";

    while (o->waiting != NULL) {
        struct transfer *t = o->waiting;
        unqueue(o, t);
        finish_unsent(o, t, OUTBOUND_STOPPED, reason);
    }
    while (o->under_way != NULL) {
        struct transfer *t = o->under_way;
        land(o, t);
        finish_unsent(o, t, OUTBOUND_STOPPED, reason);
    }
}

static void *thread_main(void *arg)
{
    struct outbound *o = arg;
    int running;

    (void)pthread_setname_np(pthread_self(), "outbound");
    while (take_inbox(o)) {
        int wait_ms = send_waiting(o);
        (void)libcurl.multi_perform(o->multi, &running);
        if (!take_ended(o))
            (void)libcurl.multi_poll(o->multi, NULL, 0, wait_ms, NULL);
    }
    stop_all(o);
    return NULL;
}

/* -- life -----------------------------------------------------------------------------------------
 */

static void set_defaults(struct outbound_options *o)
{
    o->places = o->places > 0 ? o->places : 64;
    o->places_per_host = o->places_per_host > 0 ? o->places_per_host : 4;
    o->queue_max = o->queue_max > 0 ? o->queue_max : 1024;
    o->connect_timeout_ms = o->connect_timeout_ms > 0 ? o->connect_timeout_ms : 5000;
    o->answer_max = o->answer_max > 0 ? o->answer_max : 65536;
}

struct outbound *outbound_create(const struct outbound_options *options)
{
    struct outbound *o = mem_zalloc(sizeof(*o));

    o->options = *options;
    set_defaults(&o->options);
    (void)pthread_mutex_init(&o->lock, NULL);
    return o;
}

/* With the lock. */
static void start(struct outbound *o)
{
    o->multi = libcurl.multi_init();
    if (o->multi == NULL)
        abort(); /* without memory */
    (void)libcurl.multi_setopt(o->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS);
    if (pthread_create(&o->thread, NULL, thread_main, o) != 0) {
        log_error("no thread can be started to send requests");
        abort();
    }
}

void outbound_destroy(struct outbound **outbound)
{
    struct outbound *o = *outbound;

    if (o == NULL)
        return;
    *outbound = NULL;
    (void)pthread_mutex_lock(&o->lock);
    o->stopping = true;
    (void)pthread_mutex_unlock(&o->lock);
    if (o->multi != NULL) {
        (void)libcurl.multi_wakeup(o->multi);
        (void)pthread_join(o->thread, NULL);
        (void)libcurl.multi_cleanup(o->multi);
    }
    (void)pthread_mutex_destroy(&o->lock);
    free(o);
}

enum err outbound_post(struct outbound *o, const struct outbound_post *post, outbound_done_fn done,
                       void *arg)
{
    if (!libcurl_load())
        return ERR_UNAVAILABLE;
    struct transfer *t = transfer_make(&o->options, post, done, arg);
    (void)pthread_mutex_lock(&o->lock);
    if (o->multi == NULL && !o->stopping)
        start(o);
    bool taken = o->queued < o->options.queue_max && !o->stopping;
    if (taken) {
        DL_APPEND(o->inbox, t);
        o->queued++;
    }
    (void)pthread_mutex_unlock(&o->lock);
    if (!taken) {
        transfer_free(t);
        return ERR_UNAVAILABLE;
    }
    metric_add(METRIC_OUTBOUND_QUEUE, 1);
    (void)libcurl.multi_wakeup(o->multi);
    return ERR_OK;
}
