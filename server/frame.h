/* frame.h - bytes that go out as they are, encoded once and shared by all who get them.
 *
 * A frame is one or more whole WebSocket frames (RFC 6455 section 5.2), header included. It never
 * changes after it was made, but that other encodings of the same may be made, each once, when the
 * first connection needs it.
 * Threading: any; the reference count is atomic. Ownership: who has a reference calls
 * frame_unref().
 */
#ifndef SERVER_FRAME_H
#define SERVER_FRAME_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/websocket.h"

/* Beside the one over /ws: for Socket.IO, and for its clients whose state can be recovered; and of
 * either of these the packets of an Engine.IO payload, which is no WebSocket frame. */
enum frame_encoding {
    FRAME_SOCKETIO,
    FRAME_SOCKETIO_RECOVERABLE,
    FRAME_PAYLOAD,
    FRAME_ENCODINGS,
};

struct frame {
    atomic_uint refs;
    uint32_t len;
    uint32_t count;                                /* WebSocket frames inside */
    uint32_t ephemeral;                            /* may be dropped for a slow reader */
    struct frame *_Atomic others[FRAME_ENCODINGS]; /* NULL: not made yet */
    unsigned char bytes[];
};

/* A text frame with this payload; one reference. */
struct frame *frame_text(const char *text, size_t len);
/* What frame_text() was given: borrowed, *LEN_OUT bytes. */
const char *frame_payload(const struct frame *frame, size_t *len_out);
/* A ping (section 5.5.2); one reference. It counts as no message. */
struct frame *frame_ping(void);
/* A text or binary frame with the payload HEAD and then BODY; one reference. */
struct frame *frame_data(enum ws_opcode opcode, const char *head, size_t head_len, const char *body,
                         size_t body_len);
/* Room for frames of LEN bytes together, to be filled in before anybody else sees it; one
 * reference. */
struct frame *frame_blank(size_t len, uint32_t count);
/* FRAME in ENCODING, which MAKE makes if nobody has yet. Borrowed, it lives as long as FRAME. */
struct frame *frame_other(struct frame *frame, enum frame_encoding encoding,
                          struct frame *(*make)(const struct frame *frame,
                                                enum frame_encoding encoding));
/* Several frames in one, in order; one reference, the parts keep theirs. */
struct frame *frame_join(struct frame *const *frames, size_t n);
struct frame *frame_ref(struct frame *frame);
void frame_unref(struct frame *frame);

#endif
