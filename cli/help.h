/* help.h - help texts, made from the tables. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "cli/command.h"
#include "cli/term.h"

/* Help on COMMAND, or on the commands of GROUP ("user"), or (both NULL) on everything. */
void help_print(FILE *out, const struct term *term, const struct command *command,
                const char *group);
/* Text in lines of at most WIDTH columns, each after INDENT spaces; "\n\n" parts paragraphs. */
void help_wrap(FILE *out, const char *text, size_t indent, size_t width);

#endif
