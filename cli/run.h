/* run.h - one run of parleyctl: what a command works with, and the commands.
 *
 * Threading: main thread only.
 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/macros.h"
#include "cli/client.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/term.h"

struct cli {
    struct options options;
    struct term out; /* stdout */
    struct term err; /* stderr */
    int64_t timeout_ms;
    bool json;
    struct client *client; /* made by the first call */
};

#define COMMAND(id, words, arguments, options, summary, details, examples)                         \
    enum exit_code cmd_##id(struct cli *cli);
#include "cli/commands.def"
#undef COMMAND

/* All of main(): parses, runs, reports. ARGV's token, if there is one, is overwritten. */
int cli_run(int argc, char **argv);

/* Makes the client that the options name, if there is none yet; reports when they are wrong. */
enum exit_code cli_open(struct cli *cli);
/* Calls COMMAND with the JSON object in PARAMS and releases PARAMS. An answer without a result is
 * reported. Release *reply with reply_free(); start with {0}. */
enum exit_code cli_call(struct cli *cli, const char *command, struct buf *params,
                        struct reply *reply);
/* Calls COMMAND like cli_call(); its result is printed for --json, else what FMT says, escaped. */
enum exit_code cli_act(struct cli *cli, const char *command, struct buf *params, const char *fmt,
                       ...) PRINTF_LIKE(4, 5);
/* Prints the result as it came, for --json. On a terminal: indented. */
void cli_print_json(const struct cli *cli, const struct reply *reply);
/* A usage error found by a command: reports and returns the code. Releases ERROR. */
enum exit_code cli_usage(const struct cli *cli, struct buf *error);

/* Members of an object of parameters: `"user":"@bob"`. What looks like an id stays one, a name gets
 * its sign. */
void param_user(struct buf *params, const char *key, const char *arg);
void param_channel(struct buf *params, const char *key, const char *arg);
/* A list of strings, from words with commas between. */
void param_words(struct buf *params, const char *key, const char *arg);
/* The next of the words in *AT with commas between, without blanks around it: "" if there is
 * nothing between two commas, NULL at the end. The caller frees it. */
char *next_word(const char **at);
/* 26 characters of Crockford's base 32 (see base/id.h): no name is that by accident. */
bool looks_like_id(const char *text);

#endif
