/* redis_bus.h - the insides of the bus over Redis, shared by bus_redis.c (its thread and
 * connections), redis_mail.c (what leaves), redis_incoming.c (what comes), redis_topics.c (which
 * streams it listens for), redis_nodes.c (who is in the cluster), redis_presence.c (who is on which
 * node), redis_recent.c (the cache of recent events) and redis_claim.c (the first contact).
 *
 * Threading: everything belongs to the bus's own thread, but for what says otherwise.
 */
#ifndef SERVER_REDIS_BUS_H
#define SERVER_REDIS_BUS_H

#include <pthread.h>
#include <stdatomic.h>
#include <uthash.h>
#include <uv.h>

#include "base/buf.h"
#include "base/id.h"
#include "server/bus/bus_ops.h"
#include "server/bus/redis_conn.h"
#include "server/bus/redis_uri.h"
#include "server/mailbox.h"

enum {
    REDIS_TICK_MS = 1000,
    REDIS_PREFIX_MAX = 32,
    REDIS_NAME_MAX = REDIS_PREFIX_MAX + STORE_STREAM_SIZE + 8, /* a key or channel, with its NUL */
    REDIS_INCOMING_MAX = 1024, /* events that are handed over together */
    REDIS_NODE_MS = 5000,      /* a node that has not spoken for so long is gone */
};

/* One stream that workers of this node have members for. */
struct topic {
    char stream[STORE_STREAM_SIZE];
    uint64_t workers;  /* bits: who has members */
    uint64_t waiting;  /* bits: who is to be told that it is listened for */
    uint64_t since_ms; /* asked for, or without a worker */
    bool asked;        /* SUBSCRIBE has left on this connection */
    bool heard;        /* and was answered */
    UT_hash_handle hh;
    struct topic *prev, *next; /* idle: among those without a worker, the longest first */
};

/* Another node. The table and its infos are read by other threads too: changed under the lock. */
struct peer {
    char id[ID_MAX + 1];
    struct bus_node info; /* its name is "" until its key was read */
    uint64_t seen_ms;
    bool said_bye;
    uint64_t presence_seq;    /* of the last that it said of its users, 0: none yet */
    bool reading, read_again; /* its hash of users */
    UT_hash_handle hh;
};

/* An event that came, and whom it is for. */
struct incoming {
    struct event *event;
    uint64_t workers;
};

struct redis_bus {
    struct bus bus;
    struct redis_uri uri;
    char prefix[REDIS_PREFIX_MAX + 1];
    char node[ID_SIZE];
    char name[ID_MAX + 1];
    char version[32];
    char control[REDIS_NAME_MAX]; /* the channel of all nodes */
    char key[REDIS_NAME_MAX];     /* this node's, node:<name> */
    int64_t started_ms;
    uint64_t started_ns; /* the same, monotonic */

    pthread_t thread;
    bool started;
    uv_loop_t loop;
    uv_prepare_t prepare; /* the end of a turn */
    uv_timer_t tick;
    uv_timer_t ending;
    struct mailbox box;   /* takes mail from any thread */
    atomic_bool stopped;  /* mail is thrown away from now on */
    atomic_bool is_ready; /* both connections are up */
    atomic_bool draining;
    pthread_mutex_t lock; /* of reason and peers */
    char reason[256];     /* why not */

    struct redis_conn *commands;
    struct redis_conn *pushes;  /* pub/sub */
    char names[REDIS_NAME_MAX]; /* the key of all nodes' names */
    struct peer *peers;         /* by id */
    uint64_t beats;
    bool looking, look_again; /* at who is there */
    bool robbed;              /* of its name */
    char listed[BUS_NODES_MAX][ID_MAX + 1];
    size_t names_n;

    char presence_key[REDIS_NAME_MAX];
    struct said *said; /* of this node's users, by user */
    uint64_t presence_seq;

    struct topic *topics; /* by stream */
    struct topic *idle;
    size_t unheard;          /* topics asked for, not answered */
    bool check_due;          /* once all are heard again, the hubs compare with the store */
    struct topic **answered; /* topics heard in this turn, whose workers are to be told */
    size_t answered_n, answered_cap;
    struct buf subscribe; /* names to be asked for at the end of this turn, NUL-separated */
    size_t subscribe_n;
    bool keeps_recent; /* the cache is on */
    uv_timer_t patience;
    struct asked *asked;            /* of the cache, the oldest first */
    struct owed *owed;              /* what is to be forgotten there, by stream */
    _Atomic(uint64_t) recent_at_ns; /* it was slow: not to be asked before */
    bool account_due;               /* the others do not know yet that one was changed */
    int64_t refused_log_ms;

    struct incoming incoming[REDIS_INCOMING_MAX];
    size_t incoming_n;
    struct buf scratch;
};

struct redis_bus *redis_bus_of(struct bus *bus);

/* What leaves: redis_mail.c. Any thread, but for the last. */
void redis_publish(struct bus *bus, struct event *const *events, size_t n);
void redis_publish_ephemeral(struct bus *bus, const char *const *streams, size_t n,
                             struct frame *frame, const char *except);
void redis_revoke(struct bus *bus, const char *user, const char *session, const char *except);
void redis_role(struct bus *bus, const char *user, enum store_role role);
void redis_drain(struct bus *bus, const char *name);
void redis_attempt(struct bus *bus, const char *const *keys, size_t n, bool good);
void redis_presence(struct bus *bus, const char *users, size_t n, const char *letters);
void redis_listen(struct bus *bus, unsigned worker, const char *const *streams, size_t n);
void redis_unlisten(struct bus *bus, unsigned worker, const char *stream);
struct control;
void redis_publish_control(struct redis_bus *bus, struct control *control);

/* What comes: redis_incoming.c. */
void incoming_pushed(void *bus, const struct redisReply *reply);
/* Events that wait for the end of the turn go to the workers now. */
void incoming_hand_over(struct redis_bus *bus);

/* Which streams: redis_topics.c. */
void topics_listen(struct redis_bus *bus, unsigned worker, const char *stream);
void topics_unlisten(struct redis_bus *bus, unsigned worker, const char *stream);
/* Redis answered, or said that nobody listens any more. */
void topics_heard(struct redis_bus *bus, const char *stream);
/* Who has members of STREAM; 0: nobody. */
uint64_t topics_workers(struct redis_bus *bus, const char *stream);
/* A connection came: all are asked for again. It went: nobody has to wait any more. */
void topics_up(struct redis_bus *bus);
void topics_down(struct redis_bus *bus);
/* The end of a turn: asks Redis, tells workers. */
void topics_flush(struct redis_bus *bus);
void topics_tick(struct redis_bus *bus);
void topics_free(struct redis_bus *bus);

/* Redis answered for the control channel. */
void topics_control_heard(struct redis_bus *bus);

/* Who is there: redis_nodes.c. */
struct peer *nodes_find(struct redis_bus *bus, const char *id);
void nodes_hello(struct redis_bus *bus, const char *id);
/* Reads what all nodes say of themselves, now. */
void nodes_look(struct redis_bus *bus);
void nodes_up(struct redis_bus *bus);
void nodes_tick(struct redis_bus *bus);
size_t nodes_copy(struct redis_bus *bus, struct bus_node *out, size_t max); /* any thread */
void nodes_free(struct redis_bus *bus);

/* This node listens to the others, again: what they said meanwhile is to be read. */
void nodes_heard(struct redis_bus *bus);
/* The node ID has said good-bye. */
void nodes_bye(struct redis_bus *bus, const char *id);

/* Who is on which node: redis_presence.c. */
/* Writes what this node is saying. */
void presence_said(struct redis_bus *bus, const struct control *control);
void presence_heard(struct redis_bus *bus, const struct control *control);
/* Reads all that P says, now. */
void presence_read(struct redis_bus *bus, struct peer *p);
void presence_beat(struct redis_bus *bus);
void presence_up(struct redis_bus *bus);
void presence_free(struct redis_bus *bus);

/* The cache: redis_recent.c. Any thread: */
void redis_account(struct bus *bus);
bool redis_has_recent(struct bus *bus);
void redis_recent_read(struct bus *bus, struct recent_read *read);
void redis_recent_fill(struct bus *bus, struct event *const *events, size_t n, bool anew);
void redis_recent_forget(struct bus *bus, const char *stream, uint64_t before);
/* The bus's thread: */
void recent_init(struct redis_bus *bus);
void recent_keep(struct redis_bus *bus, const struct event *event);
void recent_up(struct redis_bus *bus);
void recent_tick(struct redis_bus *bus);
void recent_end(struct redis_bus *bus);

/* redis_claim.c: connects once, blocking, and takes the node's name. False: ERROR_OUT says why. */
bool redis_claim(struct redis_bus *bus, char error_out[512]);

#endif
