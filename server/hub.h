/* hub.h - one worker's streams: who gets which events, in order, none missing, none twice.
 *
 *   bus --event--> hub_deliver()    a stream of this worker with somebody in it?
 *                    |                seq == last + 1: it joins the stream's batch and its ring
 *                    |                seq >  last + 1: the gap is fetched from the store first
 *   end of turn ---> hub_flush()      the batch becomes one frame, each member gets a pointer
 *
 * A member is `live` (gets each batch) or catching up: it has a position and is brought forward,
 * from the ring or from the store, until its position is the stream's last event; then it is live.
 * All of this happens on the worker's thread, so there is no window between the two.
 *
 * A stream that is new on this worker first has the bus listen for it, then asks the store for its
 * top: events that were committed before the worker listened are not waited for, events after it
 * are not missed. What a shared bus loses is found by comparing the tops with the store's, once a
 * second and whenever the bus came back.
 *
 * Threading: the worker's own thread.
 */
#ifndef SERVER_HUB_H
#define SERVER_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;
struct event;
struct frame;
struct hub;
struct store_req;
struct worker;

struct hub *hub_create(struct worker *worker);
void hub_destroy(struct hub **hub);

/* CONN gets every event of STREAM after the position AFTER. CUT is the position at which CONN's
 * user was known to be a member: a later leave of that user ends the subscription, an earlier one
 * is history. Subscribing again only moves the cut. */
void hub_subscribe(struct conn *conn, const char *stream, uint64_t after, uint64_t cut);
void hub_unsubscribe(struct conn *conn, const char *stream);
void hub_unsubscribe_all(struct conn *conn);
bool hub_is_subscribed(const struct conn *conn, const char *stream);

/* A committed event from the bus; borrowed. */
void hub_deliver(struct hub *hub, struct event *event);
/* An ephemeral frame for the members of STREAM, except the user EXCEPT (or NULL). MARK not 0: a
 * connection that got a frame of that mark already gets none. */
void hub_deliver_ephemeral(struct hub *hub, const char *stream, struct frame *frame,
                           const char *except, uint64_t mark);
/* Hand the batches of this turn to the members. True if there was something to hand over. */
bool hub_flush(struct hub *hub);
bool hub_is_dirty(const struct hub *hub);
/* CONN's socket took what was queued: fetch more of what it misses. */
void hub_catch_up(struct conn *conn);
/* Once a second: asks again what the store did not answer. */
void hub_tick(struct hub *hub);
/* Has the bus listen for new streams and asks for their tops; at the end of a turn. */
void hub_ask(struct hub *hub);
/* The bus listens for STREAM. */
void hub_listening(struct hub *hub, const char *stream);
/* Does what is due with gaps and tops. Returns in how many ms to call it again, 0: not before
 * worker_wake_hub() is called. */
uint64_t hub_check(struct hub *hub);
/* Compares all streams with the store now: the bus may have lost something. */
void hub_check_now(struct hub *hub);
/* The live subscription of CONN to STREAM ends; one that catches up comes to its end by itself. */
void hub_end_live(struct conn *conn, const char *stream);

/* A long poll: done(arg) runs once when STREAM has an event after AFTER. NULL: it has one already.
 * The wait is freed by done() having run, or by hub_wait_cancel(). */
struct hub_wait;
struct hub_wait *hub_wait(struct hub *hub, const char *stream, uint64_t after,
                          void (*done)(void *arg), void *arg);
void hub_wait_cancel(struct hub_wait **wait);

/* Where a live connection is in a stream: it has every event up to `last` and gets all later ones,
 * and as far as this node can tell there is no later one yet. */
struct hub_level {
    const char *epoch; /* until the worker returns to its loop */
    uint64_t last;
};
/* False: CONN is not in STREAM, or catches up, or the stream waits for something. */
bool hub_level(const struct conn *conn, const char *stream, struct hub_level *out);
/* For each of CONN's streams: what is queued for CONN ends with the event SEQ. EPOCH is empty while
 * it is not known. */
void hub_each_position(const struct conn *conn,
                       void (*each)(void *arg, const char *stream, const char *epoch, uint64_t seq),
                       void *arg);
/* The recent events of STREAM that are at hand, in no order. */
void hub_each_recent(struct hub *hub, const char *stream,
                     void (*each)(void *arg, const struct event *event), void *arg);
/* The last event that deleted text, 0: none since the stream is here. UINT64_MAX: it is not here.
 */
uint64_t hub_last_deletion(struct hub *hub, const char *stream);
/* Whether it is time to fill the bus's cache for STREAM (again): then the time begins anew. */
bool hub_may_fill(struct hub *hub, const char *stream);

size_t hub_streams(const struct hub *hub);

#endif
