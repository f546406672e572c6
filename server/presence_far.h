/* presence_far.h - who is there on other nodes, as those say.
 *
 * A user may be on several nodes at once. Who is on none any more without anybody having announced
 * it has vanished: that happens when a node is gone, and when two nodes let go of a user at the
 * same moment, each believing that the other still has them. Threading: the caller's lock
 * (presence.c). Ownership: user and node ids are copied.
 */
#ifndef SERVER_PRESENCE_FAR_H
#define SERVER_PRESENCE_FAR_H

#include "server/presence.h"

struct far;

struct far *far_create(void);
void far_destroy(struct far **far);

/* PRESENCE_OFFLINE: on no other node. */
enum presence_state far_get(const struct far *far, const char *user);
size_t far_users(const struct far *far);
/* NODE says that USER is STATE there. ANNOUNCED: who goes offline has been announced by it. */
void far_set(struct far *far, const char *node, const char *user, enum presence_state state,
             bool announced);
/* What NODE says from here to far_sync_end() is all that it has. */
void far_sync_begin(struct far *far, const char *node);
void far_sync_end(struct far *far, const char *node);
/* This node let go of USER, who is on others: if those do the same, somebody has to say so. */
void far_owe(struct far *far, const char *user);
/* NODE is gone; what it said counts until UNTIL_MS. ANNOUNCE: this node announces its users. */
void far_leave(struct far *far, const char *node, uint64_t until_ms, bool announce);
/* Forgets the nodes whose time is over. */
void far_tick(struct far *far, uint64_t now_ms);
/* The next user who has vanished, to be freed by the caller; NULL: there is none. */
char *far_take_vanished(struct far *far);
size_t far_vanished(const struct far *far);

#endif
