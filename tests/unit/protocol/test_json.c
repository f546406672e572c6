#include "tests/unit/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "protocol/json.h"
#include "protocol/limits.h"

static json_t *parse(const char *text, const char **reason_out)
{
    /* A copy of its exact size, without NUL, so that reading too far is found. */
    size_t n = strlen(text);
    char *copy = malloc(n == 0 ? 1 : n);

    memcpy(copy, text, n);
    *reason_out = NULL;
    json_t *json = json_parse_bounded(copy, n, reason_out);
    free(copy);
    return json;
}

static void assert_refused(const char *text, const char *why)
{
    const char *reason;
    json_t *json = parse(text, &reason);

    if (json != NULL)
        fail_msg("%s is accepted", text);
    assert_string_equal(reason, why);
}

/* Both readers must agree, on the verdict and on the value. */
static void assert_agrees_with_jansson(const char *text, size_t len)
{
    const char *reason = NULL;
    json_t *ours = json_parse_bounded(text, len, &reason);
    json_t *theirs = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

    if ((ours != NULL) != (theirs != NULL) || (ours != NULL && !json_equal(ours, theirs)))
        fail_msg("the readers differ on: %.*s", (int)len, text);
    assert_int_equal(ours == NULL, reason != NULL);
    json_decref(ours);
    json_decref(theirs);
}

static const char *const good[] = {
    "{}",
    "[]",
    " \t\r\n[ ] \n",
    "{\"a\":1,\"b\":[true,false,null]}",
    "[0,-0,1,-1,10,123456789012345678]",
    "[9223372036854775807,-9223372036854775808]",
    "[0.5,-0.25,1e3,1E+2,1e-2,0e0,1.5e10,-0.0,1e308,1e-400]",
    "[\"\",\"a\",\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
    "[\"\\u0041\\u00e4\\u20ac\\ud83d\\ude42\\uFFFF\\uDBFF\\uDFFF\\u0001\"]",
    "[\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x99\x82\x7f\"]",
    "{\"\":{\"\":[]}}",
    "{\"\\u0061\\n\":\"\\u0062\"}",
    "{\"a key that is longer than thirty-two bytes\\n\":\"and \\\"its\\\" value\"}",
    "{\"a\":{\"a\":{\"a\":1}}}",
    "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]",
};

static const char *const bad[] = {
    "",
    " ",
    "{",
    "[",
    "}",
    "]",
    "{]",
    "[}",
    "1",
    "\"a\"",
    "true",
    "null",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1,,2]",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,}",
    "{a:1}",
    "{1:1}",
    "{\"a\" 1}",
    "{\"a\":1 \"b\":2}",
    "{\"a\":1}}",
    "{}{}",
    "[] x",
    "[]\"",
    "[01]",
    "[-]",
    "[+1]",
    "[.5]",
    "[1.]",
    "[1e]",
    "[1e+]",
    "[0x1]",
    "[1a]",
    "[--1]",
    "[-01]",
    "[1.5.5]",
    "[NaN]",
    "[Infinity]",
    "[-Infinity]",
    "[tru]",
    "[True]",
    "[nulll]",
    "[truefalse]",
    "['a']",
    "[\"a]",
    "[\"a\n\"]",
    "[\"\x01\"]",
    "[\"\\a\"]",
    "[\"\\\"]",
    "[\"\\u12\"]",
    "[\"\\u12g4\"]",
    "[\"\\u\"]",
    "[\"\\ud83d\"]",
    "[\"\\ude42\"]",
    "[\"\\ud83dx\"]",
    "[\"\\ud83d\\n\"]",
    "[\"\\ud83d\\ud83d\"]",
    "[\"\\ud83d\\u0041\"]",
    "[\"\\ud83d\\udbff\"]",
    "[\"\\ud83d\\ue000\"]",
    "[\"\\u0000\"]",
    "{\"\\u0000\":1}",
    "[\"\xff\"]",
    "[\"\xc0\x80\"]",
    "[\"\xed\xa0\x80\"]",
    "[\xc2\xa0]",
    "\xef\xbb\xbf[]",
    "[1e309]",
    "[-1e999]",
    "[9223372036854775808]",
    "[-9223372036854775809]",
    "[99999999999999999999999]",
    "{\"a\":1,\"a\":2}",
    "{\"a\":1,\"\\u0061\":1}",
    "/**/[]",
    "[1]//x",
    "[\v1]",
    "{\"a\":{\"b\":1,\"b\":1}}",
    "[\"\\u00e4",
    "[\"\\",
    "[1",
    "[t",
    "{\"a\":",
};

static void what_jansson_accepts_is_accepted_with_the_same_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        const char *reason;
        json_t *json = parse(good[i], &reason);
        if (json == NULL)
            fail_msg("%s %s", good[i], reason);
        json_decref(json);
        assert_agrees_with_jansson(good[i], strlen(good[i]));
    }
}

static void what_jansson_refuses_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const char *reason;
        json_t *json = parse(bad[i], &reason);
        if (json != NULL)
            fail_msg("%s is accepted", bad[i]);
        assert_non_null(reason);
        assert_agrees_with_jansson(bad[i], strlen(bad[i]));
    }
}

static void every_beginning_of_a_good_text_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        size_t value_end = strlen(good[i]);
        while (strchr(" \n", good[i][value_end - 1]) != NULL)
            value_end--;
        for (size_t n = 0; n < value_end; n++) {
            const char *reason = NULL;
            assert_null(json_parse_bounded(good[i], n, &reason));
            assert_non_null(reason);
        }
    }
}

static void changed_bytes_are_judged_as_jansson_judges_them(void **state)
{
    (void)state;
    static const char bytes[] = "\"\\{}[]:,0-1.eEtfnu \n\x01\x7f\xc3\xa4\xf0";
    char text[256];

    for (size_t i = 0; i < ARRAY_LEN(good) - 1; i++) /* the last is as deep as it may be */
        for (size_t at = 0; at < strlen(good[i]); at++)
            for (size_t b = 0; b < sizeof(bytes) - 1;
                 b++) { /* jansson skips a NUL after a number */
                (void)snprintf(text, sizeof(text), "%s", good[i]);
                text[at] = bytes[b];
                assert_agrees_with_jansson(text, strlen(good[i]));
            }
}

static void the_reason_says_what_is_wrong(void **state)
{
    (void)state;
    assert_refused("", "ends too early");
    assert_refused("[1,", "ends too early");
    assert_refused("{\"a", "ends too early");
    assert_refused("7", "is not valid JSON");
    assert_refused("[] []", "has something after its end");
    assert_refused("[\xff]", "is not valid UTF-8");
    assert_refused("[\"\\u0000\"]", "contains a NUL character");
    assert_refused("[\"\\ud83d.\"]", "is not valid JSON");
    assert_refused("[\"\\ude42\"]", "is not valid JSON");
    assert_refused("[\"\\x41\"]", "is not valid JSON");
    assert_refused("[\"a\tb\"]", "is not valid JSON");
    assert_refused("[9223372036854775808]", "has a number out of range");
    assert_refused("[1e400]", "has a number out of range");
    assert_refused("{\"a\":1,\"b\":2,\"a\":3}", "has the same key twice in one object");
    assert_refused("{'a':1}", "is not valid JSON");
}

static void the_depth_is_bounded_and_brackets_in_strings_do_not_count(void **state)
{
    (void)state;
    const char *reason;
    char deep[LIMIT_FRAME_BYTES];

    assert_refused("[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "is nested too deeply");
    assert_refused("[{\"a\":[{\"a\":[{\"a\":[{\"a\":[{\"a\":[{\"a\":[{\"a\":[{\"a\":[{",
                   "is nested too deeply");
    json_t *json = parse("[\"[[[[[[[[[[[[[[[[[[[[[[[[\",{\"{{{{{{{{{{{{{{{{{{{{{{\":1}]", &reason);
    assert_non_null(json);
    json_decref(json);
    memset(deep, '[', sizeof(deep));
    assert_null(json_parse_bounded(deep, sizeof(deep), &reason));
    assert_string_equal(reason, "is nested too deeply");
}

static void a_nul_byte_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[\"b\",1]}";

    for (size_t at = 0; at <= sizeof(text) - 1; at++) {
        const char *reason = NULL;
        char with[sizeof(text)];
        memcpy(with, text, at);
        with[at] = '\0';
        memcpy(with + at + 1, text + at, sizeof(text) - 1 - at);
        assert_null(json_parse_bounded(with, sizeof(with), &reason));
        assert_non_null(reason);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_jansson_accepts_is_accepted_with_the_same_value),
        cmocka_unit_test(what_jansson_refuses_is_refused),
        cmocka_unit_test(every_beginning_of_a_good_text_is_refused),
        cmocka_unit_test(changed_bytes_are_judged_as_jansson_judges_them),
        cmocka_unit_test(the_reason_says_what_is_wrong),
        cmocka_unit_test(the_depth_is_bounded_and_brackets_in_strings_do_not_count),
        cmocka_unit_test(a_nul_byte_is_refused_wherever_it_stands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
