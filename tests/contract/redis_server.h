/* redis_server.h - a Redis of its own for a test, on a socket in a new directory.
 * Threading: the test's own.
 */
#ifndef TESTS_REDIS_SERVER_H
#define TESTS_REDIS_SERVER_H

#include <sys/types.h>

struct redis_server {
    char dir[64];
    char socket[96];
    char uri[128];
    pid_t pid;
};

/* Waits until it answers; fails the test when it does not. ARGS: further flags, ending with NULL.
 */
void redis_server_start(struct redis_server *server, const char *const *args);
/* Kills it, and it is as empty as new when it is started again; the directory stays. */
void redis_server_kill(struct redis_server *server);
/* Kills it and removes the directory. */
void redis_server_end(struct redis_server *server);
/* What it answers to one command of words, as text; NULL on the error that it answers. */
char *redis_server_ask(const struct redis_server *server, const char *const *words, size_t n);
/* PUBLISH of bytes. */
void redis_server_publish(const struct redis_server *server, const char *channel, const void *bytes,
                          size_t n);

#endif
