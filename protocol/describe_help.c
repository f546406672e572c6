/* describe_help.c - the command table for people. */
#include <inttypes.h>
#include <string.h>

#include "protocol/command.h"
#include "protocol/describe.h"

static void put_bounds(struct buf *out, const struct param_spec *param)
{
    const char *count = param_type_counts(param->type);

    if (param->type == PARAM_ENUM || param->type == PARAM_WORDS)
        buf_printf(out, "; %s", param->words);
    else if (strcmp(count, "value") == 0)
        buf_printf(out, "; %" PRId64 " to %" PRId64, param->min, param->max);
    else if (*count != '\0')
        buf_printf(out, "; %" PRId64 " to %" PRId64 " %s", param->min, param->max, count);
    if (param->has_default)
        buf_printf(out, ", else %" PRId64, param->absent);
}

static void put_command(struct buf *out, const struct command *command)
{
    buf_printf(out, "%s (%s)\n    %s\n", command->name, access_name(command->access),
               command->help);
    for (size_t i = 0; i < command->params_n; i++) {
        const struct param_spec *param = &command->params[i];
        buf_printf(out, "      %s%s: %s (%s", param->name, param->required ? "" : "?", param->help,
                   param_type_name(param->type));
        put_bounds(out, param);
        buf_puts(out, ")\n");
    }
    buf_printf(out, "      -> %s\n", command->result);
}

void describe_help(struct buf *out)
{
    for (int id = 0; id < CMD_COUNT; id++)
        put_command(out, command_get((enum command_id)id));
}
