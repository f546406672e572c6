/* redis_nodes.c - who is in the cluster.
 *
 *   <prefix>:node:<name>   what a node says of itself (struct node_info), gone REDIS_NODE_MS after
 *                          its last beat
 *   <prefix>:nodes         the names; one whose key is gone is taken out by whoever notices
 *
 * Each node writes its own key once a second and reads those of all. No clock but Redis's own
 * matters. A node that has just come introduces itself on the control channel too.
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
#include "server/metrics.h"

enum {
    PEERS_MAX = BUS_NODES_MAX,
    GRACE_MS = 1500, /* a key that is gone may have been flushed: it is back by then */
};

static uint64_t now_ms(void)
{
    return clock_monotonic_ns() / 1000000u;
}

static struct peer *peer_by_name(struct redis_bus *bus, const char *name)
{
    struct peer *p;
    struct peer *tmp;

    HASH_ITER(hh, bus->peers, p, tmp)
    {
        if (strcmp(p->info.name, name) == 0)
            return p;
    }
    return NULL;
}

struct peer *nodes_find(struct redis_bus *bus, const char *id)
{
    struct peer *p;

    HASH_FIND_STR(bus->peers, id, p);
    return p;
}

/* Of the nodes that remain without GONE, is this the first by name? One has to speak for it. */
static bool is_first(struct redis_bus *bus, const struct peer *gone)
{
    struct peer *p;
    struct peer *tmp;

    HASH_ITER(hh, bus->peers, p, tmp)
    {
        if (p != gone && p->info.name[0] != '\0' && strcmp(p->info.name, bus->name) < 0)
            return false;
    }
    return true;
}

static void peer_gone(struct redis_bus *bus, struct peer *p)
{
    bus->bus.sink.node_gone(bus->bus.sink.arg, p->id, p->said_bye, is_first(bus, p));
    log_info("node left", LOG_STR("name", p->info.name), LOG_STR("node", p->id));
    (void)pthread_mutex_lock(&bus->lock);
    HASH_DEL(bus->peers, p);
    (void)pthread_mutex_unlock(&bus->lock);
    free(p);
}

static struct peer *peer_came(struct redis_bus *bus, const char *id)
{
    struct peer *p = nodes_find(bus, id);

    if (p != NULL || HASH_COUNT(bus->peers) >= PEERS_MAX)
        return p;
    p = mem_zalloc(sizeof(*p));
    (void)snprintf(p->id, sizeof(p->id), "%s", id);
    (void)pthread_mutex_lock(&bus->lock);
    HASH_ADD_STR(bus->peers, id, p);
    (void)pthread_mutex_unlock(&bus->lock);
    presence_read(bus, p);
    return p;
}

void nodes_hello(struct redis_bus *bus, const char *id)
{
    struct peer *p = peer_came(bus, id);

    if (p != NULL) {
        p->seen_ms = now_ms();
        p->said_bye = false;
        p->presence_seq = 0;
        presence_read(bus, p);
    }
    nodes_look(bus);
}

void nodes_heard(struct redis_bus *bus)
{
    struct peer *p;
    struct peer *tmp;

    HASH_ITER(hh, bus->peers, p, tmp)
    {
        p->presence_seq = 0;
        presence_read(bus, p);
    }
}

void nodes_bye(struct redis_bus *bus, const char *id)
{
    struct peer *p = nodes_find(bus, id);

    if (p == NULL)
        return;
    p->said_bye = true;
    peer_gone(bus, p);
}

/* -- what others say of themselves ------------------------------------------------------------ */

static void take_own(struct redis_bus *bus, const struct node_info *info)
{
    if (strcmp(info->id, bus->node) == 0 || bus->robbed)
        return;
    bus->robbed = true;
    log_error("another node has taken this node's name; give each a name of its own (node_name)",
              LOG_STR("name", bus->name), LOG_STR("node", info->id));
}

static void take_info(struct redis_bus *bus, const struct node_info *info)
{
    struct peer *p;

    if (strcmp(info->name, bus->name) == 0) {
        take_own(bus, info);
        return;
    }
    p = peer_by_name(bus, info->name);
    if (p != NULL && strcmp(p->id, info->id) != 0)
        peer_gone(bus, p); /* it was restarted */
    p = peer_came(bus, info->id);
    if (p == NULL)
        return;
    if (p->info.name[0] == '\0')
        log_info("node came", LOG_STR("name", info->name), LOG_STR("node", info->id));
    (void)pthread_mutex_lock(&bus->lock);
    (void)snprintf(p->info.id, sizeof(p->info.id), "%s", info->id);
    (void)snprintf(p->info.name, sizeof(p->info.name), "%s", info->name);
    (void)snprintf(p->info.version, sizeof(p->info.version), "%s", info->version);
    p->info.started_ms = info->started_ms;
    p->info.uptime_ms = info->uptime_ms;
    p->info.connections = info->connections;
    p->info.lag_ns = info->lag_ns;
    p->info.draining = info->draining;
    (void)pthread_mutex_unlock(&bus->lock);
    p->seen_ms = now_ms();
}

static void forget_gone(struct redis_bus *bus)
{
    struct peer *p;
    struct peer *tmp;
    uint64_t now = now_ms();

    HASH_ITER(hh, bus->peers, p, tmp)
    {
        if (now > p->seen_ms + GRACE_MS)
            peer_gone(bus, p);
    }
    metric_set(METRIC_BUS_NODES, HASH_COUNT(bus->peers) + 1);
}

static void set_key(const struct redis_bus *bus, const char *name, char out[REDIS_NAME_MAX])
{
    (void)snprintf(out, REDIS_NAME_MAX, "%s:node:%s", bus->prefix, name);
}

/* The names and, in the same order, what they say. */
static void on_infos(void *arg, const redisReply *reply)
{
    struct redis_bus *bus = arg;

    bus->looking = false;
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements != bus->names_n)
        return;
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *r = reply->element[i];
        struct node_info info;
        if (r->type == REDIS_REPLY_NIL)
            (void)redis_conn_command(bus->commands,
                                     (struct redis_arg[]){REDIS_ARG("SREM"), REDIS_ARG(bus->names),
                                                          REDIS_ARG(bus->listed[i])},
                                     3, NULL, NULL);
        else if (r->type == REDIS_REPLY_STRING &&
                 node_info_read(r->str, r->len, &info) == ENVELOPE_OK &&
                 strcmp(info.name, bus->listed[i]) == 0)
            take_info(bus, &info);
        else
            metric_add_by(METRIC_BUS_REJECTED, METRIC_BUS_REJECT_MALFORMED, 1);
    }
    forget_gone(bus);
    if (bus->look_again)
        nodes_look(bus);
}

static void on_names(void *arg, const redisReply *reply)
{
    struct redis_bus *bus = arg;
    char keys[PEERS_MAX][REDIS_NAME_MAX];
    struct redis_arg args[PEERS_MAX + 1] = {REDIS_ARG("MGET")};

    bus->looking = false;
    bus->names_n = 0;
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY)
        return;
    for (size_t i = 0; i < reply->elements && bus->names_n < PEERS_MAX; i++) {
        const redisReply *r = reply->element[i];
        if (r->type != REDIS_REPLY_STRING || r->len > ID_MAX || strlen(r->str) != r->len)
            continue;
        size_t n = bus->names_n++;
        (void)snprintf(bus->listed[n], sizeof(bus->listed[n]), "%s", r->str);
        set_key(bus, r->str, keys[n]);
        args[n + 1] = REDIS_ARG(keys[n]);
    }
    bus->looking = bus->names_n > 0 &&
                   redis_conn_command(bus->commands, args, bus->names_n + 1, on_infos, bus);
}

void nodes_look(struct redis_bus *bus)
{
    bus->look_again = bus->looking;
    if (bus->looking)
        return;
    bus->looking = redis_conn_command(
        bus->commands, (struct redis_arg[]){REDIS_ARG("SMEMBERS"), REDIS_ARG(bus->names)}, 2,
        on_names, bus);
}

/* -- what this one says ----------------------------------------------------------------------- */

/* A full Redis refuses to write, but may keep the key that is there. */
static void beat(struct redis_bus *bus)
{
    char ms[16];
    struct buf info = {0};

    node_info_put(&info, &(struct node_info){
                             .id = bus->node,
                             .name = bus->name,
                             .version = bus->version,
                             .started_ms = bus->started_ms,
                             .beat = ++bus->beats,
                             .connections = metric_read(METRIC_CONNECTIONS, 0),
                             .lag_ns = metric_largest(METRIC_WORKER_LOOP_LAG, METRIC_WORKER_LABELS),
                             .uptime_ms = (clock_monotonic_ns() - bus->started_ns) / 1000000u,
                             .draining = atomic_load(&bus->draining)});
    (void)snprintf(ms, sizeof(ms), "%d", (int)REDIS_NODE_MS);
    (void)redis_conn_command(
        bus->commands,
        (struct redis_arg[]){REDIS_ARG("PEXPIRE"), REDIS_ARG(bus->key), REDIS_ARG(ms)}, 3, NULL,
        NULL);
    (void)redis_conn_command(bus->commands,
                             (struct redis_arg[]){REDIS_ARG("SET"),
                                                  REDIS_ARG(bus->key),
                                                  {info.data, info.len},
                                                  REDIS_ARG("PX"),
                                                  REDIS_ARG(ms)},
                             5, NULL, NULL);
    (void)redis_conn_command(
        bus->commands,
        (struct redis_arg[]){REDIS_ARG("SADD"), REDIS_ARG(bus->names), REDIS_ARG(bus->name)}, 3,
        NULL, NULL);
    buf_free(&info);
}

void nodes_tick(struct redis_bus *bus)
{
    if (!redis_conn_is_up(bus->commands))
        return;
    beat(bus);
    presence_beat(bus);
    nodes_look(bus);
}

void nodes_up(struct redis_bus *bus)
{
    struct peer *p;
    struct peer *tmp;

    /* They had no say while Redis was away: they have the grace time to write their keys anew. */
    HASH_ITER(hh, bus->peers, p, tmp)
    {
        p->seen_ms = now_ms() + REDIS_RETRY_MAX_MS;
    }
    bus->looking = false;
    nodes_heard(bus);
    nodes_tick(bus);
}

size_t nodes_copy(struct redis_bus *bus, struct bus_node *out, size_t max)
{
    struct peer *p;
    struct peer *tmp;
    size_t n = 0;

    (void)pthread_mutex_lock(&bus->lock);
    HASH_ITER(hh, bus->peers, p, tmp)
    {
        if (n < max && p->info.name[0] != '\0')
            out[n++] = p->info;
    }
    (void)pthread_mutex_unlock(&bus->lock);
    return n;
}

void nodes_free(struct redis_bus *bus)
{
    struct peer *p;
    struct peer *tmp;

    HASH_ITER(hh, bus->peers, p, tmp)
    {
        HASH_DEL(bus->peers, p);
        free(p);
    }
}
