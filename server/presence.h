/* presence.h - who is there: each user's chosen state and number of connections on this node, and
 * what other nodes say.
 *
 * The effective state is `offline` without a connection, else what the user chose (`online` until
 * then). Going offline waits a grace time, so that a reload does not flap; what was chosen is
 * forgotten with it. presence_tick() tells what changed, several changes of one user as one.
 *
 * In a cluster each node says who is there with it, and announces the changes of its own users. A
 * user who comes to a second node, or is still on another one, is not announced: going from node to
 * node is seen by nobody. What a user chooses on one node counts on all.
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
/* NODE says of USER: a letter of PRESENCE_SAID_MAP. Unknown letters are ignored. */
void presence_hear(struct presence *presence, const char *node, const char *user, char said);
/* NODE begins to say of everybody whom it has (END false), and has said it (END true). */
void presence_hear_all(struct presence *presence, const char *node, bool end);
/* NODE is gone; whom it had stays until UNTIL_MS. ANNOUNCE: it is on this node to tell. */
void presence_node_gone(struct presence *presence, const char *node, uint64_t until_ms,
                        bool announce);
/* As last announced or about to be: within the grace time still the old state. */
enum presence_state presence_get(struct presence *presence, const char *user);
size_t presence_users(struct presence *presence); /* that are not offline */

/* What nodes say of a user, X(name, letter, state): that they are in that state; that they have
 * just chosen it; that they are not with this node any more, which was announced, or not because
 * they are on another one. */
#define PRESENCE_SAID_MAP(X)                                                                       \
    X(ONLINE, 'o', ONLINE)                                                                         \
    X(AWAY, 'a', AWAY)                                                                             \
    X(DND, 'd', DND)                                                                               \
    X(CHOSE_ONLINE, 'O', ONLINE)                                                                   \
    X(CHOSE_AWAY, 'A', AWAY)                                                                       \
    X(CHOSE_DND, 'D', DND)                                                                         \
    X(OFFLINE, '-', OFFLINE)                                                                       \
    X(ELSEWHERE, '_', OFFLINE)

/* Calls CHANGED for each user whose effective state is not the one told last; returns how many.
 * Costs in proportion to the changes, not the users. */
typedef void (*presence_changed_fn)(void *arg, const char *user, enum presence_state state);
/* What is to be said to the other nodes. NULL: there are none. */
typedef void (*presence_say_fn)(void *arg, const char *user, char said);
size_t presence_tick(struct presence *presence, uint64_t now_ms, presence_changed_fn changed,
                     presence_say_fn say, void *arg);

#endif
