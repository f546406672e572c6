/* The sessions are in the order in which they came, or were looked at last by tidy(). */
#include "server/rates.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "base/id.h"
#include "base/mem.h"

enum { LOOKS = 2 }; /* at old sessions for each new one, so that those at rest go */

struct paced {
    char session[ID_MAX + 1];
    struct rate_bucket buckets[RATE_COUNT];
    UT_hash_handle hh;
};

struct rates {
    pthread_mutex_t lock;
    size_t max;
    struct paced *by_session;
};

struct rates *rates_create(size_t max)
{
    struct rates *rates = mem_zalloc(sizeof(*rates));

    rates->max = max;
    (void)pthread_mutex_init(&rates->lock, NULL);
    return rates;
}

static void forget(struct rates *rates, struct paced *paced)
{
    HASH_DEL(rates->by_session, paced);
    free(paced);
}

void rates_destroy(struct rates **rates_ref)
{
    struct rates *rates = *rates_ref;

    if (rates == NULL)
        return;
    *rates_ref = NULL;
    while (rates->by_session != NULL)
        forget(rates, rates->by_session);
    (void)pthread_mutex_destroy(&rates->lock);
    free(rates);
}

/* All its buckets are full, as those of a new one. */
static bool is_at_rest(const struct paced *paced, uint64_t now_ns)
{
    for (size_t i = 0; i < RATE_COUNT; i++)
        if (paced->buckets[i].full_at_ns > now_ns)
            return false;
    return true;
}

static void tidy(struct rates *rates, uint64_t now_ns)
{
    for (int i = 0; i < LOOKS && rates->by_session != NULL; i++) {
        struct paced *first = rates->by_session;
        if (is_at_rest(first, now_ns)) {
            forget(rates, first);
            continue;
        }
        HASH_DEL(rates->by_session, first);
        HASH_ADD_STR(rates->by_session, session, first);
    }
    if (HASH_COUNT(rates->by_session) >= rates->max)
        forget(rates, rates->by_session);
}

static struct paced *get(struct rates *rates, const char *session, uint64_t now_ns)
{
    struct paced *paced;

    HASH_FIND_STR(rates->by_session, session, paced);
    if (paced != NULL)
        return paced;
    tidy(rates, now_ns);
    paced = mem_zalloc(sizeof(*paced));
    (void)snprintf(paced->session, sizeof(paced->session), "%s", session);
    HASH_ADD_STR(rates->by_session, session, paced);
    return paced;
}

uint32_t rates_take(struct rates *rates, const char *session, enum rate_class class,
                    const struct rate_limit *limit, uint64_t now_ns)
{
    (void)pthread_mutex_lock(&rates->lock);
    uint32_t wait = rate_take(&get(rates, session, now_ns)->buckets[class], limit, now_ns);
    (void)pthread_mutex_unlock(&rates->lock);
    return wait;
}

size_t rates_sessions(struct rates *rates)
{
    (void)pthread_mutex_lock(&rates->lock);
    size_t n = HASH_COUNT(rates->by_session);
    (void)pthread_mutex_unlock(&rates->lock);
    return n;
}
