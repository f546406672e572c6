/* rebuild.c - parleyctl rebuild: works on the files themselves, while no server runs. */
#include <string.h>
#include <unistd.h>

#include "cli/report.h"
#include "cli/run.h"
#include "cli/steps.h"
#include "cli/target.h"
#include "storage/store.h"

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
    enum err err = store_rebuild(url.data, steps_progress, &steps, error);
    steps_end(&steps, err == ERR_OK);
    if (err == ERR_OK)
        (void)puts(cli->json ? "{}" : "The tables are rebuilt.");
    else
        report_error("nothing was changed: %s", error);
    buf_free(&url);
    return err == ERR_OK ? EXIT_CODE_OK : EXIT_CODE_LOCAL;
}
