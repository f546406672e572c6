/* tail.c - parleyctl tail: a channel, from its last messages on.
 *
 *     channel.get     -> epoch and seq: the cut
 *     message.history -> the last messages; some may be newer than the cut
 *     stream.events   -> everything after the cut, waiting for more; what the history showed
 *                        already is left out (tail_view.c)
 *
 * A server that goes away is tried again from the same position. A position that it no longer
 * serves (`gone`: far behind, or a restored backup) is brought up to date from the history.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "cli/report.h"
#include "cli/retry.h"
#include "cli/tail_view.h"

enum { PAGE = 200, WAIT_MS = 25000, IDLE_MS = 250, EPOCH_MAX = 16, LINES_MAX = 10000 };

struct tail {
    struct cli *cli;
    struct tail_view view;
    char channel[ID_MAX + 1];
    char epoch[EPOCH_MAX + 1];
    uint64_t seq;  /* every event up to it has been shown */
    int64_t lines; /* how many messages to begin with */
    bool follow;
    bool begun; /* there was an answer: from now on the server is waited for */
    bool away;
    unsigned gone; /* times in a row that the position could not be served */
};

static void notice(const struct tail *tail, const char *text)
{
    (void)fflush(stdout);
    (void)fprintf(stderr, "%s-- %s --%s\n", term_style(&tail->cli->err, STYLE_YELLOW), text,
                  term_style(&tail->cli->err, STYLE_PLAIN));
}

/* A call that outlives the server. What repeating does not help is reported. */
static enum exit_code call(struct tail *tail, const char *command, const struct buf *params,
                           int64_t wait_ms, struct reply *reply)
{
    struct cli *cli = tail->cli;
    struct retry retry;

    retry_start(&retry, -1);
    for (;;) {
        (void)client_call(cli->client, command, params->data, cli->timeout_ms + wait_ms, reply);
        if (!retry_helps(reply) || !tail->begun)
            break;
        if (!tail->away)
            notice(tail, "the server is away; waiting for it");
        tail->away = true;
        (void)retry_wait(&retry, reply);
    }
    if (tail->away)
        notice(tail, "the server is back");
    tail->away = false;
    tail->begun = true;
    if (reply->kind == REPLY_PROBLEM && strcmp(reply->problem.type, "gone") == 0)
        return EXIT_CODE_NOT_FOUND;
    return report_reply(client_config(cli->client), command, reply);
}

/* Takes id, epoch and top from the answer of channel.get. */
static enum exit_code take_top(struct tail *tail, const json_t *answer,
                               char epoch_out[EPOCH_MAX + 1], uint64_t *seq_out)
{
    struct reader r = {.command = "channel.get"};
    const json_t *channel = reader_object(&r, answer, "channel");
    const char *id = reader_string(&r, channel, "id");
    const char *epoch = reader_string_opt(&r, channel, "epoch");

    *seq_out = reader_uint_opt(&r, channel, "seq");
    if (!r.failed && epoch == NULL) {
        report_error("over the network only members can follow a channel");
        report_hint(
            "Join it, or run parleyctl on the server itself: there it follows any channel.");
        return EXIT_CODE_FORBIDDEN;
    }
    if (!reader_ok(&r) || strlen(epoch) > EPOCH_MAX || !id_is_valid(id))
        return EXIT_CODE_BAD_ANSWER;
    memcpy(tail->channel, id, strlen(id) + 1);
    memcpy(epoch_out, epoch, strlen(epoch) + 1);
    return EXIT_CODE_OK;
}

/* Asks for the channel's stream, by id or, at first, by what was typed. */
static enum exit_code read_top(struct tail *tail, char epoch_out[EPOCH_MAX + 1], uint64_t *seq_out)
{
    struct reply reply = {0};
    struct buf params = {0};

    buf_putc(&params, '{');
    param_channel(&params, "channel",
                  *tail->channel != '\0' ? tail->channel : tail->cli->options.args[0]);
    buf_putc(&params, '}');
    enum exit_code code = call(tail, "channel.get", &params, 0, &reply);
    if (code == EXIT_CODE_OK)
        code = take_top(tail, reply.json, epoch_out, seq_out);
    else if (code == EXIT_CODE_NOT_FOUND)
        report_hint("parleyctl channel list shows the channels there are.");
    buf_free(&params);
    reply_free(&reply);
    return code;
}

/* One page of history into *reply; POSITION is "before" or "after" SEQ, or NULL for the newest. */
static enum exit_code read_history(struct tail *tail, const char *position, uint64_t seq,
                                   int64_t limit, struct reader *r, struct reply *reply,
                                   const json_t **messages_out)
{
    struct buf params = {0};

    buf_printf(&params, "{\"channel\":\"%s\",\"limit\":%" PRId64, tail->channel, limit);
    if (position != NULL)
        buf_printf(&params, ",\"%s\":%" PRIu64, position, seq);
    buf_putc(&params, '}');
    enum exit_code code = call(tail, "message.history", &params, 0, reply);
    buf_free(&params);
    if (code != EXIT_CODE_OK)
        return code;
    *messages_out = reader_array(r, reply->json, "messages");
    tail_view_learn(&tail->view, json_object_get(reply->json, "users"));
    return reader_ok(r) ? EXIT_CODE_OK : EXIT_CODE_BAD_ANSWER;
}

/* The last `lines` messages: pages from the newest back, then shown from the oldest on. */
static enum exit_code show_last(struct tail *tail)
{
    struct reader r = {.command = "message.history"};
    json_t *pages = json_array();
    int64_t left = tail->lines;
    uint64_t before = 0;
    bool more = true;
    enum exit_code code = EXIT_CODE_OK;

    while (left > 0 && more && code == EXIT_CODE_OK) {
        struct reply reply = {0};
        const json_t *messages = NULL;
        code = read_history(tail, before > 0 ? "before" : NULL, before, left < PAGE ? left : PAGE,
                            &r, &reply, &messages);
        if (code == EXIT_CODE_OK) {
            (void)json_array_insert(pages, 0, (json_t *)messages);
            left -= (int64_t)json_array_size(messages);
            before = json_array_size(messages) > 0
                         ? reader_uint(&r, json_array_get(messages, 0), "seq")
                         : 0;
            more = reader_bool_opt(&r, reply.json, "more_before") && before > 1;
        }
        reply_free(&reply);
    }
    const json_t *page;
    const json_t *message;
    size_t i;
    size_t j;
    json_array_foreach(pages, i, page) json_array_foreach(page, j, message)
        tail_view_history(&tail->view, &r, message);
    json_decref(pages);
    (void)fflush(stdout);
    return code == EXIT_CODE_OK && !reader_ok(&r) ? EXIT_CODE_BAD_ANSWER : code;
}

static enum exit_code begin(struct tail *tail)
{
    enum exit_code code = read_top(tail, tail->epoch, &tail->seq);

    return code == EXIT_CODE_OK ? show_last(tail) : code;
}

/* Every message after the position, up to the present; their edits are in their text. */
static enum exit_code show_missed(struct tail *tail)
{
    struct reader r = {.command = "message.history"};
    uint64_t after = tail->seq;
    bool more = true;
    enum exit_code code = EXIT_CODE_OK;

    while (more && code == EXIT_CODE_OK) {
        struct reply reply = {0};
        const json_t *messages = NULL;
        const json_t *message;
        size_t i;
        code = read_history(tail, "after", after, PAGE, &r, &reply, &messages);
        json_array_foreach(messages, i, message)
        {
            tail_view_history(&tail->view, &r, message);
            after = reader_uint(&r, message, "seq");
        }
        more = code == EXIT_CODE_OK && json_array_size(messages) > 0 && !r.failed &&
               reader_bool_opt(&r, reply.json, "more_after");
        reply_free(&reply);
    }
    return code == EXIT_CODE_OK && !reader_ok(&r) ? EXIT_CODE_BAD_ANSWER : code;
}

/* The position cannot be served any more. */
static enum exit_code catch_up(struct tail *tail)
{
    char epoch[EPOCH_MAX + 1] = "";
    uint64_t seq;
    enum exit_code code = read_top(tail, epoch, &seq);

    if (code != EXIT_CODE_OK)
        return code;
    if (++tail->gone > 3) {
        report_error("the server does not serve the position that it gave");
        return EXIT_CODE_BAD_ANSWER;
    }
    (void)json_object_clear(tail->view.shown);
    if (strcmp(epoch, tail->epoch) != 0) {
        notice(tail, "the channel was restored from a backup; its last messages again");
        memcpy(tail->epoch, epoch, sizeof(epoch));
        tail->seq = seq;
        return show_last(tail);
    }
    notice(tail, "far behind: edits of earlier messages are not shown");
    code = show_missed(tail);
    tail->seq = seq;
    return code;
}

/* Shows the events of one answer. */
static enum exit_code take_events(struct tail *tail, const struct reply *reply)
{
    struct reader r = {.command = "stream.events"};
    const json_t *events = reader_array(&r, reply->json, "events");
    const json_t *event;
    size_t i;

    json_array_foreach(events, i, event)
    {
        uint64_t seq = reader_uint(&r, reader_object(&r, event, "params"), "seq");
        if (r.failed || seq <= tail->seq)
            continue;
        if (seq != tail->seq + 1) {
            report_error("the events %" PRIu64 " to %" PRIu64 " are missing in the answer",
                         tail->seq + 1, seq - 1);
            return EXIT_CODE_BAD_ANSWER;
        }
        tail_view_event(&tail->view, &r, event);
        tail->seq = seq;
    }
    (void)fflush(stdout);
    return reader_ok(&r) ? EXIT_CODE_OK : EXIT_CODE_BAD_ANSWER;
}

static enum exit_code follow(struct tail *tail)
{
    struct reply reply = {0};
    enum exit_code code = EXIT_CODE_OK;

    while (code == EXIT_CODE_OK && !ferror(stdout)) {
        struct buf params = {0};
        buf_printf(&params, "{\"stream\":\"c:%s\"", tail->channel);
        buf_json_member(&params, "epoch", tail->epoch);
        buf_printf(&params, ",\"after\":%" PRIu64 ",\"limit\":%d,\"wait_ms\":%d}", tail->seq, PAGE,
                   WAIT_MS);
        uint64_t asked = monotonic_ms();
        code = call(tail, "stream.events", &params, WAIT_MS, &reply);
        buf_free(&params);
        if (code == EXIT_CODE_OK) {
            tail->gone = 0;
            code = take_events(tail, &reply);
            /* a draining server does not wait for events: do not keep it busy */
            if (json_array_size(json_object_get(reply.json, "events")) == 0 &&
                monotonic_ms() - asked < WAIT_MS / 2)
                pause_ms(IDLE_MS);
        } else if (reply.kind == REPLY_PROBLEM && strcmp(reply.problem.type, "gone") == 0) {
            code = catch_up(tail);
        }
    }
    reply_free(&reply);
    return code;
}

enum exit_code cmd_tail(struct cli *cli)
{
    struct tail tail = {.cli = cli, .follow = cli->options.value[OPTION_NO_FOLLOW] == NULL};
    struct buf error = {0};

    if (!options_number(&cli->options, OPTION_LINES, 0, LINES_MAX, 10, &tail.lines, &error))
        return cli_usage(cli, &error);
    enum exit_code code = cli_open(cli);
    if (code != EXIT_CODE_OK)
        return code;
    tail_view_init(&tail.view, cli);
    code = begin(&tail);
    if (code == EXIT_CODE_OK && tail.follow)
        code = follow(&tail);
    tail_view_free(&tail.view);
    return code;
}
