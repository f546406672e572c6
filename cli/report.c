#include "cli/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/text.h"
#include "cli/units.h"

static void print(const char *prefix, const char *fmt, va_list args)
{
    struct buf escaped = {0};
    char *text = NULL;

    if (vasprintf(&text, fmt, args) < 0)
        return;
    text_escape(&escaped, text);
    (void)fprintf(stderr, "%s%s\n", prefix, escaped.data);
    buf_free(&escaped);
    free(text);
}

void report_error(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    print("parleyctl: ", fmt, args);
    va_end(args);
}

void report_hint(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    print("  ", fmt, args);
    va_end(args);
}

/* Error types that end the program with a code of their own; the others are "refused". */
static enum exit_code code_of_type(const char *type)
{
    static const struct {
        const char *type;
        enum exit_code code;
    } codes[] = {
        {"unauthenticated", EXIT_CODE_UNAUTHENTICATED},
        {"forbidden", EXIT_CODE_FORBIDDEN},
        {"not_found", EXIT_CODE_NOT_FOUND},
        {"gone", EXIT_CODE_NOT_FOUND},
        {"unavailable", EXIT_CODE_TRY_LATER},
        {"rate_limited", EXIT_CODE_TRY_LATER},
    };

    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (strcmp(codes[i].type, type) == 0)
            return codes[i].code;
    return EXIT_CODE_REFUSED;
}

enum exit_code exit_code_of(const struct reply *reply)
{
    switch (reply->kind) {
    case REPLY_RESULT:
        return EXIT_CODE_OK;
    case REPLY_PROBLEM:
        return code_of_type(reply->problem.type);
    case REPLY_UNREACHABLE:
    case REPLY_LOST:
    case REPLY_TIMEOUT:
        return EXIT_CODE_UNREACHABLE;
    case REPLY_GARBLED:
        break;
    }
    return EXIT_CODE_BAD_ANSWER;
}

static void hint_about_socket(const char *path, int os_error)
{
    switch (os_error) {
    case ENOENT:
        report_hint("Is parleyd running with this data directory? Name another with --data DIR, "
                    "or a server with --server URL.");
        break;
    case ECONNREFUSED:
        report_hint("The socket is there, but nobody listens: parleyd has ended. Start it again.");
        break;
    case EACCES:
    case EPERM:
        report_hint("Only the user whom parleyd runs as may use it: sudo -u USER parleyctl ...");
        break;
    default:
        if (strlen(path) > 107)
            report_hint("A socket's path has at most 107 bytes: use a shorter or relative --data.");
    }
}

static void report_unreachable(const struct client_config *config, const struct reply *reply)
{
    if (config->socket != NULL) {
        report_error("cannot reach parleyd at %s: %s", config->socket, reply->cause);
        hint_about_socket(config->socket, reply->os_error);
    } else {
        report_error("cannot reach %s: %s", config->server, reply->cause);
        if (strstr(reply->cause, "certificate") != NULL)
            report_hint("If it is your own, name it, or who signed it, with --ca-file FILE.");
        else
            report_hint("Check the address, and that parleyd listens there (--listen).");
    }
}

static void hint_about_problem(const struct client_config *config, const struct reply *reply)
{
    char wait[UNITS_SIZE];

    switch (code_of_type(reply->problem.type)) {
    case EXIT_CODE_UNAUTHENTICATED:
        if (config->token != NULL)
            report_hint("The token is unknown or has expired. Sign in again for a new one.");
        else
            report_hint("Give a token with --token-file FILE or in PARLEY_TOKEN.");
        break;
    case EXIT_CODE_FORBIDDEN:
        if (config->server != NULL)
            report_hint("This takes an owner's or admin's token, or the admin socket (--data).");
        break;
    case EXIT_CODE_TRY_LATER:
        if (reply->problem.retry_after_ms > 0) {
            units_duration((uint64_t)reply->problem.retry_after_ms, wait);
            report_hint("Try again in %s.", wait);
        } else {
            report_hint("Try again in a moment; parleyd's log says why.");
        }
        break;
    default:
        if (reply->problem.id != NULL)
            report_hint("parleyd's log has more under the id %s.", reply->problem.id);
        else if (strcmp(reply->problem.type, "unknown_command") == 0)
            report_hint("parleyd is older than parleyctl: see parleyctl version.");
    }
}

static void report_problem(const struct client_config *config, const char *command,
                           const struct reply *reply)
{
    const struct problem *p = &reply->problem;
    struct buf text = {0};
    const char *what = p->detail != NULL ? p->detail : p->reason != NULL ? p->reason : p->title;

    buf_printf(&text, "%s: %s", command, p->type);
    if (p->field != NULL)
        buf_printf(&text, ": %s", p->field);
    if (what != NULL)
        buf_printf(&text, ": %s", what);
    report_error("%s", text.data);
    buf_free(&text);
    hint_about_problem(config, reply);
}

enum exit_code report_reply(const struct client_config *config, const char *command,
                            const struct reply *reply)
{
    const char *where = config->socket != NULL ? config->socket : config->server;

    switch (reply->kind) {
    case REPLY_RESULT:
        break;
    case REPLY_PROBLEM:
        report_problem(config, command, reply);
        break;
    case REPLY_UNREACHABLE:
        report_unreachable(config, reply);
        break;
    case REPLY_LOST:
    case REPLY_TIMEOUT:
        report_error("no answer to %s from %s: %s", command, where, reply->cause);
        report_hint("It may have been carried out or not.");
        break;
    case REPLY_GARBLED:
        report_error("the answer to %s from %s cannot be used: %s", command, where, reply->cause);
        report_hint("Is that a parleyd, and its address complete?");
        break;
    }
    return exit_code_of(reply);
}
