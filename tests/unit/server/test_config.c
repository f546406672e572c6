#include "tests/unit/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "server/config.h"

/* One load: the words after "parleyd", the environment, both ended by NULL. */
struct load {
    char *argv[8];
    char *env[8];
    struct config config;
    enum config_action action;
    char error[CONFIG_ERROR_SIZE];
};

static bool run(struct load *load)
{
    char *argv[10] = {(char *)"parleyd"};
    int argc = 1;

    while (load->argv[argc - 1] != NULL) {
        argv[argc] = load->argv[argc - 1];
        argc++;
    }
    return config_load(argc, argv, load->env, &load->config, &load->action, load->error);
}

#define FLAGS(...) .argv = {__VA_ARGS__}
#define ENV(...) .env = {__VA_ARGS__}

static char file_path[] = "/tmp/parley-config-XXXXXX";
static char file_variable[sizeof(file_path) + 16];

/* The configuration file has TEXT. */
static void write_file(const char *text)
{
    FILE *file = fopen(file_path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(file_path);

    (void)snprintf(file_variable, sizeof(file_variable), "PARLEY_CONFIG=%s", file_path);
    return fd < 0 || close(fd) != 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(file_path);
}

/* Expects the sentence; %s in it is the file. */
static void expect_error(struct load *load, const char *format)
{
    char expected[CONFIG_ERROR_SIZE];

    assert_false(run(load));
    (void)snprintf(expected, sizeof(expected), format, file_path);
    assert_string_equal(load->error, expected);
    assert_null(load->config.data);
}

static void without_anything_the_defaults_count(void **state)
{
    (void)state;
    struct load load = {.action = CONFIG_HELP};

    assert_true(run(&load));
    assert_int_equal(load.action, CONFIG_RUN);
    assert_int_equal(load.config.listen.n, 1);
    assert_string_equal(load.config.listen.items[0].text, "127.0.0.1:8080");
    assert_string_equal(load.config.data, "./data");
    assert_string_equal(load.config.default_channels.items[0], "general");
    assert_int_equal(load.config.allowed_origins.n, 0);
    assert_int_equal(load.config.metrics_listen.len, 0);
    assert_int_equal(load.config.registration, REGISTRATION_OPEN);
    assert_int_equal(load.config.log_level, LOG_LEVEL_INFO);
    assert_int_equal(load.config.log_format, LOG_FORMAT_TEXT);
    assert_int_equal(load.config.queue_bytes, 1048576);
    assert_true(load.config.rate_limits);
    assert_string_not_equal(load.config.web_root, "");
    assert_string_equal(load.config.file, "");
    config_free(&load.config);
}

static void every_kind_of_value_is_read(void **state)
{
    (void)state;
    struct load load = {FLAGS((char *)"--config", file_path)};

    write_file("# comment\n"
               "; another\n"
               "\n"
               "listen = 0.0.0.0:80, [::]:80\n"
               "listen = 127.0.0.1:9\n"
               "data=/var/lib/parley data\n"
               "metrics_listen: 127.0.0.1:9100 ; inline\n"
               "trusted_proxies = 10.0.0.0/8\n"
               "    ::1,\n"
               "default_channels =\n"
               "allowed_origins = https://a.example,,http://b.example:81,\n"
               "registration = closed\r\n"
               "log_level = debug\n"
               "log_format = json\n"
               "rate_limits = off\n"
               "workers = 64");
    assert_true(run(&load));
    assert_int_equal(load.config.listen.n, 3);
    assert_string_equal(load.config.listen.items[1].text, "[::]:80");
    assert_string_equal(load.config.listen.items[2].text, "127.0.0.1:9");
    assert_string_equal(load.config.data, "/var/lib/parley data");
    assert_string_equal(load.config.metrics_listen.text, "127.0.0.1:9100");
    assert_int_equal(load.config.trusted_proxies.n, 2);
    assert_true(net_block_contains(&load.config.trusted_proxies.items[1], "::1"));
    assert_int_equal(load.config.default_channels.n, 0);
    assert_int_equal(load.config.allowed_origins.n, 2);
    assert_string_equal(load.config.allowed_origins.items[1], "http://b.example:81");
    assert_int_equal(load.config.registration, REGISTRATION_CLOSED);
    assert_int_equal(load.config.log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(load.config.log_format, LOG_FORMAT_JSON);
    assert_false(load.config.rate_limits);
    assert_int_equal(load.config.workers, 64);
    assert_string_equal(load.config.file, file_path);
    config_free(&load.config);
}

static void flags_count_more_than_variables_and_those_more_than_the_file(void **state)
{
    (void)state;
    struct load load = {FLAGS((char *)"--workers=3", (char *)"--listen", (char *)"127.0.0.1:3"),
                        ENV(file_variable, (char *)"PARLEY_WORKERS=2",
                            (char *)"PARLEY_SESSION_DAYS=2",
                            (char *)"PARLEY_LISTEN=127.0.0.1:2,127.0.0.1:22")};

    write_file("workers = 1\nsession_days = 1\nheartbeat_ms = 1000\nlisten = 127.0.0.1:1\n");
    assert_true(run(&load));
    assert_int_equal(load.config.workers, 3);
    assert_int_equal(load.config.session_days, 2);
    assert_int_equal(load.config.heartbeat_ms, 1000);
    assert_int_equal(load.config.listen.n, 1);
    assert_string_equal(load.config.listen.items[0].text, "127.0.0.1:3");
    config_free(&load.config);
}

static void a_repeated_flag_adds_to_a_list_and_replaces_a_value(void **state)
{
    (void)state;
    struct load load = {FLAGS((char *)"--listen", (char *)"127.0.0.1:1", (char *)"--listen=[::1]:2",
                              (char *)"--log-level=debug", (char *)"--log_level=warn")};

    assert_true(run(&load));
    assert_int_equal(load.config.listen.n, 2);
    assert_string_equal(load.config.listen.items[1].text, "[::1]:2");
    assert_int_equal(load.config.log_level, LOG_LEVEL_WARN);
    config_free(&load.config);
}

static void an_empty_variable_counts_as_not_given(void **state)
{
    (void)state;
    struct load load = {ENV((char *)"PARLEY_WORKERS=", (char *)"PARLEY_CONFIG=")};

    assert_true(run(&load));
    assert_int_equal(load.config.workers, 0);
    config_free(&load.config);
}

static void a_bad_value_in_the_file_names_line_key_and_what_is_allowed(void **state)
{
    (void)state;
    struct load load = {FLAGS((char *)"--config", file_path)};

    write_file("workers = 2\n\nlog_level = loud\n");
    expect_error(&load, "%s:3: log_level: \"loud\" is not allowed; it must be one of error, warn, "
                        "info, debug");
    write_file("workers = 65\n");
    expect_error(&load,
                 "%s:1: workers: \"65\" is not allowed; it must be a whole number from 0 to 64");
    write_file("session_days = 0\n");
    expect_error(
        &load,
        "%s:1: session_days: \"0\" is not allowed; it must be a whole number from 1 to 3650");
    write_file("listen = 127.0.0.1:1, localhost:80\n");
    expect_error(&load, "%s:1: listen: \"127.0.0.1:1, localhost:80\" is not allowed; it must be an "
                        "address with its port such as 127.0.0.1:8080 or [::1]:8080");
    write_file("rate_limits = yes\n");
    expect_error(&load, "%s:1: rate_limits: \"yes\" is not allowed; it must be one of off, on");
    write_file("default_channels = General\n");
    expect_error(&load, "%s:1: default_channels: \"General\" is not allowed; it must be 1-32 of "
                        "lower-case letters, digits, '.', '_', '-'; several with commas");
}

static void an_unknown_key_is_named_with_its_line_and_the_likely_one(void **state)
{
    (void)state;
    struct load load = {FLAGS((char *)"--config", file_path)};

    write_file("\nlog_levle = info\n");
    expect_error(&load, "%s:2: unknown key \"log_levle\"; did you mean \"log_level\"? All keys: "
                        "parleyd --help");
    write_file("colour = blue\n");
    expect_error(&load, "%s:1: unknown key \"colour\"; all keys: parleyd --help");
}

static void lines_that_make_no_sense_are_named(void **state)
{
    (void)state;
    struct load load = {FLAGS((char *)"--config", file_path)};

    write_file("workers = 1\nthis is nothing\n");
    expect_error(&load, "%s:2: the line is not understood; lines are `key = value`, or comments "
                        "with #");
    write_file("[server]\nworkers = 1\n");
    expect_error(&load, "%s:2: this line stands in section \"server\", but the file has no "
                        "sections; remove the [...] line");
    write_file("workers = 1\nworkers = 2\n");
    expect_error(&load, "%s:2: workers: it is already set in line 1 (an indented line goes on with "
                        "the value above)");
}

static void a_line_that_is_too_long_is_named(void **state)
{
    (void)state;
    struct load load = {FLAGS((char *)"--config", file_path)};
    char text[400] = "workers = 1\ndata = ";

    memset(text + strlen(text), 'x', 250);
    write_file(text);
    expect_error(&load, "%s:2: the line is too long; a list may go on in indented lines");
}

static void a_file_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct load load = {FLAGS((char *)"--config=/nonexistent/parley.conf")};

    expect_error(&load, "/nonexistent/parley.conf: cannot be read: No such file or directory");
    load.argv[0] = (char *)"--config=/tmp";
    expect_error(&load, "/tmp: cannot be read: Is a directory");
}

static void bad_flags_are_named(void **state)
{
    (void)state;
    struct load load = {FLAGS((char *)"--workerz", (char *)"2")};

    expect_error(&load, "--workerz: unknown flag \"workerz\"; did you mean \"workers\"? All keys: "
                        "parleyd --help");
    load = (struct load){FLAGS((char *)"--workers", (char *)"--data", (char *)"x")};
    expect_error(&load, "--workers: needs a value: a whole number from 0 to 64");
    load = (struct load){FLAGS((char *)"--workers=")};
    expect_error(&load, "--workers: \"\" is not allowed; it must be a whole number from 0 to 64");
    load = (struct load){FLAGS((char *)"serve")};
    expect_error(&load, "\"serve\": not a flag; flags are --key VALUE or --key=VALUE");
    load = (struct load){FLAGS((char *)"--config")};
    expect_error(&load, "--config: needs a value");
    load = (struct load){FLAGS((char *)"--")};
    expect_error(&load, "\"--\": not a flag; flags are --key VALUE or --key=VALUE");
}

static void bad_variables_are_named_and_foreign_ones_left_alone(void **state)
{
    (void)state;
    struct load load = {ENV((char *)"PARLEY_WORKERS=-1")};

    expect_error(&load, "PARLEY_WORKERS: workers: \"-1\" is not allowed; it must be a whole number "
                        "from 0 to 64");
    load = (struct load){ENV((char *)"PARLEY_WORKER=1")};
    expect_error(&load, "PARLEY_WORKER: unknown key \"worker\"; did you mean \"workers\"? All "
                        "keys: parleyd --help");
    load = (struct load){ENV((char *)"PARLEY_TOKEN=x", (char *)"PARLEY_PORT=tcp://10.0.0.1:80",
                             (char *)"PARLEY_SERVICE_HOST=10.0.0.1", (char *)"HOME=/",
                             (char *)"PARLEYD=x", (char *)"PARLEY_NOTHING=")};
    assert_true(run(&load));
    config_free(&load.config);
}

/* NAME=<the file>. */
static char *file_of(const char *name)
{
    static char variable[sizeof(file_path) + 64];

    (void)snprintf(variable, sizeof(variable), "%s=%s", name, file_path);
    return variable;
}

static void a_variable_with_file_reads_the_value_from_there(void **state)
{
    (void)state;
    struct load load = {ENV(file_of("PARLEY_DATA_FILE"))};
    static const struct {
        const char *text, *value;
    } cases[] = {
        {"/srv/a", "/srv/a"},
        {"/srv/a\n", "/srv/a"},
        {"/srv/a\r\n", "/srv/a"},
        {" /srv/a b\n", " /srv/a b"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        write_file(cases[i].text);
        assert_true(run(&load));
        assert_string_equal(load.config.data, cases[i].value);
        config_free(&load.config);
    }
    load = (struct load){FLAGS((char *)"--data=/srv/b"), ENV(file_of("PARLEY_DATA_FILE"))};
    assert_true(run(&load));
    assert_string_equal(load.config.data, "/srv/b");
    config_free(&load.config);
    load = (struct load){ENV(file_of("PARLEY_DEFAULT_CHANNELS_FILE"))};
    write_file("general, news\n");
    assert_true(run(&load));
    assert_int_equal(load.config.default_channels.n, 2);
    config_free(&load.config);
    load = (struct load){ENV((char *)"PARLEY_DATA_FILE=")};
    assert_true(run(&load));
    assert_string_equal(load.config.data, "./data");
    config_free(&load.config);
}

static void a_value_from_a_file_is_not_repeated_in_messages(void **state)
{
    (void)state;
    struct load load = {ENV(file_of("PARLEY_WORKERS_FILE"))};

    write_file("hunter2\n");
    expect_error(&load, "PARLEY_WORKERS_FILE: workers: what %s holds is not allowed; it must be a "
                        "whole number from 0 to 64");
    write_file("1\n\n");
    expect_error(&load, "PARLEY_WORKERS_FILE: workers: what %s holds is not allowed; it must be a "
                        "whole number from 0 to 64");
}

static void a_file_without_a_value_is_named(void **state)
{
    (void)state;
    struct load load = {ENV(file_of("PARLEY_DATA_FILE"))};

    write_file("\n");
    expect_error(&load, "PARLEY_DATA_FILE: \"%s\" is empty");
    load = (struct load){ENV((char *)"PARLEY_DATA_FILE=/nonexistent/x")};
    expect_error(&load, "PARLEY_DATA_FILE: \"/nonexistent/x\" cannot be read: No such file or "
                        "directory");
    load = (struct load){ENV((char *)"PARLEY_DATA_FILE=/tmp")};
    expect_error(&load, "PARLEY_DATA_FILE: \"/tmp\" cannot be read: Is a directory");
    load = (struct load){ENV((char *)"PARLEY_DATA_FILE=/dev/zero")};
    expect_error(&load, "PARLEY_DATA_FILE: \"/dev/zero\" cannot be read: File too large");
}

static void a_value_and_a_file_for_one_key_exclude_each_other(void **state)
{
    (void)state;
    struct load load = {ENV(file_of("PARLEY_DATA_FILE"), (char *)"PARLEY_DATA=/srv/b")};

    write_file("/srv/a\n");
    expect_error(&load, "PARLEY_DATA_FILE: PARLEY_DATA is set too; give one of them");
    load = (struct load){ENV((char *)"PARLEY_DATA=/srv/b", file_of("PARLEY_DATA_FILE"))};
    expect_error(&load, "PARLEY_DATA_FILE: PARLEY_DATA is set too; give one of them");
    load = (struct load){ENV((char *)"PARLEY_DATA=", file_of("PARLEY_DATA_FILE"))};
    assert_true(run(&load));
    assert_string_equal(load.config.data, "/srv/a");
    config_free(&load.config);
    load = (struct load){ENV((char *)"PARLEY_DAAT_FILE=/srv/b")};
    expect_error(&load, "PARLEY_DAAT_FILE: unknown key \"daat\"; did you mean \"data\"? All keys: "
                        "parleyd --help");
}

static void keys_that_belong_together_are_checked_together(void **state)
{
    (void)state;
    struct load load = {FLAGS((char *)"--tls-cert", (char *)"cert.pem")};

    expect_error(&load, "tls_cert, tls_key: give both of them or none");
    static const char *const bad[] = {"abcd", "abcd-efgh-2345-678", "abcd-efgh-2345-67890",
                                      "abcd_efgh-2345-6789", "\303\244bcd-efgh-2345-678"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        load = (struct load){FLAGS((char *)"--setup-code", (char *)bad[i])};
        expect_error(&load, "setup_code: it must be 16 letters and digits, such as "
                            "abcd-efgh-2345-6789");
    }
    load = (struct load){FLAGS((char *)"--setup-code=ABCD efgh 2345-6789")};
    assert_true(run(&load));
    config_free(&load.config);
    load = (struct load){FLAGS((char *)"--listen=")};
    expect_error(&load, "listen: at least one address is needed");
    load = (struct load){FLAGS((char *)"--data=")};
    expect_error(&load, "data: a directory is needed");
}

static void quoted_values_are_cut_and_free_of_control_characters(void **state)
{
    (void)state;
    struct load load = {FLAGS((char *)"--workers=a\033[31m\nb")};

    expect_error(&load,
                 "--workers: \"a?[31m?b\" is not allowed; it must be a whole number from 0 to 64");
    char value[300] = "--workers=";
    memset(value + strlen(value), '9', 200);
    load = (struct load){FLAGS(value)};
    assert_false(run(&load));
    assert_non_null(strstr(load.error, "99...\" is not allowed"));
}

static enum config_action action_of(const char *flag)
{
    struct load load = {FLAGS((char *)"--workers=1", (char *)flag), ENV((char *)"PARLEY_X=1")};

    if (strcmp(flag, "--check-config") == 0)
        load.env[0] = NULL;
    assert_true(run(&load));
    config_free(&load.config);
    return load.action;
}

static void actions_are_reported(void **state)
{
    (void)state;
    assert_int_equal(action_of("--help"), CONFIG_HELP);
    assert_int_equal(action_of("-h"), CONFIG_HELP);
    assert_int_equal(action_of("--version"), CONFIG_VERSION);
    assert_int_equal(action_of("-V"), CONFIG_VERSION);
    assert_int_equal(action_of("--dump-config-sample"), CONFIG_DUMP_SAMPLE);
    assert_int_equal(action_of("--dump-config-docs"), CONFIG_DUMP_DOCS);
    assert_int_equal(action_of("--dump-typescript"), CONFIG_DUMP_TYPESCRIPT);
    assert_int_equal(action_of("--check-config"), CONFIG_CHECK);
}

static void check_config_reads_everything(void **state)
{
    (void)state;
    struct load load = {FLAGS((char *)"--check-config"), ENV((char *)"PARLEY_WORKERS=x")};

    expect_error(&load, "PARLEY_WORKERS: workers: \"x\" is not allowed; it must be a whole number "
                        "from 0 to 64");
}

static void append_line(void *arg, const char *text)
{
    buf_puts(arg, text);
    buf_putc(arg, '\n');
}

static void a_file_check_tells_all_problems(void **state)
{
    (void)state;
    struct buf told = {0};

    write_file("workers = many\nbogus_thing = 1\n[x]\ndata = a\ndata = b\n");
    assert_int_equal(config_file_check(file_path, append_line, &told), 3);
    assert_non_null(strstr(told.data, ":1: workers: \"many\""));
    assert_non_null(strstr(told.data, ":2: unknown key \"bogus_thing\""));
    assert_non_null(strstr(told.data, ":4: this line stands in section"));
    buf_clear(&told);
    write_file("workers = 1\n");
    assert_int_equal(config_file_check(file_path, append_line, &told), 0);
    assert_int_equal(config_file_check("/nonexistent/x", append_line, &told), 1);
    assert_int_equal(config_file_check("/nonexistent/x", NULL, NULL), 1);
    buf_free(&told);
}

static const char *const keys[] = {
#define CONFIG_SECTION(title)
#define CONFIG_ADDRS(name, ...) #name,
#define CONFIG_ADDR(name, ...) #name,
#define CONFIG_NETS(name, ...) #name,
#define CONFIG_LIST(name, ...) #name,
#define CONFIG_TEXT(name, ...) #name,
#define CONFIG_UINT(name, ...) #name,
#define CONFIG_WORD(name, ...) #name,
#define CONFIG_BOOL(name, ...) #name,
#include "server/config.def"
};

static void the_sample_is_a_good_file_with_every_key(void **state)
{
    (void)state;
    struct buf sample = {0};
    struct buf told = {0};
    unsigned uncommented = 0;

    config_sample(&sample);
    for (char *at = sample.data; at != NULL; at = strchr(at + 1, '\n')) /* uncomment the keys */
        if (at[0] == '\n' && at[1] == '#' && at[2] != ' ' && at[2] != '\n') {
            at[1] = '\n';
            uncommented++;
        }
    assert_int_equal(uncommented, sizeof(keys) / sizeof(*keys));
    write_file(sample.data);
    (void)config_file_check(file_path, append_line, &told);
    assert_string_equal(told.data == NULL ? "" : told.data, "");
    buf_free(&sample);
    buf_free(&told);
}

static void the_help_names_every_key_and_fits_a_terminal(void **state)
{
    (void)state;
    struct buf help = {0};

    config_help(&help);
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        char flag[64] = "\n  --";
        size_t n = strlen(flag);
        for (const char *c = keys[i]; *c != '\0'; c++)
            flag[n++] = *c == '_' ? '-' : *c;
        (void)strcpy(flag + n, " ");
        if (strstr(help.data, flag) == NULL)
            fail_msg("not in the help: %s", keys[i]);
    }
    for (const char *line = help.data; *line != '\0';) {
        size_t n = strcspn(line, "\n");
        assert_true(n <= 90);
        line += n + (line[n] == '\n');
    }
    buf_free(&help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_anything_the_defaults_count),
        cmocka_unit_test(every_kind_of_value_is_read),
        cmocka_unit_test(flags_count_more_than_variables_and_those_more_than_the_file),
        cmocka_unit_test(a_repeated_flag_adds_to_a_list_and_replaces_a_value),
        cmocka_unit_test(an_empty_variable_counts_as_not_given),
        cmocka_unit_test(a_bad_value_in_the_file_names_line_key_and_what_is_allowed),
        cmocka_unit_test(an_unknown_key_is_named_with_its_line_and_the_likely_one),
        cmocka_unit_test(lines_that_make_no_sense_are_named),
        cmocka_unit_test(a_line_that_is_too_long_is_named),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
        cmocka_unit_test(bad_flags_are_named),
        cmocka_unit_test(bad_variables_are_named_and_foreign_ones_left_alone),
        cmocka_unit_test(a_variable_with_file_reads_the_value_from_there),
        cmocka_unit_test(a_value_from_a_file_is_not_repeated_in_messages),
        cmocka_unit_test(a_file_without_a_value_is_named),
        cmocka_unit_test(a_value_and_a_file_for_one_key_exclude_each_other),
        cmocka_unit_test(keys_that_belong_together_are_checked_together),
        cmocka_unit_test(quoted_values_are_cut_and_free_of_control_characters),
        cmocka_unit_test(actions_are_reported),
        cmocka_unit_test(check_config_reads_everything),
        cmocka_unit_test(a_file_check_tells_all_problems),
        cmocka_unit_test(the_sample_is_a_good_file_with_every_key),
        cmocka_unit_test(the_help_names_every_key_and_fits_a_terminal),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
