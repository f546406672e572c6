/* bus.h - how committed events reach the hubs: of this process (local), later of other nodes too.
 *
 * Threading: any thread; events of one stream are published in order by one thread at a time.
 * Ownership: the caller keeps its references.
 */
#ifndef SERVER_BUS_H
#define SERVER_BUS_H

#include <stddef.h>
#include <stdint.h>

#include "storage/store.h"

struct bus;
struct event;
struct frame;
struct node;

/* The bus that ends at this process. Implementations: bus_ops.h. */
struct bus *bus_local_create(struct node *node);
void bus_destroy(struct bus **bus);

/* N committed events, in commit order, to every hub that has a member for them. */
void bus_publish(struct bus *bus, struct event *const *events, size_t n);
/* An ephemeral frame to the members of each of the STREAMS, once to each connection, not to the
 * user EXCEPT (or NULL). */
void bus_publish_ephemeral(struct bus *bus, const char *const *streams, size_t n,
                           struct frame *frame, const char *except);
/* The connections of USER or SESSION (either may be NULL) but the session EXCEPT end everywhere. */
void bus_revoke(struct bus *bus, const char *user, const char *session, const char *except);
/* The sessions of USER have another role from now on. */
void bus_role(struct bus *bus, const char *user, enum store_role role);

#endif
