/* They are in the order in which they came, or were looked at last by tidy(). */
#include "server/rates.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "base/id.h"
#include "base/mem.h"
#include "server/address.h"

enum { LOOKS = 2 }; /* at old ones for each new one, so that those at rest go */

static_assert((int)ID_MAX < (int)ADDRESS_TEXT_SIZE, "an id fits, too");

struct paced {
    char who[ADDRESS_TEXT_SIZE];
    struct rate_bucket buckets[RATE_COUNT];
    UT_hash_handle hh;
};

struct rates {
    pthread_mutex_t lock;
    size_t max;
    struct paced *known;
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
    HASH_DEL(rates->known, paced);
    free(paced);
}

void rates_destroy(struct rates **rates_ref)
{
    struct rates *rates = *rates_ref;

    if (rates == NULL)
        return;
    *rates_ref = NULL;
    while (rates->known != NULL)
        forget(rates, rates->known);
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
    for (int i = 0; i < LOOKS && rates->known != NULL; i++) {
        struct paced *first = rates->known;
        if (is_at_rest(first, now_ns)) {
            forget(rates, first);
            continue;
        }
        HASH_DEL(rates->known, first);
        HASH_ADD_STR(rates->known, who, first);
    }
    if (HASH_COUNT(rates->known) >= rates->max)
        forget(rates, rates->known);
}

static struct paced *get(struct rates *rates, const char *who, uint64_t now_ns)
{
    struct paced *paced;

    HASH_FIND_STR(rates->known, who, paced);
    if (paced != NULL)
        return paced;
    tidy(rates, now_ns);
    paced = mem_zalloc(sizeof(*paced));
    (void)snprintf(paced->who, sizeof(paced->who), "%s", who);
    HASH_ADD_STR(rates->known, who, paced);
    return paced;
}

uint32_t rates_take(struct rates *rates, const char *who, enum rate_class class,
                    const struct rate_limit *limit, uint64_t now_ns)
{
    (void)pthread_mutex_lock(&rates->lock);
    uint32_t wait = rate_take(&get(rates, who, now_ns)->buckets[class], limit, now_ns);
    (void)pthread_mutex_unlock(&rates->lock);
    return wait;
}

size_t rates_count(struct rates *rates)
{
    (void)pthread_mutex_lock(&rates->lock);
    size_t n = HASH_COUNT(rates->known);
    (void)pthread_mutex_unlock(&rates->lock);
    return n;
}
