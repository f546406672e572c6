/* config_check.c - parleyctl config check: parleyd's own reading of the file. */
#include "cli/report.h"
#include "cli/run.h"
#include "server/config.h"

static void on_problem(void *arg, const char *text)
{
    (void)arg;
    report_error("%s", text);
}

enum exit_code cmd_config_check(struct cli *cli)
{
    const char *path = cli->options.args[0];
    size_t problems = config_file_check(path, on_problem, NULL);

    if (problems > 0) {
        report_hint("%zu problem%s; parleyd would not start.", problems, problems == 1 ? "" : "s");
        return EXIT_CODE_USAGE;
    }
    if (cli->json)
        (void)puts("{}");
    else
        (void)puts("The configuration is good.");
    return EXIT_CODE_OK;
}
