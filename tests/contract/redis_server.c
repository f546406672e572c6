#include "tests/contract/redis_server.h"

#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/testing.h"

enum { ARGS_MAX = 24, TRIES = 500, TRY_US = 10000 };

static redisContext *connect_to(const struct redis_server *server)
{
    redisContext *c = redisConnectUnix(server->socket);

    if (c != NULL && c->err == 0)
        return c;
    if (c != NULL)
        redisFree(c);
    return NULL;
}

static bool answers(const struct redis_server *server)
{
    redisContext *c = connect_to(server);
    redisReply *reply = c == NULL ? NULL : redisCommand(c, "PING");
    bool good = reply != NULL;

    if (reply != NULL)
        freeReplyObject(reply);
    if (c != NULL)
        redisFree(c);
    return good;
}

static void run(const struct redis_server *server, const char *const *args)
{
    const char *argv[ARGS_MAX] = {"redis-server", "--port",    "0",         "--unixsocket",
                                  server->socket, "--save",    "",          "--appendonly",
                                  "no",           "--dir",     server->dir, "--loglevel",
                                  "warning",      "--logfile", "/dev/null"};
    size_t n = 15;

    for (; args != NULL && *args != NULL && n < ARGS_MAX - 1; args++)
        argv[n++] = *args;
    argv[n] = NULL;
    (void)execvp(argv[0], (char *const *)argv);
    _exit(127);
}

void redis_server_start(struct redis_server *server, const char *const *args)
{
    if (server->dir[0] == '\0') {
        (void)snprintf(server->dir, sizeof(server->dir), "/tmp/parley-redis-XXXXXX");
        assert_non_null(mkdtemp(server->dir));
        (void)snprintf(server->socket, sizeof(server->socket), "%s/s", server->dir);
        (void)snprintf(server->uri, sizeof(server->uri), "redis+unix://%s", server->socket);
    }
    (void)unlink(server->socket);
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0)
        run(server, args);
    for (int i = 0; i < TRIES; i++) {
        if (answers(server))
            return;
        (void)usleep(TRY_US);
    }
    fail_msg("redis-server does not answer");
}

void redis_server_kill(struct redis_server *server)
{
    if (server->pid <= 0)
        return;
    (void)kill(server->pid, SIGKILL);
    (void)waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

void redis_server_end(struct redis_server *server)
{
    redis_server_kill(server);
    (void)unlink(server->socket);
    (void)rmdir(server->dir);
    server->dir[0] = '\0';
}

char *redis_server_ask(const struct redis_server *server, const char *const *words, size_t n)
{
    redisContext *c = connect_to(server);
    char *text = NULL;

    assert_non_null(c);
    redisReply *reply = redisCommandArgv(c, (int)n, (const char **)words, NULL);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_INTEGER)
        assert_true(asprintf(&text, "%lld", reply->integer) > 0);
    else if (reply->type != REDIS_REPLY_ERROR)
        text = strdup(reply->str == NULL ? "" : reply->str);
    freeReplyObject(reply);
    redisFree(c);
    return text;
}

void redis_server_publish(const struct redis_server *server, const char *channel, const void *bytes,
                          size_t n)
{
    redisContext *c = connect_to(server);

    assert_non_null(c);
    redisReply *reply = redisCommand(c, "PUBLISH %s %b", channel, bytes, n);
    assert_non_null(reply);
    freeReplyObject(reply);
    redisFree(c);
}
