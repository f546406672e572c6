/* hooks_out.h - outgoing webhooks: brings the events of channels to the targets that were set up
 * for them, each at least once, in order, one at a time.
 *
 * Nothing is copied into a queue: the log of the channel is the queue, and a hook has a position in
 * it. A node delivers for a hook while it has the hook's lease, which it takes when there is
 * something to deliver, so that one node of a cluster does at a time. Whoever commits an event
 * wakes the deliverer of its node; each node also compares all hooks with their streams every few
 * seconds, which finds what was committed on a node that is gone. hook_delivery.h is about one
 * hook.
 *
 *   commit -> hooks_out_committed() -> mail to the first worker -> the hook's lease -> its next
 * events
 *          -> wanted? -> outbound.h -> 2xx: its position goes on
 *                                   -> else: again and again, later and later; then a dead letter
 *
 * Threading: the functions from any thread; all else on the first worker, which never waits.
 */
#ifndef SERVER_HOOKS_OUT_H
#define SERVER_HOOKS_OUT_H

struct hooks_out;
struct node;
struct store_commit;

struct hooks_out *hooks_out_create(struct node *node);
/* The workers are there, and about to run. */
void hooks_out_start(struct hooks_out *hooks);
/* No more deliveries; leases are given back. Before the workers drain. */
void hooks_out_drain(struct hooks_out *hooks);
/* Once no worker runs and nothing is under way. Sets *hooks to NULL; NULL is fine. */
void hooks_out_destroy(struct hooks_out **hooks);

/* What was committed on this node: events, and changes of hooks. */
void hooks_out_committed(struct hooks_out *hooks, const struct store_commit *commit);

#endif
