#include "base/macros.h"
#include "cli/list.h"
#include "cli/text.h"
#include "cli/units.h"

static void print_invite(const struct cli *cli, const char *invite, const char *expires_at,
                         int64_t uses)
{
    struct buf safe = {0};
    char time[UNITS_SIZE];

    text_escape(&safe, invite);
    (void)printf("%s\n", safe.data);
    buf_free(&safe);
    if (cli->out.width == 0)
        return;
    if (expires_at != NULL && units_time(expires_at, 0, time))
        (void)fprintf(stderr, "Good until %s for %lld account%s.\n", time, (long long)uses,
                      uses == 1 ? "" : "s");
    else
        (void)fprintf(stderr, "Good for %lld account%s.\n", (long long)uses, uses == 1 ? "" : "s");
}

enum exit_code cmd_invite_create(struct cli *cli)
{
    struct reply reply = {0};
    struct buf params = {0};
    struct buf error = {0};
    const char *expires = cli->options.value[OPTION_EXPIRES];
    int64_t uses;
    int64_t seconds = 0;

    if (!options_number(&cli->options, OPTION_USES, 1, 1000, 1, &uses, &error))
        return cli_usage(cli, &error);
    if (expires != NULL && !units_parse_duration(expires, &seconds)) {
        buf_printf(&error, "--expires is a time such as 90s, 15m, 12h or 7d, not `%s`", expires);
        return cli_usage(cli, &error);
    }
    buf_json_member_int(&params, "uses", uses);
    if (expires != NULL)
        buf_json_member_int(&params, "expires_in_s", seconds);
    enum exit_code code = cli_call(cli, "admin.invite.create", &params, &reply);
    if (code == EXIT_CODE_OK && cli->json) {
        cli_print_json(cli, &reply);
    } else if (code == EXIT_CODE_OK) {
        struct reader r = {.command = "admin.invite.create"};
        const char *invite = reader_string(&r, reply.json, "invite");
        const char *expires_at = reader_string_opt(&r, reply.json, "expires_at");
        if (reader_ok(&r))
            print_invite(cli, invite, expires_at, uses);
        else
            code = EXIT_CODE_BAD_ANSWER;
    }
    reply_free(&reply);
    return code;
}

static void invite_row(struct table *table, struct reader *r, const json_t *invite)
{
    table_cell(table, STYLE_CYAN, reader_string(r, invite, "invite"));
    list_cell_count(table, reader_uint(r, invite, "uses_left"));
    list_cell_time(table, reader_string_opt(r, invite, "created_at"));
    const char *expires = reader_string_opt(r, invite, "expires_at");
    list_cell_time(table, expires != NULL ? expires : "never");
}

enum exit_code cmd_invite_list(struct cli *cli)
{
    static const struct table_column columns[] = {
        {"INVITE", false}, {"USES LEFT", true}, {"CREATED", false}, {"EXPIRES", false}};
    static const struct list list = {.command = "admin.invite.list",
                                     .member = "invites",
                                     .none = "There are no invites.",
                                     .columns = columns,
                                     .column_count = ARRAY_LEN(columns),
                                     .row = invite_row};

    return list_run(cli, &list, &(struct buf){0});
}

enum exit_code cmd_invite_revoke(struct cli *cli)
{
    struct buf params = {0};

    buf_json_member(&params, "invite", cli->options.args[0]);
    return cli_act(cli, "admin.invite.revoke", &params, "The invite has ended.");
}
