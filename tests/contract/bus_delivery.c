/* What every bus has to do: what is published at one node reaches the members at that node and at
 * every other, in the order of each stream. For the bus of one process both are the same node. */
#include "tests/unit/testing.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/macros.h"
#include "server/bus/bus.h"
#include "server/bus/envelope.h"
#include "server/event.h"
#include "server/frame.h"
#include "server/metrics.h"
#include "tests/contract/redis_server.h"

enum { LOG_SIZE = 262144, PATIENCE_S = 10 };

/* A node: what its workers would have got, a line each. */
struct node {
    struct bus *bus;
    char id[ID_SIZE];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char log[LOG_SIZE];
};

struct world {
    const char *scheme;
    struct redis_server redis;
    struct node near, far; /* FAR is NEAR where a bus ends at its process */
};

static struct world *at(void **state)
{
    return *state;
}

static struct node *far_of(struct world *world)
{
    return strcmp(world->scheme, "local") == 0 ? &world->near : &world->far;
}

/* -- the workers of a node -------------------------------------------------------------------- */

static void note(void *arg, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(void *arg, const char *format, ...)
{
    struct node *node = arg;
    va_list args;

    (void)pthread_mutex_lock(&node->lock);
    size_t n = strlen(node->log);
    va_start(args, format);
    (void)vsnprintf(node->log + n, sizeof(node->log) - n, format, args);
    va_end(args);
    (void)pthread_cond_broadcast(&node->changed);
    (void)pthread_mutex_unlock(&node->lock);
}

static void on_events(void *arg, uint64_t workers, struct event *const *events, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t len;
        const char *json = frame_payload(events[i]->frame, &len);
        note(arg, "%s%s %llu %d %s %llu %.*s\n", workers == BUS_ALL_WORKERS ? "" : "from afar ",
             events[i]->stream, (unsigned long long)events[i]->seq, (int)events[i]->type,
             events[i]->subject, (unsigned long long)events[i]->subject_seq, (int)len, json);
    }
}

static void on_ephemeral(void *arg, const char *const *streams, size_t n, struct frame *frame,
                         const char *except)
{
    size_t len;
    const char *json = frame_payload(frame, &len);

    note(arg, "ephemeral %u to %zu %s..%s but %s: %.*s\n", frame->ephemeral, n, streams[0],
         streams[n - 1], except == NULL ? "nobody" : except, (int)len, json);
}

static void on_revoke(void *arg, const char *user, const char *session, const char *except)
{
    note(arg, "revoke %s %s %s\n", user == NULL ? "-" : user, session == NULL ? "-" : session,
         except == NULL ? "-" : except);
}

static void on_role(void *arg, const char *user, enum store_role role)
{
    note(arg, "role %s %s\n", user, store_role_name(role));
}

static void on_listening(void *arg, unsigned worker, const char *const *streams, size_t n)
{
    for (size_t i = 0; i < n; i++)
        note(arg, "listening %u %s\n", worker, streams[i]);
}

static void on_check(void *arg)
{
    note(arg, "check\n");
}

static void on_presence(void *arg, const char *node, const char *user, char said)
{
    note(arg, "presence %.4s %s %c\n", node + 22, user, said);
}

static void on_presence_all(void *arg, const char *node, bool end)
{
    note(arg, "presence %.4s %s\n", node + 22, end ? "end" : "begin");
}

static void on_node_gone(void *arg, const char *node, bool clean, bool first)
{
    note(arg, "gone %.4s%s%s\n", node + 22, clean ? " clean" : "", first ? " first" : "");
}

static void on_login(void *arg, const char *key, bool good)
{
    note(arg, "login %s %s\n", key, good ? "good" : "failed");
}

static void on_account(void *arg)
{
    note(arg, "account\n");
}

static void on_drain(void *arg)
{
    note(arg, "drain\n");
}

static void forget(struct node *node)
{
    (void)pthread_mutex_lock(&node->lock);
    node->log[0] = '\0';
    (void)pthread_mutex_unlock(&node->lock);
}

/* Waits until the log has TEXT. */
static bool hears(struct node *node, const char *text)
{
    struct timespec until;
    bool found;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    (void)pthread_mutex_lock(&node->lock);
    while (!(found = strstr(node->log, text) != NULL) &&
           pthread_cond_timedwait(&node->changed, &node->lock, &until) != ETIMEDOUT)
        continue;
    if (!found)
        print_message("not heard: %s\nbut:\n%s\n", text, node->log);
    (void)pthread_mutex_unlock(&node->lock);
    return found;
}

static size_t count(struct node *node, const char *text)
{
    size_t n = 0;

    (void)pthread_mutex_lock(&node->lock);
    for (const char *p = node->log; (p = strstr(p, text)) != NULL; p += strlen(text))
        n++;
    (void)pthread_mutex_unlock(&node->lock);
    return n;
}

static bool waits_for_metric(enum metric metric, size_t label, uint64_t value)
{
    for (int i = 0; i < PATIENCE_S * 1000; i++) {
        if (metric_read(metric, label) >= value)
            return true;
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return false;
}

/* -- nodes ------------------------------------------------------------------------------------ */

static void open_node(struct world *world, struct node *node, const char *name)
{
    char error[512] = "";
    struct bus_options options = {
        .url = strcmp(world->scheme, "local") == 0 ? "local" : world->redis.uri,
        .prefix = "test",
        .node = node->id,
        .name = name,
        .version = "1",
        .sink = {.arg = node,
                 .events = on_events,
                 .ephemeral = on_ephemeral,
                 .revoke = on_revoke,
                 .role = on_role,
                 .listening = on_listening,
                 .check = on_check,
                 .presence = on_presence,
                 .presence_all = on_presence_all,
                 .node_gone = on_node_gone,
                 .attempt = on_login,
                 .account = on_account,
                 .drain = on_drain},
    };

    id_make(node->id);
    (void)pthread_mutex_init(&node->lock, NULL);
    (void)pthread_cond_init(&node->changed, NULL);
    node->log[0] = '\0';
    node->bus = bus_create(&options, error);
    assert_string_equal(error, "");
    assert_non_null(node->bus);
    bus_start(node->bus);
    if (bus_is_shared(node->bus))
        assert_true(hears(node, "check\n"));
}

static void close_node(struct node *node)
{
    if (node->bus == NULL)
        return;
    bus_stop(node->bus);
    bus_destroy(&node->bus);
    (void)pthread_mutex_destroy(&node->lock);
    (void)pthread_cond_destroy(&node->changed);
}

static void knows_another(struct node *node)
{
    struct bus_node nodes[2];

    while (bus_nodes(node->bus, nodes, 2) != 1)
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static int open_world(void **state, const char *scheme)
{
    struct world *world = calloc(1, sizeof(*world));

    world->scheme = scheme;
    *state = world;
    if (strcmp(scheme, "redis") == 0)
        redis_server_start(&world->redis, NULL);
    open_node(world, &world->near, "near");
    if (strcmp(scheme, "redis") == 0) {
        open_node(world, &world->far, "far");
        knows_another(&world->near);
        knows_another(&world->far);
    }
    return 0;
}

static int open_local(void **state)
{
    return open_world(state, "local");
}

static int open_redis(void **state)
{
    return open_world(state, "redis");
}

static int close_world(void **state)
{
    struct world *world = *state;

    close_node(&world->near);
    close_node(&world->far);
    if (world->redis.pid != 0)
        redis_server_end(&world->redis);
    free(world);
    return 0;
}

static void listen_for(struct node *node, unsigned worker, const char *stream)
{
    char line[64];

    if (bus_listen(node->bus, worker, &stream, 1))
        return;
    (void)snprintf(line, sizeof(line), "listening %u %s\n", worker, stream);
    assert_true(hears(node, line));
}

static struct event *make(const char *stream, uint64_t seq, const char *data)
{
    return event_make(&(struct store_event){.stream = stream,
                                            .epoch = "0123456789abcdef",
                                            .seq = seq,
                                            .type = STORE_EVENT_MESSAGE_CREATED,
                                            .actor = "ann",
                                            .data = data,
                                            .data_len = strlen(data)});
}

static void publish(struct node *node, const char *stream, uint64_t seq, const char *data)
{
    struct event *event = make(stream, seq, data);

    bus_publish(node->bus, &event, 1);
    event_unref(event);
}

/* -- the contract ----------------------------------------------------------------------------- */

static void an_event_reaches_the_members_at_every_node(void **state)
{
    struct world *w = at(state);

    listen_for(&w->near, 0, "c:one");
    listen_for(far_of(w), 1, "c:one");
    publish(&w->near, "c:one", 1, "\"n\":1");
    assert_true(hears(&w->near, "c:one 1 0  0 {"));
    assert_true(
        hears(far_of(w), "c:one 1 0  0 {\"jsonrpc\":\"2.0\",\"method\":\"message.created\""));
}

static void what_the_hub_needs_beside_the_text_comes_along(void **state)
{
    struct world *w = at(state);
    struct event *event = event_make(&(struct store_event){.stream = "u:bob",
                                                           .epoch = "0123456789abcdef",
                                                           .seq = 9,
                                                           .type = STORE_EVENT_CHANNEL_JOINED,
                                                           .actor = "bob",
                                                           .data = "\"a\":1",
                                                           .data_len = 5,
                                                           .subject = "general",
                                                           .subject_seq = 77});

    listen_for(far_of(w), 0, "u:bob");
    bus_publish(w->near.bus, &event, 1);
    event_unref(event);
    assert_true(hears(far_of(w), "u:bob 9 10 general 77 {"));
}

static void events_of_a_stream_keep_their_order(void **state)
{
    enum { EVENTS = 500 };
    struct world *w = at(state);
    struct event *events[EVENTS];
    char line[64];

    listen_for(far_of(w), 0, "c:busy");
    for (uint64_t i = 0; i < EVENTS; i++)
        events[i] = make("c:busy", i + 1, "\"n\":1");
    bus_publish(w->near.bus, events, EVENTS / 2);
    for (size_t i = EVENTS / 2; i < EVENTS; i++)
        bus_publish(w->near.bus, &events[i], 1);
    (void)snprintf(line, sizeof(line), "c:busy %d ", (int)EVENTS);
    assert_true(hears(far_of(w), line));
    const char *from = far_of(w)->log;
    for (size_t i = 0; i < EVENTS; i++) {
        (void)snprintf(line, sizeof(line), "c:busy %zu ", i + 1);
        from = strstr(from, line);
        assert_non_null(from);
        event_unref(events[i]);
    }
    assert_int_equal(count(far_of(w), "c:busy "), EVENTS);
}

static void ephemeral_news_reach_members_once(void **state)
{
    struct world *w = at(state);
    const char *streams[] = {"u:ann", "c:one", "c:two"};
    struct frame *frame = frame_text("{\"typing\":1}", 12);

    frame->ephemeral = 1;
    listen_for(far_of(w), 0, "c:one");
    listen_for(far_of(w), 0, "c:two");
    bus_publish_ephemeral(w->near.bus, &streams[1], 1, frame, "ann");
    assert_true(hears(far_of(w), "ephemeral 1 to 1 c:one..c:one but ann: {\"typing\":1}\n"));
    bus_publish_ephemeral(w->near.bus, streams, 3, frame, NULL);
    assert_true(hears(far_of(w), "ephemeral 1 to 3 u:ann..c:two but nobody: {\"typing\":1}\n"));
    assert_int_equal(count(far_of(w), "ephemeral"), 2);
    frame_unref(frame);
}

static void sessions_end_and_roles_change_everywhere(void **state)
{
    struct world *w = at(state);

    bus_revoke(w->near.bus, "ann", NULL, "s1");
    bus_revoke(w->near.bus, NULL, "s2", NULL);
    bus_role(w->near.bus, "bob", STORE_ROLE_ADMIN);
    assert_true(hears(&w->near, "revoke ann - s1\nrevoke - s2 -\nrole bob admin\n"));
    assert_true(hears(far_of(w), "revoke ann - s1\nrevoke - s2 -\nrole bob admin\n"));
}

static void it_says_whether_it_is_ready(void **state)
{
    char reason[256] = "";

    assert_true(bus_is_ready(at(state)->near.bus, reason));
    assert_string_equal(reason, "");
}

/* -- Redis alone ------------------------------------------------------------------------------ */

static void a_stream_without_members_here_does_not_come_here(void **state)
{
    struct world *w = at(state);

    listen_for(&w->far, 0, "c:mine");
    publish(&w->near, "c:other", 1, "\"n\":1");
    publish(&w->near, "c:mine", 1, "\"n\":1");
    assert_true(hears(&w->far, "c:mine 1 "));
    assert_int_equal(count(&w->far, "c:other 1"), 0);
}

static void its_own_events_do_not_come_back(void **state)
{
    struct world *w = at(state);

    listen_for(&w->near, 0, "c:one");
    listen_for(&w->far, 0, "c:one");
    publish(&w->near, "c:one", 1, "\"n\":1");
    publish(&w->far, "c:one", 2, "\"n\":1");
    assert_true(hears(&w->near, "from afar c:one 2 "));
    assert_int_equal(count(&w->near, "c:one 1 "), 1);
}

static void a_second_worker_is_told_at_once_and_counted(void **state)
{
    struct world *w = at(state);

    listen_for(&w->far, 0, "c:one");
    listen_for(&w->far, 1, "c:one");
    bus_unlisten(w->far.bus, 0, "c:one");
    publish(&w->near, "c:one", 1, "\"n\":1");
    assert_true(hears(&w->far, "from afar c:one 1 "));
}

static void what_a_node_says_of_its_users_is_heard_and_kept(void **state)
{
    struct world *w = at(state);
    struct node third = {0};
    const char *near = w->near.id + 22;
    char line[128];

    bus_presence(w->near.bus, "ann\0bob\0eve", 12, "oA-");
    (void)snprintf(line, sizeof(line),
                   "presence %.4s ann o\npresence %.4s bob A\npresence %.4s eve -\n", near, near,
                   near);
    assert_true(hears(&w->far, line));
    open_node(w, &third, "third");
    (void)snprintf(line, sizeof(line), "presence %.4s bob a\n", near);
    assert_true(hears(&third, line));
    (void)snprintf(line, sizeof(line), "presence %.4s ann o\n", near);
    assert_true(hears(&third, line));
    (void)snprintf(line, sizeof(line), "presence %.4s end\n", near);
    assert_true(hears(&third, line));
    redis_server_kill(&w->redis); /* comes back empty */
    forget(&w->near);
    forget(&w->far);
    forget(&third);
    redis_server_start(&w->redis, NULL);
    (void)snprintf(line, sizeof(line), "presence %.4s bob a\n", near);
    assert_true(hears(&third, line));
    assert_true(hears(&w->near, "check\n")); /* all listen again */
    assert_true(hears(&w->far, "check\n"));
    assert_true(hears(&third, "check\n"));
    bus_presence(w->near.bus, "bob", 4, "-");
    (void)snprintf(line, sizeof(line), "presence %.4s bob -\n", near);
    assert_true(hears(&third, line));
    (void)snprintf(line, sizeof(line), "gone %.4s clean first\n", third.id + 22);
    close_node(&third);
    assert_true(hears(&w->far, line)); /* "far" comes before "near" */
    (void)snprintf(line, sizeof(line), "gone %.4s clean\n", third.id + 22);
    assert_true(hears(&w->near, line));
}

static void failed_logins_are_counted_everywhere(void **state)
{
    struct world *w = at(state);
    const char *keys[] = {"n:ann", "a:192.0.2.1"};

    bus_attempt(w->near.bus, keys, 2, false);
    bus_attempt(w->near.bus, keys, 1, true);
    assert_true(hears(&w->far, "login n:ann failed\nlogin a:192.0.2.1 failed\nlogin n:ann good\n"));
    assert_int_equal(count(&w->near, "login"), 0); /* here it was counted already */
}

static void a_node_is_drained_from_another(void **state)
{
    struct world *w = at(state);
    struct bus_node nodes[2];

    bus_drain(w->near.bus, "nobody");
    bus_drain(w->near.bus, "far");
    assert_true(hears(&w->far, "drain\n"));
    assert_int_equal(count(&w->far, "drain"), 1);
    bus_set_draining(w->far.bus);
    do
        assert_int_equal(bus_nodes(w->near.bus, nodes, 2), 1);
    while (!nodes[0].draining);
    assert_string_equal(nodes[0].name, "far");
    assert_string_equal(nodes[0].id, w->far.id);
    assert_string_equal(nodes[0].version, "1");
}

static void publish_raw(struct world *w, const char *channel, const struct envelope *e)
{
    struct buf bytes = {0};

    envelope_put(&bytes, e);
    redis_server_publish(&w->redis, channel, bytes.data, bytes.len);
    buf_free(&bytes);
}

static void what_is_not_an_envelope_is_counted_and_dropped(void **state)
{
    struct world *w = at(state);
    uint64_t malformed = metric_read(METRIC_BUS_REJECTED, METRIC_BUS_REJECT_MALFORMED);
    uint64_t version = metric_read(METRIC_BUS_REJECTED, METRIC_BUS_REJECT_VERSION);
    uint64_t stream = metric_read(METRIC_BUS_REJECTED, METRIC_BUS_REJECT_STREAM);
    uint64_t foreign = metric_read(METRIC_BUS_REJECTED, METRIC_BUS_REJECT_FOREIGN);
    struct envelope other = {.node = w->near.id,
                             .stream = "c:other",
                             .epoch = "e",
                             .seq = 1,
                             .json = "{}",
                             .json_len = 2,
                             .type = STORE_EVENT_MESSAGE_CREATED};
    struct buf bytes = {0};

    listen_for(&w->far, 0, "c:one");
    redis_server_publish(&w->redis, "test:s:c:one", "\0\1garbage", 9);
    redis_server_publish(&w->redis, "test:ctl", "", 0);
    publish_raw(w, "test:s:c:one", &other);
    other.stream = "c:one";
    envelope_put(&bytes, &other);
    bytes.data[7] = 2; /* the version, the first member */
    redis_server_publish(&w->redis, "test:s:c:one", bytes.data, bytes.len);
    buf_free(&bytes);
    other.node = "stranger";
    publish_raw(w, "test:s:c:one", &other);
    publish(&w->near, "c:one", 1, "\"n\":1");
    assert_true(hears(&w->far, "from afar c:one 1 "));
    assert_true(waits_for_metric(METRIC_BUS_REJECTED, METRIC_BUS_REJECT_MALFORMED, malformed + 2));
    assert_true(waits_for_metric(METRIC_BUS_REJECTED, METRIC_BUS_REJECT_STREAM, stream + 1));
    assert_true(waits_for_metric(METRIC_BUS_REJECTED, METRIC_BUS_REJECT_VERSION, version + 1));
    assert_true(waits_for_metric(METRIC_BUS_REJECTED, METRIC_BUS_REJECT_FOREIGN, foreign + 1));
    assert_int_equal(count(&w->far, "from afar"), 1);
}

static void after_redis_was_killed_it_goes_on_and_has_all_compared(void **state)
{
    struct world *w = at(state);
    char reason[256] = "";

    listen_for(&w->far, 0, "c:one");
    uint64_t dropped = metric_read(METRIC_BUS_DROPPED, METRIC_BUS_DROP_AWAY);
    redis_server_kill(&w->redis);
    while (bus_is_ready(w->near.bus, reason) || bus_is_ready(w->far.bus, reason))
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_non_null(strstr(reason, "the bus is away"));
    publish(&w->near, "c:one", 1, "\"n\":1");
    assert_true(hears(&w->near, "c:one 1 "));
    assert_true(waits_for_metric(METRIC_BUS_DROPPED, METRIC_BUS_DROP_AWAY, dropped + 1));
    listen_for(&w->far, 0, "c:two"); /* nobody waits for what is not there */
    forget(&w->far);
    redis_server_start(&w->redis, NULL);
    assert_true(hears(&w->far, "check\n"));
    while (!bus_is_ready(w->near.bus, reason))
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    publish(&w->near, "c:one", 2, "\"n\":1");
    publish(&w->near, "c:two", 1, "\"n\":1");
    assert_true(hears(&w->far, "from afar c:one 2 "));
    assert_true(hears(&w->far, "from afar c:two 1 "));
}

static void a_name_belongs_to_one_node(void **state)
{
    struct world *w = at(state);
    char error[512] = "";
    struct bus_options options = {
        .url = w->redis.uri, .prefix = "test", .node = "another", .name = "near", .version = "1"};

    assert_null(bus_create(&options, error));
    assert_non_null(strstr(error, "there is a node called near in this cluster already"));
    assert_non_null(strstr(error, "--node-name"));
    options.prefix = "other";
    struct bus *bus = bus_create(&options, error);
    assert_non_null(bus);
    bus_destroy(&bus);
}

static void what_is_wrong_with_the_address_is_said(void **state)
{
    static const char *const wrong[][2] = {
        {"rediss://localhost", "TLS"},
        {"redis://", "host"},
        {"http://localhost", "not understood"},
        {"redis://127.0.0.1:1", "cannot reach Redis at 127.0.0.1:1"},
        {"redis+unix:///nonexistent/socket", "cannot reach Redis at /nonexistent/socket"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char error[512] = "";
        struct bus_options options = {
            .url = wrong[i][0], .prefix = "test", .node = "n", .name = "n", .version = "1"};
        assert_null(bus_create(&options, error));
        assert_non_null(strstr(error, wrong[i][1]));
    }
}

static void a_wrong_password_is_said_and_not_shown(void **state)
{
    struct redis_server redis = {0};
    char error[512] = "";
    char uri[256];

    (void)state;
    redis_server_start(&redis, (const char *const[]){"--requirepass", "right", NULL});
    (void)snprintf(uri, sizeof(uri), "redis+unix://:wr0ng@%s", redis.socket);
    struct bus_options options = {
        .url = uri, .prefix = "test", .node = "n", .name = "n", .version = "1"};
    assert_null(bus_create(&options, error));
    assert_non_null(strstr(error, "refused by Redis"));
    assert_null(strstr(error, "wr0ng"));
    options.url = redis.uri;
    assert_null(bus_create(&options, error));
    assert_non_null(strstr(error, "NOAUTH"));
    redis_server_end(&redis);
}

#define EVERY_BUS(open)                                                                            \
    cmocka_unit_test_setup_teardown(an_event_reaches_the_members_at_every_node, open,              \
                                    close_world),                                                  \
        cmocka_unit_test_setup_teardown(what_the_hub_needs_beside_the_text_comes_along, open,      \
                                        close_world),                                              \
        cmocka_unit_test_setup_teardown(events_of_a_stream_keep_their_order, open, close_world),   \
        cmocka_unit_test_setup_teardown(ephemeral_news_reach_members_once, open, close_world),     \
        cmocka_unit_test_setup_teardown(sessions_end_and_roles_change_everywhere, open,            \
                                        close_world),                                              \
        cmocka_unit_test_setup_teardown(it_says_whether_it_is_ready, open, close_world)
#define REDIS(test) cmocka_unit_test_setup_teardown(test, open_redis, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVERY_BUS(open_local),
        EVERY_BUS(open_redis),
        REDIS(a_stream_without_members_here_does_not_come_here),
        REDIS(its_own_events_do_not_come_back),
        REDIS(a_second_worker_is_told_at_once_and_counted),
        REDIS(what_a_node_says_of_its_users_is_heard_and_kept),
        REDIS(failed_logins_are_counted_everywhere),
        REDIS(a_node_is_drained_from_another),
        REDIS(what_is_not_an_envelope_is_counted_and_dropped),
        REDIS(after_redis_was_killed_it_goes_on_and_has_all_compared),
        REDIS(a_name_belongs_to_one_node),
        cmocka_unit_test(what_is_wrong_with_the_address_is_said),
        cmocka_unit_test(a_wrong_password_is_said_and_not_shown),
    };

    (void)signal(SIGPIPE, SIG_IGN); /* as parleyd does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
