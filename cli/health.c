/* health.c - parleyctl health: for service managers and containers, which look at the exit status.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"
#include "cli/run.h"
#include "cli/text.h"

static void print_json(bool good, const char *text)
{
    json_t *object = json_pack("{s:b, s:s?}", "ok", good, "text", text);
    char *line = json_dumps(object, JSON_COMPACT);

    if (line != NULL)
        (void)puts(line);
    free(line);
    json_decref(object);
}

/* What the server said, in one line. */
static enum exit_code tell(const struct cli *cli, const struct reply *reply)
{
    bool good = reply->status == 200;
    struct buf line = {0};
    struct buf safe = {0};

    buf_put(&line, reply->body.data, reply->body.len);
    buf_putc(&line, '\0');
    line.data[strcspn(line.data, "\r\n")] = '\0';
    text_escape(&safe, line.data);
    if (cli->json)
        print_json(good, line.data);
    else if (good)
        (void)puts(safe.data);
    if (!good)
        report_error("the server answers %ld: %s", reply->status, safe.data);
    buf_free(&line);
    buf_free(&safe);
    return good ? EXIT_CODE_OK : EXIT_CODE_TRY_LATER;
}

enum exit_code cmd_health(struct cli *cli)
{
    const char *path = cli->options.value[OPTION_READY] != NULL ? "/readyz" : "/healthz";
    struct reply reply = {0};
    enum exit_code code = cli_open(cli);

    if (code != EXIT_CODE_OK)
        return code;
    if (client_get(cli->client, path, cli->timeout_ms, &reply) == REPLY_RESULT)
        code = tell(cli, &reply);
    else
        code = report_reply(client_config(cli->client), "health", &reply);
    reply_free(&reply);
    return code;
}
