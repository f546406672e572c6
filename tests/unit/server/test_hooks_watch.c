#include "tests/unit/testing.h"

#include <stdlib.h>
#include <string.h>

#include "server/hooks_watch.h"

static struct hooks_watch watch;

static int create(void **state)
{
    (void)state;
    hooks_watch_init(&watch);
    return 0;
}

static int destroy(void **state)
{
    (void)state;
    hooks_watch_destroy(&watch);
    return 0;
}

static bool note(const char *stream)
{
    struct store_event event = {.stream = stream};

    return hooks_watch_note(&watch, &event, 1);
}

/* How many there are; they are NAMES, with a blank between, in any order. */
static void check_taken(const char *names)
{
    size_t n = 0, expected = names[0] == '\0' ? 0 : 1;
    char(*taken)[STORE_STREAM_SIZE] = hooks_watch_take(&watch, &n);

    for (const char *c = names; *c != '\0'; c++)
        expected += *c == ' ';
    assert_int_equal(n, expected);
    for (size_t i = 0; i < n; i++)
        assert_non_null(strstr(names, taken[i]));
    free(taken);
}

static void streams_that_are_not_watched_tell_nobody(void **state)
{
    (void)state;
    assert_false(note("c:a"));
    hooks_watch_add(&watch, "c:b");
    assert_false(note("c:a"));
    check_taken("");
}

static void the_first_event_tells_and_further_ones_do_not_until_they_are_taken(void **state)
{
    (void)state;
    hooks_watch_add(&watch, "c:a");
    hooks_watch_add(&watch, "c:b");
    assert_true(note("c:a"));
    assert_false(note("c:a"));
    assert_false(note("c:b"));
    check_taken("c:a c:b");
    check_taken("");
    assert_true(note("c:b"));
    check_taken("c:b");
}

static void one_batch_may_have_events_of_many_streams(void **state)
{
    (void)state;
    struct store_event events[] = {{.stream = "c:a"},
                                   {.stream = "c:a"},
                                   {.stream = "u:x"},
                                   {.stream = "c:c"},
                                   {.stream = "c:b"}};

    hooks_watch_add(&watch, "c:a");
    hooks_watch_add(&watch, "c:b");
    assert_true(hooks_watch_note(&watch, events, sizeof(events) / sizeof(*events)));
    check_taken("c:a c:b");
}

static void a_stream_is_watched_until_the_last_that_asked_is_gone(void **state)
{
    (void)state;
    hooks_watch_add(&watch, "c:a");
    hooks_watch_add(&watch, "c:a");
    hooks_watch_remove(&watch, "c:a");
    assert_true(note("c:a"));
    check_taken("c:a");
    hooks_watch_remove(&watch, "c:a");
    hooks_watch_remove(&watch, "c:nothing");
    assert_false(note("c:a"));
    assert_int_equal(atomic_load(&watch.n), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(streams_that_are_not_watched_tell_nobody),
        TEST(the_first_event_tells_and_further_ones_do_not_until_they_are_taken),
        TEST(one_batch_may_have_events_of_many_streams),
        TEST(a_stream_is_watched_until_the_last_that_asked_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
