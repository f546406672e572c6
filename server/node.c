#include "server/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "protocol/command.h"
#include "server/bus/bus.h"
#include "server/documents.h"
#include "server/event.h"
#include "server/fanout.h"
#include "server/gateway.h"
#include "server/hooks_out.h"
#include "server/jobs.h"
#include "server/listener.h"
#include "server/metrics.h"
#include "server/outbound.h"
#include "server/outbound_target.h"
#include "server/password.h"
#include "server/presence.h"
#include "server/rates.h"
#include "server/setup_code.h"
#include "server/slash_token.h"
#include "server/socketio.h"
#include "server/socketio_chat.h"
#include "server/static_files.h"
#include "server/store_call.h"
#include "server/throttle.h"
#include "server/version.h"
#include "server/worker.h"

enum { SLASH_TOKENS_MAX = 100000 }; /* response URLs that are in use at once */

/* -- from the store to the workers ------------------------------------------------------------ */

struct mail_list {
    struct mail *first, *last;
};

/* Answers first, events after them: a sender has its answer before the event of its own message.
 * The calls of one worker go as one list, in the order in which they were applied. The lists are
 * made before any of them is in a mailbox: a worker frees its calls as soon as it has them. The
 * workers are woken when the events are there too, so that both leave with one write. */
static void publish(struct node *node, const struct store_commit *commit,
                    struct event *const *events, size_t events_n)
{
    struct mail_list *lists = mem_zalloc(node->workers_n * sizeof(*lists));

    for (size_t i = 0; i < commit->reqs_n; i++) {
        struct store_call *call = container_of(commit->reqs[i], struct store_call, req);
        struct mail_list *list = &lists[call->worker->index];
        if (list->first == NULL)
            list->first = &call->mail;
        else
            list->last->next = &call->mail;
        list->last = &call->mail;
    }
    for (unsigned w = 0; w < node->workers_n; w++)
        if (lists[w].first != NULL)
            mailbox_lay_list(&node->workers[w]->box, lists[w].first, lists[w].last);
    bus_publish(node->bus, events, events_n);
    for (unsigned w = 0; w < node->workers_n; w++)
        if (lists[w].first != NULL)
            mailbox_wake(&node->workers[w]->box);
    free(lists);
}

static bool changes_account(enum store_op op)
{
    return op == STORE_USER_UPDATE || op == STORE_HOOK_UPDATE || op == STORE_HOOK_DELETE;
}

/* Whether somebody's name or role may have changed; the workers know before anybody is told. */
static bool note_accounts(struct node *node, const struct store_commit *commit)
{
    for (size_t i = 0; i < commit->reqs_n; i++) {
        if (!changes_account(commit->reqs[i]->op) || commit->reqs[i]->err != ERR_OK)
            continue;
        atomic_store(&node->accounts_ns, clock_monotonic_ns());
        return true;
    }
    return false;
}

static void on_commit(void *arg, const struct store_commit *commit)
{
    struct node *node = arg;
    struct event **events = mem_alloc((commit->events_n + 1) * sizeof(struct event *));
    size_t n = 0;

    metric_size(METRIC_COMMIT_BATCH, commit->reqs_n);
    metric_time(METRIC_COMMIT_TIME, commit->committed_ns - commit->started_ns);
    metric_add(METRIC_EVENTS_COMMITTED, commit->events_n);
    for (size_t i = 0; i < commit->events_n; i++)
        if (commit->events[i].type != STORE_EVENT_READ_MARKED)
            events[n++] = event_make(&commit->events[i]);
    bool accounts = note_accounts(node, commit);
    hooks_out_committed(node->hooks, commit); /* while the requests are not the workers' yet */
    atomic_store(&node->posting, true);
    publish(node, commit, events, n);
    atomic_store(&node->posting, false);
    if (accounts)
        bus_account(node->bus);
    for (size_t i = 0; i < n; i++)
        event_unref(events[i]);
    free(events);
}

static void on_read(void *arg, struct store_req *req)
{
    struct store_call *call = container_of(req, struct store_call, req);

    (void)arg;
    metric_add(METRIC_STORE_READS, 1);
    metric_time(METRIC_STORE_READ_TIME, clock_monotonic_ns() - req->submitted_ns);
    if (call->worker == NULL)
        call->done(call); /* asked at start, before there are workers */
    else
        mailbox_post(&call->worker->box, &call->mail);
}

/* -- start ------------------------------------------------------------------------------------ */

struct first_look {
    struct store_call call;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
};

static void looked(struct store_call *call)
{
    struct first_look *look = container_of(call, struct first_look, call);

    (void)pthread_mutex_lock(&look->lock);
    look->is_done = true;
    (void)pthread_cond_signal(&look->done);
    (void)pthread_mutex_unlock(&look->lock);
}

/* Is there an account yet? */
static bool has_accounts(struct node *node)
{
    struct first_look look = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

    look.call.done = looked;
    look.call.req.op = STORE_USER_LIST;
    look.call.req.arena = arena_create();
    look.call.req.actor.system = true;
    look.call.req.in.page.limit = 1;
    store_submit(node->store, &look.call.req);
    (void)pthread_mutex_lock(&look.lock);
    while (!look.is_done)
        (void)pthread_cond_wait(&look.done, &look.lock);
    (void)pthread_mutex_unlock(&look.lock);
    bool any = look.call.req.err != ERR_OK || look.call.req.out.n > 0;
    arena_destroy(&look.call.req.arena);
    return any;
}

static bool make_data_dir(const char *path, char error_out[512])
{
    struct stat st;

    if (mkdir(path, 0700) == 0)
        return true;
    if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return true;
    (void)snprintf(error_out, 512,
                   "cannot make the data directory %s: %s; make it yourself or choose another with "
                   "--data",
                   path, errno == EEXIST ? "there is a file of that name" : strerror(errno));
    return false;
}

static bool open_store(struct node *node, char error_out[512])
{
    struct buf url = {0};
    struct store_options options = {
        .readers = node->config.storage_readers,
        .batch_max = node->config.commit_batch,
        .on_commit = on_commit,
        .on_read = on_read,
        .arg = node,
    };

    if (node->config.store[0] != '\0')
        buf_puts(&url, node->config.store);
    else
        buf_printf(&url, "sqlite:%s/parley.db", node->config.data);
    options.url = url.data;
    enum err err = store_open(&options, &node->store, error_out);
    buf_free(&url);
    return err == ERR_OK;
}

/* The first account of a server that strangers can reach needs a code: the configured one, or a new
 * one that is printed. */
static void make_setup_code(struct node *node)
{
    bool public = false;

    node->setup_code = "";
    for (size_t i = 0; i < node->config.listen.n; i++)
    public = public || !listen_addr_is_loopback(&node->config.listen.items[i]);
    atomic_store(&node->has_accounts, has_accounts(node));
    if (!public || atomic_load(&node->has_accounts))
        return;
    setup_code_make(node->made_code);
    node->setup_code =
        node->config.setup_code[0] != '\0' ? node->config.setup_code : node->made_code;
}

/* As many descriptors as the system gives us; running out of them is handled in listener.c. */
static void raise_limits(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static bool open_bus(struct node *node, char error_out[512])
{
    struct bus_options options = {
        .url = node->config.bus,
        .prefix = node->config.bus_prefix,
        .node = node->id,
        .name = node->name,
        .version = PARLEY_VERSION,
        .started_ms = node->started_ms,
        .cache = node->config.cache,
        .sink = fanout_sink(node),
    };

    node->bus = bus_create(&options, error_out);
    return node->bus != NULL;
}

/* Requests to the targets of webhooks and slash commands. */
static bool open_outbound(struct node *node, char error_out[512])
{
    const struct config *config = &node->config;
    struct outbound_options options = {
        .allow = config->outbound_allow.items,
        .allow_n = config->outbound_allow.n,
        .ca_file = config->outbound_ca,
        .places = config->outbound_requests,
        .places_per_host = config->outbound_requests_per_host,
    };

    if (config->public_url[0] != '\0' && outbound_url_problem(config->public_url) != NULL) {
        (void)snprintf(error_out, 512, "public_url %s", outbound_url_problem(config->public_url));
        return false;
    }
    if (config->outbound_ca[0] != '\0' && access(config->outbound_ca, R_OK) != 0) {
        (void)snprintf(error_out, 512, "cannot read outbound_ca, the file %s: %s",
                       config->outbound_ca, strerror(errno));
        return false;
    }
    node->outbound = outbound_create(&options);
    return true;
}

/* The time-outs of a standard server, in proportion. */
static void set_engineio(struct node *node)
{
    static const struct eio_service *const services[] = {&socketio_service, NULL};
    static const struct sio_app *const apps[] = {&chat_app, NULL};
    const struct config *config = &node->config;

    node->sio_apps = apps;
    node->eio = (struct eio_settings){
        .services = services,
        .ping_interval_ms = config->heartbeat_ms,
        .ping_timeout_ms = config->heartbeat_ms / 5 * 4,
        .connect_timeout_ms = config->session_start_timeout_ms,
        .max_payload = config->frame_bytes,
    };
}

struct node *node_create(const struct config *config, char error_out[512])
{
    struct node *node = mem_zalloc(sizeof(*node));

    node->config = *config; /* the strings stay the caller's */
    node->started_ms = clock_unix_ms();
    node->started_ns = clock_monotonic_ns();
    id_make(node->id);
    node->name = config->node_name[0] != '\0' ? config->node_name : node->id;
    set_engineio(node);
    raise_limits();
    node->workers_n =
        config->workers > 0 ? config->workers : (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    if (node->workers_n > METRIC_WORKER_LABELS)
        node->workers_n = METRIC_WORKER_LABELS;
    node->workers = mem_zalloc(node->workers_n * sizeof(struct worker *));
    node->rates = rates_create(RATES_MAX);
    node->hook_rates = rates_create(RATES_MAX);
    node->address_rates = rates_create(RATES_MAX);
    node->throttle = throttle_create(&(struct throttle_options){
        .registrations = config->registrations_per_address,
        .guesses = config->guesses_per_address,
    });
    node->presence = presence_create(PRESENCE_GRACE_MS);
    node->passwords = password_pool_create(&(struct password_options){
        .threads = config->password_threads,
        .memory_kib = config->password_memory_kib,
        .passes = config->password_passes,
    });
    node->hooks = hooks_out_create(node);
    node->slash_uses = slash_uses_create(SLASH_TOKENS_MAX);
    if (static_files_load(config->web_root, &node->files, error_out) != ERR_OK ||
        !make_data_dir(config->data, error_out) || !open_outbound(node, error_out) ||
        !open_bus(node, error_out) || !open_store(node, error_out)) {
        node_destroy(&node);
        return NULL;
    }
    documents_add(node->files);
    node->jobs = jobs_create(node->store);
    make_setup_code(node);
    return node;
}

static bool start_listener(struct node *node, struct listen_addr *addr, char error_out[512])
{
    int *fds = mem_alloc(node->workers_n * sizeof(int));
    bool ok = listen_sockets(addr, node->workers_n, fds, error_out);

    for (unsigned i = 0; ok && i < node->workers_n; i++)
        listener_add(node->workers[i], fds[i], DOOR_PUBLIC);
    free(fds);
    if (!ok)
        return false;
    (void)printf("listening on %s://%s\n", node->config.tls_cert[0] != '\0' ? "https" : "http",
                 addr->text);
    return true;
}

/* Once the listeners are there: a port may have been free to choose. */
static void set_public_url(struct node *node)
{
    const struct config *config = &node->config;
    struct buf url = {0};

    if (config->public_url[0] != '\0')
        buf_puts(&url, config->public_url);
    else
        buf_printf(&url, "%s://%s", config->tls_cert[0] != '\0' ? "https" : "http",
                   config->listen.items[0].text);
    node->public_url = buf_detach(&url);
    for (size_t n = strlen(node->public_url); n > 0 && node->public_url[n - 1] == '/'; n--)
        node->public_url[n - 1] = '\0';
}

static bool start_admin(struct node *node, char error_out[512])
{
    struct buf path = {0};

    buf_printf(&path, "%s/admin.sock", node->config.data);
    int fd = listen_unix(path.data, error_out);
    buf_free(&path);
    if (fd < 0)
        return false;
    listener_add(node->workers[0], fd, DOOR_ADMIN);
    return true;
}

static bool start_metrics(struct node *node, char error_out[512])
{
    struct listen_addr *addr = &node->config.metrics_listen;
    int fd;

    if (addr->len == 0)
        return true;
    if (!listen_sockets(addr, 1, &fd, error_out))
        return false;
    listener_add(node->workers[0], fd, DOOR_METRICS);
    (void)printf("metrics on http://%s/metrics\n", addr->text);
    return true;
}

bool node_start(struct node *node, char error_out[512])
{
    for (unsigned i = 0; i < node->workers_n; i++) {
        node->workers[i] = worker_create(node, i, error_out);
        if (node->workers[i] == NULL)
            return false;
    }
    if (!start_admin(node, error_out) || !start_metrics(node, error_out))
        return false;
    for (size_t i = 0; i < node->config.listen.n; i++)
        if (!start_listener(node, &node->config.listen.items[i], error_out))
            return false;
    set_public_url(node);
    if (node->setup_code == node->made_code)
        (void)printf("set-up code for the first account: %s\n", node->setup_code);
    (void)fflush(stdout);
    bus_start(node->bus);
    hooks_out_start(node->hooks);
    for (unsigned i = 0; i < node->workers_n; i++)
        worker_start(node->workers[i]);
    return true;
}

bool node_drain(struct node *node)
{
    bool clean = true;

    atomic_store(&node->draining, true);
    bus_set_draining(node->bus);
    hooks_out_drain(node->hooks);
    for (unsigned i = 0; i < node->workers_n; i++)
        worker_drain(node->workers[i]);
    for (unsigned i = 0; i < node->workers_n; i++) {
        worker_join(node->workers[i]);
        clean = clean && node->workers[i]->calls == 0;
    }
    return clean;
}

static void remove_admin(struct node *node)
{
    struct buf path = {0};

    buf_printf(&path, "%s/admin.sock", node->config.data);
    (void)unlink(path.data);
    buf_free(&path);
}

/* Workers write to each other: while there is a letter left, its receiver must be there. */
static void deliver_last_mail(struct node *node)
{
    bool any = true;

    while (any) {
        any = false;
        for (unsigned i = 0; i < node->workers_n; i++)
            any = (node->workers[i] != NULL && mailbox_run(&node->workers[i]->box)) || any;
    }
}

void node_destroy(struct node **node)
{
    struct node *n = *node;

    if (n == NULL)
        return;
    *node = NULL;
    if (n->store != NULL) /* ours is the data directory, and so the socket in it */
        remove_admin(n);
    jobs_destroy(&n->jobs);
    password_pool_destroy(&n->passwords);
    outbound_destroy(&n->outbound);
    store_close(&n->store);
    if (n->bus != NULL)
        bus_stop(n->bus);
    deliver_last_mail(n);
    hooks_out_destroy(&n->hooks);
    for (unsigned i = 0; i < n->workers_n; i++)
        worker_destroy(&n->workers[i]);
    free(n->workers);
    bus_destroy(&n->bus);
    slash_uses_destroy(&n->slash_uses);
    free(n->public_url);
    static_files_destroy(&n->files);
    presence_destroy(&n->presence);
    throttle_destroy(&n->throttle);
    rates_destroy(&n->rates);
    rates_destroy(&n->hook_rates);
    rates_destroy(&n->address_rates);
    free(n);
}

uint64_t node_next_mark(struct node *node)
{
    return atomic_fetch_add_explicit(&node->marks, 1, memory_order_relaxed) + 1;
}
