#include "tests/unit/testing.h"

#include <stdio.h>

#include "server/rates.h"

static const uint64_t second = 1000000000;
static const struct rate_limit ten = {.per_second = 10, .burst = 3};

static void a_session_has_its_burst_and_then_waits(void **state)
{
    struct rates *rates = rates_create(10);

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(rates_take(rates, "one", RATE_READ, &ten, second), 0);
    assert_int_equal(rates_take(rates, "one", RATE_READ, &ten, second), 100);
    assert_int_equal(rates_take(rates, "two", RATE_READ, &ten, second), 0);
    assert_int_equal(rates_take(rates, "one", RATE_SEND, &ten, second), 0);
    assert_int_equal(rates_take(rates, "one", RATE_READ, &ten, second + second / 10), 0);
    rates_destroy(&rates);
    assert_null(rates);
}

static void sessions_at_rest_are_forgotten(void **state)
{
    struct rates *rates = rates_create(1000);
    char session[16];

    (void)state;
    for (uint64_t i = 0; i < 100; i++) {
        (void)snprintf(session, sizeof(session), "s%d", (int)i);
        assert_int_equal(rates_take(rates, session, RATE_READ, &ten, second + i * second), 0);
    }
    assert_int_equal(rates_sessions(rates), 1);
    rates_destroy(&rates);
}

static void there_is_an_end_to_the_sessions(void **state)
{
    struct rates *rates = rates_create(5);
    char session[16];

    (void)state;
    for (int i = 0; i < 100; i++) {
        (void)snprintf(session, sizeof(session), "s%d", i);
        assert_int_equal(rates_take(rates, session, RATE_READ, &ten, second), 0);
        assert_true(rates_sessions(rates) <= 5);
    }
    rates_destroy(&rates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_has_its_burst_and_then_waits),
        cmocka_unit_test(sessions_at_rest_are_forgotten),
        cmocka_unit_test(there_is_an_end_to_the_sessions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
