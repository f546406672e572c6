/* fuzz_utf8.c - UTF-8: the verdict is that of a decoder written from the definition, and what is
 * valid comes back from a JSON string as it was. */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

/* The code point at S and its length in *len_out; -1 if it is no shortest form of one. */
static int64_t decode(const uint8_t *s, size_t n, size_t *len_out)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = s[0] < 0x80             ? 1
                 : (s[0] & 0xe0) == 0xc0 ? 2
                 : (s[0] & 0xf0) == 0xe0 ? 3
                 : (s[0] & 0xf8) == 0xf0 ? 4
                                         : 0;
    if (len == 0 || len > n)
        return -1;
    uint32_t c = len == 1 ? s[0] : s[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return -1;
        c = c << 6 | (s[i] & 0x3fu);
    }
    *len_out = len;
    return c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? -1 : (int64_t)c;
}

static bool reference(const uint8_t *s, size_t n)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i += len)
        if (decode(s + i, n - i, &len) < 0)
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool valid = utf8_is_valid((const char *)data, size);

    if (valid != reference(data, size))
        abort();
    if (!valid)
        return 0;
    struct buf json = {0};
    buf_json_string_n(&json, (const char *)data, size);
    json_t *back = json_loadb(json.data, json.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (back == NULL || json_string_length(back) != size ||
        memcmp(json_string_value(back), data, size) != 0)
        abort();
    json_decref(back);
    buf_free(&json);
    return 0;
}
