/* report.h - what went wrong and what to do about it, on standard error.
 *
 * Everything is escaped: parts of it come from the server. Threading: main thread only.
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "base/macros.h"
#include "cli/client.h"
#include "cli/exit_code.h"

/* "parleyctl: ..." */
void report_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* What to do, indented below it. */
void report_hint(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* Says why COMMAND had no result. CONFIG tells where it was sent. Never prints a token. */
enum exit_code report_reply(const struct client_config *config, const char *command,
                            const struct reply *reply);
/* The code alone. */
enum exit_code exit_code_of(const struct reply *reply);

#endif
