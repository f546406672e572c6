#include "base/macros.h"
#include "cli/list.h"

static void session_row(struct table *table, struct reader *r, const json_t *session)
{
    table_cell(table, STYLE_DIM, reader_string(r, session, "id"));
    list_cell_time(table, reader_string(r, session, "created_at"));
    list_cell_time(table, reader_string_opt(r, session, "last_seen_at"));
    list_cell_time(table, reader_string_opt(r, session, "expires_at"));
    table_cell(table, STYLE_PLAIN, reader_string_opt(r, session, "address"));
    table_cell(table, STYLE_PLAIN, reader_string_opt(r, session, "agent"));
}

enum exit_code cmd_session_list(struct cli *cli)
{
    static const struct table_column columns[] = {{"ID", false},      {"SIGNED IN", false},
                                                  {"SEEN", false},    {"EXPIRES", false},
                                                  {"ADDRESS", false}, {"AGENT", false}};
    static const struct list list = {.command = "admin.session.list",
                                     .member = "sessions",
                                     .none = "There are no sessions.",
                                     .columns = columns,
                                     .column_count = ARRAY_LEN(columns),
                                     .row = session_row};
    struct buf params = {0};

    param_user(&params, "user", cli->options.args[0]);
    return list_run(cli, &list, &params);
}

enum exit_code cmd_session_revoke(struct cli *cli)
{
    struct buf params = {0};

    buf_json_member(&params, "session", cli->options.args[0]);
    return cli_act(cli, "admin.session.revoke", &params, "The session has ended.");
}
