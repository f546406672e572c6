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
    assert_int_equal(rates_count(rates), 1);
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
        assert_true(rates_count(rates) <= 5);
    }
    rates_destroy(&rates);
}

/* -- as for webhooks: one class, and more of them than are looked at at once ------------------ */

static const struct rate_limit two = {.per_second = 2, .burst = 3};
static const uint64_t start = 1000 * UINT64_C(1000000000);

static uint32_t post(struct rates *rates, const char *hook, uint64_t now_ns)
{
    return rates_take(rates, hook, RATE_WRITE, &two, now_ns);
}

static void each_webhook_has_a_bucket_of_its_own(void **state)
{
    struct rates *rates = rates_create(RATES_MAX);

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(post(rates, "one", start), 0);
    assert_int_equal(post(rates, "one", start), 500);
    assert_int_equal(post(rates, "two", start), 0);
    assert_int_equal(post(rates, "one", start + second / 2), 0);
    assert_int_equal(post(rates, "one", start + second / 2), 500);
    rates_destroy(&rates);
}

static void what_is_full_again_is_forgotten_and_nothing_else(void **state)
{
    struct rates *rates = rates_create(RATES_MAX);
    char name[32];

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(post(rates, "busy", start + 4 * second), 0);
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(name, sizeof(name), "hook%d", i);
        assert_int_equal(post(rates, name, start), 0);
    }
    for (int i = 3000; i < 6000; i++) {
        (void)snprintf(name, sizeof(name), "hook%d", i);
        assert_int_equal(post(rates, name, start + 4 * second), 0);
    }
    assert_int_equal(post(rates, "busy", start + 4 * second), 500);
    assert_true(rates_count(rates) < 6000);
    rates_destroy(&rates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_has_its_burst_and_then_waits),
        cmocka_unit_test(sessions_at_rest_are_forgotten),
        cmocka_unit_test(there_is_an_end_to_the_sessions),
        cmocka_unit_test(each_webhook_has_a_bucket_of_its_own),
        cmocka_unit_test(what_is_full_again_is_forgotten_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
