#include "tests/unit/testing.h"

#include <fcntl.h>
#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

enum { LINES_EACH = 200, THREADS = 4 };

static int saved = -1;
static FILE *file;

/* From here on stderr goes into a file. */
static void capture(void)
{
    file = tmpfile();
    assert_non_null(file);
    saved = dup(STDERR_FILENO);
    assert_true(saved >= 0);
    assert_int_equal(fcntl(fileno(file), F_SETFL, O_APPEND), 0);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
}

/* Until here; what was written, to be freed. */
static char *captured(void)
{
    long size;

    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(saved);
    (void)fseek(file, 0, SEEK_END);
    size = ftell(file);
    char *text = calloc(1, (size_t)size + 1);
    rewind(file);
    assert_int_equal(fread(text, 1, (size_t)size, file), (size_t)size);
    (void)fclose(file);
    return text;
}

static void assert_matches(char *text, const char *pattern)
{
    regex_t regex;

    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&regex, text, 0, NULL, 0) != 0)
        fail_msg("%s does not match %s", text, pattern);
    regfree(&regex);
    free(text);
}

static void a_text_line_has_time_level_message_and_fields(void **state)
{
    (void)state;
    log_configure(LOG_LEVEL_INFO, false);
    capture();
    log_warn("disk is full", LOG_STR("file", "/x y"), LOG_INT("free", -3), LOG_STR("none", NULL),
             LOG_STR("empty", ""));
    assert_matches(captured(),
                   "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z warn disk is full "
                   "file=\"/x y\" free=-3 none=- empty=\"\"\n$");
}

static void a_json_line_is_one_object(void **state)
{
    (void)state;
    log_configure(LOG_LEVEL_INFO, true);
    capture();
    log_error("no", LOG_STR("why", "a\"b\n"), LOG_INT("n", 7));
    log_configure(LOG_LEVEL_INFO, false);
    assert_matches(captured(), "^\\{\"ts\":\"[0-9TZ:.-]+\",\"level\":\"error\",\"msg\":\"no\","
                               "\"why\":\"a\\\\\"b\\\\n\",\"n\":7\\}\n$");
}

static void a_value_cannot_begin_a_line_or_a_field_of_its_own(void **state)
{
    (void)state;
    capture();
    log_info("x", LOG_STR("name", "a\n2026-01-01T00:00:00.000Z error forged"),
             LOG_STR("other", "b admin=1"), LOG_STR("escape", "\x1b[2J"));
    char *text = captured();
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    assert_null(strchr(text, '\x1b'));
    assert_non_null(strstr(text, "other=\"b admin=1\""));
    free(text);
}

static void lines_below_the_level_are_not_written(void **state)
{
    (void)state;
    log_configure(LOG_LEVEL_WARN, false);
    capture();
    log_info("not this");
    log_debug("nor this", LOG_INT("n", 1));
    log_error("but this");
    char *text = captured();
    assert_non_null(strstr(text, " error but this\n"));
    assert_null(strstr(text, "this\n20"));
    assert_null(strstr(text, "not this"));
    free(text);
    assert_true(log_enabled(LOG_LEVEL_WARN));
    assert_false(log_enabled(LOG_LEVEL_INFO));
    log_configure(LOG_LEVEL_INFO, false);
}

static void *write_lines(void *arg)
{
    for (int i = 0; i < LINES_EACH; i++)
        log_info("a line that is long enough to be cut if it could be",
                 LOG_STR("thread", (const char *)arg), LOG_INT("i", i));
    return NULL;
}

static void lines_of_several_threads_do_not_mix(void **state)
{
    (void)state;
    static char names[THREADS][2] = {"a", "b", "c", "d"};
    pthread_t threads[THREADS];
    int lines = 0;

    capture();
    for (int i = 0; i < THREADS; i++)
        (void)pthread_create(&threads[i], NULL, write_lines, names[i]);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    char *text = captured();
    for (char *line = text; *line != '\0'; lines++) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        *end = '\0';
        assert_non_null(strstr(line, "Z info a line that is long enough to be cut if it could be"));
        line = end + 1;
    }
    assert_int_equal(lines, THREADS * LINES_EACH);
    free(text);
}

static void a_flood_is_let_through_once_an_interval(void **state)
{
    (void)state;
    int64_t last = 0;

    assert_false(log_limited(&last, 3600000));
    assert_true(log_limited(&last, 3600000));
    assert_true(log_limited(&last, 3600000));
    last -= 3600000;
    assert_false(log_limited(&last, 3600000));
    last += 7200000; /* the clock was set back */
    assert_false(log_limited(&last, 3600000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_line_has_time_level_message_and_fields),
        cmocka_unit_test(a_json_line_is_one_object),
        cmocka_unit_test(a_value_cannot_begin_a_line_or_a_field_of_its_own),
        cmocka_unit_test(lines_below_the_level_are_not_written),
        cmocka_unit_test(lines_of_several_threads_do_not_mix),
        cmocka_unit_test(a_flood_is_let_through_once_an_interval),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
