#include "tests/unit/testing.h"

#include "tests/unit/server/web_target.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

enum { REQUEST_MAX = 65536, CONNECTIONS_MAX = 256 };

struct web_target {
    int listener;
    unsigned port;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t threads[CONNECTIONS_MAX];
    int sockets[CONNECTIONS_MAX];
    size_t threads_n;
    bool stopping, released;
    size_t held, held_most, sent, endless, requests;
    char last[REQUEST_MAX];
};

struct visit {
    struct web_target *target;
    int fd;
    char bytes[REQUEST_MAX];
};

static bool send_all(int fd, const void *bytes, size_t n)
{
    const char *at = bytes;

    while (n > 0) {
        ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        n -= (size_t)sent;
    }
    return true;
}

static bool send_text(int fd, const char *text)
{
    return send_all(fd, text, strlen(text));
}

/* One request, head and body, as a string. False: the client is gone. */
static bool receive(struct visit *v)
{
    size_t n = 0;

    for (;;) {
        ssize_t got = recv(v->fd, v->bytes + n, sizeof(v->bytes) - 1 - n, 0);
        if (got <= 0)
            return false;
        n += (size_t)got;
        v->bytes[n] = '\0';
        const char *body = strstr(v->bytes, "\r\n\r\n");
        const char *length = strcasestr(v->bytes, "\r\nContent-Length: ");
        size_t expected = length == NULL ? 0 : strtoul(length + 18, NULL, 10);
        if (body != NULL && n >= (size_t)(body + 4 - v->bytes) + expected)
            return true;
    }
}

static bool answer(struct visit *v, const char *status, const char *headers, const char *body)
{
    char head[4096];

    (void)snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n", status,
                   strlen(body), headers);
    return send_text(v->fd, head) && send_text(v->fd, body);
}

static bool endless(struct visit *v, const char *head, const char *piece, size_t times)
{
    struct web_target *t = v->target;
    size_t sent = 0;
    bool go_on = send_text(v->fd, head);

    (void)pthread_mutex_lock(&t->lock);
    t->endless++;
    (void)pthread_mutex_unlock(&t->lock);
    for (; go_on && times > 0; times--) {
        go_on = send_text(v->fd, piece);
        sent += go_on ? strlen(piece) : 0;
    }
    (void)pthread_mutex_lock(&t->lock);
    t->sent += sent;
    t->endless--;
    (void)pthread_cond_broadcast(&t->changed);
    (void)pthread_mutex_unlock(&t->lock);
    return false;
}

static bool hold(struct visit *v)
{
    struct web_target *t = v->target;

    (void)pthread_mutex_lock(&t->lock);
    if (++t->held > t->held_most)
        t->held_most = t->held;
    (void)pthread_cond_broadcast(&t->changed);
    while (!t->released && !t->stopping)
        (void)pthread_cond_wait(&t->changed, &t->lock);
    t->held--;
    (void)pthread_mutex_unlock(&t->lock);
    return answer(v, "200 OK", "", "held");
}

/* Until the client goes. */
static bool hang(struct visit *v)
{
    return recv(v->fd, v->bytes, sizeof(v->bytes), 0) > 0;
}

static bool drip(struct visit *v)
{
    struct timespec pause = {.tv_nsec = 20000000};

    (void)send_text(v->fd, "HTTP/1.1 200 OK\r\nX-Slow: ");
    while (send_text(v->fd, "x"))
        (void)nanosleep(&pause, NULL);
    return false;
}

static bool serve(struct visit *v)
{
    static const char big[65536] = {[0 ... 65534] = 'x'};
    const char *body = strstr(v->bytes, "\r\n\r\n") + 4;
    char path[1024] = "";
    char header[1200];

    (void)sscanf(v->bytes, "%*s %1023s", path);
    const char *query = strchr(path, '?') == NULL ? "" : strchr(path, '?') + 1;
    (void)snprintf(header, sizeof(header), "Location: %s#part\r\n", query);
    if (strcmp(path, "/ok") == 0)
        return answer(v, "200 OK", "Content-Type: text/plain\r\n", body);
    if (strncmp(path, "/status/", 8) == 0)
        return answer(v, path + 8, "Retry-After: 7\r\n", "");
    if (strcmp(path, "/hold") == 0)
        return hold(v);
    if (strcmp(path, "/hang") == 0)
        return hang(v);
    if (strcmp(path, "/big") == 0)
        return endless(v, "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", big, 16384);
    if (strcmp(path, "/headers") == 0)
        return endless(v, "HTTP/1.1 200 OK\r\n", "X-Filler: 0123456789\r\n", 1000000);
    if (strcmp(path, "/drip") == 0)
        return drip(v);
    if (strncmp(path, "/to?", 4) == 0)
        return answer(v, "307 Temporary Redirect", header, "");
    if (strncmp(path, "/found?", 7) == 0)
        return answer(v, "302 Found", header, "");
    if (strcmp(path, "/loop") == 0)
        return answer(v, "308 Permanent Redirect", "Location: /loop\r\n", "");
    (void)send_text(v->fd, "220 mail.example.org ESMTP\r\n");
    return false;
}

static void *visit_main(void *arg)
{
    struct visit *v = arg;
    struct web_target *t = v->target;

    while (receive(v)) {
        (void)pthread_mutex_lock(&t->lock);
        memcpy(t->last, v->bytes, strlen(v->bytes) + 1);
        t->requests++;
        (void)pthread_mutex_unlock(&t->lock);
        if (!serve(v))
            break;
    }
    (void)shutdown(v->fd, SHUT_RDWR); /* closed at the end, so that no number is used twice */
    free(v);
    return NULL;
}

static void *accept_main(void *arg)
{
    struct web_target *t = arg;
    int fd;

    while ((fd = accept(t->listener, NULL, NULL)) >= 0) {
        struct visit *v = mem_zalloc(sizeof(*v));
        v->target = t;
        v->fd = fd;
        (void)pthread_mutex_lock(&t->lock);
        assert_true(t->threads_n < CONNECTIONS_MAX);
        t->sockets[t->threads_n] = fd;
        assert_int_equal(pthread_create(&t->threads[t->threads_n++], NULL, visit_main, v), 0);
        (void)pthread_mutex_unlock(&t->lock);
    }
    return NULL;
}

struct web_target *web_target_create(void)
{
    struct web_target *t = mem_zalloc(sizeof(*t));
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(addr);

    (void)pthread_mutex_init(&t->lock, NULL);
    (void)pthread_cond_init(&t->changed, NULL);
    t->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(t->listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_int_equal(listen(t->listener, 64), 0);
    assert_int_equal(getsockname(t->listener, (struct sockaddr *)&addr, &len), 0);
    t->port = ntohs(addr.sin_port);
    assert_int_equal(pthread_create(&t->thread, NULL, accept_main, t), 0);
    return t;
}

void web_target_destroy(struct web_target **target)
{
    struct web_target *t = *target;

    *target = NULL;
    (void)shutdown(t->listener, SHUT_RDWR);
    (void)pthread_join(t->thread, NULL);
    (void)pthread_mutex_lock(&t->lock);
    t->stopping = true;
    (void)pthread_cond_broadcast(&t->changed);
    (void)pthread_mutex_unlock(&t->lock);
    for (size_t i = 0; i < t->threads_n; i++) {
        (void)shutdown(t->sockets[i], SHUT_RDWR);
        (void)pthread_join(t->threads[i], NULL);
        (void)close(t->sockets[i]);
    }
    (void)close(t->listener);
    (void)pthread_cond_destroy(&t->changed);
    (void)pthread_mutex_destroy(&t->lock);
    free(t);
}

const char *web_target_url(struct web_target *t, const char *host, const char *path)
{
    static char urls[3][1200];
    static size_t next;
    char *url = urls[next++ % 3];

    (void)snprintf(url, sizeof(urls[0]), "http://%s:%u%s", host, t->port, path);
    return url;
}

void web_target_release(struct web_target *t)
{
    (void)pthread_mutex_lock(&t->lock);
    t->released = true;
    (void)pthread_cond_broadcast(&t->changed);
    (void)pthread_mutex_unlock(&t->lock);
}

void web_target_wait_held(struct web_target *t, size_t n)
{
    (void)pthread_mutex_lock(&t->lock);
    while (t->held < n)
        (void)pthread_cond_wait(&t->changed, &t->lock);
    (void)pthread_mutex_unlock(&t->lock);
}

size_t web_target_held_most(struct web_target *t)
{
    (void)pthread_mutex_lock(&t->lock);
    size_t n = t->held_most;
    (void)pthread_mutex_unlock(&t->lock);
    return n;
}

size_t web_target_sent(struct web_target *t)
{
    (void)pthread_mutex_lock(&t->lock);
    while (t->endless > 0)
        (void)pthread_cond_wait(&t->changed, &t->lock);
    size_t n = t->sent;
    (void)pthread_mutex_unlock(&t->lock);
    return n;
}

const char *web_target_request(struct web_target *t)
{
    return t->last;
}

size_t web_target_requests(struct web_target *t)
{
    (void)pthread_mutex_lock(&t->lock);
    size_t n = t->requests;
    (void)pthread_mutex_unlock(&t->lock);
    return n;
}
