/* store_nodes.c - how fast several nodes write into one channel of one database, and read it.
 *
 * Each node is a process with a store of its own, as a parleyd has one; no WebSockets, no bus. A
 * node sends as many messages a second as it is told, or keeps some in flight; when it is told to
 * read, it opens the channel (its newest fifty) so often a second instead.
 *
 * usage: store_nodes URL NODES send IN_FLIGHT SECONDS [RATE]     RATE: of each node; none: as fast
 *        store_nodes URL NODES read IN_FLIGHT SECONDS RATE              as it goes
 * The channel and its people are made in the database of URL when it has none; sent messages stay.
 * Prints a JSON object with the rate of all and, of each node, what its senders waited. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/mem.h"
#include "storage/store.h"
#include "tests/bench/lib/hist.h"
#include "tests/bench/lib/ns.h"

enum { NODES_MAX = 16, USERS = 100, HISTORY = 50, WARM_UP_S = 2 };

static const char text[] = "and so the talk goes on, in ordinary words of ordinary length, until a"
                           " hundred bytes are full";

struct figures {
    struct hist waits;
    uint64_t done, failed;
    double seconds;
};

/* What the processes share. */
static struct shared {
    char users[NODES_MAX][USERS][ID_SIZE];
    char channel[ID_SIZE];
    struct figures nodes[NODES_MAX];
} * shared;

static struct {
    const char *url;
    unsigned nodes, in_flight, seconds;
    bool reads;
    double rate;
} options;

struct slot {
    struct store_req req;
    char client_msg_id[ID_SIZE];
    uint64_t due_ns;
    struct slot *next;
};

static struct {
    unsigned number;
    struct store *store;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct slot *free;
    unsigned next_user;
    uint64_t from_ns; /* what began before is not counted */
    bool ending;
} node;

static void fail(const char *what)
{
    fprintf(stderr, "store_nodes: %s\n", what);
    _exit(EXIT_FAILURE);
}

/* -- requests ---------------------------------------------------------------------------------- */

static void submit(struct slot *slot, uint64_t due_ns)
{
    const char *user = shared->users[node.number][node.next_user++ % USERS];

    arena_destroy(&slot->req.arena);
    slot->req = (struct store_req){.op = options.reads ? STORE_HISTORY : STORE_MESSAGE_SEND,
                                   .arena = arena_create(),
                                   .actor.user = user,
                                   .owner = slot};
    slot->due_ns = due_ns;
    if (options.reads) {
        slot->req.in.history.channel = shared->channel;
        slot->req.in.history.from = STORE_NEWEST;
        slot->req.in.history.limit = HISTORY;
    } else {
        id_make(slot->client_msg_id);
        slot->req.in.send.channel = shared->channel;
        slot->req.in.send.text = text;
        slot->req.in.send.client_msg_id = slot->client_msg_id;
    }
    store_submit(node.store, &slot->req);
}

/* Under the lock, of which several storage threads may want to have it. */
static void account_for(struct slot *slot, uint64_t now)
{
    struct figures *f = &shared->nodes[node.number];

    if (slot->due_ns < node.from_ns || node.ending)
        return;
    if (slot->req.err != ERR_OK) {
        f->failed++;
        return;
    }
    f->done++;
    hist_record(&f->waits, now - slot->due_ns);
}

static void finish(struct store_req *req)
{
    struct slot *slot = req->owner;

    if (slot == NULL) { /* of the one who makes the channel */
        (void)pthread_mutex_lock(&node.lock);
        node.ending = true;
        (void)pthread_cond_signal(&node.wake);
        (void)pthread_mutex_unlock(&node.lock);
        return;
    }
    uint64_t now = clock_monotonic_ns();
    (void)pthread_mutex_lock(&node.lock);
    account_for(slot, now);
    bool again = options.rate <= 0 && !node.ending;
    if (!again) {
        slot->next = node.free;
        node.free = slot;
    }
    (void)pthread_mutex_unlock(&node.lock);
    if (again)
        submit(slot, now);
}

static void on_commit(void *arg, const struct store_commit *commit)
{
    (void)arg;
    for (size_t i = 0; i < commit->reqs_n; i++)
        finish(commit->reqs[i]);
}

static void on_read(void *arg, struct store_req *req)
{
    (void)arg;
    finish(req);
}

static void open_store(void)
{
    char error[512];
    struct store_options store = {.url = options.url, .on_commit = on_commit, .on_read = on_read};

    (void)pthread_mutex_init(&node.lock, NULL);
    (void)pthread_cond_init(&node.wake, NULL);
    if (store_open(&store, &node.store, error) != ERR_OK)
        fail(error);
}

/* -- the channel ------------------------------------------------------------------------------- */

static void run(struct store_req *req)
{
    node.ending = false;
    store_submit(node.store, req);
    (void)pthread_mutex_lock(&node.lock);
    while (!node.ending)
        (void)pthread_cond_wait(&node.wake, &node.lock);
    (void)pthread_mutex_unlock(&node.lock);
}

static void make_user(char id_out[ID_SIZE], unsigned n)
{
    char name[24];
    char ref[25];
    struct store_req made = {
        .op = STORE_USER_CREATE, .arena = arena_create(), .actor.system = true};
    struct store_req found = {.op = STORE_USER_GET, .arena = arena_create(), .actor.system = true};

    (void)snprintf(name, sizeof(name), "writer-%u", n);
    (void)snprintf(ref, sizeof(ref), "@%s", name);
    found.in.user.user = ref;
    made.in.user_new.name = name;
    made.in.user_new.display_name = name;
    made.in.user_new.password_hash = "none";
    run(&found);
    if (found.err != ERR_OK)
        run(&made);
    if (found.err != ERR_OK && made.err != ERR_OK)
        fail("cannot make an account");
    (void)snprintf(id_out, ID_SIZE, "%s",
                   found.err == ERR_OK ? found.out.user.id : made.out.user.id);
    arena_destroy(&made.arena);
    arena_destroy(&found.arena);
}

static void join(const char *user, const char *channel)
{
    struct store_req req = {.op = STORE_CHANNEL_JOIN, .arena = arena_create(), .actor.user = user};

    req.in.channel.channel = channel;
    run(&req);
    if (req.err != ERR_OK)
        fail("cannot join the channel");
    arena_destroy(&req.arena);
}

static void make_channel(void)
{
    struct store_req made = {.op = STORE_CHANNEL_CREATE, .arena = arena_create()};
    struct store_req found = {.op = STORE_CHANNEL_GET, .arena = arena_create()};

    open_store();
    for (unsigned i = 0; i < options.nodes; i++)
        for (unsigned k = 0; k < USERS; k++)
            make_user(shared->users[i][k], i * USERS + k);
    found.actor.user = made.actor.user = shared->users[0][0];
    found.in.channel.channel = "#busy";
    made.in.channel_new.name = "busy";
    run(&found);
    if (found.err != ERR_OK)
        run(&made);
    if (found.err != ERR_OK && made.err != ERR_OK)
        fail("cannot make the channel");
    (void)snprintf(shared->channel, ID_SIZE, "%s",
                   found.err == ERR_OK ? found.out.channel.id : made.out.channel.id);
    for (unsigned i = 0; i < options.nodes; i++)
        for (unsigned k = 0; k < USERS; k++)
            join(shared->users[i][k], shared->channel);
    store_close(&node.store);
}

/* -- a node ------------------------------------------------------------------------------------ */

static struct slot *take_slot(void)
{
    (void)pthread_mutex_lock(&node.lock);
    struct slot *slot = node.free;
    if (slot != NULL)
        node.free = slot->next;
    (void)pthread_mutex_unlock(&node.lock);
    return slot;
}

/* What is due and finds no slot counts as failed: the node is too slow. */
static void pace(uint64_t until_ns)
{
    uint64_t interval = ns_from_seconds(1 / options.rate);
    uint64_t due = clock_monotonic_ns();

    while (due < until_ns) {
        struct timespec at = {.tv_sec = (time_t)(due / NS_PER_SECOND),
                              .tv_nsec = (long)(due % NS_PER_SECOND)};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0) {
        }
        struct slot *slot = take_slot();
        if (slot != NULL)
            submit(slot, due);
        else
            shared->nodes[node.number].failed++;
        due += interval;
    }
}

static void work(unsigned number)
{
    struct slot *slots = mem_zalloc(options.in_flight * sizeof(*slots));
    struct timespec whole = {.tv_sec = WARM_UP_S + options.seconds};

    node.number = number;
    node.ending = false;
    open_store();
    uint64_t start = clock_monotonic_ns();
    node.from_ns = start + ns_from_seconds(WARM_UP_S);
    for (unsigned i = 0; i < options.in_flight; i++) {
        if (options.rate <= 0) {
            submit(&slots[i], start);
            continue;
        }
        slots[i].next = node.free;
        node.free = &slots[i];
    }
    if (options.rate > 0)
        pace(start + ns_from_seconds(WARM_UP_S + options.seconds));
    else
        (void)nanosleep(&whole, NULL);
    (void)pthread_mutex_lock(&node.lock);
    node.ending = true;
    shared->nodes[number].seconds = ns_to_seconds(clock_monotonic_ns() - node.from_ns);
    (void)pthread_mutex_unlock(&node.lock);
    store_close(&node.store);
    for (unsigned i = 0; i < options.in_flight; i++)
        arena_destroy(&slots[i].req.arena);
    free(slots);
}

/* -- all of them ------------------------------------------------------------------------------- */

static pid_t start(unsigned number, bool makes_channel)
{
    pid_t pid = fork();

    if (pid < 0)
        fail("cannot start a process");
    if (pid > 0)
        return pid;
    if (makes_channel)
        make_channel();
    else
        work(number);
    _exit(EXIT_SUCCESS);
}

static void await(pid_t pid)
{
    int status;

    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail("a process has failed");
}

static void print(void)
{
    double rate = 0;

    for (unsigned i = 0; i < options.nodes; i++)
        rate += (double)shared->nodes[i].done / shared->nodes[i].seconds;
    printf("{\"per_s\":%.1f,\"nodes\":[", rate);
    for (unsigned i = 0; i < options.nodes; i++) {
        printf("%s\n {\"failed\":%llu,\"wait_ms\":", i > 0 ? "," : "",
               (unsigned long long)shared->nodes[i].failed);
        hist_print_json(&shared->nodes[i].waits, stdout);
        printf("}");
    }
    printf("]}\n");
}

int main(int argc, char **argv)
{
    pid_t pids[NODES_MAX];

    if (argc >= 6) {
        options.url = argv[1];
        options.nodes = (unsigned)strtoul(argv[2], NULL, 10);
        options.reads = strcmp(argv[3], "read") == 0;
        options.in_flight = (unsigned)strtoul(argv[4], NULL, 10);
        options.seconds = (unsigned)strtoul(argv[5], NULL, 10);
        options.rate = argc > 6 ? strtod(argv[6], NULL) : 0;
    }
    if (options.nodes == 0 || options.nodes > NODES_MAX || options.in_flight == 0 ||
        options.seconds == 0) {
        fprintf(stderr, "usage: store_nodes URL NODES send|read IN_FLIGHT SECONDS [RATE]\n");
        return 2;
    }
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        fail("no memory");
    await(start(0, true));
    for (unsigned i = 0; i < options.nodes; i++)
        pids[i] = start(i, false);
    for (unsigned i = 0; i < options.nodes; i++)
        await(pids[i]);
    print();
    return EXIT_SUCCESS;
}
