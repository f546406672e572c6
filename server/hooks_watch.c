#include "server/hooks_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/mem.h"

struct watched {
    UT_hash_handle hh;
    size_t refs;
    bool has_events;
    char stream[STORE_STREAM_SIZE];
};

void hooks_watch_init(struct hooks_watch *watch)
{
    *watch = (struct hooks_watch){0};
    (void)pthread_mutex_init(&watch->lock, NULL);
}

void hooks_watch_destroy(struct hooks_watch *watch)
{
    struct watched *w, *next;

    HASH_ITER(hh, watch->streams, w, next)
    {
        HASH_DEL(watch->streams, w);
        free(w);
    }
    (void)pthread_mutex_destroy(&watch->lock);
}

void hooks_watch_add(struct hooks_watch *watch, const char *stream)
{
    struct watched *w;

    (void)pthread_mutex_lock(&watch->lock);
    HASH_FIND_STR(watch->streams, stream, w);
    if (w == NULL) {
        w = mem_zalloc(sizeof(*w));
        (void)snprintf(w->stream, sizeof(w->stream), "%s", stream);
        HASH_ADD_STR(watch->streams, stream, w);
        atomic_fetch_add(&watch->n, 1);
    }
    w->refs++;
    (void)pthread_mutex_unlock(&watch->lock);
}

void hooks_watch_remove(struct hooks_watch *watch, const char *stream)
{
    struct watched *w;

    (void)pthread_mutex_lock(&watch->lock);
    HASH_FIND_STR(watch->streams, stream, w);
    if (w != NULL && --w->refs == 0) {
        HASH_DEL(watch->streams, w);
        free(w);
        atomic_fetch_sub(&watch->n, 1);
    }
    (void)pthread_mutex_unlock(&watch->lock);
}

bool hooks_watch_note(struct hooks_watch *watch, const struct store_event *events, size_t n)
{
    struct watched *w = NULL;
    bool any = false;

    if (atomic_load_explicit(&watch->n, memory_order_relaxed) == 0)
        return false;
    (void)pthread_mutex_lock(&watch->lock);
    for (size_t i = 0; i < n; i++) {
        if (w == NULL || strcmp(w->stream, events[i].stream) != 0)
            HASH_FIND_STR(watch->streams, events[i].stream, w);
        if (w != NULL)
            any = w->has_events = true;
    }
    bool tell = any && !watch->told;
    watch->told = watch->told || any;
    (void)pthread_mutex_unlock(&watch->lock);
    return tell;
}

char (*hooks_watch_take(struct hooks_watch *watch, size_t *n_out))[STORE_STREAM_SIZE]
{
    struct watched *w, *next;
    size_t n = 0;

    (void)pthread_mutex_lock(&watch->lock);
    char(*streams)[STORE_STREAM_SIZE] =
        mem_alloc((HASH_COUNT(watch->streams) + 1) * sizeof(streams[0]));
    HASH_ITER(hh, watch->streams, w, next)
    {
        if (!w->has_events)
            continue;
        w->has_events = false;
        memcpy(streams[n++], w->stream, STORE_STREAM_SIZE);
    }
    watch->told = false;
    (void)pthread_mutex_unlock(&watch->lock);
    *n_out = n;
    return streams;
}
