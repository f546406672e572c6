#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "cli/list.h"
#include "cli/text.h"
#include "cli/units.h"

/* -- token create ----------------------------------------------------------------------------- */

/* A token is limited by ids: names are looked up. */
static enum exit_code put_channel(struct cli *cli, struct buf *params, const char *channel)
{
    struct reply reply = {0};
    struct buf ask = {0};
    struct reader r = {.command = "channel.get"};

    param_channel(&ask, "channel", channel);
    enum exit_code code = cli_call(cli, "channel.get", &ask, &reply);
    if (code == EXIT_CODE_OK) {
        const char *id = reader_string(&r, reader_object(&r, reply.json, "channel"), "id");
        buf_json_comma(params);
        buf_json_string(params, id);
        code = reader_ok(&r) ? EXIT_CODE_OK : EXIT_CODE_BAD_ANSWER;
    }
    reply_free(&reply);
    return code;
}

static enum exit_code put_channels(struct cli *cli, struct buf *params, const char *channels)
{
    enum exit_code code = EXIT_CODE_OK;
    char *word;

    buf_json_key(params, "channels");
    buf_putc(params, '[');
    while (code == EXIT_CODE_OK && (word = next_word(&channels)) != NULL) {
        code = put_channel(cli, params, word);
        free(word);
    }
    buf_putc(params, ']');
    return code;
}

static void print_token(const struct cli *cli, struct reader *r, const json_t *answer)
{
    const json_t *token = reader_object(r, answer, "token");
    const char *id = reader_string(r, token, "id");
    const char *expires_at = reader_string_opt(r, token, "expires_at");
    const char *secret = reader_string(r, answer, "secret");
    struct buf safe = {0};
    char time[UNITS_SIZE];

    if (r->failed)
        return;
    text_escape(&safe, secret);
    (void)printf("%s\n", safe.data != NULL ? safe.data : "");
    buf_clear(&safe);
    text_escape(&safe, id);
    if (cli->out.width != 0)
        (void)fprintf(stderr, "Keep it: it is not shown again. Good until %s; its id is %s.\n",
                      expires_at != NULL && units_time(expires_at, 0, time) ? time : "revoked",
                      safe.data != NULL ? safe.data : "");
    buf_free(&safe);
}

/* What is wrong with the options; ERROR says it. */
static bool read_options(const struct options *options, int64_t *seconds_out, struct buf *error)
{
    const char *expires = options->value[OPTION_EXPIRES];

    *seconds_out = 0;
    if (options->value[OPTION_SCOPES] == NULL)
        buf_puts(error, "--scopes says what the token may do");
    else if (expires != NULL && !units_parse_duration(expires, seconds_out))
        buf_printf(error, "--expires is a time such as 90s, 15m, 12h or 7d, not `%s`", expires);
    return error->len == 0;
}

enum exit_code cmd_token_create(struct cli *cli)
{
    const struct options *options = &cli->options;
    struct reader r = {.command = "token.create"};
    struct reply reply = {0};
    struct buf params = {0};
    struct buf error = {0};
    int64_t seconds;
    enum exit_code code = EXIT_CODE_OK;

    if (!read_options(options, &seconds, &error))
        return cli_usage(cli, &error);
    buf_json_member(&params, "name", options->args[0]);
    param_words(&params, "scopes", options->value[OPTION_SCOPES]);
    if (options->value[OPTION_USER] != NULL)
        param_user(&params, "user", options->value[OPTION_USER]);
    if (seconds > 0)
        buf_json_member_int(&params, "expires_in_s", seconds);
    if (options->value[OPTION_CHANNELS] != NULL)
        code = put_channels(cli, &params, options->value[OPTION_CHANNELS]);
    if (code != EXIT_CODE_OK) {
        buf_free(&params);
        return code;
    }
    code = cli_call(cli, "token.create", &params, &reply);
    if (code == EXIT_CODE_OK && cli->json) {
        cli_print_json(cli, &reply);
    } else if (code == EXIT_CODE_OK) {
        print_token(cli, &r, reply.json);
        code = reader_ok(&r) ? EXIT_CODE_OK : EXIT_CODE_BAD_ANSWER;
    }
    reply_free(&reply);
    return code;
}

/* -- the others ------------------------------------------------------------------------------- */

static void cell_words(struct table *table, struct reader *r, const json_t *words)
{
    struct buf text = {0};
    const json_t *word;
    size_t i;

    json_array_foreach(words, i, word)
    {
        if (i > 0)
            buf_putc(&text, ' ');
        if (json_is_string(word))
            buf_puts(&text, json_string_value(word));
        else
            r->failed = true;
    }
    table_cell(table, STYLE_PLAIN, text.data);
    buf_free(&text);
}

static void token_row(struct table *table, struct reader *r, const json_t *token)
{
    const char *used = reader_string_opt(r, token, "last_used_at");
    const char *expires = reader_string_opt(r, token, "expires_at");
    const json_t *channels = json_object_get(token, "channels");

    table_cell(table, STYLE_DIM, reader_string(r, token, "id"));
    table_cell(table, STYLE_CYAN, reader_string(r, token, "name"));
    list_cell_time(table, reader_string(r, token, "created_at"));
    list_cell_time(table, used != NULL ? used : "never");
    list_cell_time(table, expires != NULL ? expires : "never");
    list_cell_count(table, json_array_size(channels));
    cell_words(table, r, reader_array(r, token, "scopes"));
}

enum exit_code cmd_token_list(struct cli *cli)
{
    static const struct table_column columns[] = {
        {"ID", false},      {"NAME", false},    {"CREATED", false}, {"USED", false},
        {"EXPIRES", false}, {"CHANNELS", true}, {"SCOPES", false}};
    static const struct list list = {.command = "token.list",
                                     .member = "tokens",
                                     .none = "There are no tokens.",
                                     .columns = columns,
                                     .column_count = ARRAY_LEN(columns),
                                     .row = token_row};
    struct buf params = {0};

    if (cli->options.arg_count > 0)
        param_user(&params, "user", cli->options.args[0]);
    return list_run(cli, &list, &params);
}

enum exit_code cmd_token_revoke(struct cli *cli)
{
    struct buf params = {0};

    buf_json_member(&params, "token", cli->options.args[0]);
    return cli_act(cli, "token.revoke", &params, "The token has ended.");
}
