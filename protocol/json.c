#include "protocol/json.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "protocol/limits.h"

struct reader {
    const char *p;
    const char *end;
    const char *reason; /* of the first failure, NULL until then */
    int depth;
    struct buf scratch; /* a string with escapes, or a real number */
};

/* A string of the text: where its bytes are until the next one is read. */
struct span {
    const char *s;
    size_t n;
};

/* NULL, which reads as false too. */
static void *fail(struct reader *r, const char *reason)
{
    if (r->reason == NULL)
        r->reason = r->p == r->end ? "ends too early" : reason;
    return NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The next byte that is no white space, or NUL at the end. */
static char peek(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\t' || *r->p == '\r'))
        r->p++;
    return r->p < r->end ? *r->p : '\0';
}

/* -- strings ------------------------------------------------------------------------------------
 */

/* The four hex digits after \u, or -1. */
static int32_t read_hex4(struct reader *r)
{
    int32_t value = 0;

    for (int i = 0; i < 4; i++, r->p++) {
        char c = r->p < r->end ? *r->p : '\0';
        int digit = is_digit(c)            ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static void put_code_point(struct buf *out, uint32_t c)
{
    char bytes[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        bytes[i] = (char)(0x80 | (c & 0x3f));
    bytes[0] = (char)(marks[n] | c);
    buf_put(out, bytes, n);
}

/* After \u. A code point above U+FFFF comes as two escapes, a high and a low surrogate. */
static bool read_unicode_escape(struct reader *r)
{
    int32_t c = read_hex4(r);

    if (c < 0)
        return fail(r, "has a wrong escape in a string");
    if (c == 0)
        return fail(r, "contains a NUL character");
    if (c >= 0xd800 && c < 0xdc00 && r->end - r->p >= 2 && r->p[0] == '\\' && r->p[1] == 'u') {
        r->p += 2;
        int32_t low = read_hex4(r);
        if (low < 0xdc00 || low > 0xdfff)
            return fail(r, "has half a surrogate pair");
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    } else if (c >= 0xd800 && c <= 0xdfff) {
        return fail(r, "has half a surrogate pair");
    }
    put_code_point(&r->scratch, (uint32_t)c);
    return true;
}

/* After a backslash. */
static bool read_escape(struct reader *r)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    char c = r->p < r->end ? *r->p : '\0';
    const char *at = c == '\0' ? NULL : strchr(letters, c);

    if (at == NULL && c != 'u')
        return fail(r, "has a wrong escape in a string");
    r->p++;
    if (c == 'u')
        return read_unicode_escape(r);
    buf_putc(&r->scratch, meanings[at - letters]);
    return true;
}

/* Up to the next quote, backslash or control character. */
static struct span read_run(struct reader *r)
{
    const char *start = r->p;

    while (r->p < r->end && *r->p != '"' && *r->p != '\\' && (unsigned char)*r->p >= ' ')
        r->p++;
    return (struct span){start, (size_t)(r->p - start)};
}

/* At an opening quote. Only a string with escapes is copied. */
static bool read_string(struct reader *r, struct span *out)
{
    r->p++;
    *out = read_run(r);
    if (r->p < r->end && *r->p == '"') {
        r->p++;
        return true;
    }
    buf_clear(&r->scratch);
    buf_put(&r->scratch, out->s, out->n);
    while (r->p < r->end && *r->p == '\\') {
        r->p++;
        if (!read_escape(r))
            return false;
        struct span run = read_run(r);
        buf_put(&r->scratch, run.s, run.n);
    }
    if (r->p == r->end || *r->p != '"')
        return fail(r, "has a control character in a string");
    r->p++;
    *out = (struct span){r->scratch.data, r->scratch.len};
    return true;
}

/* -- numbers and words --------------------------------------------------------------------------
 */

static bool skip_digits(struct reader *r)
{
    const char *start = r->p;

    while (r->p < r->end && is_digit(*r->p))
        r->p++;
    return r->p > start;
}

/* Skips a number's fraction and exponent; *real_out says whether it has one. */
static bool skip_real_part(struct reader *r, bool *real_out)
{
    *real_out = false;
    if (r->p < r->end && *r->p == '.') {
        *real_out = true;
        r->p++;
        if (!skip_digits(r))
            return false;
    }
    if (r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
        *real_out = true;
        r->p++;
        if (r->p < r->end && (*r->p == '+' || *r->p == '-'))
            r->p++;
        return skip_digits(r);
    }
    return true;
}

static json_t *real_from(struct reader *r, const char *start)
{
    buf_clear(&r->scratch);
    buf_put(&r->scratch, start, (size_t)(r->p - start));
    double value = strtod(r->scratch.data, NULL);

    return isfinite(value) ? json_real(value) : fail(r, "has a number out of range");
}

static json_t *integer_from(struct reader *r, const char *start)
{
    bool negative = *start == '-';
    int64_t value = 0;

    for (const char *p = start + negative; p < r->p; p++) {
        int64_t digit = *p - '0';
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, negative ? -digit : digit, &value))
            return fail(r, "has a number out of range");
    }
    return json_integer(value);
}

static json_t *read_number(struct reader *r)
{
    const char *start = r->p;
    bool real;

    r->p += *r->p == '-';
    const char *digits = r->p;
    if (!skip_digits(r) || (*digits == '0' && r->p > digits + 1) || !skip_real_part(r, &real))
        return fail(r, "is not valid JSON");
    return real ? real_from(r, start) : integer_from(r, start);
}

static json_t *read_word(struct reader *r)
{
    static const char *const words[] = {"true", "false", "null"};

    for (int i = 0; i < 3; i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(r->end - r->p) >= n && memcmp(r->p, words[i], n) == 0) {
            r->p += n;
            return i == 0 ? json_true() : i == 1 ? json_false() : json_null();
        }
    }
    return fail(r, "is not valid JSON");
}

/* -- values -------------------------------------------------------------------------------------
 */

static json_t *read_value(struct reader *r);

/* After a member or item: true if another follows, false at CLOSE or after a failure. */
static bool goes_on(struct reader *r, char close)
{
    char c = peek(r);

    if (c != ',' && c != close)
        return fail(r, "is not valid JSON");
    r->p++;
    return c == ',';
}

static bool read_member(struct reader *r, json_t *object)
{
    struct span string;
    char small[32];
    struct buf large = {0};

    if (peek(r) != '"')
        return fail(r, "is not valid JSON");
    if (!read_string(r, &string))
        return false;
    const char *key = string.s;
    if (key == r->scratch.data) { /* the value will need the scratch buffer */
        if (string.n <= sizeof(small)) {
            memcpy(small, key, string.n);
            key = small;
        } else {
            buf_put(&large, key, string.n);
            key = large.data;
        }
    }
    json_t *value = NULL;
    size_t size = json_object_size(object);
    if (peek(r) != ':') {
        (void)fail(r, "is not valid JSON");
    } else {
        r->p++;
        value = read_value(r);
    }
    bool ok = value != NULL && json_object_setn_new_nocheck(object, key, string.n, value) == 0;
    buf_free(&large);
    return ok &&
           (json_object_size(object) > size || fail(r, "has the same key twice in one object"));
}

static json_t *read_object(struct reader *r)
{
    json_t *object = json_object();
    bool ok;

    r->p++;
    if (peek(r) == '}') {
        r->p++;
        return object;
    }
    do
        ok = read_member(r, object);
    while (ok && goes_on(r, '}'));
    if (ok && r->reason == NULL)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *read_array(struct reader *r)
{
    json_t *array = json_array();
    bool ok;

    r->p++;
    if (peek(r) == ']') {
        r->p++;
        return array;
    }
    do
        ok = json_array_append_new(array, read_value(r)) == 0;
    while (ok && goes_on(r, ']'));
    if (ok && r->reason == NULL)
        return array;
    json_decref(array);
    return NULL;
}

static json_t *read_nested(struct reader *r)
{
    if (r->depth == LIMIT_JSON_DEPTH)
        return fail(r, "is nested too deeply");
    r->depth++;
    json_t *json = *r->p == '{' ? read_object(r) : read_array(r);
    r->depth--;
    return json;
}

static json_t *read_value(struct reader *r)
{
    struct span string;
    char c = peek(r);

    if (c == '"')
        return read_string(r, &string) ? json_stringn_nocheck(string.s, string.n) : NULL;
    if (c == '{' || c == '[')
        return read_nested(r);
    return c == '-' || is_digit(c) ? read_number(r) : read_word(r);
}

json_t *json_parse_bounded(const char *text, size_t len, const char **reason_out)
{
    struct reader r = {.p = text, .end = text + len};
    json_t *json = NULL;

    if (!utf8_is_valid(text, len)) {
        *reason_out = "is not valid UTF-8";
        return NULL;
    }
    char c = peek(&r);
    if (c == '{' || c == '[')
        json = read_value(&r);
    else
        (void)fail(&r, "is neither a JSON object nor an array");
    if (json != NULL && (peek(&r) != '\0' || r.p < r.end)) {
        (void)fail(&r, "has something after its end");
        json_decref(json);
        json = NULL;
    }
    buf_free(&r.scratch);
    if (json == NULL)
        *reason_out = r.reason != NULL ? r.reason : "does not fit into memory";
    return json;
}
