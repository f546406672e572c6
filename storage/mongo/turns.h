/* turns.h - nodes that write into one stream at the same time take turns.
 *
 * Appending is optimistic: the unique place of an event decides who was first. Between busy nodes
 * that alone is unfair: who has just won is ready for the next batch, who has lost must read first.
 * So a node that lost takes the stream's turn before it tries again; the others see that within the
 * keeper's interval, and as long as anybody waits, everybody who writes into such a stream waits
 * for its turn, which is handed on in order: when its holder has nothing more to write, or has had
 * it for a while. Turns are only for speed: not knowing of one costs a lost race, and one that is
 * not handed on is taken after a while.
 *
 * A turn carries where the log ends, and from where on it holds nothing but messages that only move
 * the top: who knew the log up to there need not read it. That it once was so is so for ever, and
 * where more was appended since, the unique place says so.
 * Threading: any; `lock` guards the list.
 */
#ifndef STORAGE_MONGO_TURNS_H
#define STORAGE_MONGO_TURNS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"

enum { TURNS_MAX = 32 };

/* A stream that several nodes write into. */
struct turn {
    int64_t key;
    uint64_t until_ns; /* monotonic */
    int64_t count;     /* how often it was taken, when it was last looked at */
    uint64_t waits_ns; /* how long this node waits for it lately */
};

/* The events behind FROM, up to TOP with the msg_no NO, only move the top, and all that follows
 * from them is written. TOP 0: nothing is known. */
struct passage {
    uint64_t from, top, no;
};

/* One that a connection has. */
struct held {
    int64_t key;
    uint64_t waits_ns;  /* how long it may take to come */
    char next[ID_SIZE]; /* the node that waits for it; "": none was seen yet */
    unsigned waiting;   /* nodes */
    uint64_t until_ns;  /* monotonic; the others have waited long enough then */
    bool fresh;         /* just taken: others have written since */
    struct passage passage;
};

struct turns {
    pthread_mutex_t lock;
    struct turn list[TURNS_MAX]; /* by key */
    size_t n;
    char node[ID_SIZE];
};

struct mg_backend;
struct mg_conn;
struct store_conn;
struct stream;

void turns_init(struct turns *turns);
void turns_destroy(struct turns *turns);
/* A race for the stream KEY was lost. */
void turns_wanted(struct mg_backend *b, int64_t key);
/* Which streams do the others take turns in? */
void turns_look(struct mg_backend *b, struct mg_conn *c);
/* Whether turns are taken in the stream KEY. */
bool turns_known(struct mg_backend *b, int64_t key);
bool turns_any(struct mg_backend *b);
/* Wait for the turns of all streams that are known to need it. Never fails: without them the race
 * decides. Whether there was anything to wait for. */
bool turns_take(struct mg_conn *c);
/* Give them back: those that have been held for long enough, or all. */
void turns_give_due(struct mg_conn *c);
void turns_give(struct mg_conn *c);
/* Nothing is to be written now: see idle() in store_ops.h. */
uint64_t turns_idle(struct mg_conn *c);
/* The staged events are committed. */
void turns_wrote(struct mg_conn *c);
/* Whether C has the turn of the stream KEY. */
bool turns_holds(const struct mg_conn *c, int64_t key);
/* See contended() in store_ops.h. */
bool turns_contended(struct store_conn *conn, struct stream *stream);

#endif
