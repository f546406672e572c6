#include "tests/unit/testing.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

static void assert_time(int64_t ms, const char *expected)
{
    char text[CLOCK_TEXT_SIZE];

    clock_format(ms, text);
    assert_string_equal(text, expected);
}

static void known_times_are_written_as_rfc_3339(void **state)
{
    (void)state;
    assert_time(0, "1970-01-01T00:00:00.000Z");
    assert_time(951782399999, "2000-02-28T23:59:59.999Z");
    assert_time(951782400000, "2000-02-29T00:00:00.000Z");
    assert_time(4107542400000, "2100-03-01T00:00:00.000Z");
    assert_time(1767225599001, "2025-12-31T23:59:59.001Z");
    assert_time(253402300799999, "9999-12-31T23:59:59.999Z");
}

static void times_out_of_range_are_cut_to_it(void **state)
{
    (void)state;
    assert_time(-1, "1970-01-01T00:00:00.000Z");
    assert_time(INT64_MIN, "1970-01-01T00:00:00.000Z");
    assert_time(253402300800000, "9999-12-31T23:59:59.999Z");
    assert_time(INT64_MAX, "9999-12-31T23:59:59.999Z");
}

static void every_day_is_the_one_of_the_c_library(void **state)
{
    (void)state;
    for (int64_t day = 0; day < 400 * 366; day++) {
        int64_t ms = day * 86400000 + day % 86400000;
        time_t seconds = (time_t)(ms / 1000);
        struct tm tm;
        char expected[64];
        (void)gmtime_r(&seconds, &tm);
        size_t n = strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S", &tm);
        (void)snprintf(expected + n, sizeof(expected) - n, ".%03dZ", (int)(ms % 1000));
        assert_time(ms, expected);
    }
}

static void the_monotonic_clock_goes_forward(void **state)
{
    (void)state;
    uint64_t last = clock_monotonic_ns();

    for (int i = 0; i < 10000; i++) {
        uint64_t now = clock_monotonic_ns();
        assert_true(now >= last);
        last = now;
    }
}

static void the_wall_clock_is_the_one_of_the_system(void **state)
{
    (void)state;
    int64_t before = (int64_t)time(NULL);
    int64_t now = clock_unix_ms();

    assert_in_range(now / 1000, before - 1, before + 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_times_are_written_as_rfc_3339),
        cmocka_unit_test(times_out_of_range_are_cut_to_it),
        cmocka_unit_test(every_day_is_the_one_of_the_c_library),
        cmocka_unit_test(the_monotonic_clock_goes_forward),
        cmocka_unit_test(the_wall_clock_is_the_one_of_the_system),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
