#include "tests/unit/testing.h"

#include <string.h>

#include "base/macros.h"
#include "protocol/engineio.h"
#include "protocol/websocket.h"

/* The packets of a payload as "4hello|b:bytes|", "bad" where it stops being one. */
static void assert_payload(const char *text, size_t len, const char *expected)
{
    struct eio_payload payload;
    struct eio_packet packet;
    struct buf decoded = {0};
    struct buf got = {0};
    enum eio_next next;

    (void)buf_reserve(&got, 1);
    buf_puts(&got, "");
    eio_payload_begin(&payload, text, len);
    while ((next = eio_payload_next(&payload, &packet, &decoded)) == EIO_NEXT_PACKET) {
        if (packet.binary)
            buf_puts(&got, "b:");
        else
            buf_putc(&got, (char)('0' + packet.type));
        buf_put(&got, packet.data, packet.len);
        buf_putc(&got, '|');
    }
    if (next == EIO_NEXT_BAD)
        buf_puts(&got, "bad");
    assert_string_equal(got.data, expected);
    buf_free(&got);
    buf_free(&decoded);
}
#define ASSERT_PAYLOAD(text, expected) assert_payload(text, sizeof(text) - 1, expected)

static void a_packet_is_a_digit_and_its_data(void **state)
{
    (void)state;
    struct eio_packet packet;

    assert_true(eio_packet_parse("4hello", 6, &packet));
    assert_int_equal(packet.type, EIO_MESSAGE);
    assert_int_equal(packet.len, 5);
    assert_memory_equal(packet.data, "hello", 5);
    assert_true(eio_packet_parse("2", 1, &packet));
    assert_int_equal(packet.type, EIO_PING);
    assert_int_equal(packet.len, 0);
    assert_true(eio_packet_parse("6", 1, &packet));
    assert_int_equal(packet.type, EIO_NOOP);
}

static void what_begins_with_no_type_is_no_packet(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "7", "abc", "b", "/", ":", " 4", "\x1e"};
    struct eio_packet packet;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(eio_packet_parse(bad[i], strlen(bad[i]), &packet));
}

static void packets_of_a_payload_are_parted_by_the_record_separator(void **state)
{
    (void)state;
    ASSERT_PAYLOAD("4hello\x1e"
                   "2\x1e"
                   "4world",
                   "4hello|2|4world|");
    ASSERT_PAYLOAD("4", "4|");
}

static void binary_packets_are_base64_after_a_b(void **state)
{
    (void)state;
    ASSERT_PAYLOAD("4hello\x1e"
                   "bYWJjZA==",
                   "4hello|b:abcd|");
    ASSERT_PAYLOAD("b", "b:|");
}

static void a_payload_has_no_empty_packet(void **state)
{
    (void)state;
    ASSERT_PAYLOAD("", "bad");
    ASSERT_PAYLOAD("\x1e", "bad");
    ASSERT_PAYLOAD("4a\x1e", "4a|bad");
    ASSERT_PAYLOAD("\x1e"
                   "4a",
                   "bad");
    ASSERT_PAYLOAD("4a\x1e\x1e"
                   "4b",
                   "4a|bad");
}

static void base64_is_read_strictly(void **state)
{
    (void)state;
    ASSERT_PAYLOAD("bYWJjZA=", "bad");   /* padding cut */
    ASSERT_PAYLOAD("bYWJjZA", "bad");    /* padding missing */
    ASSERT_PAYLOAD("bYWJj ZA==", "bad"); /* white space */
    ASSERT_PAYLOAD("b-_-_", "bad");      /* the other alphabet */
    ASSERT_PAYLOAD("bYWJjZB==", "bad");  /* bits that nothing has written */
    ASSERT_PAYLOAD("b=", "bad");
    ASSERT_PAYLOAD("b\x81"
                   "AQIDBA=",
                   "bad");
}

static void frames_become_a_payload(void **state)
{
    (void)state;
    static const unsigned char frames[] = "\x81\x02"
                                          "4a"
                                          "\x89\x01"
                                          "x"
                                          "\x82\x04"
                                          "\x01\x02\x03\x04"
                                          "\x81\x02"
                                          "4b"
                                          "\x81\x05"
                                          "cut";
    struct buf out = {0};

    eio_payload_put_frames(&out, frames, sizeof(frames) - 1);
    assert_string_equal(out.data, "4a\x1e"
                                  "bAQIDBA==\x1e"
                                  "4b");
    buf_free(&out);
}

static void the_open_packet_has_the_five_members(void **state)
{
    (void)state;
    struct buf out = {0};

    eio_put_open(&out, &(struct eio_handshake){.sid = "A-b_1",
                                               .upgrades = true,
                                               .ping_interval_ms = 25000,
                                               .ping_timeout_ms = 20000,
                                               .max_payload = 65536});
    assert_string_equal(out.data, "0{\"sid\":\"A-b_1\",\"upgrades\":[\"websocket\"],"
                                  "\"pingInterval\":25000,\"pingTimeout\":20000,"
                                  "\"maxPayload\":65536}");
    buf_clear(&out);
    eio_put_open(&out, &(struct eio_handshake){.sid = "A"});
    assert_non_null(strstr(out.data, "\"upgrades\":[],"));
    buf_free(&out);
}

static void errors_have_the_numbers_of_the_protocol(void **state)
{
    (void)state;
    static const char *const begins[] = {"{\"code\":0,", "{\"code\":1,", "{\"code\":2,",
                                         "{\"code\":3,", "{\"code\":4,", "{\"code\":5,"};

    for (size_t i = 0; i < ARRAY_LEN(begins); i++) {
        struct buf out = {0};
        assert_int_equal(eio_put_error(&out, (enum eio_error)i), i == 4 ? 403 : 400);
        assert_memory_equal(out.data, begins[i], strlen(begins[i]));
        assert_int_equal(out.data[out.len - 1], '}');
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_is_a_digit_and_its_data),
        cmocka_unit_test(what_begins_with_no_type_is_no_packet),
        cmocka_unit_test(packets_of_a_payload_are_parted_by_the_record_separator),
        cmocka_unit_test(binary_packets_are_base64_after_a_b),
        cmocka_unit_test(a_payload_has_no_empty_packet),
        cmocka_unit_test(base64_is_read_strictly),
        cmocka_unit_test(frames_become_a_payload),
        cmocka_unit_test(the_open_packet_has_the_five_members),
        cmocka_unit_test(errors_have_the_numbers_of_the_protocol),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
