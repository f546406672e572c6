#include "tests/unit/testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "protocol/jsonrpc.h"

static struct rpc_request request;
static const char *reason;

static enum err parse(const char *text)
{
    rpc_request_free(&request);
    reason = NULL;
    return rpc_parse(text, strlen(text), &request, &reason);
}

static int end_request(void **state)
{
    (void)state;
    rpc_request_free(&request);
    return 0;
}

static void assert_text(struct buf *got, const char *expected)
{
    assert_string_equal(got->data, expected);
    json_t *json = json_loads(got->data, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    json_decref(json);
    buf_free(got);
}

static void a_request_is_taken_apart(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"jsonrpc\":\"2.0\",\"id\":12,\"method\":\"message.send\","
                           "\"params\":{\"text\":\"hi\"}}"),
                     ERR_OK);
    assert_string_equal(request.method, "message.send");
    assert_int_equal(request.method_len, 12);
    assert_true(request.has_id);
    assert_string_equal(request.id, "12");
    assert_string_equal(json_string_value(json_object_get(request.params, "text")), "hi");
    assert_int_equal(parse("{\"method\":\"m\",\"id\":-7,\"jsonrpc\":\"2.0\"}"), ERR_OK);
    assert_string_equal(request.id, "-7");
    assert_null(request.params);
    assert_int_equal(parse("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":[1]}"),
                     ERR_OK);
    assert_true(json_is_array(request.params));
}

static void a_string_id_is_kept_as_json_text(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"jsonrpc\":\"2.0\",\"id\":\"a\\\"\\\\\\u00e4\",\"method\":\"m\"}"),
                     ERR_OK);
    assert_string_equal(request.id, "\"a\\\"\\\\\xc3\xa4\"");
    assert_int_equal(parse("{\"jsonrpc\":\"2.0\",\"id\":\"\",\"method\":\"m\"}"), ERR_OK);
    assert_string_equal(request.id, "\"\"");
    assert_int_equal(parse("{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":\"0123456789012345678901"
                           "234567890123456789012345678901234567890123\"}"),
                     ERR_OK);
    assert_int_equal(strlen(request.id), 66);
}

static void an_id_that_cannot_be_given_back_is_refused(void **state)
{
    (void)state;
    static const char *const ids[] = {
        "null",
        "true",
        "1.5",
        "1e3",
        "[]",
        "{}",
        "\"\\n\"",
        "9223372036854775808.0",
        "\"01234567890123456789012345678901234567890123456789012345678901234\"",
        "\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\""
        "\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\"",
    };
    char text[512];

    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        strcpy(text, "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"id\":");
        strcat(text, ids[i]);
        strcat(text, "}");
        assert_int_equal(parse(text), ERR_INVALID_REQUEST);
        assert_string_equal(reason,
                            "must have an integer or a string of at most 64 bytes as its id");
        assert_false(request.has_id);
        assert_string_equal(request.id, "");
    }
}

static void what_is_no_request_is_refused_with_the_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
        bool has_id;
    } bad[] = {
        {"[]", "is a batch; send one request at a time", false},
        {"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}]",
         "is a batch; send one request at a time", false},
        {"{}", "has no id", false},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"m\"}", "has no id", false},
        {"{\"id\":1,\"method\":\"m\"}", "must have \"jsonrpc\":\"2.0\"", true},
        {"{\"jsonrpc\":2.0,\"id\":1,\"method\":\"m\"}", "must have \"jsonrpc\":\"2.0\"", true},
        {"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"m\"}", "must have \"jsonrpc\":\"2.0\"", true},
        {"{\"jsonrpc\":\"2.0\",\"id\":1}", "must have a string as its method", true},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}", "must have a string as its method", true},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", "must have a string as its method", true},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":null}",
         "must have an object as its params", true},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":\"x\"}",
         "must have an object as its params", true},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"parms\":{}}",
         "must have nothing but jsonrpc, id, method and params", true},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(parse(bad[i].text), ERR_INVALID_REQUEST);
        assert_string_equal(reason, bad[i].reason);
        assert_int_equal(request.has_id, bad[i].has_id);
        if (bad[i].has_id)
            assert_string_equal(request.id, "1");
    }
}

static void what_is_no_json_is_a_parse_error(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"jsonrpc\":"), ERR_PARSE_ERROR);
    assert_string_equal(reason, "ends too early");
    assert_int_equal(parse("{\"id\":1,\"id\":1}"), ERR_PARSE_ERROR);
    assert_int_equal(parse("hello"), ERR_PARSE_ERROR);
    assert_null(request.root);
    rpc_request_free(&request);
    rpc_request_free(&request);
}

static void a_result_answers_with_the_id(void **state)
{
    (void)state;
    struct buf out = {0};

    rpc_put_result(&out, "\"x\"", "{\"a\":1}ignored", 7);
    assert_text(&out, "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{\"a\":1}}");
}

static void an_error_carries_its_type_and_what_is_known(void **state)
{
    (void)state;
    struct buf out = {0};
    struct problem problem = {0};

    problem_set(&problem, "te\"xt", "is missing");
    rpc_put_error(&out, "3", ERR_INVALID_PARAMS, &problem, NULL, -1);
    assert_text(&out, "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32602,\"message\":"
                      "\"A parameter is missing or wrong\",\"data\":{\"type\":\"invalid_params\","
                      "\"field\":\"te\\\"xt\",\"reason\":\"is missing\"}}}");
    rpc_put_error(&out, NULL, ERR_RATE_LIMITED, NULL, NULL, 0);
    assert_text(&out, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32029,\"message\":"
                      "\"Too many requests\",\"data\":{\"type\":\"rate_limited\","
                      "\"retry_after_ms\":0}}}");
    problem = (struct problem){.id = "e1"};
    rpc_put_error(&out, "", ERR_INTERNAL, &problem, "More in the log", -1);
    assert_text(&out, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32603,\"message\":"
                      "\"The server failed\",\"data\":{\"type\":\"internal\","
                      "\"detail\":\"More in the log\",\"id\":\"e1\"}}}");
}

static void problem_details_have_the_status(void **state)
{
    (void)state;
    struct buf out = {0};

    problem_put(&out, ERR_UNAVAILABLE, NULL, "the disk is full", 500, "r1");
    assert_text(&out, "{\"type\":\"unavailable\",\"title\":\"The server cannot do this now\","
                      "\"status\":503,\"detail\":\"the disk is full\",\"retry_after_ms\":500,"
                      "\"request_id\":\"r1\"}");
    problem_put(&out, ERR_NOT_FOUND, NULL, NULL, -1, NULL);
    assert_text(&out, "{\"type\":\"not_found\",\"title\":\"There is no such thing\","
                      "\"status\":404}");
}

static void every_error_has_a_json_rpc_and_an_http_form(void **state)
{
    (void)state;
    for (int err = ERR_OK + 1; err < ERR_COUNT; err++) {
        struct buf out = {0};
        rpc_put_error(&out, "1", (enum err)err, NULL, NULL, -1);
        json_t *json = json_loads(out.data, 0, NULL);
        json_t *error = json_object_get(json, "error");
        assert_int_equal(json_integer_value(json_object_get(error, "code")),
                         err_rpc_code((enum err)err));
        json_decref(json);
        buf_clear(&out);
        problem_put(&out, (enum err)err, NULL, NULL, -1, NULL);
        json = json_loads(out.data, 0, NULL);
        assert_int_equal(json_integer_value(json_object_get(json, "status")),
                         err_http_status((enum err)err));
        json_decref(json);
        buf_free(&out);
    }
}

static void an_event_is_a_notification_with_its_position(void **state)
{
    (void)state;
    struct buf out = {0};
    static const char data[] = "\"message\":{\"id\":\"m\"}";

    rpc_put_event(&out, "message.created", "c:1", "ep", 9007199254740991, 1, "u1", data,
                  strlen(data));
    assert_text(&out, "{\"jsonrpc\":\"2.0\",\"method\":\"message.created\",\"params\":{"
                      "\"stream\":\"c:1\",\"epoch\":\"ep\",\"seq\":9007199254740991,"
                      "\"at\":\"1970-01-01T00:00:00.001Z\",\"actor\":\"u1\","
                      "\"message\":{\"id\":\"m\"}}}");
    rpc_put_event(&out, "x", "c:1", "ep", 1, 0, NULL, NULL, 0);
    assert_text(&out, "{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":{\"stream\":\"c:1\","
                      "\"epoch\":\"ep\",\"seq\":1,\"at\":\"1970-01-01T00:00:00.000Z\"}}");
}

static void an_ephemeral_event_has_only_its_own_members(void **state)
{
    (void)state;
    struct buf out = {0};
    static const char data[] = "\"user\":\"u\"";

    rpc_put_ephemeral(&out, "typing", data, strlen(data));
    assert_text(&out, "{\"jsonrpc\":\"2.0\",\"method\":\"typing\",\"params\":{\"user\":\"u\"}}");
    rpc_put_ephemeral(&out, "session.revoked", "", 0);
    assert_text(&out, "{\"jsonrpc\":\"2.0\",\"method\":\"session.revoked\",\"params\":{}}");
}

static void a_notification_is_taken_apart_again(void **state)
{
    (void)state;
    struct buf out = {0};
    struct rpc_event event;
    static const char *const others[] = {"",
                                         "{}",
                                         "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}",
                                         "{\"jsonrpc\":\"2.0\",\"method\":\"typing\"}}",
                                         "{\"jsonrpc\":\"2.0\",\"method\":\"typing}}",
                                         "{\"jsonrpc\":\"2.0\",\"method\":\"t\",\"params\":}}",
                                         "{\"jsonrpc\":\"2.0\",\"method\":\"t\",\"params\":{}"};

    rpc_put_ephemeral(&out, "typing", "\"user\":\"u\"", 10);
    assert_true(rpc_event_split(out.data, out.len, &event));
    assert_int_equal(event.method_len, 6);
    assert_memory_equal(event.method, "typing", 6);
    assert_int_equal(event.params_len, 12);
    assert_memory_equal(event.params, "{\"user\":\"u\"}", 12);
    buf_clear(&out);
    rpc_put_ephemeral(&out, "session.revoked", "", 0);
    assert_true(rpc_event_split(out.data, out.len, &event));
    assert_int_equal(event.params_len, 2);
    buf_free(&out);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_false(rpc_event_split(others[i], strlen(others[i]), &event));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, end_request)
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_taken_apart),
        TEST(a_string_id_is_kept_as_json_text),
        TEST(an_id_that_cannot_be_given_back_is_refused),
        TEST(what_is_no_request_is_refused_with_the_reason),
        TEST(what_is_no_json_is_a_parse_error),
        TEST(a_result_answers_with_the_id),
        TEST(an_error_carries_its_type_and_what_is_known),
        TEST(problem_details_have_the_status),
        TEST(every_error_has_a_json_rpc_and_an_http_form),
        TEST(an_event_is_a_notification_with_its_position),
        TEST(an_ephemeral_event_has_only_its_own_members),
        TEST(a_notification_is_taken_apart_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
