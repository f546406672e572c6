#include <string.h>

#include "base/macros.h"
#include "cli/list.h"
#include "cli/secret.h"

static void user_row(struct table *table, struct reader *r, const json_t *user)
{
    const char *role = reader_string(r, user, "role");
    const char *disabled = reader_string_opt(r, user, "disabled_at");

    table_cell(table, disabled != NULL ? STYLE_DIM : STYLE_CYAN, reader_string(r, user, "name"));
    table_cell(table, strcmp(role, "member") != 0 ? STYLE_YELLOW : STYLE_PLAIN, role);
    table_cell(table, STYLE_PLAIN, reader_string_opt(r, user, "presence"));
    list_cell_time(table, disabled);
    table_cell(table, STYLE_DIM, reader_string(r, user, "id"));
    table_cell(table, STYLE_PLAIN, reader_string_opt(r, user, "display_name"));
}

enum exit_code cmd_user_list(struct cli *cli)
{
    static const struct table_column columns[] = {{"NAME", false},     {"ROLE", false},
                                                  {"PRESENCE", false}, {"DISABLED", false},
                                                  {"ID", false},       {"DISPLAY NAME", false}};
    static const struct list list = {.command = "admin.user.list",
                                     .member = "users",
                                     .none = "There are no such accounts.",
                                     .paged = true,
                                     .columns = columns,
                                     .column_count = ARRAY_LEN(columns),
                                     .row = user_row};

    return list_run(cli, &list, &(struct buf){0});
}

enum exit_code cmd_user_create(struct cli *cli)
{
    const struct options *options = &cli->options;
    const char *name = options->args[0] + (options->args[0][0] == '@' ? 1 : 0);
    const char *role = options->value[OPTION_ROLE];
    char password[SECRET_SIZE];
    struct buf error = {0};
    struct buf params = {0};

    if (role != NULL && !options_choice("--role", role, "member admin owner", &error))
        return cli_usage(cli, &error);
    enum exit_code code = secret_new_password(name, options->value[OPTION_PASSWORD_FILE], password);
    if (code != EXIT_CODE_OK)
        return code;
    buf_json_member(&params, "name", name);
    buf_json_member(&params, "password", password);
    buf_json_member_opt(&params, "display_name", options->value[OPTION_DISPLAY_NAME]);
    buf_json_member_opt(&params, "role", role);
    secret_wipe(password);
    return cli_act(cli, "admin.user.create", &params, "%s has an account.", name);
}

static enum exit_code set_disabled(struct cli *cli, bool disabled)
{
    struct buf params = {0};

    param_user(&params, "user", cli->options.args[0]);
    buf_json_member_bool(&params, "disabled", disabled);
    return cli_act(cli, "admin.user.disable", &params, "%s is %s.", cli->options.args[0],
                   disabled ? "disabled; all sessions have ended" : "enabled");
}

enum exit_code cmd_user_disable(struct cli *cli)
{
    return set_disabled(cli, true);
}

enum exit_code cmd_user_enable(struct cli *cli)
{
    return set_disabled(cli, false);
}

enum exit_code cmd_user_password(struct cli *cli)
{
    const char *user = cli->options.args[0];
    char password[SECRET_SIZE];
    struct buf params = {0};
    enum exit_code code =
        secret_new_password(user, cli->options.value[OPTION_PASSWORD_FILE], password);

    if (code != EXIT_CODE_OK)
        return code;
    param_user(&params, "user", user);
    buf_json_member(&params, "password", password);
    secret_wipe(password);
    return cli_act(cli, "admin.user.password", &params, "%s has a new password.", user);
}

enum exit_code cmd_user_role(struct cli *cli)
{
    const char *role = cli->options.args[1];
    struct buf error = {0};
    struct buf params = {0};

    if (!options_choice("a role", role, "member admin owner", &error))
        return cli_usage(cli, &error);
    param_user(&params, "user", cli->options.args[0]);
    buf_json_member(&params, "role", role);
    return cli_act(cli, "admin.user.role", &params, "%s is %s %s now.", cli->options.args[0],
                   *role == 'm' ? "a" : "an", role);
}
