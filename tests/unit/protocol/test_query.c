#include "tests/unit/testing.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/query.h"

/* The arguments, which '&' separates, as JSON; NULL: one was refused, and PROBLEM says why. */
static char *object_of(const char *command, const char *args, struct problem *problem)
{
    const struct command *cmd = command_find(command, strlen(command));
    json_t *object = json_object();
    char *text = NULL;
    enum err err = ERR_OK;

    for (const char *arg = args; err == ERR_OK && *arg != '\0';) {
        size_t n = strcspn(arg, "&");
        err = query_put(cmd, arg, n, object, problem);
        arg += n + (arg[n] == '&');
    }
    if (err == ERR_OK)
        text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

static void arguments_get_the_types_of_the_row(void **state)
{
    (void)state;
    static const struct {
        const char *command, *args, *json;
    } cases[] = {
        {"message.history", "channel=c1&limit=20&after=0",
         "{\"channel\":\"c1\",\"limit\":20,\"after\":0}"},
        {"message.history", "limit=-5", "{\"limit\":-5}"},
        {"message.history", "limit=05", "{\"limit\":\"05\"}"},
        {"message.history", "limit=-", "{\"limit\":\"-\"}"},
        {"message.history", "limit=1e2", "{\"limit\":\"1e2\"}"},
        {"message.history", "limit=9223372036854775808", "{\"limit\":\"9223372036854775808\"}"},
        {"message.history", "limit", "{\"limit\":\"\"}"},
        {"presence.get", "users=a,b,,c", "{\"users\":[\"a\",\"b\",\"\",\"c\"]}"},
        {"user.list", "query=a=b&other=1", "{\"query\":\"a=b\",\"other\":\"1\"}"},
        {"admin.user.disable", "disabled=true", "{\"disabled\":true}"},
        {"admin.user.disable", "disabled=1", "{\"disabled\":\"1\"}"},
    };
    struct problem problem;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char *json = object_of(cases[i].command, cases[i].args, &problem);
        assert_non_null(json);
        assert_string_equal(json, cases[i].json);
        free(json);
    }
}

static void what_cannot_be_a_parameter_is_refused_by_name(void **state)
{
    (void)state;
    struct problem problem;

    assert_null(object_of("message.history", "limit=1&limit=1", &problem));
    assert_string_equal(problem.field, "limit");
    assert_null(object_of("message.history", "channel=\xff", &problem));
    assert_string_equal(problem.field, "query");
    assert_null(object_of("message.history",
                          "a_name_that_is_longer_than_any_that_a_parameter_has_or_will_ever_have=1",
                          &problem));
    assert_string_equal(problem.field, "query");
}

static void only_what_changes_nothing_can_be_read_with_get(void **state)
{
    (void)state;
    for (int i = 0; i < CMD_COUNT; i++) {
        const struct command *cmd = command_get((enum command_id)i);
        if (command_only_reads(cmd))
            assert_int_equal(cmd->rate, RATE_READ);
    }
    assert_true(command_only_reads(command_get(CMD_MESSAGE_HISTORY)));
    assert_false(command_only_reads(command_get(CMD_READ_MARK)));
    assert_false(command_only_reads(command_get(CMD_SESSION_START)));
    assert_false(command_only_reads(command_get(CMD_MESSAGE_SEND)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_get_the_types_of_the_row),
        cmocka_unit_test(what_cannot_be_a_parameter_is_refused_by_name),
        cmocka_unit_test(only_what_changes_nothing_can_be_read_with_get),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
