/* describe_asyncapi.c - the WebSocket API as AsyncAPI 3.
 *
 * The server is the application described: it receives a request for each command, replies to it,
 * and sends the events.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "protocol/describe.h"
#include "protocol/describe_schema.h"
#include "protocol/websocket.h"

#define CHANNEL "#/channels/ws"

static const char about[] =
    "Commands, answers and events as JSON-RPC 2.0, one object in a text frame, over the WebSocket "
    "at `/ws`. A connection begins with `session.start`; from then on events arrive by themselves. "
    "The same commands can be called by HTTP: `/api/v1/openapi.json`.\n\n"
    "**Streams.** A logged event is in the stream of its channel (`c:<channel id>`) or user "
    "(`u:<user id>`): `seq` counts 1, 2, 3 without holes within an `epoch`, and `session.start` "
    "with the last position of each stream resumes there. Events whose `x-ephemeral` is true are "
    "in no stream: they can be dropped when the client reads slowly, and are not repeated.\n\n"
    "Objects may get more members, and there may be more events, within version 1: ignore those "
    "you do not know.";

static void put_ref(struct buf *out, const char *start, const char *name, const char *end)
{
    describe_open_item(out);
    buf_json_key(out, "$ref");
    buf_printf(out, "\"%s%s%s\"}", start, name, end);
}

/* -- the channel ------------------------------------------------------------------------------ */

static void put_channel_message(struct buf *out, const char *name, const char *suffix)
{
    buf_json_comma(out);
    buf_printf(out, "\"%s%s\":{\"$ref\":\"#/components/messages/%s%s\"}", name, suffix, name,
               suffix);
}

static void put_close_codes(struct buf *out)
{
    describe_open(out, "x-close-codes");
#define X(name, wire, code, reason) buf_json_member(out, #code, reason);
    WS_CLOSE_MAP(X)
#undef X
    buf_putc(out, '}');
}

static void put_channel(struct buf *out)
{
    const struct event_spec *event;

    buf_puts(out,
             ",\"channels\":{\"ws\":{\"address\":\"/ws\",\"title\":\"A connection\","
             "\"description\":\"All commands, their answers, and the events of everything that "
             "its user sees.\",\"servers\":[{\"$ref\":\"#/servers/parley\"}],\"messages\":{");
    for (int id = 0; id < CMD_COUNT; id++) {
        put_channel_message(out, command_get((enum command_id)id)->name, ".request");
        put_channel_message(out, command_get((enum command_id)id)->name, ".result");
    }
    put_channel_message(out, "error", "");
    for (size_t i = 0; (event = schema_event(i)) != NULL; i++)
        put_channel_message(out, event->name, "");
    buf_puts(out, "},\"bindings\":{\"ws\":{\"method\":\"GET\",\"bindingVersion\":\"0.1.0\"}}");
    put_close_codes(out);
    buf_puts(out, "}}");
}

/* -- operations ------------------------------------------------------------------------------- */

static void put_command_operation(struct buf *out, const struct command *command)
{
    describe_open(out, command->name);
    buf_json_member(out, "action", "receive");
    buf_puts(out, ",\"channel\":{\"$ref\":\"" CHANNEL "\"}");
    buf_json_member(out, "summary", command->help);
    buf_json_key(out, "description");
    buf_printf(out, "\"Who: %s. Rate class: %s.\"", access_help(command->access),
               rate_default(command->rate)->name);
    if (command->access != ACCESS_ANYONE || command->id == CMD_SESSION_START)
        buf_puts(out, ",\"security\":[{\"$ref\":\"#/components/securitySchemes/bearer\"},"
                      "{\"$ref\":\"#/components/securitySchemes/session\"}]");
    buf_json_member(out, "x-access", access_name(command->access));
    buf_json_member(out, "x-rate", rate_default(command->rate)->name);
    describe_open_list(out, "x-errors");
    for (int err = ERR_OK + 1; err < ERR_COUNT; err++)
        if (command_can_fail(command, (enum err)err)) {
            buf_json_comma(out);
            buf_json_string(out, err_name((enum err)err));
        }
    buf_putc(out, ']');
    describe_open_list(out, "messages");
    put_ref(out, CHANNEL "/messages/", command->name, ".request");
    buf_puts(out, "],\"reply\":{\"channel\":{\"$ref\":\"" CHANNEL "\"}");
    describe_open_list(out, "messages");
    put_ref(out, CHANNEL "/messages/", command->name, ".result");
    put_ref(out, CHANNEL "/messages/", "error", "");
    buf_puts(out, "]}}");
}

static void put_operations(struct buf *out)
{
    const struct event_spec *event;

    describe_open(out, "operations");
    for (int id = 0; id < CMD_COUNT; id++)
        put_command_operation(out, command_get((enum command_id)id));
    describe_open(out, "events");
    buf_json_member(out, "action", "send");
    buf_json_member(out, "summary", "What happens, from session.start on.");
    buf_puts(out, ",\"channel\":{\"$ref\":\"" CHANNEL "\"}");
    describe_open_list(out, "messages");
    for (size_t i = 0; (event = schema_event(i)) != NULL; i++)
        put_ref(out, CHANNEL "/messages/", event->name, "");
    buf_puts(out, "]}}");
}

/* -- messages --------------------------------------------------------------------------------- */

#define ID_SCHEMA "\"id\":{\"$ref\":\"#/components/schemas/RequestId\"}"
#define CORRELATION ",\"correlationId\":{\"location\":\"$message.payload#/id\"}"
#define BEGIN_PAYLOAD                                                                              \
    ",\"payload\":{\"type\":\"object\",\"properties\":{\"jsonrpc\":{\"const\":\"2.0\"},"

static void put_request(struct buf *out, const struct command *command)
{
    bool needed = false;

    for (size_t i = 0; i < command->params_n; i++)
        needed = needed || command->params[i].required;
    buf_json_comma(out);
    buf_printf(out, "\"%s.request\":{\"name\":\"%s\"", command->name, command->name);
    buf_json_member(out, "summary", command->help);
    buf_puts(out, CORRELATION BEGIN_PAYLOAD ID_SCHEMA);
    buf_printf(out, ",\"method\":{\"const\":\"%s\"},\"params\":", command->name);
    describe_put_params(out, command);
    buf_printf(out,
               "},\"required\":[\"jsonrpc\",\"id\",\"method\"%s],\"additionalProperties\":false}",
               needed ? ",\"params\"" : "");
    buf_printf(out,
               ",\"examples\":[{\"payload\":{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\","
               "\"params\":",
               command->name);
    describe_put_params_example(out, command);
    buf_puts(out, "}}]}");
}

static void put_result(struct buf *out, const struct command *command)
{
    buf_json_comma(out);
    buf_printf(out, "\"%s.result\":{\"name\":\"%s.result\"", command->name, command->name);
    buf_json_key(out, "summary");
    buf_printf(out, "\"What %s is answered with.\"", command->name);
    buf_puts(out, CORRELATION BEGIN_PAYLOAD ID_SCHEMA ",\"result\":");
    describe_put_type(out, command->result);
    buf_puts(out, "},\"required\":[\"jsonrpc\",\"id\",\"result\"]}");
    buf_puts(out, ",\"examples\":[{\"payload\":{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":");
    describe_put_type_example(out, command->result);
    buf_puts(out, "}}]}");
}

static void put_error_payload(struct buf *out, enum err err)
{
    buf_json_comma(out);
    buf_putc(out, '{');
    buf_json_member(out, "name", err_name(err));
    buf_printf(out, ",\"payload\":{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{",
               err == ERR_PARSE_ERROR ? "null" : "1");
    buf_json_member_int(out, "code", err_rpc_code(err));
    buf_json_member(out, "message", err_title(err));
    describe_open(out, "data");
    buf_json_member(out, "type", err_name(err));
    describe_put_error_example(out, err, 0);
    buf_puts(out, "}}}}");
}

static void put_error(struct buf *out)
{
    buf_puts(out, ",\"error\":{\"name\":\"error\",\"summary\":\"What any command can be answered "
                  "with instead; the id is null when the request had none that could be read.\"");
    buf_puts(
        out, CORRELATION BEGIN_PAYLOAD
        "\"id\":{\"oneOf\":[{\"$ref\":\"#/components/schemas/RequestId\"},{\"type\":\"null\"}]},"
        "\"error\":{\"type\":\"object\",\"properties\":{\"code\":{\"type\":\"integer\"},"
        "\"message\":{\"type\":\"string\"},\"data\":{\"$ref\":\"#/components/schemas/ErrorData\"}},"
        "\"required\":[\"code\",\"message\",\"data\"]}},\"required\":[\"jsonrpc\",\"id\","
        "\"error\"]},\"examples\":[");
    for (int err = ERR_OK + 1; err < ERR_COUNT; err++)
        if (err != ERR_TOO_LARGE) /* that closes the connection, with 1009 */
            put_error_payload(out, (enum err)err);
    buf_puts(out, "]}");
}

static void put_event(struct buf *out, const struct event_spec *event)
{
    static const char *const streams[] = {
        [EVENT_CHANNEL] = "channel", [EVENT_USER] = "user", [EVENT_EPHEMERAL] = "none"};
    static const char *const where[] = {
        [EVENT_CHANNEL] = "Logged in the stream of its channel, for its members.",
        [EVENT_USER] = "Logged in the user's own stream.",
        [EVENT_EPHEMERAL] = "Ephemeral: in no stream, can be dropped, not repeated.",
    };

    describe_open(out, event->name);
    buf_json_member(out, "name", event->name);
    buf_json_member(out, "summary", event->help);
    buf_json_member(out, "description", where[event->kind]);
    buf_json_member(out, "x-stream", streams[event->kind]);
    buf_json_member_bool(out, "x-ephemeral", event->kind == EVENT_EPHEMERAL);
    buf_puts(out, BEGIN_PAYLOAD);
    buf_printf(out, "\"method\":{\"const\":\"%s\"},\"params\":", event->name);
    describe_put_event(out, event);
    buf_puts(out, "},\"required\":[\"jsonrpc\",\"method\",\"params\"]}");
    buf_printf(out,
               ",\"examples\":[{\"payload\":{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"params\":",
               event->name);
    describe_put_event_example(out, event);
    buf_puts(out, "}}]}");
}

static void put_components(struct buf *out)
{
    const struct event_spec *event;

    describe_open(out, "components");
    describe_open(out, "schemas");
    describe_put_schemas(out);
    describe_open(out, "RequestId");
    buf_json_member(out, "description", "Chosen by the client; comes back as it was.");
    buf_printf(out, ",\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"string\",\"maxLength\":%d}]}}",
               LIMIT_RPC_ID_BYTES);
    describe_open(out, "messages");
    for (int id = 0; id < CMD_COUNT; id++) {
        put_request(out, command_get((enum command_id)id));
        put_result(out, command_get((enum command_id)id));
    }
    put_error(out);
    for (size_t i = 0; (event = schema_event(i)) != NULL; i++)
        put_event(out, event);
    buf_puts(out,
             "},\"securitySchemes\":{"
             "\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"A session's "
             "token in "
             "the handshake; or give it to session.start.\"},"
             "\"session\":{\"type\":\"httpApiKey\",\"in\":\"cookie\",\"name\":\"parley_session\","
             "\"description\":\"The session cookie in the handshake, from a page of an allowed "
             "origin.\"}}}");
}

void describe_asyncapi(struct buf *out)
{
    buf_putc(out, '{');
    buf_json_member(out, "asyncapi", "3.0.0");
    buf_json_member(out, "id", "urn:parley:protocol");
    buf_json_member(out, "defaultContentType", "application/json");
    describe_open(out, "info");
    buf_json_member(out, "title", "Parley WebSocket API");
    buf_json_key(out, "version");
    buf_printf(out, "\"%d.0.0\"", PROTOCOL_VERSION);
    buf_json_member(out, "description", about);
    buf_puts(out,
             "},\"servers\":{\"parley\":{\"host\":\"{host}\",\"protocol\":\"ws\",\"description\":"
             "\"The server that this description comes from; wss where it has TLS.\","
             "\"variables\":{\"host\":{\"default\":\"127.0.0.1:8080\",\"description\":\"Where it "
             "listens.\"}}}}");
    put_channel(out);
    put_operations(out);
    put_components(out);
    buf_puts(out, "}\n");
}
