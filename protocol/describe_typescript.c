/* describe_typescript.c - the tables as a TypeScript module, for the web client. */
#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "protocol/command.h"
#include "protocol/describe.h"
#include "protocol/schema.h"
#include "protocol/websocket.h"

enum { LINE_WIDTH = 100 };

static void put_doc(struct buf *out, const char *indent, const char *help)
{
    if (*help != '\0')
        buf_printf(out, "%s/** %s */\n", indent, help);
}

/* "a|b" as "a" | "b". */
static void put_words(struct buf *out, const char *words)
{
    buf_putc(out, '"');
    for (const char *p = words; *p != '\0'; p++) {
        if (*p == '|')
            buf_puts(out, "\" | \"");
        else
            buf_putc(out, *p);
    }
    buf_putc(out, '"');
}

static void put_name(struct buf *out, const char *name, size_t len);

static void put_type(struct buf *out, const char *type)
{
    size_t len = strlen(type);

    if (strncmp(type, "map<", 4) == 0) {
        const char *comma = strchr(type, ',');
        buf_puts(out, "Record<");
        put_name(out, type + 4, (size_t)(comma - type - 4));
        buf_puts(out, ", ");
        put_name(out, comma + 1, (size_t)(type + len - 1 - comma - 1));
        buf_putc(out, '>');
    } else if (type[len - 1] == ']') {
        put_name(out, type, len - 2);
        buf_puts(out, "[]");
    } else {
        put_name(out, type, len);
    }
}

static void put_inline_fields(struct buf *out, const struct field_spec *fields, size_t n)
{
    buf_puts(out, "{ ");
    for (size_t i = 0; i < n; i++) {
        buf_printf(out, "%s%s%s: ", i > 0 ? "; " : "", fields[i].name,
                   fields[i].required ? "" : "?");
        put_type(out, fields[i].type);
    }
    buf_puts(out, " }");
}

/* One name, without [] or map<>. */
static void put_name(struct buf *out, const char *name, size_t len)
{
    const struct object_spec *object = schema_object_find(name, len);

    if (object != NULL && object->is_inline && object->fields_n > 0)
        put_inline_fields(out, object->fields, object->fields_n);
    else if (len == strlen("integer") && memcmp(name, "integer", len) == 0)
        buf_puts(out, "number");
    else
        buf_put(out, name, len);
}

static void put_limits(struct buf *out)
{
    static const struct {
        const char *name;
        int64_t value;
        const char *help;
    } limits[] = {
#define X(name, wire, value, help) {#wire, value, help},
        LIMIT_MAP(X)
#undef X
    };

    buf_puts(out, "export const LIMITS = {\n");
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        put_doc(out, "  ", limits[i].help);
        buf_printf(out, "  %s: %" PRId64 ",\n", limits[i].name, limits[i].value);
    }
    buf_puts(out, "} as const;\n\n");
}

static void put_errors(struct buf *out)
{
    buf_puts(out, "export type ErrorType =");
    for (int err = ERR_OK + 1; err < ERR_COUNT; err++)
        buf_printf(out, "\n  | \"%s\"", err_name((enum err)err));
    buf_puts(out, ";\n\n");
}

static void put_close_codes(struct buf *out)
{
    buf_puts(out, "export const CLOSE_CODES = {\n");
#define X(name, wire, code, reason) buf_printf(out, "  %s: %d,\n", #wire, code);
    WS_CLOSE_MAP(X)
#undef X
    buf_puts(out, "} as const;\n\n");
}

static void put_values(struct buf *out)
{
    const struct alias_spec *alias;
    const struct enum_spec *words;

    buf_puts(out, "// Values\n\n");
    for (size_t i = 0; (alias = schema_alias(i)) != NULL; i++) {
        put_doc(out, "", alias->help);
        buf_printf(out, "export type %s = string;\n", alias->name);
    }
    buf_puts(out, "export type Empty = Record<string, never>;\n");
    for (size_t i = 0; (words = schema_enum(i)) != NULL; i++) {
        put_doc(out, "", words->help);
        buf_printf(out, "export type %s = ", words->name);
        put_words(out, words->words);
        buf_puts(out, ";\n");
    }
    buf_putc(out, '\n');
}

static void put_interface(struct buf *out, const struct object_spec *object)
{
    put_doc(out, "", object->help);
    buf_printf(out, "export interface %s", object->name);
    if (object->extends != NULL)
        buf_printf(out, " extends %s", object->extends);
    buf_puts(out, " {\n");
    for (size_t i = 0; i < object->fields_n; i++) {
        const struct field_spec *field = &object->fields[i];
        put_doc(out, "  ", field->help);
        buf_printf(out, "  %s%s: ", field->name, field->required ? "" : "?");
        put_type(out, field->type);
        buf_puts(out, ";\n");
    }
    buf_puts(out, "}\n\n");
}

static void put_param_type(struct buf *out, const struct param_spec *param)
{
    static const char *const types[PARAM_TYPE_COUNT] = {
        [PARAM_ID] = "Id",         [PARAM_ID_REF] = "Id",
        [PARAM_STREAM] = "Stream", [PARAM_SEQ] = "number",
        [PARAM_INT] = "number",    [PARAM_BOOL] = "boolean",
        [PARAM_IDS] = "Id[]",      [PARAM_POSITIONS] = "Record<Stream, Position>",
    };

    if (param->type == PARAM_ENUM) {
        put_words(out, param->words);
    } else if (param->type == PARAM_WORDS) {
        buf_putc(out, '(');
        put_words(out, param->words);
        buf_puts(out, ")[]");
    } else {
        buf_puts(out, types[param->type] != NULL ? types[param->type] : "string");
    }
}

static void put_params(struct buf *out, const struct command *command)
{
    if (command->params_n == 0) {
        buf_puts(out, "Empty");
        return;
    }
    buf_puts(out, "{ ");
    for (size_t i = 0; i < command->params_n; i++) {
        const struct param_spec *param = &command->params[i];
        buf_printf(out, "%s%s%s: ", i > 0 ? "; " : "", param->name, param->required ? "" : "?");
        put_param_type(out, param);
    }
    buf_puts(out, " }");
}

/* On one line if it fits, else on four. */
static void put_command(struct buf *out, const struct command *command)
{
    struct buf params = {0};
    struct buf result = {0};

    put_params(&params, command);
    put_type(&result, command->result);
    put_doc(out, "  ", command->help);
    size_t width =
        strlen("  \"\": { params: ; result:  };") + strlen(command->name) + params.len + result.len;
    buf_printf(out,
               width <= LINE_WIDTH ? "  \"%s\": { params: %s; result: %s };\n"
                                   : "  \"%s\": {\n    params: %s;\n    result: %s;\n  };\n",
               command->name, params.data, result.data);
    buf_free(&params);
    buf_free(&result);
}

static void put_commands(struct buf *out)
{
    buf_puts(out, "// Commands\n\nexport interface Commands {\n");
    for (int id = 0; id < CMD_COUNT; id++)
        put_command(out, command_get((enum command_id)id));
    buf_puts(out, "}\n\n"
                  "export type CommandName = keyof Commands;\n"
                  "export type Params<C extends CommandName> = Commands[C][\"params\"];\n"
                  "export type Result<C extends CommandName> = Commands[C][\"result\"];\n\n");
}

static void put_events(struct buf *out)
{
    const struct event_spec *event;

    buf_puts(out, "// Events\n\n");
    put_interface(out, schema_logged());
    buf_puts(out, "export interface Events {\n");
    for (size_t i = 0; (event = schema_event(i)) != NULL; i++) {
        put_doc(out, "  ", event->help);
        buf_printf(out, "  \"%s\": %s", event->name,
                   event->kind == EVENT_EPHEMERAL ? "" : "Logged & ");
        put_inline_fields(out, event->fields, event->fields_n);
        buf_puts(out, ";\n");
    }
    buf_puts(out, "}\n\n"
                  "export type EventName = keyof Events;\n"
                  "export type AnyEvent = "
                  "{ [E in EventName]: { method: E; params: Events[E] } }[EventName];\n");
}

void describe_typescript(struct buf *out)
{
    const struct object_spec *object;

    buf_puts(out, "// Generated by `parleyd --dump-typescript` from the server's own tables. "
                  "Do not edit.\n\n");
    buf_printf(out, "export const PROTOCOL_VERSION = %d;\n\n", PROTOCOL_VERSION);
    put_limits(out);
    put_errors(out);
    put_close_codes(out);
    put_values(out);
    for (size_t i = 0; (object = schema_object(i)) != NULL; i++)
        if (!object->is_inline)
            put_interface(out, object);
    put_commands(out);
    put_events(out);
}
