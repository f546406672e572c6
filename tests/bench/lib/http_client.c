/* http_client.c - see http_client.h. All connections read into one shared
 * buffer; only an answer that a read cut in two is kept with its connection. */
#include "tests/bench/lib/http_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/bench/lib/ns.h"

enum {
    READ_SIZE = 256 * 1024,
    ANSWER_MAX = 16 * 1024 * 1024,
    EVENTS_MAX = 512,
};

struct http_loop {
    int epoll;
    const struct http_handlers *handlers;
    void *ctx;
    char buffer[READ_SIZE];
};

struct http_loop *http_loop_create(const struct http_handlers *handlers, void *ctx)
{
    struct http_loop *loop = mem_zalloc(sizeof(*loop));

    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0) {
        perror("epoll_create1");
        exit(EXIT_FAILURE);
    }
    loop->handlers = handlers;
    loop->ctx = ctx;
    return loop;
}

void http_loop_destroy(struct http_loop **loop)
{
    if (*loop == NULL)
        return;
    close((*loop)->epoll);
    free(*loop);
    *loop = NULL;
}

void http_drop(struct http_loop *loop, struct http_client *client)
{
    (void)loop;
    if (!client->open)
        return;
    close(client->fd);
    buf_free(&client->rest);
    buf_free(&client->out);
    *client = (struct http_client){.owner = client->owner, .fd = -1};
}

static void fail(struct http_loop *loop, struct http_client *client, const char *reason)
{
    char kept[160]; /* REASON may point into a buffer that goes away */
    bool busy = client->busy;

    snprintf(kept, sizeof(kept), "%s", reason);
    http_drop(loop, client);
    loop->handlers->closed(client, kept, busy, loop->ctx);
}

static void await_writable(struct http_loop *loop, struct http_client *client, bool wanted)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};

    if (client->awaits_writable == wanted)
        return;
    client->awaits_writable = wanted;
    if (wanted)
        event.events |= EPOLLOUT;
    epoll_ctl(loop->epoll, EPOLL_CTL_MOD, client->fd, &event);
}

/* What fails here is seen by the next read, too: nobody is called back from within http_request. */
static void flush(struct http_loop *loop, struct http_client *client)
{
    while (client->out.len > 0) {
        ssize_t sent = send(client->fd, client->out.data, client->out.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0) {
            await_writable(loop, client, errno == EAGAIN || errno == ENOTCONN);
            return;
        }
        client->out.len -= (size_t)sent;
        memmove(client->out.data, client->out.data + sent, client->out.len);
    }
    await_writable(loop, client, false);
}

void http_connect(struct http_loop *loop, struct http_client *client, uint16_t port)
{
    int on = 1;
    struct sockaddr_in server = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = client};

    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0) {
        perror("socket");
        exit(EXIT_FAILURE);
    }
    client->open = true;
    client->awaits_writable = true;
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    /* A refusal is reported by epoll like one that takes longer. */
    if (connect(client->fd, (const struct sockaddr *)&server, sizeof(server)) != 0 &&
        errno != EINPROGRESS)
        perror("connect");
    epoll_ctl(loop->epoll, EPOLL_CTL_ADD, client->fd, &event);
}

void http_request(struct http_loop *loop, struct http_client *client, const char *method,
                  const char *path, const char *headers, const char *body, size_t len)
{
    if (!client->open)
        return;
    if (client->busy)
        abort(); /* a fault of the caller */
    client->busy = true;
    buf_printf(&client->out, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s", method, path, headers);
    if (body != NULL)
        buf_printf(&client->out, "Content-Length: %zu\r\n", len);
    buf_puts(&client->out, "\r\n");
    if (body != NULL)
        buf_put(&client->out, body, len);
    if (!client->awaits_writable)
        flush(loop, client);
}

/* The value of the header NAME ("\r\nname:") in a head of LEN bytes, or NULL. */
static const char *header(const char *head, size_t len, const char *name)
{
    size_t name_len = strlen(name);

    for (const char *at = head; (at = memmem(at, len - (size_t)(at - head), "\r\n", 2)) != NULL;
         at += 2)
        if (len - (size_t)(at - head) > name_len && strncasecmp(at, name, name_len) == 0)
            return at + name_len;
    return NULL;
}

/* The bytes of the first whole answer in DATA, 0 while there is none; a fault is said. */
static size_t parse(const char *data, size_t len, struct http_answer *answer_out,
                    const char **fault_out)
{
    const char *end = memmem(data, len, "\r\n\r\n", 4);

    if (end == NULL)
        return 0;
    size_t head = (size_t)(end - data) + 2; /* with the last header's CRLF */
    const char *length = header(data, head, "\r\nContent-Length:");
    if (strncmp(data, "HTTP/1.1 ", 9) != 0)
        *fault_out = "not an HTTP/1.1 answer";
    else if (header(data, head, "\r\nTransfer-Encoding:") != NULL)
        *fault_out = "an answer without Content-Length";
    answer_out->status = atoi(data + 9);
    answer_out->body = end + 4;
    answer_out->len = length != NULL ? strtoul(length, NULL, 10) : 0;
    if (answer_out->len > ANSWER_MAX)
        *fault_out = "an answer that is too large";
    size_t total = head + 2 + answer_out->len;
    return total <= len ? total : 0;
}

static void handle_bytes(struct http_loop *loop, struct http_client *client, const char *data,
                         size_t len)
{
    struct http_answer answer = {.read_ns = clock_monotonic_ns()};
    const char *fault = NULL;
    size_t used = parse(data, len, &answer, &fault);

    if (fault == NULL && used > 0 && (used < len || !client->busy))
        fault = "bytes that nobody asked for";
    if (fault != NULL) {
        fail(loop, client, fault);
        return;
    }
    if (used == 0) {
        if (data != client->rest.data)
            buf_put(&client->rest, data, len);
        return;
    }
    client->busy = false;
    /* The answer may lie in the rest, which the next request's answer must not join. */
    client->rest.len = 0;
    loop->handlers->answered(client, &answer, loop->ctx);
}

static void handle_readable(struct http_loop *loop, struct http_client *client)
{
    ssize_t got = recv(client->fd, loop->buffer, READ_SIZE, 0);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        fail(loop, client, got == 0 ? "closed by the server" : strerror(errno));
        return;
    }
    if (client->rest.len == 0) {
        handle_bytes(loop, client, loop->buffer, (size_t)got);
        return;
    }
    buf_put(&client->rest, loop->buffer, (size_t)got);
    handle_bytes(loop, client, client->rest.data, client->rest.len);
}

void http_poll(struct http_loop *loop, uint64_t timeout_ns)
{
    struct epoll_event events[EVENTS_MAX];
    struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / NS_PER_SECOND),
                               .tv_nsec = (long)(timeout_ns % NS_PER_SECOND)};
    int count = epoll_pwait2(loop->epoll, events, EVENTS_MAX, &timeout, NULL);

    for (int i = 0; i < count; i++) {
        struct http_client *client = events[i].data.ptr;
        if (client->open && (events[i].events & EPOLLOUT) != 0)
            flush(loop, client);
        if (client->open && (events[i].events & ~(uint32_t)EPOLLOUT) != 0)
            handle_readable(loop, client);
    }
}
