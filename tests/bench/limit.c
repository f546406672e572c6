/* limit.c - the least a fan-out can cost: what a chat server is measured against.
 *
 * One thread and one epoll loop. It speaks just enough WebSocket to take a text
 * frame and send it to everybody; no sign-in, no storage, no JSON, no limits.
 * The frames that arrive in one turn of the loop are joined, and every
 * connection gets them in one send(2). What a socket does not take at once is
 * kept for that connection, so that nothing is lost or torn.
 *
 * usage: limit        prints "listening on http://127.0.0.1:PORT" */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

enum {
    READ_SIZE = 256 * 1024,
    JOINED_MAX = 256 * 1024,
    EVENTS_MAX = 512,
    PAYLOAD_MAX = 65535,
    OP_TEXT = 1,
};

/* The accept value of RFC 6455's sample key, which the load generator uses. */
static const char accepted[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                               "Connection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

struct conn {
    int fd;
    size_t slot;          /* its index in server.conns */
    bool open;            /* the handshake is done */
    unsigned char *begun; /* the frame that the last read cut in two */
    size_t begun_len;
    unsigned char *behind; /* what the socket did not take; NULL: nothing */
    size_t behind_len;
};

struct server {
    int epoll;
    int listener;
    struct conn **conns;
    size_t count;
    size_t capacity;
    unsigned char joined[JOINED_MAX];
    size_t joined_len;
    unsigned char read[READ_SIZE + PAYLOAD_MAX];
};

static struct server server;

static void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void watch(int fd, void *owner, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = owner};

    if (epoll_ctl(server.epoll, operation, fd, &event) != 0)
        die("epoll_ctl");
}

static void conn_open(int fd)
{
    int on = 1;
    struct conn *conn = mem_zalloc(sizeof(*conn));

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    conn->fd = fd;
    conn->slot = server.count;
    if (server.count == server.capacity) {
        server.capacity = server.capacity * 2 + 1024;
        server.conns = mem_realloc_array(server.conns, server.capacity, sizeof(*server.conns));
    }
    server.conns[server.count++] = conn;
    watch(fd, conn, EPOLL_CTL_ADD, EPOLLIN);
}

static void conn_close(struct conn *conn)
{
    struct conn *last = server.conns[--server.count];

    server.conns[conn->slot] = last;
    last->slot = conn->slot;
    close(conn->fd);
    free(conn->begun);
    free(conn->behind);
    free(conn);
}

static void append(unsigned char **bytes, size_t *len, const void *more, size_t more_len)
{
    *bytes = mem_realloc(*bytes, *len + more_len);
    memcpy(*bytes + *len, more, more_len);
    *len += more_len;
}

/* Errors are left for the next read of the connection to find. */
static void conn_send(struct conn *conn, const unsigned char *data, size_t len)
{
    if (conn->behind != NULL) {
        append(&conn->behind, &conn->behind_len, data, len);
        return;
    }
    ssize_t sent = send(conn->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN)
        return;
    size_t taken = sent < 0 ? 0 : (size_t)sent;
    if (taken == len)
        return;
    append(&conn->behind, &conn->behind_len, data + taken, len - taken);
    watch(conn->fd, conn, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

static void conn_catch_up(struct conn *conn)
{
    unsigned char *behind = conn->behind;
    size_t len = conn->behind_len;

    conn->behind = NULL;
    conn->behind_len = 0;
    watch(conn->fd, conn, EPOLL_CTL_MOD, EPOLLIN);
    if (behind != NULL)
        conn_send(conn, behind, len);
    free(behind);
}

static void broadcast(void)
{
    if (server.joined_len == 0)
        return;
    for (size_t i = 0; i < server.count; i++)
        if (server.conns[i]->open)
            conn_send(server.conns[i], server.joined, server.joined_len);
    server.joined_len = 0;
}

/* Add one unmasked frame to what goes out at the end of this turn. */
static void join_frame(const unsigned char *payload, size_t len)
{
    if (server.joined_len + len + 4 > JOINED_MAX)
        broadcast();
    unsigned char *out = server.joined + server.joined_len;
    size_t header = len < 126 ? 2 : 4;

    out[0] = 0x80 | OP_TEXT;
    if (len < 126) {
        out[1] = (unsigned char)len;
    } else {
        out[1] = 126;
        out[2] = (unsigned char)(len >> 8);
        out[3] = (unsigned char)len;
    }
    memcpy(out + header, payload, len);
    server.joined_len += header + len;
}

/* One masked client frame; the bytes used, 0 while it is incomplete. */
static size_t take_frame(unsigned char *data, size_t len)
{
    if (len < 8)
        return 0;
    size_t payload_len = data[1] & 0x7f;
    size_t header = 2;
    if (payload_len == 126) {
        payload_len = (size_t)data[2] << 8 | data[3];
        header = 4;
    }
    const unsigned char *mask = data + header;
    unsigned char *payload = data + header + 4;
    if (len < header + 4 + payload_len)
        return 0;
    for (size_t i = 0; i < payload_len; i++)
        payload[i] ^= mask[i & 3];
    if ((data[0] & 0x0f) == OP_TEXT)
        join_frame(payload, payload_len);
    return header + 4 + payload_len;
}

static void conn_readable(struct conn *conn)
{
    size_t kept = conn->begun_len;

    if (kept > 0)
        memcpy(server.read, conn->begun, kept);
    ssize_t got = recv(conn->fd, server.read + kept, READ_SIZE, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        conn_close(conn);
        return;
    }
    if (!conn->open) { /* a handshake fits one segment and nothing follows it yet */
        conn->open = true;
        conn_send(conn, (const unsigned char *)accepted, sizeof(accepted) - 1);
        return;
    }
    size_t len = kept + (size_t)got;
    size_t used = 0;
    for (size_t step = 1; step > 0; used += step)
        step = take_frame(server.read + used, len - used);
    conn->begun_len = 0;
    if (used < len)
        append(&conn->begun, &conn->begun_len, server.read + used, len - used);
}

static void accept_all(void)
{
    int fd = -1;

    while ((fd = accept4(server.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        conn_open(fd);
}

static void listen_on_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);

    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (server.listener < 0 ||
        bind(server.listener, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(server.listener, 4096) != 0 ||
        getsockname(server.listener, (struct sockaddr *)&address, &len) != 0)
        die("listen");
    printf("listening on http://127.0.0.1:%u\n", ntohs(address.sin_port));
    fflush(stdout);
}

static void serve_turn(void)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(server.epoll, events, EVENTS_MAX, -1);

    for (int i = 0; i < count; i++) {
        struct conn *conn = events[i].data.ptr;
        if (conn == NULL) {
            accept_all();
            continue;
        }
        if ((events[i].events & EPOLLOUT) != 0)
            conn_catch_up(conn);
        if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0)
            conn_readable(conn);
    }
    broadcast();
}

int main(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    server.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server.epoll < 0)
        die("epoll_create1");
    listen_on_free_port();
    watch(server.listener, NULL, EPOLL_CTL_ADD, EPOLLIN);
    for (;;)
        serve_turn();
}
