/* txn.h - one storage thread's transaction: what the rules in ops_*.c work with.
 *
 * A writing transaction keeps the channels, memberships, accounts and stream tops that it meets in
 * a cache, so that a busy channel costs no look-ups, and writes their changed counters back once a
 * batch (txn_flush). The cache outlives the batch; after a rollback it is thrown away.
 * What the database refuses is kept in conn->failed: the rules may then give up at any point,
 * because the whole batch is rolled back.
 *
 * Threading: one thread. Ownership: entries live in the cache until txn_forget().
 */
#ifndef STORAGE_TXN_H
#define STORAGE_TXN_H

#include "base/buf.h"
#include "storage/map.h"
#include "storage/store_ops.h"

struct txn {
    struct store_conn *conn;
    const struct store_ops *ops;
    int64_t now;

    struct arena *cache;
    struct map chans;       /* by id */
    struct map streams;     /* u: and r: streams, by name */
    struct map accounts;    /* by id, and by "@name" */
    struct map memberships; /* by their two keys */
    struct stream *dirty_streams;
    struct chan *dirty_chans;
    struct membership *dirty_members;
    struct chan *used_chans; /* of a store with several writers: looked at in this batch */
    uint32_t batch_no;
    bool writing;     /* from txn_start() on: what the log has and rows lack is applied */
    bool catching_up; /* just now */

    struct arena *batch; /* what the events of this batch are made of */
    struct store_event *events;
    size_t events_n, events_cap;
    struct buf text; /* for building JSON */
};

void txn_init(struct txn *t, struct store_conn *conn);
void txn_free(struct txn *t);
/* Forget all that is cached; changes that were not flushed are lost. */
void txn_forget(struct txn *t);
/* A new batch: no events yet, and a cache that has grown large starts anew. */
void txn_start(struct txn *t);
/* Write the changed counters. */
enum err txn_flush(struct txn *t);
/* Stores with several writers: bring what others write too up to date. */
enum err txn_refresh(struct txn *t);
/* The same: load together what N requests will ask for. */
enum err txn_prefetch(struct txn *t, struct store_req *const *reqs, size_t n, bool again);
/* The same: apply what the logs of NAMES have and their rows lack, in a transaction of its own. */
enum err txn_repair(struct txn *t, const char *const *names, size_t n);

/* "c:ID", "u:ID" or "r:ID". */
void stream_name(char kind, const char *id, char name_out[STORE_STREAM_SIZE]);

/* The failing answer of a request: err, field and reason (static or from its arena). */
enum err txn_refuse(struct store_req *req, enum err err, const char *field, const char *reason);

/* Cached rows. NOT_FOUND where there is none. */
enum err txn_account(struct txn *t, const char *ref, struct account **out);
enum err txn_chan(struct txn *t, const char *ref, struct chan **out);
enum err txn_member(struct txn *t, const struct chan *chan, const struct account *user,
                    struct membership **out); /* always one: see `exists` */
enum err txn_stream(struct txn *t, char kind, const char *id,
                    struct stream **out); /* made if new */
/* A channel that was just made: *CHAN is copied into the cache, its stream added. */
enum err txn_chan_new(struct txn *t, const struct chan *chan, struct chan **out);
/* The same for a channel whose stream is there already. */
enum err txn_chan_keep(struct txn *t, const struct chan *chan, struct chan **out);
/* Who acts: an account; for the system without one, the first owner. */
enum err txn_actor(struct txn *t, const struct store_req *req, struct account **out);

void txn_touch_stream(struct txn *t, struct stream *stream);
void txn_touch_chan(struct txn *t, struct chan *chan);
void txn_touch_member(struct txn *t, struct membership *member);

/* Append ROW to STREAM with the next seq (which is written to ROW), its actor, time and data. */
enum err txn_emit(struct txn *t, struct stream *stream, const struct account *actor,
                  struct event_row *row);

#endif
