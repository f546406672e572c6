/* queue.h - requests on their way to the storage threads: a bounded list behind a lock.
 *
 * Threading: any thread pushes, the storage threads take. A request that does not fit is kept
 * apart, to be answered UNAVAILABLE by the thread that takes it: pushing never calls back.
 */
#ifndef STORAGE_QUEUE_H
#define STORAGE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "storage/store.h"

struct request_list {
    struct store_req *head, *tail;
    size_t n;
};

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled; /* monotonic clock */
    struct request_list pending, rejected;
    size_t max;
    unsigned idle; /* threads waiting in queue_take() */
    bool closed;
};

void queue_init(struct queue *q, size_t max);
void queue_destroy(struct queue *q);
void queue_push(struct queue *q, struct store_req *req);
/* FIRST and those linked to it by `next`, in this order, in one go. */
void queue_push_list(struct queue *q, struct store_req *first);
/* No more pushes; takers get what is left, then nothing. */
void queue_close(struct queue *q);
/* Up to MAX requests into REQS_OUT, in order; waits for the first one until DEADLINE_NS
 * (monotonic; 0: for ever). *REJECTED_OUT gets those that did not fit in the queue, linked by
 * `next`. False when the queue is closed and empty. */
bool queue_take(struct queue *q, struct store_req **reqs_out, size_t max, uint64_t deadline_ns,
                size_t *n_out, struct store_req **rejected_out);
/* The same for requests that can be answered together, without a deadline: the first one and, if
 * JOINS says so of its op, those of the pending ones of which it says so too, up to MAX. The others
 * stay, in order. JOINS may be NULL: the first one alone. */
bool queue_take_joined(struct queue *q, bool (*joins)(enum store_op op),
                       struct store_req **reqs_out, size_t max, size_t *n_out,
                       struct store_req **rejected_out);
size_t queue_depth(struct queue *q);

#endif
