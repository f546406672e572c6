#include "tests/unit/testing.h"

#include "base/buf.h"
#include "cli/text.h"

static void assert_escaped(const char *text, const char *wanted)
{
    struct buf buf = {0};

    text_escape(&buf, text);
    assert_string_equal(buf.data, wanted);
    buf_free(&buf);
}

static void plain_text_is_shown_as_it_is(void **state)
{
    (void)state;
    assert_escaped("hello, \"world\" \\o/", "hello, \"world\" \\o/");
    assert_escaped("Grüße, 日本, 👋", "Grüße, 日本, 👋");
}

static void control_characters_never_reach_the_terminal(void **state)
{
    (void)state;
    assert_escaped("a\033[2Jb", "a\\x1b[2Jb");
    assert_escaped("bell\a del\177", "bell\\x07 del\\x7f");
    assert_escaped("one\r\ntwo\t", "one\\r\\ntwo\\t");
    assert_escaped("c1 \xc2\x9b 31m", "c1 \\x9b 31m");
}

static void what_reorders_or_breaks_a_line_is_escaped(void **state)
{
    (void)state;
    assert_escaped("a\xe2\x80\xae"
                   "b",
                   "a\\u{202e}b");
    assert_escaped("a\xe2\x81\xa6"
                   "b",
                   "a\\u{2066}b");
    assert_escaped("a\xe2\x80\xa8"
                   "b",
                   "a\\u{2028}b");
}

static void bytes_that_are_not_utf8_are_escaped(void **state)
{
    (void)state;
    assert_escaped("a\xff"
                   "b",
                   "a\\xffb");
    assert_escaped("cut \xe6\x97", "cut \\xe6\\x97");
    assert_escaped("overlong \xc0\xaf", "overlong \\xc0\\xaf");
    assert_escaped("surrogate \xed\xa0\x80", "surrogate \\xed\\xa0\\x80");
}

static void a_block_keeps_lines_and_indents_them(void **state)
{
    struct buf buf = {0};

    (void)state;
    text_escape_block(&buf, "one\ntwo\tx\r\n12:00:00 bob: fake", 4);
    assert_string_equal(buf.data, "one\n    two\tx\\r\n    12:00:00 bob: fake");
    buf_free(&buf);
}

static void json_stays_json_and_is_safe(void **state)
{
    struct buf buf = {0};
    static const char text[] = "{\n  \"a\": \"\\u001b \xc2\x9b \xe2\x80\xae \177 \xc3\xbc\"\n}";

    (void)state;
    text_escape_json(&buf, text, sizeof(text) - 1);
    assert_string_equal(buf.data, "{\n  \"a\": \"\\u001b \\u009b \\u202e \\u007f \xc3\xbc\"\n}");
    buf_free(&buf);
}

static void width_counts_columns_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(text_width(""), 0);
    assert_int_equal(text_width("abc"), 3);
    assert_int_equal(text_width("Grüße"), 5);
    assert_int_equal(text_width("日本"), 4);
    assert_int_equal(text_width("e\xcc\x81"), 1); /* a combining accent */
}

static void a_cut_never_splits_a_character(void **state)
{
    (void)state;
    assert_int_equal(text_fit("abc", 2), 2);
    assert_int_equal(text_fit("日本", 3), 3); /* the second is two columns wide: no room */
    assert_int_equal(text_fit("日本", 4), 6);
    assert_int_equal(text_fit("üü", 1), 2);
}

static void every_pair_of_bytes_is_survived(void **state)
{
    struct buf buf = {0};

    (void)state;
    for (int i = 1; i < 256; i++)
        for (int j = 0; j < 256; j++) {
            char text[3] = {(char)i, (char)j, '\0'};
            buf_clear(&buf);
            text_escape(&buf, text);
            for (size_t k = 0; k < buf.len; k++)
                assert_true((unsigned char)buf.data[k] >= 0x20 && buf.data[k] != 0x7f);
        }
    buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_is_shown_as_it_is),
        cmocka_unit_test(control_characters_never_reach_the_terminal),
        cmocka_unit_test(what_reorders_or_breaks_a_line_is_escaped),
        cmocka_unit_test(bytes_that_are_not_utf8_are_escaped),
        cmocka_unit_test(a_block_keeps_lines_and_indents_them),
        cmocka_unit_test(json_stays_json_and_is_safe),
        cmocka_unit_test(width_counts_columns_not_bytes),
        cmocka_unit_test(a_cut_never_splits_a_character),
        cmocka_unit_test(every_pair_of_bytes_is_survived),
    };

    text_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
