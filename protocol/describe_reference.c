/* describe_reference.c - the reference for people, from the tables that the OpenAPI and AsyncAPI
 * documents come from: docs/api.md, and the page at /docs.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "protocol/describe.h"
#include "protocol/describe_schema.h"
#include "protocol/page.h"
#include "protocol/websocket.h"

#define API "/api/v1/"

static const char about[] =
    "Every command and every event, with an example of each. Machines have the same as OpenAPI 3.1 "
    "(`" API "openapi.json`, `parleyd --dump-openapi`) and AsyncAPI 3 (`" API
    "asyncapi.json`, `parleyd --dump-asyncapi`).\n\n"
    "**HTTP.** `POST " API "<command>` with the parameters as one JSON object in the body, or "
    "`GET` with them in the query for what only reads. The answer is 200 with the result, or an "
    "error's status with problem details (RFC 9457). Sign in with `auth.login` and send its "
    "`token` as `Authorization: Bearer <token>`.\n\n"
    "**WebSocket.** `/ws` takes the same commands as JSON-RPC 2.0, one object a text frame, and "
    "sends the [events](#events). A connection begins with "
    "[`session.start`](#sessionstart).\n\n"
    "**Socket.IO.** `/socket.io/`: `emit(\"<command>\", parameters, ack)`; an event comes under "
    "its "
    "name.\n\n"
    "Times are RFC 3339 in UTC. Objects may get more members, and there may be more events, within "
    "version 1: ignore those you do not know.";

/* -- small things ----------------------------------------------------------------------------- */

/* The JSON that WRITE made, set out in lines. */
static void put_example(struct page *page, const char *title, const struct buf *json)
{
    json_error_t error;
    json_t *value = json_loadb(json->data, json->len, JSON_DECODE_ANY, &error);
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);

    page_text(page, title);
    page_code(page, "json", text, strlen(text));
    free(text);
    json_decref(value);
}

static void put_bounds(struct buf *out, const struct param_spec *param)
{
    const char *count = param_type_counts(param->type);

    if (param->type == PARAM_ENUM || param->type == PARAM_WORDS)
        buf_printf(out, ": `%s`", param->words);
    else if (*count != '\0')
        buf_printf(out, ", %" PRId64 " to %" PRId64 "%s%s", param->min, param->max,
                   strcmp(count, "value") == 0 ? "" : " ",
                   strcmp(count, "value") == 0 ? "" : count);
}

/* -- commands --------------------------------------------------------------------------------- */

static void put_params(struct page *page, const struct command *command)
{
    static const char *const heads[] = {"Parameter", "What it may be", "Needed", ""};
    struct buf name = {0};
    struct buf kind = {0};
    struct buf need = {0};

    if (command->params_n == 0) {
        page_text(page, "No parameters.");
        return;
    }
    page_table_begin(page, heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < command->params_n; i++) {
        const struct param_spec *param = &command->params[i];
        buf_clear(&name);
        buf_clear(&kind);
        buf_clear(&need);
        buf_printf(&name, "`%s`", param->name);
        buf_puts(&kind, param_type_help(param->type));
        put_bounds(&kind, param);
        if (param->has_default)
            buf_printf(&need, "no: %" PRId64, param->absent);
        else
            buf_puts(&need, param->required ? "yes" : "no");
        page_table_row(page, (const char *[]){name.data, kind.data, need.data, param->help});
    }
    page_table_end(page);
    buf_free(&name);
    buf_free(&kind);
    buf_free(&need);
}

static void put_rules(struct page *page, const struct command *command)
{
    struct buf text = {0};

    buf_printf(&text, "Who: %s.", access_help(command->access));
    if (command->access != ACCESS_ANYONE && command->scope < SCOPE_COUNT)
        buf_printf(&text, " Scope of a token: `%s`.", scope_name(command->scope));
    else if (command->scope == SCOPE_SESSION)
        buf_puts(&text, " Not with a token.");
    if (command->rate != RATE_NONE)
        buf_printf(&text, " Rate: `%s`.", rate_default(command->rate)->name);
    if (command_only_reads(command) && command_is_http(command))
        buf_puts(&text, " Over HTTP also with `GET`.");
    if (!command_is_http(command))
        buf_puts(&text, " Not over HTTP.");
    page_text(page, text.data);
    buf_clear(&text);
    buf_puts(&text, "Errors:");
    for (int err = ERR_OK + 1; err < ERR_COUNT; err++)
        if (command_can_fail(command, (enum err)err))
            buf_printf(&text, " `%s`", err_name((enum err)err));
    page_text(page, text.data);
    buf_free(&text);
}

static void put_command(struct page *page, const struct command *command)
{
    struct buf json = {0};
    char title[LIMIT_COMMAND_CHARS + 64];

    page_heading(page, 3, command->name);
    page_text(page, command->help);
    put_rules(page, command);
    put_params(page, command);
    describe_put_params_example(&json, command);
    (void)snprintf(title, sizeof(title),
                   command_is_http(command) ? "`POST " API "%s`" : "`%s` over WebSocket",
                   command->name);
    put_example(page, title, &json);
    buf_clear(&json);
    describe_put_type_example(&json, command->result);
    put_example(page, "Result:", &json);
    buf_free(&json);
}

static size_t family_len(const char *name)
{
    return strcspn(name, ".");
}

static bool begins_family(int id)
{
    const char *name = command_get((enum command_id)id)->name;
    const char *before = id > 0 ? command_get((enum command_id)(id - 1))->name : "";

    return family_len(name) != family_len(before) || strncmp(name, before, family_len(name)) != 0;
}

/* "[`message.send`](#messagesend)", with its anchor. */
static void put_link(struct buf *out, const char *name)
{
    buf_printf(out, " [`%s`](#", name);
    page_anchor(out, name);
    buf_putc(out, ')');
}

static void put_contents(struct page *page)
{
    struct buf text = {0};
    const struct event_spec *event;

    page_heading(page, 2, "Contents");
    page_list_begin(page);
    for (int id = 0; id < CMD_COUNT; id++) {
        const char *name = command_get((enum command_id)id)->name;
        if (begins_family(id) && id > 0) {
            page_list_item(page, text.data);
            buf_clear(&text);
        }
        if (begins_family(id))
            buf_printf(&text, "%.*s:", (int)family_len(name), name);
        put_link(&text, name);
    }
    page_list_item(page, text.data);
    buf_clear(&text);
    buf_puts(&text, "[events](#events):");
    for (size_t i = 0; (event = schema_event(i)) != NULL; i++)
        put_link(&text, event->name);
    page_list_item(page, text.data);
    page_list_item(page, "[objects](#objects), [errors](#errors), [close codes](#close-codes)");
    page_list_end(page);
    buf_free(&text);
}

/* -- events and objects ----------------------------------------------------------------------- */

static void put_fields(struct page *page, const struct field_spec *fields, size_t n)
{
    static const char *const heads[] = {"Member", "Type", ""};
    char name[80];
    char type[120];

    if (n == 0)
        return;
    page_table_begin(page, heads, ARRAY_LEN(heads));
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(name, sizeof(name), "`%s`", fields[i].name);
        (void)snprintf(type, sizeof(type), "`%s`%s", fields[i].type,
                       fields[i].required ? "" : ", if any");
        page_table_row(page, (const char *[]){name, type, fields[i].help});
    }
    page_table_end(page);
}

static void put_event(struct page *page, const struct event_spec *event)
{
    static const char *const where[] = {
        [EVENT_CHANNEL] = "In the stream of its channel, for its members.",
        [EVENT_USER] = "In the user's own stream.",
        [EVENT_EPHEMERAL] = "In no stream: it can be dropped, and is not repeated.",
    };
    struct buf json = {0};

    page_heading(page, 3, event->name);
    page_text(page, event->help);
    page_text(page, where[event->kind]);
    put_fields(page, event->fields, event->fields_n);
    describe_put_event_example(&json, event);
    put_example(page, "It carries:", &json);
    buf_free(&json);
}

static void put_events(struct page *page)
{
    const struct event_spec *event;

    page_heading(page, 2, "Events");
    page_text(page,
              "Over WebSocket an event is a notification, `{\"jsonrpc\": \"2.0\", \"method\": "
              "\"<event>\", \"params\": {...}}`, and over Socket.IO it has the same params. `" API
              "stream.follow` has them as server-sent events. What is in a stream has these "
              "members before its own:");
    put_fields(page, schema_logged()->fields, schema_logged()->fields_n);
    for (size_t i = 0; (event = schema_event(i)) != NULL; i++)
        put_event(page, event);
}

static void put_objects(struct page *page)
{
    const struct object_spec *object;
    struct buf text = {0};
    char title[80];

    page_heading(page, 2, "Objects");
    page_text(page, "`[]` is a list, `map<A,B>` an object whose members are named by an A.");
    for (size_t i = 0; (object = schema_object(i)) != NULL; i++) {
        buf_clear(&text);
        buf_puts(&text, object->help);
        if (object->extends != NULL)
            buf_printf(&text, "%sHas all of `%s` too.", text.len > 0 ? " " : "", object->extends);
        (void)snprintf(title, sizeof(title), "Object: %s", object->name);
        page_heading(page, 3, title);
        if (text.len > 0)
            page_text(page, text.data);
        put_fields(page, object->fields, object->fields_n);
    }
    buf_free(&text);
}

/* -- errors ----------------------------------------------------------------------------------- */

static void put_errors(struct page *page)
{
    static const char *const heads[] = {"Type", "HTTP", "JSON-RPC", "What it says"};
    char type[40];
    char status[12];
    char code[12];

    page_heading(page, 2, "Errors");
    page_table_begin(page, heads, ARRAY_LEN(heads));
    for (int err = ERR_OK + 1; err < ERR_COUNT; err++) {
        (void)snprintf(type, sizeof(type), "`%s`", err_name((enum err)err));
        (void)snprintf(status, sizeof(status), "%d", err_http_status((enum err)err));
        (void)snprintf(code, sizeof(code), "%d", err_rpc_code((enum err)err));
        page_table_row(page, (const char *[]){type, status, code, err_title((enum err)err)});
    }
    page_table_end(page);
}

static void put_close_codes(struct page *page)
{
    static const char *const heads[] = {"Code", "Reason"};

    page_heading(page, 2, "Close codes");
    page_table_begin(page, heads, ARRAY_LEN(heads));
#define X(name, wire, code, reason) page_table_row(page, (const char *[]){#code, reason});
    WS_CLOSE_MAP(X)
#undef X
    page_table_end(page);
}

static void put_page(struct page *page)
{
    page_heading(page, 1, "Parley API reference");
    page_text(page, about);
    put_contents(page);
    for (int id = 0; id < CMD_COUNT; id++) {
        const struct command *command = command_get((enum command_id)id);
        if (begins_family(id)) {
            char family[LIMIT_COMMAND_CHARS + 16];
            (void)snprintf(family, sizeof(family), "Commands: %.*s", (int)family_len(command->name),
                           command->name);
            page_heading(page, 2, family);
        }
        put_command(page, command);
    }
    put_events(page);
    put_objects(page);
    put_errors(page);
    put_close_codes(page);
}

void describe_reference(struct buf *out)
{
    buf_puts(out, "<!-- parleyd --dump-api-docs -->\n\n");
    put_page(&(struct page){.out = out});
    while (out->len > 1 && out->data[out->len - 2] == '\n') /* one line's end at the end */
        out->data[--out->len] = '\0';
}

void describe_reference_html(struct buf *out)
{
    buf_puts(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                  "<meta name=\"color-scheme\" content=\"light dark\">\n"
                  "<title>Parley API reference</title>\n"
                  "<link rel=\"stylesheet\" href=\"/docs.css\">\n</head>\n<body>\n<main>\n");
    put_page(&(struct page){.out = out, .html = true});
    buf_puts(out, "</main>\n</body>\n</html>\n");
}

void describe_reference_css(struct buf *out)
{
    buf_puts(out,
             ":root{color-scheme:light dark;--text:#1d1c1d;--quiet:#5a595c;--back:#fff;"
             "--code:#f3f2f4;--line:#dcdade;--link:#0b57a4}\n"
             "@media (prefers-color-scheme:dark){:root{--text:#e9e7ea;--quiet:#b3b0b6;"
             "--back:#1a1a1e;--code:#27272d;--line:#3b3b42;--link:#8ab8f5}}\n"
             "body{margin:0;background:var(--back);color:var(--text);"
             "font:1rem/1.55 system-ui,sans-serif}\n"
             "main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 4rem}\n"
             "h1,h2,h3{line-height:1.25;scroll-margin-top:1rem}\n"
             "h2{margin-top:3rem;border-bottom:1px solid var(--line);padding-bottom:.3rem}\n"
             "h3{margin-top:2.2rem;font-family:ui-monospace,monospace}\n"
             "a{color:var(--link)}\n"
             "a:focus-visible,[tabindex]:focus-visible{outline:2px solid var(--link);"
             "outline-offset:2px}\n"
             "code,pre{font-family:ui-monospace,monospace;font-size:.92em;background:var(--code);"
             "border-radius:.25rem}\n"
             "code{padding:.1em .3em}\n"
             "pre{padding:.8rem 1rem;overflow-x:auto}\n"
             "pre code{padding:0;background:none}\n"
             ".wide{overflow-x:auto}\n"
             "table{border-collapse:collapse;width:100%}\n"
             "th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;"
             "border-bottom:1px solid var(--line)}\n"
             "th{color:var(--quiet);font-weight:600}\n"
             "li{margin:.3rem 0}\n");
}
