#include "tests/unit/testing.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "protocol/command.h"
#include "protocol/describe.h"
#include "protocol/json.h"
#include "protocol/schema.h"
#include "protocol/websocket.h"

static void assert_fields(const char *owner, const struct field_spec *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!schema_type_exists(fields[i].type))
            fail_msg("%s.%s: there is no type %s", owner, fields[i].name, fields[i].type);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(fields[i].name, fields[j].name);
    }
}

static void every_field_of_every_object_has_a_type_that_exists(void **state)
{
    (void)state;
    const struct object_spec *object;

    for (size_t i = 0; (object = schema_object(i)) != NULL; i++) {
        assert_fields(object->name, object->fields, object->fields_n);
        assert_ptr_equal(schema_object_find(object->name, strlen(object->name)), object);
        if (object->extends != NULL)
            assert_non_null(schema_object_find(object->extends, strlen(object->extends)));
    }
    assert_fields("Logged", schema_logged()->fields, schema_logged()->fields_n);
}

static void every_field_of_every_event_has_a_type_that_exists(void **state)
{
    (void)state;
    const struct event_spec *event;

    for (size_t i = 0; (event = schema_event(i)) != NULL; i++) {
        assert_fields(event->name, event->fields, event->fields_n);
        assert_true(strlen(event->help) > 0);
    }
}

static void every_command_answers_with_a_type_that_exists(void **state)
{
    (void)state;
    for (int id = 0; id < CMD_COUNT; id++)
        assert_true(schema_type_exists(command_get((enum command_id)id)->result));
}

static void a_type_that_is_not_there_is_not_found(void **state)
{
    (void)state;
    static const char *const bad[] = {"",           "Use",          "Users",       "User[",
                                      "[]",         "map<Id>",      "map<Id,User", "map<Id,Use>",
                                      "map<,User>", "map<User[],>", "User[][]"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_false(schema_type_exists(bad[i]));
    assert_true(schema_type_exists("User[]"));
    assert_true(schema_type_exists("map<Id,User>"));
    assert_null(schema_object(10000));
    assert_null(schema_event(10000));
    assert_null(schema_enum(10000));
    assert_null(schema_alias(10000));
}

static size_t list_length(const json_t *description, const char *name)
{
    return json_array_size(json_object_get(description, name));
}

static void the_json_description_holds_every_command_and_parameter(void **state)
{
    (void)state;
    struct buf out = {0};
    const char *reason = NULL;

    describe_json(&out);
    json_t *description = json_parse_bounded(out.data, out.len, &reason);
    assert_non_null(description);
    assert_int_equal(json_integer_value(json_object_get(description, "version")), 1);
    assert_int_equal(list_length(description, "commands"), CMD_COUNT);
    for (size_t i = 0; i < CMD_COUNT; i++) {
        const struct command *command = command_get((enum command_id)i);
        const json_t *row = json_array_get(json_object_get(description, "commands"), i);
        assert_string_equal(json_string_value(json_object_get(row, "name")), command->name);
        assert_int_equal(list_length(row, "params"), command->params_n);
    }
    assert_int_equal(list_length(description, "errors"), ERR_COUNT - 1);
#define X(name, wire, code, reason) +1
    assert_int_equal(list_length(description, "close_codes"), 0 WS_CLOSE_MAP(X));
#undef X
    json_decref(description);
    buf_free(&out);
}

static void the_typescript_and_the_help_name_every_command(void **state)
{
    (void)state;
    struct buf types = {0};
    struct buf help = {0};

    describe_typescript(&types);
    describe_help(&help);
    for (int id = 0; id < CMD_COUNT; id++) {
        const char *name = command_get((enum command_id)id)->name;
        assert_non_null(strstr(types.data, name));
        assert_non_null(strstr(help.data, name));
    }
    assert_non_null(strstr(types.data, "  \"read.mark\": {\n    params: { channel: Id; seq: number "
                                       "};\n"));
    assert_non_null(strstr(help.data, "      limit?: rows in the answer at most (int; 1 to 200, "
                                      "else 50)\n"));
    buf_free(&types);
    buf_free(&help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_every_object_has_a_type_that_exists),
        cmocka_unit_test(every_field_of_every_event_has_a_type_that_exists),
        cmocka_unit_test(every_command_answers_with_a_type_that_exists),
        cmocka_unit_test(a_type_that_is_not_there_is_not_found),
        cmocka_unit_test(the_json_description_holds_every_command_and_parameter),
        cmocka_unit_test(the_typescript_and_the_help_name_every_command),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
