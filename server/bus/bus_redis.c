/* bus_redis.c - the bus of a cluster: every node publishes its events in Redis and listens for the
 * streams that it has members of.
 *
 *   any thread: publish ---> sink (this node's workers, at once)
 *                  \---mail---> bus thread ---PUBLISH---> Redis ---message---> bus thread of
 * another node ---> its sink
 *
 * All that comes in one turn of the bus's loop leaves in one write. When Redis is away or does not
 * keep up, what would be published is dropped and counted: nothing piles up here, and other nodes
 * find the events in the store.
 */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "server/bus/envelope.h"
#include "server/bus/redis_bus.h"
#include "server/config.h"
#include "server/event.h"
#include "server/frame.h"
#include "server/metrics.h"

enum { ENDING_MS = 500 /* for the last words, when the server stops */ };

struct redis_bus *redis_bus_of(struct bus *bus)
{
    return container_of(bus, struct redis_bus, bus);
}

/* -- the connections -------------------------------------------------------------------------- */

static void set_ready(struct redis_bus *bus, const char *why)
{
    bool ready = redis_conn_is_up(bus->commands) && redis_conn_is_up(bus->pushes);
    bool was = atomic_exchange(&bus->is_ready, ready);

    metric_set(METRIC_BUS_UP, ready ? 1 : 0);
    if (why != NULL) {
        (void)pthread_mutex_lock(&bus->lock);
        (void)snprintf(bus->reason, sizeof(bus->reason), "the bus is away: %.200s", why);
        (void)pthread_mutex_unlock(&bus->lock);
    }
    if (was && !ready)
        log_warn("bus is away", LOG_STR("reason", why == NULL ? "" : why));
    else if (!was && ready)
        log_info("bus is there", LOG_STR("redis", bus->uri.shown), LOG_STR("name", bus->name));
}

/* The others get to know this node before anything that it publishes. */
static void on_commands_up(void *arg)
{
    struct redis_bus *bus = arg;
    struct control *hello = mem_zalloc(sizeof(*hello));

    hello->kind = CONTROL_HELLO;
    presence_up(bus);
    nodes_up(bus);
    redis_publish_control(bus, hello);
    free(hello);
    recent_up(bus);
    set_ready(bus, NULL);
}

static void on_pushes_up(void *arg)
{
    struct redis_bus *bus = arg;

    metric_add(METRIC_BUS_RECONNECTS, 1);
    (void)redis_conn_command(bus->pushes,
                             (struct redis_arg[]){REDIS_ARG("SUBSCRIBE"), REDIS_ARG(bus->control)},
                             2, NULL, NULL);
    topics_up(bus);
    set_ready(bus, NULL);
}

static void on_commands_down(void *arg, const char *why)
{
    set_ready(arg, why);
}

static void on_pushes_down(void *arg, const char *why)
{
    struct redis_bus *bus = arg;

    bus->bus.sink.account(bus->bus.sink.arg);
    topics_down(arg);
    set_ready(arg, why);
}

static bool redis_is_ready(struct bus *base, char reason_out[256])
{
    struct redis_bus *bus = redis_bus_of(base);

    if (atomic_load(&bus->is_ready))
        return true;
    (void)pthread_mutex_lock(&bus->lock);
    (void)snprintf(reason_out, 256, "%s", bus->reason);
    (void)pthread_mutex_unlock(&bus->lock);
    return false;
}

static void redis_set_draining(struct bus *bus)
{
    atomic_store(&redis_bus_of(bus)->draining, true);
}

static size_t redis_nodes(struct bus *bus, struct bus_node *out, size_t max)
{
    return nodes_copy(redis_bus_of(bus), out, max);
}

/* -- the thread ------------------------------------------------------------------------------- */

static void flush(struct redis_bus *bus)
{
    incoming_hand_over(bus);
    topics_flush(bus);
    redis_conn_flush(bus->commands);
    redis_conn_flush(bus->pushes);
}

static void on_turn(uv_prepare_t *prepare)
{
    flush(container_of(prepare, struct redis_bus, prepare));
}

static void on_tick(uv_timer_t *timer)
{
    struct redis_bus *bus = container_of(timer, struct redis_bus, tick);

    redis_conn_tick(bus->commands);
    redis_conn_tick(bus->pushes);
    topics_tick(bus);
    nodes_tick(bus);
    recent_tick(bus);
}

static void *run(void *arg)
{
    struct redis_bus *bus = arg;

    (void)pthread_setname_np(pthread_self(), "bus");
    (void)uv_run(&bus->loop, UV_RUN_DEFAULT);
    return NULL;
}

static void redis_start(struct bus *base)
{
    struct redis_bus *bus = redis_bus_of(base);
    struct redis_conn_options options = {
        .uri = &bus->uri,
        .name = bus->name,
        .up = on_commands_up,
        .down = on_commands_down,
        .arg = bus,
    };

    bus->commands = redis_conn_create(&bus->loop, &options);
    options.up = on_pushes_up;
    options.down = on_pushes_down;
    options.pushed = incoming_pushed;
    bus->pushes = redis_conn_create(&bus->loop, &options);
    (void)uv_prepare_start(&bus->prepare, on_turn);
    (void)uv_timer_start(&bus->tick, on_tick, REDIS_TICK_MS, REDIS_TICK_MS);
    bus->started = pthread_create(&bus->thread, NULL, run, bus) == 0;
}

/* -- the end ---------------------------------------------------------------------------------- */

static void end(struct redis_bus *bus)
{
    if (uv_is_closing((uv_handle_t *)&bus->tick))
        return;
    atomic_store(&bus->stopped, true);
    recent_end(bus);
    redis_conn_close(bus->commands, NULL, NULL);
    redis_conn_close(bus->pushes, NULL, NULL);
    uv_close((uv_handle_t *)&bus->prepare, NULL);
    uv_close((uv_handle_t *)&bus->tick, NULL);
    uv_close((uv_handle_t *)&bus->ending, NULL);
    mailbox_close(&bus->box);
}

static void on_ending(uv_timer_t *timer)
{
    end(container_of(timer, struct redis_bus, ending));
}

static void on_name_free(void *arg, const redisReply *reply)
{
    struct redis_bus *bus = arg;

    (void)reply;
    if (uv_is_active((uv_handle_t *)&bus->ending))
        (void)uv_timer_start(&bus->ending, on_ending, 0, 0); /* not inside the connection's call */
}

static void say_bye(struct redis_bus *bus)
{
    struct control *bye = mem_zalloc(sizeof(*bye));

    bye->kind = CONTROL_BYE;
    redis_publish_control(bus, bye);
    free(bye);
    (void)redis_conn_command(bus->commands,
                             (struct redis_arg[]){REDIS_ARG("DEL"), REDIS_ARG(bus->presence_key)},
                             2, NULL, NULL);
}

struct stop_mail {
    struct mail mail;
    struct redis_bus *bus;
};

/* All that was posted before has been handed to the connection; its answer comes last. */
static void run_stop(struct worker *none, struct mail *mail)
{
    struct stop_mail *m = container_of(mail, struct stop_mail, mail);
    struct redis_bus *bus = m->bus;

    (void)none;
    free(m);
    (void)uv_timer_start(&bus->ending, on_ending, ENDING_MS, 0);
    say_bye(bus);
    if (!redis_conn_command(bus->commands,
                            (struct redis_arg[]){REDIS_ARG("DEL"), REDIS_ARG(bus->key)}, 2,
                            on_name_free, bus))
        (void)uv_timer_start(&bus->ending, on_ending, 0, 0);
}

static void redis_stop(struct bus *base)
{
    struct redis_bus *bus = redis_bus_of(base);
    struct stop_mail *m;

    if (!bus->started)
        return;
    m = mem_zalloc(sizeof(*m));
    m->mail.run = run_stop;
    m->bus = bus;
    mailbox_post(&bus->box, &m->mail);
    (void)pthread_join(bus->thread, NULL);
    bus->started = false;
}

static void redis_destroy(struct bus *base)
{
    struct redis_bus *bus = redis_bus_of(base);

    redis_stop(base);
    if (!atomic_exchange(&bus->stopped, true)) { /* it never ran */
        uv_close((uv_handle_t *)&bus->prepare, NULL);
        uv_close((uv_handle_t *)&bus->tick, NULL);
        uv_close((uv_handle_t *)&bus->ending, NULL);
        recent_end(bus);
        mailbox_close(&bus->box);
    }
    (void)mailbox_run(&bus->box); /* what came after the end is thrown away */
    (void)uv_run(&bus->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&bus->loop);
    topics_free(bus);
    nodes_free(bus);
    presence_free(bus);
    buf_free(&bus->scratch);
    (void)pthread_mutex_destroy(&bus->lock);
    free(bus);
}

static const struct bus_ops redis_ops = {
    .scheme = "redis",
    .destroy = redis_destroy,
    .publish = redis_publish,
    .publish_ephemeral = redis_publish_ephemeral,
    .revoke = redis_revoke,
    .role = redis_role,
    .start = redis_start,
    .stop = redis_stop,
    .listen = redis_listen,
    .unlisten = redis_unlisten,
    .presence = redis_presence,
    .attempt = redis_attempt,
    .nodes = redis_nodes,
    .drain = redis_drain,
    .set_draining = redis_set_draining,
    .is_ready = redis_is_ready,
    .account = redis_account,
    .has_recent = redis_has_recent,
    .recent_read = redis_recent_read,
    .recent_fill = redis_recent_fill,
    .recent_forget = redis_recent_forget,
};

/* -- making it -------------------------------------------------------------------------------- */

static bool take_options(struct redis_bus *bus, const struct bus_options *options,
                         char error_out[512])
{
    if (!config_name_is_valid(options->prefix)) {
        (void)snprintf(error_out, 512,
                       "bus_prefix must be 1 to 32 lower-case letters, digits, '.', '_' or '-', "
                       "and begin with a letter or digit");
        return false;
    }
    if (!config_name_is_valid(options->name)) {
        (void)snprintf(error_out, 512,
                       "node_name must be 1 to 32 lower-case letters, digits, '.', '_' or '-', and "
                       "begin with a letter or digit");
        return false;
    }
    (void)snprintf(bus->prefix, sizeof(bus->prefix), "%s", options->prefix);
    (void)snprintf(bus->node, sizeof(bus->node), "%s", options->node);
    (void)snprintf(bus->name, sizeof(bus->name), "%s", options->name);
    (void)snprintf(bus->version, sizeof(bus->version), "%s", options->version);
    (void)snprintf(bus->control, sizeof(bus->control), "%s:ctl", options->prefix);
    (void)snprintf(bus->presence_key, sizeof(bus->presence_key), "%s:presence:%s", options->prefix,
                   options->node);
    (void)snprintf(bus->names, sizeof(bus->names), "%s:nodes", options->prefix);
    (void)snprintf(bus->key, sizeof(bus->key), "%s:node:%s", options->prefix, options->name);
    bus->keeps_recent = options->cache;
    bus->started_ms = options->started_ms;
    bus->started_ns = clock_monotonic_ns();
    return true;
}

struct bus *bus_redis_create(const struct bus_options *options, char error_out[512])
{
    struct redis_bus *bus = mem_zalloc(sizeof(*bus));

    bus->bus.ops = &redis_ops;
    bus->bus.sink = options->sink;
    if (!redis_uri_parse(options->url, &bus->uri, error_out) ||
        !take_options(bus, options, error_out) || !redis_claim(bus, error_out)) {
        free(bus);
        return NULL;
    }
    (void)snprintf(bus->reason, sizeof(bus->reason), "the bus is away: not connected yet");
    (void)pthread_mutex_init(&bus->lock, NULL);
    (void)uv_loop_init(&bus->loop);
    (void)uv_prepare_init(&bus->loop, &bus->prepare);
    (void)uv_timer_init(&bus->loop, &bus->tick);
    (void)uv_timer_init(&bus->loop, &bus->ending);
    recent_init(bus);
    mailbox_init(&bus->box, &bus->loop, NULL);
    return &bus->bus;
}
