#include "tests/unit/testing.h"

#include <stdio.h>
#include <string.h>

#include "server/callers.h"
#include "server/grant.h"

static const uint64_t ms = 1000000;
enum { ASKED_MS = 10000, EXPIRES_AT = 777000 };

static void learn(struct callers *callers, const char *hash, const char *user, uint64_t revocations)
{
    struct caller caller = {
        .expires_at = EXPIRES_AT, .asked_ns = ASKED_MS * ms, .revocations = revocations};

    (void)snprintf(caller.user, sizeof(caller.user), "%s", user);
    callers_learn(callers, hash, &caller);
}

static void a_token_is_known_for_a_moment(void **state)
{
    struct callers *callers = callers_create();
    uint64_t end = (ASKED_MS + CALLERS_KEEP_MS) * ms;

    (void)state;
    assert_null(callers_find(callers, "h1", 0, ASKED_MS * ms, 0));
    learn(callers, "h1", "ann", 0);
    assert_string_equal(callers_find(callers, "h1", 0, end, 0)->user, "ann");
    assert_null(callers_find(callers, "h2", 0, end, 0));
    assert_null(callers_find(callers, "h1", 0, end + 1, 0));
    assert_null(callers_find(callers, "h1", 0, ASKED_MS * ms, 0)); /* and not again */
    callers_destroy(&callers);
    assert_null(callers);
}

static void nobody_is_known_once_a_session_was_ended(void **state)
{
    struct callers *callers = callers_create();

    (void)state;
    learn(callers, "h1", "ann", 3);
    assert_non_null(callers_find(callers, "h1", 3, ASKED_MS * ms, 0));
    assert_null(callers_find(callers, "h1", 4, ASKED_MS * ms, 0));
    callers_destroy(&callers);
}

static void a_session_that_has_run_out_is_not_known(void **state)
{
    struct callers *callers = callers_create();

    (void)state;
    learn(callers, "h1", "ann", 0);
    assert_non_null(callers_find(callers, "h1", 0, ASKED_MS * ms, EXPIRES_AT - 1));
    assert_null(callers_find(callers, "h1", 0, ASKED_MS * ms, EXPIRES_AT));
    callers_destroy(&callers);
}

static void what_is_learnt_later_counts(void **state)
{
    struct callers *callers = callers_create();
    struct store_session token = {.scopes = "messages:read"};
    struct caller caller = {.expires_at = EXPIRES_AT, .asked_ns = ASKED_MS * ms};

    (void)state;
    caller.grant = grant_make(&token);
    callers_learn(callers, "h1", &caller);
    callers_learn(callers, "h1", &caller);
    grant_unref(&caller.grant);
    assert_non_null(callers_find(callers, "h1", 0, ASKED_MS * ms, 0)->grant);
    learn(callers, "h1", "ben", 0);
    assert_null(callers_find(callers, "h1", 0, ASKED_MS * ms, 0)->grant);
    assert_string_equal(callers_find(callers, "h1", 0, ASKED_MS * ms, 0)->user, "ben");
    callers_destroy(&callers);
}

static void there_is_an_end_to_who_is_known(void **state)
{
    struct callers *callers = callers_create();
    char hash[HASH_HEX_SIZE];

    (void)state;
    for (int i = 0; i <= CALLERS_MAX; i++) {
        (void)snprintf(hash, sizeof(hash), "h%d", i);
        learn(callers, hash, "ann", 0);
    }
    assert_null(callers_find(callers, "h0", 0, ASKED_MS * ms, 0));
    assert_non_null(callers_find(callers, hash, 0, ASKED_MS * ms, 0));
    callers_destroy(&callers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_known_for_a_moment),
        cmocka_unit_test(nobody_is_known_once_a_session_was_ended),
        cmocka_unit_test(a_session_that_has_run_out_is_not_known),
        cmocka_unit_test(what_is_learnt_later_counts),
        cmocka_unit_test(there_is_an_end_to_who_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
