/* The way of a connection:
 *
 *   WAITING --timer--> RESOLVING --address--> CONNECTING --AUTH, SELECT, PING--> UP
 *      ^                                                                        |
 *      +---------------------- whatever goes wrong: fail() ---------------------+
 *
 * The socket of each try is an allocation of its own, so that the next try need not wait until
 * libuv has closed the last one.
 */
#include "server/bus/redis_conn.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/macros.h"
#include "base/mem.h"
#include "server/bus/redis_uri.h"

enum { READ_BYTES = 64 * 1024, WHY_SIZE = 256, STEADY_MS = 1000 };

enum state { WAITING, RESOLVING, CONNECTING, LOGIN, UP, CLOSED };

struct waiting {
    redis_reply_fn done;
    void *arg;
};

/* One try. CONN is NULL once it was given up. */
struct socket {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
    struct redis_conn *conn;
    uv_connect_t connect;
    uv_write_t write;
    struct buf sending;
    char in[READ_BYTES];
};

struct redis_conn {
    struct redis_conn_options options;
    uv_loop_t *loop;
    enum state state;
    struct socket *socket;
    uv_getaddrinfo_t *resolving;
    uv_timer_t timer; /* the pause before the next try */
    redisReader *reader;
    redisReplyObjectFunctions functions;
    void *(*create_array)(const redisReadTask *task, int elements);
    struct buf out;
    bool writing;
    struct waiting *answers; /* ring: who waits for which answer */
    size_t first, answers_n, answers_cap;
    unsigned tries;
    uint64_t since_ns; /* when the state began */
    uint64_t heard_ns; /* when something came */
    void (*closed)(void *arg);
    void *closed_arg;
};

static void try_now(uv_timer_t *timer);

static void enter(struct redis_conn *c, enum state state)
{
    c->state = state;
    c->since_ns = c->heard_ns = clock_monotonic_ns();
}

/* -- who waits for what ----------------------------------------------------------------------- */

static void await(struct redis_conn *c, redis_reply_fn done, void *arg)
{
    if (c->answers_n == c->answers_cap) {
        size_t cap = c->answers_cap == 0 ? 64 : c->answers_cap * 2;
        struct waiting *grown = mem_zalloc(cap * sizeof(*grown));
        for (size_t i = 0; i < c->answers_n; i++)
            grown[i] = c->answers[(c->first + i) % c->answers_cap];
        free(c->answers);
        c->answers = grown;
        c->answers_cap = cap;
        c->first = 0;
    }
    c->answers[(c->first + c->answers_n++) % c->answers_cap] = (struct waiting){done, arg};
}

static struct waiting answer_next(struct redis_conn *c)
{
    struct waiting w = c->answers[c->first];

    c->first = (c->first + 1) % c->answers_cap;
    c->answers_n--;
    return w;
}

/* -- the end of a try ------------------------------------------------------------------------- */

static void on_socket_closed(uv_handle_t *handle)
{
    struct socket *s = container_of(handle, struct socket, handle);

    buf_free(&s->sending);
    free(s);
}

static void drop_socket(struct redis_conn *c)
{
    if (c->resolving != NULL) {
        c->resolving->data = NULL;
        (void)uv_cancel((uv_req_t *)c->resolving);
        c->resolving = NULL;
    }
    if (c->socket != NULL) {
        c->socket->conn = NULL;
        uv_close(&c->socket->handle, on_socket_closed);
        c->socket = NULL;
    }
    if (c->reader != NULL)
        redisReaderFree(c->reader);
    c->reader = NULL;
    c->writing = false;
    buf_clear(&c->out);
    while (c->answers_n > 0) {
        struct waiting w = answer_next(c);
        if (w.done != NULL)
            w.done(w.arg, NULL);
    }
}

static void fail(struct redis_conn *c, const char *why)
{
    uint32_t chance;
    bool steady = c->state == UP && clock_monotonic_ns() - c->since_ns > STEADY_MS * 1000000ull;

    enter(c, WAITING);
    drop_socket(c);
    c->tries = steady ? 0 : c->tries + 1;
    uint64_t pause = REDIS_RETRY_FIRST_MS;
    for (unsigned i = 1; i < c->tries && pause < REDIS_RETRY_MAX_MS; i++)
        pause *= 2;
    if (pause > REDIS_RETRY_MAX_MS)
        pause = REDIS_RETRY_MAX_MS;
    random_bytes(&chance, sizeof(chance));
    (void)uv_timer_start(&c->timer, try_now, pause / 2 + chance % (pause / 2 + 1), 0);
    c->options.down(c->options.arg, why);
}

static void fail_at(struct redis_conn *c, const char *what, const char *why)
{
    char text[WHY_SIZE];

    (void)snprintf(text, sizeof(text), "%.32s %.100s: %.100s", what, c->options.uri->shown, why);
    fail(c, text);
}

/* -- reading ---------------------------------------------------------------------------------- */

/* hiredis makes room for as many elements as the other side claims to send. */
static void *create_array(const redisReadTask *task, int elements)
{
    const struct redis_conn *c = task->privdata;

    return elements > REDIS_ELEMENTS_MAX ? NULL : c->create_array(task, elements);
}

static void open_reader(struct redis_conn *c)
{
    c->reader = redisReaderCreate();
    if (c->reader == NULL)
        abort(); /* out of memory */
    c->functions = *c->reader->fn;
    c->create_array = c->functions.createArray;
    c->functions.createArray = create_array;
    c->reader->fn = &c->functions;
    c->reader->privdata = c;
}

static void take(struct redis_conn *c, redisReply *reply)
{
    if (c->state == UP && c->options.pushed != NULL) {
        c->options.pushed(c->options.arg, reply);
    } else if (c->answers_n > 0) {
        struct waiting w = answer_next(c);
        if (w.done != NULL)
            w.done(w.arg, reply);
    } else {
        fail_at(c, "nonsense from Redis at", "an answer to no question");
    }
}

static void on_bytes(struct redis_conn *c, const char *bytes, size_t n)
{
    void *reply = NULL;

    c->heard_ns = clock_monotonic_ns();
    if (redisReaderFeed(c->reader, bytes, n) != REDIS_OK) {
        fail_at(c, "nonsense from Redis at", c->reader->errstr);
        return;
    }
    while (c->reader != NULL) {
        redisReader *reader = c->reader;
        if (redisReaderGetReply(reader, &reply) != REDIS_OK) {
            fail_at(c, "nonsense from Redis at", reader->errstr);
            return;
        }
        if (reply == NULL)
            break;
        take(c, reply);
        freeReplyObject(reply);
    }
    if (c->reader != NULL && c->reader->len - c->reader->pos > REDIS_REPLY_MAX)
        fail_at(c, "nonsense from Redis at", "an endless answer");
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct socket *s = container_of(handle, struct socket, handle);

    (void)suggested;
    *out = uv_buf_init(s->in, sizeof(s->in));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
    struct socket *s = container_of(stream, struct socket, stream);

    if (s->conn == NULL || n == 0)
        return;
    if (n < 0)
        fail_at(s->conn, "lost Redis at",
                n == UV_EOF ? "it closed the connection" : uv_strerror((int)n));
    else
        on_bytes(s->conn, bytes->base, (size_t)n);
}

/* -- writing ---------------------------------------------------------------------------------- */

static void put_command(struct buf *out, const struct redis_arg *args, size_t n)
{
    buf_printf(out, "*%zu\r\n", n);
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, "$%zu\r\n", args[i].n);
        buf_put(out, args[i].bytes, args[i].n);
        buf_put(out, "\r\n", 2);
    }
}

bool redis_conn_command(struct redis_conn *c, const struct redis_arg *args, size_t n,
                        redis_reply_fn done, void *arg)
{
    if (c->state != UP || redis_conn_queued(c) > REDIS_OUT_MAX)
        return false;
    put_command(&c->out, args, n);
    if (c->options.pushed == NULL)
        await(c, done, arg);
    return true;
}

static void on_written(uv_write_t *write, int status)
{
    struct socket *s = container_of(write, struct socket, write);
    struct redis_conn *c = s->conn;

    if (c == NULL)
        return;
    c->writing = false;
    buf_clear(&s->sending);
    if (status < 0)
        fail_at(c, "lost Redis at", uv_strerror(status));
    else
        redis_conn_flush(c);
}

void redis_conn_flush(struct redis_conn *c)
{
    struct socket *s = c->socket;

    if (s == NULL || c->writing || c->out.len == 0 || c->state < LOGIN)
        return;
    struct buf empty = s->sending;
    s->sending = c->out;
    c->out = empty;
    buf_clear(&c->out);
    uv_buf_t bytes = uv_buf_init(s->sending.data, (unsigned)s->sending.len);
    int n = uv_try_write(&s->stream, &bytes, 1);
    if (n < 0 && n != UV_EAGAIN) {
        fail_at(c, "lost Redis at", uv_strerror(n));
        return;
    }
    size_t written = n < 0 ? 0 : (size_t)n;
    if (written == s->sending.len)
        return;
    bytes = uv_buf_init(s->sending.data + written, (unsigned)(s->sending.len - written));
    c->writing = uv_write(&s->write, &s->stream, &bytes, 1, on_written) == 0;
    if (!c->writing)
        fail_at(c, "lost Redis at", "no write possible");
}

/* -- signing in ------------------------------------------------------------------------------- */

static void on_login(void *arg, const redisReply *reply)
{
    struct redis_conn *c = arg;

    if (reply != NULL && c->state == LOGIN && reply->type == REDIS_REPLY_ERROR)
        fail_at(c, "refused by Redis at", reply->str);
}

static void on_ready(void *arg, const redisReply *reply)
{
    struct redis_conn *c = arg;

    if (reply == NULL || c->state != LOGIN)
        return;
    if (reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, "PONG") == 0) {
        enter(c, UP);
        c->options.up(c->options.arg);
    } else {
        fail_at(c, "refused by Redis at",
                reply->type == REDIS_REPLY_ERROR ? reply->str : "no PONG to a PING");
    }
}

static void log_in(struct redis_conn *c)
{
    const struct redis_uri *uri = c->options.uri;
    char db[8];

    enter(c, LOGIN);
    open_reader(c);
    if (uri->password[0] != '\0') {
        const char *user = uri->user[0] != '\0' ? uri->user : "default";
        put_command(
            &c->out,
            (struct redis_arg[]){REDIS_ARG("AUTH"), REDIS_ARG(user), REDIS_ARG(uri->password)}, 3);
        await(c, on_login, c);
    }
    if (uri->db != 0) {
        (void)snprintf(db, sizeof(db), "%u", (unsigned)uri->db);
        put_command(&c->out, (struct redis_arg[]){REDIS_ARG("SELECT"), REDIS_ARG(db)}, 2);
        await(c, on_login, c);
    }
    put_command(
        &c->out,
        (struct redis_arg[]){REDIS_ARG("CLIENT"), REDIS_ARG("SETNAME"), REDIS_ARG(c->options.name)},
        3);
    await(c, NULL, NULL); /* a name is a courtesy: who may not have one goes without */
    put_command(&c->out, (struct redis_arg[]){REDIS_ARG("PING")}, 1);
    await(c, on_ready, c);
    redis_conn_flush(c);
}

/* -- connecting ------------------------------------------------------------------------------- */

static void on_connected(uv_connect_t *connect, int status)
{
    struct socket *s = container_of(connect, struct socket, connect);

    if (s->conn == NULL)
        return;
    if (status == 0 && s->conn->options.uri->host[0] != '\0')
        (void)uv_tcp_nodelay(&s->tcp, 1);
    if (status == 0)
        status = uv_read_start(&s->stream, on_alloc, on_read);
    if (status == 0)
        log_in(s->conn);
    else
        fail_at(s->conn, "cannot reach Redis at", uv_strerror(status));
}

static struct socket *make_socket(struct redis_conn *c)
{
    struct socket *s = mem_zalloc(sizeof(*s));

    s->conn = c;
    c->socket = s;
    enter(c, CONNECTING);
    return s;
}

static void on_resolved(uv_getaddrinfo_t *resolving, int status, struct addrinfo *found)
{
    struct redis_conn *c = resolving->data;

    free(resolving);
    if (c != NULL) {
        c->resolving = NULL;
        if (status == 0) {
            struct socket *s = make_socket(c);
            (void)uv_tcp_init(c->loop, &s->tcp);
            status = uv_tcp_connect(&s->connect, &s->tcp, found->ai_addr, on_connected);
        }
        if (status != 0)
            fail_at(c, "cannot reach Redis at", uv_strerror(status));
    }
    uv_freeaddrinfo(found);
}

static void resolve(struct redis_conn *c)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    char port[8];

    (void)snprintf(port, sizeof(port), "%u", (unsigned)c->options.uri->port);
    enter(c, RESOLVING);
    c->resolving = mem_zalloc(sizeof(*c->resolving));
    c->resolving->data = c;
    int status =
        uv_getaddrinfo(c->loop, c->resolving, on_resolved, c->options.uri->host, port, &hints);
    if (status == 0)
        return;
    free(c->resolving);
    c->resolving = NULL;
    fail_at(c, "cannot reach Redis at", uv_strerror(status));
}

static void try_now(uv_timer_t *timer)
{
    struct redis_conn *c = container_of(timer, struct redis_conn, timer);

    if (c->options.uri->host[0] != '\0') {
        resolve(c);
        return;
    }
    struct socket *s = make_socket(c);
    (void)uv_pipe_init(c->loop, &s->pipe, 0);
    uv_pipe_connect(&s->connect, &s->pipe, c->options.uri->path, on_connected);
}

/* -- life ------------------------------------------------------------------------------------- */

struct redis_conn *redis_conn_create(uv_loop_t *loop, const struct redis_conn_options *options)
{
    struct redis_conn *c = mem_zalloc(sizeof(*c));

    c->options = *options;
    c->loop = loop;
    (void)uv_timer_init(loop, &c->timer);
    (void)uv_timer_start(&c->timer, try_now, 0, 0);
    return c;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct redis_conn *c = container_of((uv_timer_t *)handle, struct redis_conn, timer);

    if (c->closed != NULL)
        c->closed(c->closed_arg);
    buf_free(&c->out);
    free(c->answers);
    free(c);
}

void redis_conn_close(struct redis_conn *c, void (*done)(void *arg), void *arg)
{
    c->state = CLOSED;
    c->closed = done;
    c->closed_arg = arg;
    drop_socket(c);
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}

bool redis_conn_is_up(const struct redis_conn *c)
{
    return c->state == UP;
}

size_t redis_conn_queued(const struct redis_conn *c)
{
    return c->out.len + (c->writing ? c->socket->sending.len : 0);
}

void redis_conn_tick(struct redis_conn *c)
{
    uint64_t silent_ms = (clock_monotonic_ns() - c->heard_ns) / 1000000u;

    if (c->state != UP && c->state != LOGIN && c->state != CONNECTING && c->state != RESOLVING)
        return;
    if (silent_ms >= REDIS_SILENT_MS) {
        fail_at(c, "no answer from Redis at", "given up");
        return;
    }
    if (c->state == UP)
        (void)redis_conn_command(c, (struct redis_arg[]){REDIS_ARG("PING")}, 1, NULL, NULL);
    redis_conn_flush(c);
}
