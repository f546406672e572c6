#include "cli/list.h"

#include <stdlib.h>

#include "base/mem.h"
#include "cli/text.h"
#include "cli/units.h"

enum { PAGE = 200, PAGES_MAX = 100000 };

void list_cell_time(struct table *table, const char *rfc3339)
{
    char text[UNITS_SIZE];

    if (rfc3339 == NULL)
        table_cell(table, STYLE_PLAIN, NULL);
    else
        table_cell(table, STYLE_PLAIN, units_time(rfc3339, 0, text) ? text : rfc3339);
}

void list_cell_count(struct table *table, uint64_t n)
{
    char text[UNITS_SIZE];

    units_count(n, text);
    table_cell(table, STYLE_PLAIN, text);
}

struct pager {
    struct cli *cli;
    const struct list *list;
    const char *params;
    char *cursor; /* of the next page; NULL: the first */
    int64_t left; /* rows still wanted */
    bool names;   /* --names */
};

static void print_names(struct reader *r, const json_t *items)
{
    const json_t *item;
    size_t i;

    json_array_foreach(items, i, item)
    {
        struct buf safe = {0};
        text_escape(&safe, reader_string(r, item, "name"));
        (void)puts(safe.data != NULL ? safe.data : "");
        buf_free(&safe);
    }
}

static void page_params(const struct pager *pager, struct buf *params)
{
    if (pager->params != NULL)
        buf_puts(params, pager->params);
    if (!pager->list->paged)
        return;
    if (pager->cli->options.value[OPTION_QUERY] != NULL)
        buf_json_member(params, "query", pager->cli->options.value[OPTION_QUERY]);
    buf_json_member_int(params, "limit", pager->left < PAGE ? pager->left : PAGE);
    buf_json_member_opt(params, "cursor", pager->cursor);
}

/* One page: into TABLE, or out as JSON. *more_out: there is another. */
static enum exit_code page(struct pager *pager, struct table *table, bool *more_out)
{
    struct reply reply = {0};
    struct buf params = {0};
    struct reader r = {.command = pager->list->command};

    *more_out = false;
    page_params(pager, &params);
    enum exit_code code = cli_call(pager->cli, pager->list->command, &params, &reply);
    if (code == EXIT_CODE_OK) {
        const json_t *items = reader_array(&r, reply.json, pager->list->member);
        const char *next = reader_string_opt(&r, reply.json, "next_cursor");
        const json_t *item;
        size_t i;
        if (pager->cli->json)
            cli_print_json(pager->cli, &reply);
        else if (pager->names)
            print_names(&r, items);
        else
            json_array_foreach(items, i, item) pager->list->row(table, &r, item);
        pager->left -= (int64_t)json_array_size(items);
        free(pager->cursor);
        pager->cursor = next != NULL ? mem_strdup(next) : NULL;
        *more_out = next != NULL && pager->left > 0 && json_array_size(items) > 0;
        code = reader_ok(&r) ? EXIT_CODE_OK : EXIT_CODE_BAD_ANSWER;
    }
    reply_free(&reply);
    return code;
}

enum exit_code list_run(struct cli *cli, const struct list *list, struct buf *params)
{
    struct pager pager = {.cli = cli,
                          .list = list,
                          .params = params->data,
                          .names = cli->options.value[OPTION_NAMES] != NULL};
    struct buf error = {0};
    bool more = true;
    enum exit_code code = EXIT_CODE_OK;

    if (!options_number(&cli->options, OPTION_LIMIT, 1, 1000000, INT64_MAX, &pager.left, &error)) {
        buf_free(params);
        return cli_usage(cli, &error);
    }
    struct table *table = table_create(list->columns, list->column_count);
    for (int i = 0; more && code == EXIT_CODE_OK && i < PAGES_MAX; i++)
        code = page(&pager, table, &more);
    if (code == EXIT_CODE_OK && !cli->json && !pager.names) {
        if (table_rows(table) > 0)
            table_print(table, stdout, &cli->out);
        else
            (void)fprintf(stderr, "%s\n", list->none);
    }
    table_destroy(&table);
    free(pager.cursor);
    buf_free(params);
    return code;
}
