/* table.h - aligned columns on a terminal or in a file.
 *
 *     NAME   ROLE    CREATED
 *     alice  owner   2026-01-02 03:04:05
 *
 * Cells are text of unknown origin: they are escaped here. Widths are those of a terminal, not
 * bytes. The last column is cut to the terminal's width (`...`), never in a file or a pipe.
 * Threading: none of its own.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stddef.h>
#include <stdio.h>

#include "cli/term.h"

struct table;

struct table_column {
    const char *title;
    bool right; /* numbers */
};

/* COLUMNS is borrowed until table_destroy(). */
struct table *table_create(const struct table_column *columns, size_t count);
void table_destroy(struct table **table);
/* The next cell, in row order; copied. NULL or "" shows as `-`. */
void table_cell(struct table *table, enum style style, const char *text);
size_t table_rows(const struct table *table);
void table_print(const struct table *table, FILE *out, const struct term *term);

#endif
