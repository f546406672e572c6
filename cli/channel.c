#include <string.h>

#include "base/macros.h"
#include "cli/list.h"
#include "cli/report.h"
#include "cli/text.h"

static void channel_row(struct table *table, struct reader *r, const json_t *channel)
{
    const char *archived = reader_string_opt(r, channel, "archived_at");
    struct buf name = {0};

    buf_printf(&name, "#%s", reader_string(r, channel, "name"));
    table_cell(table, archived != NULL ? STYLE_DIM : STYLE_CYAN, name.data);
    buf_free(&name);
    table_cell(table, STYLE_PLAIN, reader_string(r, channel, "type"));
    list_cell_count(table, reader_uint(r, channel, "members"));
    list_cell_time(table, reader_string_opt(r, channel, "created_at"));
    list_cell_time(table, archived);
    table_cell(table, STYLE_DIM, reader_string(r, channel, "id"));
    table_cell(table, STYLE_PLAIN, reader_string_opt(r, channel, "topic"));
}

static const struct table_column columns[] = {
    {"NAME", false},     {"TYPE", false}, {"MEMBERS", true}, {"CREATED", false},
    {"ARCHIVED", false}, {"ID", false},   {"TOPIC", false}};

enum exit_code cmd_channel_list(struct cli *cli)
{
    static const struct list list = {.command = "admin.channel.list",
                                     .member = "channels",
                                     .none = "There are no such channels.",
                                     .paged = true,
                                     .columns = columns,
                                     .column_count = ARRAY_LEN(columns),
                                     .row = channel_row};

    return list_run(cli, &list, &(struct buf){0});
}

static enum exit_code act(struct cli *cli, const char *command, const char *said)
{
    struct buf params = {0};

    param_channel(&params, "channel", cli->options.args[0]);
    return cli_act(cli, command, &params, "%s is %s.", cli->options.args[0], said);
}

enum exit_code cmd_channel_archive(struct cli *cli)
{
    return act(cli, "admin.channel.archive", "archived");
}

/* The name typed once more is the consent. */
static enum exit_code confirm_delete(const char *channel)
{
    char answer[64];
    struct buf prompt = {0};
    struct buf safe = {0};

    text_escape(&safe, channel);
    buf_printf(&prompt,
               "All messages of %s will be gone for ever. Type its name to go on: ", safe.data);
    bool answered = term_ask(prompt.data, false, answer, sizeof(answer));
    buf_free(&prompt);
    buf_free(&safe);
    const char *typed = answer + (answer[0] == '#' ? 1 : 0);
    const char *name = channel + (channel[0] == '#' ? 1 : 0);
    if (answered && strcmp(typed, name) == 0)
        return EXIT_CODE_OK;
    report_error(answered ? "that is another name; nothing was deleted"
                          : "nothing was deleted: there is no terminal to ask on");
    if (!answered)
        report_hint("Give --yes to delete without being asked.");
    return EXIT_CODE_USAGE;
}

enum exit_code cmd_channel_delete(struct cli *cli)
{
    if (cli->options.value[OPTION_YES] == NULL) {
        enum exit_code code = confirm_delete(cli->options.args[0]);
        if (code != EXIT_CODE_OK)
            return code;
    }
    return act(cli, "admin.channel.delete", "deleted");
}
