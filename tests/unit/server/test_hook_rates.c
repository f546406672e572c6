#include "tests/unit/testing.h"

#include <stdio.h>

#include "server/hook_rates.h"

static const uint64_t second = 1000000000;
static const uint64_t start = 1000 * UINT64_C(1000000000);

static int create(void **state)
{
    *state = hook_rates_create(&(struct rate_limit){.per_second = 2, .burst = 3});
    return 0;
}

static int destroy(void **state)
{
    hook_rates_destroy((struct hook_rates **)state);
    return *state != NULL;
}

static void each_webhook_has_a_bucket_of_its_own(void **state)
{
    for (int i = 0; i < 3; i++)
        assert_int_equal(hook_rates_take(*state, "one", start), 0);
    assert_int_equal(hook_rates_take(*state, "one", start), 500);
    assert_int_equal(hook_rates_take(*state, "two", start), 0);
    assert_int_equal(hook_rates_take(*state, "one", start + second / 2), 0);
    assert_int_equal(hook_rates_take(*state, "one", start + second / 2), 500);
}

/* More than are kept without looking: those in use stay. */
static void what_is_full_again_is_forgotten_and_nothing_else(void **state)
{
    char name[32];

    for (int i = 0; i < 3; i++)
        assert_int_equal(hook_rates_take(*state, "busy", start + 4 * second), 0);
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(name, sizeof(name), "hook%d", i);
        assert_int_equal(hook_rates_take(*state, name, start), 0);
    }
    for (int i = 3000; i < 6000; i++) {
        (void)snprintf(name, sizeof(name), "hook%d", i);
        assert_int_equal(hook_rates_take(*state, name, start + 4 * second), 0);
    }
    assert_int_equal(hook_rates_take(*state, "busy", start + 4 * second), 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_webhook_has_a_bucket_of_its_own, create, destroy),
        cmocka_unit_test_setup_teardown(what_is_full_again_is_forgotten_and_nothing_else, create,
                                        destroy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
