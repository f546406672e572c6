/* bus.h - how committed events reach the hubs: of this process (local), of all nodes (redis).
 *
 * What is published reaches this node at once, whatever the bus; other nodes at most once: a bus
 * may lose what it carries between nodes, and the hubs then find it in the store.
 *
 * Threading: any thread; events of one stream are published in order by one thread at a time.
 * Ownership: the caller keeps its references.
 */
#ifndef SERVER_BUS_H
#define SERVER_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/id.h"
#include "server/mailbox.h"
#include "storage/store.h"

struct bus;
struct event;
struct frame;

#define BUS_ALL_WORKERS UINT64_MAX

enum { BUS_NODES_MAX = 128 }; /* nodes of a cluster */

/* A node as others see it. */
struct bus_node {
    char id[ID_MAX + 1];
    char name[ID_MAX + 1];
    char version[33];
    int64_t started_ms; /* by its own clock */
    uint64_t uptime_ms;
    uint64_t connections;
    uint64_t lag_ns;
    bool draining;
};

/* Where a bus hands over what it carries: fanout.h in a server. Called from any thread, must not
 * block; what is given is borrowed. */
struct bus_sink {
    void *arg;
    /* N events to the workers whose bits are set, in order. */
    void (*events)(void *arg, uint64_t workers, struct event *const *events, size_t n);
    void (*ephemeral)(void *arg, const char *const *streams, size_t n, struct frame *frame,
                      const char *except);
    void (*revoke)(void *arg, const char *user, const char *session, const char *except);
    void (*role)(void *arg, const char *user, enum store_role role);
    /* The bus carries these streams to WORKER from now on. */
    void (*listening)(void *arg, unsigned worker, const char *const *streams, size_t n);
    /* Events may have been lost on the way here: compare every stream with the store. */
    void (*check)(void *arg);
    /* What NODE says of USER; what it says between begin and end is all; and that it is gone: CLEAN
     * when it said so itself, FIRST when this node comes first of those that remain. */
    void (*presence)(void *arg, const char *node, const char *user, char said);
    void (*presence_all)(void *arg, const char *node, bool end);
    void (*node_gone)(void *arg, const char *node, bool clean, bool first);
    /* An attempt to sign in or to make an account on another node, see throttle_hear(), or the use
     * of a response URL, see slash_uses_hear(). */
    void (*attempt)(void *arg, const char *key, bool good);
    /* Another node asks this one to drain. */
    void (*drain)(void *arg);
    /* An account was changed on another node, or may have been: the news could not come. */
    void (*account)(void *arg);
};

/* How a node takes part in a cluster. */
struct bus_options {
    const char *url;     /* "local" or redis://..., see redis_uri.h */
    const char *prefix;  /* of all keys and channels */
    const char *node;    /* id of this process */
    const char *name;    /* unique in the cluster */
    const char *version; /* of the program */
    int64_t started_ms;
    bool cache; /* keep recent events there */
    struct bus_sink sink;
};

/* NULL: ERROR_OUT says why and what to do; never shows a password. For redis it waits until Redis
 * has answered. */
struct bus *bus_create(const struct bus_options *options, char error_out[512]);
struct bus *bus_local_create(const struct bus_sink *sink);
struct bus *bus_redis_create(const struct bus_options *options, char error_out[512]);
void bus_destroy(struct bus **bus);

/* N committed events, in commit order, to every hub that has a member for them. */
void bus_publish(struct bus *bus, struct event *const *events, size_t n);
/* An ephemeral frame to the members of each of the STREAMS, once to each connection, not to the
 * user EXCEPT (or NULL). */
void bus_publish_ephemeral(struct bus *bus, const char *const *streams, size_t n,
                           struct frame *frame, const char *except);
/* The connections of USER or SESSION (either may be NULL) but the session EXCEPT end everywhere. */
void bus_revoke(struct bus *bus, const char *user, const char *session, const char *except);
/* The sessions of USER have another role from now on. */
void bus_role(struct bus *bus, const char *user, enum store_role role);

/* WORKER has members for these streams now. True: it hears of their events already; false: it does
 * when sink.listening() says so (at once when the bus is away: the hubs look into the store). */
bool bus_listen(struct bus *bus, unsigned worker, const char *const *streams, size_t n);
/* Its last member is gone. */
void bus_unlisten(struct bus *bus, unsigned worker, const char *stream);
/* The workers are there: begin to hand over to them. No mail is lost before. */
void bus_start(struct bus *bus);
/* Nothing is handed over any more; what was published has left, if Redis answers. */
void bus_stop(struct bus *bus);
/* Whether there are other nodes whose events may be lost on the way. */
bool bus_is_shared(const struct bus *bus);
/* The other nodes, at most MAX. Returns how many. */
size_t bus_nodes(struct bus *bus, struct bus_node *out, size_t max);
/* The node called NAME is to drain. */
void bus_drain(struct bus *bus, const char *name);
/* This node drains: others see it. */
void bus_set_draining(struct bus *bus);
/* What this node says of its users: their ids, each with its NUL (N bytes), and a letter of
 * PRESENCE_SAID_MAP for each. */
void bus_presence(struct bus *bus, const char *users, size_t n, const char *letters);
/* An attempt to sign in was judged here; or one to make an account was let through, or a response
 * URL used (GOOD is false then). KEYS are those of the throttle, or slash_use_key(). */
void bus_attempt(struct bus *bus, const char *const *keys, size_t n, bool good);
/* An account was changed here: the others are told, as soon as they can be. */
void bus_account(struct bus *bus);

/* -- the cache of recent events ------------------------------------------------------------------
 *
 * A shared bus may keep the latest events of each channel's stream. They may be gone at any time,
 * have holes, and be anything at all: recent.h says what to make of them. */

enum recent_outcome {
    RECENT_READ,
    RECENT_AWAY,    /* nobody to ask */
    RECENT_SLOW,    /* no answer in time */
    RECENT_REFUSED, /* an error is the answer */
};

/* A question to the cache. It is the caller's again when it comes back as mail. */
struct recent_read {
    struct mail mail;    /* its run() is the caller's */
    struct mailbox *box; /* where it comes back */
    char stream[STORE_STREAM_SIZE];
    uint64_t from; /* events before this one are not asked for */
    enum recent_outcome outcome;
    struct buf bytes; /* RECENT_READ: the entries, each behind its length, a uint32_t */
};

/* Whether there is a cache that answers. Threading: any. */
bool bus_has_recent(struct bus *bus);
/* Only where bus_has_recent() was true. READ comes back, exactly once, within about 100 ms. */
void bus_recent_read(struct bus *bus, struct recent_read *read);
/* N events of one stream, in order, without a hole, as the store has them: they replace what the
 * cache has up to the last of them, or with ANEW all of it. */
void bus_recent_fill(struct bus *bus, struct event *const *events, size_t n, bool anew);
/* What STREAM had before the event BEFORE goes from the cache: it may be text that was deleted. As
 * soon as Redis can be reached, if that is not now. UINT64_MAX: all. */
void bus_recent_forget(struct bus *bus, const char *stream, uint64_t before);

/* Whether it carries what is published; if not, REASON_OUT says why. */
bool bus_is_ready(struct bus *bus, char reason_out[256]);

#endif
