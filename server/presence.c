/* A user has an entry while connected and for the grace time after. Two lists keep the tick cheap:
 * `changed` (to be told) and `leaving` (without a connection; the grace time is the same for all,
 * so that the list is in the order of the deadlines).
 */
#include "server/presence.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"

#define uthash_malloc(size) mem_alloc(size)
#define uthash_free(ptr, size) free(ptr)
#include <uthash.h>
#include <utlist.h>

struct entry {
    UT_hash_handle hh;
    struct entry *changed_prev, *changed_next;
    struct entry *leaving_prev, *leaving_next;
    uint64_t offline_at_ms; /* while leaving */
    size_t connections;
    enum presence_state chosen;
    enum presence_state told;
    bool is_changed;
    char user[];
};

struct presence {
    pthread_mutex_t lock;
    uint32_t grace_ms;
    struct entry *users;
    struct entry *changed;
    struct entry *leaving;
};

/* What one tick has to tell, taken out of the lock. */
struct change {
    char *user;
    enum presence_state state;
};

static const char *const names[] = {
#define X(name, wire) wire,
    PRESENCE_MAP(X)
#undef X
};

const char *presence_name(enum presence_state state)
{
    return names[(size_t)state < ARRAY_LEN(names) ? state : PRESENCE_OFFLINE];
}

bool presence_parse(const char *name, enum presence_state *state_out)
{
    for (size_t i = 0; i < PRESENCE_OFFLINE; i++)
        if (strcmp(name, names[i]) == 0) {
            *state_out = (enum presence_state)i;
            return true;
        }
    return false;
}

struct presence *presence_create(uint32_t grace_ms)
{
    struct presence *presence = mem_zalloc(sizeof(*presence));

    (void)pthread_mutex_init(&presence->lock, NULL);
    presence->grace_ms = grace_ms;
    return presence;
}

void presence_destroy(struct presence **presence_ref)
{
    struct presence *presence = *presence_ref;
    struct entry *entry;
    struct entry *next;

    if (presence == NULL)
        return;
    *presence_ref = NULL;
    HASH_ITER(hh, presence->users, entry, next)
    {
        HASH_DEL(presence->users, entry);
        free(entry);
    }
    (void)pthread_mutex_destroy(&presence->lock);
    free(presence);
}

static struct entry *entry_find(struct presence *presence, const char *user)
{
    struct entry *entry;

    HASH_FIND_STR(presence->users, user, entry);
    return entry;
}

static struct entry *entry_make(struct presence *presence, const char *user)
{
    size_t n = strlen(user);
    struct entry *entry = mem_zalloc(sizeof(*entry) + n + 1);

    memcpy(entry->user, user, n);
    entry->chosen = PRESENCE_ONLINE;
    entry->told = PRESENCE_OFFLINE;
    HASH_ADD_KEYPTR(hh, presence->users, entry->user, n, entry);
    return entry;
}

/* STATE is what the user's state is from now on. */
static void note(struct presence *presence, struct entry *entry, enum presence_state state)
{
    bool differs = state != entry->told;

    if (differs && !entry->is_changed)
        DL_APPEND2(presence->changed, entry, changed_prev, changed_next);
    else if (!differs && entry->is_changed)
        DL_DELETE2(presence->changed, entry, changed_prev, changed_next);
    entry->is_changed = differs;
}

void presence_connect(struct presence *presence, const char *user)
{
    (void)pthread_mutex_lock(&presence->lock);
    struct entry *entry = entry_find(presence, user);
    if (entry == NULL) {
        entry = entry_make(presence, user);
        note(presence, entry, entry->chosen);
    } else if (entry->connections == 0) {
        DL_DELETE2(presence->leaving, entry, leaving_prev, leaving_next);
    }
    entry->connections++;
    (void)pthread_mutex_unlock(&presence->lock);
}

void presence_disconnect(struct presence *presence, const char *user, uint64_t now_ms)
{
    (void)pthread_mutex_lock(&presence->lock);
    struct entry *entry = entry_find(presence, user);
    if (entry != NULL && entry->connections > 0 && --entry->connections == 0) {
        entry->offline_at_ms = now_ms + presence->grace_ms;
        DL_APPEND2(presence->leaving, entry, leaving_prev, leaving_next);
    }
    (void)pthread_mutex_unlock(&presence->lock);
}

void presence_set(struct presence *presence, const char *user, enum presence_state chosen)
{
    (void)pthread_mutex_lock(&presence->lock);
    struct entry *entry = entry_find(presence, user);
    if (entry != NULL && chosen < PRESENCE_OFFLINE) {
        entry->chosen = chosen;
        note(presence, entry, chosen);
    }
    (void)pthread_mutex_unlock(&presence->lock);
}

enum presence_state presence_get(struct presence *presence, const char *user)
{
    (void)pthread_mutex_lock(&presence->lock);
    const struct entry *entry = entry_find(presence, user);
    enum presence_state state = entry != NULL ? entry->chosen : PRESENCE_OFFLINE;
    (void)pthread_mutex_unlock(&presence->lock);
    return state;
}

size_t presence_users(struct presence *presence)
{
    (void)pthread_mutex_lock(&presence->lock);
    size_t n = HASH_COUNT(presence->users);
    (void)pthread_mutex_unlock(&presence->lock);
    return n;
}

/* Those whose grace time is over: gone, and to be told unless nobody knew that they were there. */
static size_t take_left(struct presence *presence, uint64_t now_ms, struct change *changes,
                        size_t n)
{
    struct entry *entry;

    while ((entry = presence->leaving) != NULL && entry->offline_at_ms <= now_ms) {
        DL_DELETE2(presence->leaving, entry, leaving_prev, leaving_next);
        if (entry->is_changed)
            DL_DELETE2(presence->changed, entry, changed_prev, changed_next);
        if (entry->told != PRESENCE_OFFLINE)
            changes[n++] = (struct change){mem_strdup(entry->user), PRESENCE_OFFLINE};
        HASH_DEL(presence->users, entry);
        free(entry);
    }
    return n;
}

static size_t take_changed(struct presence *presence, struct change *changes, size_t n)
{
    struct entry *entry;

    while ((entry = presence->changed) != NULL) {
        DL_DELETE2(presence->changed, entry, changed_prev, changed_next);
        entry->is_changed = false;
        entry->told = entry->chosen;
        changes[n++] = (struct change){mem_strdup(entry->user), entry->chosen};
    }
    return n;
}

/* At most how many changes there are: the changed, and those who left. */
static size_t count_changes(const struct presence *presence, uint64_t now_ms)
{
    size_t n = 0;

    for (const struct entry *e = presence->changed; e != NULL; e = e->changed_next)
        n++;
    for (const struct entry *e = presence->leaving; e != NULL && e->offline_at_ms <= now_ms;
         e = e->leaving_next)
        n++;
    return n;
}

size_t presence_tick(struct presence *presence, uint64_t now_ms, presence_changed_fn changed,
                     void *arg)
{
    struct change *changes = NULL;
    size_t n = 0;

    (void)pthread_mutex_lock(&presence->lock);
    size_t most = count_changes(presence, now_ms);
    if (most > 0) {
        changes = mem_alloc(most * sizeof(*changes));
        n = take_left(presence, now_ms, changes, 0);
        n = take_changed(presence, changes, n);
    }
    (void)pthread_mutex_unlock(&presence->lock);
    for (size_t i = 0; i < n; i++) {
        changed(arg, changes[i].user, changes[i].state);
        free(changes[i].user);
    }
    free(changes);
    return n;
}
