#include "cli/run.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/help.h"
#include "cli/report.h"
#include "cli/target.h"
#include "cli/text.h"

enum exit_code cli_usage(const struct cli *cli, struct buf *error)
{
    const struct command *command = cli->options.command;

    report_error("%s", error->data);
    if (command != NULL)
        report_hint("See: parleyctl help %s", command->words);
    else
        report_hint("See: parleyctl help");
    buf_free(error);
    return EXIT_CODE_USAGE;
}

/* The value in argv[i] or behind it, if that is the option NAME; else NULL. */
static char *value_of(int argc, char **argv, int i, const char *name)
{
    size_t n = strlen(name);

    if (strncmp(argv[i], name, n) != 0)
        return NULL;
    if (argv[i][n] == '=')
        return argv[i] + n + 1;
    return argv[i][n] == '\0' && i + 1 < argc ? argv[i + 1] : NULL;
}

/* The caller has its copy; what `ps` shows is overwritten: tokens, and addresses that may hold a
 * password. */
static void hide_secrets(int argc, char **argv)
{
    for (int i = 1; i < argc && argv[i] != NULL; i++) {
        char *token = value_of(argc, argv, i, "--token");
        char *from = value_of(argc, argv, i, "--from");
        char *to = value_of(argc, argv, i, "--to");
        if (token != NULL)
            memset(token, 'x', strlen(token));
        if (from != NULL && strchr(from, '@') != NULL)
            memset(from, 'x', strlen(from));
        if (to != NULL && strchr(to, '@') != NULL)
            memset(to, 'x', strlen(to));
    }
}

enum exit_code cli_open(struct cli *cli)
{
    return cli->client != NULL ? EXIT_CODE_OK : target_open(&cli->options, &cli->client);
}

enum exit_code cli_call(struct cli *cli, const char *command, struct buf *params,
                        struct reply *reply)
{
    struct buf object = {0};

    enum exit_code code = cli_open(cli);
    if (code != EXIT_CODE_OK) {
        buf_free(params);
        return code;
    }
    buf_printf(&object, "{%s}", params->data != NULL ? params->data : "");
    (void)client_call(cli->client, command, object.data, cli->timeout_ms, reply);
    explicit_bzero(object.data, object.len); /* there may have been a password in it */
    if (params->data != NULL)
        explicit_bzero(params->data, params->len);
    buf_free(&object);
    buf_free(params);
    return report_reply(client_config(cli->client), command, reply);
}

void cli_print_json(const struct cli *cli, const struct reply *reply)
{
    if (cli->out.width == 0) {
        (void)fprintf(stdout, "%s\n", reply->body.data);
        return;
    }
    struct buf safe = {0};
    char *text = json_dumps(reply->json, JSON_INDENT(2));
    if (text != NULL)
        text_escape_json(&safe, text, strlen(text));
    (void)fprintf(stdout, "%s\n", safe.data);
    buf_free(&safe);
    free(text);
}

enum exit_code cli_act(struct cli *cli, const char *command, struct buf *params, const char *fmt,
                       ...)
{
    struct reply reply = {0};
    struct buf safe = {0};
    char *said = NULL;
    va_list args;

    va_start(args, fmt);
    int len = vasprintf(&said, fmt, args);
    va_end(args);
    enum exit_code code = cli_call(cli, command, params, &reply);
    if (code == EXIT_CODE_OK && cli->json) {
        cli_print_json(cli, &reply);
    } else if (code == EXIT_CODE_OK && len >= 0) {
        text_escape(&safe, said);
        (void)puts(safe.data);
    }
    if (len >= 0)
        free(said);
    buf_free(&safe);
    reply_free(&reply);
    return code;
}

bool looks_like_id(const char *text)
{
    return strlen(text) == 26 && text[0] >= '0' && text[0] <= '7' &&
           strspn(text, "0123456789abcdefghjkmnpqrstvwxyz") == 26;
}

static void put_reference(struct buf *params, const char *key, const char *arg, char sign)
{
    struct buf text = {0};

    if (*arg != sign && !looks_like_id(arg))
        buf_putc(&text, sign);
    buf_puts(&text, arg);
    buf_json_member(params, key, text.data);
    buf_free(&text);
}

void param_user(struct buf *params, const char *key, const char *arg)
{
    put_reference(params, key, arg, '@');
}

void param_channel(struct buf *params, const char *key, const char *arg)
{
    put_reference(params, key, arg, '#');
}

char *next_word(const char **at)
{
    const char *word = *at;

    if (word == NULL)
        return NULL;
    size_t n = strcspn(word, ",");
    *at = word[n] == ',' ? word + n + 1 : NULL;
    while (n > 0 && *word == ' ') {
        word++;
        n--;
    }
    while (n > 0 && word[n - 1] == ' ')
        n--;
    return mem_strndup(word, n);
}

void param_words(struct buf *params, const char *key, const char *arg)
{
    char *word;

    buf_json_key(params, key);
    buf_putc(params, '[');
    while ((word = next_word(&arg)) != NULL) {
        buf_json_comma(params);
        buf_json_string(params, word);
        free(word);
    }
    buf_putc(params, ']');
}

/* The settings that every command has. */
static bool prepare(struct cli *cli, struct buf *error)
{
    const char *colour = cli->options.value[OPTION_COLOR];
    int64_t seconds;

    if (colour == NULL)
        colour = "auto";
    if (!options_choice("--color", colour, "auto always never", error) ||
        !options_number(&cli->options, OPTION_TIMEOUT, 1, 3600, 30, &seconds, error))
        return false;
    cli->timeout_ms = seconds * 1000;
    cli->json = cli->options.value[OPTION_JSON] != NULL;
    cli->out = term_of(stdout, colour);
    cli->err = term_of(stderr, colour);
    return true;
}

static enum exit_code run(struct cli *cli)
{
    const struct options *options = &cli->options;

    if (options->value[OPTION_HELP] != NULL) {
        help_print(stdout, &cli->out, options->command, options->group);
        return EXIT_CODE_OK;
    }
    if (options->command == NULL) {
        (void)fputs("parleyctl " PARLEY_VERSION "\n", stdout);
        return EXIT_CODE_OK;
    }
    return options->command->run(cli);
}

/* A full disk or a closed pipe must not look like success. */
static enum exit_code finish_output(enum exit_code code)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    if (errno != EPIPE)
        report_error("cannot write the output: %s", strerror(errno));
    return code != EXIT_CODE_OK ? code : EXIT_CODE_LOCAL;
}

int cli_run(int argc, char **argv)
{
    struct cli cli = {0};
    struct buf error = {0};
    enum exit_code code;

    text_init();
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        report_error("libcurl does not start");
        return EXIT_CODE_LOCAL;
    }
    char **copy = options_copy(argc, argv);
    hide_secrets(argc, argv);
    if (options_parse(argc, copy, &cli.options, &error) && prepare(&cli, &error)) {
        code = finish_output(run(&cli));
        buf_free(&error);
    } else {
        code = cli_usage(&cli, &error);
    }
    client_destroy(&cli.client);
    options_copy_free(argc, &copy);
    curl_global_cleanup();
    return (int)code;
}
