#include <stdio.h>

#include "cli/report.h"
#include "cli/retry.h"
#include "cli/run.h"

/* Until nothing answers any more; server.info is what a draining server still answers. */
static enum exit_code wait_for_end(struct cli *cli)
{
    uint64_t deadline = monotonic_ms() + (uint64_t)cli->timeout_ms;
    struct reply reply = {0};
    enum reply_kind kind;

    for (;;) {
        kind = client_call(cli->client, "server.info", "{}", 1000, &reply);
        if (kind == REPLY_UNREACHABLE || monotonic_ms() >= deadline)
            break;
        pause_ms(100);
    }
    reply_free(&reply);
    if (kind == REPLY_UNREACHABLE)
        return EXIT_CODE_OK;
    report_error("the server still answers; it is not waited for any longer");
    return EXIT_CODE_TRY_LATER;
}

enum exit_code cmd_drain(struct cli *cli)
{
    struct buf params = {0};
    enum exit_code code =
        cli_act(cli, "admin.drain", &params, "The server finishes its work and ends.");

    if (code == EXIT_CODE_OK && cli->options.value[OPTION_WAIT] != NULL)
        code = wait_for_end(cli);
    return code;
}
