/* options.h - the command line, parsed and checked against the tables.
 *
 * Options may stand anywhere: `--name value`, `--name=value`, `-n value`, `-nvalue`; `--` ends
 * them; a lone `-` is an argument. The last of a repeated option counts.
 * Ownership: everything points into argv, which may be a copy. Threading: none of its own.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "cli/command.h"

enum { OPTIONS_ARGS_MAX = 16 };

struct options {
    const struct command *command;   /* NULL: --help, --version or nothing but options */
    const char *value[OPTION_COUNT]; /* NULL: not given; "" for a switch that is on */
    const char *args[OPTIONS_ARGS_MAX];
    size_t arg_count;
    const char *group; /* with --help: "user" of `parleyctl user --help` */
};

/* False when the command line is wrong; ERROR then says what and what to do. With --help the
 * number of arguments is not checked. */
bool options_parse(int argc, char *const *argv, struct options *options_out, struct buf *error);

/* A copy of argv, and its end: the token in it is wiped. With it the original, which other users
 * of the machine may see, can be overwritten. */
char **options_copy(int argc, char *const *argv);
void options_copy_free(int argc, char ***copy);

/* Checks a number or a choice; false, with ERROR, when it is out of bounds. An option that was
 * not given leaves DEFAULT in *n_out. */
bool options_number(const struct options *options, enum option_id id, int64_t min, int64_t max,
                    int64_t preset, int64_t *n_out, struct buf *error);
/* TEXT is one of the words of the placeholder's choices. */
bool options_choice(const char *what, const char *text, const char *choices, struct buf *error);

#endif
