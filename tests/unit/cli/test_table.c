#include "tests/unit/testing.h"

#include <stdlib.h>

#include "base/macros.h"
#include "cli/table.h"
#include "cli/text.h"

static const struct table_column columns[] = {{"NAME", false}, {"N", true}, {"TOPIC", false}};

static char *printed(const struct table *table, struct term term)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    table_print(table, out, &term);
    (void)fclose(out);
    return text;
}

static struct table *two_rows(void)
{
    struct table *table = table_create(columns, ARRAY_LEN(columns));

    table_cell(table, STYLE_CYAN, "日本");
    table_cell(table, STYLE_PLAIN, "7");
    table_cell(table, STYLE_PLAIN, "all that is long");
    table_cell(table, STYLE_PLAIN, "general");
    table_cell(table, STYLE_PLAIN, "1,234");
    table_cell(table, STYLE_PLAIN, NULL);
    return table;
}

static void columns_line_up_by_what_the_terminal_shows(void **state)
{
    struct table *table = two_rows();
    char *text = printed(table, (struct term){0});

    (void)state;
    assert_string_equal(text, "NAME         N  TOPIC\n"
                              "日本         7  all that is long\n"
                              "general  1,234  -\n");
    assert_int_equal(table_rows(table), 2);
    free(text);
    table_destroy(&table);
    assert_null(table);
}

static void the_last_column_is_cut_on_a_terminal_only(void **state)
{
    struct table *table = two_rows();
    char *text = printed(table, (struct term){.width = 24});

    (void)state;
    assert_string_equal(text, "NAME         N  TOPIC\n"
                              "日本         7  all t...\n"
                              "general  1,234  -\n");
    free(text);
    table_destroy(&table);
}

static void colours_do_not_move_columns(void **state)
{
    struct table *table = table_create(columns, 2);

    (void)state;
    table_cell(table, STYLE_CYAN, "a");
    table_cell(table, STYLE_PLAIN, "1");
    char *text = printed(table, (struct term){.colour = true});
    assert_string_equal(text, "\033[1mNAME\033[0m  \033[1mN\033[0m\n\033[36ma\033[0m     1\n");
    free(text);
    table_destroy(&table);
}

static void cells_are_escaped(void **state)
{
    struct table *table = table_create(columns, 1);

    (void)state;
    table_cell(table, STYLE_PLAIN, "a\n\033]0;x\a");
    char *text = printed(table, (struct term){0});
    assert_string_equal(text, "NAME\na\\n\\x1b]0;x\\x07\n");
    free(text);
    table_destroy(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_line_up_by_what_the_terminal_shows),
        cmocka_unit_test(the_last_column_is_cut_on_a_terminal_only),
        cmocka_unit_test(colours_do_not_move_columns),
        cmocka_unit_test(cells_are_escaped),
    };

    text_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
