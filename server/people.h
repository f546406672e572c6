/* people.h - the authors that a worker has met lately, so that a page of history which does not
 * come from the store can name them.
 *
 * What is known of somebody came from the store, at most PEOPLE_KEEP_MS ago and after the last
 * change of any account that this node knows of: its own at once, those of others by the bus. News
 * that may have been lost (the bus was away) count as a change.
 *
 * Threading: the worker's own.
 */
#ifndef SERVER_PEOPLE_H
#define SERVER_PEOPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json_walk.h"

struct buf;
struct people;
struct store_user;

enum {
    PEOPLE_KEEP_MS = 30000,
    PEOPLE_SETTLE_MS = 2000, /* a store may answer from before a change for so long */
    PEOPLE_MAX = 4096,       /* then all are forgotten */
};

struct people *people_create(void);
void people_destroy(struct people **people);

/* N users as the store had them when it was asked, at ASKED_NS. CHANGED_NS: the last change of an
 * account that is known, 0: none. Both monotonic. */
void people_learn(struct people *people, const struct store_user *users, size_t n,
                  uint64_t asked_ns, uint64_t changed_ns);
/* Appends the JSON of the user ID. False: not known, or not surely any more. */
bool people_put(struct people *people, struct json_span id, uint64_t now_ns, uint64_t changed_ns,
                struct buf *out);

#endif
