#include "tests/unit/testing.h"

#include <pthread.h>
#include <stdio.h>

#include "server/throttle.h"

static const uint64_t second = 1000000000;
static const uint64_t start = 1000 * UINT64_C(1000000000);

static int create(void **state)
{
    *state = throttle_create(&(struct throttle_options){
        .entries_max = 100,
        .name_free = 3,
        .address_free = 6,
        .first_delay_ms = 1000,
        .name_delay_ms = 4000,
        .address_delay_ms = 16000,
        .forget_ms = 60000,
        .registrations = 6,
        .guesses = 3,
    });
    return 0;
}

static int destroy(void **state)
{
    throttle_destroy((struct throttle **)state);
    return *state != NULL;
}

static void the_first_failures_cost_nothing_and_then_each_costs_twice_as_much(void **state)
{
    uint64_t now = start;

    for (int i = 0; i < 3; i++)
        assert_int_equal(throttle_begin(*state, "ann", NULL, now), 0);
    assert_int_equal(throttle_begin(*state, "ann", NULL, now), 1000);
    assert_int_equal(throttle_begin(*state, "ann", NULL, now + second / 2), 500);
    assert_int_equal(throttle_begin(*state, "ann", NULL, now += second), 0);
    assert_int_equal(throttle_begin(*state, "ann", NULL, now), 2000);
    assert_int_equal(throttle_begin(*state, "ann", NULL, now += 2 * second), 0);
    assert_int_equal(throttle_begin(*state, "ann", NULL, now), 4000);
    assert_int_equal(throttle_begin(*state, "ann", NULL, now += 4 * second), 0);
    assert_int_equal(throttle_begin(*state, "ann", NULL, now), 4000); /* the longest */
}

static void other_names_are_not_concerned(void **state)
{
    for (int i = 0; i < 3; i++)
        assert_int_equal(throttle_begin(*state, "ann", NULL, start), 0);
    assert_int_equal(throttle_begin(*state, "bob", NULL, start), 0);
}

static void an_address_that_tries_many_names_is_slowed_down(void **state)
{
    char name[16];

    for (int i = 0; i < 6; i++) {
        (void)snprintf(name, sizeof(name), "user%d", i);
        assert_int_equal(throttle_begin(*state, name, "192.0.2.1", start), 0);
    }
    assert_int_equal(throttle_begin(*state, "another", "192.0.2.1", start), 1000);
    assert_int_equal(throttle_begin(*state, "another", "192.0.2.2", start), 0);
}

static void addresses_of_one_ipv6_network_count_as_one(void **state)
{
    char name[16];
    char address[32];

    for (int i = 0; i < 6; i++) {
        (void)snprintf(name, sizeof(name), "user%d", i);
        (void)snprintf(address, sizeof(address), "2001:db8:0:1::%d", i);
        assert_int_equal(throttle_begin(*state, name, address, start), 0);
    }
    assert_int_equal(throttle_begin(*state, "another", "2001:db8:0:1::99", start), 1000);
    assert_int_equal(throttle_begin(*state, "another", "2001:db8:0:2::99", start), 0);
}

static void success_forgets_the_failures_of_the_name(void **state)
{
    for (int i = 0; i < 2; i++)
        assert_int_equal(throttle_begin(*state, "ann", "192.0.2.1", start), 0);
    assert_int_equal(throttle_begin(*state, "ann", "192.0.2.1", start), 0);
    throttle_succeeded(*state, "ann", "192.0.2.1");
    for (int i = 0; i < 3; i++)
        assert_int_equal(throttle_begin(*state, "ann", NULL, start), 0);
    assert_int_equal(throttle_begin(*state, "ann", NULL, start), 1000);
}

static void success_gives_the_address_only_its_own_attempt_back(void **state)
{
    char name[16];

    for (int i = 0; i < 5; i++) {
        (void)snprintf(name, sizeof(name), "user%d", i);
        assert_int_equal(throttle_begin(*state, name, "192.0.2.1", start), 0);
    }
    assert_int_equal(throttle_begin(*state, "mine", "192.0.2.1", start), 0);
    throttle_succeeded(*state, "mine", "192.0.2.1");
    assert_int_equal(throttle_begin(*state, "victim", "192.0.2.1", start), 0);
    assert_int_equal(throttle_begin(*state, "victim", "192.0.2.1", start), 1000);
}

static void an_attempt_that_was_not_judged_does_not_count(void **state)
{
    for (int i = 0; i < 20; i++) {
        assert_int_equal(throttle_begin(*state, "ann", "192.0.2.1", start), 0);
        throttle_cancelled(*state, "ann", "192.0.2.1");
    }
    assert_int_equal(throttle_entries(*state), 0);
}

static void old_failures_are_forgotten(void **state)
{
    for (int i = 0; i < 3; i++)
        assert_int_equal(throttle_begin(*state, "ann", NULL, start), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(throttle_begin(*state, "ann", NULL, start + 61 * second), 0);
    assert_int_equal(throttle_begin(*state, "ann", NULL, start + 61 * second), 1000);
}

static void memory_is_bounded_and_what_was_used_last_stays(void **state)
{
    char name[16];

    for (int i = 0; i < 3; i++)
        assert_int_equal(throttle_begin(*state, "ann", NULL, start), 0);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof(name), "user%d", i);
        assert_int_equal(throttle_begin(*state, name, NULL, start), 0);
        if (i % 50 == 0)
            (void)throttle_begin(*state, "ann", NULL, start + second * (uint64_t)(i / 50 * 5));
    }
    assert_int_equal(throttle_entries(*state), 100);
    assert_true(throttle_begin(*state, "ann", NULL, start + second * 96) > 0);
}

static void an_address_registers_only_so_often(void **state)
{
    const uint64_t hour = 3600 * second;

    for (int i = 0; i < 6; i++)
        assert_int_equal(throttle_registration(*state, "192.0.2.1", start), 0);
    assert_int_equal(throttle_registration(*state, "192.0.2.1", start), 600000);
    assert_int_equal(throttle_registration(*state, "192.0.2.2", start), 0);
    assert_int_equal(throttle_registration(*state, "192.0.2.1", start + hour / 6), 0);
    assert_true(throttle_registration(*state, "192.0.2.1", start + hour / 6) > 0);
    for (int i = 0; i < 6; i++)
        assert_int_equal(throttle_registration(*state, "192.0.2.1", start + 3 * hour), 0);
    assert_true(throttle_registration(*state, "192.0.2.1", start + 3 * hour) > 0);
    struct throttle *unlimited = throttle_create(NULL);
    for (int i = 0; i < 100; i++)
        assert_int_equal(throttle_registration(unlimited, "192.0.2.3", start), 0);
    throttle_destroy(&unlimited);
    /* it has nothing to do with signing in */
    assert_int_equal(throttle_begin(*state, "ann", "192.0.2.1", start + 3 * hour), 0);
}

static void names_of_any_length_are_taken(void **state)
{
    char name[300];

    for (size_t i = 0; i < sizeof(name) - 1; i++)
        name[i] = 'x';
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(throttle_begin(*state, name, "", start), 0);
    assert_int_equal(throttle_begin(*state, "", "not an address", start), 0);
    throttle_cancelled(*state, name, "");
    throttle_cancelled(*state, "", "not an address");
    assert_int_equal(throttle_entries(*state), 0);
}

static void *attempt(void *arg)
{
    for (uint64_t i = 0; i < 1000; i++) {
        if (throttle_begin(arg, "ann", "192.0.2.1", start) == 0)
            throttle_cancelled(arg, "ann", "192.0.2.1");
        (void)throttle_entries(arg);
    }
    return NULL;
}

static void threads_may_use_one_throttle(void **state)
{
    pthread_t threads[4];

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, attempt, *state), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(throttle_entries(*state), 0);
}

static void a_bucket_gives_its_burst_and_then_its_rate(void **state)
{
    (void)state;
    struct rate_bucket bucket = {0};
    const struct rate_limit limit = {.per_second = 10, .burst = 5};
    uint64_t now = start;
    int taken = 0;

    for (int i = 0; i < 5; i++)
        assert_int_equal(rate_take(&bucket, &limit, now), 0);
    assert_int_equal(rate_take(&bucket, &limit, now), 100);
    assert_int_equal(rate_take(&bucket, &limit, now + 40 * second / 1000), 60);
    assert_int_equal(rate_take(&bucket, &limit, now + second / 10), 0);
    now += second / 10;
    for (int ms = 0; ms < 10000; ms++)
        taken += rate_take(&bucket, &limit, now + (uint64_t)ms * second / 1000) == 0;
    assert_in_range(taken, 99, 100);
}

static void a_bucket_fills_up_again_but_not_beyond_its_burst(void **state)
{
    (void)state;
    struct rate_bucket bucket = {0};
    const struct rate_limit limit = {.per_second = 1, .burst = 3};

    for (int round = 0; round < 3; round++) {
        uint64_t now = start + second * 1000 * (uint64_t)round;
        for (int i = 0; i < 3; i++)
            assert_int_equal(rate_take(&bucket, &limit, now), 0);
        assert_int_equal(rate_take(&bucket, &limit, now), 1000);
    }
}

static void no_rate_is_no_limit_and_the_least_burst_is_one(void **state)
{
    (void)state;
    struct rate_bucket bucket = {0};

    for (int i = 0; i < 1000; i++)
        assert_int_equal(rate_take(&bucket, &(struct rate_limit){0, 0}, start), 0);
    assert_int_equal(rate_take(&bucket, &(struct rate_limit){1000000, 0}, start), 0);
    assert_int_equal(rate_take(&bucket, &(struct rate_limit){1000000, 0}, start), 1);
}

static void what_failed_on_another_node_counts_here(void **state)
{
    char keys[THROTTLE_KEYS][THROTTLE_KEY_SIZE];

    assert_int_equal(throttle_keys("ann", "192.0.2.1", keys), 2);
    for (int i = 0; i < 3; i++)
        throttle_hear(*state, keys[0], false, start);
    assert_int_equal(throttle_begin(*state, "ann", NULL, start), 1000);
    throttle_hear(*state, keys[0], true, start);
    assert_int_equal(throttle_begin(*state, "ann", NULL, start), 0);
    for (int i = 0; i < 6; i++)
        throttle_hear(*state, keys[1], false, start);
    throttle_hear(*state, keys[1], true, start); /* one good password excuses no address */
    assert_int_equal(throttle_begin(*state, "eve", "192.0.2.1", start), 1000);
    throttle_hear(*state, "nonsense", false, start);
    throttle_hear(*state, "", false, start);
    assert_int_equal(throttle_entries(*state), 2);
}

static void a_registration_on_another_node_counts_here(void **state)
{
    char key[THROTTLE_KEY_SIZE];

    throttle_registration_key("192.0.2.1", key);
    assert_string_equal(key, "r:192.0.2.1");
    for (int i = 0; i < 4; i++)
        throttle_hear(*state, key, false, start);
    for (int i = 0; i < 2; i++)
        assert_int_equal(throttle_registration(*state, "192.0.2.1", start), 0);
    assert_int_equal(throttle_registration(*state, "192.0.2.1", start), 600000);
    throttle_hear(*state, "nonsense", false, start);
    assert_int_equal(throttle_entries(*state), 1);
}

static void guesses_are_counted_by_address_here_and_elsewhere(void **state)
{
    char key[THROTTLE_KEY_SIZE];

    throttle_guess_key("2001:db8::1", key);
    assert_string_equal(key, "g:2001:db8::/64");
    throttle_hear(*state, key, false, start);
    assert_int_equal(throttle_guess(*state, "2001:db8::2", start), 0);
    assert_int_equal(throttle_guess(*state, "2001:db8::3", start), 0);
    assert_int_equal(throttle_guess(*state, "2001:db8::4", start), 1200000);
    assert_int_equal(throttle_guess(*state, "2001:db8:0:1::1", start), 0);
    assert_int_equal(throttle_registration(*state, "2001:db8::1", start), 0);
    assert_int_equal(throttle_begin(*state, "ann", "2001:db8::1", start), 0);
    throttle_hear(*state, "g:", true, start);
}

static void an_admin_has_no_address(void **state)
{
    char keys[THROTTLE_KEYS][THROTTLE_KEY_SIZE];

    (void)state;
    assert_int_equal(throttle_keys("ann", NULL, keys), 1);
    assert_string_equal(keys[0], "n:ann");
}

int main(void)
{
#define WITH_THROTTLE(fn) cmocka_unit_test_setup_teardown(fn, create, destroy)
    const struct CMUnitTest tests[] = {
        WITH_THROTTLE(the_first_failures_cost_nothing_and_then_each_costs_twice_as_much),
        WITH_THROTTLE(other_names_are_not_concerned),
        WITH_THROTTLE(an_address_that_tries_many_names_is_slowed_down),
        WITH_THROTTLE(addresses_of_one_ipv6_network_count_as_one),
        WITH_THROTTLE(success_forgets_the_failures_of_the_name),
        WITH_THROTTLE(success_gives_the_address_only_its_own_attempt_back),
        WITH_THROTTLE(an_attempt_that_was_not_judged_does_not_count),
        WITH_THROTTLE(old_failures_are_forgotten),
        WITH_THROTTLE(memory_is_bounded_and_what_was_used_last_stays),
        WITH_THROTTLE(an_address_registers_only_so_often),
        WITH_THROTTLE(names_of_any_length_are_taken),
        WITH_THROTTLE(threads_may_use_one_throttle),
        cmocka_unit_test(a_bucket_gives_its_burst_and_then_its_rate),
        cmocka_unit_test(a_bucket_fills_up_again_but_not_beyond_its_burst),
        cmocka_unit_test(no_rate_is_no_limit_and_the_least_burst_is_one),
        cmocka_unit_test_setup_teardown(what_failed_on_another_node_counts_here, create, destroy),
        cmocka_unit_test_setup_teardown(guesses_are_counted_by_address_here_and_elsewhere, create,
                                        destroy),
        cmocka_unit_test_setup_teardown(a_registration_on_another_node_counts_here, create,
                                        destroy),
        cmocka_unit_test(an_admin_has_no_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
