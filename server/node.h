/* node.h - what the workers of one process share: configuration, the store, the bus, account
 * services.
 *
 * Threading: made and ended by the main thread; in between the members are read-only or have locks
 * of their own, but for the atomics.
 */
#ifndef SERVER_NODE_H
#define SERVER_NODE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "server/config.h"
#include "server/engineio.h"
#include "storage/store.h"

struct bus;
struct hooks_out;
struct jobs;
struct outbound;
struct password_pool;
struct presence;
struct rates;
struct sio_app;
struct slash_uses;
struct static_files;
struct throttle;
struct worker;

struct node {
    struct config config;
    char id[ID_SIZE]; /* of this process */
    const char *name; /* node_name, or the id */
    struct store *store;
    struct bus *bus;
    struct worker **workers;
    unsigned workers_n;
    struct password_pool *passwords;
    struct throttle *throttle;
    struct rates *rates;         /* of sessions over HTTP */
    struct rates *hook_rates;    /* of posts to webhooks */
    struct rates *address_rates; /* of calls over HTTP without a session */
    struct presence *presence;
    struct static_files *files;
    struct jobs *jobs;
    struct outbound *outbound;
    struct hooks_out *hooks;
    struct slash_uses *slash_uses;
    char *public_url; /* where others reach the server, without a slash at the end */
    struct eio_settings eio;
    const struct sio_app *const *sio_apps; /* ends with NULL */
    const char *setup_code;                /* needed by the first account, "" where it is not */
    char made_code[32];                    /* it, unless the configuration has one */
    atomic_bool has_accounts;              /* once true, for ever */
    atomic_bool draining;
    atomic_bool posting;           /* answers of a commit are out, its events are not posted yet */
    _Atomic(uint64_t) revocations; /* sessions and accounts ended, roles changed: see callers.h */
    _Atomic(uint64_t) accounts_ns; /* the last change of an account that is known, monotonic */
    _Atomic(uint64_t) marks;       /* for ephemeral news that goes out once */
    int64_t started_ms;
    uint64_t started_ns; /* the same, monotonic */
};

/* Everything but the listeners. On failure ERROR_OUT says why and what to do; NULL comes back. */
struct node *node_create(const struct config *config, char error_out[512]);
/* Sockets for each configured address, the workers' threads. Prints a line for each address. */
bool node_start(struct node *node, char error_out[512]);
/* Ends every worker gracefully, within the configured time; true if all commands had finished. */
bool node_drain(struct node *node);
void node_destroy(struct node **node);

uint64_t node_next_mark(struct node *node);
#endif
