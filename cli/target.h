/* target.h - which server to talk to, from the options and the environment.
 *
 * --socket PATH, or --data DIR ($PARLEY_DATA, ./data), or --server URL with a token.
 */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include "cli/client.h"
#include "cli/exit_code.h"
#include "cli/options.h"

/* The data directory, never NULL. */
const char *target_data_dir(const struct options *options);
/* A client for it in *client_out, or a reported error. */
enum exit_code target_open(const struct options *options, struct client **client_out);
/* Checks a URL and takes the slash off its end; false, with the reason in ERROR. *PLAIN_OUT: the
 * token would travel unencrypted over a network. */
bool target_parse_url(const char *url, struct buf *url_out, bool *plain_out, struct buf *error);

#endif
