#include "server/gzip.h"

#include <stdint.h>

#define ZLIB_CONST /* input is not written to */
#include <zlib.h>

bool gzip_put(struct buf *out, const char *body, size_t len, int level)
{
    enum { GZIP_WINDOW = 15 + 16, MEMORY_LEVEL = 8 };
    z_stream z = {0};

    if (len > UINT32_MAX / 2 ||
        deflateInit2(&z, level, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    uLong room = deflateBound(&z, (uLong)len);
    z.next_in = (const Bytef *)body;
    z.avail_in = (uInt)len;
    z.next_out = (Bytef *)buf_reserve(out, room);
    z.avail_out = (uInt)room;
    bool whole = deflate(&z, Z_FINISH) == Z_STREAM_END;
    if (whole)
        out->len += z.total_out;
    out->data[out->len] = '\0';
    (void)deflateEnd(&z);
    return whole;
}
