/* retry.h - waiting between tries: from 0.2 s doubling to 5 s, spread at random by a quarter, or
 * what the server asks for. Threading: one thread. */
#ifndef CLI_RETRY_H
#define CLI_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/client.h"

struct retry {
    unsigned tries;
    uint64_t deadline_ms; /* monotonic; UINT64_MAX: never */
};

void retry_start(struct retry *retry, int64_t seconds);
/* Whether the same request, repeated, may do better: the server is away, busy or cannot write. */
bool retry_helps(const struct reply *reply);
/* Sleeps. False when the time is up. */
bool retry_wait(struct retry *retry, const struct reply *reply);
/* How long the next wait would be, RANDOM being any number. */
uint64_t retry_delay_ms(unsigned tries, int64_t retry_after_ms, uint32_t random);
uint64_t monotonic_ms(void);
void pause_ms(uint64_t ms);

#endif
