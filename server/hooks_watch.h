/* hooks_watch.h - the streams whose events outgoing webhooks wait for, and which of them have had
 * some: how the committer tells the deliverer.
 *
 * A batch of events costs the committer one look at an atomic while there is no outgoing webhook,
 * and a lookup in a table for each of its events while there is one. Threading: any; locks itself.
 */
#ifndef SERVER_HOOKS_WATCH_H
#define SERVER_HOOKS_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "storage/store.h"

struct watched;

struct hooks_watch {
    atomic_size_t n;
    pthread_mutex_t lock; /* of the rest */
    struct watched *streams;
    bool told; /* that there is something to take */
};

void hooks_watch_init(struct hooks_watch *watch);
void hooks_watch_destroy(struct hooks_watch *watch);

/* Each add needs its remove. */
void hooks_watch_add(struct hooks_watch *watch, const char *stream);
void hooks_watch_remove(struct hooks_watch *watch, const char *stream);
/* True: a watched stream has events, and nobody was told since they were last taken. */
bool hooks_watch_note(struct hooks_watch *watch, const struct store_event *events, size_t n);
/* The streams that have had events since the last time: an array of names for free(); *n_out may be
 * 0. */
char (*hooks_watch_take(struct hooks_watch *watch, size_t *n_out))[STORE_STREAM_SIZE];

#endif
