#include "server/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uthash.h>
#include <utlist.h>
#include <uv.h>

#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "server/gateway.h"
#include "server/metrics.h"
#include "server/node.h"
#include "server/worker.h"

enum {
    BACKLOG = 4096,
    ACCEPTS_A_TURN = 64,
    PAUSE_MS = 100, /* without accepting, when descriptors ran out */
};

struct listener {
    struct worker *worker;
    int fd;
    enum door door;
    int reserve; /* a descriptor to give up when there is no other */
    uv_poll_t poll;
    uv_timer_t pause;
    struct listener *next;
};

/* -- peers ---------------------------------------------------------------------------------------
 */

struct peer {
    char address[ADDRESS_TEXT_SIZE]; /* of this client; the group is the key */
    char group[ADDRESS_TEXT_SIZE];
    size_t connections;
    UT_hash_handle hh;
};

static pthread_mutex_t peers_lock = PTHREAD_MUTEX_INITIALIZER;
static struct peer *peers;
static size_t peers_connections;

const char *peer_address(const struct peer *peer)
{
    return peer == NULL ? "local" : peer->address;
}

/* Behind a trusted proxy everybody has its address: it is not limited as one client. Those behind
 * it are, as soon as they are known: see peer_change(). */
static bool is_proxy(const struct config *config, const char *address)
{
    for (size_t i = 0; i < config->trusted_proxies.n; i++)
        if (net_block_contains(&config->trusted_proxies.items[i], address))
            return true;
    return false;
}

/* One more connection of ADDRESS; NULL: it has too many. The lock is held. */
static struct peer *peer_get(const char *address, const struct config *config)
{
    char group[ADDRESS_TEXT_SIZE];
    struct peer *p;

    address_group(address, group);
    HASH_FIND_STR(peers, group, p);
    if (p != NULL && config->max_connections_per_address > 0 &&
        p->connections >= config->max_connections_per_address && !is_proxy(config, address))
        return NULL;
    if (p == NULL) {
        p = mem_zalloc(sizeof(*p));
        (void)snprintf(p->address, sizeof(p->address), "%s", address);
        memcpy(p->group, group, sizeof(group));
        HASH_ADD_STR(peers, group, p);
    }
    p->connections++;
    return p;
}

/* One less. The lock is held. */
static void peer_put(struct peer *p)
{
    if (--p->connections == 0) {
        HASH_DEL(peers, p);
        free(p);
    }
}

void peer_release(struct peer **peer)
{
    struct peer *p = *peer;

    if (p == NULL)
        return;
    *peer = NULL;
    (void)pthread_mutex_lock(&peers_lock);
    peers_connections--;
    peer_put(p);
    (void)pthread_mutex_unlock(&peers_lock);
}

bool peer_change(struct peer **peer, const char *address, const struct config *config)
{
    (void)pthread_mutex_lock(&peers_lock);
    struct peer *to = peer_get(address, config);
    if (to != NULL) {
        peer_put(*peer);
        *peer = to;
    }
    (void)pthread_mutex_unlock(&peers_lock);
    return to != NULL;
}

struct peer *peer_open(const char *address, const struct config *config)
{
    struct peer *p = NULL;

    (void)pthread_mutex_lock(&peers_lock);
    if (config->max_connections == 0 || peers_connections < config->max_connections)
        p = peer_get(address, config);
    if (p != NULL)
        peers_connections++;
    (void)pthread_mutex_unlock(&peers_lock);
    return p;
}

/* NULL: too many; *refused_out says of which kind. */
static struct peer *peer_admit(const struct sockaddr *addr, const struct config *config,
                               enum metric_refused *refused_out)
{
    char address[ADDRESS_TEXT_SIZE];
    struct peer *p = NULL;

    address_format_host(addr, address);
    (void)pthread_mutex_lock(&peers_lock);
    if (config->max_connections > 0 && peers_connections >= config->max_connections) {
        *refused_out = METRIC_REFUSED_FULL;
    } else if ((p = peer_get(address, config)) == NULL) {
        *refused_out = METRIC_REFUSED_ADDRESS;
    } else {
        peers_connections++;
    }
    (void)pthread_mutex_unlock(&peers_lock);
    return p;
}

/* -- accepting ------------------------------------------------------------------------------------
 */

static void refuse(int fd, enum metric_refused why)
{
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                 "Content-Type: application/problem+json\r\n"
                                 "Retry-After: 5\r\nConnection: close\r\nContent-Length: 88\r\n\r\n"
                                 "{\"type\":\"unavailable\",\"title\":\"Too many connections\","
                                 "\"status\":503,\"retry_after_ms\":5000}\n";
    char drop[1024];

    metric_add_by(METRIC_CONNECTIONS_REFUSED, why, 1);
    (void)send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown(fd, SHUT_WR);
    (void)recv(fd, drop, sizeof(drop), MSG_DONTWAIT); /* so that close() sends no reset at once */
    (void)close(fd);
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void on_pause_over(uv_timer_t *timer)
{
    struct listener *l = container_of(timer, struct listener, pause);

    if (!uv_is_closing((uv_handle_t *)&l->poll))
        (void)uv_poll_start(&l->poll, UV_READABLE, on_poll);
}

/* No descriptor is left: tell one client with the reserve, then leave the others in the backlog for
 * a moment. */
static void out_of_descriptors(struct listener *l)
{
    static int64_t last_ms;
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    (void)pthread_mutex_lock(&lock);
    bool quiet = log_limited(&last_ms, 1000);
    (void)pthread_mutex_unlock(&lock);
    if (!quiet)
        log_error("out of descriptors; connections are refused: raise the limit of open files "
                  "(LimitNOFILE, ulimit -n) or lower max_connections");
    if (l->reserve >= 0) {
        (void)close(l->reserve);
        int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            refuse(fd, METRIC_REFUSED_DESCRIPTORS);
        l->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    (void)uv_poll_stop(&l->poll);
    (void)uv_timer_start(&l->pause, on_pause_over, PAUSE_MS, 0);
}

static bool admin_is_allowed(int fd)
{
    struct ucred cred;
    socklen_t len = sizeof(cred);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
        return false;
    if (cred.uid == 0 || cred.uid == geteuid())
        return true;
    log_warn("admin socket: refused", LOG_INT("uid", cred.uid));
    return false;
}

static void take(struct listener *l, int fd, const struct sockaddr *addr)
{
    enum metric_refused why = METRIC_REFUSED_FULL;
    struct peer *peer = NULL;
    int one = 1;

    if (l->door == DOOR_ADMIN) {
        if (!admin_is_allowed(fd)) {
            (void)close(fd);
            return;
        }
    } else {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        peer = peer_admit(addr, &l->worker->node->config, &why);
        if (peer == NULL) {
            refuse(fd, why);
            return;
        }
    }
    metric_add(METRIC_CONNECTIONS_ACCEPTED, 1);
    gateway_adopt(l->worker, fd, peer, l->door);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct listener *l = container_of(poll, struct listener, poll);

    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        struct sockaddr_storage addr;
        socklen_t len = sizeof(addr);
        memset(&addr, 0, sizeof(addr));
        int fd = accept4(l->fd, (struct sockaddr *)&addr, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take(l, fd, (struct sockaddr *)&addr);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            out_of_descriptors(l);
        if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

void listener_add(struct worker *worker, int fd, enum door door)
{
    struct listener *l = mem_zalloc(sizeof(*l));

    l->worker = worker;
    l->fd = fd;
    l->door = door;
    l->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)uv_poll_init(&worker->loop, &l->poll, fd);
    (void)uv_timer_init(&worker->loop, &l->pause);
    (void)uv_poll_start(&l->poll, UV_READABLE, on_poll);
    LL_PREPEND(worker->listeners, l);
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(container_of((uv_timer_t *)handle, struct listener, pause));
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct listener *l = container_of((uv_poll_t *)handle, struct listener, poll);

    (void)close(l->fd);
    if (l->reserve >= 0)
        (void)close(l->reserve);
    uv_close((uv_handle_t *)&l->pause, on_timer_closed);
}

void listeners_close(struct worker *worker)
{
    while (worker->listeners != NULL) {
        struct listener *l = worker->listeners;
        worker->listeners = l->next;
        (void)uv_poll_stop(&l->poll);
        uv_close((uv_handle_t *)&l->poll, on_poll_closed);
    }
}

/* -- sockets --------------------------------------------------------------------------------------
 */

static int bind_socket(const struct listen_addr *addr, bool shared)
{
    int one = 1;
    int fd = socket(addr->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (shared)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
    if (addr->addr.ss_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    if (bind(fd, (const struct sockaddr *)&addr->addr, addr->len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int saved = errno;
    (void)close(fd);
    errno = saved;
    return -1;
}

static bool listen_failed(const struct listen_addr *addr, char error_out[256])
{
    const char *hint = "";

    if (errno == EADDRINUSE)
        hint = "; another program listens there: choose another port with --listen";
    else if (errno == EACCES)
        hint = "; ports below 1024 need CAP_NET_BIND_SERVICE";
    else if (errno == EADDRNOTAVAIL)
        hint = "; this machine does not have that address";
    (void)snprintf(error_out, 256, "cannot listen on %s: %s%s", addr->text, strerror(errno), hint);
    return false;
}

bool listen_sockets(struct listen_addr *addr, unsigned workers, int *fds_out, char error_out[256])
{
    /* SO_REUSEPORT would silently share the port with another parleyd: bind without it first. */
    int probe = bind_socket(addr, false);

    if (probe < 0)
        return listen_failed(addr, error_out);
    socklen_t len = sizeof(addr->addr);
    (void)getsockname(probe, (struct sockaddr *)&addr->addr, &len);
    address_format((struct sockaddr *)&addr->addr, addr->text);
    (void)close(probe);
    for (unsigned i = 0; i < workers; i++) {
        fds_out[i] = bind_socket(addr, true);
        if (fds_out[i] >= 0)
            continue;
        (void)listen_failed(addr, error_out);
        while (i-- > 0)
            (void)close(fds_out[i]);
        return false;
    }
    return true;
}

int listen_unix(const char *path, char error_out[256])
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(addr.sun_path)) {
        (void)snprintf(error_out, 256,
                       "the path of the admin socket is longer than %zu bytes: %.120s...; choose a "
                       "shorter data directory",
                       sizeof(addr.sun_path) - 1, path);
        return -1;
    }
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    (void)unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    mode_t old = umask(0177);
    bool bound = fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0;
    (void)umask(old);
    if (bound && listen(fd, BACKLOG) == 0)
        return fd;
    (void)snprintf(error_out, 256, "cannot make the admin socket %.150s: %s", path,
                   strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return -1;
}
