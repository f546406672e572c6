#include <stdio.h>
#include <stdlib.h>

#include "cli/reader.h"
#include "cli/run.h"
#include "cli/text.h"

static void print_server(const struct client_config *config, const struct reply *reply)
{
    struct reader r = {.command = "server.info"};
    struct buf text = {0};

    if (reply->kind == REPLY_RESULT) {
        text_escape(&text, reader_string(&r, reply->json, "version"));
        buf_puts(&text, ", node ");
        const char *node = reader_string_opt(&r, reply->json, "node");
        text_escape(&text, node != NULL ? node : "-");
    } else {
        text_escape(&text, reply->kind == REPLY_PROBLEM ? reply->problem.type : reply->cause);
        buf_puts(&text, " (");
        text_escape(&text, config->socket != NULL ? config->socket : config->server);
        buf_puts(&text, ")");
    }
    (void)printf("parleyd   %s\n", text.data);
    buf_free(&text);
}

/* {"parleyctl": "...", "parleyd": {server.info} or null} */
static void print_json(const struct cli *cli, const struct reply *reply)
{
    struct reply both = {0};

    both.json = json_pack("{s:s, s:O?}", "parleyctl", PARLEY_VERSION, "parleyd",
                          reply->kind == REPLY_RESULT ? reply->json : NULL);
    char *text = json_dumps(both.json, JSON_COMPACT);
    if (text != NULL)
        buf_puts(&both.body, text);
    free(text);
    cli_print_json(cli, &both);
    reply_free(&both);
}

enum exit_code cmd_version(struct cli *cli)
{
    struct reply reply = {0};
    enum exit_code code = cli_open(cli);

    if (code != EXIT_CODE_OK)
        return code;
    (void)client_call(cli->client, "server.info", "{}", cli->timeout_ms, &reply);
    if (cli->json) {
        print_json(cli, &reply);
    } else {
        (void)printf("parleyctl %s\n", PARLEY_VERSION);
        print_server(client_config(cli->client), &reply);
    }
    reply_free(&reply);
    return EXIT_CODE_OK;
}
