#include "tests/unit/testing.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/mem.h"
#include "protocol/limits.h"
#include "server/hook_call.h"

static int create(void **state)
{
    *state = arena_create();
    return 0;
}

static int destroy(void **state)
{
    arena_destroy((struct arena **)state);
    return 0;
}

/* -- signing -------------------------------------------------------------------------------------
 */

static void a_signature_is_hmac_sha256_of_time_dot_body(void **state)
{
    (void)state;
    char signature[HOOK_SIGNATURE_SIZE];

    /* printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac key */
    hook_sign("key", 1700000000, "{\"a\":1}", 7, signature);
    assert_string_equal(signature,
                        "v1=a438e398bfafc57e4396bb7fc2304422f0f768e965d073ca313cb52e22e6ad03");
}

/* -- which events --------------------------------------------------------------------------------
 */

static const struct store_hook everything = {
    .id = "01hook", .events = "message.created member.joined message.deleted"};

static bool wants(const struct store_hook *hook, enum store_event_type type, const char *actor,
                  const char *data)
{
    struct store_event event = {
        .type = type, .actor = actor, .data = data, .data_len = strlen(data)};

    return hook_wants(hook, &event);
}

static bool wants_text(const struct store_hook *hook, const char *text)
{
    char data[256];

    (void)snprintf(data, sizeof(data), "\"message\":{\"id\":\"m\",\"text\":\"%s\"}", text);
    return wants(hook, STORE_EVENT_MESSAGE_CREATED, "u", data);
}

static void only_events_that_were_asked_for_are_wanted(void **state)
{
    (void)state;
    assert_true(wants_text(&everything, "hello"));
    assert_true(wants(&everything, STORE_EVENT_MEMBER_JOINED, "u", "\"user\":{}"));
    assert_true(wants(&everything, STORE_EVENT_MESSAGE_DELETED, "u", "\"message\":{\"id\":\"m\"}"));
    assert_false(wants(&everything, STORE_EVENT_MESSAGE_UPDATED, "u",
                       "\"message\":{\"id\":\"m\",\"text\":\"x\"}"));
    assert_false(wants(&everything, STORE_EVENT_MEMBER_LEFT, "u", "\"user\":{}"));
    assert_false(wants_text(&(struct store_hook){.id = "01hook"}, "hello"));
    assert_false(
        wants_text(&(struct store_hook){.id = "01hook", .events = "message.created2"}, "x"));
}

static void a_hook_is_not_told_of_itself_nor_of_answers_to_hooks(void **state)
{
    (void)state;
    assert_false(wants(&everything, STORE_EVENT_MESSAGE_CREATED, "01hook",
                       "\"message\":{\"id\":\"m\",\"text\":\"x\"}"));
    assert_false(wants(&everything, STORE_EVENT_MESSAGE_CREATED, "other",
                       "\"message\":{\"id\":\"m\",\"text\":\"x\",\"client_msg_id\":\"hook:e:1\"}"));
    assert_true(wants(&everything, STORE_EVENT_MESSAGE_CREATED, "other",
                      "\"message\":{\"id\":\"m\",\"text\":\"x\",\"client_msg_id\":\"hook\"}"));
}

static void a_message_that_was_deleted_meanwhile_is_not_told_of(void **state)
{
    (void)state;
    assert_false(
        wants(&everything, STORE_EVENT_MESSAGE_CREATED, "u", "\"message\":{\"id\":\"m\"}"));
}

static void with_a_trigger_only_messages_that_begin_with_it_are_wanted(void **state)
{
    (void)state;
    struct store_hook hook = everything;

    hook.trigger = "deploy";
    assert_true(wants_text(&hook, "deploy"));
    assert_true(wants_text(&hook, "deploy now"));
    assert_true(wants_text(&hook, "deploy: now"));
    assert_false(wants_text(&hook, "deployment"));
    assert_false(wants_text(&hook, "deploy-all"));
    assert_false(wants_text(&hook, "deploy\xc3\xa9"));
    assert_false(wants_text(&hook, "please deploy"));
    assert_false(wants_text(&hook, "Deploy"));
    assert_false(wants_text(&hook, "dep"));
    assert_false(wants(&hook, STORE_EVENT_MEMBER_JOINED, "u", "\"user\":{}"));
    assert_true(hook_is_triggered("!now", "!"));
}

/* -- calls ---------------------------------------------------------------------------------------
 */

static const struct store_hook hook = {.id = "01hook", .secret = "secret"};

static const char *header(const struct hook_call *call, const char *name)
{
    for (size_t i = 0; i < call->headers_n; i++)
        if (strncmp(call->headers[i], name, strlen(name)) == 0 &&
            call->headers[i][strlen(name)] == ':')
            return call->headers[i] + strlen(name) + 2;
    return "";
}

static void an_event_is_sent_as_it_is_listed_with_a_stable_id(void **state)
{
    static const char data[] = "\"message\":{\"id\":\"m\"}";
    struct store_event event = {.stream = "c:01chan",
                                .epoch = "e1",
                                .seq = 7,
                                .type = STORE_EVENT_MESSAGE_CREATED,
                                .actor = "u",
                                .at = 0,
                                .data = data,
                                .data_len = sizeof(data) - 1};
    struct hook_call call;
    char signature[HOOK_SIGNATURE_SIZE];

    hook_call_event(*state, &hook, &event, 3, 1700000000, &call);
    assert_string_equal(
        call.body,
        "{\"hook\":\"01hook\",\"delivery\":\"01hook:c:01chan:e1:7\",\"attempt\":3,\"event\":"
        "{\"method\":\"message.created\",\"params\":{\"stream\":\"c:01chan\",\"epoch\":\"e1\","
        "\"seq\":7,\"at\":\"1970-01-01T00:00:00.000Z\",\"actor\":\"u\","
        "\"message\":{\"id\":\"m\"}}}}");
    assert_int_equal(call.body_n, strlen(call.body));
    assert_string_equal(header(&call, "Content-Type"), "application/json");
    assert_string_equal(header(&call, "Parley-Hook"), "01hook");
    assert_string_equal(header(&call, "Parley-Event"), "message.created");
    assert_string_equal(header(&call, "Parley-Delivery"), "01hook:c:01chan:e1:7");
    assert_string_equal(header(&call, "Parley-Timestamp"), "1700000000");
    hook_sign("secret", 1700000000, call.body, call.body_n, signature);
    assert_string_equal(header(&call, "Parley-Signature"), signature);
}

static void no_value_adds_a_header(void **state)
{
    struct store_event event = {.stream = "c:a",
                                .epoch = "e\r\nX-Evil: 1",
                                .type = STORE_EVENT_MESSAGE_CREATED,
                                .data = ""};
    struct hook_call call;

    hook_call_event(*state, &hook, &event, 1, 0, &call);
    assert_string_equal(header(&call, "Parley-Delivery"), "01hook:c:a:e??X-Evil: 1:0");
}

static void a_command_is_a_form(void **state)
{
    static const struct hook_field fields[] = {
        {"command", "/deploy"}, {"text", "a b&c=d\xc3\xa9*-._~+"}, {"empty", ""}};
    struct hook_call call;

    hook_call_command(*state, &hook, "d", fields, ARRAY_LEN(fields), 5, &call);
    assert_string_equal(call.body, "command=%2Fdeploy&text=a+b%26c%3Dd%C3%A9*-._%7E%2B&empty=");
    assert_string_equal(header(&call, "Content-Type"), "application/x-www-form-urlencoded");
    assert_string_equal(header(&call, "Parley-Event"), "slash.run");
    assert_string_equal(header(&call, "Parley-Delivery"), "d");
}

static void pauses_double_up_to_five_minutes_with_chance_in_them(void **state)
{
    (void)state;
    assert_int_equal(hook_pause_ms(1, 1000, 0, 0), 500);
    assert_int_equal(hook_pause_ms(1, 1000, 0, 500), 1000);
    assert_int_equal(hook_pause_ms(2, 1000, 0, 0), 1000);
    assert_int_equal(hook_pause_ms(4, 1000, 0, 0), 4000);
    assert_int_equal(hook_pause_ms(9, 1000, 0, 0), 128000);
    assert_int_equal(hook_pause_ms(10, 1000, 0, 0), 150000);
    assert_int_equal(hook_pause_ms(100, 1000, 0, 150000), 300000);
    for (uint32_t random = 0; random < 5000; random += 7) {
        uint32_t pause = hook_pause_ms(2, 1000, 0, random);
        assert_true(pause >= 1000 && pause <= 2000);
    }
    assert_int_equal(hook_pause_ms(1, 1000, 30, 0), 30000); /* Retry-After */
    assert_int_equal(hook_pause_ms(9, 1000, 1, 0), 128000);
    assert_int_equal(hook_pause_ms(1, 1000, 4000000000u, 0), 300000);
}

/* -- answers -------------------------------------------------------------------------------------
 */

static const char *read_answer(struct arena *arena, const char *type, const char *body, bool plain,
                               struct hook_answer *out)
{
    return hook_answer_read(arena, type, body, strlen(body), plain, out);
}

static void json_says_what_and_to_whom(void **state)
{
    struct hook_answer answer;

    assert_null(read_answer(*state, "application/json", "{\"text\":\"hi\"}", false, &answer));
    assert_string_equal(answer.text, "hi");
    assert_false(answer.in_channel);
    assert_null(read_answer(*state, "application/json; charset=utf-8",
                            "{\"response_type\":\"in_channel\",\"text\":\" hi \\n\"}", true,
                            &answer));
    assert_string_equal(answer.text, " hi");
    assert_true(answer.in_channel);
    assert_null(read_answer(*state, "application/json", "{}", false, &answer));
    assert_null(answer.text);
    assert_null(read_answer(*state, "application/json", "{\"text\":\" \"}", false, &answer));
    assert_null(answer.text);
    assert_null(read_answer(*state, "application/json", "", false, &answer));
    assert_null(answer.text);
}

static void plain_text_is_taken_where_it_may_be(void **state)
{
    struct hook_answer answer;

    assert_null(read_answer(*state, "text/plain", "done", true, &answer));
    assert_string_equal(answer.text, "done");
    assert_false(answer.in_channel);
    assert_null(read_answer(*state, "", "done", true, &answer));
    assert_string_equal(answer.text, "done");
    assert_null(read_answer(*state, "text/plain", "done", false, &answer));
    assert_null(answer.text);
    assert_null(read_answer(*state, "text/html", "<p>ok", false, &answer));
    assert_null(answer.text);
}

static void a_wrong_answer_says_what_is_wrong(void **state)
{
    static const struct {
        const char *type, *body, *why;
    } wrong[] = {
        {"application/json", "{\"text\":", "ends too early"},
        {"application/json", "[1]", "is not a JSON object"},
        {"application/json", "{\"text\":1}", "has a text that is not a string"},
        {"application/json", "{\"response_type\":1}", "has a response_type that is not a string"},
        {"application/json", "{\"response_type\":\"all\"}",
         "has a response_type other than in_channel and ephemeral"},
        {"text/html", "<p>", "is neither JSON nor plain text"},
        {"text/plain", "\xff", "is not valid UTF-8"},
    };
    struct hook_answer answer;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        const char *why = read_answer(*state, wrong[i].type, wrong[i].body, true, &answer);
        assert_non_null(why);
        assert_string_equal(why, wrong[i].why);
        assert_null(answer.text);
    }
}

static void a_long_text_is_cut_between_characters(void **state)
{
    static char body[LIMIT_TEXT_BYTES + 100];
    struct hook_answer answer;

    memset(body, 'x', sizeof(body));
    memcpy(body + LIMIT_TEXT_BYTES - 1, "\xe2\x82\xac", 3);
    assert_null(hook_answer_read(*state, "text/plain", body, sizeof(body), true, &answer));
    assert_int_equal(strlen(answer.text), LIMIT_TEXT_BYTES - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_signature_is_hmac_sha256_of_time_dot_body),
        TEST(only_events_that_were_asked_for_are_wanted),
        TEST(a_hook_is_not_told_of_itself_nor_of_answers_to_hooks),
        TEST(a_message_that_was_deleted_meanwhile_is_not_told_of),
        TEST(with_a_trigger_only_messages_that_begin_with_it_are_wanted),
        TEST(an_event_is_sent_as_it_is_listed_with_a_stable_id),
        TEST(no_value_adds_a_header),
        TEST(a_command_is_a_form),
        TEST(pauses_double_up_to_five_minutes_with_chance_in_them),
        TEST(json_says_what_and_to_whom),
        TEST(plain_text_is_taken_where_it_may_be),
        TEST(a_wrong_answer_says_what_is_wrong),
        TEST(a_long_text_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
