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
#include "server/presence_far.h"

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
    enum presence_state told; /* to clients, by whichever node */
    enum presence_state said; /* to other nodes, by this one */
    bool chose;               /* and that is to be said */
    bool is_changed;
    char user[];
};

struct presence {
    pthread_mutex_t lock;
    uint32_t grace_ms;
    struct entry *users;
    struct entry *changed;
    struct entry *leaving;
    struct far *far; /* what other nodes say */
};

/* What one tick has to tell, taken out of the lock. */
struct change {
    char *user;
    enum presence_state state;
    bool tell; /* clients */
    char say;  /* to other nodes, or '\0' */
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
    presence->far = far_create();
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
    far_destroy(&presence->far);
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
    entry->told = far_get(presence->far, user);
    entry->chosen = entry->told == PRESENCE_OFFLINE ? PRESENCE_ONLINE : entry->told;
    entry->said = PRESENCE_OFFLINE;
    HASH_ADD_KEYPTR(hh, presence->users, entry->user, n, entry);
    return entry;
}

/* The user's state is what was chosen, from now on. */
static void note(struct presence *presence, struct entry *entry)
{
    bool differs = entry->chosen != entry->told || entry->chosen != entry->said || entry->chose;

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
        note(presence, entry);
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
        entry->chose = entry->chose || entry->chosen != chosen;
        entry->chosen = chosen;
        note(presence, entry);
    }
    (void)pthread_mutex_unlock(&presence->lock);
}

enum presence_state presence_get(struct presence *presence, const char *user)
{
    (void)pthread_mutex_lock(&presence->lock);
    const struct entry *entry = entry_find(presence, user);
    enum presence_state state = entry != NULL ? entry->chosen : far_get(presence->far, user);
    (void)pthread_mutex_unlock(&presence->lock);
    return state;
}

/* False: no letter that is known. */
static bool understand(char letter, enum presence_state *state_out)
{
    static const struct {
        char letter;
        enum presence_state state;
    } known[] = {
#define X(name, which, state) {which, PRESENCE_##state},
        PRESENCE_SAID_MAP(X)
#undef X
    };

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (known[i].letter == letter) {
            *state_out = known[i].state;
            return true;
        }
    return false;
}

/* It was announced where it was chosen; here it only counts. */
static void adopt(struct presence *presence, struct entry *entry, enum presence_state state)
{
    entry->chosen = entry->told = state;
    entry->chose = false;
    note(presence, entry);
}

void presence_hear(struct presence *presence, const char *node, const char *user, char letter)
{
    enum presence_state state;

    if (!understand(letter, &state))
        return;
    (void)pthread_mutex_lock(&presence->lock);
    struct entry *entry = entry_find(presence, user);
    far_set(presence->far, node, user, state, letter == '-');
    if (entry != NULL && letter >= 'A' && letter <= 'Z')
        adopt(presence, entry, state);
    (void)pthread_mutex_unlock(&presence->lock);
}

void presence_hear_all(struct presence *presence, const char *node, bool end)
{
    (void)pthread_mutex_lock(&presence->lock);
    if (end)
        far_sync_end(presence->far, node);
    else
        far_sync_begin(presence->far, node);
    (void)pthread_mutex_unlock(&presence->lock);
}

void presence_node_gone(struct presence *presence, const char *node, uint64_t until_ms,
                        bool announce)
{
    (void)pthread_mutex_lock(&presence->lock);
    far_leave(presence->far, node, until_ms, announce);
    (void)pthread_mutex_unlock(&presence->lock);
}

size_t presence_users(struct presence *presence)
{
    (void)pthread_mutex_lock(&presence->lock);
    size_t n = HASH_COUNT(presence->users);
    (void)pthread_mutex_unlock(&presence->lock);
    return n;
}

/* The letter for STATE; OTHER: that it was chosen, or that the user is elsewhere. */
static char said(enum presence_state state, bool other)
{
    static const char letters[PRESENCE_STATES][2] = {
        [PRESENCE_ONLINE] = {'o', 'O'},
        [PRESENCE_AWAY] = {'a', 'A'},
        [PRESENCE_DND] = {'d', 'D'},
        [PRESENCE_OFFLINE] = {'-', '_'},
    };

    return letters[state][other ? 1 : 0];
}

/* Those who were on other nodes and are on none now. */
static size_t take_vanished(struct presence *presence, struct change *changes, size_t n)
{
    char *user;

    while ((user = far_take_vanished(presence->far)) != NULL)
        if (entry_find(presence, user) == NULL && far_get(presence->far, user) == PRESENCE_OFFLINE)
            changes[n++] = (struct change){.user = user, .state = PRESENCE_OFFLINE, .tell = true};
        else
            free(user);
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
        bool elsewhere = far_get(presence->far, entry->user) != PRESENCE_OFFLINE;
        if (elsewhere)
            far_owe(presence->far, entry->user);
        changes[n++] = (struct change){
            .user = mem_strdup(entry->user),
            .state = PRESENCE_OFFLINE,
            .tell = !elsewhere && entry->told != PRESENCE_OFFLINE,
            .say = entry->said == PRESENCE_OFFLINE ? '\0' : said(PRESENCE_OFFLINE, elsewhere)};
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
        changes[n++] = (struct change){.user = mem_strdup(entry->user),
                                       .state = entry->chosen,
                                       .tell = entry->told != entry->chosen,
                                       .say = entry->said != entry->chosen || entry->chose
                                                  ? said(entry->chosen, entry->chose)
                                                  : '\0'};
        entry->told = entry->said = entry->chosen;
        entry->chose = false;
    }
    return n;
}

/* At most how many changes there are: the changed, and those who left. */
static size_t count_changes(const struct presence *presence, uint64_t now_ms)
{
    size_t n = far_vanished(presence->far);

    for (const struct entry *e = presence->changed; e != NULL; e = e->changed_next)
        n++;
    for (const struct entry *e = presence->leaving; e != NULL && e->offline_at_ms <= now_ms;
         e = e->leaving_next)
        n++;
    return n;
}

size_t presence_tick(struct presence *presence, uint64_t now_ms, presence_changed_fn changed,
                     presence_say_fn say, void *arg)
{
    struct change *changes = NULL;
    size_t n = 0;
    size_t told = 0;

    (void)pthread_mutex_lock(&presence->lock);
    far_tick(presence->far, now_ms);
    size_t most = count_changes(presence, now_ms);
    if (most > 0) {
        changes = mem_alloc(most * sizeof(*changes));
        n = take_vanished(presence, changes, 0);
        n = take_left(presence, now_ms, changes, n);
        n = take_changed(presence, changes, n);
    }
    (void)pthread_mutex_unlock(&presence->lock);
    for (size_t i = 0; i < n; i++) {
        if (changes[i].tell)
            changed(arg, changes[i].user, changes[i].state);
        if (say != NULL && changes[i].say != '\0')
            say(arg, changes[i].user, changes[i].say);
        told += changes[i].tell;
        free(changes[i].user);
    }
    free(changes);
    return told;
}
