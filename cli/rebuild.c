/* rebuild.c - parleyctl rebuild: works on the files themselves, while no server runs. */
#include <string.h>
#include <unistd.h>

#include "cli/progress.h"
#include "cli/report.h"
#include "cli/retry.h"
#include "cli/run.h"
#include "cli/target.h"
#include "storage/store.h"

struct steps {
    struct cli *cli;
    struct progress bar;
    const char *step; /* NULL: none yet */
};

/* Each step of the work has its own bar. */
static bool on_progress(void *arg, const char *step, const char *unit, uint64_t done,
                        uint64_t total)
{
    struct steps *steps = arg;

    if (steps->step == NULL || strcmp(step, steps->step) != 0) {
        if (steps->step != NULL)
            progress_end(&steps->bar, monotonic_ms());
        steps->step = step;
        progress_start(&steps->bar, stderr, steps->cli->err, step, unit, monotonic_ms());
    }
    progress_update(&steps->bar, done, total, monotonic_ms());
    return true;
}

enum exit_code cmd_rebuild(struct cli *cli)
{
    struct steps steps = {.cli = cli};
    char error[512] = "";
    struct buf url = {0};

    if (cli->options.value[OPTION_SERVER] != NULL || cli->options.value[OPTION_SOCKET] != NULL) {
        struct buf usage = {0};
        buf_puts(&usage, "rebuild works on the files in --data DIR, not through a server");
        return cli_usage(cli, &usage);
    }
    buf_printf(&url, "sqlite:%s/parley.db", target_data_dir(&cli->options));
    const char *path = url.data + strlen("sqlite:");
    if (access(path, F_OK) != 0) {
        report_error("there is no database at %s", path);
        report_hint("Name the data directory with --data DIR.");
        buf_free(&url);
        return EXIT_CODE_LOCAL;
    }
    enum err err = store_rebuild(url.data, on_progress, &steps, error);
    if (err == ERR_OK) {
        if (steps.step != NULL)
            progress_end(&steps.bar, monotonic_ms());
        (void)puts(cli->json ? "{}" : "The tables are rebuilt.");
    } else {
        if (steps.step != NULL)
            progress_clear(&steps.bar);
        report_error("nothing was changed: %s", error);
    }
    buf_free(&url);
    return err == ERR_OK ? EXIT_CODE_OK : EXIT_CODE_LOCAL;
}
