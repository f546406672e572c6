/* health.h - whether the members of a swarm have seen everything, once and in order. */
#ifndef TESTS_BENCH_LIB_HEALTH_H
#define TESTS_BENCH_LIB_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

struct swarm;

struct health {
    uint64_t gaps;
    uint64_t repeats;
    uint32_t displaced; /* members that were told resumed:false */
    uint64_t seq_low;
    uint64_t seq_high;
};

/* Of a swarm that tracks_seq. */
struct health health_examine(const struct swarm *swarm);

/* No gap, no repeat, no lost place. */
bool health_is_good(const struct health *health);

/* Talk once more: true when everybody ends on the same seq within TIMEOUT_NS. */
bool health_await_agreement(struct swarm *swarm, uint64_t timeout_ns);

#endif
