/* The way of a value: config_load() walks the places from the lowest to the highest - defaults, the
 * file, the environment, the flags - and each calls apply() for every key it names. apply() knows
 * which place a key was last set from, and says where a bad value stands.
 */
#include "server/config.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "server/config_file.h"
#include "server/config_keys.h"

enum { KEYS_MAX = 96 };

enum place { PLACE_NONE, PLACE_DEFAULT, PLACE_FILE, PLACE_ENVIRONMENT, PLACE_FLAG };

struct loading {
    struct config *config;
    struct buf problem; /* the sentence being made */
    size_t problems;
    void (*report)(void *arg, const char *text);
    void *arg;
    const char *file;
    const char *secret;             /* the file that the value came from and stays in, or NULL */
    unsigned char set_by[KEYS_MAX]; /* enum place */
    unsigned set_line[KEYS_MAX];    /* in the file */
    bool sectioned;                 /* the problem of sections was told */
};

static void report(struct loading *load)
{
    load->problems++;
    if (load->report != NULL)
        load->report(load->arg, load->problem.data);
    buf_clear(&load->problem);
}

/* Text that comes from outside, cut and without control characters; of an address with a password
 * only what stands before it. */
static void put_quoted(struct buf *out, const char *text)
{
    enum { SHOWN = 80 };
    const char *login = strstr(text, "://");
    size_t n = 0;

    buf_putc(out, '"');
    if (login != NULL && strchr(login, '@') != NULL) {
        buf_put(out, text, (size_t)(login - text) + 3);
        buf_puts(out, "...@");
        text = strrchr(login, '@') + 1;
    }
    for (; text[n] != '\0' && n < SHOWN; n++)
        buf_putc(out, (unsigned char)text[n] < ' ' || text[n] == 0x7f ? '?' : text[n]);
    buf_puts(out, text[n] != '\0' ? "...\"" : "\"");
}

static void put_unknown(struct buf *out, const char *what, const char *name)
{
    const struct config_key *guess = config_key_guess(name);

    buf_printf(out, "unknown %s ", what);
    put_quoted(out, name);
    if (guess != NULL)
        buf_printf(out, "; did you mean \"%s\"? All keys: parleyd --help", guess->name);
    else
        buf_puts(out, "; all keys: parleyd --help");
}

/* KEY = VALUE from PLACE; WHERE names it for people: "parley.conf:12", "--workers". */
static void apply(struct loading *load, enum place place, const char *where,
                  const struct config_key *key, const char *value)
{
    size_t index = (size_t)(key - config_keys);
    bool first = load->set_by[index] != place;

    load->set_by[index] = (unsigned char)place;
    if (config_key_set(key, load->config, value, first))
        return;
    buf_printf(&load->problem, "%s: ", where);
    if (place != PLACE_FLAG)
        buf_printf(&load->problem, "%s: ", key->name);
    if (load->secret != NULL)
        buf_printf(&load->problem, "what %s holds", load->secret);
    else
        put_quoted(&load->problem, value);
    buf_puts(&load->problem, " is not allowed; it must be ");
    config_key_allowed(key, &load->problem);
    report(load);
}

static void apply_defaults(struct loading *load)
{
    for (size_t i = 0; i < config_keys_n; i++)
        if (config_keys[i].kind != CONFIG_KIND_SECTION)
            apply(load, PLACE_DEFAULT, "default", &config_keys[i], config_keys[i].fallback);
}

/* -- the file -------------------------------------------------------------------------------- */

static void file_problem(struct loading *load, unsigned line)
{
    buf_printf(&load->problem, "%s:%u: ", load->file, line);
}

static void file_section(struct loading *load, unsigned line, const char *section)
{
    if (load->sectioned)
        return;
    load->sectioned = true;
    file_problem(load, line);
    buf_puts(&load->problem, "this line stands in section ");
    put_quoted(&load->problem, section);
    buf_puts(&load->problem, ", but the file has no sections; remove the [...] line");
    report(load);
}

/* One `name = value` of the file, or with NAME NULL a line that is none: VALUE says why. */
static void file_line(void *arg, unsigned line, const char *section, const char *name,
                      const char *value)
{
    struct loading *load = arg;
    const struct config_key *key = name != NULL ? config_key_find(name, false) : NULL;

    if (name == NULL) {
        file_problem(load, line);
        buf_puts(&load->problem, value);
        report(load);
    } else if (section[0] != '\0') {
        file_section(load, line, section);
    } else if (key == NULL) {
        file_problem(load, line);
        put_unknown(&load->problem, "key", name);
        report(load);
    } else if (load->set_by[key - config_keys] == PLACE_FILE && !config_key_is_list(key)) {
        file_problem(load, line);
        buf_printf(
            &load->problem,
            "%s: it is already set in line %u (an indented line goes on with the value above)",
            key->name, load->set_line[key - config_keys]);
        report(load);
    } else {
        char where[300];
        (void)snprintf(where, sizeof(where), "%.255s:%u", load->file, line);
        load->set_line[key - config_keys] = line;
        apply(load, PLACE_FILE, where, key, value);
    }
}

static void apply_file(struct loading *load, const char *path)
{
    char *text = NULL;
    size_t len = 0;

    load->file = path;
    int failed = config_file_read(path, &text, &len);
    if (failed != 0) {
        buf_printf(&load->problem, "%s: cannot be read: %s", path, strerror(failed));
        report(load);
        return;
    }
    config_file_parse(text, len, file_line, load);
    free(text);
}

/* -- the environment ------------------------------------------------------------------------- */

/* Variables with our prefix that are not keys: those of the other programs, and what a container
 * platform sets for a service called "parley". */
static bool is_foreign(const char *name)
{
    static const char *const others[] = {"BOOTSTRAP", "CONFIG", "MODE", "SERVER", "TOKEN"};

    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        if (strcmp(name, others[i]) == 0)
            return true;
    return strncmp(name, "TEST_", 5) == 0 || strncmp(name, "PORT", 4) == 0 ||
           strstr(name, "_PORT") != NULL || strstr(name, "SERVICE_") != NULL;
}

static const char *find_variable(char *const env[], const char *name)
{
    size_t n = strlen(name);

    for (; env != NULL && *env != NULL; env++)
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=' && (*env)[n + 1] != '\0')
            return *env + n + 1;
    return NULL;
}

/* Is there a value in the variable itself too? FILE_VARIABLE is its name with _FILE behind it. */
static bool has_plain_variable(char *const env[], const char *file_variable)
{
    char *plain = mem_strndup(file_variable, strlen(file_variable) - strlen("_FILE"));
    bool found = find_variable(env, plain) != NULL;

    free(plain);
    return found;
}

/* The value of KEY stands in the file PATH: a secret, which messages do not repeat. */
static void apply_secret(struct loading *load, const char *where, const struct config_key *key,
                         const char *path)
{
    char *value = NULL;
    const char *why = config_file_value(path, &value);

    if (why != NULL) {
        buf_printf(&load->problem, "%s: ", where);
        put_quoted(&load->problem, path);
        buf_printf(&load->problem, " %s", why);
        report(load);
        return;
    }
    load->secret = path;
    apply(load, PLACE_ENVIRONMENT, where, key, value);
    load->secret = NULL;
    explicit_bzero(value, strlen(value));
    free(value);
}

/* NAME is what follows PARLEY_: a key, or a key and _FILE. */
static void apply_variable(struct loading *load, const char *name, const char *value,
                           char *const env[])
{
    enum { NAME_SIZE = 64, SUFFIX = sizeof("_file") - 1 };
    char where[NAME_SIZE + 8];
    char lower[NAME_SIZE];
    size_t n = 0;

    for (; name[n] != '\0' && n < NAME_SIZE - 1; n++)
        lower[n] = name[n] >= 'A' && name[n] <= 'Z' ? (char)(name[n] - 'A' + 'a') : name[n];
    lower[n] = '\0';
    (void)snprintf(where, sizeof(where), "PARLEY_%.63s", name);
    const struct config_key *key = config_key_find(lower, false);
    bool in_file = key == NULL && n > SUFFIX && strcmp(lower + n - SUFFIX, "_file") == 0;
    if (in_file) {
        lower[n - SUFFIX] = '\0';
        key = config_key_find(lower, false);
    }
    if (key == NULL) {
        if (is_foreign(name))
            return;
        buf_printf(&load->problem, "%s: ", where);
        put_unknown(&load->problem, "key", lower);
        report(load);
    } else if (!in_file) {
        apply(load, PLACE_ENVIRONMENT, where, key, value);
    } else if (has_plain_variable(env, where)) {
        buf_printf(&load->problem, "%s: %.*s is set too; give one of them", where,
                   (int)(strlen(where) - SUFFIX), where);
        report(load);
    } else {
        apply_secret(load, where, key, value);
    }
}

static void apply_environment(struct loading *load, char *const env[])
{
    for (char *const *at = env; at != NULL && *at != NULL; at++) {
        const char *equals = strchr(*at, '=');
        if (strncmp(*at, "PARLEY_", 7) != 0 || equals == NULL || equals[1] == '\0')
            continue;
        char *name = mem_strndup(*at + 7, (size_t)(equals - *at) - 7);
        apply_variable(load, name, equals + 1, env);
        free(name);
    }
}

/* -- the flags ------------------------------------------------------------------------------- */

static const struct {
    const char *flag;
    enum config_action action;
} switches[] = {
    {"--help", CONFIG_HELP},
    {"-h", CONFIG_HELP},
    {"--version", CONFIG_VERSION},
    {"-V", CONFIG_VERSION},
    {"--dump-config-sample", CONFIG_DUMP_SAMPLE},
    {"--dump-config-docs", CONFIG_DUMP_DOCS},
    {"--dump-typescript", CONFIG_DUMP_TYPESCRIPT},
    {"--dump-protocol", CONFIG_DUMP_PROTOCOL},
    {"--dump-openapi", CONFIG_DUMP_OPENAPI},
    {"--dump-asyncapi", CONFIG_DUMP_ASYNCAPI},
    {"--dump-api-docs", CONFIG_DUMP_API_DOCS},
    {"--check-config", CONFIG_CHECK},
};

static bool find_switch(const char *argument, enum config_action *action_out)
{
    for (size_t i = 0; i < sizeof(switches) / sizeof(*switches); i++)
        if (strcmp(argument, switches[i].flag) == 0) {
            *action_out = switches[i].action;
            return true;
        }
    return false;
}

struct flag {
    char name[64];     /* without dashes in front */
    const char *value; /* NULL: there is none */
};

/* The flag at argv[*at] with its value; *at moves to the next. False: it is no flag. */
static bool next_flag(int argc, char *const argv[], int *at, struct flag *out)
{
    const char *argument = argv[(*at)++];
    const char *equals = strchr(argument, '=');
    size_t n = equals != NULL ? (size_t)(equals - argument) : strlen(argument);

    if (strncmp(argument, "--", 2) != 0 || n == 2 || n - 2 >= sizeof(out->name))
        return false;
    memcpy(out->name, argument + 2, n - 2);
    out->name[n - 2] = '\0';
    out->value = equals != NULL ? equals + 1 : NULL;
    if (equals == NULL && *at < argc && strncmp(argv[*at], "--", 2) != 0)
        out->value = argv[(*at)++];
    return true;
}

static void apply_flag(struct loading *load, const struct flag *flag)
{
    const struct config_key *key = config_key_find(flag->name, true);
    char where[80];

    (void)snprintf(where, sizeof(where), "--%s", flag->name);
    if (key == NULL && strcmp(flag->name, "config") != 0) {
        buf_printf(&load->problem, "%s: ", where);
        put_unknown(&load->problem, "flag", flag->name);
    } else if (flag->value == NULL) {
        buf_printf(&load->problem, "%s: needs a value", where);
        if (key != NULL) {
            buf_puts(&load->problem, ": ");
            config_key_allowed(key, &load->problem);
        }
    } else {
        if (key != NULL)
            apply(load, PLACE_FLAG, where, key, flag->value);
        return;
    }
    report(load);
}

static void apply_flags(struct loading *load, int argc, char *const argv[])
{
    enum config_action action;
    struct flag flag;

    for (int i = 1; i < argc;) {
        if (find_switch(argv[i], &action)) {
            i++;
        } else if (next_flag(argc, argv, &i, &flag)) {
            apply_flag(load, &flag);
        } else {
            put_quoted(&load->problem, argv[i - 1]);
            buf_puts(&load->problem, ": not a flag; flags are --key VALUE or --key=VALUE");
            report(load);
        }
    }
}

/* What comes before everything else: the action, and which file. */
static enum config_action scan_flags(int argc, char *const argv[], const char **file_out)
{
    enum config_action action = CONFIG_RUN;
    enum config_action found;
    struct flag flag;

    for (int i = 1; i < argc;) {
        if (find_switch(argv[i], &found)) {
            if (action == CONFIG_RUN || action == CONFIG_CHECK)
                action = found;
            i++;
        } else if (next_flag(argc, argv, &i, &flag) && strcmp(flag.name, "config") == 0) {
            *file_out = flag.value;
        }
    }
    return action;
}

/* -- all of it ------------------------------------------------------------------------------- */

static void complain(struct loading *load, const char *text)
{
    buf_puts(&load->problem, text);
    report(load);
}

/* 16 letters and digits; dashes and spaces between them do not count (see setup_code.h). */
static bool is_setup_code(const char *text)
{
    enum { LETTERS = 16 };
    size_t n = 0;

    for (; *text != '\0'; text++)
        if ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
            (*text >= '0' && *text <= '9'))
            n++;
        else if (*text != '-' && *text != ' ')
            return false;
    return n == LETTERS;
}

/* What no single value shows. */
static void check_together(struct loading *load)
{
    const struct config *config = load->config;

    if (config->listen.n == 0)
        complain(load, "listen: at least one address is needed");
    if (config->data[0] == '\0')
        complain(load, "data: a directory is needed");
    if ((config->tls_cert[0] == '\0') != (config->tls_key[0] == '\0'))
        complain(load, "tls_cert, tls_key: give both of them or none");
    if (config->setup_code[0] != '\0' && !is_setup_code(config->setup_code))
        complain(load, "setup_code: it must be 16 letters and digits, such as abcd-efgh-2345-6789");
}

/* share/parley/web beside the directory of the program: /usr/local for /usr/local/bin/parleyd. */
static void put_installed_web_root(struct buf *out)
{
    char program[4096];
    ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

    buf_clear(out);
    for (int up = 0; up < 2 && n > 0; up++) {
        program[n] = '\0';
        const char *slash = strrchr(program, '/');
        n = slash != NULL ? slash - program : 0;
    }
    buf_put(out, program, n > 0 ? (size_t)n : 0);
    buf_puts(out, "/share/parley/web");
}

static void find_web_root(struct config *config)
{
    struct buf path = {0};

    if (config->web_root[0] != '\0')
        return;
    free(config->web_root);
    put_installed_web_root(&path);
    bool in_tree = access("web/dist/index.html", R_OK) == 0;
    config->web_root = mem_strdup(in_tree ? "./web/dist" : path.data);
    buf_free(&path);
}

static void keep_first(void *arg, const char *text)
{
    char *error = arg;

    if (error[0] == '\0')
        (void)snprintf(error, CONFIG_ERROR_SIZE, "%s", text);
}

bool config_load(int argc, char *const argv[], char *const env[], struct config *out,
                 enum config_action *action_out, char error_out[CONFIG_ERROR_SIZE])
{
    struct loading load = {.config = out, .report = keep_first, .arg = error_out};
    const char *file = find_variable(env, "PARLEY_CONFIG");

    *out = (struct config){0};
    error_out[0] = '\0';
    *action_out = scan_flags(argc, argv, &file);
    apply_defaults(&load);
    if (*action_out == CONFIG_RUN || *action_out == CONFIG_CHECK) {
        if (file != NULL)
            apply_file(&load, file);
        apply_environment(&load, env);
        apply_flags(&load, argc, argv);
        if (load.problems == 0)
            check_together(&load);
    }
    out->file = mem_strdup(file != NULL ? file : "");
    buf_free(&load.problem);
    if (load.problems > 0) {
        config_free(out);
        return false;
    }
    find_web_root(out);
    return true;
}

void config_free(struct config *config)
{
    for (size_t i = 0; i < config_keys_n; i++)
        config_key_free(&config_keys[i], config);
    free(config->file);
    *config = (struct config){0};
}

size_t config_file_check(const char *path, void (*problem)(void *arg, const char *text), void *arg)
{
    struct config config = {0};
    struct loading load = {.config = &config, .report = problem, .arg = arg};

    apply_defaults(&load);
    apply_file(&load, path);
    if (load.problems == 0)
        check_together(&load);
    config_free(&config);
    buf_free(&load.problem);
    return load.problems;
}
