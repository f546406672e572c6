/* presence.h - who is there: each user's chosen state and number of connections on this node.
 *
 * The effective state is `offline` without a connection, else what the user chose (`online` until
 * then). Going offline waits a grace time, so that a reload does not flap; what was chosen is
 * forgotten with it. presence_tick() tells what changed, several changes of one user as one.
 * Threading: locks itself, any thread; the tick's callback runs unlocked on the caller's thread.
 * Ownership: user ids are copied. Units: ms of one monotonic clock.
 */
#ifndef SERVER_PRESENCE_H
#define SERVER_PRESENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PRESENCE_MAP(X) X(ONLINE, "online") X(AWAY, "away") X(DND, "dnd") X(OFFLINE, "offline")
enum presence_state {
#define X(name, wire) PRESENCE_##name,
    PRESENCE_MAP(X)
#undef X
        PRESENCE_STATES
};
enum { PRESENCE_GRACE_MS = 5000 };

struct presence;

struct presence *presence_create(uint32_t grace_ms);
void presence_destroy(struct presence **presence);

const char *presence_name(enum presence_state state); /* static */
/* What a user may choose: online, away, dnd. */
bool presence_parse(const char *name, enum presence_state *state_out);

void presence_connect(struct presence *presence, const char *user);
void presence_disconnect(struct presence *presence, const char *user, uint64_t now_ms);
/* Counts only while the user is connected (or within the grace time). */
void presence_set(struct presence *presence, const char *user, enum presence_state chosen);
/* As last announced or about to be: within the grace time still the old state. */
enum presence_state presence_get(struct presence *presence, const char *user);
size_t presence_users(struct presence *presence); /* that are not offline */

/* Calls CHANGED for each user whose effective state is not the one told last; returns how many.
 * Costs in proportion to the changes, not the users. */
typedef void (*presence_changed_fn)(void *arg, const char *user, enum presence_state state);
size_t presence_tick(struct presence *presence, uint64_t now_ms, presence_changed_fn changed,
                     void *arg);

#endif
