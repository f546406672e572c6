/* announce.h - ephemeral news about a user to those who share a channel with them.
 * Threading: a worker's own thread.
 */
#ifndef SERVER_ANNOUNCE_H
#define SERVER_ANNOUNCE_H

#include <stdint.h>

#include "storage/store.h"

struct node;
struct worker;

/* METHOD with the members DATA, once to each connection of a user who shares a channel of at most
 * MEMBERS_MAX members (0: of any size), and to USER's own. */
void announce(struct worker *worker, const char *user, const char *method, const char *data,
              uint64_t members_max);
/* user.updated */
void announce_user(struct worker *worker, const struct store_user *user);
/* Once a second on one worker: presence.changed for everyone whose state changed. */
void announce_presence(struct worker *worker);
/* METHOD to the user's own connections. */
void announce_to(struct node *node, const char *user, const char *method, const char *data);

#endif
