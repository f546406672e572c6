#include "cli/completion.h"

#include <string.h>

#include "cli/run.h"

const struct placeholder *completion_value(enum option_id id)
{
    const char *value = option_at(id)->value;

    return *value != '\0' ? placeholder_find(value, strlen(value)) : NULL;
}

bool completion_first_word(size_t i, int *len_out)
{
    const char *words = command_at(i)->words;
    size_t len = strcspn(words, " ");

    *len_out = (int)len;
    if (i == 0)
        return true;
    const char *before = command_at(i - 1)->words;
    return strncmp(before, words, len) != 0 || strcspn(before, " ") != len;
}

const char *completion_second_word(const struct command *command)
{
    const char *gap = strchr(command->words, ' ');

    return gap != NULL ? gap + 1 : NULL;
}

void completion_put_quoted(FILE *out, const char *text, const char *quote)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            (void)fputs(quote, out);
        else
            (void)fputc(*text, out);
    }
}

void completion_put_valued(FILE *out, const char *gap)
{
    const char *before = "";

    for (int i = 0; i < OPTION_COUNT; i++) {
        const struct option_row *row = option_at((enum option_id)i);
        if (*row->value == '\0' || i == OPTION_DATA || i == OPTION_SOCKET || i == OPTION_SERVER ||
            i == OPTION_TOKEN_FILE || i == OPTION_CA_FILE)
            continue;
        (void)fprintf(out, "%s--%s", before, row->name);
        before = gap;
        if (row->letter != '\0')
            (void)fprintf(out, "%s-%c", gap, row->letter);
    }
}

enum exit_code cmd_completion(struct cli *cli)
{
    const char *shell = cli->options.args[0];
    struct buf error = {0};

    if (!options_choice("a shell", shell, "bash zsh fish", &error))
        return cli_usage(cli, &error);
    if (*shell == 'b')
        completion_bash(stdout);
    else if (*shell == 'z')
        completion_zsh(stdout);
    else
        completion_fish(stdout);
    return EXIT_CODE_OK;
}
