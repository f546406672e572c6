/* list.h - a command that answers a list: all its pages, as one table or as JSON. */
#ifndef CLI_LIST_H
#define CLI_LIST_H

#include <jansson.h>

#include "cli/reader.h"
#include "cli/run.h"
#include "cli/table.h"

struct list {
    const char *command; /* "admin.user.list" */
    const char *member;  /* "users" */
    const char *none;    /* "There are no users." */
    bool paged;          /* takes cursor, limit and query */
    const struct table_column *columns;
    size_t column_count;
    /* The cells of one row. */
    void (*row)(struct table *table, struct reader *r, const json_t *item);
};

/* PARAMS: what every page is asked with; released. */
enum exit_code list_run(struct cli *cli, const struct list *list, struct buf *params);

/* Cells that many lists have. */
void list_cell_time(struct table *table, const char *rfc3339);
void list_cell_count(struct table *table, uint64_t n);

#endif
