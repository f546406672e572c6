/* command_errors.c - which errors a command can be answered with. */
#include "protocol/command.h"

static bool names_something(const struct command *command)
{
    for (size_t i = 0; i < command->params_n; i++) {
        switch (command->params[i].type) {
        case PARAM_ID:
        case PARAM_ID_REF:
        case PARAM_STREAM:
        case PARAM_IDS:
        case PARAM_NAME: /* a new channel's, a node's */
        case PARAM_TOKEN:
            return true;
        default:
            break;
        }
    }
    return false;
}

static bool has_param(const struct command *command, enum param_type type)
{
    for (size_t i = 0; i < command->params_n; i++)
        if (command->params[i].type == type)
            return true;
    return false;
}

bool command_can_fail(const struct command *command, enum err err)
{
    switch (err) {
    case ERR_OK:
    case ERR_UNKNOWN_COMMAND:
        return false;
    case ERR_UNAUTHENTICATED: /* a password that is wrong is one as well */
        return command->access != ACCESS_ANYONE || command->rate == RATE_AUTH ||
               has_param(command, PARAM_TOKEN);
    case ERR_NOT_FOUND:
        return names_something(command);
    case ERR_CONFLICT:
        return command->rate != RATE_READ ||
               has_param(command, PARAM_POSITIONS); /* started already */
    case ERR_GONE:
        return has_param(command, PARAM_EPOCH);
    case ERR_RATE_LIMITED:
        return command->rate != RATE_NONE;
    default:
        return true;
    }
}

bool command_is_http(const struct command *command)
{
    return command->id != CMD_SESSION_START;
}
