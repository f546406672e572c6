/* hist.h - a latency histogram of fixed size and known error.
 *
 * Values are nanoseconds. Up to 2^HIST_SUB_BITS they are exact; above, every
 * power of two is cut into 2^HIST_SUB_BITS equal slots, so a percentile is at
 * most 0.8 % above the true value, whatever its size.
 *
 * Threading: none; one owner. A zeroed struct is an empty histogram.
 */
#ifndef TESTS_BENCH_LIB_HIST_H
#define TESTS_BENCH_LIB_HIST_H

#include <stdint.h>
#include <stdio.h>

#define HIST_SUB_BITS 7
#define HIST_SLOTS ((64 - HIST_SUB_BITS + 1) << HIST_SUB_BITS)

struct hist {
    uint64_t count;
    uint64_t max;
    uint64_t slots[HIST_SLOTS];
};

void hist_record(struct hist *hist, uint64_t value);

/* The smallest recorded value that QUANTILE (0..1) of all values do not
 * exceed, rounded up to its slot's end; 0 when nothing was recorded. */
uint64_t hist_quantile(const struct hist *hist, double quantile);

/* Write {"count","p50","p90","p99","p999","max"}, times in milliseconds. */
void hist_print_json(const struct hist *hist, FILE *out);

#endif
