/* node.c - the nodes of the cluster, and ending one. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "server/bus/bus.h"
#include "server/conn.h"
#include "server/metrics.h"
#include "server/node.h"
#include "server/request.h"
#include "server/version.h"
#include "server/worker.h"

static void put_node(struct buf *out, const struct bus_node *node, bool self)
{
    buf_json_comma(out);
    buf_putc(out, '{');
    buf_json_member(out, "id", node->id);
    buf_json_member(out, "name", node->name);
    buf_json_member(out, "version", node->version);
    buf_json_member_time(out, "started_at", node->started_ms);
    buf_json_member_int(out, "uptime_ms", (int64_t)node->uptime_ms);
    buf_json_member_int(out, "connections", (int64_t)node->connections);
    buf_json_member_int(out, "lag_us", (int64_t)(node->lag_ns / 1000));
    buf_json_member_bool(out, "draining", node->draining);
    buf_json_member_bool(out, "self", self);
    buf_putc(out, '}');
}

static struct bus_node describe_self(const struct node *node)
{
    struct bus_node self = {
        .started_ms = node->started_ms,
        .uptime_ms = (clock_monotonic_ns() - node->started_ns) / 1000000u,
        .connections = metric_read(METRIC_CONNECTIONS, 0),
        .lag_ns = metric_largest(METRIC_WORKER_LOOP_LAG, METRIC_WORKER_LABELS),
        .draining = atomic_load(&node->draining),
    };

    (void)snprintf(self.id, sizeof(self.id), "%s", node->id);
    (void)snprintf(self.name, sizeof(self.name), "%s", node->name);
    (void)snprintf(self.version, sizeof(self.version), "%s", PARLEY_VERSION);
    return self;
}

/* Sorted by name, so that two looks can be compared. */
static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct bus_node *)a)->name, ((const struct bus_node *)b)->name);
}

enum err handle_admin_nodes(struct request *req)
{
    struct bus_node *nodes = arena_alloc(req->arena, (BUS_NODES_MAX + 1) * sizeof(*nodes));
    size_t n = bus_nodes(req->node->bus, nodes, BUS_NODES_MAX);

    nodes[n++] = describe_self(req->node);
    qsort(nodes, n, sizeof(*nodes), by_name);
    buf_json_key(&req->result, "nodes");
    buf_putc(&req->result, '[');
    for (size_t i = 0; i < n; i++)
        put_node(&req->result, &nodes[i], strcmp(nodes[i].id, req->node->id) == 0);
    buf_putc(&req->result, ']');
    return ERR_OK;
}

static void drain_after(struct request *req)
{
    (void)req;
    (void)kill(getpid(), SIGTERM); /* the main thread takes it from there */
}

/* Another node, if there is one of that name. */
static enum err drain_other(struct request *req, const char *name)
{
    struct bus_node *nodes = arena_alloc(req->arena, BUS_NODES_MAX * sizeof(*nodes));
    size_t n = bus_nodes(req->node->bus, nodes, BUS_NODES_MAX);
    char reason[256];

    for (size_t i = 0; i < n; i++)
        if (strcmp(nodes[i].name, name) == 0) {
            if (!bus_is_ready(req->node->bus, reason)) {
                req->detail = arena_strdup(req->arena, reason);
                return ERR_UNAVAILABLE;
            }
            log_info("drain of another node asked for", LOG_STR("name", name),
                     LOG_INT("conn", req->conn->id));
            bus_drain(req->node->bus, name);
            return ERR_OK;
        }
    return request_fail(req, ERR_NOT_FOUND, "node", "there is no node of that name");
}

enum err handle_admin_drain(struct request *req)
{
    const char *name = request_str(req, "node");

    if (name != NULL && strcmp(name, req->node->name) != 0)
        return drain_other(req, name);
    log_info("drain asked for", LOG_INT("conn", req->conn->id));
    req->after = drain_after;
    return ERR_OK;
}
