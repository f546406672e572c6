#include "tests/unit/testing.h"

#include <string.h>

#include "base/macros.h"
#include "protocol/command.h"
#include "protocol/limits.h"

static void every_command_is_found_by_its_name(void **state)
{
    (void)state;
    for (int id = 0; id < CMD_COUNT; id++) {
        const struct command *command = command_get((enum command_id)id);
        assert_int_equal(command->id, id);
        assert_ptr_equal(command_find(command->name, strlen(command->name)), command);
        assert_true(command->access < ACCESS_COUNT);
        assert_true(command->rate < RATE_COUNT);
        assert_true(strlen(command->help) > 5);
    }
}

static void the_rows_are_sorted_by_name(void **state)
{
    (void)state;
    for (int id = 1; id < CMD_COUNT; id++)
        assert_true(strcmp(command_get((enum command_id)(id - 1))->name,
                           command_get((enum command_id)id)->name) < 0);
}

static const struct command *find(const char *name)
{
    return command_find(name, strlen(name));
}

static void what_is_no_command_is_not_found(void **state)
{
    (void)state;
    assert_null(find(""));
    assert_null(find("message"));
    assert_null(find("message."));
    assert_null(find("message.sen"));
    assert_null(find("message.sends"));
    assert_null(find("Message.send"));
    assert_null(find("a"));
    assert_null(find("zzz"));
    assert_null(command_find("message.send\0", 13));
    assert_null(command_find("server.info\0and more than any name is long", 42));
}

static void a_name_need_not_end_with_nul(void **state)
{
    (void)state;
    assert_ptr_equal(command_find("message.send?x=1", 12), command_get(CMD_MESSAGE_SEND));
}

/* And a response URL, whose token says who may. */
static void only_the_way_in_is_open_to_strangers(void **state)
{
    (void)state;
    for (int id = 0; id < CMD_COUNT; id++) {
        bool open = id == CMD_SERVER_INFO || id == CMD_AUTH_LOGIN || id == CMD_AUTH_REGISTER ||
                    id == CMD_SESSION_START || id == CMD_SLASH_ANSWER;
        assert_int_equal(command_get((enum command_id)id)->access == ACCESS_ANYONE, open);
    }
}

static void admin_commands_are_for_admins(void **state)
{
    (void)state;
    for (int id = 0; id < CMD_COUNT; id++) {
        const struct command *command = command_get((enum command_id)id);
        bool admin = strncmp(command->name, "admin.", 6) == 0;
        assert_int_equal(command->access >= ACCESS_ADMIN, admin);
    }
}

static void names_of_the_tables_are_the_words_of_the_protocol(void **state)
{
    (void)state;
    assert_string_equal(access_name(ACCESS_ANYONE), "anyone");
    assert_string_equal(access_name(ACCESS_OWNER), "owner");
    assert_string_equal(param_type_name(PARAM_BOOL), "bool");
    assert_string_equal(param_type_name(PARAM_CLIENT_MSG_ID), "client_msg_id");
    assert_string_equal(rate_default(RATE_TYPING)->name, "signal");
    assert_int_equal(rate_default(RATE_NONE)->per_second, 0);
}

static void every_scope_is_a_word_of_the_table_and_has_its_commands(void **state)
{
    char words[256] = "";
    scope_set seen = 0;

    (void)state;
    for (unsigned i = 0; i < SCOPE_COUNT; i++) {
        if (i > 0)
            (void)strcat(words, "|");
        (void)strcat(words, scope_name((enum scope)i));
    }
    assert_string_equal(words, SCOPE_WORDS);
    for (int id = 0; id < CMD_COUNT; id++) {
        const struct command *command = command_get((enum command_id)id);
        bool admin = strncmp(command->name, "admin.", 6) == 0;
        assert_int_equal(command->scope == SCOPE_ADMIN, admin);
        if (command->scope < SCOPE_COUNT)
            seen |= (scope_set)1 << command->scope;
    }
    assert_int_equal(seen, ((scope_set)1 << SCOPE_COUNT) - 1);
}

/* Else one could make a token that may do more, or take over the account. */
static void no_token_may_do_what_credentials_are_made_of(void **state)
{
    static const char *const families[] = {"token.", "bot.", "auth."};

    (void)state;
    for (int id = 0; id < CMD_COUNT; id++) {
        const struct command *command = command_get((enum command_id)id);
        for (size_t i = 0; i < ARRAY_LEN(families); i++)
            if (strncmp(command->name, families[i], strlen(families[i])) == 0 &&
                command->access != ACCESS_ANYONE && command->id != CMD_AUTH_LOGOUT)
                assert_int_equal(command->scope, SCOPE_SESSION);
    }
}

static void scopes_are_read_as_they_are_kept(void **state)
{
    scope_set two = scope_parse("messages:read  admin nonsense messages:rea");

    (void)state;
    assert_int_equal(two, (scope_set)1 << SCOPE_MESSAGES_READ | (scope_set)1 << SCOPE_ADMIN);
    assert_int_equal(scope_parse(""), 0);
    assert_true(scope_allows(two, SCOPE_ADMIN));
    assert_false(scope_allows(two, SCOPE_MESSAGES_WRITE));
    assert_true(scope_allows(0, SCOPE_NONE));
    assert_false(scope_allows(two, SCOPE_SESSION));
    assert_true(scope_allows(SCOPES_ALL, SCOPE_SESSION));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_is_found_by_its_name),
        cmocka_unit_test(the_rows_are_sorted_by_name),
        cmocka_unit_test(what_is_no_command_is_not_found),
        cmocka_unit_test(a_name_need_not_end_with_nul),
        cmocka_unit_test(only_the_way_in_is_open_to_strangers),
        cmocka_unit_test(admin_commands_are_for_admins),
        cmocka_unit_test(every_scope_is_a_word_of_the_table_and_has_its_commands),
        cmocka_unit_test(no_token_may_do_what_credentials_are_made_of),
        cmocka_unit_test(scopes_are_read_as_they_are_kept),
        cmocka_unit_test(names_of_the_tables_are_the_words_of_the_protocol),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
