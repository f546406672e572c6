#include <string.h>

#include "cli/command.h"
#include "cli/man.h"

static const char front[] =
    ".SH NAME\n"
    "parleyctl \\- administer a Parley server\n"
    ".SH SYNOPSIS\n"
    ".B parleyctl\n"
    ".I COMMAND\n"
    "[\\fIoptions\\fR]\n"
    ".SH DESCRIPTION\n"
    "parleyctl speaks to\n"
    ".BR parleyd (8)\n"
    "with the owner's rights over the admin socket in the server's data\n"
    "directory, or with those of a token over the network.\n"
    "A few commands work on files and need no server.\n"
    ".PP\n"
    "Lists are tables for people.\n"
    "Names and texts in them come from users: control characters are shown\n"
    "escaped.\n"
    "With\n"
    ".B \\-\\-json\n"
    "every command prints what the server answered, unchanged; a list of\n"
    "several pages is several JSON texts, one a line.\n"
    ".PP\n"
    "Options may stand before or after the arguments;\n"
    ".B \\-\\-\n"
    "ends them.\n";

static const char back[] =
    ".SH ENVIRONMENT\n"
    ".TP\n.B PARLEY_DATA\nThe data directory, when there is no \\fB\\-\\-data\\fR.\n"
    ".TP\n.B PARLEY_TOKEN\nThe token for \\fB\\-\\-server\\fR, when no option gives one.\n"
    ".TP\n.B NO_COLOR\nNo colours, if set and not empty.\n"
    ".SH FILES\n"
    ".TP\n.I DATA/admin.sock\nThe admin socket (mode 0600).\n"
    ".TP\n.I DATA/parley.db\nThe database.\n"
    ".TP\n.I DATA/parley.lock\nLocked while parleyd runs.\n"
    ".SH SEE ALSO\n"
    ".BR parleyd (8),\n"
    ".BR parley.conf (5)\n";

static void put_paragraphs(FILE *out, const char *text)
{
    for (const char *p = text; *p != '\0';) {
        const char *end = strstr(p, "\n\n");
        size_t len = end != NULL ? (size_t)(end - p) : strlen(p);
        (void)fputs(".PP\n", out);
        man_text(out, p, len, true);
        (void)fputc('\n', out);
        p += len;
        p += strspn(p, "\n");
    }
}

static void put_option(FILE *out, enum option_id id)
{
    const struct option_row *row = option_at(id);

    (void)fputs(".TP\n", out);
    if (row->letter != '\0')
        (void)fprintf(out, "\\fB\\-%c\\fR, ", row->letter);
    (void)fputs("\\fB\\-\\-", out);
    man_string(out, row->name);
    (void)fputs("\\fR", out);
    if (*row->value != '\0')
        (void)fprintf(out, " \\fI%s\\fR", row->value);
    (void)fputc('\n', out);
    man_string(out, row->summary);
    (void)fputc('\n', out);
}

static void put_command(FILE *out, const struct command *command)
{
    (void)fputs(".SS \"", out);
    man_string(out, command->words);
    (void)fprintf(out, "%s%s\"\n", *command->arguments != '\0' ? " " : "", command->arguments);
    man_string(out, command->summary);
    (void)fputc('\n', out);
    put_paragraphs(out, command->details);
    for (int i = 0; i < OPTION_COUNT; i++)
        if (!option_at((enum option_id)i)->global && command_has_option(command, (enum option_id)i))
            put_option(out, (enum option_id)i);
    if (*command->examples != '\0') {
        (void)fputs(".PP\n.RS\n.nf\n", out);
        man_text(out, command->examples, strlen(command->examples), false);
        (void)fputs("\n.fi\n.RE\n", out);
    }
}

static void put_arguments(FILE *out)
{
    (void)fputs(".SH ARGUMENTS\n", out);
#define PLACEHOLDER(word, completion, choices, summary)                                            \
    (void)fputs(".TP\n.I " word "\n", out);                                                        \
    man_string(out, summary);                                                                      \
    (void)fputc('\n', out);
#include "cli/placeholders.def"
#undef PLACEHOLDER
}

void man_parleyctl(FILE *out)
{
    man_title(out, "PARLEYCTL", '1');
    (void)fputs(front, out);
    (void)fputs(".SH OPTIONS OF EVERY COMMAND\n", out);
    for (int i = 0; i < OPTION_COUNT; i++)
        if (option_at((enum option_id)i)->global)
            put_option(out, (enum option_id)i);
    (void)fputs(".SH COMMANDS\n", out);
    for (size_t i = 0; i < command_count(); i++)
        put_command(out, command_at(i));
    put_arguments(out);
    (void)fputs(".SH EXIT STATUS\n", out);
#define X(name, status, meaning)                                                                   \
    (void)fputs(".TP\n.B " #status "\n", out);                                                     \
    man_string(out, meaning);                                                                      \
    (void)fputc('\n', out);
    EXIT_CODE_MAP(X)
#undef X
    (void)fputs(back, out);
}
