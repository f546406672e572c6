/* reader.c - the threads that answer reads, each from its own connection and snapshot. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "storage/ops.h"
#include "storage/threads.h"

enum {
    REPAIRS = 3,        /* of streams that a dead node has left, for one read */
    TOGETHER_MAX = 128, /* requests that are answered together */
};

struct reader {
    struct store *store;
    struct store_conn *conn; /* opened for the first request */
    struct txn txn;
    int64_t logged_ms;
};

static bool is_open(struct reader *r)
{
    char error[STORE_ERROR_SIZE];

    if (r->conn != NULL)
        return true;
    if (r->store->ops->connect(r->store->backend, false, &r->conn, error) != ERR_OK) {
        if (!log_limited(&r->logged_ms, 1000))
            log_error("the store cannot be read", LOG_STR("reason", error));
        return false;
    }
    txn_init(&r->txn, r->conn);
    return true;
}

static void read_failed(struct reader *r, struct store_req *req)
{
    enum err failed = r->conn->failed;

    if (!log_limited(&r->logged_ms, 1000))
        log_error("a read failed", LOG_STR("op", store_op_name(req->op)),
                  LOG_STR("reason", r->conn->reason));
    r->txn.ops->rollback(r->conn);
    memset(&req->out, 0, sizeof(req->out));
    req->err = failed;
    req->field = NULL;
    req->reason = failed == ERR_UNAVAILABLE ? "the store cannot read now" : NULL;
}

static void clear_answer(struct store_req *req)
{
    memset(&req->out, 0, sizeof(req->out));
    req->field = NULL;
    req->reason = NULL;
}

static void run(struct reader *r, op_fn op, struct store_req *req)
{
    struct txn *t = &r->txn;

    clear_answer(req);
    t->now = clock_unix_ms();
    req->err = t->ops->begin(t->conn, false);
    if (req->err == ERR_OK)
        req->err = op(t, req);
    if (t->conn->failed != ERR_OK || t->ops->commit(t->conn) != ERR_OK)
        read_failed(r, req);
}

/* The connection broke, the database is there: once more. */
static bool broke_only(struct reader *r, const struct store_req *req)
{
    char reason[STORE_REASON_SIZE];
    bool (*away)(struct store_backend *, char *) = r->txn.ops->away;

    return req->err == ERR_UNAVAILABLE && away != NULL && !away(r->store->backend, reason);
}

/* Another node has left events that are not applied, in a stream that was read: apply them. False:
 * there are none, or it cannot be done now. */
static bool repair(struct txn *t, const struct store_req *req)
{
    const char *const *seen = NULL;
    size_t n = t->ops->behind != NULL ? t->ops->behind(t->conn, &seen) : 0;

    if (n == 0 || req->err == ERR_UNAVAILABLE)
        return false;
    const char **names = arena_alloc(req->arena, n * sizeof(*names));
    for (size_t i = 0; i < n; i++)
        names[i] = arena_strdup(req->arena, seen[i]);
    txn_forget(t);
    return txn_repair(t, names, n) == ERR_OK;
}

static void read_one(struct reader *r, struct store_req *req)
{
    op_fn op = op_find(req->op);
    struct txn *t = &r->txn;

    clear_answer(req);
    if (op == NULL || store_op_writes(req->op)) {
        req->err = ERR_INTERNAL;
        return;
    }
    if (!is_open(r)) {
        req->err = ERR_UNAVAILABLE;
        req->reason = "the store cannot read now";
        return;
    }
    for (int tries = 0; tries < REPAIRS; tries++) {
        run(r, op, req);
        bool again = t->conn->failed == ERR_OK && (broke_only(r, req) || repair(t, req));
        txn_forget(t); /* the next one sees its own moment */
        if (!again)
            break;
    }
}

/* One transaction for all of them: each asks as it would alone, and finds most of it loaded. */
static enum err run_together(struct reader *r, struct store_req *const *reqs, size_t n)
{
    struct txn *t = &r->txn;
    enum err err = t->ops->begin(t->conn, false);

    t->now = clock_unix_ms();
    if (err == ERR_OK && t->ops->gather != NULL)
        err = t->ops->gather(t->conn, reqs, n);
    for (size_t i = 0; err == ERR_OK && i < n; i++) {
        clear_answer(reqs[i]);
        reqs[i]->err = op_find(reqs[i]->op)(t, reqs[i]);
        err = t->conn->failed;
        txn_forget(t);
    }
    if (err == ERR_OK)
        err = t->ops->commit(t->conn);
    if (err != ERR_OK)
        t->ops->rollback(t->conn);
    return err;
}

/* What fails for some is asked for each: only those whom it concerns are to hear of it. */
static void read_together(struct reader *r, struct store_req *const *reqs, size_t n)
{
    bool again = n > 1 && is_open(r);

    for (int tries = 0; again; tries++) {
        if (run_together(r, reqs, n) != ERR_OK)
            break;
        again = tries + 1 < REPAIRS && repair(&r->txn, reqs[0]);
        txn_forget(&r->txn);
        if (!again)
            return;
    }
    for (size_t i = 0; i < n; i++)
        read_one(r, reqs[i]);
}

void *reader_run(void *arg)
{
    struct store *s = arg;
    struct reader r = {.store = s};
    struct store_req *reqs[TOGETHER_MAX];
    struct store_req *rejected;
    size_t max = s->ops->joins_max != 0 ? s->ops->joins_max : TOGETHER_MAX;
    size_t n;

    (void)pthread_setname_np(pthread_self(), "store-read");
    while (queue_take_joined(&s->reads, s->ops->joins, reqs, max, &n, &rejected)) {
        while (rejected != NULL) {
            struct store_req *next = rejected->next;
            memset(&rejected->out, 0, sizeof(rejected->out));
            rejected->err = ERR_UNAVAILABLE;
            rejected->reason = "too many requests are waiting for the store";
            read_answer(s, rejected);
            rejected = next;
        }
        read_together(&r, reqs, n);
        for (size_t i = 0; i < n; i++)
            read_answer(s, reqs[i]);
    }
    if (r.conn != NULL) {
        txn_free(&r.txn);
        s->ops->disconnect(&r.conn);
    }
    return NULL;
}
