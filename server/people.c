#include "server/people.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/mem.h"
#include "storage/store.h"

static const uint64_t ns_per_ms = 1000000;

struct person {
    char id[ID_MAX + 1];
    uint64_t asked_ns;
    struct buf json;
    UT_hash_handle hh;
};

struct people {
    struct person *by_id;
};

struct people *people_create(void)
{
    return mem_zalloc(sizeof(struct people));
}

static void forget_all(struct people *people)
{
    struct person *p;
    struct person *tmp;

    HASH_ITER(hh, people->by_id, p, tmp)
    {
        HASH_DEL(people->by_id, p);
        buf_free(&p->json);
        free(p);
    }
}

void people_destroy(struct people **people)
{
    struct people *p = *people;

    if (p == NULL)
        return;
    *people = NULL;
    forget_all(p);
    free(p);
}

/* Whether what was asked for then is what is so now, as far as changes are known. */
static bool holds(uint64_t asked_ns, uint64_t changed_ns)
{
    return changed_ns == 0 || asked_ns >= changed_ns + PEOPLE_SETTLE_MS * ns_per_ms;
}

static struct person *find(struct people *people, const char *id, size_t n)
{
    struct person *p;

    HASH_FIND(hh, people->by_id, id, n, p);
    return p;
}

static void learn(struct people *people, const struct store_user *user, uint64_t asked_ns)
{
    size_t n = strlen(user->id);
    struct person *p = n <= ID_MAX ? find(people, user->id, n) : NULL;

    if (n > ID_MAX || (p != NULL && p->asked_ns >= asked_ns))
        return;
    if (p == NULL) {
        if (HASH_COUNT(people->by_id) == PEOPLE_MAX)
            forget_all(people);
        p = mem_zalloc(sizeof(*p));
        memcpy(p->id, user->id, n);
        HASH_ADD_KEYPTR(hh, people->by_id, p->id, n, p);
    }
    p->asked_ns = asked_ns;
    buf_clear(&p->json);
    store_user_json(&p->json, user);
}

void people_learn(struct people *people, const struct store_user *users, size_t n,
                  uint64_t asked_ns, uint64_t changed_ns)
{
    for (size_t i = 0; i < n && holds(asked_ns, changed_ns); i++)
        learn(people, &users[i], asked_ns);
}

bool people_put(struct people *people, struct json_span id, uint64_t now_ns, uint64_t changed_ns,
                struct buf *out)
{
    const struct person *p = id.n <= ID_MAX ? find(people, id.at, id.n) : NULL;

    if (p == NULL || !holds(p->asked_ns, changed_ns) ||
        now_ns > p->asked_ns + PEOPLE_KEEP_MS * ns_per_ms)
        return false;
    buf_put(out, p->json.data, p->json.len);
    return true;
}
