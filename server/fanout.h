/* fanout.h - from the bus to the workers of this node, by mail.
 *
 * Threading: any thread, from node_create() on; with no workers yet it does nothing.
 */
#ifndef SERVER_FANOUT_H
#define SERVER_FANOUT_H

#include "server/bus/bus.h"

struct node;

/* What NODE gives its bus. */
struct bus_sink fanout_sink(struct node *node);

#endif
