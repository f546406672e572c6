#include "cli/text.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <wchar.h>

#include "base/utf8.h"

void text_init(void)
{
    if (setlocale(LC_CTYPE, "") == NULL || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
}

size_t text_decode(const char *s, size_t n, uint32_t *code_out)
{
    unsigned char lead = (unsigned char)s[0];
    size_t len = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

    *code_out = lead;
    if (len == 1)
        return 1;
    if (len > n || !utf8_is_valid(s, len))
        return 0;
    uint32_t code = lead & (0x7fu >> len);
    for (size_t i = 1; i < len; i++)
        code = code << 6 | ((unsigned char)s[i] & 0x3fu);
    *code_out = code;
    return len;
}

static bool is_unsafe(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x2028 || code == 0x2029 ||
           (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
           (code >= 0xfff9 && code <= 0xfffb);
}

static void put_escaped(struct buf *buf, uint32_t code)
{
    switch (code) {
    case '\n':
        buf_puts(buf, "\\n");
        break;
    case '\r':
        buf_puts(buf, "\\r");
        break;
    case '\t':
        buf_puts(buf, "\\t");
        break;
    default:
        buf_printf(buf, code < 0x100 ? "\\x%02x" : "\\u{%x}", (unsigned)code);
    }
}

/* KEEP says whether line feeds and tabs pass; a line feed is then followed by INDENT spaces. */
static void escape(struct buf *buf, const char *s, bool keep, size_t indent)
{
    size_t n = strlen(s);

    (void)buf_reserve(buf, n);
    for (size_t i = 0; i < n;) {
        uint32_t code;
        size_t len = text_decode(s + i, n - i, &code);
        if (keep && code == '\n')
            buf_printf(buf, "\n%*s", (int)indent, "");
        else if (len == 0 || (is_unsafe(code) && !(keep && code == '\t')))
            put_escaped(buf, code);
        else
            buf_put(buf, s + i, len);
        i += len > 0 ? len : 1;
    }
}

void text_escape(struct buf *buf, const char *s)
{
    escape(buf, s, false, 0);
}

void text_escape_block(struct buf *buf, const char *s, size_t indent)
{
    escape(buf, s, true, indent);
}

void text_escape_json(struct buf *buf, const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint32_t code;
        size_t len = text_decode(s + i, n - i, &code);
        if (code >= 0x20 && (len == 0 || is_unsafe(code)))
            buf_printf(buf, "\\u%04x", (unsigned)code);
        else
            buf_put(buf, s + i, len);
        i += len > 0 ? len : 1;
    }
}

/* The bytes of the character at S, and its columns. */
static size_t next_width(const char *s, size_t n, size_t *columns_out)
{
    uint32_t code;
    size_t len = text_decode(s, n, &code);
    int width = len > 0 ? wcwidth((wchar_t)code) : 1;

    *columns_out = width < 0 ? 1 : (size_t)width;
    return len > 0 ? len : 1;
}

size_t text_width(const char *escaped)
{
    size_t n = strlen(escaped);
    size_t width = 0;

    for (size_t i = 0; i < n;) {
        size_t columns;
        i += next_width(escaped + i, n - i, &columns);
        width += columns;
    }
    return width;
}

size_t text_fit(const char *escaped, size_t columns)
{
    size_t n = strlen(escaped);
    size_t width = 0;
    size_t i = 0;

    while (i < n) {
        size_t next;
        size_t len = next_width(escaped + i, n - i, &next);
        if (width + next > columns)
            break;
        width += next;
        i += len;
    }
    return i;
}
