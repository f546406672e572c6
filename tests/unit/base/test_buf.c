#include "tests/unit/testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static void an_empty_buffer_is_all_zeros(void **state)
{
    (void)state;
    struct buf buf = {0};

    buf_clear(&buf);
    buf_put(&buf, NULL, 0);
    assert_string_equal(buf.data, "");
    assert_int_equal(buf.len, 0);
    buf_free(&buf);
    assert_null(buf.data);
    buf_free(&buf);
}

static void bytes_are_appended_and_end_with_nul(void **state)
{
    (void)state;
    struct buf buf = {0};

    buf_puts(&buf, "ab");
    buf_putc(&buf, 'c');
    buf_put(&buf, "d\0e", 3);
    assert_int_equal(buf.len, 6);
    assert_memory_equal(buf.data, "abcd\0e\0", 7);
    buf_clear(&buf);
    assert_string_equal(buf.data, "");
    buf_printf(&buf, "%s-%d", "x", 42);
    buf_printf(&buf, "%s", "");
    assert_string_equal(buf.data, "x-42");
    buf_free(&buf);
}

static void a_buffer_grows_over_every_size(void **state)
{
    (void)state;
    struct buf buf = {0};

    for (size_t i = 0; i < 5000; i++) {
        buf_putc(&buf, (char)('a' + i % 26));
        assert_int_equal(strlen(buf.data), i + 1);
        assert_true(buf.cap > buf.len);
    }
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(buf.data[i], 'a' + i % 26);
    buf_free(&buf);
}

static void reserved_room_keeps_the_string_readable(void **state)
{
    (void)state;
    struct buf buf = {0};

    memcpy(buf_reserve(&buf, 100), "hi", 3);
    buf.len += 2;
    (void)buf_reserve(&buf, 100000);
    assert_string_equal(buf.data, "hi");
    buf_free(&buf);
    (void)buf_reserve(&buf, 1000);
    assert_string_equal(buf.data, "");
    buf_free(&buf);
}

static void detaching_gives_the_string_away(void **state)
{
    (void)state;
    struct buf buf = {0};
    char *s = buf_detach(&buf);

    assert_string_equal(s, "");
    free(s);
    buf_puts(&buf, "mine");
    s = buf_detach(&buf);
    assert_string_equal(s, "mine");
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
    free(s);
}

static void a_json_string_escapes_quotes_backslashes_and_control_characters(void **state)
{
    (void)state;
    struct buf buf = {0};

    buf_json_string(&buf, "a\"\\/\b\t\n\f\r\x01\x1f\x7f\xc3\xa4");
    assert_string_equal(buf.data, "\"a\\\"\\\\/\\b\\t\\n\\f\\r\\u0001\\u001f\x7f\xc3\xa4\"");
    buf_clear(&buf);
    buf_json_string_n(&buf, "a\0b", 3);
    assert_string_equal(buf.data, "\"a\\u0000b\"");
    buf_free(&buf);
}

static void numbers_are_written_up_to_their_limits(void **state)
{
    (void)state;
    struct buf buf = {0};

    buf_json_int(&buf, INT64_MIN);
    buf_putc(&buf, ' ');
    buf_json_int(&buf, INT64_MAX);
    buf_putc(&buf, ' ');
    buf_json_uint(&buf, UINT64_MAX);
    buf_putc(&buf, ' ');
    buf_json_int(&buf, 0);
    buf_putc(&buf, ' ');
    buf_json_int(&buf, -7);
    assert_string_equal(buf.data,
                        "-9223372036854775808 9223372036854775807 18446744073709551615 0 -7");
    buf_free(&buf);
}

static void members_are_parted_by_commas(void **state)
{
    (void)state;
    struct buf buf = {0};

    buf_putc(&buf, '{');
    buf_json_member(&buf, "a", "1,");
    buf_json_member_opt(&buf, "b", NULL);
    buf_json_member_opt(&buf, "c", "x[");
    buf_json_member_int(&buf, "d", -1);
    buf_json_member_bool(&buf, "e", true);
    buf_json_member_bool(&buf, "f", false);
    buf_json_key(&buf, "g");
    buf_putc(&buf, '[');
    buf_json_comma(&buf);
    buf_json_string(&buf, "{");
    buf_json_comma(&buf);
    buf_json_int(&buf, 2);
    buf_putc(&buf, ']');
    buf_json_member_time(&buf, "h", 0);
    buf_putc(&buf, '}');
    assert_string_equal(buf.data, "{\"a\":\"1,\",\"c\":\"x[\",\"d\":-1,\"e\":true,\"f\":false,"
                                  "\"g\":[\"{\",2],\"h\":\"1970-01-01T00:00:00.000Z\"}");
    buf_free(&buf);
}

static void the_first_member_of_an_empty_buffer_has_no_comma(void **state)
{
    (void)state;
    struct buf buf = {0};

    buf_json_member_int(&buf, "a", 1);
    buf_json_member_int(&buf, "b", 2);
    assert_string_equal(buf.data, "\"a\":1,\"b\":2");
    buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_is_all_zeros),
        cmocka_unit_test(bytes_are_appended_and_end_with_nul),
        cmocka_unit_test(a_buffer_grows_over_every_size),
        cmocka_unit_test(reserved_room_keeps_the_string_readable),
        cmocka_unit_test(detaching_gives_the_string_away),
        cmocka_unit_test(a_json_string_escapes_quotes_backslashes_and_control_characters),
        cmocka_unit_test(numbers_are_written_up_to_their_limits),
        cmocka_unit_test(members_are_parted_by_commas),
        cmocka_unit_test(the_first_member_of_an_empty_buffer_has_no_comma),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
