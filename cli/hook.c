#include <string.h>

#include "base/macros.h"
#include "cli/list.h"
#include "cli/text.h"
#include "cli/units.h"

/* -- hook list -------------------------------------------------------------------------------- */

static const char *state_of(struct reader *r, const json_t *hook)
{
    if (!reader_bool_opt(r, hook, "enabled"))
        return "disabled";
    return reader_string_opt(r, hook, "failed_at") != NULL ? "failing" : "enabled";
}

static void hook_row(struct table *table, struct reader *r, const json_t *hook)
{
    const char *state = state_of(r, hook);
    const char *used = reader_string_opt(r, hook, "used_at");
    const char *command = reader_string_opt(r, hook, "command");
    const char *url = reader_string_opt(r, hook, "url");
    const char *error = reader_string_opt(r, hook, "error");
    struct buf calls = {0};

    if (command != NULL)
        buf_printf(&calls, "/%s ", command);
    if (url != NULL)
        buf_puts(&calls, url);
    if (error != NULL)
        buf_printf(&calls, " (%s)", error);
    table_cell(table, STYLE_DIM, reader_string(r, hook, "id"));
    table_cell(table, STYLE_PLAIN, reader_string(r, hook, "kind"));
    table_cell(table, STYLE_CYAN, reader_string(r, hook, "name"));
    table_cell(table, strcmp(state, "enabled") == 0 ? STYLE_PLAIN : STYLE_YELLOW, state);
    list_cell_time(table, used != NULL ? used : "never");
    table_cell(table, STYLE_PLAIN, calls.data);
    buf_free(&calls);
}

enum exit_code cmd_hook_list(struct cli *cli)
{
    static const struct table_column columns[] = {{"ID", false},   {"KIND", false},
                                                  {"NAME", false}, {"STATE", false},
                                                  {"USED", false}, {"CALLS", false}};
    static const struct list list = {.command = "hook.list",
                                     .member = "hooks",
                                     .none = "There are no webhooks and slash commands.",
                                     .columns = columns,
                                     .column_count = ARRAY_LEN(columns),
                                     .row = hook_row};
    struct buf params = {0};

    param_channel(&params, "channel", cli->options.args[0]);
    return list_run(cli, &list, &params);
}

/* -- what shows a secret ---------------------------------------------------------------------- */

/* The whole address where the server's is known, else what comes behind it; or the secret. */
static void put_secret(const struct cli *cli, struct reader *r, const json_t *answer,
                       struct buf *out)
{
    const char *path = reader_string_opt(r, answer, "path");
    const char *server = client_config(cli->client)->server;

    if (path != NULL && server != NULL)
        text_escape(out, server);
    text_escape(out, path != NULL ? path : reader_string(r, answer, "secret"));
}

static void print_secret(const struct cli *cli, struct reader *r, const json_t *answer)
{
    const char *id = reader_string(r, reader_object(r, answer, "hook"), "id");
    bool incoming = reader_string_opt(r, answer, "path") != NULL;
    struct buf secret = {0};
    struct buf safe = {0};

    put_secret(cli, r, answer, &secret);
    text_escape(&safe, id);
    if (!r->failed)
        (void)printf("%s\n", secret.data != NULL ? secret.data : "");
    if (!r->failed && cli->out.width != 0)
        (void)fprintf(stderr, "Keep it: it is not shown again. %s; the hook's id is %s.\n",
                      !incoming ? "The hook signs with it"
                      : client_config(cli->client)->server != NULL
                          ? "Programs post to it"
                          : "Programs post to it, behind the "
                            "server's address",
                      safe.data != NULL ? safe.data : "");
    buf_free(&secret);
    buf_free(&safe);
}

static enum exit_code call_for_secret(struct cli *cli, const char *command, struct buf *params)
{
    struct reader r = {.command = command};
    struct reply reply = {0};
    enum exit_code code = cli_call(cli, command, params, &reply);

    if (code == EXIT_CODE_OK && cli->json) {
        cli_print_json(cli, &reply);
    } else if (code == EXIT_CODE_OK) {
        print_secret(cli, &r, reply.json);
        code = reader_ok(&r) ? EXIT_CODE_OK : EXIT_CODE_BAD_ANSWER;
    }
    reply_free(&reply);
    return code;
}

static void put_settings(const struct options *options, struct buf *params)
{
    buf_json_member_opt(params, "icon", options->value[OPTION_ICON]);
    buf_json_member_opt(params, "url", options->value[OPTION_URL]);
    if (options->value[OPTION_EVENTS] != NULL)
        param_words(params, "events", options->value[OPTION_EVENTS]);
    buf_json_member_opt(params, "trigger", options->value[OPTION_TRIGGER]);
    buf_json_member_opt(params, "command", options->value[OPTION_COMMAND]);
}

enum exit_code cmd_hook_create(struct cli *cli)
{
    const struct options *options = &cli->options;
    struct buf params = {0};

    buf_json_member(&params, "kind", options->args[0]);
    param_channel(&params, "channel", options->args[1]);
    buf_json_member(&params, "name", options->args[2]);
    put_settings(options, &params);
    return call_for_secret(cli, "hook.create", &params);
}

enum exit_code cmd_hook_rotate(struct cli *cli)
{
    struct buf params = {0};

    buf_json_member(&params, "hook", cli->options.args[0]);
    return call_for_secret(cli, "hook.rotate", &params);
}

/* -- changing them ---------------------------------------------------------------------------- */

enum exit_code cmd_hook_update(struct cli *cli)
{
    const struct options *options = &cli->options;
    struct buf params = {0};
    struct buf error = {0};

    buf_json_member(&params, "hook", options->args[0]);
    size_t before = params.len;
    buf_json_member_opt(&params, "name", options->value[OPTION_NAME]);
    put_settings(options, &params);
    if (params.len > before)
        return cli_act(cli, "hook.update", &params, "The hook is changed.");
    buf_free(&params);
    buf_puts(&error, "--name, --icon, --url, --events, --trigger and --command say what to change");
    return cli_usage(cli, &error);
}

static enum exit_code set_enabled(struct cli *cli, bool enabled)
{
    struct buf params = {0};

    buf_json_member(&params, "hook", cli->options.args[0]);
    buf_json_member_bool(&params, "enabled", enabled);
    return cli_act(cli, "hook.update", &params, "The hook is %s.",
                   enabled ? "enabled" : "disabled");
}

enum exit_code cmd_hook_disable(struct cli *cli)
{
    return set_enabled(cli, false);
}

enum exit_code cmd_hook_enable(struct cli *cli)
{
    return set_enabled(cli, true);
}

enum exit_code cmd_hook_delete(struct cli *cli)
{
    struct buf params = {0};

    buf_json_member(&params, "hook", cli->options.args[0]);
    return cli_act(cli, "hook.delete", &params, "The hook is gone; what it wrote stays.");
}

/* -- what could not be delivered -------------------------------------------------------------- */

static void failure_row(struct table *table, struct reader *r, const json_t *failure)
{
    list_cell_count(table, reader_uint(r, failure, "seq"));
    table_cell(table, STYLE_CYAN, reader_string(r, failure, "event"));
    list_cell_count(table, reader_uint(r, failure, "attempts"));
    list_cell_time(table, reader_string(r, failure, "at"));
    table_cell(table, STYLE_PLAIN, reader_bool_opt(r, failure, "due") ? "yes" : "no");
    table_cell(table, STYLE_PLAIN, reader_string(r, failure, "error"));
}

enum exit_code cmd_hook_failures(struct cli *cli)
{
    static const struct table_column columns[] = {{"SEQ", true},      {"EVENT", false},
                                                  {"ATTEMPTS", true}, {"GIVEN UP", false},
                                                  {"DUE", false},     {"ERROR", false}};
    static const struct list list = {.command = "hook.failures",
                                     .member = "failures",
                                     .none = "Everything was delivered.",
                                     .paged = true,
                                     .columns = columns,
                                     .column_count = ARRAY_LEN(columns),
                                     .row = failure_row};
    struct buf params = {0};

    buf_json_member(&params, "hook", cli->options.args[0]);
    return list_run(cli, &list, &params);
}

enum exit_code cmd_hook_redeliver(struct cli *cli)
{
    struct buf params = {0};
    struct buf error = {0};
    int64_t seq;

    if (!units_parse_count(cli->options.args[1], 1, INT64_C(9007199254740991), &seq)) {
        buf_printf(&error, "SEQ is a number from `parleyctl hook failures`, not `%s`",
                   cli->options.args[1]);
        return cli_usage(cli, &error);
    }
    buf_json_member(&params, "hook", cli->options.args[0]);
    buf_json_member_int(&params, "seq", seq);
    return cli_act(cli, "hook.redeliver", &params, "Event %s will be delivered again.",
                   cli->options.args[1]);
}
