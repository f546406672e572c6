/* buf.h - a growing byte buffer, and writing JSON into it (RFC 8259).
 *
 * Threading: none of its own. Ownership: `struct buf buf = {0};` is an empty one; buf_free()
 * releases it. The bytes are NUL-terminated after every call, so `data` reads as a string
 * (NULL only while nothing was ever put in).
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct buf {
    char *data;
    size_t len;
    size_t cap;
};

void buf_free(struct buf *buf);
void buf_clear(struct buf *buf); /* empties, keeps the memory */
/* Room for N more bytes and the NUL; returns where they go. Add to len yourself. */
char *buf_reserve(struct buf *buf, size_t n);
void buf_put(struct buf *buf, const void *bytes, size_t n);
void buf_puts(struct buf *buf, const char *s);
void buf_putc(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The string, owned by the caller from now on; the buffer is empty. Never NULL. */
char *buf_detach(struct buf *buf);

/* JSON. S is valid UTF-8; quotes, backslashes and control characters are escaped. */
void buf_json_string(struct buf *buf, const char *s);
void buf_json_string_n(struct buf *buf, const char *s, size_t n);
void buf_json_int(struct buf *buf, int64_t value);
void buf_json_uint(struct buf *buf, uint64_t value);
/* `"name":"value"` with a comma before it unless the byte before opens an object or array;
 * the _opt form writes nothing for NULL. */
void buf_json_key(struct buf *buf, const char *name);
void buf_json_member(struct buf *buf, const char *name, const char *value);
void buf_json_member_opt(struct buf *buf, const char *name, const char *value);
void buf_json_member_int(struct buf *buf, const char *name, int64_t value);
void buf_json_member_bool(struct buf *buf, const char *name, bool value);
/* A comma, unless the byte before opens an object or array. */
void buf_json_comma(struct buf *buf);
/* `"name":"2026-01-02T03:04:05.678Z"` (RFC 3339) from milliseconds since the epoch. */
void buf_json_member_time(struct buf *buf, const char *name, int64_t unix_ms);

#endif
