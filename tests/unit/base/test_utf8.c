#include "tests/unit/testing.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/utf8.h"

static size_t encode(uint32_t c, unsigned char out[4])
{
    if (c < 0x80) {
        out[0] = (unsigned char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (unsigned char)(0x80 | (c & 0x3f));
    out[0] = (unsigned char)((0xf00u >> n & 0xff) | c);
    return n;
}

/* Written from the definition, without regard to speed: decode, and see whether encoding gives the
 * same bytes back. */
static bool reference(const unsigned char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t len = s[i] < 0x80 ? 1 : s[i] >= 0xf0 ? 4 : s[i] >= 0xe0 ? 3 : s[i] >= 0xc0 ? 2 : 0;
        unsigned char again[4];
        if (len == 0 || i + len > n)
            return false;
        uint32_t c = len == 1 ? s[i] : s[i] & (0xffu >> (len + 1));
        for (size_t k = 1; k < len; k++)
            c = c << 6 | (s[i + k] & 0x3fu);
        if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) || encode(c, again) != len ||
            memcmp(again, s + i, len) != 0)
            return false;
        i += len;
    }
    return true;
}

static void every_code_point_but_the_surrogates_is_valid(void **state)
{
    (void)state;
    unsigned char bytes[4];

    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        size_t n = encode(c, bytes);
        if (utf8_is_valid((char *)bytes, n) != (c < 0xd800 || c > 0xdfff))
            fail_msg("U+%04X is judged wrongly", c);
        if (n > 1 && utf8_is_valid((char *)bytes, n - 1))
            fail_msg("half of U+%04X is accepted", c);
    }
}

static void sequences_at_every_edge_are_judged_as_by_the_definition(void **state)
{
    (void)state;
    static const unsigned char edges[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90,
                                          0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xff};

    for (unsigned first = 0; first < 256; first++)
        for (size_t b = 0; b < ARRAY_LEN(edges); b++)
            for (size_t c = 0; c < ARRAY_LEN(edges); c++)
                for (size_t d = 0; d < ARRAY_LEN(edges); d++) {
                    const unsigned char s[] = {(unsigned char)first, edges[b], edges[c], edges[d]};
                    for (size_t n = 1; n <= sizeof(s); n++)
                        if (utf8_is_valid((const char *)s, n) != reference(s, n))
                            fail_msg("%02x %02x %02x %02x (%zu) is judged wrongly", s[0], s[1],
                                     s[2], s[3], n);
                }
}

/* ASCII is looked at eight bytes at a time: a wrong byte must be seen wherever it stands, and
 * nothing behind the end may be read. */
static void one_bad_byte_is_found_at_every_place(void **state)
{
    (void)state;
    for (size_t n = 1; n < 40; n++) {
        char *s = malloc(n);
        memset(s, 'a', n);
        assert_true(utf8_is_valid(s, n));
        for (size_t at = 0; at < n; at++) {
            s[at] = '\x80';
            assert_false(utf8_is_valid(s, n));
            s[at] = '\xc3';
            assert_false(utf8_is_valid(s, n));
            if (at + 1 < n) {
                s[at + 1] = '\xa4';
                assert_true(utf8_is_valid(s, n));
                s[at + 1] = 'a';
            }
            s[at] = 'a';
        }
        free(s);
    }
}

static void the_empty_string_and_nul_are_valid(void **state)
{
    (void)state;
    assert_true(utf8_is_valid("", 0));
    assert_true(utf8_is_valid("\0\0", 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_but_the_surrogates_is_valid),
        cmocka_unit_test(sequences_at_every_edge_are_judged_as_by_the_definition),
        cmocka_unit_test(one_bad_byte_is_found_at_every_place),
        cmocka_unit_test(the_empty_string_and_nul_are_valid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
