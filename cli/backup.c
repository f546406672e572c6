/* backup.c - parleyctl backup: the server copies and verifies, this shows how far it is. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/job.h"
#include "cli/report.h"
#include "cli/text.h"

/* The server's directory is not ours: what it gets is absolute. */
static enum exit_code absolute_path(const struct cli *cli, const char *path, struct buf *out)
{
    if (path[0] == '/') {
        buf_puts(out, path);
        return EXIT_CODE_OK;
    }
    if (cli->options.value[OPTION_SERVER] != NULL) {
        report_error("with --server the path is one of the server's machine: it must begin with /");
        return EXIT_CODE_USAGE;
    }
    char *here = getcwd(NULL, 0);
    if (here == NULL) {
        report_error("cannot tell the current directory: %s", strerror(errno));
        return EXIT_CODE_LOCAL;
    }
    buf_printf(out, "%s/%s", here, path);
    free(here);
    return EXIT_CODE_OK;
}

enum exit_code cmd_backup(struct cli *cli)
{
    struct buf path = {0};
    struct buf params = {0};
    struct reply started = {0};
    struct reply reply = {0};
    enum exit_code code = absolute_path(cli, cli->options.args[0], &path);

    if (code == EXIT_CODE_OK) {
        buf_json_member(&params, "path", path.data);
        code = cli_call(cli, "admin.backup", &params, &started);
    }
    if (code == EXIT_CODE_OK)
        code = job_wait(cli, &started, &reply);
    if (code == EXIT_CODE_OK && cli->json) {
        cli_print_json(cli, &reply);
    } else if (code == EXIT_CODE_OK) {
        struct buf safe = {0};
        text_escape(&safe, path.data);
        (void)printf("Verified: %s is a complete copy.\n", safe.data);
        buf_free(&safe);
    }
    reply_free(&reply);
    reply_free(&started);
    buf_free(&path);
    return code;
}
