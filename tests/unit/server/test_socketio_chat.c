#include "tests/unit/testing.h"

#include <string.h>

#include "protocol/engineio.h"
#include "protocol/jsonrpc.h"
#include "server/frame.h"
#include "server/socketio_chat.h"

static struct frame *notification(const char *method, const char *data)
{
    struct buf json = {0};

    rpc_put_ephemeral(&json, method, data, strlen(data));
    struct frame *frame = frame_text(json.data, json.len);
    buf_free(&json);
    return frame;
}

static void assert_packets(const struct frame *frame, const char *expected)
{
    struct buf packets = {0};

    eio_payload_put_frames(&packets, frame->bytes, frame->len);
    assert_string_equal(packets.data, expected);
    buf_free(&packets);
}

static void a_notification_becomes_an_event_under_its_name(void **state)
{
    (void)state;
    struct frame *plain = notification("typing", "\"user\":\"u\"");
    struct frame *event = chat_frame(plain, true);

    assert_packets(event, "42[\"typing\",{\"user\":\"u\"}]");
    assert_int_equal(event->count, 1);
    assert_int_equal(event->ephemeral, 0);
    frame_unref(plain);
}

static struct frame *positioned(uint64_t seq, const char *data)
{
    struct buf json = {0};

    rpc_put_event(&json, "message.created", "c:a", "e1", seq, 0, "u", data, strlen(data));
    struct frame *frame = frame_text(json.data, json.len);
    buf_free(&json);
    return frame;
}

/* One frame for all who get it: nothing of a connection is in there, but a string that tells the
 * client that this is not where it can go on from. */
static void an_event_of_a_stream_ends_with_no_offset(void **state)
{
    (void)state;
    struct frame *plain = positioned(7, "\"n\":1");

    assert_packets(chat_frame(plain, true),
                   "42[\"message.created\",{\"stream\":\"c:a\",\"epoch\":\"e1\",\"seq\":7,"
                   "\"at\":\"1970-01-01T00:00:00.000Z\",\"actor\":\"u\",\"n\":1},\"-\"]");
    assert_ptr_equal(chat_frame(plain, true), chat_frame(plain, true));
    frame_unref(plain);
}

static void whose_state_is_not_recovered_gets_no_offset(void **state)
{
    (void)state;
    struct frame *parts[] = {positioned(7, "\"t\":\"},\\\"-\\\"]\""), notification("typing", ""),
                             positioned(8, "\"n\":1")};
    struct frame *batch = frame_join(parts, 3);
    struct frame *plain = chat_frame(batch, false);

    assert_packets(plain, "42[\"message.created\",{\"stream\":\"c:a\",\"epoch\":\"e1\",\"seq\":7,"
                          "\"at\":\"1970-01-01T00:00:00.000Z\",\"actor\":\"u\","
                          "\"t\":\"},\\\"-\\\"]\"}]\x1e"
                          "42[\"typing\",{}]\x1e"
                          "42[\"message.created\",{\"stream\":\"c:a\",\"epoch\":\"e1\",\"seq\":8,"
                          "\"at\":\"1970-01-01T00:00:00.000Z\",\"actor\":\"u\",\"n\":1}]");
    assert_int_equal(plain->count, 3);
    assert_ptr_equal(chat_frame(batch, false), plain);
    assert_ptr_not_equal(chat_frame(batch, true), plain);
    frame_unref(batch);
    for (size_t i = 0; i < 3; i++)
        frame_unref(parts[i]);
}

static void what_only_looks_like_one_has_none(void **state)
{
    (void)state;
    static const char *const data[] = {"", "\"stream\":\"", "\"stream\":\"c:a\"",
                                       "\"stream\":\"c:a\",\"epoc\":\"e\"",
                                       "\"a\":1,\"stream\":\"c:a\",\"epoch\":\"e\""};

    for (size_t i = 0; i < sizeof(data) / sizeof(*data); i++) {
        struct frame *plain = notification("typing", data[i]);
        struct buf expected = {0};
        buf_printf(&expected, "42[\"typing\",{%s}]", data[i]);
        assert_packets(chat_frame(plain, true), expected.data);
        buf_free(&expected);
        frame_unref(plain);
    }
}

static void it_is_encoded_once_and_shared(void **state)
{
    (void)state;
    struct frame *plain = notification("typing", "\"user\":\"u\"");
    struct frame *event = chat_frame(plain, true);

    assert_ptr_equal(chat_frame(plain, true), event);
    (void)frame_ref(event); /* a connection's queue may outlive the plain one */
    frame_unref(plain);
    assert_packets(event, "42[\"typing\",{\"user\":\"u\"}]");
    frame_unref(event);
}

static void what_may_be_dropped_for_a_slow_reader_still_may(void **state)
{
    (void)state;
    struct frame *plain = notification("typing", "");

    plain->ephemeral = 1;
    assert_int_equal(chat_frame(plain, true)->ephemeral, 1);
    frame_unref(plain);
}

static void a_batch_becomes_as_many_events_in_order(void **state)
{
    (void)state;
    static char long_text[70000];
    memset(long_text, 'x', sizeof(long_text) - 1);
    memcpy(long_text, "\"t\":\"", 5);
    memcpy(long_text + sizeof(long_text) - 2, "\"", 2);
    struct frame *parts[] = {notification("a", "\"n\":1"), notification("b", long_text),
                             notification("c", "")};
    struct frame *batch = frame_join(parts, 3);
    struct frame *events = chat_frame(batch, true);
    struct buf expected = {0};

    buf_printf(&expected,
               "42[\"a\",{\"n\":1}]\x1e"
               "42[\"b\",{%s}]\x1e"
               "42[\"c\",{}]",
               long_text);
    assert_int_equal(events->count, 3);
    assert_packets(events, expected.data);
    buf_free(&expected);
    frame_unref(batch);
    for (size_t i = 0; i < 3; i++)
        frame_unref(parts[i]);
}

static void what_is_no_notification_is_left_out(void **state)
{
    (void)state;
    struct frame *parts[] = {frame_text("{}", 2), notification("a", ""), frame_ping()};
    struct frame *batch = frame_join(parts, 3);

    assert_packets(chat_frame(batch, true), "42[\"a\",{}]");
    assert_int_equal(chat_frame(batch, true)->count, 1);
    frame_unref(batch);
    for (size_t i = 0; i < 3; i++)
        frame_unref(parts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_notification_becomes_an_event_under_its_name),
        cmocka_unit_test(an_event_of_a_stream_ends_with_no_offset),
        cmocka_unit_test(whose_state_is_not_recovered_gets_no_offset),
        cmocka_unit_test(what_only_looks_like_one_has_none),
        cmocka_unit_test(it_is_encoded_once_and_shared),
        cmocka_unit_test(what_may_be_dropped_for_a_slow_reader_still_may),
        cmocka_unit_test(a_batch_becomes_as_many_events_in_order),
        cmocka_unit_test(what_is_no_notification_is_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
