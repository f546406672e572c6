#include "server/callers.h"

#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "base/mem.h"
#include "server/grant.h"

static const uint64_t ns_per_ms = 1000000;

struct known {
    char hash[HASH_HEX_SIZE];
    struct caller caller;
    UT_hash_handle hh;
};

struct callers {
    struct known *by_hash;
};

struct callers *callers_create(void)
{
    return mem_zalloc(sizeof(struct callers));
}

static void forget(struct callers *callers, struct known *known)
{
    HASH_DEL(callers->by_hash, known);
    grant_unref(&known->caller.grant);
    free(known);
}

static void forget_all(struct callers *callers)
{
    struct known *known;
    struct known *tmp;

    HASH_ITER(hh, callers->by_hash, known, tmp)
    {
        forget(callers, known);
    }
}

void callers_destroy(struct callers **callers)
{
    struct callers *c = *callers;

    if (c == NULL)
        return;
    *callers = NULL;
    forget_all(c);
    free(c);
}

void callers_learn(struct callers *callers, const char *hash, const struct caller *caller)
{
    struct known *known;

    HASH_FIND_STR(callers->by_hash, hash, known);
    if (known != NULL)
        forget(callers, known);
    if (HASH_COUNT(callers->by_hash) == CALLERS_MAX)
        forget_all(callers);
    known = mem_zalloc(sizeof(*known));
    (void)snprintf(known->hash, sizeof(known->hash), "%s", hash);
    known->caller = *caller;
    known->caller.grant = grant_ref(caller->grant);
    HASH_ADD_STR(callers->by_hash, hash, known);
}

const struct caller *callers_find(struct callers *callers, const char *hash, uint64_t count,
                                  uint64_t now_ns, int64_t now_ms)
{
    struct known *known;

    HASH_FIND_STR(callers->by_hash, hash, known);
    if (known == NULL)
        return NULL;
    const struct caller *c = &known->caller;
    if (c->revocations == count && c->expires_at > now_ms &&
        now_ns <= c->asked_ns + CALLERS_KEEP_MS * ns_per_ms)
        return &known->caller;
    forget(callers, known);
    return NULL;
}
