#include "tests/unit/testing.h"

#include <string.h>

#include "base/buf.h"
#include "storage/store.h"

static void a_user_has_its_optional_members_only_when_set(void **state)
{
    struct buf out = {0};
    struct store_user user = {.id = "u1", .name = "ann", .display_name = "Ann \"A\""};

    (void)state;
    store_user_json(&out, &user);
    assert_string_equal(out.data, "{\"id\":\"u1\",\"name\":\"ann\",\"display_name\":"
                                  "\"Ann \\\"A\\\"\",\"role\":\"member\"}");
    buf_clear(&out);
    user.role = STORE_ROLE_OWNER;
    user.disabled_at = 1000;
    user.password_hash = "never shown";
    store_user_json(&out, &user);
    assert_string_equal(out.data, "{\"id\":\"u1\",\"name\":\"ann\",\"display_name\":"
                                  "\"Ann \\\"A\\\"\",\"role\":\"owner\","
                                  "\"disabled_at\":\"1970-01-01T00:00:01.000Z\"}");
    buf_clear(&out);
    user = (struct store_user){.id = "b1", .name = "bot", .display_name = "Bot", .owner = "u1"};
    store_user_json(&out, &user);
    assert_string_equal(out.data, "{\"id\":\"b1\",\"name\":\"bot\",\"display_name\":\"Bot\","
                                  "\"role\":\"member\",\"bot\":true,\"owner\":\"u1\"}");
    buf_free(&out);
}

static const char *const mentioned[] = {"u2", "u3"};

static struct store_message sample(void)
{
    return (struct store_message){.id = "m1",
                                  .channel = "c1",
                                  .seq = 9007199254740991,
                                  .msg_no = 3,
                                  .author = "u1",
                                  .text = "line\nbreak",
                                  .client_msg_id = "x",
                                  .created_at = 1000,
                                  .edited_at = 2000,
                                  .mentions = mentioned,
                                  .mentions_n = 2};
}

static void a_message_has_all_its_members(void **state)
{
    struct buf out = {0};
    struct store_message m = sample();

    (void)state;
    store_message_json(&out, &m);
    assert_string_equal(out.data,
                        "{\"id\":\"m1\",\"channel\":\"c1\",\"seq\":9007199254740991,\"msg_no\":3,"
                        "\"author\":\"u1\",\"text\":\"line\\nbreak\",\"client_msg_id\":\"x\","
                        "\"created_at\":\"1970-01-01T00:00:01.000Z\","
                        "\"edited_at\":\"1970-01-01T00:00:02.000Z\",\"mentions\":[\"u2\",\"u3\"]}");
    buf_free(&out);
}

static void a_message_says_how_its_author_is_to_be_shown(void **state)
{
    struct buf out = {0};
    struct store_message m = {.id = "m", .channel = "c", .author = "u", .text = "t"};

    (void)state;
    m.as_name = "\"Bot\"";
    store_message_json(&out, &m);
    assert_non_null(strstr(out.data, ",\"as\":{\"name\":\"\\\"Bot\\\"\"}}"));
    buf_clear(&out);
    m.as_icon = ":ship:";
    store_message_json(&out, &m);
    assert_non_null(strstr(out.data, "\",\"icon\":\":ship:\"}}"));
    buf_clear(&out);
    m.text = NULL;
    store_message_json(&out, &m);
    assert_null(strstr(out.data, "ship"));
    buf_free(&out);
}

static void a_tombstone_tells_nothing_of_what_was_said(void **state)
{
    struct buf out = {0};
    struct store_message m = sample();

    (void)state;
    m.text = NULL;
    m.deleted_at = 3000;
    store_message_json(&out, &m);
    assert_string_equal(out.data,
                        "{\"id\":\"m1\",\"channel\":\"c1\",\"seq\":9007199254740991,\"msg_no\":3,"
                        "\"author\":\"u1\",\"created_at\":\"1970-01-01T00:00:01.000Z\","
                        "\"deleted_at\":\"1970-01-01T00:00:03.000Z\"}");
    buf_free(&out);
}

static void a_dm_shows_its_people_and_a_view_its_position(void **state)
{
    struct buf out = {0};
    struct store_user people[] = {{.id = "u1", .name = "ann", .display_name = "Ann"}};
    struct store_channel c = {.id = "c1",
                              .name = "",
                              .type = STORE_DM,
                              .topic = "",
                              .created_at = 1000,
                              .members = 1,
                              .users = people,
                              .users_n = 1,
                              .joined = true,
                              .role = STORE_MODERATOR,
                              .epoch = "e",
                              .seq = 5,
                              .msg_no = 4,
                              .last_read_seq = 3,
                              .unread = 2,
                              .mentions = 1};

    (void)state;
    store_channel_json(&out, &c, true);
    assert_string_equal(
        out.data, "{\"id\":\"c1\",\"name\":\"\",\"type\":\"dm\",\"topic\":\"\","
                  "\"created_at\":\"1970-01-01T00:00:01.000Z\",\"members\":1,\"users\":["
                  "{\"id\":\"u1\",\"name\":\"ann\",\"display_name\":\"Ann\",\"role\":"
                  "\"member\"}],\"role\":\"moderator\",\"epoch\":\"e\",\"seq\":5,\"msg_no\":4,"
                  "\"last_read_seq\":3,\"unread\":2,\"mentions\":1}");
    buf_free(&out);
}

static void every_event_and_operation_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < STORE_EVENT_TYPES; i++)
        assert_non_null(store_event_name((enum store_event_type)i));
    for (int i = 0; i < STORE_OPS; i++)
        assert_non_null(store_op_name((enum store_op)i));
    assert_string_equal(store_op_name((enum store_op)1000), "unknown");
    assert_string_equal(store_role_name((enum store_role)1000), "member");
    assert_true(store_op_writes(STORE_INVITE_DELETE));
    assert_false(store_op_writes(STORE_SESSION_GET));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_has_its_optional_members_only_when_set),
        cmocka_unit_test(a_message_has_all_its_members),
        cmocka_unit_test(a_message_says_how_its_author_is_to_be_shown),
        cmocka_unit_test(a_tombstone_tells_nothing_of_what_was_said),
        cmocka_unit_test(a_dm_shows_its_people_and_a_view_its_position),
        cmocka_unit_test(every_event_and_operation_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
