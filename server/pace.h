/* pace.h - how fast an address may go on over HTTP where no session says who calls.
 *
 * Two limits, both for an IPv4 address or an IPv6 /64 (address_group()), and off with rate_limits:
 * - calls without a session: commands that anyone may call, and those that lack a token. Each node
 *   counts its own (rates.h).
 * - guesses: tokens and webhooks that there are not. All nodes count them together (throttle.h,
 *   bus_attempt()). Only the guess itself is refused: whoever shares the address and has what is
 *   right never notices.
 *
 * Threading: any. Units: milliseconds out. What is refused is counted in rate_limited_total.
 */
#ifndef SERVER_PACE_H
#define SERVER_PACE_H

#include <stdint.h>

struct conn;

/* One more call without a session by ADDRESS, the client's without port: 0, and it may go on, or
 * how long to wait. The admin socket never waits. */
uint32_t pace_call(const struct conn *conn, const char *address);
/* One more guess that was wrong: 0, and it is answered as such, or how long to wait. */
uint32_t pace_guess(const struct conn *conn, const char *address);

#endif
