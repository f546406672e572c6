/* throttle.h - slowing down who guesses passwords or other secrets or makes accounts by the dozen,
 * and token buckets for commands.
 *
 * Threading: a throttle locks itself, any thread; a rate_bucket belongs to whoever holds it.
 * Units: ns of clock_monotonic_ns() in, milliseconds to wait out.
 */
#ifndef SERVER_THROTTLE_H
#define SERVER_THROTTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Failed logins, remembered per name and per address (IPv6: per /64). After a few free tries each
 * further one must wait twice as long as the one before, up to a limit: an account never is locked
 * for longer than that by somebody else's guessing. Memory is bounded: the entries unused for
 * longest make room. */
struct throttle;

struct throttle_options {
    size_t entries_max;        /* names and addresses together; 0: 65536 */
    unsigned name_free;        /* failures without delay; 0: 5 */
    unsigned address_free;     /* 0: 20 */
    uint32_t first_delay_ms;   /* 0: 1000 */
    uint32_t name_delay_ms;    /* the longest; 0: 30 s */
    uint32_t address_delay_ms; /* the longest; 0: 5 min */
    uint32_t forget_ms;        /* failures this old do not count; 0: 15 min */
    uint32_t registrations;    /* of one address in an hour, and at once; 0: no limit */
    uint32_t guesses;          /* the same, of secrets */
};

/* OPTIONS NULL: all defaults. */
struct throttle *throttle_create(const struct throttle_options *options);
void throttle_destroy(struct throttle **throttle);

/* Before an attempt: 0, and the attempt counts as failed until told otherwise (so that many at once
 * cannot slip through), or how long to wait. ADDRESS without port; NULL for the admin socket: then
 * only the name counts. */
uint32_t throttle_begin(struct throttle *throttle, const char *name, const char *address,
                        uint64_t now_ns);
/* The attempt was good: the name's failures are forgotten, the address gets this one back. */
void throttle_succeeded(struct throttle *throttle, const char *name, const char *address);
/* It was not judged at all (queue full, store away): both get it back. */
void throttle_cancelled(struct throttle *throttle, const char *name, const char *address);
/* One more attempt to make an account from ADDRESS: 0, and it is let through, or how long to wait.
 */
uint32_t throttle_registration(struct throttle *throttle, const char *address, uint64_t now_ns);
/* One more secret guessed wrong from ADDRESS: 0, or how long to wait. */
uint32_t throttle_guess(struct throttle *throttle, const char *address, uint64_t now_ns);
/* What other nodes are told of an attempt to sign in that was judged: "n:<name>" and, with an
 * address, "a:<group>". Returns how many keys there are. */
enum { THROTTLE_KEYS = 2, THROTTLE_KEY_SIZE = 66 };
size_t throttle_keys(const char *name, const char *address,
                     char keys_out[THROTTLE_KEYS][THROTTLE_KEY_SIZE]);
/* And of one to make an account that was let through: "r:<group>". */
void throttle_registration_key(const char *address, char key_out[THROTTLE_KEY_SIZE]);
/* And of a guess: "g:<group>". */
void throttle_guess_key(const char *address, char key_out[THROTTLE_KEY_SIZE]);
/* Another node says so of KEY: an attempt failed, or was let through; or (GOOD) the name's failures
 * are forgotten. What is no key is ignored. */
void throttle_hear(struct throttle *throttle, const char *key, bool good, uint64_t now_ns);
size_t throttle_entries(struct throttle *throttle);

/* A token bucket (in the form of GCRA, ITU-T I.371): 8 bytes, zeroed means full. */
struct rate_bucket {
    uint64_t full_at_ns;
};
struct rate_limit {
    uint32_t per_second; /* 0: no limit */
    uint32_t burst;      /* how many at once; at least 1 */
};
/* 0 and one token taken, or the milliseconds (at least 1) until there is one. */
uint32_t rate_take(struct rate_bucket *bucket, const struct rate_limit *limit, uint64_t now_ns);

#endif
