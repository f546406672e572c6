#include "cli/completion.h"

static const char head[] =
    "# parleyctl completion for fish; made by `parleyctl completion fish`.\n"
    "\n"
    "# Prints the words of the command and its arguments, and in front of them, with --target,\n"
    "# the options that say which server to ask.\n"
    "function __parleyctl_given\n"
    "    set -l tokens (commandline -opc)\n"
    "    set -l given\n"
    "    set -l target\n"
    "    set -l i 2\n"
    "    while test $i -le (count $tokens)\n"
    "        switch $tokens[$i]\n"
    "            case --data --socket --server --token-file --ca-file\n"
    "                set i (math $i + 1)\n"
    "                set target $target $tokens[(math $i - 1)] $tokens[$i]\n"
    "            case";

static const char rest[] =
    "\n"
    "                set i (math $i + 1)\n"
    "            case '-*'\n"
    "            case '*'\n"
    "                set given $given $tokens[$i]\n"
    "        end\n"
    "        set i (math $i + 1)\n"
    "    end\n"
    "    if test \"$argv[1]\" = --target\n"
    "        string join \\n -- $target\n"
    "    else\n"
    "        string join ' ' -- $given\n"
    "    end\n"
    "end\n"
    "\n"
    "# Whether the given words are exactly these.\n"
    "function __parleyctl_at\n"
    "    test (__parleyctl_given | string collect; or echo) = \"$argv[1]\"\n"
    "end\n"
    "\n"
    "# Whether they begin with these.\n"
    "function __parleyctl_in\n"
    "    string match -q -- \"$argv[1]*\" (__parleyctl_given)\n"
    "end\n"
    "\n"
    "function __parleyctl_names\n"
    "    parleyctl (__parleyctl_given --target) $argv[1] list --names --limit 1000 --timeout 2 "
    "2>/dev/null\n"
    "end\n"
    "\n"
    "complete -c parleyctl -f\n";

static void put_action(FILE *out, const struct placeholder *p)
{
    switch (p->completion) {
    case COMPLETE_WORDS:
        (void)fprintf(out, " -a '%s'", p->choices);
        break;
    case COMPLETE_USERS:
        (void)fputs(" -a '(__parleyctl_names user)'", out);
        break;
    case COMPLETE_CHANNELS:
        (void)fputs(" -a '(__parleyctl_names channel)'", out);
        break;
    case COMPLETE_FILES:
        (void)fputs(" -F", out);
        break;
    case COMPLETE_DIRS:
        (void)fputs(" -a '(__fish_complete_directories)'", out);
        break;
    case COMPLETE_NOTHING:
        break;
    }
}

static void put_description(FILE *out, const char *summary)
{
    (void)fputs(" -d '", out);
    completion_put_quoted(out, summary, "\\'");
    (void)fputs("'\n", out);
}

static void put_option(FILE *out, enum option_id id, const struct command *command)
{
    const struct option_row *row = option_at(id);
    const struct placeholder *value = completion_value(id);

    (void)fputs("complete -c parleyctl", out);
    if (command != NULL)
        (void)fprintf(out, " -n '__parleyctl_in \"%s\"'", command->words);
    (void)fprintf(out, " -l %s", row->name);
    if (row->letter != '\0')
        (void)fprintf(out, " -s %c", row->letter);
    if (value != NULL) {
        (void)fputs(value->completion == COMPLETE_FILES ? " -r" : " -x", out);
        put_action(out, value);
    }
    put_description(out, row->summary);
}

static void put_words(FILE *out, size_t i)
{
    const struct command *command = command_at(i);
    const char *second = completion_second_word(command);
    int len;
    bool first = completion_first_word(i, &len);

    if (first) {
        (void)fprintf(out, "complete -c parleyctl -n '__parleyctl_at \"\"' -a %.*s", len,
                      command->words);
        put_description(out, second == NULL ? command->summary : "...");
        (void)fprintf(out, "complete -c parleyctl -n '__parleyctl_at help' -a %.*s\n", len,
                      command->words);
    }
    if (second != NULL) {
        (void)fprintf(out, "complete -c parleyctl -n '__parleyctl_at %.*s' -a %s", len,
                      command->words, second);
        put_description(out, command->summary);
    }
}

static void put_arguments(FILE *out, const struct command *command)
{
    for (size_t j = 0; j < COMPLETION_ARGS; j++) {
        const struct placeholder *argument = command_argument(command, j);
        if (argument == NULL || argument->completion == COMPLETE_NOTHING)
            continue;
        (void)fprintf(out, "complete -c parleyctl -n '__parleyctl_%s \"%s%s\"'",
                      j == 0 ? "at" : "in", command->words, j == 0 ? "" : " ");
        put_action(out, argument);
        (void)fputc('\n', out);
    }
}

void completion_fish(FILE *out)
{
    (void)fputs(head, out);
    (void)fputc(' ', out);
    completion_put_valued(out, " ");
    (void)fputs(rest, out);
    for (int i = 0; i < OPTION_COUNT; i++)
        if (option_at((enum option_id)i)->global)
            put_option(out, (enum option_id)i, NULL);
    for (size_t i = 0; i < command_count(); i++) {
        const struct command *command = command_at(i);
        put_words(out, i);
        put_arguments(out, command);
        for (int id = 0; id < OPTION_COUNT; id++)
            if (!option_at((enum option_id)id)->global &&
                command_has_option(command, (enum option_id)id))
                put_option(out, (enum option_id)id, command);
    }
}
