#include "tests/unit/testing.h"

#include <ctype.h>
#include <string.h>

#include "server/setup_code.h"

static void a_code_is_four_groups_of_four_and_never_the_same(void **state)
{
    (void)state;
    char a[SETUP_CODE_SIZE];
    char b[SETUP_CODE_SIZE];

    setup_code_make(a);
    setup_code_make(b);
    assert_int_equal(strlen(a), 19);
    for (size_t i = 0; i < 19; i++)
        if (i % 5 == 4)
            assert_int_equal(a[i], '-');
        else
            assert_true(isalnum((unsigned char)a[i]) && strchr("01lo", a[i]) == NULL);
    assert_string_not_equal(a, b);
}

static void a_code_matches_itself_as_people_type_it(void **state)
{
    (void)state;
    assert_true(setup_code_matches("abcd-efgh-jkmn-pqrs", "abcd-efgh-jkmn-pqrs"));
    assert_true(setup_code_matches("ABCD EFGH JKMN PQRS", "abcd-efgh-jkmn-pqrs"));
    assert_true(setup_code_matches(" abcdefghjkmnpqrs ", "abcd-efgh-jkmn-pqrs"));
}

static void anything_else_does_not_match(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "-",
                                        "abcd-efgh-jkmn-pqr",
                                        "abcd-efgh-jkmn-pqrsx",
                                        "abcd-efgh-jkmn-pqrt",
                                        "xbcd-efgh-jkmn-pqrs",
                                        "abcd_efgh_jkmn_pqrs"};

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_false(setup_code_matches(wrong[i], "abcd-efgh-jkmn-pqrs"));
    assert_false(setup_code_matches(NULL, "abcd-efgh-jkmn-pqrs"));
    assert_false(setup_code_matches("", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_is_four_groups_of_four_and_never_the_same),
        cmocka_unit_test(a_code_matches_itself_as_people_type_it),
        cmocka_unit_test(anything_else_does_not_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
