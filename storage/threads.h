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
};

void *committer_run(void *store);
void *reader_run(void *store);

#endif
