#include "tests/unit/testing.h"

#include <string.h>

#include "protocol/websocket.h"

static void assert_header(uint64_t payload_len, const char *bytes, size_t n)
{
    unsigned char header[WS_HEADER_MAX];

    assert_int_equal(ws_frame_header(header, WS_OP_TEXT, payload_len), n);
    assert_memory_equal(header, bytes, n);
}

static void the_length_takes_as_few_bytes_as_it_can(void **state)
{
    (void)state;
    assert_header(0, "\x81\x00", 2);
    assert_header(125, "\x81\x7d", 2);
    assert_header(126, "\x81\x7e\x00\x7e", 4);
    assert_header(65535, "\x81\x7e\xff\xff", 4);
    assert_header(65536, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10);
    assert_header(UINT64_C(0x123456789a), "\x81\x7f\x00\x00\x00\x12\x34\x56\x78\x9a", 10);
}

static void the_frame_is_whole_and_names_its_kind(void **state)
{
    (void)state;
    unsigned char header[WS_HEADER_MAX];

    (void)ws_frame_header(header, WS_OP_PING, 0);
    assert_int_equal(header[0], 0x89);
    (void)ws_frame_header(header, WS_OP_CLOSE, 2);
    assert_int_equal(header[0], 0x88);
}

static void a_frame_is_read_back(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 125, 126, 65535, 65536};
    static unsigned char bytes[WS_HEADER_MAX + 65536];
    const unsigned char *payload;
    enum ws_opcode opcode;
    size_t len;

    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        size_t header = ws_frame_header(bytes, WS_OP_BINARY, lengths[i]);
        size_t whole = header + lengths[i];
        assert_int_equal(ws_frame_read(bytes, whole, &opcode, &payload, &len), whole);
        assert_int_equal(opcode, WS_OP_BINARY);
        assert_ptr_equal(payload, bytes + header);
        assert_int_equal(len, lengths[i]);
        assert_int_equal(ws_frame_read(bytes, whole - 1, &opcode, &payload, &len), 0);
    }
    assert_int_equal(ws_frame_read(bytes, 0, &opcode, &payload, &len), 0);
    assert_int_equal(
        ws_frame_read((const unsigned char *)"\x81\x80zzzz", 6, &opcode, &payload, &len),
        0); /* masked: a client's */
    assert_int_equal(
        ws_frame_read((const unsigned char *)"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10,
                      &opcode, &payload, &len),
        0);
}

static void every_close_code_has_a_reason_that_fits_a_control_frame(void **state)
{
    (void)state;
#define X(name, wire, code, reason)                                                                \
    assert_string_equal(ws_close_reason(WS_CLOSE_##name), reason);                                 \
    assert_int_equal(WS_CLOSE_##name, code);                                                       \
    assert_in_range(strlen(reason), 1, 123);
    WS_CLOSE_MAP(X)
#undef X
    assert_string_equal(ws_close_reason((enum ws_close)1000), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_length_takes_as_few_bytes_as_it_can),
        cmocka_unit_test(the_frame_is_whole_and_names_its_kind),
        cmocka_unit_test(a_frame_is_read_back),
        cmocka_unit_test(every_close_code_has_a_reason_that_fits_a_control_frame),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
