/* ws_client.c - see ws_client.h.
 *
 * All connections read into one shared buffer, which stays in the processor's
 * cache; only a frame that a read cut in two is kept with its connection.
 * The masking key is zero: legal, and the generator's core has better things
 * to do than XOR. The handshake key is the sample of RFC 6455, for the same
 * reason; the accept value is not checked.
 */
#include "tests/bench/lib/ws_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/bench/lib/ns.h"

enum {
    READ_SIZE = 128 * 1024,
    FRAME_MAX = 1024 * 1024,
    EVENTS_MAX = 512,
    OP_TEXT = 1,
    OP_CLOSE = 8,
    OP_PING = 9,
    OP_PONG = 10,
};

struct ws_loop {
    int epoll;
    const struct ws_target *target;
    const struct ws_handlers *handlers;
    void *ctx;
    struct ws_client *handling; /* whose writes wait for the end of its handler */
    char buffer[FRAME_MAX + READ_SIZE];
};

struct frame {
    unsigned opcode;
    const char *payload;
    size_t len;
    size_t total; /* header and payload; 0 while incomplete */
    const char *fault;
};

struct ws_loop *ws_loop_create(const struct ws_target *target, const struct ws_handlers *handlers,
                               void *ctx)
{
    struct ws_loop *loop = mem_zalloc(sizeof(*loop));

    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0) {
        perror("epoll_create1");
        exit(EXIT_FAILURE);
    }
    loop->target = target;
    loop->handlers = handlers;
    loop->ctx = ctx;
    return loop;
}

void ws_loop_destroy(struct ws_loop **loop)
{
    if (*loop == NULL)
        return;
    close((*loop)->epoll);
    free(*loop);
    *loop = NULL;
}

static void bytes_append(struct ws_bytes *bytes, const void *data, size_t len)
{
    if (bytes->len + len > bytes->capacity) {
        bytes->capacity = (bytes->len + len) * 2;
        bytes->at = mem_realloc(bytes->at, bytes->capacity);
    }
    memcpy(bytes->at + bytes->len, data, len);
    bytes->len += len;
}

static void bytes_free(struct ws_bytes *bytes)
{
    free(bytes->at);
    *bytes = (struct ws_bytes){0};
}

void ws_drop(struct ws_loop *loop, struct ws_client *client)
{
    (void)loop;
    if (client->state == WS_CLOSED)
        return;
    close(client->fd);
    client->fd = -1;
    client->state = WS_CLOSED;
    client->awaits_writable = false;
    bytes_free(&client->rest);
    bytes_free(&client->out);
}

static void fail(struct ws_loop *loop, struct ws_client *client, const char *reason)
{
    char kept[160]; /* REASON may point into a buffer that goes away */

    snprintf(kept, sizeof(kept), "%s", reason);
    ws_drop(loop, client);
    loop->handlers->closed(client, kept, loop->ctx);
}

static void await_writable(struct ws_loop *loop, struct ws_client *client, bool wanted)
{
    if (client->awaits_writable == wanted)
        return;
    client->awaits_writable = wanted;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    if (wanted)
        event.events |= EPOLLOUT;
    epoll_ctl(loop->epoll, EPOLL_CTL_MOD, client->fd, &event);
}

static void flush(struct ws_loop *loop, struct ws_client *client)
{
    while (client->out.len > 0) {
        ssize_t sent = send(client->fd, client->out.at, client->out.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN) {
            await_writable(loop, client, true);
            return;
        }
        if (sent < 0) {
            fail(loop, client, strerror(errno));
            return;
        }
        client->out.len -= (size_t)sent;
        memmove(client->out.at, client->out.at + sent, client->out.len);
    }
    await_writable(loop, client, false);
}

static void send_frame(struct ws_loop *loop, struct ws_client *client, unsigned opcode,
                       const char *payload, size_t len)
{
    unsigned char header[8] = {(unsigned char)(0x80 | opcode)};
    size_t header_len = 2;

    if (len > UINT16_MAX)
        abort(); /* no benchmark sends frames that large */
    if (len < 126) {
        header[1] = (unsigned char)(0x80 | len);
    } else {
        header[1] = 0x80 | 126;
        header[2] = (unsigned char)(len >> 8);
        header[3] = (unsigned char)len;
        header_len = 4;
    }
    bytes_append(&client->out, header, header_len + 4); /* + the masking key, zero */
    bytes_append(&client->out, payload, len);
    if (client != loop->handling)
        flush(loop, client);
}

void ws_send(struct ws_loop *loop, struct ws_client *client, const char *text, size_t len)
{
    if (client->state == WS_OPEN)
        send_frame(loop, client, OP_TEXT, text, len);
}

/* Leave the choice of the port to connect(), which knows the destination. */
static void bind_source(int fd, unsigned source)
{
    int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + source)};

    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
        perror("bind");
}

static void queue_handshake(struct ws_loop *loop, struct ws_client *client, uint16_t port,
                            const char *token)
{
    char request[1024];
    int len = snprintf(request, sizeof(request),
                       "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s%s%s\r\n",
                       loop->target->path, port, token != NULL ? "Authorization: Bearer " : "",
                       token != NULL ? token : "", token != NULL ? "\r\n" : "");

    bytes_append(&client->out, request, (size_t)len);
}

void ws_connect(struct ws_loop *loop, struct ws_client *client, uint16_t port, unsigned source,
                const char *token)
{
    int on = 1;
    struct sockaddr_in server = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    client->state = WS_HANDSHAKE;
    client->awaits_writable = true;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0) {
        perror("socket");
        exit(EXIT_FAILURE);
    }
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (loop->target->sources > 0)
        bind_source(client->fd, source % loop->target->sources);
    if (connect(client->fd, (const struct sockaddr *)&server, sizeof(server)) != 0 &&
        errno != EINPROGRESS) {
        fail(loop, client, strerror(errno));
        return;
    }
    queue_handshake(loop, client, port, token);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = client};
    epoll_ctl(loop->epoll, EPOLL_CTL_ADD, client->fd, &event);
}

static struct frame frame_parse(const char *data, size_t len)
{
    const unsigned char *bytes = (const unsigned char *)data;
    struct frame frame = {0};
    size_t header = 2;

    if (len < header)
        return frame;
    frame.opcode = bytes[0] & 0x0f;
    frame.len = bytes[1] & 0x7f;
    if (frame.len == 126) {
        header = 4;
    } else if (frame.len == 127) {
        header = 10;
    }
    if (len < header)
        return frame;
    if (header > 2) {
        frame.len = 0;
        for (size_t i = 2; i < header; i++)
            frame.len = frame.len << 8 | bytes[i];
    }
    if ((bytes[0] & 0x80) == 0)
        frame.fault = "fragmented frame";
    else if (frame.len > FRAME_MAX - header)
        frame.fault = "frame too large";
    frame.payload = data + header;
    if (len - header >= frame.len)
        frame.total = header + frame.len;
    return frame;
}

static void handle_close(struct ws_loop *loop, struct ws_client *client, const struct frame *frame)
{
    char reason[160] = "close frame without a code";

    if (frame->len >= 2)
        snprintf(reason, sizeof(reason), "close %u %.*s",
                 (unsigned)(unsigned char)frame->payload[0] << 8 |
                     (unsigned)(unsigned char)frame->payload[1],
                 (int)(frame->len - 2), frame->payload + 2);
    fail(loop, client, reason);
}

static void handle_frame(struct ws_loop *loop, struct ws_client *client, const struct frame *frame,
                         uint64_t read_ns)
{
    switch (frame->opcode) {
    case OP_TEXT:
        loop->handlers->text(client, frame->payload, frame->len, read_ns, loop->ctx);
        break;
    case OP_PING:
        send_frame(loop, client, OP_PONG, frame->payload, frame->len);
        break;
    case OP_CLOSE:
        handle_close(loop, client, frame);
        break;
    default:
        break;
    }
}

/* The bytes of the handshake's answer; 0 while it is incomplete. */
static size_t handle_handshake(struct ws_loop *loop, struct ws_client *client, const char *data,
                               size_t len)
{
    static const char accepted[] = "HTTP/1.1 101";
    const char *end = memmem(data, len, "\r\n\r\n", 4);

    if (end == NULL)
        return 0;
    if (memcmp(data, accepted, sizeof(accepted) - 1) != 0) {
        const char *line_end = memchr(data, '\r', len);
        char reason[128];
        snprintf(reason, sizeof(reason), "handshake: %.*s", (int)(line_end - data), data);
        fail(loop, client, reason);
        return len;
    }
    client->state = WS_OPEN;
    loop->handlers->open(client, loop->ctx);
    return (size_t)(end + 4 - data);
}

/* Handle every whole frame of DATA; the bytes that were used up. */
static size_t handle_bytes(struct ws_loop *loop, struct ws_client *client, const char *data,
                           size_t len, uint64_t read_ns)
{
    size_t used = 0;

    if (client->state == WS_HANDSHAKE) {
        used = handle_handshake(loop, client, data, len);
        if (used == 0)
            return 0;
    }
    while (client->state == WS_OPEN) {
        struct frame frame = frame_parse(data + used, len - used);
        if (frame.fault != NULL) {
            fail(loop, client, frame.fault);
            break;
        }
        if (frame.total == 0)
            break;
        handle_frame(loop, client, &frame, read_ns);
        used += frame.total;
    }
    return used;
}

static void handle_readable(struct ws_loop *loop, struct ws_client *client)
{
    size_t kept = client->rest.len;

    if (kept > 0)
        memcpy(loop->buffer, client->rest.at, kept);
    ssize_t got = recv(client->fd, loop->buffer + kept, READ_SIZE, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        fail(loop, client, got == 0 ? "closed by the server" : strerror(errno));
        return;
    }
    client->rest.len = 0;
    size_t len = kept + (size_t)got;
    loop->handling = client;
    size_t used = handle_bytes(loop, client, loop->buffer, len, clock_monotonic_ns());
    loop->handling = NULL;
    if (client->state == WS_CLOSED)
        return;
    if (used < len)
        bytes_append(&client->rest, loop->buffer + used, len - used);
    if (client->out.len > 0)
        flush(loop, client);
}

void ws_poll(struct ws_loop *loop, uint64_t timeout_ns)
{
    struct epoll_event events[EVENTS_MAX];
    struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / NS_PER_SECOND),
                               .tv_nsec = (long)(timeout_ns % NS_PER_SECOND)};
    int count = epoll_pwait2(loop->epoll, events, EVENTS_MAX, &timeout, NULL);

    for (int i = 0; i < count; i++) {
        struct ws_client *client = events[i].data.ptr;
        if (client->state != WS_CLOSED && (events[i].events & EPOLLOUT) != 0)
            flush(loop, client);
        if (client->state != WS_CLOSED && (events[i].events & ~(uint32_t)EPOLLOUT) != 0)
            handle_readable(loop, client);
    }
}
