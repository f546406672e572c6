/* keeper.h - a thread beside the storage threads: writes late what only counts, and finds out when
 * a database that was away is back.
 *
 * The top of a stream in its document, and how far an author has read by writing, follow from the
 * log. They are collected here and written every KEEPER_INTERVAL; whoever reads on this node sees
 * them before that, another node reads the log's tail (tail.c).
 * Threading: any thread; `lock` guards what is collected, `gate` is held while it is written.
 */
#ifndef STORAGE_MONGO_KEEPER_H
#define STORAGE_MONGO_KEEPER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <uthash.h>

#include "storage/store_ops.h"

enum { MG_MEMBER_ID_SIZE = 40 };

/* A stream as its document will say; CHAN: the channel's fields too. */
struct late_stream {
    int64_t key;
    struct stream stream;
    bool has_chan;
    struct chan chan;
    char *name, *topic, *dm_key; /* its strings */
    UT_hash_handle hh;
};

struct late_member {
    char id[MG_MEMBER_ID_SIZE];
    int64_t chan_key, user_key;
    uint64_t read_seq, read_no;
    UT_hash_handle hh;
};

struct late {
    struct late_stream *streams;
    struct late_member *members;
};

void late_stream(struct late *late, const struct stream *stream);
void late_chan(struct late *late, const struct chan *chan);
void late_member(struct late *late, const struct membership *member);
void late_clear(struct late *late);

struct mg_backend;
struct mg_conn;

struct keeper {
    pthread_t thread;
    bool started;
    pthread_mutex_t gate; /* one writes at a time */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
    struct late late;
    _Atomic bool away;
    char reason[STORE_REASON_SIZE];
    struct store_conn *conn;
};

void keeper_init(struct keeper *k);
enum err keeper_start(struct mg_backend *b, char error_out[STORE_ERROR_SIZE]);
/* Writes what is left. */
void keeper_stop(struct mg_backend *b);
/* Take over LATE, which is empty then; write it all at once with C if it must not wait. */
void keeper_add(struct mg_backend *b, struct late *late);
enum err keeper_flush(struct mg_backend *b, struct mg_conn *c);
/* A read position that is not written yet. */
void keeper_overlay(struct mg_backend *b, struct membership *m);
/* The database did not answer: everybody fails at once until it does. */
void keeper_away(struct mg_backend *b, const char *reason);
bool keeper_is_away(struct mg_backend *b, char reason_out[STORE_REASON_SIZE]);

#endif
