#include "tests/unit/testing.h"

#include <string.h>

#include "base/library.h"

static struct {
    double (*floor)(double);
    void (*missing)(void);
} found;

static const struct library_function functions[] = {
    {"floor", &found.floor},
    {"no_such_function", &found.missing},
};

static void functions_are_found(void **state)
{
    char error[LIBRARY_ERROR_SIZE];

    (void)state;
    assert_true(library_load("libm.so.6", functions, 1, error));
    assert_int_equal((int)found.floor(2.5), 2);
}

static void what_is_missing_is_named(void **state)
{
    char error[LIBRARY_ERROR_SIZE];

    (void)state;
    assert_false(library_load("libm.so.6", functions, 2, error));
    assert_string_equal(error, "it lacks no_such_function");
    assert_null(found.missing);
    assert_false(library_load("libno-such-library.so.1", functions, 1, error));
    assert_non_null(strstr(error, "libno-such-library.so.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_found),
        cmocka_unit_test(what_is_missing_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
