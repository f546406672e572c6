#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/text.h"

struct cell {
    char *text; /* escaped */
    size_t width;
    enum style style;
};

struct table {
    const struct table_column *columns;
    size_t column_count;
    struct cell *cells;
    size_t count;
    size_t cap;
    size_t *widths;
};

struct table *table_create(const struct table_column *columns, size_t count)
{
    struct table *table = mem_zalloc(sizeof(*table));

    table->columns = columns;
    table->column_count = count;
    table->widths = mem_realloc_array(NULL, count, sizeof(*table->widths));
    for (size_t i = 0; i < count; i++)
        table->widths[i] = strlen(columns[i].title);
    return table;
}

void table_destroy(struct table **table)
{
    struct table *t = *table;

    if (t == NULL)
        return;
    *table = NULL;
    for (size_t i = 0; i < t->count; i++)
        free(t->cells[i].text);
    free(t->cells);
    free(t->widths);
    free(t);
}

void table_cell(struct table *table, enum style style, const char *text)
{
    struct buf escaped = {0};
    size_t column = table->count % table->column_count;

    if (table->count == table->cap) {
        table->cap = table->cap == 0 ? 64 : table->cap * 2;
        table->cells = mem_realloc_array(table->cells, table->cap, sizeof(*table->cells));
    }
    text_escape(&escaped, text != NULL && *text != '\0' ? text : "-");
    struct cell *cell = &table->cells[table->count++];
    cell->text = buf_detach(&escaped);
    cell->width = text_width(cell->text);
    cell->style = style;
    if (cell->width > table->widths[column])
        table->widths[column] = cell->width;
}

size_t table_rows(const struct table *table)
{
    return table->count / table->column_count;
}

static void print_padding(FILE *out, size_t n)
{
    (void)fprintf(out, "%*s", (int)n, "");
}

/* The last cell of a row, from column USED on: cut when the terminal is narrower. */
static void print_last(FILE *out, const struct cell *cell, size_t used, size_t width)
{
    if (width == 0 || used + cell->width <= width || used + 4 > width) {
        (void)fputs(cell->text, out);
        return;
    }
    size_t bytes = text_fit(cell->text, width - used - 3);
    (void)fprintf(out, "%.*s...", (int)bytes, cell->text);
}

static void print_row(const struct table *table, const struct cell *row, FILE *out,
                      const struct term *term)
{
    size_t used = 0;

    for (size_t i = 0; i < table->column_count; i++) {
        bool last = i + 1 == table->column_count;
        size_t padding = table->widths[i] - row[i].width;
        if (table->columns[i].right)
            print_padding(out, padding);
        if (row[i].style != STYLE_PLAIN)
            (void)fputs(term_style(term, row[i].style), out);
        if (last)
            print_last(out, &row[i], used, term->width);
        else
            (void)fputs(row[i].text, out);
        if (row[i].style != STYLE_PLAIN)
            (void)fputs(term_style(term, STYLE_PLAIN), out);
        if (!last)
            print_padding(out, (table->columns[i].right ? 0 : padding) + 2);
        used += table->widths[i] + 2;
    }
    (void)fputc('\n', out);
}

void table_print(const struct table *table, FILE *out, const struct term *term)
{
    struct cell *titles = mem_realloc_array(NULL, table->column_count, sizeof(*titles));

    for (size_t i = 0; i < table->column_count; i++) {
        const char *title = table->columns[i].title;
        titles[i] =
            (struct cell){.text = mem_strdup(title), .width = strlen(title), .style = STYLE_BOLD};
    }
    print_row(table, titles, out, term);
    for (size_t i = 0; i + table->column_count <= table->count; i += table->column_count)
        print_row(table, table->cells + i, out, term);
    for (size_t i = 0; i < table->column_count; i++)
        free(titles[i].text);
    free(titles);
}
