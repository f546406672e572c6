#include "tests/unit/testing.h"

#include "storage/match.h"

static void any_part_matches_in_any_case(void **state)
{
    (void)state;
    assert_true(match_contains("General", "gen"));
    assert_true(match_contains("general", "RAL"));
    assert_true(match_contains("aab", "ab"));
    assert_true(match_contains("anything", ""));
    assert_true(match_contains("", ""));
    assert_false(match_contains("general", "generals"));
    assert_false(match_contains("", "x"));
}

static void letters_beyond_ascii_fold_too(void **state)
{
    (void)state;
    assert_true(match_contains("Zo\xc3\x89", "zo\xc3\xa9"));                     /* É é */
    assert_true(match_contains("\xd0\x9f\xd1\x80\xd0\xb8", "\xd0\xbf\xd1\x80")); /* Пр пр */
    assert_true(match_contains("\xce\x91\xce\x92", "\xce\xb1\xce\xb2"));         /* ΑΒ αβ */
    assert_true(match_contains("\xc5\x81\xc3\xb3", "\xc5\x82"));                 /* Ł ł */
    assert_true(match_contains("\xe6\x9d\xb1\xe4\xba\xac", "\xe4\xba\xac"));
    assert_false(match_contains("\xc3\x97", "\xc3\xb7")); /* times is not divided by */
}

static void signs_of_patterns_are_plain_text(void **state)
{
    (void)state;
    assert_false(match_contains("abc", "%"));
    assert_false(match_contains("abc", "a_c"));
    assert_true(match_contains("50% off", "0% O"));
}

static void what_is_no_utf8_only_matches_itself(void **state)
{
    (void)state;
    assert_true(match_contains("a\xff", "\xff"));
    assert_true(match_contains("a\xc3", "\xc3"));
    assert_false(match_contains("a\xc3", "\xc3\xa9"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_part_matches_in_any_case),
        cmocka_unit_test(letters_beyond_ascii_fold_too),
        cmocka_unit_test(signs_of_patterns_are_plain_text),
        cmocka_unit_test(what_is_no_utf8_only_matches_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
