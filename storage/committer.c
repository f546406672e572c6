/* committer.c - group commit: what is pending becomes one transaction, one fsync, one callback.
 *
 *   take the pending writes -> begin -> each request's rules -> write back counters -> commit
 *        -> on_commit (acks and events)
 *
 * A refused request has changed nothing and is answered with the batch. When the database itself
 * fails, the batch is rolled back and
 *   - if it cannot write (no space, I/O, read-only, locked): all of it is answered UNAVAILABLE and
 *     writing stops; a small write every half second finds out when it works again;
 *   - if it is damaged: the batch is done again one by one, so that only the request that touches
 *     the damage fails;
 *   - if another process was first (CONFLICT, of a database with several writers): those requests
 *     that are durable nevertheless are answered, the others run again, in their order, from fresh
 *     rows, until it works or has taken too long.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "storage/ops.h"
#include "storage/purge.h"
#include "storage/threads.h"

#define PROBE_INTERVAL_NS UINT64_C(500000000)

/* Under load a commit every two milliseconds is enough: pages that many messages share are then
 * written once. Whoever is alone, or nearly, never waits. */
#define COMMIT_INTERVAL_NS UINT64_C(2000000)
enum { BUSY_REQUESTS = 4 }; /* in the batch before */

enum { SLICE_NS = 100000 }; /* the shortest there is */

/* Deleted channels are purged when nothing else is to be done, and at least this often; if that
 * fails, again after a while. */
#define PURGE_INTERVAL_NS UINT64_C(50000000)
#define PURGE_RETRY_NS UINT64_C(10000000000)

/* Losing races for longer than this is answered with UNAVAILABLE. */
#define RACE_NS UINT64_C(3000000000)
enum { BACK_OFF_US = 500, BACK_OFF_DOUBLINGS = 5 };

struct committer {
    struct store *store;
    struct txn txn;
    struct store_req **reqs;
    size_t *ends;      /* events of the batch up to and with each request */
    uint64_t probe_ns; /* when to probe next; 0: writing works */
    uint64_t wait_ns;  /* no commit before that; 0: at once */
    uint64_t purge_ns; /* when to purge even if there is work; 0: nothing to purge */
    bool purge_eager;  /* and at once if there is none */
    uint64_t keep_ns;  /* what is kept for the next requests is given back then; 0: nothing is */
    int64_t logged_ms;
};

static void set_writable(struct store *s, bool writable, const char *reason)
{
    (void)pthread_mutex_lock(&s->state_lock);
    s->writable = writable;
    memcpy(s->reason, reason, strnlen(reason, sizeof(s->reason) - 1) + 1);
    s->reason[sizeof(s->reason) - 1] = '\0';
    (void)pthread_mutex_unlock(&s->state_lock);
}

static void stop_writing(struct committer *c, const char *reason)
{
    log_error("writing has stopped", LOG_STR("reason", reason));
    set_writable(c->store, false, reason);
    c->probe_ns = clock_monotonic_ns() + PROBE_INTERVAL_NS;
}

static void probe(struct committer *c)
{
    struct store_conn *conn = c->txn.conn;

    if (conn->ops->probe(conn) == ERR_OK) {
        log_info("writing works again");
        set_writable(c->store, true, "");
        c->probe_ns = 0;
        return;
    }
    set_writable(c->store, false, conn->reason);
    c->probe_ns = clock_monotonic_ns() + PROBE_INTERVAL_NS;
}

static void answer(struct store_req *req, enum err err, const char *reason)
{
    memset(&req->out, 0, sizeof(req->out));
    req->err = err;
    req->field = NULL;
    req->reason = reason;
}

static void answer_unavailable(struct store_req *req)
{
    answer(req, ERR_UNAVAILABLE, "the store cannot write now");
}

/* Hand a batch to the server. */
static void deliver(struct committer *c, struct store_req **reqs, size_t n, size_t events_n,
                    uint64_t started_ns)
{
    struct store_commit commit = {.reqs = reqs,
                                  .reqs_n = n,
                                  .events = c->txn.events,
                                  .events_n = events_n,
                                  .started_ns = started_ns,
                                  .committed_ns = clock_monotonic_ns()};

    c->store->options.on_commit(c->store->options.arg, &commit);
}

static void reject(struct committer *c, struct store_req *req)
{
    uint64_t now = clock_monotonic_ns();

    while (req != NULL) {
        struct store_req *next = req->next;
        answer(req, ERR_UNAVAILABLE, "too many requests are waiting for the store");
        deliver(c, &req, 1, 0, now);
        req = next;
    }
}

/* False if the database failed, or left half of a request behind. */
static bool run_one(struct txn *t, struct store_req *req)
{
    op_fn op = op_find(req->op);
    size_t events = t->events_n;

    answer(req, ERR_OK, NULL);
    t->now = clock_unix_ms();
    req->err = op != NULL && store_op_writes(req->op) ? op(t, req) : ERR_INTERNAL;
    return t->conn->failed == ERR_OK && (req->err == ERR_OK || t->events_n == events);
}

/* What is cached is as old as it may be, and what will be asked for is loaded together. */
static bool prepare(struct txn *t, struct store_req **reqs, size_t n, bool again)
{
    if (t->ops->accounts_changed != NULL && t->ops->accounts_changed(t->conn)) {
        txn_forget(t);
        txn_start(t);
    }
    if (t->ops->take_turns != NULL) {
        (void)t->ops->take_turns(t->conn, reqs, n, again);
        if (t->conn->failed != ERR_OK || txn_refresh(t) != ERR_OK)
            return false;
    }
    return t->ops->prefetch == NULL || txn_prefetch(t, reqs, n, again) == ERR_OK;
}

/* Events may have moved to other places in the streams of users. */
static void settle_seqs(struct txn *t)
{
    for (size_t i = 0; t->ops->event_seq != NULL && i < t->events_n; i++) {
        struct store_event *e = &t->events[i];
        uint64_t seq = t->ops->event_seq(t->conn, i);
        struct stream *s =
            seq != e->seq ? map_get(&t->streams, e->stream, strlen(e->stream)) : NULL;
        if (s != NULL && seq > s->seq)
            s->seq = seq;
        e->seq = seq;
    }
}

static bool transact(struct committer *c, struct store_req **reqs, size_t n, bool again)
{
    struct txn *t = &c->txn;

    txn_start(t);
    bool fine = t->ops->begin(t->conn, true) == ERR_OK && prepare(t, reqs, n, again);
    for (size_t i = 0; fine && i < n; i++) {
        if (t->ops->mark != NULL)
            t->ops->mark(t->conn, i);
        fine = run_one(t, reqs[i]);
        c->ends[i] = t->events_n;
    }
    fine = fine && txn_flush(t) == ERR_OK && t->ops->commit(t->conn) == ERR_OK;
    settle_seqs(t);
    return fine;
}

/* -- losing a race ---------------------------------------------------------------------------- */

static void back_off(unsigned round)
{
    uint16_t dice;
    long most = BACK_OFF_US << (round < BACK_OFF_DOUBLINGS ? round : BACK_OFF_DOUBLINGS);

    random_bytes(&dice, sizeof(dice));
    struct timespec pause = {.tv_nsec = most * dice / UINT16_MAX * 1000};
    (void)nanosleep(&pause, NULL);
}

/* The streams of the first N events, each once: what follows from these is not written. */
static void repair(struct txn *t, size_t n)
{
    struct arena *arena = arena_create();
    const char **names = arena_alloc(arena, (n + 1) * sizeof(*names));
    size_t names_n = 0;

    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < names_n && strcmp(names[k], t->events[i].stream) != 0)
            k++;
        if (k == names_n && t->events[i].stream[0] != 'u')
            names[names_n++] = arena_strdup(arena, t->events[i].stream);
    }
    txn_forget(t);
    if (names_n > 0)
        (void)txn_repair(t, names, names_n); /* if that fails, whoever needs them does it */
    arena_destroy(&arena);
}

/* After a failed commit: the requests at the front that are durable are answered. How many. */
static size_t deliver_durable(struct committer *c, struct store_req **reqs, size_t n,
                              uint64_t started_ns)
{
    struct txn *t = &c->txn;
    size_t done = t->ops->durable != NULL ? t->ops->durable(t->conn) : 0;

    if (done > n)
        done = n;
    if (done > 0)
        deliver(c, reqs, done, c->ends[done - 1], started_ns);
    return done;
}

static void commit_batch(struct committer *c, struct store_req **reqs, size_t n);

static void lost_for_good(struct committer *c, struct store_req **reqs, size_t n,
                          uint64_t started_ns)
{
    for (size_t i = 0; i < n; i++)
        answer(reqs[i], ERR_UNAVAILABLE, "other servers write to the same place all the time");
    if (!log_limited(&c->logged_ms, 1000))
        log_warn("writes lost every race against other nodes", LOG_INT("requests", n));
    deliver(c, reqs, n, 0, started_ns);
}

static void batch_failed(struct committer *c, struct store_req **reqs, size_t n,
                         uint64_t started_ns)
{
    struct txn *t = &c->txn;
    char reason[STORE_REASON_SIZE];
    enum err failed = t->conn->failed;

    memcpy(reason, failed != ERR_OK ? t->conn->reason : "", failed != ERR_OK ? sizeof(reason) : 1);
    t->ops->rollback(t->conn);
    txn_forget(t);
    if (n == 0)
        return;
    if (failed != ERR_UNAVAILABLE && n > 1) {
        for (size_t i = 0; i < n; i++)
            commit_batch(c, &reqs[i], 1);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (failed == ERR_UNAVAILABLE)
            answer_unavailable(reqs[i]);
        else
            answer(reqs[i], ERR_INTERNAL, NULL);
    }
    if (failed == ERR_UNAVAILABLE)
        stop_writing(c, reason);
    else if (n > 0 && !log_limited(&c->logged_ms, 1000))
        log_error("a write failed", LOG_STR("op", store_op_name(reqs[0]->op)),
                  LOG_STR("reason", reason));
    deliver(c, reqs, n, 0, started_ns);
}

static void commit_batch(struct committer *c, struct store_req **reqs, size_t n)
{
    uint64_t started_ns = clock_monotonic_ns();

    if (c->probe_ns != 0) {
        for (size_t i = 0; i < n; i++)
            answer_unavailable(reqs[i]);
        deliver(c, reqs, n, 0, started_ns);
        return;
    }
    for (unsigned round = 0;; round++) {
        if (transact(c, reqs, n, round > 0)) {
            deliver(c, reqs, n, c->txn.events_n, started_ns);
            return;
        }
        size_t done = deliver_durable(c, reqs, n, started_ns);
        reqs += done;
        n -= done;
        if (c->txn.conn->failed != ERR_CONFLICT || n == 0)
            break;
        c->txn.ops->rollback(c->txn.conn);
        repair(&c->txn, done > 0 ? c->ends[done - 1] : 0);
        if (clock_monotonic_ns() - started_ns > RACE_NS) {
            lost_for_good(c, reqs, n, started_ns);
            return;
        }
        if (done == 0)
            back_off(round);
    }
    batch_failed(c, reqs, n, started_ns);
}

/* Requests that are batches of their own end the one before them. */
static void commit_all(struct committer *c, struct store_req **reqs, size_t n)
{
    bool (*alone)(enum store_op) = c->txn.ops->alone;

    for (size_t at = 0; at < n;) {
        size_t end = at + 1;
        while (end < n && (alone == NULL || (!alone(reqs[at]->op) && !alone(reqs[end]->op))))
            end++;
        commit_batch(c, reqs + at, end - at);
        at = end;
    }
}

static void purge(struct committer *c)
{
    struct txn *t = &c->txn;
    uint64_t started_ns = clock_monotonic_ns();

    txn_start(t);
    t->now = clock_unix_ms();
    enum err err = t->ops->begin(t->conn, true);
    if (err == ERR_OK)
        err = purge_step(t);
    if (err == ERR_OK)
        err = t->ops->commit(t->conn);
    settle_seqs(t);
    c->purge_eager = err == ERR_OK;
    c->purge_ns = err == ERR_OK ? started_ns + PURGE_INTERVAL_NS : 0;
    if (err == ERR_OK) {
        if (t->events_n > 0)
            deliver(c, NULL, 0, t->events_n, started_ns); /* members have left */
        return;
    }
    if (t->conn->failed == ERR_CONFLICT) {
        c->purge_ns = started_ns + PURGE_INTERVAL_NS; /* again, soon */
    } else if (t->conn->failed != ERR_OK) {
        log_error("a deleted channel cannot be purged", LOG_STR("reason", t->conn->reason));
        c->purge_ns = started_ns + PURGE_RETRY_NS;
    }
    t->ops->rollback(t->conn);
    txn_forget(t);
}

/* Whether a batch deleted a channel. */
static bool wants_purge(struct store_req **reqs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (reqs[i]->op == STORE_CHANNEL_DELETE)
            return true;
    return false;
}

/* Rest until the next commit is due, and until it is this process's turn to write what N requests
 * ask for. Whether there was anything to wait for. */
static bool await_commit(const struct committer *c, size_t n)
{
    struct timespec until = {.tv_sec = (time_t)(c->wait_ns / 1000000000u),
                             .tv_nsec = (long)(c->wait_ns % 1000000000u)};
    const struct store_ops *ops = c->txn.ops;

    while (c->wait_ns != 0 &&
           clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
    }
    bool turned = ops->take_turns != NULL && c->probe_ns == 0 &&
                  ops->take_turns(c->txn.conn, c->reqs, n, false);
    return turned || c->wait_ns != 0;
}

/* What comes in until it is time for the next commit; *N_INOUT requests are there already. */
static void gather(struct committer *c, size_t *n_inout, struct store_req **rejected_out)
{
    size_t max = c->store->options.batch_max;
    size_t more = 0;

    *rejected_out = NULL;
    if (*n_inout == 0 || *n_inout >= max || !await_commit(c, *n_inout))
        return;
    (void)queue_take(&c->store->writes, c->reqs + *n_inout, max - *n_inout, 1, &more, rejected_out);
    *n_inout += more;
}

static void commit_gathered(struct committer *c, size_t n)
{
    uint64_t started_ns = clock_monotonic_ns();
    bool purge_next = wants_purge(c->reqs, n);

    batch_begin(c->store);
    commit_all(c, c->reqs, n);
    batch_end(c->store);
    c->wait_ns = n >= BUSY_REQUESTS ? started_ns + COMMIT_INTERVAL_NS : 0;
    if (purge_next) {
        c->purge_ns = started_ns + PURGE_INTERVAL_NS;
        c->purge_eager = true;
    }
}

/* Until when to wait for requests; 0: for ever, 1: not at all. */
static uint64_t next_duty(const struct committer *c)
{
    uint64_t at = c->purge_eager ? 1 : c->purge_ns;

    if (c->probe_ns != 0)
        return c->probe_ns;
    return c->keep_ns != 0 && (at == 0 || c->keep_ns < at) ? c->keep_ns : at;
}

/* What is due beside the requests; IDLE: there were none. */
static void do_duties(struct committer *c, bool idle)
{
    uint64_t now = clock_monotonic_ns();

    if (c->probe_ns != 0 && now >= c->probe_ns)
        probe(c);
    else if (c->probe_ns == 0 && c->purge_ns != 0 &&
             ((idle && c->purge_eager) || now >= c->purge_ns))
        purge(c);
}

/* The committer works in short bursts between syncs, and everybody waits for it: where the kernel
 * knows slices (Linux 6.12), a short one lets it run as soon as it wakes, also beside a busy worker
 * on the same core. Elsewhere the call changes nothing. sched_setattr(2); glibc has no name for it.
 */
static void ask_for_short_slices(void)
{
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime_ns, deadline_ns, period_ns;
    } attr = {.size = sizeof(attr), .nice = getpriority(PRIO_PROCESS, 0), .runtime_ns = SLICE_NS};

    (void)syscall(SYS_sched_setattr, 0, &attr, 0);
}

void *committer_run(void *arg)
{
    struct store *s = arg;
    struct committer c = {.store = s, .purge_ns = 1, .purge_eager = true}; /* from before */
    struct store_req *rejected;
    size_t n;

    (void)pthread_setname_np(pthread_self(), "store-commit");
    ask_for_short_slices();
    c.reqs = mem_realloc_array(NULL, s->options.batch_max, sizeof(struct store_req *));
    c.ends = mem_realloc_array(NULL, s->options.batch_max, sizeof(*c.ends));
    txn_init(&c.txn, s->writer);
    while (queue_take(&s->writes, c.reqs, s->options.batch_max, next_duty(&c), &n, &rejected)) {
        reject(&c, rejected);
        gather(&c, &n, &rejected);
        reject(&c, rejected);
        if (n > 0)
            commit_gathered(&c, n);
        if (s->ops->idle != NULL)
            c.keep_ns = queue_depth(&s->writes) == 0 ? s->ops->idle(s->writer) : 0;
        do_duties(&c, n == 0);
    }
    if (s->ops->idle != NULL)
        while (s->ops->idle(s->writer) != 0)
            back_off(0);
    txn_free(&c.txn);
    free(c.reqs);
    free(c.ends);
    return NULL;
}
