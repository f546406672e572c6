/* envelope.h - what nodes send each other through Redis: BSON documents of version 1.
 *
 *   on a stream's channel   {v, node, stream, epoch, seq, flags, json, type, subject?,
 * subject_seq?} an event, or with the ephemeral flag {.., seq: 0, json, except?} on the control
 * channel  {v, node, do, ...}: struct control
 *
 * `json` is the finished event as clients get it: nobody parses it again on the way. Whatever is
 * read is checked: lengths, types, ranges, UTF-8; members that are not known are ignored.
 * Threading: any. Ownership: what is read points into the bytes that were given.
 */
#ifndef SERVER_ENVELOPE_H
#define SERVER_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/store.h"

struct buf;

enum {
    ENVELOPE_VERSION = 1,
    ENVELOPE_BYTES_MAX = 512 * 1024, /* larger ones are neither sent nor read */
    ENVELOPE_EPHEMERAL = 1,          /* in flags */
    CONTROL_LIST_MAX = 512,          /* entries in one control message */
};

enum envelope_fault {
    ENVELOPE_OK,
    ENVELOPE_OTHER_VERSION,
    ENVELOPE_MALFORMED,
    ENVELOPE_OVERSIZE,
};

struct envelope {
    const char *node; /* id of the node that sent it */
    const char *stream;
    const char *epoch; /* "" for ephemeral ones */
    uint64_t seq;
    uint32_t flags;
    const char *json;
    size_t json_len;
    enum store_event_type type;
    const char *subject; /* "" where there is none */
    uint64_t subject_seq;
    const char *except; /* ephemeral: the user who does not get it, or "" */
};

void envelope_put(struct buf *out, const struct envelope *envelope);
enum envelope_fault envelope_read(const void *bytes, size_t n, struct envelope *out);

/* X(name, wire) */
#define CONTROL_MAP(X)                                                                             \
    X(HELLO, "hello")         /* a node came, or came back */                                      \
    X(BYE, "bye")             /* it ends */                                                        \
    X(EPHEMERAL, "ephemeral") /* json to the members of streams, but not to except */              \
    X(REVOKE, "revoke")       /* user, session, except */                                          \
    X(ROLE, "role")           /* user, role */                                                     \
    X(DRAIN, "drain")         /* the node called name */                                           \
    X(PRESENCE, "presence")   /* states of users: list, states; seq counts the sender's */         \
    X(LOGIN, "login")         /* list: keys of the throttle; seq 1: it was good, 0: it failed */
enum control_kind {
#define X(name, wire) CONTROL_##name,
    CONTROL_MAP(X)
#undef X
        CONTROL_KINDS
};

/* Texts are "" where there is none. */
struct control {
    enum control_kind kind;
    const char *node;
    const char *user, *session, *except, *name;
    enum store_role role;
    uint64_t seq;
    const char *json;
    size_t json_len;
    const char *states; /* one letter for each entry of the list */
    size_t list_n;
    const char *list[CONTROL_LIST_MAX];
};

void control_put(struct buf *out, const struct control *control);
enum envelope_fault control_read(const void *bytes, size_t n, struct control *out);

/* What a node says of itself in its key `node:<name>`. */
struct node_info {
    const char *id, *name, *version;
    int64_t started_ms;
    uint64_t uptime_ms;
    uint64_t beat; /* grows: two looks tell whether the node lives */
    uint64_t connections;
    uint64_t lag_ns;
    bool draining;
};

void node_info_put(struct buf *out, const struct node_info *info);
enum envelope_fault node_info_read(const void *bytes, size_t n, struct node_info *out);

#endif
