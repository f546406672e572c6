#include "server/frame.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "protocol/websocket.h"

struct frame *frame_blank(size_t len, uint32_t count)
{
    struct frame *f = mem_alloc(sizeof(*f) + len);

    atomic_init(&f->refs, 1);
    f->len = (uint32_t)len;
    f->count = count;
    f->ephemeral = 0;
    for (size_t i = 0; i < FRAME_ENCODINGS; i++)
        atomic_init(&f->others[i], NULL);
    return f;
}

struct frame *frame_data(enum ws_opcode opcode, const char *head, size_t head_len, const char *body,
                         size_t body_len)
{
    unsigned char header[WS_HEADER_MAX];
    size_t header_len = ws_frame_header(header, opcode, head_len + body_len);
    struct frame *f = frame_blank(header_len + head_len + body_len, 1);

    memcpy(f->bytes, header, header_len);
    if (head_len > 0)
        memcpy(f->bytes + header_len, head, head_len);
    if (body_len > 0)
        memcpy(f->bytes + header_len + head_len, body, body_len);
    return f;
}

struct frame *frame_text(const char *text, size_t len)
{
    return frame_data(WS_OP_TEXT, text, len, NULL, 0);
}

struct frame *frame_other(struct frame *frame, enum frame_encoding encoding,
                          struct frame *(*make)(const struct frame *frame,
                                                enum frame_encoding encoding))
{
    struct frame *_Atomic *slot = &frame->others[encoding];
    struct frame *other = atomic_load_explicit(slot, memory_order_acquire);

    if (other != NULL)
        return other;
    struct frame *made = make(frame, encoding);
    if (atomic_compare_exchange_strong_explicit(slot, &other, made, memory_order_acq_rel,
                                                memory_order_acquire))
        return made;
    frame_unref(made); /* another worker was first */
    return other;
}

const char *frame_payload(const struct frame *frame, size_t *len_out)
{
    unsigned char small = frame->bytes[1] & 0x7f; /* 126, 127: a longer length follows */
    size_t header_len = small < 126 ? 2 : small == 126 ? 4 : WS_HEADER_MAX;

    *len_out = frame->len - header_len;
    return (const char *)frame->bytes + header_len;
}

/* With a payload, because libwebsockets says nothing of a pong without one. */
struct frame *frame_ping(void)
{
    static const char payload[] = "alive?";
    unsigned char header[WS_HEADER_MAX];
    size_t header_len = ws_frame_header(header, WS_OP_PING, sizeof(payload) - 1);
    struct frame *f = frame_blank(header_len + sizeof(payload) - 1, 0);

    memcpy(f->bytes, header, header_len);
    memcpy(f->bytes + header_len, payload, sizeof(payload) - 1);
    return f;
}

struct frame *frame_join(struct frame *const *frames, size_t n)
{
    size_t len = 0;
    uint32_t count = 0;

    for (size_t i = 0; i < n; i++) {
        len += frames[i]->len;
        count += frames[i]->count;
    }
    struct frame *joined = frame_blank(len, count);
    unsigned char *to = joined->bytes;
    for (size_t i = 0; i < n; i++) {
        memcpy(to, frames[i]->bytes, frames[i]->len);
        to += frames[i]->len;
    }
    return joined;
}

struct frame *frame_ref(struct frame *frame)
{
    atomic_fetch_add_explicit(&frame->refs, 1, memory_order_relaxed);
    return frame;
}

/* Other encodings may have a payload: this goes two levels down. */
void frame_unref(struct frame *frame)
{
    if (atomic_fetch_sub_explicit(&frame->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < FRAME_ENCODINGS; i++) {
        struct frame *other = atomic_load_explicit(&frame->others[i], memory_order_relaxed);
        if (other != NULL)
            frame_unref(other);
    }
    free(frame);
}
