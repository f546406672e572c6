/* completion.h - shell completion scripts, made from the tables.
 *
 * All three work alike: they sort out which words of the line are the command and its arguments
 * (the given words), then offer the next word of the command, the values of the argument that is
 * due, or options. Names of users and channels are asked of the server with `--names`, with a
 * short time-out and silently. For completion*.c only.
 */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include <stdio.h>

#include "cli/command.h"

void completion_bash(FILE *out);
void completion_zsh(FILE *out);
void completion_fish(FILE *out);

/* What the scripts have in common. */
enum { COMPLETION_ARGS = 2 }; /* arguments that are completed: no command has more */

/* The placeholder of an option's value, or NULL. */
const struct placeholder *completion_value(enum option_id id);
/* Whether command I is the first one with its first word; its length. */
bool completion_first_word(size_t i, int *len_out);
/* The second word of a command, or NULL. */
const char *completion_second_word(const struct command *command);
/* TEXT for between single quotes, QUOTE standing for one: '\'' or, in fish, \'. */
void completion_put_quoted(FILE *out, const char *text, const char *quote);
/* `--timeout | --color | ...`: the options with values, parted by GAP, but for those that say
 * which server to ask: --data, --socket, --server, --token-file, --ca-file. */
void completion_put_valued(FILE *out, const char *gap);

#endif
