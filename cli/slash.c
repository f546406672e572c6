/* slash.c - parleyctl slash: the slash commands of a channel as its members have them.
 *
 * Who answers them is a hook: made, changed and ended by hook.c.
 */
#include <stdio.h>

#include "base/macros.h"
#include "cli/list.h"
#include "cli/text.h"

/* -- slash list ------------------------------------------------------------------------------- */

static void slash_row(struct table *table, struct reader *r, const json_t *item)
{
    struct buf command = {0};

    buf_printf(&command, "/%s", reader_string(r, item, "command"));
    table_cell(table, STYLE_CYAN, command.data);
    table_cell(table, STYLE_PLAIN, reader_string(r, item, "name"));
    table_cell(table, STYLE_PLAIN, reader_string_opt(r, item, "icon"));
    buf_free(&command);
}

enum exit_code cmd_slash_list(struct cli *cli)
{
    static const struct table_column columns[] = {
        {"COMMAND", false}, {"NAME", false}, {"ICON", false}};
    static const struct list list = {.command = "slash.list",
                                     .member = "commands",
                                     .none = "There are no slash commands here. To make one: "
                                             "parleyctl help hook create",
                                     .columns = columns,
                                     .column_count = ARRAY_LEN(columns),
                                     .row = slash_row};
    struct buf params = {0};

    param_channel(&params, "channel", cli->options.args[0]);
    return list_run(cli, &list, &params);
}

/* -- slash run -------------------------------------------------------------------------------- */

/* What the target says to the caller, or to the channel; nothing yet is no failure. */
static void print_answer(const struct cli *cli, struct reader *r, const json_t *answer)
{
    const char *text = reader_string_opt(r, answer, "text");
    const json_t *message = json_object_get(answer, "message");
    struct buf safe = {0};

    if (json_is_null(message))
        message = NULL;
    if (message != NULL)
        text = reader_string(r, message, "text");
    if (r->failed)
        return;
    if (text != NULL) {
        text_escape_block(&safe, text, 0);
        (void)puts(safe.data != NULL ? safe.data : "");
    }
    if (cli->out.width > 0 && message != NULL)
        (void)fputs("Everybody in the channel sees this.\n", stderr);
    else if (cli->out.width > 0 && text == NULL)
        (void)fputs("It was taken; there is no answer yet.\n", stderr);
    buf_free(&safe);
}

enum exit_code cmd_slash_run(struct cli *cli)
{
    const struct options *options = &cli->options;
    const char *word = options->args[1];
    struct reader r = {.command = "slash.run"};
    struct reply reply = {0};
    struct buf params = {0};

    param_channel(&params, "channel", options->args[0]);
    buf_json_member(&params, "command", *word == '/' ? word + 1 : word);
    if (options->arg_count > 2 && *options->args[2] != '\0')
        buf_json_member(&params, "text", options->args[2]);
    enum exit_code code = cli_call(cli, "slash.run", &params, &reply);
    if (code == EXIT_CODE_OK && cli->json) {
        cli_print_json(cli, &reply);
    } else if (code == EXIT_CODE_OK) {
        print_answer(cli, &r, reply.json);
        code = reader_ok(&r) ? EXIT_CODE_OK : EXIT_CODE_BAD_ANSWER;
    }
    reply_free(&reply);
    return code;
}
