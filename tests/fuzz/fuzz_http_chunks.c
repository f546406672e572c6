/* fuzz_http_chunks.c - a body in chunks: what comes in pieces is taken as what comes at once, never
 * more than the bound, and a whole body is read again from a chunk of its own. The first byte says
 * how the rest is cut.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/http_chunks.h"

enum { MAX = 4096 };

static enum http_chunks_outcome take(const char *bytes, size_t n, size_t step, struct buf *body)
{
    struct http_chunks chunks = {0};
    enum http_chunks_outcome outcome = CHUNKS_MORE;

    for (size_t at = 0; at < n && outcome == CHUNKS_MORE; at += step) {
        size_t piece = n - at < step ? n - at : step;
        outcome = http_chunks_take(&chunks, bytes + at, piece, MAX, body);
        if (body->len > MAX)
            abort();
    }
    return outcome;
}

static void require_same(const struct buf *a, const struct buf *b)
{
    if (a->len != b->len || (a->len > 0 && memcmp(a->data, b->data, a->len) != 0))
        abort();
}

static void check_again(const struct buf *body)
{
    struct buf text = {0};
    struct buf again = {0};

    if (body->len > 0)
        buf_printf(&text, "%zx\r\n", body->len);
    buf_put(&text, body->data == NULL ? "" : body->data, body->len);
    buf_puts(&text, body->len > 0 ? "\r\n0\r\n\r\n" : "0\r\n\r\n");
    if (take(text.data, text.len, text.len, &again) != CHUNKS_WHOLE)
        abort();
    require_same(body, &again);
    buf_free(&text);
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = {0};
    struct buf pieces = {0};

    if (size == 0)
        return 0;
    const char *bytes = (const char *)data + 1;
    size_t n = size - 1;
    enum http_chunks_outcome outcome = take(bytes, n, n == 0 ? 1 : n, &whole);
    if (take(bytes, n, 1u + data[0] % 16, &pieces) != outcome)
        abort();
    require_same(&whole, &pieces);
    if (outcome == CHUNKS_WHOLE)
        check_again(&whole);
    buf_free(&whole);
    buf_free(&pieces);
    return 0;
}
