/* threads.h - the storage threads: one committer, some readers. */
#ifndef STORAGE_THREADS_H
#define STORAGE_THREADS_H

#include "storage/queue.h"
#include "storage/txn.h"

struct store {
    const struct store_ops *ops;
    struct store_backend *backend;
    struct store_options options; /* with the defaults filled in */
    char *url;

    struct queue writes, reads;
    struct store_conn *writer;
    pthread_t committer;
    pthread_t *readers;
    unsigned readers_n; /* that were started */
    bool committing;    /* the committer was started */

    pthread_mutex_t state_lock;
    bool writable;
    char reason[STORE_REASON_SIZE]; /* why not */

    pthread_mutex_t order_lock;
    bool batch_under_way;     /* taken by the committer, not handed over in full yet */
    struct request_list held; /* reads of events that ended meanwhile */
};

/* A sender's answer comes before whatever tells of its event. A read of the log can see the events
 * of a batch that is durable but not handed over: it is answered after that batch. */
void batch_begin(struct store *s);
void batch_end(struct store *s);
/* Hand over a read that has ended. Any thread. */
void read_answer(struct store *s, struct store_req *req);

void *committer_run(void *store);
void *reader_run(void *store);

#endif
