#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

void buf_free(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){0};
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    if (buf->data != NULL)
        buf->data[0] = '\0';
}

char *buf_reserve(struct buf *buf, size_t n)
{
    if (buf->cap - buf->len <= n) {
        size_t cap = buf->cap < 64 ? 64 : buf->cap;
        while (cap - buf->len <= n)
            cap *= 2;
        buf->data = mem_realloc(buf->data, cap);
        buf->cap = cap;
        buf->data[buf->len] = '\0';
    }
    return buf->data + buf->len;
}

void buf_put(struct buf *buf, const void *bytes, size_t n)
{
    char *to = buf_reserve(buf, n);

    if (n > 0)
        memcpy(to, bytes, n);
    buf->len += n;
    buf->data[buf->len] = '\0';
}

void buf_puts(struct buf *buf, const char *s)
{
    buf_put(buf, s, strlen(s));
}

void buf_putc(struct buf *buf, char c)
{
    buf_put(buf, &c, 1);
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list args;
    va_list again;

    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n > 0) {
        char *to = buf_reserve(buf, (size_t)n);
        (void)vsnprintf(to, (size_t)n + 1, fmt, again);
        buf->len += (size_t)n;
    }
    va_end(again);
}

char *buf_detach(struct buf *buf)
{
    char *data = buf->data != NULL ? buf->data : mem_zalloc(1);

    *buf = (struct buf){0};
    return data;
}

/* What must be escaped: 0 for nothing, 'u' for \u00XX, else the letter after the backslash. */
static const char escapes[256] = {
    [0x00] = 'u', [0x01] = 'u', [0x02] = 'u', [0x03] = 'u',  [0x04] = 'u', [0x05] = 'u',
    [0x06] = 'u', [0x07] = 'u', ['\b'] = 'b', ['\t'] = 't',  ['\n'] = 'n', [0x0b] = 'u',
    ['\f'] = 'f', ['\r'] = 'r', [0x0e] = 'u', [0x0f] = 'u',  [0x10] = 'u', [0x11] = 'u',
    [0x12] = 'u', [0x13] = 'u', [0x14] = 'u', [0x15] = 'u',  [0x16] = 'u', [0x17] = 'u',
    [0x18] = 'u', [0x19] = 'u', [0x1a] = 'u', [0x1b] = 'u',  [0x1c] = 'u', [0x1d] = 'u',
    [0x1e] = 'u', [0x1f] = 'u', ['"'] = '"',  ['\\'] = '\\',
};

void buf_json_string_n(struct buf *buf, const char *s, size_t n)
{
    static const char hex[] = "0123456789abcdef";
    char *start = buf_reserve(buf, n * 6 + 2); /* the worst case: all \u00XX */
    char *to = start;

    *to++ = '"';
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        char e = escapes[c];
        if (e == 0) {
            *to++ = (char)c;
            continue;
        }
        *to++ = '\\';
        *to++ = e;
        if (e == 'u') {
            memcpy(to, "00", 2);
            to[2] = hex[c >> 4];
            to[3] = hex[c & 15];
            to += 4;
        }
    }
    *to++ = '"';
    *to = '\0';
    buf->len += (size_t)(to - start);
}

void buf_json_string(struct buf *buf, const char *s)
{
    buf_json_string_n(buf, s, strlen(s));
}

void buf_json_uint(struct buf *buf, uint64_t value)
{
    char digits[20];
    size_t i = sizeof(digits);

    do {
        digits[--i] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    buf_put(buf, digits + i, sizeof(digits) - i);
}

void buf_json_int(struct buf *buf, int64_t value)
{
    if (value < 0) {
        buf_putc(buf, '-');
        buf_json_uint(buf, 0 - (uint64_t)value);
    } else {
        buf_json_uint(buf, (uint64_t)value);
    }
}

void buf_json_comma(struct buf *buf)
{
    if (buf->len == 0)
        return;
    char last = buf->data[buf->len - 1];
    if (last != '{' && last != '[' && last != ',' && last != ':')
        buf_putc(buf, ',');
}

void buf_json_key(struct buf *buf, const char *name)
{
    buf_json_comma(buf);
    buf_putc(buf, '"');
    buf_puts(buf, name);
    buf_put(buf, "\":", 2);
}

void buf_json_member(struct buf *buf, const char *name, const char *value)
{
    buf_json_key(buf, name);
    buf_json_string(buf, value);
}

void buf_json_member_opt(struct buf *buf, const char *name, const char *value)
{
    if (value != NULL)
        buf_json_member(buf, name, value);
}

void buf_json_member_int(struct buf *buf, const char *name, int64_t value)
{
    buf_json_key(buf, name);
    buf_json_int(buf, value);
}

void buf_json_member_bool(struct buf *buf, const char *name, bool value)
{
    buf_json_key(buf, name);
    buf_puts(buf, value ? "true" : "false");
}

void buf_json_member_time(struct buf *buf, const char *name, int64_t unix_ms)
{
    char text[CLOCK_TEXT_SIZE];

    clock_format(unix_ms, text);
    buf_json_key(buf, name);
    buf_putc(buf, '"');
    buf_puts(buf, text);
    buf_putc(buf, '"');
}
