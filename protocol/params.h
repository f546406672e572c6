/* params.h - parameters of one call, checked against the command's row.
 *
 * Threading: none of its own. Ownership: `struct params` borrows its strings from the json_t, which
 * must outlive it, and owns the array of positions: call params_free() for every struct params that
 * params_parse() filled, whatever it answered. `struct problem` points into itself: do not copy it.
 */
#ifndef PROTOCOL_PARAMS_H
#define PROTOCOL_PARAMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "protocol/command.h"

enum { PARAM_WORDS_MAX = 32 }; /* words in one list */

/* What is wrong with which parameter. */
struct problem {
    const char *field;  /* NULL: none in particular */
    const char *reason; /* a sentence without its subject: "must be an integer" */
    const char *id;     /* of an internal error, as in the log; or NULL */
    char field_buf[64];
    char reason_buf[160];
};

/* Fill in both, copied and cut to what fits; never in the middle of a character. */
void problem_set(struct problem *problem, const char *field, const char *reason);

struct stream_position {
    const char *stream;
    const char *epoch;
    uint64_t seq;
};

struct param_value {
    bool present;
    size_t len; /* bytes of str */
    union {
        const char *str;
        const json_t *ids;
        int64_t num;
        bool flag;
    };
};

struct params {
    const struct command *command;
    struct param_value values[PARAMS_MAX]; /* in the order of the command's row */
    struct stream_position *positions;
    size_t positions_n;
};

/* Check OBJECT (NULL: no parameters) against CMD's row. ERR_OK, or ERR_INVALID_PARAMS with
 * *problem_out set. The first wrong member in the object's order is named, then the first missing
 * one. */
enum err params_parse(const struct command *cmd, const json_t *object, struct params *out,
                      struct problem *problem_out);
void params_free(struct params *params); /* twice is fine */

/* Each answers for "absent" if the call did not give NAME or the command has no such parameter. */
bool param_has(const struct params *params, const char *name);
const char *param_str(const struct params *params, const char *name); /* NULL: absent */
size_t param_len(const struct params *params, const char *name);      /* bytes of param_str() */
int64_t param_int(const struct params *params, const char *name, int64_t absent);
bool param_bool(const struct params *params, const char *name, bool absent);
/* How many ids, or words, there are (0: absent); the first MAX of them go into IDS_OUT. */
size_t param_ids(const struct params *params, const char *name, const char **ids_out, size_t max);
/* The positions of a PARAM_POSITIONS parameter (a command has one at most); I is below the count.
 */
size_t param_positions_count(const struct params *params, const char *name);
void param_position(const struct params *params, const char *name, size_t i,
                    struct stream_position *out);

#endif
