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
        cmocka_unit_test(every_close_code_has_a_reason_that_fits_a_control_frame),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
