#include "storage/queue.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"

enum { LOOK_AHEAD = 1024 }; /* requests that are looked at for others to join them */

void queue_init(struct queue *q, size_t max)
{
    pthread_condattr_t attr;

    *q = (struct queue){.max = max};
    (void)pthread_mutex_init(&q->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&q->filled, &attr);
    (void)pthread_condattr_destroy(&attr);
}

void queue_destroy(struct queue *q)
{
    (void)pthread_mutex_destroy(&q->lock);
    (void)pthread_cond_destroy(&q->filled);
}

static void append(struct request_list *list, struct store_req *req)
{
    req->next = NULL;
    if (list->tail != NULL)
        list->tail->next = req;
    else
        list->head = req;
    list->tail = req;
    list->n++;
}

void queue_push_list(struct queue *q, struct store_req *first)
{
    uint64_t now = clock_monotonic_ns();
    unsigned n = 0;

    (void)pthread_mutex_lock(&q->lock);
    for (struct store_req *next; first != NULL; first = next, n++) {
        next = first->next;
        first->submitted_ns = now;
        first->made.user = NULL;
        append(q->pending.n < q->max ? &q->pending : &q->rejected, first);
    }
    unsigned wake = n < q->idle ? n : q->idle;
    (void)pthread_mutex_unlock(&q->lock);
    while (wake-- > 0)
        (void)pthread_cond_signal(&q->filled);
}

void queue_push(struct queue *q, struct store_req *req)
{
    req->next = NULL;
    queue_push_list(q, req);
}

void queue_close(struct queue *q)
{
    (void)pthread_mutex_lock(&q->lock);
    q->closed = true;
    (void)pthread_cond_broadcast(&q->filled);
    (void)pthread_mutex_unlock(&q->lock);
}

static bool is_empty(const struct queue *q)
{
    return q->pending.n == 0 && q->rejected.n == 0;
}

static void wait_filled(struct queue *q, uint64_t deadline_ns)
{
    struct timespec until = {.tv_sec = (time_t)(deadline_ns / 1000000000u),
                             .tv_nsec = (long)(deadline_ns % 1000000000u)};
    int rc = 0;

    q->idle++;
    while (is_empty(q) && !q->closed && rc != ETIMEDOUT)
        rc = deadline_ns == 0 ? pthread_cond_wait(&q->filled, &q->lock)
                              : pthread_cond_timedwait(&q->filled, &q->lock, &until);
    q->idle--;
}

static struct store_req *take_first(struct queue *q)
{
    struct store_req *req = q->pending.head;

    if (req == NULL)
        return NULL;
    q->pending.head = req->next;
    if (q->pending.head == NULL)
        q->pending.tail = NULL;
    q->pending.n--;
    req->next = NULL;
    return req;
}

/* What did not fit goes with the N that were taken. */
static bool end_take(struct queue *q, size_t n, struct store_req **rejected_out)
{
    *rejected_out = q->rejected.head;
    q->rejected = (struct request_list){0};
    bool more = n > 0 || *rejected_out != NULL || !q->closed;
    (void)pthread_mutex_unlock(&q->lock);
    return more;
}

bool queue_take(struct queue *q, struct store_req **reqs_out, size_t max, uint64_t deadline_ns,
                size_t *n_out, struct store_req **rejected_out)
{
    size_t n = 0;

    (void)pthread_mutex_lock(&q->lock);
    wait_filled(q, deadline_ns);
    while (n < max && q->pending.head != NULL)
        reqs_out[n++] = take_first(q);
    *n_out = n;
    return end_take(q, n, rejected_out);
}

/* Those that join, among the next LOOK_AHEAD. */
static size_t take_joined(struct queue *q, bool (*joins)(enum store_op op),
                          struct store_req **reqs_out, size_t max)
{
    struct request_list left = {0};
    size_t n = 0;

    for (size_t i = 0; n < max && i < LOOK_AHEAD && q->pending.head != NULL; i++) {
        struct store_req *req = take_first(q);
        if (joins(req->op))
            reqs_out[n++] = req;
        else
            append(&left, req);
    }
    if (left.n == 0)
        return n;
    left.tail->next = q->pending.head;
    q->pending.head = left.head;
    if (q->pending.tail == NULL)
        q->pending.tail = left.tail;
    q->pending.n += left.n;
    return n;
}

bool queue_take_joined(struct queue *q, bool (*joins)(enum store_op op),
                       struct store_req **reqs_out, size_t max, size_t *n_out,
                       struct store_req **rejected_out)
{
    size_t n = 0;

    (void)pthread_mutex_lock(&q->lock);
    wait_filled(q, 0);
    if (q->pending.head != NULL)
        reqs_out[n++] = take_first(q);
    if (n > 0 && joins != NULL && joins(reqs_out[0]->op))
        n += take_joined(q, joins, reqs_out + 1, max - 1);
    *n_out = n;
    return end_take(q, n, rejected_out);
}

size_t queue_depth(struct queue *q)
{
    (void)pthread_mutex_lock(&q->lock);
    size_t n = q->pending.n;
    (void)pthread_mutex_unlock(&q->lock);
    return n;
}
