#include "server/bus/bus.h"

#include <stddef.h>
#include <string.h>

#include "server/bus/bus_ops.h"

struct bus *bus_create(const struct bus_options *options, char error_out[512])
{
    if (strcmp(options->url, "local") == 0)
        return bus_local_create(&options->sink);
    return bus_redis_create(options, error_out);
}

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

bool bus_listen(struct bus *bus, unsigned worker, const char *const *streams, size_t n)
{
    if (bus->ops->listen == NULL)
        return true;
    bus->ops->listen(bus, worker, streams, n);
    return false;
}

void bus_unlisten(struct bus *bus, unsigned worker, const char *stream)
{
    if (bus->ops->unlisten != NULL)
        bus->ops->unlisten(bus, worker, stream);
}

bool bus_is_shared(const struct bus *bus)
{
    return bus->ops->listen != NULL;
}

bool bus_is_ready(struct bus *bus, char reason_out[256])
{
    return bus->ops->is_ready == NULL || bus->ops->is_ready(bus, reason_out);
}

void bus_start(struct bus *bus)
{
    if (bus->ops->start != NULL)
        bus->ops->start(bus);
}

void bus_stop(struct bus *bus)
{
    if (bus->ops->stop != NULL)
        bus->ops->stop(bus);
}

size_t bus_nodes(struct bus *bus, struct bus_node *out, size_t max)
{
    return bus->ops->nodes != NULL ? bus->ops->nodes(bus, out, max) : 0;
}

void bus_drain(struct bus *bus, const char *name)
{
    if (bus->ops->drain != NULL)
        bus->ops->drain(bus, name);
}

void bus_set_draining(struct bus *bus)
{
    if (bus->ops->set_draining != NULL)
        bus->ops->set_draining(bus);
}

void bus_presence(struct bus *bus, const char *users, size_t n, const char *letters)
{
    if (bus->ops->presence != NULL)
        bus->ops->presence(bus, users, n, letters);
}

void bus_attempt(struct bus *bus, const char *const *keys, size_t n, bool good)
{
    if (bus->ops->attempt != NULL)
        bus->ops->attempt(bus, keys, n, good);
}

void bus_account(struct bus *bus)
{
    if (bus->ops->account != NULL)
        bus->ops->account(bus);
}

bool bus_has_recent(struct bus *bus)
{
    return bus->ops->has_recent != NULL && bus->ops->has_recent(bus);
}

void bus_recent_read(struct bus *bus, struct recent_read *read)
{
    bus->ops->recent_read(bus, read);
}

void bus_recent_fill(struct bus *bus, struct event *const *events, size_t n, bool anew)
{
    if (n > 0 && bus->ops->recent_fill != NULL)
        bus->ops->recent_fill(bus, events, n, anew);
}

void bus_recent_forget(struct bus *bus, const char *stream, uint64_t before)
{
    if (bus->ops->recent_forget != NULL)
        bus->ops->recent_forget(bus, stream, before);
}
