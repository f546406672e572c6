#include "server/http_chunks.h"

enum {
    DIGITS_MAX = 7,   /* of a chunk's size: 256 MB, more than any body may have */
    EXTRA_MAX = 4096, /* bytes that say nothing to us */
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* In the line before a chunk. False: broken. */
static bool take_size(struct http_chunks *k, char c)
{
    int digit = hex_digit(c);

    if (digit >= 0) {
        k->left = k->left * 16 + (uint32_t)digit;
        return ++k->digits <= DIGITS_MAX;
    }
    if (k->digits == 0)
        return false;
    if (c == '\r')
        k->state = CHUNKS_SIZE_LF;
    else if (c == ';' || c == ' ' || c == '\t')
        k->state = CHUNKS_EXTENSION;
    else
        return false;
    return true;
}

/* Text that is passed over, up to the end of its line. */
static bool take_extra(struct http_chunks *k, char c, enum http_chunks_state at_end)
{
    if (c == '\r')
        k->state = at_end;
    return c != '\n' && c != '\0' && ++k->extra <= EXTRA_MAX;
}

static bool take_lf(struct http_chunks *k, char c, enum http_chunks_state next)
{
    k->state = next;
    return c == '\n';
}

/* One byte outside the data. */
static bool take_byte(struct http_chunks *k, char c)
{
    switch (k->state) {
    case CHUNKS_SIZE:
        return take_size(k, c);
    case CHUNKS_EXTENSION:
        return take_extra(k, c, CHUNKS_SIZE_LF);
    case CHUNKS_SIZE_LF:
        k->digits = 0;
        return take_lf(k, c, k->left > 0 ? CHUNKS_DATA : CHUNKS_TRAILER_START);
    case CHUNKS_DATA_CR:
        k->state = CHUNKS_DATA_LF;
        return c == '\r';
    case CHUNKS_DATA_LF:
        return take_lf(k, c, CHUNKS_SIZE);
    case CHUNKS_TRAILER_START:
        k->state = c == '\r' ? CHUNKS_END_LF : CHUNKS_TRAILER;
        return c == '\r' || take_extra(k, c, CHUNKS_TRAILER_LF);
    case CHUNKS_TRAILER:
        return take_extra(k, c, CHUNKS_TRAILER_LF);
    case CHUNKS_TRAILER_LF:
        return take_lf(k, c, CHUNKS_TRAILER_START);
    case CHUNKS_END_LF:
        return take_lf(k, c, CHUNKS_DONE);
    default:
        return false;
    }
}

enum http_chunks_outcome http_chunks_take(struct http_chunks *chunks, const char *bytes, size_t n,
                                          size_t max, struct buf *body)
{
    while (n > 0) {
        size_t used = 1;
        if (chunks->state == CHUNKS_DATA) {
            used = n < chunks->left ? n : chunks->left;
            buf_put(body, bytes, used);
            chunks->left -= (uint32_t)used;
            if (chunks->left == 0)
                chunks->state = CHUNKS_DATA_CR;
        } else if (!take_byte(chunks, *bytes)) {
            return CHUNKS_BROKEN;
        } else if (chunks->state == CHUNKS_DATA && chunks->left > max - body->len) {
            return CHUNKS_TOO_LARGE;
        }
        if (chunks->state == CHUNKS_DONE)
            return CHUNKS_WHOLE;
        bytes += used;
        n -= used;
    }
    return CHUNKS_MORE;
}
