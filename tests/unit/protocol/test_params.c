#include "tests/unit/testing.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/utf8.h"
#include "protocol/params.h"
#include "tests/unit/protocol/sample.h"

/* One call at a time: parsed by call(), freed by the tear-down. */
static json_t *given;
static struct params params;
static struct problem problem;

static enum err call(enum command_id id, json_t *object)
{
    params_free(&params);
    json_decref(given);
    given = object;
    return params_parse(command_get(id), given, &params, &problem);
}

static int end_call(void **state)
{
    (void)state;
    params_free(&params);
    json_decref(given);
    given = NULL;
    return 0;
}

static void assert_problem(enum err err, const char *field, const char *reason)
{
    assert_int_equal(err, ERR_INVALID_PARAMS);
    assert_string_equal(problem.field, field);
    assert_string_equal(problem.reason, reason);
}

static void the_values_of_a_call_are_found_by_name(void **state)
{
    (void)state;
    assert_int_equal(call(CMD_MESSAGE_HISTORY, json_pack("{s:s,s:i}", "channel", "c1", "after", 7)),
                     ERR_OK);
    assert_string_equal(param_str(&params, "channel"), "c1");
    assert_int_equal(param_len(&params, "channel"), 2);
    assert_int_equal(param_int(&params, "after", -1), 7);
    assert_int_equal(param_int(&params, "limit", 50), 50);
    assert_true(param_has(&params, "after"));
    assert_false(param_has(&params, "before"));
    assert_false(param_has(&params, "no such parameter"));
    assert_null(param_str(&params, "no such parameter"));
    assert_int_equal(param_len(&params, "before"), 0);
}

static void a_boolean_is_true_false_or_absent(void **state)
{
    (void)state;
    assert_int_equal(
        call(CMD_ADMIN_USER_DISABLE, json_pack("{s:s,s:b}", "user", "u", "disabled", 0)), ERR_OK);
    assert_false(param_bool(&params, "disabled", true));
    assert_int_equal(
        call(CMD_ADMIN_USER_DISABLE, json_pack("{s:s,s:b}", "user", "u", "disabled", 1)), ERR_OK);
    assert_true(param_bool(&params, "disabled", false));
    assert_true(param_bool(&params, "absent", true));
}

static void a_list_of_ids_is_given_up_to_the_room_there_is(void **state)
{
    (void)state;
    const char *ids[2] = {NULL, NULL};

    assert_int_equal(call(CMD_DM_OPEN, json_pack("{s:[s,s,s]}", "users", "a", "b", "c")), ERR_OK);
    assert_int_equal(param_ids(&params, "users", ids, ARRAY_LEN(ids)), 3);
    assert_string_equal(ids[0], "a");
    assert_string_equal(ids[1], "b");
    assert_int_equal(param_ids(&params, "absent", ids, 2), 0);
}

static void no_parameters_at_all_are_fine_where_none_is_required(void **state)
{
    (void)state;
    assert_int_equal(call(CMD_SERVER_INFO, NULL), ERR_OK);
    assert_int_equal(call(CMD_SESSION_START, NULL), ERR_OK);
    assert_int_equal(param_positions_count(&params, "streams"), 0);
    assert_problem(call(CMD_READ_MARK, NULL), "channel", "is missing");
}

static void the_reason_says_what_would_be_right(void **state)
{
    (void)state;
    assert_problem(call(CMD_MESSAGE_SEND, json_pack("{s:s,s:s}", "channel", "c", "text", "")),
                   "text", "must be 1 to 16384 bytes");
    assert_problem(call(CMD_CHANNEL_LIST, json_pack("{s:i}", "limit", 201)), "limit",
                   "must be an integer from 1 to 200");
    assert_problem(call(CMD_CHANNEL_LIST, json_pack("{s:f}", "limit", 2.0)), "limit",
                   "must be an integer");
    assert_problem(call(CMD_CHANNEL_LIST, json_pack("{s:s}", "limits", "2")), "limits",
                   "unknown parameter");
    assert_problem(call(CMD_PRESENCE_SET, json_pack("{s:s}", "state", "asleep")), "state",
                   "must be one of online, away, dnd");
    assert_problem(call(CMD_PRESENCE_SET, json_pack("{s:s}", "state", "online|away")), "state",
                   "must be one of online, away, dnd");
    assert_problem(call(CMD_DM_OPEN, json_pack("{s:[]}", "users")), "users", "must be 1 to 8 ids");
    assert_problem(call(CMD_DM_OPEN, json_pack("{s:[s,s]}", "users", "a", "a b")), "users[1]",
                   "must be an id: letters, digits, '_' and '-'");
    assert_problem(call(CMD_ADMIN_USER_DISABLE, json_pack("{s:s,s:i}", "user", "u", "disabled", 1)),
                   "disabled", "must be true or false");
    assert_problem(call(CMD_USER_UPDATE, json_pack("{s:s}", "display_name", "   ")), "display_name",
                   "must not be blank");
}

/* The answer of CMD with its only parameter NAME as VALUE. */
static bool takes(enum command_id id, const char *name, const char *value)
{
    return call(id, json_pack("{s:s}", name, value)) == ERR_OK;
}

static void a_reference_is_an_id_or_a_name_after_its_sign(void **state)
{
    (void)state;
    assert_true(takes(CMD_USER_GET, "user", "01jx4n5v8rq7d2c9m3k6t0wz5b"));
    assert_true(takes(CMD_USER_GET, "user", "@ann.b-c_1"));
    assert_true(takes(CMD_USER_GET, "user", "@abcdefghijklmnopqrstuvwxyz012345"));
    assert_false(takes(CMD_USER_GET, "user", "@abcdefghijklmnopqrstuvwxyz0123456"));
    assert_false(takes(CMD_USER_GET, "user", "@"));
    assert_false(takes(CMD_USER_GET, "user", "@Ann"));
    assert_false(takes(CMD_USER_GET, "user", "@-ann"));
    assert_false(takes(CMD_USER_GET, "user", "#ann"));
    assert_false(takes(CMD_USER_GET, "user", "ann b"));
    assert_true(takes(CMD_CHANNEL_GET, "channel", "#general"));
    assert_false(takes(CMD_CHANNEL_GET, "channel", "@general"));
    assert_false(takes(CMD_CHANNEL_JOIN, "channel", "#general"));
}

static void a_name_is_lower_case_and_starts_with_a_letter_or_digit(void **state)
{
    (void)state;
    assert_true(takes(CMD_CHANNEL_CREATE, "name", "a"));
    assert_true(takes(CMD_CHANNEL_CREATE, "name", "0-a.b_c"));
    assert_false(takes(CMD_CHANNEL_CREATE, "name", ".a"));
    assert_false(takes(CMD_CHANNEL_CREATE, "name", "_a"));
    assert_false(takes(CMD_CHANNEL_CREATE, "name", "A"));
    assert_false(takes(CMD_CHANNEL_CREATE, "name", "a b"));
    assert_false(takes(CMD_CHANNEL_CREATE, "name", "\xc3\xa4"));
}

static void characters_of_a_line_are_counted_not_bytes(void **state)
{
    (void)state;
    char name[65 * 4 + 1];

    for (size_t i = 0; i < 65; i++)
        memcpy(name + 4 * i, "\xf0\x9f\x99\x82", 4);
    name[64 * 4] = '\0';
    assert_true(takes(CMD_USER_UPDATE, "display_name", name));
    name[64 * 4] = '\xf0';
    name[65 * 4] = '\0';
    assert_false(takes(CMD_USER_UPDATE, "display_name", name));
    assert_string_equal(problem.reason, "must be 1 to 64 characters");
}

static void a_line_has_no_line_breaks_of_any_kind(void **state)
{
    (void)state;
    static const char *const bad[] = {"a\nb",     "a\rb",          "a\tb",
                                      "a\x7f",    "\x1b[1m",       "a\xc2\x85z",
                                      "\xc2\x9b", "a\xe2\x80\xa8", "\xe2\x80\xa9z"};
    static const char *const good[] = {"\xc2\xa0z", "\xe2\x80\xa7", "\xe2\x81\x80", "\xc3\x84",
                                       "a b"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(takes(CMD_USER_UPDATE, "display_name", bad[i]));
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(takes(CMD_USER_UPDATE, "display_name", good[i]));
}

static bool takes_address(const char *url)
{
    return call(CMD_HOOK_UPDATE, json_pack("{s:s,s:s}", "hook", "h", "url", url)) == ERR_OK;
}

static void an_address_names_a_host_and_nobody(void **state)
{
    static const char *const good[] = {"https://a.example", "http://a.example:8080/x?y=z#f",
                                       "http://[2001:db8::1]:80/", "https://a_b-c.example?q"};
    static const char *const bad[] = {"ftp://a.example",      "https://",
                                      "https:///path",        "https://u:p@a.example/",
                                      "https://u@a.example",  "https://a example",
                                      "javascript:alert1",    "HTTPS://a.example",
                                      "https://a.example/\n", "https://:80/",
                                      "https://a%00.example"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(takes_address(good[i]));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(takes_address(bad[i]));
}

static void a_path_is_absolute(void **state)
{
    (void)state;
    assert_true(takes(CMD_ADMIN_BACKUP, "path", "/var/backups/parley 1.db"));
    assert_false(takes(CMD_ADMIN_BACKUP, "path", "parley.db"));
    assert_false(takes(CMD_ADMIN_BACKUP, "path", "/a\n"));
}

static void a_stream_is_of_a_channel_or_a_user(void **state)
{
    (void)state;
    static const char *const bad[] = {"x:1", "c1", "c:", "c:a b", "u:c:1", "C:1"};

    assert_int_equal(call(CMD_STREAM_EVENTS,
                          json_pack("{s:s,s:s,s:i}", "stream", "u:1", "epoch", "e", "after", 0)),
                     ERR_OK);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(call(CMD_STREAM_EVENTS, json_pack("{s:s,s:s,s:i}", "stream", bad[i],
                                                           "epoch", "e", "after", 0)),
                         ERR_INVALID_PARAMS);
}

static void positions_come_back_in_the_order_given(void **state)
{
    (void)state;
    struct stream_position position;

    assert_int_equal(
        call(CMD_SESSION_START, json_pack("{s:o}", "streams", sample_positions(LIMIT_POSITIONS))),
        ERR_OK);
    assert_int_equal(param_positions_count(&params, "streams"), LIMIT_POSITIONS);
    param_position(&params, "streams", LIMIT_POSITIONS - 1, &position);
    assert_string_equal(position.stream, "c:1999");
    assert_string_equal(position.epoch, "e");
    assert_int_equal(position.seq, LIMIT_POSITIONS - 1);
    assert_problem(call(CMD_SESSION_START,
                        json_pack("{s:o}", "streams", sample_positions(LIMIT_POSITIONS + 1))),
                   "streams", "must be 0 to 2000 streams");
    assert_int_equal(call(CMD_SESSION_START, json_pack("{s:{}}", "streams")), ERR_OK);
    assert_int_equal(param_positions_count(&params, "streams"), 0);
}

/* As session.start answers for a stream that does not exist yet. */
static void a_position_may_be_before_the_first_event_of_a_stream(void **state)
{
    (void)state;
    assert_int_equal(call(CMD_SESSION_START,
                          json_pack("{s:{s:{s:s,s:i}}}", "streams", "u:1", "epoch", "", "seq", 0)),
                     ERR_OK);
    assert_int_equal(call(CMD_STREAM_EVENTS,
                          json_pack("{s:s,s:s,s:i}", "stream", "u:1", "epoch", "", "after", 0)),
                     ERR_OK);
}

static void a_bad_position_is_named_by_its_stream(void **state)
{
    (void)state;
    static const char *const shape = "must be an object of epoch, a string, and seq, an integer";
    static const struct {
        const char *json, *field, *reason;
    } bad[] = {
        {"{\"x:1\":{\"epoch\":\"e\",\"seq\":1}}", "streams.x:1",
         "must name a stream: c: or u: and an id"},
        {"{\"c:1\":7}", "streams.c:1", NULL},
        {"{\"c:1\":null}", "streams.c:1", NULL},
        {"{\"c:1\":{\"epoch\":\"e\"}}", "streams.c:1", NULL},
        {"{\"c:1\":{\"seq\":1}}", "streams.c:1", NULL},
        {"{\"c:1\":{\"epoch\":1,\"seq\":1}}", "streams.c:1", NULL},
        {"{\"c:1\":{\"epoch\":\"e\",\"seq\":\"1\"}}", "streams.c:1", NULL},
        {"{\"c:1\":{\"epoch\":\"e\",\"seq\":1,\"x\":1}}", "streams.c:1", NULL},
        {"{\"c:1\":{\"epoch\":\"a b\",\"seq\":1}}", "streams.c:1",
         "must have an epoch of at most 16 printable ASCII characters"},
        {"{\"c:1\":{\"epoch\":\"12345678901234567\",\"seq\":1}}", "streams.c:1",
         "must have an epoch of at most 16 printable ASCII characters"},
        {"{\"c:1\":{\"epoch\":\"e\",\"seq\":-1}}", "streams.c:1",
         "must have a seq from 0 to 9007199254740991"},
        {"{\"c:1\":{\"epoch\":\"e\",\"seq\":9007199254740992}}", "streams.c:1",
         "must have a seq from 0 to 9007199254740991"},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        json_t *object = json_object();
        json_object_set_new(object, "streams", json_loads(bad[i].json, 0, NULL));
        assert_problem(call(CMD_SESSION_START, object), bad[i].field,
                       bad[i].reason != NULL ? bad[i].reason : shape);
    }
}

static void a_long_unknown_name_is_cut_between_characters(void **state)
{
    (void)state;
    char name[4000];

    for (size_t i = 0; i + 3 < sizeof(name); i += 3)
        memcpy(name + i, "\xe2\x82\xac", 3);
    name[3 * 1332] = '\0';
    assert_int_equal(takes(CMD_SERVER_INFO, name, "x"), false);
    assert_true(strlen(problem.field) < sizeof(problem.field_buf));
    assert_true(strlen(problem.field) > sizeof(problem.field_buf) - 5);
    assert_true(utf8_is_valid(problem.field, strlen(problem.field)));
}

static void parameters_can_be_freed_twice_and_after_an_error(void **state)
{
    (void)state;
    json_t *object =
        json_pack("{s:{s:{s:s,s:i},s:n}}", "streams", "c:1", "epoch", "e", "seq", 1, "c:2");

    assert_int_equal(call(CMD_SESSION_START, object), ERR_INVALID_PARAMS);
    params_free(&params);
    params_free(&params);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, end_call)
    const struct CMUnitTest tests[] = {
        TEST(the_values_of_a_call_are_found_by_name),
        TEST(a_boolean_is_true_false_or_absent),
        TEST(a_list_of_ids_is_given_up_to_the_room_there_is),
        TEST(no_parameters_at_all_are_fine_where_none_is_required),
        TEST(the_reason_says_what_would_be_right),
        TEST(a_reference_is_an_id_or_a_name_after_its_sign),
        TEST(a_name_is_lower_case_and_starts_with_a_letter_or_digit),
        TEST(characters_of_a_line_are_counted_not_bytes),
        TEST(a_line_has_no_line_breaks_of_any_kind),
        TEST(a_path_is_absolute),
        TEST(an_address_names_a_host_and_nobody),
        TEST(a_stream_is_of_a_channel_or_a_user),
        TEST(positions_come_back_in_the_order_given),
        TEST(a_position_may_be_before_the_first_event_of_a_stream),
        TEST(a_bad_position_is_named_by_its_stream),
        TEST(a_long_unknown_name_is_cut_between_characters),
        TEST(parameters_can_be_freed_twice_and_after_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
