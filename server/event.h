/* event.h - a committed event on its way to the clients, and the frames made from it.
 *
 * Threading: made on a storage thread, then read by all workers; never changes.
 * Ownership: atomically counted references.
 */
#ifndef SERVER_EVENT_H
#define SERVER_EVENT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "server/frame.h"
#include "storage/store.h"

struct envelope;

struct event {
    atomic_uint refs;
    enum store_event_type type;
    uint64_t seq;
    uint64_t subject_seq; /* of channel.joined and channel.left: where in the channel's stream */
    struct frame *frame;  /* the JSON-RPC notification as a WebSocket frame */
    char stream[STORE_STREAM_SIZE];
    char epoch[STORE_EPOCH_SIZE];
    char subject[ID_MAX + 1]; /* user of member.*, channel of channel.joined and channel.left */
};

/* One reference. */
struct event *event_make(const struct store_event *from);
/* One that came from another node. */
struct event *event_from(const struct envelope *envelope);
struct event *event_ref(struct event *event);
void event_unref(struct event *event);

#endif
