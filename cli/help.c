#include "cli/help.h"

#include <string.h>

#include "base/buf.h"
#include "base/macros.h"
#include "cli/man.h"
#include "cli/run.h"

enum { HELP_WIDTH = 88, HELP_INDENT = 26 };

/* One paragraph; the cursor stands at column AT. */
static const char *wrap_paragraph(FILE *out, const char *p, size_t at, size_t indent, size_t width)
{
    bool first = true;

    while (*p != '\0' && *p != '\n') {
        size_t len = strcspn(p, " \n");
        if (!first && at + 1 + len > width) {
            (void)fprintf(out, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!first) {
            (void)fputc(' ', out);
            at++;
        }
        (void)fwrite(p, 1, len, out);
        at += len;
        first = false;
        p += len;
        p += strspn(p, " ");
    }
    (void)fputc('\n', out);
    return p + strspn(p, "\n");
}

void help_wrap(FILE *out, const char *text, size_t indent, size_t width)
{
    for (const char *p = text; *p != '\0';) {
        if (p != text)
            (void)fputc('\n', out);
        (void)fprintf(out, "%*s", (int)indent, "");
        p = wrap_paragraph(out, p, indent, indent, width);
    }
}

/* "  left    right, wrapped" */
static void print_pair(FILE *out, const struct term *term, const char *left, const char *right)
{
    size_t len = strlen(left) + 2;

    (void)fprintf(out, "  %s%s%s", term_style(term, STYLE_BOLD), left,
                  term_style(term, STYLE_PLAIN));
    if (len + 2 > HELP_INDENT) {
        (void)fputc('\n', out);
        len = 0;
    }
    (void)fprintf(out, "%*s", (int)(HELP_INDENT - len), "");
    (void)wrap_paragraph(out, right, HELP_INDENT, HELP_INDENT, HELP_WIDTH);
}

static void print_title(FILE *out, const struct term *term, const char *title)
{
    (void)fprintf(out, "\n%s%s%s\n", term_style(term, STYLE_BOLD), title,
                  term_style(term, STYLE_PLAIN));
}

static void print_option(FILE *out, const struct term *term, enum option_id id)
{
    const struct option_row *row = option_at(id);
    struct buf left = {0};

    if (row->letter != '\0')
        buf_printf(&left, "-%c, ", row->letter);
    buf_printf(&left, "--%s%s%s", row->name, *row->value != '\0' ? " " : "", row->value);
    print_pair(out, term, left.data, row->summary);
    buf_free(&left);
}

static void print_options(FILE *out, const struct term *term, const struct command *command,
                          bool global)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        enum option_id id = (enum option_id)i;
        if (option_at(id)->global == global &&
            (global || (command != NULL && command_has_option(command, id))))
            print_option(out, term, id);
    }
}

static void print_command_row(FILE *out, const struct term *term, const struct command *command)
{
    struct buf left = {0};

    buf_printf(&left, "%s%s%s", command->words, *command->arguments != '\0' ? " " : "",
               command->arguments);
    print_pair(out, term, left.data, command->summary);
    buf_free(&left);
}

static void print_examples(FILE *out, const char *examples)
{
    for (const char *p = examples; *p != '\0';) {
        size_t len = strcspn(p, "\n");
        (void)fprintf(out, "  %.*s\n", (int)len, p);
        p += len;
        p += *p == '\n' ? 1 : 0;
    }
}

static void print_command(FILE *out, const struct term *term, const struct command *command)
{
    (void)fprintf(out, "parleyctl %s%s%s%s\n\n", command->words,
                  *command->arguments != '\0' ? " " : "", command->arguments,
                  command->options != 0 ? " [options]" : "");
    help_wrap(out, command->summary, 0, HELP_WIDTH);
    if (*command->details != '\0') {
        (void)fputc('\n', out);
        help_wrap(out, command->details, 0, HELP_WIDTH);
    }
    if (*command->arguments != '\0') {
        const struct placeholder *argument;
        print_title(out, term, "Arguments");
        for (size_t i = 0; (argument = command_argument(command, i)) != NULL; i++)
            print_pair(out, term, argument->word, argument->summary);
    }
    if (command->options != 0) {
        print_title(out, term, "Options");
        print_options(out, term, command, false);
    }
    if (*command->examples != '\0') {
        print_title(out, term, "Examples");
        print_examples(out, command->examples);
    }
    (void)fputs("\nFor the options of every command: parleyctl help\n", out);
}

static void print_commands(FILE *out, const struct term *term, const char *group)
{
    size_t len = group != NULL ? strlen(group) : 0;

    for (size_t i = 0; i < command_count(); i++) {
        const struct command *command = command_at(i);
        if (group == NULL ||
            (strncmp(command->words, group, len) == 0 && command->words[len] == ' '))
            print_command_row(out, term, command);
    }
}

static void print_overview(FILE *out, const struct term *term)
{
    (void)fputs("parleyctl COMMAND [options]: administer a Parley server.\n", out);
    print_title(out, term, "Commands");
    print_commands(out, term, NULL);
    print_title(out, term, "Options of every command");
    print_options(out, term, NULL, true);
    print_title(out, term, "Exit codes");
#define X(name, status, meaning) print_pair(out, term, #status, meaning);
    EXIT_CODE_MAP(X)
#undef X
    (void)fputs("\nMore on one: parleyctl help COMMAND. The manual: man parleyctl\n", out);
}

void help_print(FILE *out, const struct term *term, const struct command *command,
                const char *group)
{
    if (command != NULL) {
        print_command(out, term, command);
    } else if (group != NULL) {
        (void)fprintf(out, "parleyctl %s COMMAND [options]\n\n", group);
        print_commands(out, term, group);
    } else {
        print_overview(out, term);
    }
}

static enum exit_code print_man(const struct cli *cli)
{
    const char *page = cli->options.arg_count > 0 ? cli->options.args[0] : "parleyctl";
    struct buf error = {0};

    if (!options_choice("a page", page, "parleyctl parleyd parley.conf", &error))
        return cli_usage(cli, &error);
    if (strcmp(page, "parleyctl") == 0)
        man_parleyctl(stdout);
    else if (strcmp(page, "parleyd") == 0)
        man_parleyd(stdout);
    else
        man_parley_conf(stdout);
    return EXIT_CODE_OK;
}

enum exit_code cmd_help(struct cli *cli)
{
    const struct options *options = &cli->options;
    const struct command *command = NULL;
    const char *group = NULL;
    size_t used;

    if (options->value[OPTION_MAN] != NULL)
        return print_man(cli);
    if (options->arg_count > 0) {
        command = command_find(options->args, options->arg_count, &used);
        if (command == NULL && options->arg_count == 1 && command_is_group(options->args[0]))
            group = options->args[0];
        if (command == NULL && group == NULL) {
            struct buf error = {0};
            buf_printf(&error, "there is no command `%s` to help with", options->args[0]);
            return cli_usage(cli, &error);
        }
    }
    help_print(stdout, &cli->out, command, group);
    return EXIT_CODE_OK;
}
