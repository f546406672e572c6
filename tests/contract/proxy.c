#include "tests/unit/testing.h"

#include "tests/contract/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

enum { WIRES_MAX = 64, ENDS = 2, CHUNK = 65536 };

struct wire {
    int fd[ENDS]; /* the client's, the server's */
};

struct proxy {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int listener, wake[ENDS];
    uint16_t port, target;
    enum proxy_mode mode, wanted;
    bool stop;
    struct wire wires[WIRES_MAX];
    size_t n;
};

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void drop(struct proxy *p, size_t i)
{
    (void)close(p->wires[i].fd[0]);
    (void)close(p->wires[i].fd[1]);
    p->wires[i] = p->wires[--p->n];
}

static void take(struct proxy *p)
{
    struct sockaddr_in target = loopback(p->target);
    int client = accept(p->listener, NULL, NULL);
    int server = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;

    if (client < 0 || server < 0 || p->mode == PROXY_CUTS || p->n == WIRES_MAX ||
        connect(server, (struct sockaddr *)&target, sizeof(target)) != 0) {
        (void)close(client);
        (void)close(server);
        return;
    }
    (void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    p->wires[p->n++] = (struct wire){{client, server}};
}

/* False: one side has closed. */
static bool carry(int from, int to)
{
    char bytes[CHUNK];
    ssize_t n = read(from, bytes, sizeof(bytes));

    for (ssize_t at = 0, put = 0; n > 0 && at < n; at += put) {
        put = write(to, bytes + at, (size_t)(n - at));
        if (put <= 0)
            return false;
    }
    return n > 0;
}

/* Take over the mode that is wanted; false: to end. */
static bool obey(struct proxy *p)
{
    (void)pthread_mutex_lock(&p->lock);
    p->mode = p->wanted;
    bool goes_on = !p->stop;
    (void)pthread_cond_broadcast(&p->changed);
    (void)pthread_mutex_unlock(&p->lock);
    while (p->n > 0 && (p->mode == PROXY_CUTS || !goes_on))
        drop(p, p->n - 1);
    return goes_on;
}

static void *run(void *arg)
{
    struct proxy *p = arg;
    struct pollfd fds[2 + WIRES_MAX * ENDS];
    char byte;

    while (obey(p)) {
        size_t wires = p->mode == PROXY_PASSES ? p->n : 0;
        fds[0] = (struct pollfd){.fd = p->wake[0], .events = POLLIN};
        fds[1] = (struct pollfd){.fd = p->listener, .events = POLLIN};
        for (size_t i = 0; i < wires * ENDS; i++)
            fds[2 + i] = (struct pollfd){.fd = p->wires[i / ENDS].fd[i % ENDS], .events = POLLIN};
        if (poll(fds, 2 + wires * ENDS, -1) < 0)
            continue;
        if (fds[0].revents != 0)
            (void)!read(p->wake[0], &byte, 1);
        for (size_t i = wires; i > 0; i--) {
            const struct wire *w = &p->wires[i - 1];
            const struct pollfd *ends = &fds[2 + (i - 1) * ENDS];
            if ((ends[0].revents != 0 && !carry(w->fd[0], w->fd[1])) ||
                (ends[1].revents != 0 && !carry(w->fd[1], w->fd[0])))
                drop(p, i - 1);
        }
        if (fds[1].revents != 0)
            take(p);
    }
    return NULL;
}

struct proxy *proxy_create(uint16_t port)
{
    struct proxy *p = mem_zalloc(sizeof(*p));
    struct sockaddr_in address = loopback(0);
    socklen_t len = sizeof(address);

    p->target = port;
    p->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(p->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(p->listener, WIRES_MAX), 0);
    assert_int_equal(getsockname(p->listener, (struct sockaddr *)&address, &len), 0);
    p->port = ntohs(address.sin_port);
    assert_int_equal(pipe(p->wake), 0);
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->changed, NULL);
    assert_int_equal(pthread_create(&p->thread, NULL, run, p), 0);
    return p;
}

static void wake(struct proxy *p)
{
    (void)!write(p->wake[1], "", 1);
}

void proxy_set(struct proxy *p, enum proxy_mode mode)
{
    (void)pthread_mutex_lock(&p->lock);
    p->wanted = mode;
    wake(p);
    while (p->mode != mode)
        (void)pthread_cond_wait(&p->changed, &p->lock);
    (void)pthread_mutex_unlock(&p->lock);
}

uint16_t proxy_port(const struct proxy *p)
{
    return p->port;
}

void proxy_destroy(struct proxy **proxy)
{
    struct proxy *p = *proxy;

    if (p == NULL)
        return;
    *proxy = NULL;
    (void)pthread_mutex_lock(&p->lock);
    p->stop = true;
    (void)pthread_mutex_unlock(&p->lock);
    wake(p);
    (void)pthread_join(p->thread, NULL);
    (void)close(p->listener);
    (void)close(p->wake[0]);
    (void)close(p->wake[1]);
    (void)pthread_mutex_destroy(&p->lock);
    (void)pthread_cond_destroy(&p->changed);
    free(p);
}
