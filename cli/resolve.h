/* resolve.h - ids behind the names that people type, for commands that want ids. */
#ifndef CLI_RESOLVE_H
#define CLI_RESOLVE_H

#include "base/id.h"
#include "cli/run.h"

/* `@name`, `name` or an id. What is not there, or may not be seen, is reported: NOT_FOUND. */
enum exit_code resolve_user(struct cli *cli, const char *arg, char id_out[ID_MAX + 1]);
/* `#name`, `name` or an id. */
enum exit_code resolve_channel(struct cli *cli, const char *arg, char id_out[ID_MAX + 1]);

#endif
