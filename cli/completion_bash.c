#include "cli/completion.h"

static const char head[] =
    "# parleyctl completion for bash; made by `parleyctl completion bash`.\n"
    "# shellcheck shell=bash\n"
    "\n"
    "_parleyctl_words() {\n"
    "    mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n"
    "}\n"
    "\n"
    "_parleyctl_files() {\n"
    "    compopt -o filenames 2>/dev/null\n"
    "    mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$cur\")\n"
    "}\n"
    "\n"
    "_parleyctl_names() {\n"
    "    _parleyctl_words \"$(parleyctl \"${target[@]}\" \"$1\" list --names --limit 1000 "
    "--timeout 2 2>/dev/null)\"\n"
    "}\n"
    "\n"
    "_parleyctl() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "    local given=() target=() options i\n"
    "    COMPREPLY=()\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        case ${COMP_WORDS[i]} in\n"
    "        --data | --socket | --server | --token-file | --ca-file)\n"
    "            target+=(\"${COMP_WORDS[i]}\" \"${COMP_WORDS[i + 1]}\")\n"
    "            i=$((i + 1))\n"
    "            ;;\n";

static const char sort_out_rest[] = ")\n"
                                    "            i=$((i + 1))\n"
                                    "            ;;\n"
                                    "        -*) ;;\n"
                                    "        *) given+=(\"${COMP_WORDS[i]}\") ;;\n"
                                    "        esac\n"
                                    "    done\n";

static void put_action(FILE *out, const struct placeholder *p)
{
    switch (p->completion) {
    case COMPLETE_WORDS:
        (void)fprintf(out, "_parleyctl_words '%s'", p->choices);
        break;
    case COMPLETE_USERS:
        (void)fputs("_parleyctl_names user", out);
        break;
    case COMPLETE_CHANNELS:
        (void)fputs("_parleyctl_names channel", out);
        break;
    case COMPLETE_FILES:
        (void)fputs("_parleyctl_files -f", out);
        break;
    case COMPLETE_DIRS:
        (void)fputs("_parleyctl_files -d", out);
        break;
    case COMPLETE_NOTHING:
        (void)fputs(":", out);
        break;
    }
}

static void put_values(FILE *out)
{
    (void)fputs("    case $prev in\n", out);
    for (int i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = option_at((enum option_id)i);
        const struct placeholder *value = completion_value((enum option_id)i);
        if (value == NULL)
            continue;
        (void)fprintf(out, "    --%s", row->name);
        if (row->letter != '\0')
            (void)fprintf(out, " | -%c", row->letter);
        (void)fputs(")\n        ", out);
        put_action(out, value);
        (void)fputs("\n        return\n        ;;\n", out);
    }
    (void)fputs("    esac\n", out);
}

static void put_options(FILE *out)
{
    (void)fputs("    options='", out);
    for (int i = 0; i < OPTION_COUNT; i++)
        if (option_at((enum option_id)i)->global)
            (void)fprintf(out, "%s--%s", i > 0 ? " " : "", option_at((enum option_id)i)->name);
    (void)fputs("'\n    case \"${given[*]}\" in\n", out);
    for (size_t c = 0; c < command_count(); c++) {
        const struct command *command = command_at(c);
        if (command->options == 0)
            continue;
        (void)fprintf(out, "    \"%s\"*) options+='", command->words);
        for (int i = 0; i < OPTION_COUNT; i++)
            if (!option_at((enum option_id)i)->global &&
                command_has_option(command, (enum option_id)i))
                (void)fprintf(out, " --%s", option_at((enum option_id)i)->name);
        (void)fputs("' ;;\n", out);
    }
    (void)fputs("    esac\n"
                "    if [[ $cur == -* ]]; then\n"
                "        _parleyctl_words \"$options\"\n"
                "        return\n"
                "    fi\n",
                out);
}

static void put_first_words(FILE *out, const char *pattern)
{
    (void)fprintf(out, "    %s) _parleyctl_words '", pattern);
    for (size_t i = 0; i < command_count(); i++) {
        int len;
        if (completion_first_word(i, &len))
            (void)fprintf(out, "%s%.*s", i > 0 ? " " : "", len, command_at(i)->words);
    }
    (void)fputs("' ;;\n", out);
}

static void put_second_words(FILE *out)
{
    for (size_t i = 0; i < command_count(); i++) {
        const char *second = completion_second_word(command_at(i));
        int len;
        if (second == NULL)
            continue;
        if (completion_first_word(i, &len))
            (void)fprintf(out, "    %.*s) _parleyctl_words '%s", len, command_at(i)->words, second);
        else
            (void)fprintf(out, " %s", second);
        if (i + 1 == command_count() || completion_first_word(i + 1, &len))
            (void)fputs("' ;;\n", out);
    }
}

static void put_arguments(FILE *out)
{
    for (size_t i = 0; i < command_count(); i++) {
        const struct command *command = command_at(i);
        const struct placeholder *argument;
        for (size_t j = 0; j < COMPLETION_ARGS; j++) {
            argument = command_argument(command, j);
            if (argument == NULL || argument->completion == COMPLETE_NOTHING)
                continue;
            (void)fprintf(out, "    \"%s%s) ", command->words, j == 0 ? "\"" : " \"*");
            put_action(out, argument);
            (void)fputs(" ;;\n", out);
        }
    }
}

void completion_bash(FILE *out)
{
    (void)fputs(head, out);
    (void)fputs("        ", out);
    completion_put_valued(out, " | ");
    (void)fputs(sort_out_rest, out);
    put_values(out);
    put_options(out);
    (void)fputs("    case \"${given[*]}\" in\n", out);
    put_first_words(out, "'' | help");
    put_second_words(out);
    put_arguments(out);
    (void)fputs("    esac\n}\n\ncomplete -F _parleyctl parleyctl\n", out);
}
