/* rates.h - how fast somebody may go on, whatever connections it uses for that: sessions that call
 * commands over HTTP, addresses that do so without one, webhooks that are posted to.
 *
 * A node's own: at each node of a cluster they have their rate.
 * Threading: locks itself, any thread. Units: ns of clock_monotonic_ns() in, milliseconds to wait
 * out.
 */
#ifndef SERVER_RATES_H
#define SERVER_RATES_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/command.h"
#include "server/throttle.h"

struct rates;

enum { RATES_MAX = 65536 };

/* Memory is bounded: of more than MAX the one known for longest is forgotten, and may begin
 * anew. */
struct rates *rates_create(size_t max);
void rates_destroy(struct rates **rates);
/* One more thing of CLASS by WHO, an id or an address_group(): 0, and it is let through, or how
 * long to wait. */
uint32_t rates_take(struct rates *rates, const char *who, enum rate_class class,
                    const struct rate_limit *limit, uint64_t now_ns);
size_t rates_count(struct rates *rates);

#endif
