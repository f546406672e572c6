/* hook_delivery_ops.h - what the files of hook_delivery.h ask of each other; for them only.
 * Threading: the first worker's own.
 */
#ifndef SERVER_HOOK_DELIVERY_OPS_H
#define SERVER_HOOK_DELIVERY_OPS_H

#include "server/hook_delivery.h"

/* -- hook_delivery.c: one thing after the other -- */

struct node *delivery_node(const struct delivery *delivery);
/* Chooses what is next, unless something is under way or is waited for. */
void delivery_go_on(struct delivery *delivery);
/* Goes on in MS. */
void delivery_pause(struct delivery *delivery, uint64_t ms);
/* A new question to the store, of the system's; then it goes out as OP. */
struct store_req *delivery_question(struct delivery *delivery);
void delivery_ask(struct delivery *delivery, enum store_op op,
                  void (*done)(struct store_call *call));
/* The answer is there; its texts are good until delivery_end_question(), which goes on. UNAVAILABLE
 * is what a pause was begun for. */
struct delivery *delivery_answered(struct store_call *call, enum err *err_out);
void delivery_end_question(struct delivery *delivery);
void delivery_drop_page(struct delivery *delivery);
/* How long a request may take, ms. */
uint64_t delivery_request_ms(const struct delivery *delivery);

/* -- hook_delivery_lease.c -- */

/* How long requests may still be sent under the lease, 0: it has to be asked for. */
uint64_t delivery_lease_left_ms(const struct delivery *delivery);
void delivery_ask_lease(struct delivery *delivery);
void delivery_release_lease(struct delivery *delivery);

/* -- hook_delivery_outcome.c: what came of a delivery, and writing that down -- */

/* What is to be written, most urgent first. False: nothing. */
bool delivery_write_next(struct delivery *delivery);
/* The same when the server stops: what came of deliveries, before the position behind them. */
void delivery_write_last(struct delivery *delivery);
void delivery_mark(struct delivery *delivery, enum store_hook_outcome outcome);
/* The event is dealt with, one way or the other. */
void delivery_pass(struct delivery *delivery, const struct store_event *event);
/* EVENT got the answer delivery->answer. */
void delivery_delivered(struct delivery *delivery, const struct store_event *event);
void delivery_failed(struct delivery *delivery, const struct store_event *event);

#endif
