/* redis_conn.h - one connection to Redis: connects, signs in, comes back by itself.
 *
 * What is put into it during a turn of the loop leaves in one write, at redis_conn_flush(). Answers
 * come in the order of the commands. A connection that says nothing for REDIS_SILENT_MS, although
 * it was pinged, is given up like one that broke; then it is tried again, after a pause that grows
 * and is spread by chance.
 *
 * Threading: the loop's own. Ownership: the URI, name and callbacks live as long as it does.
 */
#ifndef SERVER_REDIS_CONN_H
#define SERVER_REDIS_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct redis_conn;
struct redis_uri;
struct redisReply;

enum {
    REDIS_SILENT_MS = 3000,
    REDIS_RETRY_FIRST_MS = 50,
    REDIS_RETRY_MAX_MS = 2000,
    REDIS_OUT_MAX = 4 * 1024 * 1024,   /* what may wait for Redis to read */
    REDIS_REPLY_MAX = 8 * 1024 * 1024, /* the largest answer that is put together */
    REDIS_ELEMENTS_MAX = 64 * 1024,    /* the longest array in one */
};

/* REPLY NULL: the connection is gone, there is no answer; else borrowed for the call. */
typedef void (*redis_reply_fn)(void *arg, const struct redisReply *reply);

struct redis_conn_options {
    const struct redis_uri *uri;
    const char *name; /* CLIENT SETNAME */
    void (*up)(void *arg);
    void (*down)(void *arg, const char *why); /* after up, or for each try that failed */
    /* Pub/sub: what comes without being asked for. NULL: an ordinary connection. */
    redis_reply_fn pushed;
    void *arg;
};

struct redis_conn *redis_conn_create(uv_loop_t *loop, const struct redis_conn_options *options);
/* Ends it; DONE runs when its handles are closed and the memory is free. */
void redis_conn_close(struct redis_conn *conn, void (*done)(void *arg), void *arg);

bool redis_conn_is_up(const struct redis_conn *conn);
/* Bytes that wait for Redis to read them. */
size_t redis_conn_queued(const struct redis_conn *conn);

struct redis_arg {
    const void *bytes;
    size_t n;
};
/* One command. DONE (or NULL: nobody cares) runs once. On a pub/sub connection answers are pushed.
 * False: it is not up, or too much waits already; DONE never runs. */
bool redis_conn_command(struct redis_conn *conn, const struct redis_arg *args, size_t n,
                        redis_reply_fn done, void *arg);
/* Writes what is waiting. */
void redis_conn_flush(struct redis_conn *conn);
/* Once a second: pings, time-outs. */
void redis_conn_tick(struct redis_conn *conn);

/* Counts and splits "WORD WORD ..." for redis_conn_command(): literals only. */
#define REDIS_ARG(text) ((struct redis_arg){(text), strlen(text)})

#endif
