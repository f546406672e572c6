#include "tests/unit/testing.h"

#include <string.h>

#include "base/json_walk.h"
#include "base/macros.h"

struct found {
    struct json_span names[4], values[4];
    size_t n;
};

static bool note(void *arg, struct json_span name, struct json_span value)
{
    struct found *found = arg;

    found->names[found->n] = name;
    found->values[found->n] = value;
    return ++found->n < ARRAY_LEN(found->names);
}

static bool walks(const char *text)
{
    return json_walk(text, strlen(text), NULL, NULL);
}

static void members_are_given_in_order_as_they_stand(void **state)
{
    static const char text[] = " {\"a\": [1, {\"b\":2}] , \"c\":\"x\\\"y\",\"d\":-1.5e3} ";
    static const char *const values[] = {"[1, {\"b\":2}]", "\"x\\\"y\"", "-1.5e3"};
    static const char *const names[] = {"a", "c", "d"};
    struct found found = {.n = 0};

    (void)state;
    assert_true(json_walk(text, strlen(text), note, &found));
    assert_int_equal(found.n, 3);
    for (size_t i = 0; i < found.n; i++) {
        assert_true(json_span_is(found.names[i], names[i]));
        assert_true(json_span_is(found.values[i], values[i]));
    }
}

static void what_is_no_object_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "[]",
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":01}",
        "{a:1}",
        "{\"a\":1}x",
        "{\"a\":1}{}",
        "{\"a\":tru}",
        "{\"a\":\"}",
        "{\"a\":1. }",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":[1 2]}",
        "{\"a\":\"\\u12g4\"}",
        "{\"a\":-}",
        "{\"a\":1e}",
        "{,}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        if (walks(wrong[i]))
            fail_msg("taken: %s", wrong[i]);
    assert_true(walks("{}"));
    assert_true(walks("{\"a\":null,\"b\":[],\"c\":{},\"d\":\"\\u00e9\",\"e\":0}"));
}

static void every_cut_off_text_is_refused(void **state)
{
    static const char text[] = "{\"a\":[1,{\"b\":\"\\u0041\"}],\"c\":true}";

    (void)state;
    for (size_t n = 0; n < strlen(text); n++)
        assert_false(json_walk(text, n, NULL, NULL));
    assert_true(json_walk(text, strlen(text), NULL, NULL));
}

static void nesting_is_bounded(void **state)
{
    char text[256] = "{\"a\":";
    size_t depth = JSON_WALK_DEPTH - 1;

    (void)state;
    for (int more = 0; more < 2; more++, depth++) {
        size_t n = strlen("{\"a\":");
        memset(text + n, '[', depth);
        memset(text + n + depth, ']', depth);
        text[n + 2 * depth] = '}';
        assert_int_equal(json_walk(text, n + 2 * depth + 1, NULL, NULL), more == 0);
    }
}

static void numbers_and_texts_are_read_only_in_their_plain_form(void **state)
{
    struct json_span text;
    uint64_t n;

    (void)state;
#define SPAN(s) ((struct json_span){s, sizeof(s) - 1})
    assert_true(json_span_uint(SPAN("9223372036854775807"), &n));
    assert_true(n == INT64_MAX);
    assert_false(json_span_uint(SPAN("9223372036854775808"), &n));
    assert_false(json_span_uint(SPAN("-1"), &n));
    assert_false(json_span_uint(SPAN("1.0"), &n));
    assert_false(json_span_uint(SPAN(""), &n));
    assert_true(json_span_text(SPAN("\"ann\""), &text));
    assert_true(json_span_is(text, "ann"));
    assert_false(json_span_text(SPAN("\"a\\u006e\""), &text));
    assert_false(json_span_text(SPAN("12"), &text));
    assert_false(json_span_text(SPAN("\""), &text));
#undef SPAN
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_given_in_order_as_they_stand),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(every_cut_off_text_is_refused),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(numbers_and_texts_are_read_only_in_their_plain_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
