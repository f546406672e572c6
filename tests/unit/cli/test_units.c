#include "tests/unit/testing.h"

#include <stdlib.h>
#include <time.h>

#include "cli/units.h"

static void counts_have_commas(void **state)
{
    char text[UNITS_SIZE];

    (void)state;
    units_count(0, text);
    assert_string_equal(text, "0");
    units_count(999, text);
    assert_string_equal(text, "999");
    units_count(1234567, text);
    assert_string_equal(text, "1,234,567");
    units_count(UINT64_MAX, text);
    assert_string_equal(text, "18,446,744,073,709,551,615");
}

static void sizes_have_a_fitting_unit(void **state)
{
    char text[UNITS_SIZE];

    (void)state;
    units_bytes(999, text);
    assert_string_equal(text, "999 B");
    units_bytes(1000, text);
    assert_string_equal(text, "1.0 KB");
    units_bytes(99949, text);
    assert_string_equal(text, "99.9 KB");
    units_bytes(999960, text);
    assert_string_equal(text, "1.0 MB");
    units_bytes(183400000, text);
    assert_string_equal(text, "183 MB");
    units_bytes(UINT64_MAX, text);
    assert_string_equal(text, "18.4 EB");
}

static void durations_have_two_units_at_most(void **state)
{
    char text[UNITS_SIZE];

    (void)state;
    units_duration(0, text);
    assert_string_equal(text, "0 ms");
    units_duration(59999, text);
    assert_string_equal(text, "59 s");
    units_duration(200000, text);
    assert_string_equal(text, "3 min 20 s");
    units_duration(7500000, text);
    assert_string_equal(text, "2 h 05 min");
    units_duration(356400000, text);
    assert_string_equal(text, "4 d 03 h");
}

static void times_are_local_and_short_for_today(void **state)
{
    char text[UNITS_SIZE];
    int64_t noon;

    (void)state;
    assert_true(units_parse_time("2026-01-02T12:00:00Z", &noon));
    assert_int_equal(noon, 1767355200);
    assert_true(units_time("2026-01-02T03:04:05.678Z", 0, text));
    assert_string_equal(text, "2026-01-02 04:04:05"); /* TZ is UTC+1 here, see main() */
    assert_true(units_time("2026-01-02T03:04:05.678Z", noon, text));
    assert_string_equal(text, "04:04:05");
    assert_true(units_time("2026-01-01T23:30:00.000Z", noon, text));
    assert_string_equal(text, "00:30:00");
    assert_true(units_time("2025-12-31T03:04:05.678Z", noon, text));
    assert_string_equal(text, "2025-12-31 04:04:05");
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "yesterday",
                                      "2026-01-02",
                                      "2026-01-02T03:04:05",
                                      "2026-01-02T03:04:05+01:00",
                                      "2026-13-02T03:04:05Z",
                                      "2026-01-02T24:04:05Z",
                                      "2026-01-02T03:04:05.5Zx",
                                      "2026-01-02T-3:04:05Z"};
    char text[UNITS_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_false(units_time(bad[i], 0, text));
        assert_string_equal(text, "");
    }
}

static void durations_are_read_with_their_unit(void **state)
{
    int64_t seconds;

    (void)state;
    assert_true(units_parse_duration("90", &seconds));
    assert_int_equal(seconds, 90);
    assert_true(units_parse_duration("15m", &seconds));
    assert_int_equal(seconds, 900);
    assert_true(units_parse_duration("7d", &seconds));
    assert_int_equal(seconds, 604800);
    assert_false(units_parse_duration("", &seconds));
    assert_false(units_parse_duration("0s", &seconds));
    assert_false(units_parse_duration("-5s", &seconds));
    assert_false(units_parse_duration("5 s", &seconds));
    assert_false(units_parse_duration("4000d", &seconds));
    assert_false(units_parse_duration("99999999999999999999", &seconds));
}

static void numbers_are_decimal_and_bounded(void **state)
{
    int64_t n;

    (void)state;
    assert_true(units_parse_count("007", 0, 10, &n));
    assert_int_equal(n, 7);
    assert_false(units_parse_count("11", 0, 10, &n));
    assert_false(units_parse_count("0x1", 0, 10, &n));
    assert_false(units_parse_count("+1", 0, 10, &n));
    assert_false(units_parse_count("1 ", 0, 10, &n));
    assert_false(units_parse_count("9999999999999999999", 0, INT64_MAX, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_have_commas),
        cmocka_unit_test(sizes_have_a_fitting_unit),
        cmocka_unit_test(durations_have_two_units_at_most),
        cmocka_unit_test(times_are_local_and_short_for_today),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(durations_are_read_with_their_unit),
        cmocka_unit_test(numbers_are_decimal_and_bounded),
    };

    (void)setenv("TZ", "XXX-1", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
