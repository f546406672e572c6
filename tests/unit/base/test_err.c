#include "tests/unit/testing.h"

#include <string.h>

#include "base/err.h"

static void every_error_has_a_name_a_title_and_codes_of_its_own(void **state)
{
    (void)state;
    for (int i = ERR_OK + 1; i < ERR_COUNT; i++) {
        enum err err = (enum err)i;
        assert_true(strlen(err_name(err)) > 0);
        assert_true(strlen(err_title(err)) > 0);
        assert_in_range(err_http_status(err), 400, 599);
        assert_in_range(-err_rpc_code(err), 32000, 32768);
        for (int j = ERR_OK + 1; j < i; j++) {
            assert_string_not_equal(err_name(err), err_name((enum err)j));
            assert_int_not_equal(err_rpc_code(err), err_rpc_code((enum err)j));
        }
    }
}

static void the_codes_are_those_of_json_rpc_and_http(void **state)
{
    (void)state;
    assert_int_equal(err_rpc_code(ERR_PARSE_ERROR), -32700);
    assert_int_equal(err_rpc_code(ERR_INVALID_REQUEST), -32600);
    assert_int_equal(err_rpc_code(ERR_UNKNOWN_COMMAND), -32601);
    assert_int_equal(err_rpc_code(ERR_INVALID_PARAMS), -32602);
    assert_int_equal(err_rpc_code(ERR_INTERNAL), -32603);
    assert_int_equal(err_http_status(ERR_RATE_LIMITED), 429);
    assert_string_equal(err_name(ERR_NOT_FOUND), "not_found");
    assert_int_equal(err_http_status(ERR_OK), 200);
}

static void an_unknown_value_reads_as_internal(void **state)
{
    (void)state;
    assert_string_equal(err_name((enum err)ERR_COUNT), "internal");
    assert_string_equal(err_name((enum err) - 1), "internal");
    assert_int_equal(err_http_status((enum err)1000), 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_a_name_a_title_and_codes_of_its_own),
        cmocka_unit_test(the_codes_are_those_of_json_rpc_and_http),
        cmocka_unit_test(an_unknown_value_reads_as_internal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
