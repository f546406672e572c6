/* modes.h - what the load generator can do. Each mode prints one JSON object
 * on stdout and returns whether the run was a valid measurement. */
#ifndef TESTS_BENCH_LIB_MODES_H
#define TESTS_BENCH_LIB_MODES_H

#include <stdbool.h>

#include "tests/bench/lib/options.h"

/* Publishers send requests, everybody receives: fan-out, durable sends, reads. */
bool mode_traffic(const struct options *options);

/* Everybody signs in and keeps silent: memory per connection, cost of idling. */
bool mode_idle(const struct options *options);

/* Everybody signs in, prints {"phase":"ready"}, loses the server, and comes
 * back when it does; the events each of them sees must have no hole. */
bool mode_resume(const struct options *options);

/* Members on several nodes talk, print {"phase":"measured"}, and lose the last
 * node, which somebody kills; those who were on it go to the others and must
 * miss nothing, and those who were not should notice little. */
bool mode_failover(const struct options *options);

/* Requests over keep-alive HTTP connections, at a rate or as fast as they are
 * answered. */
bool mode_http(const struct options *options);

#endif
