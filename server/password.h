/* password.h - argon2id (RFC 9106) on a few threads of its own, so that a storm of logins takes
 * memory and processors only within bounds and never an event loop or the store.
 *
 * Threading: the functions from any thread; a callback runs on one of the pool's threads (on the
 * destroying one for what still waits then), exactly once for each call that returned ERR_OK, never
 * inside that call. Ownership: the password and the hash are copied, the copies wiped after use.
 */
#ifndef SERVER_PASSWORD_H
#define SERVER_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { PASSWORD_HASH_SIZE = 128 }; /* "$argon2id$v=19$..." and its NUL */

struct password_pool;

struct password_options {
    unsigned threads;    /* 0: 1 */
    unsigned memory_kib; /* 0: 19456 */
    unsigned passes;     /* 0: 2 */
    size_t queue_max;    /* calls that wait; 0: 256 */
};

struct password_result {
    enum err err;      /* UNAVAILABLE when the pool was destroyed first, INTERNAL without memory */
    bool matches;      /* verify: the password belongs to the hash */
    bool needs_rehash; /* verify, matching: the hash was made with other parameters than now */
    char hash[PASSWORD_HASH_SIZE]; /* hash: the new one */
};
typedef void (*password_done_fn)(void *arg, const struct password_result *result);

struct password_pool *password_pool_create(const struct password_options *options);
/* Finishes what is being worked on, answers UNAVAILABLE to what waits, sets *pool to NULL; NULL is
 * fine. */
void password_pool_destroy(struct password_pool **pool);

/* UNAVAILABLE when the queue is full; then DONE is not called. */
enum err password_hash_async(struct password_pool *pool, const char *password,
                             password_done_fn done, void *arg);
/* HASH NULL: the name is unknown; takes as long and never matches. */
enum err password_verify_async(struct password_pool *pool, const char *password, const char *hash,
                               password_done_fn done, void *arg);
/* Calls that wait. */
size_t password_queue_depth(struct password_pool *pool);

#endif
