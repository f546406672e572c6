/* describe_openapi.c - the HTTP API as OpenAPI 3.1. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "protocol/describe.h"
#include "protocol/describe_schema.h"

#define API "/api/v1/"

static const char about[] =
    "Everything that Parley can do, by HTTP. A command is called with `POST " API "<command>`, its "
    "parameters as one JSON object in the body (`{}`, or no body, where nothing is needed). The "
    "answer is 200 with the result, or the status of an error with problem details (RFC 9457); go "
    "by "
    "their `type`.\n\n"
    "**Values.** Times are RFC 3339 in UTC with milliseconds. `x-unit` says what a number or a "
    "length is counted in: a length in bytes is of the UTF-8, and `maxLength` then is exact for "
    "ASCII. JSON is read strictly: a name twice, NUL, or half a surrogate pair is a `parse_error`, "
    "and an unknown parameter an error that names it. Objects in answers may get more members "
    "within version 1: ignore those you do not know.\n\n"
    "**Pages.** Commands with a `cursor` (`x-pagination`) answer with `next_cursor` while there is "
    "more: call again with it as `cursor`. `message.history` goes by positions instead.\n\n"
    "**Errors.** `x-errors` lists the types that a command can be answered with. `rate_limited` "
    "and "
    "`unavailable` say in `retry_after_ms`, and in seconds in `Retry-After`, when to try again. "
    "`message.send` with the same `client_msg_id` may be repeated at will.\n\n"
    "**Events** over WebSocket are in `" API "asyncapi.json`.";

static void put_info(struct buf *out)
{
    describe_open(out, "info");
    buf_json_member(out, "title", "Parley HTTP API");
    buf_json_member_int(out, "x-protocol-version", PROTOCOL_VERSION);
    buf_json_key(out, "version");
    buf_printf(out, "\"%d.0.0\"", PROTOCOL_VERSION);
    buf_json_member(out, "summary", "Team chat: channels, messages, people, administration.");
    buf_json_member(out, "description", about);
    buf_puts(out, "},\"servers\":[{\"url\":\"/\",\"description\":\"The server that this "
                  "description comes from.\"}]");
}

/* -- families --------------------------------------------------------------------------------- */

/* What stands before the last dot: "admin.user" for admin.user.list. */
static size_t family_len(const char *name)
{
    return (size_t)(strrchr(name, '.') - name);
}

static void put_tags(struct buf *out)
{
    const char *last = "";

    describe_open_list(out, "tags");
    for (int id = 0; id < CMD_COUNT; id++) {
        const struct command *command = command_get((enum command_id)id);
        size_t n = family_len(command->name);
        char description[120];
        bool seen = false;

        for (int before = 0; before < id && !seen; before++) {
            last = command_get((enum command_id)before)->name;
            seen = family_len(last) == n && memcmp(last, command->name, n) == 0;
        }
        if (seen)
            continue;
        describe_open_item(out);
        buf_json_key(out, "name");
        buf_json_string_n(out, command->name, n);
        (void)snprintf(description, sizeof(description), "The commands that begin with `%.*s.`",
                       (int)n, command->name);
        buf_json_member(out, "description", description);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

/* -- commands --------------------------------------------------------------------------------- */

static void put_description(struct buf *out, const struct command *command)
{
    const struct rate_default *rate = rate_default(command->rate);
    struct buf text = {0};

    buf_printf(&text, "%s\n\nWho: %s.", command->help, access_help(command->access));
    if (command->rate == RATE_NONE)
        buf_puts(&text, " Not limited in rate.");
    else
        buf_printf(&text,
                   " Rate class `%s`: by default %" PRIu32 " a second, up to %" PRIu32 " at once.",
                   rate->name, rate->per_second, rate->burst);
    buf_puts(&text, "\n\nErrors:");
    for (int err = ERR_OK + 1; err < ERR_COUNT; err++)
        if (command_can_fail(command, (enum err)err))
            buf_printf(&text, " `%s`", err_name((enum err)err));
    buf_json_member(out, "description", text.data);
    buf_free(&text);
}

static void put_body(struct buf *out, const struct command *command)
{
    bool required = false;

    for (size_t i = 0; i < command->params_n; i++)
        required = required || command->params[i].required;
    describe_open(out, "requestBody");
    buf_json_member_bool(out, "required", required);
    buf_puts(out, ",\"content\":{\"application/json\":{\"schema\":");
    describe_put_params(out, command);
    buf_puts(out, ",\"examples\":{\"call\":{\"value\":");
    describe_put_params_example(out, command);
    buf_puts(out, "}}}}}");
}

/* An error response of STATUS once, however many types have it. */
static bool is_first_of_status(const struct command *command, int err)
{
    for (int before = ERR_OK + 1; before < err; before++)
        if (err_http_status((enum err)before) == err_http_status((enum err)err) &&
            (command == NULL || command_can_fail(command, (enum err)before)))
            return false;
    return true;
}

/* GET: it is a call that only reads, by the query of the URL. */
static void put_responses(struct buf *out, const struct command *command, bool get)
{
    describe_open(out, "responses");
    describe_open(out, "200");
    buf_json_member(out, "description", "It is done.");
    if (strcmp(command->result, "SignedIn") == 0)
        buf_puts(out, ",\"headers\":{\"Set-Cookie\":{\"description\":\"The session, as the cookie "
                      "parley_session.\",\"schema\":{\"type\":\"string\"}}}");
    buf_puts(out, ",\"content\":{\"application/json\":{\"schema\":");
    describe_put_type(out, command->result);
    buf_puts(out, ",\"examples\":{\"answer\":{\"value\":");
    describe_put_type_example(out, command->result);
    buf_puts(out, "}}}}}");
    for (int err = ERR_OK + 1; err < ERR_COUNT; err++) {
        if (!command_can_fail(command, (enum err)err) || !is_first_of_status(command, err))
            continue;
        int status = err_http_status((enum err)err);
        buf_printf(out, ",\"%d\":{\"$ref\":\"#/components/responses/error_%d\"}", status, status);
    }
    if (get)
        buf_puts(out,
                 ",\"304\":{\"description\":\"It is as it was when the answer had the ETag that "
                 "If-None-Match names.\"}}");
    else
        buf_puts(out, ",\"415\":{\"$ref\":\"#/components/responses/error_415\"}}");
}

static void put_errors(struct buf *out, const struct command *command)
{
    describe_open_list(out, "x-errors");
    for (int err = ERR_OK + 1; err < ERR_COUNT; err++) {
        if (!command_can_fail(command, (enum err)err))
            continue;
        buf_json_comma(out);
        buf_json_string(out, err_name((enum err)err));
    }
    buf_putc(out, ']');
}

static void put_pagination(struct buf *out, const struct command *command)
{
    for (size_t i = 0; i < command->params_n; i++)
        if (command->params[i].type == PARAM_CURSOR) {
            describe_open(out, "x-pagination");
            buf_json_member(out, "parameter", command->params[i].name);
            buf_json_member(out, "next", "next_cursor");
            buf_putc(out, '}');
        }
}

static void put_query(struct buf *out, const struct command *command)
{
    describe_open_list(out, "parameters");
    for (size_t i = 0; i < command->params_n; i++) {
        const struct param_spec *param = &command->params[i];
        describe_open_item(out);
        buf_json_member(out, "name", param->name);
        buf_json_member(out, "in", "query");
        buf_json_member(out, "description", param->help);
        buf_json_member_bool(out, "required", param->required);
        if (param->type == PARAM_IDS || param->type == PARAM_WORDS)
            buf_json_member_bool(out, "explode", false);
        buf_json_key(out, "schema");
        describe_put_param(out, param);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

static void put_operation(struct buf *out, const struct command *command, bool get)
{
    char id[LIMIT_COMMAND_CHARS + sizeof("get ")];

    (void)snprintf(id, sizeof(id), "%s%s", get ? "get." : "", command->name);
    describe_open(out, get ? "get" : "post");
    buf_json_member(out, "operationId", id);
    buf_json_key(out, "summary");
    buf_json_string_n(out, command->help, strcspn(command->help, ".;:"));
    put_description(out, command);
    describe_open_list(out, "tags");
    buf_json_string_n(out, command->name, family_len(command->name));
    buf_putc(out, ']');
    buf_puts(out, command->access == ACCESS_ANYONE
                      ? ",\"security\":[]"
                      : ",\"security\":[{\"bearer\":[]},{\"session\":[]}]");
    buf_json_member(out, "x-access", access_name(command->access));
    buf_json_member(out, "x-rate", rate_default(command->rate)->name);
    put_errors(out, command);
    put_pagination(out, command);
    if (get)
        put_query(out, command);
    else
        put_body(out, command);
    put_responses(out, command, get);
    buf_putc(out, '}');
}

static void put_command(struct buf *out, const struct command *command)
{
    char path[sizeof(API) + LIMIT_COMMAND_CHARS];

    (void)snprintf(path, sizeof(path), API "%s", command->name);
    describe_open(out, path);
    put_operation(out, command, false);
    if (command_only_reads(command))
        put_operation(out, command, true);
    buf_putc(out, '}');
}

/* The one address that is no command: session.start, with its events after it. */
static void put_follow(struct buf *out)
{
    static const int errors[] = {400, 401, 404, 422, 429, 503};

    describe_open(out, API "stream.follow");
    describe_open(out, "get");
    buf_json_member(out, "operationId", "stream.follow");
    buf_json_member(out, "summary", "Events as they happen, as server-sent events");
    buf_json_member(
        out, "description",
        "For those who cannot use WebSocket. The first event is `session.started`, with "
        "the result of session.start; the others have the names and the data that they "
        "have over WebSocket. An event's `id` is opaque; sent as `Last-Event-ID`, what "
        "was missed since comes first.");
    buf_puts(out, ",\"tags\":[\"stream\"],\"security\":[{\"bearer\":[]},{\"session\":[]}],"
                  "\"parameters\":[{\"name\":\"streams\",\"in\":\"query\",\"explode\":false,"
                  "\"description\":\"The streams that are wanted; all of one's own if it is "
                  "missing.\",\"schema\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":100,"
                  "\"items\":{\"$ref\":\"#/components/schemas/Stream\"}}},"
                  "{\"name\":\"last_event_id\",\"in\":\"query\",\"description\":\"What "
                  "Last-Event-ID says, for clients that cannot set a header.\","
                  "\"schema\":{\"type\":\"string\"}}],"
                  "\"responses\":{\"200\":{\"description\":\"The events, until either side "
                  "closes.\",\"content\":{\"text/event-stream\":{\"schema\":{\"type\":"
                  "\"string\"}}}}");
    for (size_t i = 0; i < ARRAY_LEN(errors); i++)
        buf_printf(out, ",\"%d\":{\"$ref\":\"#/components/responses/error_%d\"}", errors[i],
                   errors[i]);
    buf_puts(out, "}}}");
}

/* -- components ------------------------------------------------------------------------------- */

static void put_problem(struct buf *out)
{
    const struct object_spec *data = schema_object_find("ErrorData", strlen("ErrorData"));
    static const char detail_of[] = "RFC 9457, with more members where more is known.";

    describe_open(out, "Problem");
    buf_json_member(out, "description", detail_of);
    buf_json_member(out, "type", "object");
    describe_open(out, "properties");
    buf_puts(out, "\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\","
                  "\"minimum\":400,\"maximum\":599},\"request_id\":{\"type\":\"string\","
                  "\"description\":\"The X-Request-Id of the answer.\"}");
    for (size_t i = 0; i < data->fields_n; i++) {
        buf_json_key(out, data->fields[i].name);
        if (data->fields[i].help[0] == '\0') {
            describe_put_type(out, data->fields[i].type);
            continue;
        }
        buf_putc(out, '{');
        buf_json_member(out, "type", data->fields[i].type);
        buf_json_member(out, "description", data->fields[i].help);
        buf_putc(out, '}');
    }
    buf_puts(out, "},\"required\":[\"type\",\"title\",\"status\"]}");
}

static void put_problem_example(struct buf *out, enum err err, int status)
{
    describe_open(out, err_name(err));
    buf_puts(out, "\"value\":{");
    buf_json_member(out, "type", err_name(err));
    buf_json_member(out, "title", err_title(err));
    buf_json_member_int(out, "status", status);
    describe_put_error_example(out, err, status);
    buf_json_member(out, "request_id", DESCRIBE_REQUEST_ID);
    buf_puts(out, "}}");
}

static void put_error_response(struct buf *out, int status, const char *description)
{
    char key[32];

    (void)snprintf(key, sizeof(key), "error_%d", status);
    describe_open(out, key);
    buf_json_member(out, "description", description);
    if (status == 429 || status == 503)
        buf_puts(out, ",\"headers\":{\"Retry-After\":{\"description\":\"Seconds to wait.\","
                      "\"schema\":{\"type\":\"integer\",\"minimum\":0}}}");
    if (status == 401)
        buf_puts(out, ",\"headers\":{\"WWW-Authenticate\":{\"description\":\"The scheme to sign in "
                      "by.\",\"schema\":{\"type\":\"string\"}}}");
    buf_puts(out, ",\"content\":{\"application/problem+json\":{\"schema\":{\"$ref\":"
                  "\"#/components/schemas/Problem\"},\"examples\":{");
    for (int err = ERR_OK + 1; err < ERR_COUNT; err++)
        if (err_http_status((enum err)err) == status)
            put_problem_example(out, (enum err)err, status);
    if (status == 415)
        put_problem_example(out, ERR_INVALID_REQUEST, status);
    buf_puts(out, "}}}}");
}

static void put_error_responses(struct buf *out)
{
    describe_open(out, "responses");
    for (int err = ERR_OK + 1; err < ERR_COUNT; err++) {
        if (!is_first_of_status(NULL, err))
            continue;
        struct buf text = {0};
        for (int other = err; other < ERR_COUNT; other++)
            if (err_http_status((enum err)other) == err_http_status((enum err)err))
                buf_printf(&text, "%s`%s`: %s.", other == err ? "" : " ", err_name((enum err)other),
                           err_title((enum err)other));
        put_error_response(out, err_http_status((enum err)err), text.data);
        buf_free(&text);
    }
    put_error_response(out, 415, "`invalid_request`: The body is not `application/json`.");
    buf_putc(out, '}');
}

static void put_security(struct buf *out)
{
    buf_puts(
        out,
        ",\"securitySchemes\":{"
        "\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"The `token` that "
        "`auth.login` and `auth.register` answer with.\"},"
        "\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"parley_session\","
        "\"description\":\"The cookie that `auth.login` and `auth.register` set. Calls with it "
        "need an `Origin` that is the server's own or one of `allowed_origins`.\"}}");
}

void describe_openapi(struct buf *out)
{
    buf_putc(out, '{');
    buf_json_member(out, "openapi", "3.1.1");
    buf_json_member(out, "jsonSchemaDialect", "https://json-schema.org/draft/2020-12/schema");
    put_info(out);
    put_tags(out);
    describe_open(out, "paths");
    for (int id = 0; id < CMD_COUNT; id++)
        if (command_is_http(command_get((enum command_id)id)))
            put_command(out, command_get((enum command_id)id));
    put_follow(out);
    buf_putc(out, '}');
    describe_open(out, "components");
    describe_open(out, "schemas");
    describe_put_schemas(out);
    put_problem(out);
    buf_putc(out, '}');
    put_error_responses(out);
    put_security(out);
    buf_puts(out, "}}\n");
}
