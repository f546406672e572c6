/* send.c - parleyctl send: one message, once, however often it has to be tried. */
#include <errno.h>
#include <string.h>

#include "base/id.h"
#include "base/utf8.h"
#include "cli/reader.h"
#include "cli/report.h"
#include "cli/retry.h"
#include "cli/run.h"
#include "cli/text.h"

enum { MESSAGE_MAX = 16384, CLIENT_MSG_ID_MAX = 64 };

static enum exit_code read_stdin(struct buf *text)
{
    size_t n;

    do {
        char *to = buf_reserve(text, MESSAGE_MAX + 2);
        n = fread(to, 1, MESSAGE_MAX + 2 - text->len, stdin);
        text->len += n;
    } while (n > 0 && text->len < MESSAGE_MAX + 2);
    if (ferror(stdin)) {
        report_error("cannot read standard input: %s", strerror(errno));
        return EXIT_CODE_LOCAL;
    }
    buf_put(text, "", 0);
    if (text->len > 0 && text->data[text->len - 1] == '\n')
        text->data[--text->len] = '\0';
    return EXIT_CODE_OK;
}

static enum exit_code read_text(const struct cli *cli, struct buf *text)
{
    const struct options *options = &cli->options;
    const char *arg = options->arg_count > 1 ? options->args[1] : "-";

    if (strcmp(arg, "-") == 0) {
        enum exit_code code = read_stdin(text);
        if (code != EXIT_CODE_OK)
            return code;
    } else {
        buf_puts(text, arg);
    }
    if (text->len == 0)
        report_error("the message is empty");
    else if (text->len > MESSAGE_MAX)
        report_error("the message is longer than the %d bytes that a message may have",
                     MESSAGE_MAX);
    else if (memchr(text->data, '\0', text->len) != NULL || !utf8_is_valid(text->data, text->len))
        report_error("the message is not text: it must be UTF-8 without NUL");
    else
        return EXIT_CODE_OK;
    return EXIT_CODE_USAGE;
}

/* Calls COMMAND and takes the id out of the object MEMBER of its answer. */
static enum exit_code call_for_id(struct cli *cli, const char *command, struct buf *params,
                                  const char *member, char id_out[ID_MAX + 1])
{
    struct reply reply = {0};
    struct reader r = {.command = command};
    enum exit_code code = cli_call(cli, command, params, &reply);

    if (code == EXIT_CODE_OK) {
        const char *id = reader_string(&r, reader_object(&r, reply.json, member), "id");
        if (!reader_ok(&r) || !id_is_valid(id))
            code = EXIT_CODE_BAD_ANSWER;
        else
            memcpy(id_out, id, strlen(id) + 1);
    }
    reply_free(&reply);
    return code;
}

/* The channel of the direct messages with one user. */
static enum exit_code open_dm(struct cli *cli, const char *user, char channel_out[ID_MAX + 1])
{
    char id[ID_MAX + 1];
    struct buf params = {0};

    param_user(&params, "user", user);
    enum exit_code code = call_for_id(cli, "user.get", &params, "user", id);
    if (code != EXIT_CODE_OK)
        return code;
    buf_printf(&params, "\"users\":[\"%s\"]", id);
    return call_for_id(cli, "dm.open", &params, "channel", channel_out);
}

/* Sends until there is an answer that counts; a server that was never reached is not waited for.
 * Whether it may have been sent nevertheless when the reply is no result. */
static bool send_once(struct cli *cli, const char *object, int64_t retry_s, struct reply *reply)
{
    struct retry retry;
    bool sent = false;

    retry_start(&retry, retry_s);
    for (;;) {
        enum reply_kind kind =
            client_call(cli->client, "message.send", object, cli->timeout_ms, reply);
        if (!retry_helps(reply) || (kind == REPLY_UNREACHABLE && !sent))
            return sent;
        if (!sent && cli->err.width > 0)
            report_error("no success yet (%s); trying again with the same id",
                         kind == REPLY_PROBLEM ? reply->problem.type : reply->cause);
        sent = true;
        if (!retry_wait(&retry, reply))
            return true;
    }
}

static bool check_client_msg_id(const char *id, struct buf *error)
{
    size_t len = strlen(id);
    size_t good = 0;

    while (good < len && id[good] >= ' ' && id[good] < 0x7f)
        good++;
    if (len >= 1 && len <= CLIENT_MSG_ID_MAX && good == len)
        return true;
    buf_puts(error, "--client-msg-id is 1 to 64 printable ASCII characters");
    return false;
}

static enum exit_code send_text(struct cli *cli, const char *text, const char *client_msg_id,
                                int64_t retry_s)
{
    const char *target = cli->options.args[0];
    char channel[ID_MAX + 1];
    struct buf object = {0};
    struct reply reply = {0};

    buf_putc(&object, '{');
    if (*target == '@') {
        enum exit_code code = open_dm(cli, target, channel);
        if (code != EXIT_CODE_OK) {
            buf_free(&object);
            return code;
        }
        buf_json_member(&object, "channel", channel);
    } else {
        param_channel(&object, "channel", target);
    }
    buf_json_member(&object, "text", text);
    buf_json_member(&object, "client_msg_id", client_msg_id);
    buf_putc(&object, '}');
    bool in_doubt = send_once(cli, object.data, retry_s, &reply);
    enum exit_code code = report_reply(client_config(cli->client), "message.send", &reply);
    if (code == EXIT_CODE_OK && cli->json)
        cli_print_json(cli, &reply);
    else if (code == EXIT_CODE_OK && cli->out.width > 0)
        (void)puts("Sent.");
    else if (code != EXIT_CODE_OK && in_doubt)
        report_hint("To try again without risk of a second message: --client-msg-id %s",
                    client_msg_id);
    reply_free(&reply);
    buf_free(&object);
    return code;
}

enum exit_code cmd_send(struct cli *cli)
{
    char made[ID_SIZE];
    const char *client_msg_id = cli->options.value[OPTION_CLIENT_MSG_ID];
    struct buf text = {0};
    struct buf error = {0};
    int64_t retry_s;

    if (!options_number(&cli->options, OPTION_RETRY, 0, 86400, 30, &retry_s, &error) ||
        (client_msg_id != NULL && !check_client_msg_id(client_msg_id, &error)))
        return cli_usage(cli, &error);
    enum exit_code code = read_text(cli, &text);
    if (code == EXIT_CODE_OK)
        code = cli_open(cli);
    if (code == EXIT_CODE_OK) {
        id_make(made);
        code = send_text(cli, text.data, client_msg_id != NULL ? client_msg_id : made, retry_s);
    }
    buf_free(&text);
    return code;
}
