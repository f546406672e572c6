#include "tests/unit/testing.h"

#include <stdlib.h>
#include <string.h>

#include "cli/progress.h"
#include "cli/text.h"

static void assert_rendered(const struct progress *p, size_t width, const char *wanted)
{
    struct buf line = {0};

    progress_render(p, width, &line);
    assert_string_equal(line.data, wanted);
    buf_free(&line);
}

static void the_bar_shows_part_amount_rate_and_time_left(void **state)
{
    struct progress p;
    FILE *out = fopen("/dev/null", "w");

    (void)state;
    progress_start(&p, out, (struct term){0}, "copying", "bytes", 1000);
    progress_update(&p, 50000000, 300000000, 2000);
    progress_update(&p, 100000000, 300000000, 3000);
    assert_rendered(&p, 100,
                    "copying  [#############---------------------------]   33%"
                    "  100 MB of 300 MB  50.0 MB/s  5 s left");
    (void)fclose(out);
}

static void a_narrow_terminal_has_no_bar(void **state)
{
    struct progress p = {.unit = "events", .label = "replaying", .done = 50, .total = 100};

    (void)state;
    assert_rendered(&p, 60, "replaying  [###########------------]   50%  50 of 100 events");
    assert_rendered(&p, 45, "replaying   50%  50 of 100 events");
    assert_rendered(&p, 20, "replaying   50%  50 ");
}

static void an_unknown_total_shows_only_what_is_done(void **state)
{
    struct progress p = {.unit = "events", .label = "replaying", .done = 1234};

    (void)state;
    assert_rendered(&p, 80, "replaying  1,234 events");
}

static void more_than_all_is_all(void **state)
{
    struct progress p = {.unit = "events", .label = "x", .done = 7, .total = 5};

    (void)state;
    assert_rendered(&p, 45, "x  [###################]  100%  7 of 5 events");
}

/* What is written to a terminal (WIDTH > 0) or a file by a piece of work of 2.5 s. */
static char *written(size_t width)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct progress p;

    progress_start(&p, out, (struct term){.width = width}, "copying", "bytes", 0);
    for (uint64_t ms = 0; ms < 2500; ms += 10)
        progress_update(&p, ms * 1000, 2500000, ms);
    progress_end(&p, 2500);
    (void)fclose(out);
    return text;
}

static void a_file_gets_one_closing_line(void **state)
{
    char *text = written(0);

    (void)state;
    assert_string_equal(text, "copying: 2.5 MB in 2 s\n");
    free(text);
}

static void a_terminal_is_drawn_ten_times_a_second(void **state)
{
    char *text = written(80);
    int draws = 0;

    (void)state;
    for (const char *p = text; (p = strchr(p, '\r')) != NULL; p++)
        draws++;
    assert_int_equal(draws, 25 + 1); /* and once to take it away */
    assert_non_null(strstr(text, "\r\033[Kcopying: 2.5 MB in 2 s\n"));
    free(text);
}

static void numbers_that_go_back_start_the_rate_anew(void **state)
{
    struct progress p;
    FILE *out = fopen("/dev/null", "w");

    (void)state;
    progress_start(&p, out, (struct term){0}, "copying", "bytes", 0);
    progress_update(&p, 1000000, 2000000, 1000);
    assert_true(p.rate > 999999 && p.rate < 1000001);
    progress_update(&p, 0, 2000000, 2000);
    assert_true(p.rate < 1);
    progress_update(&p, 500000, 2000000, 3000);
    assert_true(p.rate > 499999 && p.rate < 500001);
    (void)fclose(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bar_shows_part_amount_rate_and_time_left),
        cmocka_unit_test(a_narrow_terminal_has_no_bar),
        cmocka_unit_test(an_unknown_total_shows_only_what_is_done),
        cmocka_unit_test(more_than_all_is_all),
        cmocka_unit_test(a_file_gets_one_closing_line),
        cmocka_unit_test(a_terminal_is_drawn_ten_times_a_second),
        cmocka_unit_test(numbers_that_go_back_start_the_rate_anew),
    };

    text_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
