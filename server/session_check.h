/* session_check.h - asking the store which of a worker's sessions still count.
 *
 * The end of a session, another role and a locked account are told to all nodes through the bus,
 * which may lose it. Whenever that may have happened, the store is asked about everybody who is
 * signed in here, some at a time.
 * Threading: the worker's own.
 */
#ifndef SERVER_SESSION_CHECK_H
#define SERVER_SESSION_CHECK_H

struct session_check;
struct worker;

struct session_check *session_check_create(struct worker *worker);
void session_check_destroy(struct session_check **check);

/* The bus was away: ask about everybody. While that goes on a further call begins it anew. */
void session_check_all(struct session_check *check);
/* Once a second: while the bus is away this is done again and again. */
void session_check_tick(struct session_check *check);

#endif
