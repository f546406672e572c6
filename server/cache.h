/* cache.h - history and missed events from the bus's cache of recent events, instead of the store.
 *
 *   request --> is the connection level with the channel? --no--> the store
 *                 | yes: it may read it, and its position is the end of the page
 *   bus_recent_read() --mail--> still level? a window without a hole up to there? --no--> the
 * store, | yes                                            and the cache is filled from it answer
 *
 * Why that is right: a connection that is live in a stream has every event up to its position and
 * gets every later one. An answer that says what is so at just that position is therefore neither
 * behind nor ahead of what the connection has, and whoever is in the stream may read it. What the
 * connection's user was answered before is in that position too: see node->posting.
 *
 * Threading: the worker's own.
 */
#ifndef SERVER_CACHE_H
#define SERVER_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "server/metrics.h"
#include "server/recent.h"
#include "server/request.h"

struct worker;

/* Looks for the answer to message.history, req->call.req.in.history, in the cache. False: there is
 * nothing to look at, the store is to be asked; else REQ waits and goes on by itself, with MISSED
 * when the store has to answer after all. */
bool cache_history(struct request *req, request_step_fn missed);
/* The store has answered REQ's STORE_HISTORY: remembers who the authors are. */
void cache_learn(struct request *req);

/* Asks for the events of STREAM from AFTER + 1 to TO. False: there is nothing to ask. DONE runs
 * once, not from inside; W is the window, which reaches from first <= AFTER + 1 to TO, or NULL. */
typedef void (*cache_events_fn)(void *arg, const struct recent *w);
bool cache_events(struct worker *worker, const char *stream, const char *epoch, uint64_t after,
                  uint64_t to, cache_events_fn done, void *arg);

#endif
