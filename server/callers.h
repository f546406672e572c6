/* callers.h - whose a token is, as far as a worker has asked lately: over HTTP each request brings
 * its token, and a client that sends many would have the store asked for the same session each
 * time.
 *
 * What is known came from the store, at most CALLERS_KEEP_MS ago, and only counts while no session
 * or account was ended and no role changed since the store was asked: COUNT says how often that
 * happened (node->revocations), before whoever ended it is answered. With other nodes that can end
 * sessions nothing may be kept, see dispatch.c.
 *
 * Threading: the worker's own. Ownership: grants are counted references.
 */
#ifndef SERVER_CALLERS_H
#define SERVER_CALLERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"
#include "storage/store.h"

struct callers;
struct grant;

enum {
    CALLERS_KEEP_MS = 2000,
    CALLERS_MAX = 4096, /* then all are forgotten */
};

struct caller {
    char user[ID_MAX + 1];
    char session[ID_MAX + 1];
    enum store_role role;
    struct grant *grant;  /* NULL: a sign-in */
    int64_t expires_at;   /* Unix ms */
    uint64_t asked_ns;    /* monotonic */
    uint64_t revocations; /* COUNT, when the store was asked */
};

struct callers *callers_create(void);
void callers_destroy(struct callers **callers);

/* CALLER is who has the token of this hash (base/id.h); a grant gets a reference more. */
void callers_learn(struct callers *callers, const char *hash, const struct caller *caller);
/* Borrowed until the next call. NULL: the store has to be asked. NOW_NS is monotonic, NOW_MS Unix
 * time. */
const struct caller *callers_find(struct callers *callers, const char *hash, uint64_t count,
                                  uint64_t now_ns, int64_t now_ms);

#endif
