#include "tests/unit/testing.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "server/people.h"
#include "storage/store.h"

static const uint64_t ms = 1000000;
static const struct json_span ann = {"ann-id", 6};

static struct store_user user(const char *display_name)
{
    return (struct store_user){.id = "ann-id", .name = "ann", .display_name = display_name};
}

static bool knows(struct people *people, uint64_t now, uint64_t changed, const char *display_name)
{
    struct buf json = {0};
    bool known = people_put(people, ann, now, changed, &json);

    if (known)
        assert_non_null(strstr(json.data, display_name));
    buf_free(&json);
    return known;
}

static void who_was_met_is_known_for_a_while(void **state)
{
    struct people *people = people_create();
    struct store_user ann1 = user("Ann");

    (void)state;
    assert_false(knows(people, 1, 0, ""));
    people_learn(people, &ann1, 1, 1000 * ms, 0);
    assert_true(knows(people, 1000 * ms, 0, "\"Ann\""));
    assert_true(knows(people, (1000 + PEOPLE_KEEP_MS) * ms, 0, "\"Ann\""));
    assert_false(knows(people, (1001 + PEOPLE_KEEP_MS) * ms, 0, ""));
    people_destroy(&people);
    assert_null(people);
}

static void after_a_change_nobody_is_known_until_the_store_was_asked_again(void **state)
{
    struct people *people = people_create();
    struct store_user old = user("Old");
    struct store_user fresh = user("New");
    uint64_t changed = 5000 * ms;
    uint64_t settled = changed + PEOPLE_SETTLE_MS * ms;

    (void)state;
    people_learn(people, &old, 1, 4999 * ms, 0);
    assert_false(knows(people, 5000 * ms, changed, ""));
    people_learn(people, &old, 1, settled - 1, changed); /* it may be of before the change */
    assert_false(knows(people, settled, changed, ""));
    people_learn(people, &fresh, 1, settled, changed);
    assert_true(knows(people, settled, changed, "\"New\""));
    people_learn(people, &old, 1, settled - 1, 0); /* an answer that was late */
    assert_true(knows(people, settled, changed, "\"New\""));
    people_destroy(&people);
}

static void there_is_an_end_to_who_is_known(void **state)
{
    struct people *people = people_create();
    char id[16];

    (void)state;
    for (int i = 0; i <= PEOPLE_MAX; i++) {
        struct store_user one = {.id = id, .name = "x", .display_name = "X"};
        (void)snprintf(id, sizeof(id), "id-%d", i);
        people_learn(people, &one, 1, ms, 0);
    }
    struct buf json = {0};
    assert_false(people_put(people, (struct json_span){"id-0", 4}, ms, 0, &json));
    (void)snprintf(id, sizeof(id), "id-%d", PEOPLE_MAX);
    assert_true(people_put(people, (struct json_span){id, strlen(id)}, ms, 0, &json));
    buf_free(&json);
    people_destroy(&people);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_was_met_is_known_for_a_while),
        cmocka_unit_test(after_a_change_nobody_is_known_until_the_store_was_asked_again),
        cmocka_unit_test(there_is_an_end_to_who_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
