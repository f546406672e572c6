#include "server/presence_far.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"

#define uthash_malloc(size) mem_alloc(size)
#define uthash_free(ptr, size) free(ptr)
#include <uthash.h>

struct far_node {
    UT_hash_handle hh;
    char id[ID_MAX + 1];
    unsigned generation; /* of the list that it is saying */
    uint64_t until_ms;   /* gone, and forgotten then; 0: it is there */
    bool announce;
};

/* A user on a node. */
struct there {
    struct there *next;
    struct far_node *node;
    enum presence_state state;
    unsigned generation;
};

struct far_user {
    UT_hash_handle hh;
    struct there *there;
    bool owed;
    char user[];
};

struct far {
    struct far_node *nodes;
    struct far_user *users;
    size_t leaving; /* nodes */
    char **vanished;
    size_t vanished_n, vanished_cap;
};

struct far *far_create(void)
{
    return mem_zalloc(sizeof(struct far));
}

static void user_free(struct far *far, struct far_user *u)
{
    while (u->there != NULL) {
        struct there *next = u->there->next;
        free(u->there);
        u->there = next;
    }
    HASH_DEL(far->users, u);
    free(u);
}

void far_destroy(struct far **far_ref)
{
    struct far *far = *far_ref;
    struct far_user *u;
    struct far_user *next_user;
    struct far_node *node;
    struct far_node *next_node;

    if (far == NULL)
        return;
    *far_ref = NULL;
    HASH_ITER(hh, far->users, u, next_user)
    {
        user_free(far, u);
    }
    HASH_ITER(hh, far->nodes, node, next_node)
    {
        HASH_DEL(far->nodes, node);
        free(node);
    }
    for (size_t i = 0; i < far->vanished_n; i++)
        free(far->vanished[i]);
    free((void *)far->vanished);
    free(far);
}

static struct far_user *user_find(const struct far *far, const char *user)
{
    struct far_user *u;

    HASH_FIND_STR(far->users, user, u);
    return u;
}

static struct far_user *user_get(struct far *far, const char *user)
{
    struct far_user *u = user_find(far, user);
    size_t n = strlen(user);

    if (u != NULL)
        return u;
    u = mem_zalloc(sizeof(*u) + n + 1);
    memcpy(u->user, user, n);
    HASH_ADD_KEYPTR(hh, far->users, u->user, n, u);
    return u;
}

static struct far_node *node_find(const struct far *far, const char *id)
{
    struct far_node *node;

    HASH_FIND_STR(far->nodes, id, node);
    return node;
}

/* A node that was thought to be gone, and speaks, is there. */
static struct far_node *node_get(struct far *far, const char *id)
{
    struct far_node *node = node_find(far, id);

    if (node == NULL) {
        node = mem_zalloc(sizeof(*node));
        (void)snprintf(node->id, sizeof(node->id), "%s", id);
        HASH_ADD_STR(far->nodes, id, node);
    } else if (node->until_ms != 0) {
        node->until_ms = 0;
        far->leaving--;
    }
    return node;
}

enum presence_state far_get(const struct far *far, const char *user)
{
    const struct far_user *u = user_find(far, user);

    return u == NULL ? PRESENCE_OFFLINE : u->there->state;
}

size_t far_users(const struct far *far)
{
    return HASH_COUNT(far->users);
}

static void vanish(struct far *far, const char *user)
{
    if (far->vanished_n == far->vanished_cap) {
        far->vanished_cap = far->vanished_cap == 0 ? 16 : far->vanished_cap * 2;
        far->vanished = mem_realloc_array((void *)far->vanished, far->vanished_cap, sizeof(char *));
    }
    far->vanished[far->vanished_n++] = mem_strdup(user);
}

/* Takes *LINK out of U; the last one takes U with it. ANNOUNCE: somebody has to, and it is us. */
static void take_out(struct far *far, struct far_user *u, struct there **link, bool announce)
{
    struct there *t = *link;

    *link = t->next;
    free(t);
    if (u->there != NULL)
        return;
    if (announce)
        vanish(far, u->user);
    user_free(far, u);
}

void far_set(struct far *far, const char *node_id, const char *user, enum presence_state state,
             bool announced)
{
    struct far_node *node = node_get(far, node_id);
    struct far_user *u = state == PRESENCE_OFFLINE ? user_find(far, user) : user_get(far, user);
    struct there **link;

    if (u == NULL)
        return;
    for (link = &u->there; *link != NULL && (*link)->node != node;)
        link = &(*link)->next;
    if (state == PRESENCE_OFFLINE) {
        if (*link != NULL)
            take_out(far, u, link, u->owed && !announced);
        return;
    }
    if (*link == NULL) {
        struct there *t = mem_zalloc(sizeof(*t));
        t->node = node;
        t->next = u->there;
        u->there = t;
        link = &u->there;
    }
    (*link)->state = state;
    (*link)->generation = node->generation;
}

/* Forgets what NODE says of everybody, or of those that its list did not name. */
static void forget(struct far *far, const struct far_node *node, bool all, bool announce)
{
    struct far_user *u;
    struct far_user *next;

    HASH_ITER(hh, far->users, u, next)
    {
        struct there **link = &u->there;
        while (*link != NULL && (*link)->node != node)
            link = &(*link)->next;
        if (*link != NULL && (all || (*link)->generation != node->generation))
            take_out(far, u, link, announce || u->owed);
    }
}

void far_sync_begin(struct far *far, const char *node)
{
    node_get(far, node)->generation++;
}

void far_sync_end(struct far *far, const char *node)
{
    forget(far, node_get(far, node), false, false);
}

void far_owe(struct far *far, const char *user)
{
    struct far_user *u = user_find(far, user);

    if (u != NULL)
        u->owed = true;
}

void far_leave(struct far *far, const char *id, uint64_t until_ms, bool announce)
{
    struct far_node *node = node_find(far, id);

    if (node == NULL || node->until_ms != 0)
        return;
    node->until_ms = until_ms > 0 ? until_ms : 1;
    node->announce = announce;
    far->leaving++;
}

void far_tick(struct far *far, uint64_t now_ms)
{
    struct far_node *node;
    struct far_node *next;

    if (far->leaving == 0)
        return;
    HASH_ITER(hh, far->nodes, node, next)
    {
        if (node->until_ms == 0 || node->until_ms > now_ms)
            continue;
        forget(far, node, true, node->announce);
        HASH_DEL(far->nodes, node);
        free(node);
        far->leaving--;
    }
}

char *far_take_vanished(struct far *far)
{
    return far->vanished_n > 0 ? far->vanished[--far->vanished_n] : NULL;
}

size_t far_vanished(const struct far *far)
{
    return far->vanished_n;
}
