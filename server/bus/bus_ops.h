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
    /* NULL where a bus ends at this process: */
    void (*start)(struct bus *bus);
    void (*stop)(struct bus *bus);
    void (*listen)(struct bus *bus, unsigned worker, const char *const *streams, size_t n);
    void (*unlisten)(struct bus *bus, unsigned worker, const char *stream);
    void (*presence)(struct bus *bus, const char *users, size_t n, const char *letters);
    void (*attempt)(struct bus *bus, const char *const *keys, size_t n, bool good);
    size_t (*nodes)(struct bus *bus, struct bus_node *out, size_t max);
    void (*drain)(struct bus *bus, const char *name);
    void (*set_draining)(struct bus *bus);
    bool (*is_ready)(struct bus *bus, char reason_out[256]);
    void (*account)(struct bus *bus);
    /* NULL where nothing is kept: */
    bool (*has_recent)(struct bus *bus);
    void (*recent_read)(struct bus *bus, struct recent_read *read);
    void (*recent_fill)(struct bus *bus, struct event *const *events, size_t n, bool anew);
    void (*recent_forget)(struct bus *bus, const char *stream, uint64_t before);
};

struct bus {
    const struct bus_ops *ops;
    struct bus_sink sink;
};

#endif
