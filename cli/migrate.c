/* migrate.c - parleyctl migrate and restore: one store made from another, by this process. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/report.h"
#include "cli/run.h"
#include "cli/secret.h"
#include "cli/steps.h"
#include "cli/units.h"
#include "storage/store.h"

static bool is_address(const char *text)
{
    return strncmp(text, "mongodb://", 10) == 0 || strncmp(text, "mongodb+srv://", 14) == 0;
}

static enum exit_code address_from_file(const char *option, const char *file, struct buf *url)
{
    char line[SECRET_SIZE];
    enum exit_code code = secret_from_file("address", file, line);

    if (code == EXIT_CODE_OK && !is_address(line)) {
        report_error("%s: the first line of %s is not a mongodb:// address", option, file);
        code = EXIT_CODE_USAGE;
    }
    if (code == EXIT_CODE_OK)
        buf_puts(url, line);
    secret_wipe(line);
    return code;
}

/* The store that TEXT, the value of OPTION, names. MAKE: a directory that is not there. */
static enum exit_code store_url(const char *option, const char *text, bool make, struct buf *url)
{
    if (text[0] == '@')
        return address_from_file(option, text + 1, url);
    if (is_address(text)) {
        buf_puts(url, text);
        return EXIT_CODE_OK;
    }
    if (make && mkdir(text, 0700) != 0 && errno != EEXIST) {
        report_error("%s: cannot make the directory %s: %s", option, text, strerror(errno));
        return EXIT_CODE_LOCAL;
    }
    buf_printf(url, "sqlite:%s/parley.db", text);
    if (!make && access(url->data + strlen("sqlite:"), F_OK) != 0) {
        report_error("%s: there is no database at %s", option, url->data + strlen("sqlite:"));
        return EXIT_CODE_LOCAL;
    }
    return EXIT_CODE_OK;
}

static enum exit_code check_usage(struct cli *cli)
{
    const struct options *o = &cli->options;
    const char *words = o->command->words;
    struct buf usage = {0};

    if (o->value[OPTION_SERVER] != NULL || o->value[OPTION_SOCKET] != NULL ||
        o->value[OPTION_DATA] != NULL)
        buf_printf(&usage, "%s works on what --from and --to name, not through a server", words);
    else if (o->value[OPTION_FROM] == NULL || *o->value[OPTION_FROM] == '\0')
        buf_printf(&usage, "%s wants --from", words);
    else if (o->value[OPTION_TO] == NULL || *o->value[OPTION_TO] == '\0')
        buf_printf(&usage, "%s wants --to", words);
    return usage.len > 0 ? cli_usage(cli, &usage) : EXIT_CODE_OK;
}

static void print_json(const struct store_copied *sum)
{
    (void)printf("{\"users\":%" PRIu64 ",\"sessions\":%" PRIu64 ",\"invites\":%" PRIu64
                 ",\"hooks\":%" PRIu64 ",\"streams\":%" PRIu64 ",\"events\":%" PRIu64,
                 sum->users, sum->sessions, sum->invites, sum->hooks, sum->streams, sum->events);
    if (sum->hash[0] != '\0')
        (void)printf(",\"hash\":\"%s\"", sum->hash);
    (void)printf(",\"resumed\":%s}\n", sum->resumed ? "true" : "false");
}

static void print_text(const char *what, const struct store_copied *sum)
{
    char users[UNITS_SIZE];
    char streams[UNITS_SIZE];
    char events[UNITS_SIZE];

    units_count(sum->users, users);
    units_count(sum->streams, streams);
    units_count(sum->events, events);
    (void)printf("%s and verified: %s accounts, %s streams, %s events.\n", what, users, streams,
                 events);
    if (sum->hash[0] != '\0')
        (void)printf("The hash of all events is %s.\n", sum->hash);
}

static enum exit_code report(struct cli *cli, struct steps *steps, enum err err,
                             const struct store_copied *sum, const char *error)
{
    bool restore = strcmp(cli->options.command->words, "restore") == 0;

    steps_end(steps, err == ERR_OK);
    if (err == ERR_OK && cli->json)
        print_json(sum);
    else if (err == ERR_OK)
        print_text(restore ? "Restored" : "Copied", sum);
    if (err == ERR_OK)
        return EXIT_CODE_OK;
    report_error("%s", error);
    if (err != ERR_UNAVAILABLE || steps->step == NULL)
        return EXIT_CODE_LOCAL;
    report_hint("Run the same command again: what is copied stays.");
    return EXIT_CODE_TRY_LATER;
}

enum exit_code cmd_migrate(struct cli *cli)
{
    struct steps steps = {.cli = cli};
    struct store_copied sum = {0};
    struct buf from = {0};
    struct buf to = {0};
    char error[512] = "";
    enum exit_code code = check_usage(cli);

    if (code == EXIT_CODE_OK)
        code = store_url("--from", cli->options.value[OPTION_FROM], false, &from);
    if (code == EXIT_CODE_OK)
        code = store_url("--to", cli->options.value[OPTION_TO], true, &to);
    if (code == EXIT_CODE_OK) {
        enum err err = store_migrate(from.data, to.data, steps_progress, &steps, &sum, error);
        code = report(cli, &steps, err, &sum, error);
    }
    buf_free(&from);
    buf_free(&to);
    return code;
}

enum exit_code cmd_restore(struct cli *cli)
{
    struct steps steps = {.cli = cli};
    struct store_copied sum = {0};
    struct buf to = {0};
    char error[512] = "";
    enum exit_code code = check_usage(cli);
    const char *file = cli->options.value[OPTION_FROM];

    if (code == EXIT_CODE_OK && access(file, R_OK) != 0) {
        report_error("--from: the backup %s cannot be read: %s", file, strerror(errno));
        code = EXIT_CODE_LOCAL;
    }
    if (code == EXIT_CODE_OK)
        code = store_url("--to", cli->options.value[OPTION_TO], true, &to);
    if (code == EXIT_CODE_OK) {
        enum err err = store_restore(file, to.data, steps_progress, &steps, &sum, error);
        code = report(cli, &steps, err, &sum, error);
    }
    buf_free(&to);
    return code;
}
