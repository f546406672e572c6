/* bus_ops.h - the contract a bus implements. Included only by server/bus/. */
#ifndef SERVER_BUS_OPS_H
#define SERVER_BUS_OPS_H

#include "server/bus/bus.h"

struct bus_ops {
    const char *scheme;
    void (*destroy)(struct bus *bus);
    void (*publish)(struct bus *bus, struct event *const *events, size_t n);
    void (*publish_ephemeral)(struct bus *bus, const char *const *streams, size_t n,
                              struct frame *frame, const char *except);
    void (*revoke)(struct bus *bus, const char *user, const char *session, const char *except);
    void (*role)(struct bus *bus, const char *user, enum store_role role);
};

struct bus {
    const struct bus_ops *ops;
    struct node *node;
};

#endif
