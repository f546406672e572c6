/* One table for names ("n:ann"), addresses ("a:192.0.2.1"), and addresses that register
 * ("r:192.0.2.1") or guess secrets ("g:192.0.2.1"). uthash keeps the entries in the order in which
 * they were added; an entry that is used is taken out and added again, so that the first is the one
 * unused for longest.
 */
#include "server/throttle.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/address.h"

#define uthash_malloc(size) mem_alloc(size)
#define uthash_free(ptr, size) free(ptr)
#include <uthash.h>

enum { KEY_SIZE = THROTTLE_KEY_SIZE };
static_assert(KEY_SIZE == ADDRESS_TEXT_SIZE + 2, "a sign before a name or an address");
static const uint64_t ns_per_ms = 1000000;

struct entry {
    UT_hash_handle hh;
    char key[KEY_SIZE];
    unsigned failures;
    uint64_t last_ns; /* of the last attempt */
    uint64_t wait_until_ns;
    struct rate_bucket hourly; /* of who registers or guesses */
};

struct throttle {
    pthread_mutex_t lock;
    struct throttle_options options;
    struct entry *entries;
};

struct throttle *throttle_create(const struct throttle_options *given)
{
    struct throttle *throttle = mem_zalloc(sizeof(*throttle));
    struct throttle_options *options = &throttle->options;

    if (given != NULL)
        *options = *given;
    if (options->entries_max == 0)
        options->entries_max = 65536;
    if (options->name_free == 0)
        options->name_free = 5;
    if (options->address_free == 0)
        options->address_free = 20;
    if (options->first_delay_ms == 0)
        options->first_delay_ms = 1000;
    if (options->name_delay_ms == 0)
        options->name_delay_ms = 30 * 1000;
    if (options->address_delay_ms == 0)
        options->address_delay_ms = 5 * 60 * 1000;
    if (options->forget_ms == 0)
        options->forget_ms = 15 * 60 * 1000;
    (void)pthread_mutex_init(&throttle->lock, NULL);
    return throttle;
}

static void entry_remove(struct throttle *throttle, struct entry *entry)
{
    HASH_DEL(throttle->entries, entry);
    free(entry);
}

void throttle_destroy(struct throttle **throttle_ref)
{
    struct throttle *throttle = *throttle_ref;

    if (throttle == NULL)
        return;
    *throttle_ref = NULL;
    while (throttle->entries != NULL)
        entry_remove(throttle, throttle->entries);
    (void)pthread_mutex_destroy(&throttle->lock);
    free(throttle);
}

static void name_key(const char *name, char key_out[KEY_SIZE])
{
    (void)snprintf(key_out, KEY_SIZE, "n:%.*s", ADDRESS_TEXT_SIZE - 1, name);
}

static void address_key(char kind, const char *address, char key_out[KEY_SIZE])
{
    key_out[0] = kind;
    key_out[1] = ':';
    address_group(address, key_out + 2);
}

static struct entry *entry_find(struct throttle *throttle, const char *key)
{
    struct entry *entry;

    HASH_FIND_STR(throttle->entries, key, entry);
    return entry;
}

/* The entry KEY, now the one used last; made if it is not there. */
static struct entry *entry_touch(struct throttle *throttle, const char *key, uint64_t now_ns)
{
    struct entry *entry = entry_find(throttle, key);

    if (entry != NULL) {
        HASH_DEL(throttle->entries, entry);
        if (now_ns - entry->last_ns > throttle->options.forget_ms * ns_per_ms)
            entry->failures = 0;
    } else {
        if (HASH_COUNT(throttle->entries) >= throttle->options.entries_max)
            entry_remove(throttle, throttle->entries);
        entry = mem_zalloc(sizeof(*entry));
        (void)snprintf(entry->key, sizeof(entry->key), "%s", key);
    }
    HASH_ADD_STR(throttle->entries, key, entry);
    entry->last_ns = now_ns;
    return entry;
}

static uint32_t entry_wait_ms(const struct entry *entry, uint64_t now_ns)
{
    if (entry == NULL || entry->wait_until_ns <= now_ns)
        return 0;
    return (uint32_t)((entry->wait_until_ns - now_ns + ns_per_ms - 1) / ns_per_ms);
}

/* One failure more; beyond FREE each doubles the wait. */
static void entry_count(struct throttle *throttle, const char *key, unsigned free_tries,
                        uint32_t delay_max_ms, uint64_t now_ns)
{
    struct entry *entry = entry_touch(throttle, key, now_ns);
    uint64_t delay_ms = throttle->options.first_delay_ms;

    if (++entry->failures < free_tries)
        return;
    for (unsigned i = free_tries; i < entry->failures && delay_ms < delay_max_ms; i++)
        delay_ms *= 2;
    if (delay_ms > delay_max_ms)
        delay_ms = delay_max_ms;
    entry->wait_until_ns = now_ns + delay_ms * ns_per_ms;
}

uint32_t throttle_begin(struct throttle *throttle, const char *name, const char *address,
                        uint64_t now_ns)
{
    const struct throttle_options *options = &throttle->options;
    char by_name[KEY_SIZE];
    char by_address[KEY_SIZE] = "";

    name_key(name, by_name);
    if (address != NULL)
        address_key('a', address, by_address);
    (void)pthread_mutex_lock(&throttle->lock);
    uint32_t wait = entry_wait_ms(entry_find(throttle, by_name), now_ns);
    uint32_t other = entry_wait_ms(entry_find(throttle, by_address), now_ns);
    if (other > wait)
        wait = other;
    if (wait == 0) {
        entry_count(throttle, by_name, options->name_free, options->name_delay_ms, now_ns);
        if (address != NULL)
            entry_count(throttle, by_address, options->address_free, options->address_delay_ms,
                        now_ns);
    }
    (void)pthread_mutex_unlock(&throttle->lock);
    return wait;
}

/* Takes one failure back, and with it the wait it caused. */
static void give_back(struct throttle *throttle, const char *key)
{
    struct entry *entry = entry_find(throttle, key);

    if (entry == NULL)
        return;
    entry->wait_until_ns = 0;
    if (entry->failures <= 1)
        entry_remove(throttle, entry);
    else
        entry->failures--;
}

static void finish(struct throttle *throttle, const char *name, const char *address, bool good)
{
    char key[KEY_SIZE];
    struct entry *entry;

    (void)pthread_mutex_lock(&throttle->lock);
    name_key(name, key);
    if (good && (entry = entry_find(throttle, key)) != NULL)
        entry->failures = 0;
    give_back(throttle, key);
    if (address != NULL) {
        address_key('a', address, key);
        give_back(throttle, key);
    }
    (void)pthread_mutex_unlock(&throttle->lock);
}

void throttle_succeeded(struct throttle *throttle, const char *name, const char *address)
{
    finish(throttle, name, address, true);
}

void throttle_cancelled(struct throttle *throttle, const char *name, const char *address)
{
    finish(throttle, name, address, false);
}

size_t throttle_keys(const char *name, const char *address,
                     char keys_out[THROTTLE_KEYS][THROTTLE_KEY_SIZE])
{
    name_key(name, keys_out[0]);
    if (address == NULL)
        return 1;
    address_key('a', address, keys_out[1]);
    return THROTTLE_KEYS;
}

/* A token every INTERVAL_NS, BURST of them at once. */
static uint32_t bucket_take(struct rate_bucket *bucket, uint64_t interval_ns, uint32_t burst,
                            uint64_t now_ns)
{
    uint64_t room = interval_ns * (burst > 0 ? burst : 1);
    uint64_t from = bucket->full_at_ns > now_ns ? bucket->full_at_ns : now_ns;

    if (from + interval_ns > now_ns + room) {
        uint64_t wait = from + interval_ns - now_ns - room;
        return (uint32_t)((wait + ns_per_ms - 1) / ns_per_ms);
    }
    bucket->full_at_ns = from + interval_ns;
    return 0;
}

/* KEY's kind says how many there may be in an hour. */
static uint32_t take_hourly(struct throttle *throttle, const char *key, uint64_t now_ns)
{
    const struct throttle_options *options = &throttle->options;
    uint32_t per_hour = key[0] == 'r' ? options->registrations : options->guesses;

    if (per_hour == 0)
        return 0;
    (void)pthread_mutex_lock(&throttle->lock);
    struct entry *entry = entry_touch(throttle, key, now_ns);
    uint32_t wait =
        bucket_take(&entry->hourly, UINT64_C(3600000000000) / per_hour, per_hour, now_ns);
    (void)pthread_mutex_unlock(&throttle->lock);
    return wait;
}

void throttle_registration_key(const char *address, char key_out[KEY_SIZE])
{
    address_key('r', address, key_out);
}

uint32_t throttle_registration(struct throttle *throttle, const char *address, uint64_t now_ns)
{
    char key[KEY_SIZE];

    throttle_registration_key(address, key);
    return take_hourly(throttle, key, now_ns);
}

void throttle_guess_key(const char *address, char key_out[KEY_SIZE])
{
    address_key('g', address, key_out);
}

uint32_t throttle_guess(struct throttle *throttle, const char *address, uint64_t now_ns)
{
    char key[KEY_SIZE];

    throttle_guess_key(address, key);
    return take_hourly(throttle, key, now_ns);
}

static void hear_login(struct throttle *throttle, const char *key, bool good, uint64_t now_ns)
{
    const struct throttle_options *options = &throttle->options;
    bool name = key[0] == 'n';

    (void)pthread_mutex_lock(&throttle->lock);
    struct entry *entry = good ? entry_find(throttle, key) : NULL;
    if (entry != NULL && name)
        entry_remove(throttle, entry);
    else if (!good)
        entry_count(throttle, key, name ? options->name_free : options->address_free,
                    name ? options->name_delay_ms : options->address_delay_ms, now_ns);
    (void)pthread_mutex_unlock(&throttle->lock);
}

void throttle_hear(struct throttle *throttle, const char *key, bool good, uint64_t now_ns)
{
    if (strlen(key) >= KEY_SIZE)
        return;
    if (strncmp(key, "r:", 2) == 0 || strncmp(key, "g:", 2) == 0)
        (void)take_hourly(throttle, key, now_ns);
    else if (strncmp(key, "n:", 2) == 0 || strncmp(key, "a:", 2) == 0)
        hear_login(throttle, key, good, now_ns);
}

size_t throttle_entries(struct throttle *throttle)
{
    (void)pthread_mutex_lock(&throttle->lock);
    size_t n = HASH_COUNT(throttle->entries);
    (void)pthread_mutex_unlock(&throttle->lock);
    return n;
}

uint32_t rate_take(struct rate_bucket *bucket, const struct rate_limit *limit, uint64_t now_ns)
{
    if (limit->per_second == 0)
        return 0;
    return bucket_take(bucket, UINT64_C(1000000000) / limit->per_second, limit->burst, now_ns);
}
