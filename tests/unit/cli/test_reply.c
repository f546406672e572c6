#include "tests/unit/testing.h"

#include <string.h>

#include "cli/client.h"
#include "cli/reader.h"
#include "cli/report.h"
#include "cli/retry.h"
#include "cli/run.h"
#include "cli/target.h"

static struct reply parsed(long status, const char *type, const char *body)
{
    struct reply reply = {0};

    buf_puts(&reply.body, body);
    reply_parse(&reply, status, type);
    return reply;
}

static void a_result_is_a_json_object_with_status_200(void **state)
{
    struct reply reply = parsed(200, "application/json", "{\"a\":1}");

    (void)state;
    assert_int_equal(reply.kind, REPLY_RESULT);
    assert_int_equal(exit_code_of(&reply), EXIT_CODE_OK);
    reply_free(&reply);
    reply = parsed(200, "application/json; charset=utf-8", "{}");
    assert_int_equal(reply.kind, REPLY_RESULT);
    reply_free(&reply);
}

static void anything_else_is_garbled(void **state)
{
    static const struct {
        long status;
        const char *type;
        const char *body;
    } bad[] = {
        {200, "text/html", "<html>"},
        {200, NULL, "{}"},
        {204, "application/json", ""},
        {200, "application/json", ""},
        {200, "application/json", "[1]"},
        {200, "application/json", "{\"a\":1,\"a\":2}"},
        {200, "application/json", "{\"a\":\"\xff\"}"},
        {200, "application/json", "{} trailing"},
        {404, "text/plain", "not found"},
        {404, "application/problem+json", "not json"},
        {404, "application/problem+json", "{\"title\":\"no type\"}"},
        {404, "application/problem+json", "{\"type\":7}"},
        {200, "application/problem+json", "{\"type\":\"conflict\"}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct reply reply = parsed(bad[i].status, bad[i].type, bad[i].body);
        assert_int_equal(reply.kind, REPLY_GARBLED);
        assert_int_not_equal(strlen(reply.cause), 0);
        assert_int_equal(exit_code_of(&reply), EXIT_CODE_BAD_ANSWER);
        reply_free(&reply);
    }
}

static void a_problem_has_its_members(void **state)
{
    struct reply reply =
        parsed(429, "application/problem+json",
               "{\"type\":\"rate_limited\",\"title\":\"Too many\",\"retry_after_ms\":1500,"
               "\"field\":\"text\",\"detail\":7}");

    (void)state;
    assert_int_equal(reply.kind, REPLY_PROBLEM);
    assert_string_equal(reply.problem.type, "rate_limited");
    assert_string_equal(reply.problem.field, "text");
    assert_null(reply.problem.detail); /* not a string */
    assert_int_equal(reply.problem.retry_after_ms, 1500);
    reply_free(&reply);
}

static void errors_have_their_exit_codes(void **state)
{
    static const struct {
        const char *type;
        enum exit_code code;
    } rows[] = {
        {"invalid_params", EXIT_CODE_REFUSED}, {"conflict", EXIT_CODE_REFUSED},
        {"internal", EXIT_CODE_REFUSED},       {"something_new", EXIT_CODE_REFUSED},
        {"forbidden", EXIT_CODE_FORBIDDEN},    {"unauthenticated", EXIT_CODE_UNAUTHENTICATED},
        {"not_found", EXIT_CODE_NOT_FOUND},    {"gone", EXIT_CODE_NOT_FOUND},
        {"unavailable", EXIT_CODE_TRY_LATER},  {"rate_limited", EXIT_CODE_TRY_LATER},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply reply = {.kind = REPLY_PROBLEM, .problem = {.type = rows[i].type}};
        assert_int_equal(exit_code_of(&reply), rows[i].code);
    }
    assert_int_equal(exit_code_of(&(struct reply){.kind = REPLY_LOST}), EXIT_CODE_UNREACHABLE);
}

static void only_what_may_pass_is_tried_again(void **state)
{
    (void)state;
    assert_true(retry_helps(&(struct reply){.kind = REPLY_LOST}));
    assert_true(retry_helps(&(struct reply){.kind = REPLY_UNREACHABLE}));
    assert_true(
        retry_helps(&(struct reply){.kind = REPLY_PROBLEM, .problem = {.type = "unavailable"}}));
    assert_false(
        retry_helps(&(struct reply){.kind = REPLY_PROBLEM, .problem = {.type = "conflict"}}));
    assert_false(retry_helps(&(struct reply){.kind = REPLY_GARBLED}));
    assert_false(retry_helps(&(struct reply){.kind = REPLY_RESULT}));
}

static void waits_double_up_to_a_limit_and_honour_the_server(void **state)
{
    (void)state;
    assert_int_equal(retry_delay_ms(0, -1, 0), 200);
    assert_int_equal(retry_delay_ms(3, -1, 0), 1600);
    assert_int_equal(retry_delay_ms(30, -1, 0), 5000);
    assert_int_equal(retry_delay_ms(0, 3000, 0), 3000);
    assert_int_equal(retry_delay_ms(0, 3600000, 0), 60000);
    assert_in_range(retry_delay_ms(0, -1, UINT32_MAX), 200, 250);
}

static void the_reader_names_the_first_wrong_member(void **state)
{
    struct reader r = {.command = "x"};
    json_t *object =
        json_pack("{s:s, s:i, s:n, s:i, s:b}", "name", "bob", "n", -1, "none", "m", 7, "yes", 1);

    (void)state;
    assert_string_equal(reader_string(&r, object, "name"), "bob");
    assert_null(reader_string_opt(&r, object, "none"));
    assert_null(reader_string_opt(&r, object, "missing"));
    assert_int_equal(reader_uint(&r, object, "m"), 7);
    assert_true(reader_bool_opt(&r, object, "yes"));
    assert_false(r.failed);
    assert_string_equal(reader_string(&r, object, "m"), "");
    assert_true(r.failed);
    assert_int_equal(reader_uint(&r, object, "missing"), 0);
    assert_string_equal(r.member, "m");
    r.failed = false;
    assert_int_equal(reader_uint(&r, object, "n"), 0); /* negative */
    assert_true(r.failed);
    assert_null(reader_array(&r, NULL, "x"));
    json_decref(object);
}

static void urls_are_checked(void **state)
{
    static const char *const bad[] = {"",
                                      "chat.example.org",
                                      "ftp://chat.example.org",
                                      "file:///etc/passwd",
                                      "https://user:secret@chat.example.org",
                                      "https://chat.example.org/?a=b",
                                      "http://",
                                      "https://chat.example.org:99999"};
    struct buf url = {0};
    struct buf error = {0};
    bool plain;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(target_parse_url(bad[i], &url, &plain, &error));
        assert_null(strstr(error.data, "secret"));
    }
    assert_true(target_parse_url("https://chat.example.org/parley//", &url, &plain, &error));
    assert_string_equal(url.data, "https://chat.example.org/parley");
    assert_false(plain);
    buf_clear(&url);
    assert_true(target_parse_url("http://chat.example.org", &url, &plain, &error));
    assert_true(plain);
    buf_clear(&url);
    assert_true(target_parse_url("http://127.0.0.1:8080", &url, &plain, &error));
    assert_false(plain);
    buf_free(&url);
    buf_free(&error);
}

static void names_get_their_sign_and_ids_do_not(void **state)
{
    struct buf params = {0};

    (void)state;
    param_user(&params, "user", "bob");
    param_user(&params, "user", "@bob");
    param_user(&params, "user", "01jx4n5v8rq7d2c9m3k6t0wz5b");
    param_channel(&params, "channel", "a\"b");
    assert_string_equal(params.data, "\"user\":\"@bob\",\"user\":\"@bob\","
                                     "\"user\":\"01jx4n5v8rq7d2c9m3k6t0wz5b\","
                                     "\"channel\":\"#a\\\"b\"");
    buf_free(&params);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_is_a_json_object_with_status_200),
        cmocka_unit_test(anything_else_is_garbled),
        cmocka_unit_test(a_problem_has_its_members),
        cmocka_unit_test(errors_have_their_exit_codes),
        cmocka_unit_test(only_what_may_pass_is_tried_again),
        cmocka_unit_test(waits_double_up_to_a_limit_and_honour_the_server),
        cmocka_unit_test(the_reader_names_the_first_wrong_member),
        cmocka_unit_test(urls_are_checked),
        cmocka_unit_test(names_get_their_sign_and_ids_do_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
