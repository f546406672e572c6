#include "cli/man.h"

#include <string.h>

#include "base/macros.h"

void man_title(FILE *out, const char *title, char section)
{
    (void)fprintf(out,
                  ".\\\" Made by make man from the tables in cli/ and server/; edit those.\n"
                  ".TH %s %c 2026-11-23 \"Parley\" \"Parley manual\"\n",
                  title, section);
}

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
void man_text(FILE *out, const char *text, size_t len, bool wrap)
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

void man_string(FILE *out, const char *text)
{
    man_text(out, text, strlen(text), true);
}
