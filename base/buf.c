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

/* The way when there is room is short, and most bytes go it. */
static inline char *room_for(struct buf *buf, size_t n)
{
    return buf->cap - buf->len > n ? buf->data + buf->len : buf_reserve(buf, n);
}

void buf_put(struct buf *buf, const void *bytes, size_t n)
{
    char *to = room_for(buf, n);

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
    char *to = room_for(buf, 1);

    to[0] = c;
    to[1] = '\0';
    buf->len++;
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

/* How many bytes at the beginning of S go out as they are. Eight at a time: of each byte the
 * highest bit of what is subtracted or compared tells. */
static size_t plain_len(const char *s, size_t n)
{
    static const uint64_t ones = UINT64_C(0x0101010101010101);
    static const uint64_t tops = UINT64_C(0x8080808080808080);
    size_t i = 0;

    for (uint64_t word; i + sizeof(word) <= n; i += sizeof(word)) {
        memcpy(&word, s + i, sizeof(word));
        uint64_t quotes = word ^ ones * '"';
        uint64_t backslashes = word ^ ones * '\\';
        uint64_t found = (word - ones * 0x20) | (quotes - ones) | (backslashes - ones);
        if ((found & ~word & tops) != 0)
            break;
    }
    while (i < n && escapes[(unsigned char)s[i]] == 0)
        i++;
    return i;
}

static char *put_escape(char *to, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";

    *to++ = '\\';
    *to++ = escapes[c];
    if (escapes[c] == 'u') {
        memcpy(to, "00", 2);
        to[2] = hex[c >> 4];
        to[3] = hex[c & 15];
        to += 4;
    }
    return to;
}

void buf_json_string_n(struct buf *buf, const char *s, size_t n)
{
    size_t plain = plain_len(s, n);
    char *start = room_for(buf, plain + (n - plain) * 6 + 2); /* the worst case: all \u00XX */
    char *to = start;

    *to++ = '"';
    for (;;) {
        if (plain > 0)
            memcpy(to, s, plain);
        to += plain;
        s += plain;
        n -= plain;
        if (n == 0)
            break;
        to = put_escape(to, (unsigned char)*s++);
        n--;
        plain = plain_len(s, n);
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
    size_t n = strlen(name);

    buf_json_comma(buf);
    char *to = room_for(buf, n + 3);
    *to++ = '"';
    memcpy(to, name, n);
    memcpy(to + n, "\":", 3);
    buf->len += n + 3;
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
    char text[CLOCK_TEXT_SIZE + 1] = "\"";

    clock_format(unix_ms, text + 1);
    size_t n = strlen(text);
    text[n] = '"';
    buf_json_key(buf, name);
    buf_put(buf, text, n + 1);
}
