#include "server/event.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "protocol/jsonrpc.h"
#include "server/bus/envelope.h"

struct event *event_make(const struct store_event *from)
{
    struct event *e = mem_zalloc(sizeof(*e));
    struct buf json = {0};

    atomic_init(&e->refs, 1);
    e->type = from->type;
    e->seq = from->seq;
    e->subject_seq = from->subject_seq;
    (void)snprintf(e->stream, sizeof(e->stream), "%s", from->stream);
    (void)snprintf(e->epoch, sizeof(e->epoch), "%s", from->epoch);
    if (from->subject != NULL)
        (void)snprintf(e->subject, sizeof(e->subject), "%s", from->subject);
    rpc_put_event(&json, store_event_name(from->type), from->stream, from->epoch, from->seq,
                  from->at, from->actor, from->data, from->data_len);
    e->frame = frame_text(json.data, json.len);
    buf_free(&json);
    return e;
}

struct event *event_from(const struct envelope *from)
{
    struct event *e = mem_zalloc(sizeof(*e));

    atomic_init(&e->refs, 1);
    e->type = from->type;
    e->seq = from->seq;
    e->subject_seq = from->subject_seq;
    (void)snprintf(e->stream, sizeof(e->stream), "%s", from->stream);
    (void)snprintf(e->epoch, sizeof(e->epoch), "%s", from->epoch);
    (void)snprintf(e->subject, sizeof(e->subject), "%s", from->subject);
    e->frame = frame_text(from->json, from->json_len);
    return e;
}

struct event *event_ref(struct event *event)
{
    atomic_fetch_add_explicit(&event->refs, 1, memory_order_relaxed);
    return event;
}

void event_unref(struct event *event)
{
    if (atomic_fetch_sub_explicit(&event->refs, 1, memory_order_acq_rel) == 1) {
        frame_unref(event->frame);
        free(event);
    }
}
