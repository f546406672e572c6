/* session.h - who is signed in on this worker, and what happens to them.
 *
 * Threading: the worker's own thread.
 */
#ifndef SERVER_SESSION_H
#define SERVER_SESSION_H

#include <stdint.h>
#include <uthash.h>

#include "base/id.h"
#include "storage/store.h"

struct conn;
struct event;
struct grant;
struct session;
struct worker;

/* One account's sessions on one worker. */
struct worker_user {
    char id[ID_MAX + 1];
    struct session *sessions;
    UT_hash_handle hh;
};

/* CONN is signed in: from now on revocations reach it. GRANT gets a reference more. */
void session_begin(struct conn *conn, const struct store_user *user,
                   const struct store_session *session, struct grant *grant);
/* The opposite; does nothing without a session. Streams are the caller's matter. */
void session_end(struct conn *conn);

/* channel.joined on the user's own stream: the channel's events follow, from the join on. */
void session_on_channel_joined(struct conn *conn, struct event *event);
/* member.left: the user's live connections do not get what comes after it. */
void session_left_channel(struct worker *worker, struct event *event);
/* End the connections of USER (SESSION NULL) or of SESSION, except those of the session EXCEPT. */
void session_revoke(struct worker *worker, const char *user, const char *session,
                    const char *except);
/* S has ended in the store: its connection is told so and closed. */
void session_end_revoked(struct session *s);
/* USER has another role from now on. */
void session_set_role(struct worker *worker, const char *user, enum store_role role);
/* Once a second: sessions that have expired end. */
void session_tick(struct worker *worker);

#endif
