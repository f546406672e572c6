/* hook_rates.h - how often each webhook may be used on this node: a token bucket for each.
 * Threading: any thread; it locks itself. Memory is bounded by the webhooks that are used at once:
 * a bucket that is full again is forgotten.
 */
#ifndef SERVER_HOOK_RATES_H
#define SERVER_HOOK_RATES_H

#include <stdint.h>

#include "server/throttle.h"

struct hook_rates;

struct hook_rates *hook_rates_create(const struct rate_limit *limit);
/* Sets *rates to NULL; NULL is fine. */
void hook_rates_destroy(struct hook_rates **rates);
/* 0 and one use taken, or the milliseconds until HOOK, which must exist, may be used again. */
uint32_t hook_rates_take(struct hook_rates *rates, const char *hook, uint64_t now_ns);

#endif
