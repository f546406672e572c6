#include <string.h>

#include "base/macros.h"
#include "cli/list.h"
#include "cli/report.h"
#include "cli/retry.h"
#include "cli/units.h"

static void node_row(struct table *table, struct reader *r, const json_t *node)
{
    char text[UNITS_SIZE];
    bool draining = json_is_true(json_object_get(node, "draining"));

    table_cell(table, STYLE_CYAN, reader_string(r, node, "name"));
    table_cell(table, STYLE_PLAIN, reader_string(r, node, "version"));
    list_cell_count(table, reader_uint(r, node, "connections"));
    uint64_t lag_us = reader_uint(r, node, "lag_us");
    (void)snprintf(text, sizeof(text), "%llu.%llu ms", (unsigned long long)(lag_us / 1000),
                   (unsigned long long)(lag_us / 100 % 10));
    table_cell(table, STYLE_PLAIN, text);
    units_duration(reader_uint(r, node, "uptime_ms"), text);
    table_cell(table, STYLE_PLAIN, text);
    table_cell(table, draining ? STYLE_YELLOW : STYLE_PLAIN, draining ? "draining" : "serving");
}

enum exit_code cmd_node_list(struct cli *cli)
{
    static const struct table_column columns[] = {{"NODE", false},       {"VERSION", false},
                                                  {"CONNECTIONS", true}, {"LAG", true},
                                                  {"UPTIME", true},      {"STATE", false}};
    static const struct list list = {.command = "admin.nodes",
                                     .member = "nodes",
                                     .none = "There are no nodes.",
                                     .columns = columns,
                                     .column_count = ARRAY_LEN(columns),
                                     .row = node_row};

    return list_run(cli, &list, &(struct buf){0});
}

static bool is_listed(const json_t *nodes, const char *name)
{
    size_t i;
    json_t *node;

    json_array_foreach(nodes, i, node)
    {
        const char *listed = json_string_value(json_object_get(node, "name"));
        if (listed != NULL && strcmp(listed, name) == 0)
            return true;
    }
    return false;
}

/* Until NAME is not listed any more, or the server that was asked is itself gone. */
static enum exit_code wait_for_end(struct cli *cli, const char *name)
{
    uint64_t deadline = monotonic_ms() + (uint64_t)cli->timeout_ms;
    struct reply reply = {0};
    enum exit_code code = EXIT_CODE_TRY_LATER;

    while (code != EXIT_CODE_OK && monotonic_ms() < deadline) {
        enum reply_kind kind = client_call(cli->client, "admin.nodes", "{}", 1000, &reply);
        if (kind == REPLY_UNREACHABLE ||
            (kind == REPLY_RESULT && !is_listed(json_object_get(reply.json, "nodes"), name)))
            code = EXIT_CODE_OK;
        else
            pause_ms(100);
    }
    reply_free(&reply);
    if (code != EXIT_CODE_OK)
        report_error("the node is still there; it is not waited for any longer");
    return code;
}

enum exit_code cmd_node_drain(struct cli *cli)
{
    struct buf params = {0};
    const char *name = cli->options.args[0];

    buf_json_member(&params, "node", name);
    enum exit_code code =
        cli_act(cli, "admin.drain", &params, "The node finishes its work and ends.");
    if (code == EXIT_CODE_OK && cli->options.value[OPTION_WAIT] != NULL)
        code = wait_for_end(cli, name);
    return code;
}
