#include "tests/unit/testing.h"

#include <string.h>

#include "base/macros.h"
#include "server/bus/redis_uri.h"

static void every_part_is_read(void **state)
{
    struct redis_uri uri;
    char error[256] = "";

    (void)state;
    assert_true(redis_uri_parse("redis://parley:s%40cret%3A@redis.example:6380/3", &uri, error));
    assert_string_equal(uri.host, "redis.example");
    assert_string_equal(uri.user, "parley");
    assert_string_equal(uri.password, "s@cret:");
    assert_int_equal(uri.port, 6380);
    assert_int_equal(uri.db, 3);
    assert_string_equal(uri.shown, "redis.example:6380");
}

static void what_is_left_out_has_a_default(void **state)
{
    struct redis_uri uri;
    char error[256] = "";

    (void)state;
    assert_true(redis_uri_parse("redis://localhost", &uri, error));
    assert_string_equal(uri.host, "localhost");
    assert_string_equal(uri.user, "");
    assert_string_equal(uri.password, "");
    assert_int_equal(uri.port, 6379);
    assert_int_equal(uri.db, 0);
    assert_true(redis_uri_parse("redis://:only@localhost/", &uri, error));
    assert_string_equal(uri.user, "");
    assert_string_equal(uri.password, "only");
}

static void an_ipv6_address_stands_in_brackets(void **state)
{
    struct redis_uri uri;
    char error[256] = "";

    (void)state;
    assert_true(redis_uri_parse("redis://[::1]:7000/1", &uri, error));
    assert_string_equal(uri.host, "::1");
    assert_int_equal(uri.port, 7000);
    assert_string_equal(uri.shown, "[::1]:7000");
}

static void a_socket_has_a_path(void **state)
{
    struct redis_uri uri;
    char error[256] = "";

    (void)state;
    assert_true(redis_uri_parse("redis+unix://u:p@/run/redis.sock?db=2", &uri, error));
    assert_string_equal(uri.host, "");
    assert_string_equal(uri.path, "/run/redis.sock");
    assert_string_equal(uri.user, "u");
    assert_string_equal(uri.password, "p");
    assert_int_equal(uri.db, 2);
    assert_string_equal(uri.shown, "/run/redis.sock");
}

static void nothing_else_is_taken_and_no_password_is_shown(void **state)
{
    static const char *const wrong[] = {
        "",
        "localhost",
        "http://localhost",
        "redis:/localhost",
        "rediss://u:hidden@localhost",
        "redis://",
        "redis://:6379",
        "redis://u:hidden@",
        "redis://u:hidden@host:0",
        "redis://u:hidden@host:65536",
        "redis://u:hidden@host:12x",
        "redis://u:hidden@host:",
        "redis://u:hidden@host/x",
        "redis://u:hidden@host/65536",
        "redis://u:hidden@host?db=1",
        "redis://u:hidden%@host",
        "redis://u:hidden%4@host",
        "redis://u:hidden%00@host",
        "redis://u:hidden%zz@host",
        "redis://u@host",
        "redis://[::1",
        "redis://[::1]x",
        "redis+unix://",
        "redis+unix://relative",
        "redis+unix:///",
        "redis+unix:///s?x=1",
        "redis+unix:///s?db=",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct redis_uri uri;
        char error[256] = "";
        if (redis_uri_parse(wrong[i], &uri, error))
            fail_msg("taken: %s", wrong[i]);
        assert_true(strncmp(error, "bus: ", 5) == 0);
        assert_null(strstr(error, "hidden"));
    }
}

static void what_is_too_long_is_refused(void **state)
{
    struct redis_uri uri;
    char error[256];
    char text[1024] = "redis://";

    (void)state;
    memset(text + 8, 'a', 400);
    assert_false(redis_uri_parse(text, &uri, error));
    memcpy(text + 300, ":b@host", 7);
    assert_false(redis_uri_parse(text, &uri, error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_is_read),
        cmocka_unit_test(what_is_left_out_has_a_default),
        cmocka_unit_test(an_ipv6_address_stands_in_brackets),
        cmocka_unit_test(a_socket_has_a_path),
        cmocka_unit_test(nothing_else_is_taken_and_no_password_is_shown),
        cmocka_unit_test(what_is_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
