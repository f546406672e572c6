#include "storage/queue.h"

#include <errno.h>
#include <time.h>

#include "base/clock.h"

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

void queue_push(struct queue *q, struct store_req *req)
{
    req->submitted_ns = clock_monotonic_ns();
    req->made.user = NULL;
    (void)pthread_mutex_lock(&q->lock);
    append(q->pending.n < q->max ? &q->pending : &q->rejected, req);
    bool wake = q->idle > 0;
    (void)pthread_mutex_unlock(&q->lock);
    if (wake)
        (void)pthread_cond_signal(&q->filled);
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

bool queue_take(struct queue *q, struct store_req **reqs_out, size_t max, uint64_t deadline_ns,
                size_t *n_out, struct store_req **rejected_out)
{
    size_t n = 0;

    (void)pthread_mutex_lock(&q->lock);
    wait_filled(q, deadline_ns);
    while (n < max && q->pending.head != NULL) {
        struct store_req *req = q->pending.head;
        q->pending.head = req->next;
        req->next = NULL;
        reqs_out[n++] = req;
    }
    q->pending.n -= n;
    if (q->pending.head == NULL)
        q->pending.tail = NULL;
    *rejected_out = q->rejected.head;
    q->rejected = (struct request_list){0};
    bool more = n > 0 || *rejected_out != NULL || !q->closed;
    (void)pthread_mutex_unlock(&q->lock);
    *n_out = n;
    return more;
}

size_t queue_depth(struct queue *q)
{
    (void)pthread_mutex_lock(&q->lock);
    size_t n = q->pending.n;
    (void)pthread_mutex_unlock(&q->lock);
    return n;
}
