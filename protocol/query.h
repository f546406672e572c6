/* query.h - the parameters of a command from a URL's query, for GET.
 *
 * `channel=c1&limit=20` is {"channel":"c1","limit":20}: a number, true and false where the
 * command's row wants such, a list of ids with commas between. Whether the values fit is for
 * params_parse() to say, as for every other way in. Threading: none of its own.
 */
#ifndef PROTOCOL_QUERY_H
#define PROTOCOL_QUERY_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"
#include "protocol/params.h"

/* Adds one argument, `name=value` with its percent-encoding undone, to OBJECT. ERR_OK, or
 * ERR_INVALID_PARAMS with *problem_out set: it came twice, or is not UTF-8 without NUL. */
enum err query_put(const struct command *cmd, const char *arg, size_t len, json_t *object,
                   struct problem *problem_out);

#endif
