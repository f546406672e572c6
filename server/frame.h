/* frame.h - bytes that go out as they are, encoded once and shared by all who get them.
 *
 * A frame is one or more whole WebSocket frames (RFC 6455 section 5.2), header included. It never
 * changes after it was made.
 * Threading: any; the reference count is atomic. Ownership: who has a reference calls
 * frame_unref().
 */
#ifndef SERVER_FRAME_H
#define SERVER_FRAME_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct frame {
    atomic_uint refs;
    uint32_t len;
    uint32_t count;     /* WebSocket frames inside */
    uint32_t ephemeral; /* may be dropped for a slow reader */
    unsigned char bytes[];
};

/* A text frame with this payload; one reference. */
struct frame *frame_text(const char *text, size_t len);
/* What frame_text() was given: borrowed, *LEN_OUT bytes. */
const char *frame_payload(const struct frame *frame, size_t *len_out);
/* A ping (section 5.5.2); one reference. It counts as no message. */
struct frame *frame_ping(void);
/* Several frames in one, in order; one reference, the parts keep theirs. */
struct frame *frame_join(struct frame *const *frames, size_t n);
struct frame *frame_ref(struct frame *frame);
void frame_unref(struct frame *frame);

#endif
