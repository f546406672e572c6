#include "tests/unit/testing.h"

#include <string.h>

#include "server/http_match.h"

static const char *decode(const char *target)
{
    static char path[32];

    return http_path_decode(target, path, sizeof(path)) ? path : NULL;
}

static void escapes_are_undone_once_and_the_query_is_cut(void **state)
{
    (void)state;
    assert_string_equal(decode("/"), "/");
    assert_string_equal(decode("/a/b.js?x=/../#y"), "/a/b.js");
    assert_string_equal(decode("/a%20b"), "/a b");
    assert_string_equal(decode("/%c3%A4"), "/\xc3\xa4");
    assert_string_equal(decode("/%252e%252e"), "/%2e%2e");
    assert_string_equal(decode("/..."), "/...");
    assert_string_equal(decode("/a..b/.c"), "/a..b/.c");
}

static void paths_that_lead_elsewhere_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",        "a",           "?",         "../x",    "/..",          "/../x",
        "/a/../b", "/a/..",       "/./a",      "/a/.",    "/%2e%2e/x",    "/.%2E/x",
        "/..%2fx", "/a%2f..%2fx", "/a\\..\\b", "/a%5c..", "/a%00.html",   "/%",
        "/%1",     "/%zz",        "/%%",       "/a\x01",  "/a%0d%0aX: y", "/a%7f",
        "*",       "http://x/",   "/%2",       "/\n",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (decode(bad[i]) != NULL)
            fail_msg("taken: %s", bad[i]);
}

static void a_path_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    assert_non_null(decode("/234567890123456789012345678901"));
    assert_null(decode("/2345678901234567890123456789012"));
}

static void encodings_are_liked_as_the_header_says(void **state)
{
    (void)state;
    assert_int_equal(http_encoding_quality("gzip, deflate, br", "br"), 1000);
    assert_int_equal(http_encoding_quality("gzip;q=0.5,br;q=0.25", "br"), 250);
    assert_int_equal(http_encoding_quality(" BR ; q=0.001 ", "br"), 1);
    assert_int_equal(http_encoding_quality("br;q=0", "br"), 0);
    assert_int_equal(http_encoding_quality("br;q=0.000", "br"), 0);
    assert_int_equal(http_encoding_quality("br;q=1.000", "br"), 1000);
    assert_int_equal(http_encoding_quality("*;q=0.3", "br"), 300);
    assert_int_equal(http_encoding_quality("*, br;q=0", "br"), 0);
    assert_int_equal(http_encoding_quality("brx, xbr", "br"), 0);
    assert_int_equal(http_encoding_quality("", "br"), 0);
    assert_int_equal(http_encoding_quality(NULL, "br"), 0);
}

static void a_malformed_quality_counts_as_not_at_all(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "br;q=2",  "br;q=1.5", "br;q=0.1234", "br;q=",  "br;q",     "br;",
        "br;q=-1", "br;q=0x",  "br;q=.5",     "br;x=1", "br;q=0.1a"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (http_encoding_quality(bad[i], "br") != 0)
            fail_msg("taken: %s", bad[i]);
}

static void an_etag_is_found_in_a_list(void **state)
{
    (void)state;
    assert_true(http_etag_matches("\"abc\"", "\"abc\""));
    assert_true(http_etag_matches("\"x\", W/\"abc\" ,\"y\"", "\"abc\""));
    assert_true(http_etag_matches("*", "\"abc\""));
    assert_true(http_etag_matches("\"a,b\", \"abc\"", "\"abc\""));
    assert_false(http_etag_matches("\"abcd\"", "\"abc\""));
    assert_false(http_etag_matches("abc", "\"abc\""));
    assert_false(http_etag_matches("\"abc", "\"abc\""));
    assert_false(http_etag_matches("\"x\" abc \"abc\"", "\"abc\""));
    assert_false(http_etag_matches("", "\"abc\""));
    assert_false(http_etag_matches(NULL, "\"abc\""));
}

static void an_answer_is_acceptable_as_the_header_says(void **state)
{
    (void)state;
    static const char *const good[] = {
        "",
        "*/*",
        "application/json",
        "APPLICATION/JSON",
        "application/*",
        "text/html, */*;q=0.1",
        "text/html;level=1;q=1, application/json ; q=0.001",
        "application/json, */*;q=0",
    };
    static const char *const bad[] = {
        "text/html",
        "application/jsonx",
        "application",
        "application/json;q=0",
        "application/json;q=0, */*",
        "*/*;q=0",
        "text/*, image/*",
        "application/*;q=0.0",
    };

    assert_true(http_accepts(NULL, "application/json"));
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        if (!http_accepts(good[i], "application/json"))
            fail_msg("not taken: %s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (http_accepts(bad[i], "application/json"))
            fail_msg("taken: %s", bad[i]);
}

static void ids_of_requests_are_short_and_plain(void **state)
{
    (void)state;
    char longest[HTTP_REQUEST_ID_MAX + 2];

    memset(longest, 'x', sizeof(longest));
    longest[HTTP_REQUEST_ID_MAX + 1] = '\0';
    assert_false(http_request_id_is_sane(longest));
    assert_true(http_request_id_is_sane(longest + 1));
    assert_true(http_request_id_is_sane("a-b_c.d~e+f/g=h:i@j"));
    assert_false(http_request_id_is_sane(""));
    assert_false(http_request_id_is_sane("a b"));
    assert_false(http_request_id_is_sane("a\"b"));
    assert_false(http_request_id_is_sane("\xc3\xa9"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_are_undone_once_and_the_query_is_cut),
        cmocka_unit_test(paths_that_lead_elsewhere_are_refused),
        cmocka_unit_test(a_path_that_does_not_fit_is_refused),
        cmocka_unit_test(encodings_are_liked_as_the_header_says),
        cmocka_unit_test(a_malformed_quality_counts_as_not_at_all),
        cmocka_unit_test(an_etag_is_found_in_a_list),
        cmocka_unit_test(an_answer_is_acceptable_as_the_header_says),
        cmocka_unit_test(ids_of_requests_are_short_and_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
