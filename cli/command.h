/* command.h - the tables of commands, options and placeholders, and questions about them.
 *
 * Threading: any; everything is constant.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/exit_code.h"

struct cli;

enum option_id {
#define OPTION(id, name, letter, value, scope, summary) OPTION_##id,
#include "cli/options.def"
#undef OPTION
    OPTION_COUNT
};

struct option_row {
    const char *name;
    char letter;       /* 0: none */
    const char *value; /* placeholder; "": a switch */
    bool global;
    const char *summary;
};

enum completion {
    COMPLETE_NOTHING,
    COMPLETE_WORDS,
    COMPLETE_USERS,
    COMPLETE_CHANNELS,
    COMPLETE_FILES,
    COMPLETE_DIRS
};

struct placeholder {
    const char *word;
    enum completion completion;
    const char *choices; /* for COMPLETE_WORDS, parted by spaces */
    const char *summary;
};

struct command {
    const char *words; /* "user list" */
    enum exit_code (*run)(struct cli *cli);
    const char *arguments;
    uint64_t options; /* bit 1 << OPTION_x for each local one */
    const char *summary;
    const char *details;
    const char *examples;
};

size_t command_count(void);
const struct command *command_at(size_t i);
/* The command that WORDS[0..COUNT) begin with; *used_out says with how many words. */
const struct command *command_find(const char *const *words, size_t count, size_t *used_out);
/* Whether WORD is the first of two: "user". */
bool command_is_group(const char *word);
bool command_has_option(const struct command *command, enum option_id id);

const struct option_row *option_at(enum option_id id);
/* By long name or letter; OPTION_COUNT when there is none. */
enum option_id option_find(const char *name, size_t len);
enum option_id option_find_letter(char letter);

/* The placeholder of argument I of COMMAND ("[MESSAGE]" gives that of MESSAGE); NULL past the end.
 */
const struct placeholder *command_argument(const struct command *command, size_t i);
/* How many arguments it takes; *max_out is SIZE_MAX when there is no end to them. */
void command_arity(const struct command *command, size_t *min_out, size_t *max_out);
const struct placeholder *placeholder_find(const char *word, size_t len);

/* Of the COUNT words that AT(i) gives, the one nearest to what was typed; NULL when none is. */
const char *nearest_word(const char *typed, const char *(*at)(size_t i), size_t count);

#endif
