#include "server/hook_rates.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/id.h"
#include "base/mem.h"

enum { SWEEP_AT = 1024 }; /* entries, and then twice as many as the last sweep left */

struct entry {
    char hook[ID_MAX + 1];
    struct rate_bucket bucket;
    UT_hash_handle hh;
};

struct hook_rates {
    pthread_mutex_t lock;
    struct rate_limit limit;
    struct entry *entries;
    unsigned sweep_at;
};

struct hook_rates *hook_rates_create(const struct rate_limit *limit)
{
    struct hook_rates *r = mem_zalloc(sizeof(*r));

    (void)pthread_mutex_init(&r->lock, NULL);
    r->limit = *limit;
    r->sweep_at = SWEEP_AT;
    return r;
}

static void forget(struct hook_rates *r, struct entry *e)
{
    HASH_DEL(r->entries, e);
    free(e);
}

void hook_rates_destroy(struct hook_rates **rates)
{
    struct hook_rates *r = *rates;
    struct entry *e;
    struct entry *next;

    *rates = NULL;
    if (r == NULL)
        return;
    HASH_ITER(hh, r->entries, e, next) forget(r, e);
    (void)pthread_mutex_destroy(&r->lock);
    free(r);
}

/* A bucket that is full says nothing that a new one would not. */
static void sweep(struct hook_rates *r, uint64_t now_ns)
{
    struct entry *e;
    struct entry *next;

    HASH_ITER(hh, r->entries, e, next)
    {
        if (e->bucket.full_at_ns <= now_ns)
            forget(r, e);
    }
    r->sweep_at = SWEEP_AT + 2 * HASH_COUNT(r->entries);
}

static struct entry *entry_of(struct hook_rates *r, const char *hook, uint64_t now_ns)
{
    struct entry *e;

    HASH_FIND_STR(r->entries, hook, e);
    if (e != NULL)
        return e;
    if (HASH_COUNT(r->entries) >= r->sweep_at)
        sweep(r, now_ns);
    e = mem_zalloc(sizeof(*e));
    (void)snprintf(e->hook, sizeof(e->hook), "%s", hook);
    HASH_ADD_STR(r->entries, hook, e);
    return e;
}

uint32_t hook_rates_take(struct hook_rates *rates, const char *hook, uint64_t now_ns)
{
    (void)pthread_mutex_lock(&rates->lock);
    uint32_t wait = rate_take(&entry_of(rates, hook, now_ns)->bucket, &rates->limit, now_ns);
    (void)pthread_mutex_unlock(&rates->lock);
    return wait;
}
