/* http_chunks.h - a request's body in chunks (RFC 9112 section 7.1), put together as it comes.
 *
 * Read strictly: what two readers could take for different things is refused, since one of them may
 * be a proxy. Extensions and trailers are passed over, within bounds.
 * Threading: none of its own.
 */
#ifndef SERVER_HTTP_CHUNKS_H
#define SERVER_HTTP_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum http_chunks_state {
    CHUNKS_SIZE,
    CHUNKS_EXTENSION,
    CHUNKS_SIZE_LF,
    CHUNKS_DATA,
    CHUNKS_DATA_CR,
    CHUNKS_DATA_LF,
    CHUNKS_TRAILER_START, /* of a line */
    CHUNKS_TRAILER,
    CHUNKS_TRAILER_LF,
    CHUNKS_END_LF,
    CHUNKS_DONE,
};

/* All zero at the beginning. */
struct http_chunks {
    enum http_chunks_state state;
    uint32_t left;   /* bytes of the chunk that are to come */
    unsigned digits; /* of its size */
    unsigned extra;  /* bytes of extensions and trailers so far */
};

enum http_chunks_outcome {
    CHUNKS_MORE,
    CHUNKS_WHOLE, /* bytes after the end were not looked at */
    CHUNKS_BROKEN,
    CHUNKS_TOO_LARGE, /* the body is longer than MAX */
};

/* Appends to BODY what is in the next N bytes. Not to be called again after another outcome than
 * CHUNKS_MORE. */
enum http_chunks_outcome http_chunks_take(struct http_chunks *chunks, const char *bytes, size_t n,
                                          size_t max, struct buf *body);

#endif
