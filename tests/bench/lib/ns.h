/* ns.h - nanoseconds of base/clock.h's monotonic clock, the unit of every time
 * in the benchmarks. It is the same clock in every process of the machine (and
 * Node's hrtime), so a time stamped by one can be compared in another. */
#ifndef TESTS_BENCH_LIB_NS_H
#define TESTS_BENCH_LIB_NS_H

#include <stdint.h>

#define NS_PER_SECOND UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

/* Negative values become 0. */
static inline uint64_t ns_from_seconds(double seconds)
{
    return seconds > 0 ? (uint64_t)(seconds * (double)NS_PER_SECOND) : 0;
}

static inline double ns_to_seconds(uint64_t ns)
{
    return (double)ns / (double)NS_PER_SECOND;
}

#endif
