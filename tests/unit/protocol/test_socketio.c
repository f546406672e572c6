#include "tests/unit/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "protocol/socketio.h"

/* TEXT is a packet, which reads as "<type> <attachments> <namespace> <id> <data>". */
static void assert_packet(const char *text, const char *expected)
{
    struct sio_packet packet;
    const char *reason = "";
    char id[24] = "-";
    char got[512];

    if (!sio_packet_parse(text, strlen(text), &packet, &reason))
        fail_msg("%s %s", text, reason);
    if (packet.has_id)
        (void)snprintf(id, sizeof(id), "%llu", (unsigned long long)packet.id);
    char *data = packet.data == NULL ? NULL : json_dumps(packet.data, JSON_COMPACT);
    (void)snprintf(got, sizeof(got), "%d %u %s %s %s", (int)packet.type, packet.attachments,
                   packet.nsp, id, data == NULL ? "-" : data);
    assert_string_equal(got, expected);
    free(data);
    sio_packet_free(&packet);
}

static void assert_bad_n(const char *text, size_t len, const char *why)
{
    struct sio_packet packet;
    const char *reason = "";

    if (sio_packet_parse(text, len, &packet, &reason))
        fail_msg("%s was taken for a packet", text);
    if (strstr(reason, why) == NULL)
        fail_msg("%s is refused because it %s, not: %s", text, reason, why);
    assert_null(packet.data);
}

static void assert_bad(const char *text, const char *why)
{
    assert_bad_n(text, strlen(text), why);
}

static void connect_names_a_namespace_and_may_have_an_object(void **state)
{
    (void)state;
    assert_packet("0", "0 0 / - -");
    assert_packet("0{\"token\":\"t\"}", "0 0 / - {\"token\":\"t\"}");
    assert_packet("0/admin,", "0 0 /admin - -");
    assert_packet("0/admin", "0 0 /admin - -");
    assert_packet("0/admin,{\"a\":1}", "0 0 /admin - {\"a\":1}");
    assert_bad("0[1]", "an object");
    assert_bad("012", "ack id that nothing answers");
}

static void disconnect_has_nothing_but_a_namespace(void **state)
{
    (void)state;
    assert_packet("1", "1 0 / - -");
    assert_packet("1/admin,", "1 0 /admin - -");
    assert_bad("1{}", "no data");
}

static void an_event_is_an_array_that_begins_with_its_name(void **state)
{
    (void)state;
    assert_packet("2[\"foo\"]", "2 0 / - [\"foo\"]");
    assert_packet("2/admin,[\"foo\",1]", "2 0 /admin - [\"foo\",1]");
    assert_packet("212[\"foo\"]", "2 0 / 12 [\"foo\"]");
    assert_packet("2/admin,13[\"foo\"]", "2 0 /admin 13 [\"foo\"]");
    assert_bad("2", "begins with the event's name");
    assert_bad("2[]", "begins with the event's name");
    assert_bad("2{}", "begins with the event's name");
    assert_bad("2[1]", "begins with the event's name");
    assert_bad("2[[\"foo\"]]", "begins with the event's name");
    assert_bad("2[\"\"]", "empty or too long");
    assert_bad("2\"foo\"", "is not valid JSON");
    assert_bad("2[\"foo\"", "ends too early");
    assert_bad("2[\"foo\"]x", "after its end");
    assert_bad("2abc[\"foo\"]", "is not valid JSON");
}

static void an_event_name_of_a_megabyte_is_refused(void **state)
{
    (void)state;
    size_t n = 1000000;
    char *text = malloc(n + 8);

    assert_non_null(text);
    memcpy(text, "2[\"", 3);
    memset(text + 3, 'x', n);
    memcpy(text + 3 + n, "\"]", 3);
    assert_bad(text, "empty or too long");
    free(text);
}

static void reserved_event_names_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"connect",       "connect_error", "disconnect",
                                        "disconnecting", "newListener",   "removeListener"};
    char text[64];

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_true(sio_event_is_reserved(names[i]));
        (void)snprintf(text, sizeof(text), "2[\"%s\"]", names[i]);
        assert_bad(text, "reserved");
    }
    assert_false(sio_event_is_reserved("connection"));
    assert_false(sio_event_is_reserved("message.send"));
}

static void an_ack_has_an_id_and_an_array(void **state)
{
    (void)state;
    assert_packet("312[]", "3 0 / 12 []");
    assert_packet("3/admin,13[\"bar\"]", "3 0 /admin 13 [\"bar\"]");
    assert_packet("39007199254740991[]", "3 0 / 9007199254740991 []");
    assert_bad("3[]", "acknowledges nothing");
    assert_bad("312", "an array");
    assert_bad("312{}", "an array");
    assert_bad("39007199254740992[]", "too large an ack id");
    assert_bad("399999999999999999999999999[]", "too large an ack id");
}

static void attachments_are_counted_and_each_is_named_once(void **state)
{
    (void)state;
    assert_packet("51-[\"a\",{\"_placeholder\":true,\"num\":0}]",
                  "5 1 / - [\"a\",{\"_placeholder\":true,\"num\":0}]");
    assert_packet("62-/n,7[{\"_placeholder\":true,\"num\":1},[{\"x\":{\"_placeholder\":true,"
                  "\"num\":0}}]]",
                  "6 2 /n 7 [{\"_placeholder\":true,\"num\":1},[{\"x\":{\"_placeholder\":true,"
                  "\"num\":0}}]]");
    assert_bad("51-[\"a\"]", "name each attachment once");
    assert_bad("51-[\"a\",{\"_placeholder\":true,\"num\":1}]", "name each attachment once");
    assert_bad("51-[\"a\",{\"_placeholder\":true,\"num\":-1}]", "name each attachment once");
    assert_bad("51-[\"a\",{\"_placeholder\":true,\"num\":\"0\"}]", "name each attachment once");
    assert_bad("51-[\"a\",{\"_placeholder\":true}]", "name each attachment once");
    assert_bad("52-[\"a\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":0}]",
               "name each attachment once");
    assert_bad("5[\"a\",{\"_placeholder\":true,\"num\":0}]", "how many attachments");
    assert_bad("50-[\"a\"]", "how many attachments");
    assert_bad("51[\"a\"]", "how many attachments");
    assert_bad("517-[\"a\"]", "too many attachments");
    assert_bad("510000-[\"a\"]", "too many attachments");
}

static void a_placeholder_in_a_packet_without_attachments_is_data(void **state)
{
    (void)state;
    assert_packet("2[\"a\",{\"_placeholder\":true,\"num\":0}]",
                  "2 0 / - [\"a\",{\"_placeholder\":true,\"num\":0}]");
}

static void what_only_a_server_sends_and_unknown_types_are_refused(void **state)
{
    (void)state;
    assert_bad("", "no type that a client sends");
    assert_bad("4{\"message\":\"x\"}", "no type that a client sends");
    assert_bad("7", "no type that a client sends");
    assert_bad("abc", "no type that a client sends");
    assert_bad("-1", "no type that a client sends");
}

static void a_namespace_is_bounded(void **state)
{
    (void)state;
    char text[128] = "0/";

    memset(text + 2, 'n', SIO_NAMESPACE_SIZE - 2);
    assert_packet("0/n,", "0 0 /n - -");
    struct sio_packet packet;
    const char *reason;
    assert_true(sio_packet_parse(text, SIO_NAMESPACE_SIZE, &packet, &reason));
    assert_int_equal(strlen(packet.nsp), SIO_NAMESPACE_SIZE - 1);
    sio_packet_free(&packet);
    assert_bad_n(text, SIO_NAMESPACE_SIZE + 1, "too long");
    assert_bad_n("0/a\0b,", 6, "NUL");
}

static void json_is_read_as_strictly_as_elsewhere(void **state)
{
    (void)state;
    assert_bad("2[\"a\",{\"x\":1,\"x\":2}]", "same key twice");
    assert_bad("2[\"a\",[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]", "nested too deeply");
    assert_bad("2[\"\xff\"]", "not valid UTF-8");
    assert_bad_n("2[\"a\"]\0", 7, "NUL");
}

static void heads_are_written_as_they_are_read(void **state)
{
    (void)state;
    struct buf out = {0};
    uint64_t id = 12;

    sio_put_head(&out, SIO_EVENT, 0, "/", NULL);
    assert_string_equal(out.data, "2");
    buf_clear(&out);
    sio_put_head(&out, SIO_ACK, 0, "/", &id);
    assert_string_equal(out.data, "312");
    buf_clear(&out);
    sio_put_head(&out, SIO_BINARY_ACK, 2, "/admin", &id);
    assert_string_equal(out.data, "62-/admin,12");
    buf_clear(&out);
    sio_put_head(&out, SIO_CONNECT, 0, "/admin", NULL);
    assert_string_equal(out.data, "0/admin,");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connect_names_a_namespace_and_may_have_an_object),
        cmocka_unit_test(disconnect_has_nothing_but_a_namespace),
        cmocka_unit_test(an_event_is_an_array_that_begins_with_its_name),
        cmocka_unit_test(an_event_name_of_a_megabyte_is_refused),
        cmocka_unit_test(reserved_event_names_are_refused),
        cmocka_unit_test(an_ack_has_an_id_and_an_array),
        cmocka_unit_test(attachments_are_counted_and_each_is_named_once),
        cmocka_unit_test(a_placeholder_in_a_packet_without_attachments_is_data),
        cmocka_unit_test(what_only_a_server_sends_and_unknown_types_are_refused),
        cmocka_unit_test(a_namespace_is_bounded),
        cmocka_unit_test(json_is_read_as_strictly_as_elsewhere),
        cmocka_unit_test(heads_are_written_as_they_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
