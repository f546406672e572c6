#include "tests/unit/testing.h"

#include <string.h>

#include "base/macros.h"
#include "base/utf8.h"
#include "protocol/json.h"
#include "protocol/slack.h"

static void assert_text(const char *payload, const char *text)
{
    struct slack_post post;
    const char *reason = NULL;
    json_t *json = json_parse_bounded(payload, strlen(payload), &reason);

    if (json == NULL)
        fail_msg("%s: %s", payload, reason);
    if (slack_read(json, &post, &reason) != ERR_OK)
        fail_msg("%s: %s", payload, reason);
    assert_string_equal(post.text.data, text);
    slack_post_free(&post);
    json_decref(json);
}

static void assert_refused(const char *payload, const char *wanted)
{
    struct slack_post post;
    const char *reason = NULL;
    json_t *json = json_loads(payload, JSON_DECODE_ANY, NULL);

    assert_non_null(json);
    assert_int_equal(slack_read(json, &post, &reason), ERR_INVALID_REQUEST);
    assert_string_equal(reason, wanted);
    slack_post_free(&post);
    json_decref(json);
}

static void a_text_is_the_message(void **state)
{
    (void)state;
    assert_text("{\"text\":\"<https://a.example|run> *failed*\"}",
                "run (https://a.example) **failed**");
    assert_text("{\"text\":\"*as it is*\",\"mrkdwn\":false}", "*as it is*");
    assert_text("{\"text\":\" \\n hi \\t\\n\",\"attachments\":null}", "hi");
    assert_text("{\"text\":\"hi\",\"channel\":\"#other\",\"unknown\":[1,{}],\"link_names\":1}",
                "hi");
}

static void blocks_are_said_instead_of_the_text(void **state)
{
    (void)state;
    assert_text(
        "{\"text\":\"for notifications\",\"blocks\":["
        "{\"type\":\"header\",\"text\":{\"type\":\"plain_text\",\"text\":\"Deploy *1*\"}},"
        "{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":\"of "
        "<https://a.example|a>\"},"
        "\"fields\":[{\"type\":\"mrkdwn\",\"text\":\"*By*\\nAnn\"},"
        "{\"type\":\"plain_text\",\"text\":\"2 min\"}],"
        "\"accessory\":{\"type\":\"image\",\"image_url\":\"https://a.example/i.png\","
        "\"alt_text\":\"graph\"}},"
        "{\"type\":\"divider\"},"
        "{\"type\":\"context\",\"elements\":[{\"type\":\"image\",\"alt_text\":\"logo\"},"
        "{\"type\":\"mrkdwn\",\"text\":\"from CI\"}]},"
        "{\"type\":\"image\",\"title\":{\"type\":\"plain_text\",\"text\":\"Load\"},"
        "\"image_url\":\"https://a.example/l.png\",\"alt_text\":\"load\"},"
        "{\"type\":\"actions\",\"elements\":[{\"type\":\"button\","
        "\"text\":{\"type\":\"plain_text\",\"text\":\"Stop\"}}]},"
        "{\"type\":\"of another year\",\"text\":\"x\"}]}",
        "**Deploy *1***\nof a (https://a.example)\n**By**\nAnn\n2 min\n"
        "graph (https://a.example/i.png)\n---\nlogo from CI\nLoad (https://a.example/l.png)");
    assert_text("{\"text\":\"said\",\"blocks\":[{\"type\":\"actions\",\"elements\":[]}]}", "said");
}

static void rich_text_is_said_without_its_looks(void **state)
{
    (void)state;
    assert_text(
        "{\"blocks\":[{\"type\":\"rich_text\",\"elements\":["
        "{\"type\":\"rich_text_section\",\"elements\":[{\"type\":\"text\",\"text\":\"see \"},"
        "{\"type\":\"link\",\"url\":\"https://a.example\",\"text\":\"this\"},"
        "{\"type\":\"emoji\",\"name\":\"tada\"},{\"type\":\"user\",\"user_id\":\"U1\"}]},"
        "{\"type\":\"rich_text_list\",\"style\":\"bullet\",\"elements\":["
        "{\"type\":\"rich_text_section\",\"elements\":[{\"type\":\"text\",\"text\":\"one\"}]},"
        "{\"type\":\"rich_text_section\",\"elements\":[{\"type\":\"text\",\"text\":\"two\"}]}]},"
        "{\"type\":\"rich_text_preformatted\",\"elements\":["
        "{\"type\":\"text\",\"text\":\"x = 1\"}]}]}]}",
        "see this (https://a.example):tada:@U1\n- one\n- two\n```\nx = 1\n```");
}

static void attachments_come_behind_it(void **state)
{
    (void)state;
    assert_text("{\"text\":\"Build\",\"attachments\":[{\"fallback\":\"not needed\","
                "\"pretext\":\"before\",\"author_name\":\"Ann\",\"title\":\"Run 7\","
                "\"title_link\":\"https://a.example/7\",\"text\":\"*2* failures\","
                "\"fields\":[{\"title\":\"Branch\",\"value\":\"main\",\"short\":true},"
                "{\"value\":\"alone\"},{\"title\":\"bare\"},7],\"footer\":\"CI\"},"
                "{\"fallback\":\"only this\",\"color\":\"#f00\"}]}",
                "Build\nbefore\nAnn\n**Run 7** (https://a.example/7)\n**2** failures\n"
                "Branch: main\nalone\nbare\nCI\nonly this");
    assert_text("{\"attachments\":[{\"blocks\":[{\"type\":\"section\","
                "\"text\":{\"type\":\"mrkdwn\",\"text\":\"in one\"}}]}]}",
                "in one");
}

static void names_and_icons_are_one_short_line(void **state)
{
    struct slack_post post;
    const char *reason;
    json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "text", "x", "username",
                             "  Bob\n\xc2\x85the\xe2\x80\xa8 Bot  ", "icon_emoji",
                             ":ship:", "client_msg_id", "run 7");

    (void)state;
    assert_int_equal(slack_read(json, &post, &reason), ERR_OK);
    assert_string_equal(post.name, "Bobthe Bot");
    assert_string_equal(post.icon, ":ship:");
    assert_string_equal(post.key, "run 7");
    slack_post_free(&post);
    char name[4 * 100 + 1] = "";
    for (int i = 0; i < 100; i++)
        memcpy(name + (size_t)i * 4, "\xf0\x9f\x98\x80", 5);
    json_object_set_new(json, "username", json_string(name));
    json_object_set_new(json, "icon_emoji", json_string(name));
    assert_int_equal(slack_read(json, &post, &reason), ERR_OK);
    assert_int_equal(strlen(post.name), 4 * LIMIT_DISPLAY_NAME_CHARS);
    assert_int_equal(strlen(post.icon), 4 * LIMIT_ICON_CHARS);
    slack_post_free(&post);
    json_decref(json);
}

static void what_is_too_long_ends_with_an_ellipsis(void **state)
{
    struct slack_post post;
    struct buf text = {0};
    const char *reason;

    (void)state;
    while (text.len <= LIMIT_TEXT_BYTES)
        buf_puts(&text, "\xc3\xa9");
    json_t *json = json_pack("{s:s}", "text", text.data);
    assert_int_equal(slack_read(json, &post, &reason), ERR_OK);
    assert_true(post.text.len <= LIMIT_TEXT_BYTES && post.text.len > LIMIT_TEXT_BYTES - 5);
    assert_true(utf8_is_valid(post.text.data, post.text.len));
    assert_string_equal(post.text.data + post.text.len - 3, "\xe2\x80\xa6");
    slack_post_free(&post);
    json_decref(json);
    json = json_pack("{s:s#}", "text", text.data, (int)LIMIT_TEXT_BYTES);
    assert_int_equal(slack_read(json, &post, &reason), ERR_OK); /* as long as it may be */
    assert_int_equal(post.text.len, LIMIT_TEXT_BYTES);
    slack_post_free(&post);
    json_decref(json);
    buf_free(&text);
}

static void what_is_no_payload_is_refused_with_a_reason(void **state)
{
    (void)state;
    assert_refused("[]", "must be an object");
    assert_refused("7", "must be an object");
    assert_refused("{}", "says nothing: there is no text in it");
    assert_refused("{\"text\":\" \\n\"}", "says nothing: there is no text in it");
    assert_refused("{\"text\":7}", "has a text that is no string");
    assert_refused("{\"text\":\"x\",\"username\":{}}", "has a username that is no string");
    assert_refused("{\"text\":\"x\",\"icon_emoji\":1}", "has an icon_emoji that is no string");
    assert_refused("{\"text\":\"x\",\"attachments\":{}}", "has attachments that are no list");
    assert_refused("{\"text\":\"x\",\"blocks\":\"[]\"}", "has blocks that are no list");
    assert_refused("{\"text\":\"x\",\"client_msg_id\":\"\xc3\xa9\"}",
                   "has a client_msg_id that is not 1 to 64 characters of printable ASCII");
    assert_refused("{\"blocks\":[{\"type\":\"divider\",\"x\":1}],\"text\":[]}",
                   "has a text that is no string");
    assert_refused("{\"attachments\":[7,\"x\",null,{}]}", "says nothing: there is no text in it");
}

static void too_many_parts_are_refused(void **state)
{
    struct slack_post post;
    const char *reason;
    json_t *json = json_pack("{s:s, s:[]}", "text", "x", "attachments");
    json_t *list = json_object_get(json, "attachments");

    (void)state;
    for (int i = 0; i < SLACK_ATTACHMENTS_MAX; i++)
        json_array_append_new(list, json_object());
    assert_int_equal(slack_read(json, &post, &reason), ERR_OK);
    slack_post_free(&post);
    json_array_append_new(list, json_object());
    assert_int_equal(slack_read(json, &post, &reason), ERR_INVALID_REQUEST);
    assert_string_equal(reason, "has more than 20 attachments");
    slack_post_free(&post);
    json_decref(json);
}

/* -- forms ----------------------------------------------------------------------------------- */

static void assert_form(const char *body, const char *json)
{
    const char *reason = NULL;
    json_t *payload = slack_form(body, strlen(body), &reason);

    if (payload == NULL)
        fail_msg("%s: %s", body, reason);
    char *text = json_dumps(payload, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, json);
    free(text);
    json_decref(payload);
}

static void assert_no_form(const char *body, size_t len, const char *wanted)
{
    const char *reason = NULL;

    assert_null(slack_form(body, len, &reason));
    assert_string_equal(reason, wanted);
}

static void a_form_has_a_payload_or_fields(void **state)
{
    (void)state;
    assert_form("payload=%7B%22text%22%3A%22a+b%26c%22%7D", "{\"text\":\"a b&c\"}");
    assert_form("x=1&payload={\"text\":\"raw\"}", "{\"text\":\"raw\"}");
    assert_form("text=a+b%0A%C3%A9&username=Bot&&empty=&bare",
                "{\"bare\":\"\",\"empty\":\"\",\"text\":\"a b\\né\",\"username\":\"Bot\"}");
    assert_form("", "{}");
}

static void a_broken_form_is_refused_with_a_reason(void **state)
{
    static const char encoding[] =
        "is a form with a field that is not percent-encoded UTF-8 without NUL";
    struct buf many = {0};

    (void)state;
    assert_no_form("text=%", 6, encoding);
    assert_no_form("text=%4", 7, encoding);
    assert_no_form("text=%zz", 8, encoding);
    assert_no_form("text=%ff", 8, encoding);
    assert_no_form("text=a%00b", 10, encoding);
    assert_no_form("te\0xt=a", 7, encoding);
    assert_no_form("text=a&text=b", 13, "is a form that has the same field twice");
    assert_no_form("{\"text\":\"x\"}", 12, "is JSON, but its Content-Type says that it is a form");
    assert_no_form("payload={", 9, "ends too early");
    assert_no_form("payload=", 8, "ends too early");
    for (int i = 0; i <= SLACK_FIELDS_MAX; i++)
        buf_printf(&many, "f%d=&", i);
    assert_no_form(many.data, many.len, "is a form with more than 100 fields");
    buf_free(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_the_message),
        cmocka_unit_test(blocks_are_said_instead_of_the_text),
        cmocka_unit_test(rich_text_is_said_without_its_looks),
        cmocka_unit_test(attachments_come_behind_it),
        cmocka_unit_test(names_and_icons_are_one_short_line),
        cmocka_unit_test(what_is_too_long_ends_with_an_ellipsis),
        cmocka_unit_test(what_is_no_payload_is_refused_with_a_reason),
        cmocka_unit_test(too_many_parts_are_refused),
        cmocka_unit_test(a_form_has_a_payload_or_fields),
        cmocka_unit_test(a_broken_form_is_refused_with_a_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
