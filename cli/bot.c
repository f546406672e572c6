#include "base/macros.h"
#include "cli/list.h"

static void bot_row(struct table *table, struct reader *r, const json_t *bot)
{
    const char *disabled = reader_string_opt(r, bot, "disabled_at");

    table_cell(table, disabled != NULL ? STYLE_DIM : STYLE_CYAN, reader_string(r, bot, "name"));
    list_cell_time(table, disabled);
    table_cell(table, STYLE_DIM, reader_string(r, bot, "id"));
    table_cell(table, STYLE_DIM, reader_string(r, bot, "owner"));
    table_cell(table, STYLE_PLAIN, reader_string_opt(r, bot, "display_name"));
}

enum exit_code cmd_bot_list(struct cli *cli)
{
    static const struct table_column columns[] = {{"NAME", false},
                                                  {"DISABLED", false},
                                                  {"ID", false},
                                                  {"OWNER", false},
                                                  {"DISPLAY NAME", false}};
    static const struct list list = {.command = "bot.list",
                                     .member = "users",
                                     .none = "There are no such bots.",
                                     .paged = true,
                                     .columns = columns,
                                     .column_count = ARRAY_LEN(columns),
                                     .row = bot_row};

    return list_run(cli, &list, &(struct buf){0});
}

enum exit_code cmd_bot_create(struct cli *cli)
{
    const struct options *options = &cli->options;
    const char *name = options->args[0] + (options->args[0][0] == '@' ? 1 : 0);
    struct buf params = {0};

    buf_json_member(&params, "name", name);
    buf_json_member_opt(&params, "display_name", options->value[OPTION_DISPLAY_NAME]);
    if (options->value[OPTION_USER] != NULL)
        param_user(&params, "user", options->value[OPTION_USER]);
    return cli_act(cli, "bot.create", &params, "The bot %s is there; it needs a token.", name);
}

enum exit_code cmd_bot_update(struct cli *cli)
{
    const char *display_name = cli->options.value[OPTION_DISPLAY_NAME];
    struct buf params = {0};
    struct buf error = {0};

    if (display_name == NULL) {
        buf_puts(&error, "--display-name says what to change");
        return cli_usage(cli, &error);
    }
    param_user(&params, "bot", cli->options.args[0]);
    buf_json_member(&params, "display_name", display_name);
    return cli_act(cli, "bot.update", &params, "%s is called %s now.", cli->options.args[0],
                   display_name);
}

static enum exit_code set_disabled(struct cli *cli, bool disabled)
{
    struct buf params = {0};

    param_user(&params, "bot", cli->options.args[0]);
    buf_json_member_bool(&params, "disabled", disabled);
    return cli_act(cli, "bot.disable", &params, "%s is %s.", cli->options.args[0],
                   disabled ? "disabled; its connections are closed" : "enabled");
}

enum exit_code cmd_bot_disable(struct cli *cli)
{
    return set_disabled(cli, true);
}

enum exit_code cmd_bot_enable(struct cli *cli)
{
    return set_disabled(cli, false);
}
