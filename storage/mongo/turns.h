/* turns.h - nodes that write into one stream at the same time take turns.
 *
 * Appending is optimistic: the unique place of an event decides who was first. Between busy nodes
 * that alone is unfair: who has just won is ready for the next batch, who has lost must read first.
 * So a node that lost takes the stream's turn before it tries again; the others see that within the
 * keeper's interval, and as long as anybody waits, everybody waits for its turn, which is handed on
 * in order. Turns are only for speed: not knowing of one costs a lost race, and one that is not
 * handed on is taken after a while.
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

/* One that a connection has. */
struct held {
    int64_t key;
    uint64_t waits_ns;  /* how long it may take to come */
    char next[ID_SIZE]; /* the node that waits for it; "": none was seen yet */
};

struct turns {
    pthread_mutex_t lock;
    struct turn list[TURNS_MAX]; /* by key */
    size_t n;
    char node[ID_SIZE];
};

struct mg_backend;
struct mg_conn;

void turns_init(struct turns *turns);
void turns_destroy(struct turns *turns);
/* A race for the stream KEY was lost. */
void turns_wanted(struct mg_backend *b, int64_t key);
/* Which streams do the others take turns in? */
void turns_look(struct mg_backend *b, struct mg_conn *c);
/* Wait for the turns of all streams that are known to need it; give them back. Never fails: without
 * them the race decides. */
void turns_take(struct mg_conn *c);
void turns_give(struct mg_conn *c);
struct store_conn;
bool turns_holds(struct store_conn *conn, int64_t key);

#endif
