/* gzip.h - compressing what the server answers with (RFC 1952). Threading: any. */
#ifndef SERVER_GZIP_H
#define SERVER_GZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Appends BODY of LEN bytes, compressed with zlib's LEVEL (1: the fastest, 9: the smallest). False:
 * it cannot be, or LEN is too large; OUT is as it was. */
bool gzip_put(struct buf *out, const char *body, size_t len, int level);

#endif
