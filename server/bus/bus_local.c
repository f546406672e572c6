/* bus_local.c - the bus that ends at this process. */
#include <stdlib.h>

#include "base/mem.h"
#include "server/bus/bus_ops.h"

static void local_publish(struct bus *bus, struct event *const *events, size_t n)
{
    bus->sink.events(bus->sink.arg, BUS_ALL_WORKERS, events, n);
}

static void local_publish_ephemeral(struct bus *bus, const char *const *streams, size_t n,
                                    struct frame *frame, const char *except)
{
    bus->sink.ephemeral(bus->sink.arg, streams, n, frame, except);
}

static void local_revoke(struct bus *bus, const char *user, const char *session, const char *except)
{
    bus->sink.revoke(bus->sink.arg, user, session, except);
}

static void local_role(struct bus *bus, const char *user, enum store_role role)
{
    bus->sink.role(bus->sink.arg, user, role);
}

static void local_destroy(struct bus *bus)
{
    free(bus);
}

static const struct bus_ops local_ops = {
    .scheme = "local",
    .destroy = local_destroy,
    .publish = local_publish,
    .publish_ephemeral = local_publish_ephemeral,
    .revoke = local_revoke,
    .role = local_role,
};

struct bus *bus_local_create(const struct bus_sink *sink)
{
    struct bus *bus = mem_zalloc(sizeof(*bus));

    bus->ops = &local_ops;
    bus->sink = *sink;
    return bus;
}
