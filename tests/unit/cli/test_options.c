#include "tests/unit/testing.h"

#include <string.h>

#include "base/macros.h"
#include "cli/options.h"

static struct options options;
static struct buf error;

static bool parse(const char *a, const char *b, const char *c, const char *d, const char *e)
{
    const char *argv[] = {"parleyctl", a, b, c, d, e, NULL};
    int argc = 1;

    while (argv[argc] != NULL)
        argc++;
    buf_clear(&error);
    return options_parse(argc, (char *const *)argv, &options, &error);
}

static int forget(void **state)
{
    (void)state;
    buf_free(&error);
    return 0;
}

static void assert_wrong(bool parsed, const char *said)
{
    assert_false(parsed);
    assert_string_equal(error.data, said);
}

static void options_stand_anywhere(void **state)
{
    (void)state;
    assert_true(parse("--json", "user", "-l", "5", "list"));
    assert_string_equal(options.command->words, "user list");
    assert_non_null(options.value[OPTION_JSON]);
    assert_string_equal(options.value[OPTION_LIMIT], "5");
    assert_null(options.value[OPTION_QUERY]);
    assert_int_equal(options.arg_count, 0);
}

static void values_are_attached_or_follow(void **state)
{
    (void)state;
    assert_true(parse("tail", "--lines=7", "general", "--data", "x=y"));
    assert_string_equal(options.value[OPTION_LINES], "7");
    assert_string_equal(options.value[OPTION_DATA], "x=y");
    assert_true(parse("tail", "-n7", "general", NULL, NULL));
    assert_string_equal(options.value[OPTION_LINES], "7");
    assert_true(parse("tail", "-n", "7", "general", NULL));
    assert_string_equal(options.args[0], "general");
    assert_true(parse("user", "list", "--query=", NULL, NULL));
    assert_string_equal(options.value[OPTION_QUERY], "");
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    assert_true(parse("send", "general", "--", "--help", NULL));
    assert_string_equal(options.args[1], "--help");
    assert_null(options.value[OPTION_HELP]);
    assert_true(parse("send", "general", "-", NULL, NULL));
    assert_string_equal(options.args[1], "-");
}

static void the_last_of_a_repeated_option_counts(void **state)
{
    (void)state;
    assert_true(parse("stats", "--data=a", "--data=b", NULL, NULL));
    assert_string_equal(options.value[OPTION_DATA], "b");
}

static void a_missing_argument_is_named(void **state)
{
    (void)state;
    assert_wrong(parse("user", "role", "bob", NULL, NULL),
                 "`user role` wants ROLE: member, admin or owner");
    assert_wrong(parse("user", "role", NULL, NULL, NULL),
                 "`user role` wants USER: a user: @name, name or id");
    assert_wrong(parse("user", NULL, NULL, NULL, NULL),
                 "`user` wants one more word: list, create, disable, enable, password, role");
    assert_wrong(parse(NULL, NULL, NULL, NULL, NULL), "a command is missing");
    assert_wrong(parse("stats", "--data", NULL, NULL, NULL), "--data wants a value: --data DIR");
}

static void what_is_too_much_is_named(void **state)
{
    (void)state;
    assert_wrong(parse("send", "general", "hello", "world", NULL),
                 "`send` does not know what to do with `world`; a value with spaces in it goes "
                 "between quotes");
    assert_wrong(parse("stats", "now", NULL, NULL, NULL),
                 "`stats` does not know what to do with `now`");
    assert_wrong(parse("stats", "--json=yes", NULL, NULL, NULL), "--json takes no value");
    assert_wrong(parse("stats", "--yes", NULL, NULL, NULL), "`stats` has no option --yes");
}

static void a_mistyped_word_gets_a_suggestion(void **state)
{
    (void)state;
    assert_wrong(parse("snd", NULL, NULL, NULL, NULL),
                 "there is no command `snd`; did you mean `send`?");
    assert_wrong(parse("user", "lst", NULL, NULL, NULL),
                 "there is no command `user lst`; did you mean `user list`?");
    assert_wrong(parse("usr", "list", NULL, NULL, NULL),
                 "there is no command `usr`; did you mean `user list`?");
    assert_wrong(parse("stats", "--jsn", NULL, NULL, NULL),
                 "there is no option --jsn; did you mean --json?");
    assert_wrong(parse("frobnicate", NULL, NULL, NULL, NULL), "there is no command `frobnicate`");
    assert_wrong(parse("send", "general", "-x", NULL, NULL),
                 "there is no option -x; a text that begins with - goes after --");
}

static void help_needs_no_arguments(void **state)
{
    (void)state;
    assert_true(parse("user", "role", "--help", NULL, NULL));
    assert_string_equal(options.command->words, "user role");
    assert_true(parse("user", "-h", NULL, NULL, NULL));
    assert_null(options.command);
    assert_string_equal(options.group, "user");
    assert_true(parse("--help", NULL, NULL, NULL, NULL));
    assert_null(options.command);
    assert_true(parse("--version", NULL, NULL, NULL, NULL));
}

static void too_many_arguments_are_refused(void **state)
{
    char *argv[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(argv); i++)
        argv[i] = (char *)"help";
    buf_clear(&error);
    assert_wrong(options_parse((int)ARRAY_LEN(argv), argv, &options, &error), "too many arguments");
}

static void numbers_and_choices_are_checked(void **state)
{
    int64_t n;

    (void)state;
    assert_true(parse("tail", "general", NULL, NULL, NULL));
    assert_true(options_number(&options, OPTION_LINES, 0, 100, 10, &n, &error));
    assert_int_equal(n, 10);
    assert_true(parse("tail", "general", "-n", "101", NULL));
    assert_wrong(options_number(&options, OPTION_LINES, 0, 100, 10, &n, &error),
                 "--lines is a number from 0 to 100, not `101`");
    buf_clear(&error);
    assert_true(options_choice("a role", "admin", "member admin owner", &error));
    assert_wrong(options_choice("a role", "adm", "member admin owner", &error),
                 "a role is one of member admin owner, not `adm`");
}

static void every_row_of_the_tables_is_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count(); i++) {
        const struct command *command = command_at(i);
        size_t min;
        size_t max;
        size_t used;
        const char *words[2] = {command->words, NULL};
        char first[32];
        size_t len = strcspn(command->words, " ");

        command_arity(command, &min, &max);
        assert_true(min <= max);
        for (size_t j = 0; j < min; j++)
            assert_non_null(command_argument(command, j));
        memcpy(first, command->words, len);
        first[len] = '\0';
        words[0] = first;
        words[1] = command->words[len] == ' ' ? command->words + len + 1 : NULL;
        assert_ptr_equal(command_find(words, words[1] != NULL ? 2 : 1, &used), command);
    }
    for (int i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = option_at((enum option_id)i);
        assert_int_equal(option_find(row->name, strlen(row->name)), i);
        if (row->letter != '\0')
            assert_int_equal(option_find_letter(row->letter), i);
        if (*row->value != '\0')
            assert_non_null(placeholder_find(row->value, strlen(row->value)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_anywhere),
        cmocka_unit_test(values_are_attached_or_follow),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(the_last_of_a_repeated_option_counts),
        cmocka_unit_test(a_missing_argument_is_named),
        cmocka_unit_test(what_is_too_much_is_named),
        cmocka_unit_test(a_mistyped_word_gets_a_suggestion),
        cmocka_unit_test(help_needs_no_arguments),
        cmocka_unit_test(too_many_arguments_are_refused),
        cmocka_unit_test(numbers_and_choices_are_checked),
        cmocka_unit_test(every_row_of_the_tables_is_sound),
    };

    return cmocka_run_group_tests(tests, NULL, forget);
}
