#include "server/bus/bus.h"

#include <stddef.h>

#include "server/bus/bus_ops.h"

void bus_destroy(struct bus **bus)
{
    struct bus *b = *bus;

    if (b == NULL)
        return;
    *bus = NULL;
    b->ops->destroy(b);
}

void bus_publish(struct bus *bus, struct event *const *events, size_t n)
{
    if (n > 0)
        bus->ops->publish(bus, events, n);
}

void bus_publish_ephemeral(struct bus *bus, const char *const *streams, size_t n,
                           struct frame *frame, const char *except)
{
    if (n > 0)
        bus->ops->publish_ephemeral(bus, streams, n, frame, except);
}

void bus_revoke(struct bus *bus, const char *user, const char *session, const char *except)
{
    bus->ops->revoke(bus, user, session, except);
}

void bus_role(struct bus *bus, const char *user, enum store_role role)
{
    bus->ops->role(bus, user, role);
}
