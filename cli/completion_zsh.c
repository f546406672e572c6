#include "cli/completion.h"

static const char head[] =
    "#compdef parleyctl\n"
    "# parleyctl completion for zsh; made by `parleyctl completion zsh`.\n"
    "\n"
    "_parleyctl_names() {\n"
    "    local -a names\n"
    "    names=(${(f)\"$(parleyctl $target $1 list --names --limit 1000 --timeout 2 "
    "2>/dev/null)\"})\n"
    "    compadd -a names\n"
    "}\n"
    "\n"
    "_parleyctl() {\n"
    "    local -a given target options items\n"
    "    local i cur=${words[CURRENT]} prev=${words[CURRENT-1]}\n"
    "    for ((i = 2; i < CURRENT; i++)); do\n"
    "        case ${words[i]} in\n"
    "        (--data|--socket|--server|--token-file|--ca-file)\n"
    "            target+=(\"${(Q)words[i]}\" \"${(Q)words[i+1]}\")\n"
    "            i=$((i + 1))\n"
    "            ;;\n";

static const char sort_out_rest[] = ") i=$((i + 1)) ;;\n"
                                    "        (-*) ;;\n"
                                    "        (*) given+=(\"${words[i]}\") ;;\n"
                                    "        esac\n"
                                    "    done\n";

static void put_action(FILE *out, const struct placeholder *p)
{
    switch (p->completion) {
    case COMPLETE_WORDS:
        (void)fprintf(out, "compadd %s", p->choices);
        break;
    case COMPLETE_USERS:
        (void)fputs("_parleyctl_names user", out);
        break;
    case COMPLETE_CHANNELS:
        (void)fputs("_parleyctl_names channel", out);
        break;
    case COMPLETE_FILES:
        (void)fputs("_files", out);
        break;
    case COMPLETE_DIRS:
        (void)fputs("_files -/", out);
        break;
    case COMPLETE_NOTHING:
        (void)fprintf(out, "_message '%s'", p->word);
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
        (void)fprintf(out, "    (--%s", row->name);
        if (row->letter != '\0')
            (void)fprintf(out, "|-%c", row->letter);
        (void)fputs(") ", out);
        put_action(out, value);
        (void)fputs("; return ;;\n", out);
    }
    (void)fputs("    esac\n", out);
}

/* An item of _describe: 'word:what it is'. */
static void put_item(FILE *out, const char *prefix, const char *word, int len, const char *summary)
{
    (void)fprintf(out, " '%s%.*s:", prefix, len, word);
    completion_put_quoted(out, summary, "'\\''");
    (void)fputc('\'', out);
}

static void put_options(FILE *out)
{
    (void)fputs("    options=(", out);
    for (int i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = option_at((enum option_id)i);
        if (row->global)
            put_item(out, "--", row->name, 32, row->summary);
    }
    (void)fputs(" )\n    case \"$given\" in\n", out);
    for (size_t c = 0; c < command_count(); c++) {
        const struct command *command = command_at(c);
        if (command->options == 0)
            continue;
        (void)fprintf(out, "    ('%s'*) options+=(", command->words);
        for (int i = 0; i < OPTION_COUNT; i++) {
            const struct option_row *row = option_at((enum option_id)i);
            if (!row->global && command_has_option(command, (enum option_id)i))
                put_item(out, "--", row->name, 32, row->summary);
        }
        (void)fputs(" ) ;;\n", out);
    }
    (void)fputs("    esac\n"
                "    if [[ $cur == -* ]]; then\n"
                "        _describe -o option options\n"
                "        return\n"
                "    fi\n",
                out);
}

static void put_first_words(FILE *out)
{
    (void)fputs("    (''|help) items=(", out);
    for (size_t i = 0; i < command_count(); i++) {
        const struct command *command = command_at(i);
        bool group = completion_second_word(command) != NULL;
        int len;
        if (completion_first_word(i, &len))
            put_item(out, "", command->words, len, group ? "..." : command->summary);
    }
    (void)fputs(" ); _describe command items ;;\n", out);
}

static void put_second_words(FILE *out)
{
    for (size_t i = 0; i < command_count(); i++) {
        const struct command *command = command_at(i);
        const char *second = completion_second_word(command);
        int len;
        if (second == NULL)
            continue;
        if (completion_first_word(i, &len))
            (void)fprintf(out, "    (%.*s) items=(", len, command->words);
        put_item(out, "", second, 32, command->summary);
        if (i + 1 == command_count() || completion_first_word(i + 1, &len))
            (void)fputs(" ); _describe command items ;;\n", out);
    }
}

static void put_arguments(FILE *out)
{
    for (size_t i = 0; i < command_count(); i++) {
        const struct command *command = command_at(i);
        for (size_t j = 0; j < COMPLETION_ARGS; j++) {
            const struct placeholder *argument = command_argument(command, j);
            if (argument == NULL)
                continue;
            (void)fprintf(out, "    ('%s%s) ", command->words, j == 0 ? "'" : " '*");
            put_action(out, argument);
            (void)fputs(" ;;\n", out);
        }
    }
}

void completion_zsh(FILE *out)
{
    (void)fputs(head, out);
    (void)fputs("        (", out);
    completion_put_valued(out, "|");
    (void)fputs(sort_out_rest, out);
    put_values(out);
    put_options(out);
    (void)fputs("    case \"$given\" in\n", out);
    put_first_words(out);
    put_second_words(out);
    put_arguments(out);
    (void)fputs("    esac\n"
                "}\n"
                "\n"
                "if [ \"$funcstack[1]\" = _parleyctl ]; then\n"
                "    _parleyctl\n"
                "else\n"
                "    compdef _parleyctl parleyctl\n"
                "fi\n",
                out);
}
