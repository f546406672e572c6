/* man.c - parleyctl(1) in man(7) macros, from the tables. `parleyctl help --man` prints it. */
#include <string.h>

#include "base/macros.h"
#include "cli/help.h"

static const char front[] =
    ".TH PARLEYCTL 1 2026-11-23 \"Parley\" \"Parley manual\"\n"
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

/* One character, escaped where roff would take it for its own; how many that makes. */
static size_t put_char(FILE *out, char c)
{
    static const struct {
        char c;
        const char *escaped;
    } escapes[] = {{'\\', "\\e"},  {'-', "\\-"},   {'\'', "\\(aq"},
                   {'`', "\\(ga"}, {'~', "\\(ti"}, {'^', "\\(ha"}};

    for (size_t i = 0; i < ARRAY_LEN(escapes); i++)
        if (escapes[i].c == c) {
            (void)fputs(escapes[i].escaped, out);
            return strlen(escapes[i].escaped);
        }
    (void)fputc(c, out);
    return 1;
}

/* Text as it stands, or (WRAP) in lines of fewer than 80 columns. */
static void put_text(FILE *out, const char *text, size_t len, bool wrap)
{
    size_t column = 0;

    for (size_t i = 0; i < len; i++) {
        size_t word = 1;
        while (i + word < len && text[i + word] != ' ')
            word++;
        if (wrap && text[i] == ' ' && column + word > 70) {
            (void)fputc('\n', out);
            column = 0;
            continue;
        }
        if (column == 0 && (text[i] == '.' || text[i] == '\''))
            (void)fputs("\\&", out);
        column += put_char(out, text[i]);
        if (text[i] == '\n')
            column = 0;
    }
}

static void put_string(FILE *out, const char *text)
{
    put_text(out, text, strlen(text), true);
}

static void put_paragraphs(FILE *out, const char *text)
{
    for (const char *p = text; *p != '\0';) {
        const char *end = strstr(p, "\n\n");
        size_t len = end != NULL ? (size_t)(end - p) : strlen(p);
        (void)fputs(".PP\n", out);
        put_text(out, p, len, true);
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
    put_string(out, row->name);
    (void)fputs("\\fR", out);
    if (*row->value != '\0')
        (void)fprintf(out, " \\fI%s\\fR", row->value);
    (void)fputc('\n', out);
    put_string(out, row->summary);
    (void)fputc('\n', out);
}

static void put_command(FILE *out, const struct command *command)
{
    (void)fputs(".SS \"", out);
    put_string(out, command->words);
    (void)fprintf(out, "%s%s\"\n", *command->arguments != '\0' ? " " : "", command->arguments);
    put_string(out, command->summary);
    (void)fputc('\n', out);
    put_paragraphs(out, command->details);
    for (int i = 0; i < OPTION_COUNT; i++)
        if (!option_at((enum option_id)i)->global && command_has_option(command, (enum option_id)i))
            put_option(out, (enum option_id)i);
    if (*command->examples != '\0') {
        (void)fputs(".PP\n.RS\n.nf\n", out);
        put_text(out, command->examples, strlen(command->examples), false);
        (void)fputs("\n.fi\n.RE\n", out);
    }
}

static void put_arguments(FILE *out)
{
    (void)fputs(".SH ARGUMENTS\n", out);
#define PLACEHOLDER(word, completion, choices, summary)                                            \
    (void)fputs(".TP\n.I " word "\n", out);                                                        \
    put_string(out, summary);                                                                      \
    (void)fputc('\n', out);
#include "cli/placeholders.def"
#undef PLACEHOLDER
}

void help_print_man(FILE *out)
{
    (void)fputs(".\\\" Made by `parleyctl help --man` from cli/*.def; edit those.\n", out);
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
    put_string(out, meaning);                                                                      \
    (void)fputc('\n', out);
    EXIT_CODE_MAP(X)
#undef X
    (void)fputs(back, out);
}
