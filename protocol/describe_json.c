/* describe_json.c - the tables as one JSON object, for tools and tests. */
#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "protocol/command.h"
#include "protocol/describe.h"
#include "protocol/describe_schema.h"
#include "protocol/schema.h"
#include "protocol/websocket.h"

static void open_object(struct buf *out)
{
    buf_json_comma(out);
    buf_putc(out, '{');
}

static void open_list(struct buf *out, const char *key)
{
    buf_json_key(out, key);
    buf_putc(out, '[');
}

static void put_limits(struct buf *out)
{
    buf_json_key(out, "limits");
    buf_putc(out, '{');
#define X(name, wire, value, help) buf_json_member_int(out, #wire, value);
    LIMIT_MAP(X)
#undef X
    buf_putc(out, '}');
    buf_json_key(out, "limit_help");
    buf_putc(out, '{');
#define X(name, wire, value, help) buf_json_member(out, #wire, help);
    LIMIT_MAP(X)
#undef X
    buf_putc(out, '}');
}

static void put_rates(struct buf *out)
{
    buf_json_key(out, "rates");
    buf_putc(out, '{');
    for (int i = 0; i < RATE_COUNT; i++) {
        const struct rate_default *rate = rate_default((enum rate_class)i);
        buf_json_key(out, rate->name);
        buf_printf(out, "{\"per_second\":%" PRIu32 ",\"burst\":%" PRIu32 "}", rate->per_second,
                   rate->burst);
    }
    buf_putc(out, '}');
}

static void put_scopes(struct buf *out)
{
    buf_json_key(out, "scopes");
    buf_putc(out, '{');
#define X(name, wire, help) buf_json_member(out, wire, help);
    SCOPE_MAP(X)
#undef X
    buf_putc(out, '}');
}

static void put_errors(struct buf *out)
{
    open_list(out, "errors");
    for (int i = ERR_OK + 1; i < ERR_COUNT; i++) {
        enum err err = (enum err)i;
        open_object(out);
        buf_json_member(out, "type", err_name(err));
        buf_json_member(out, "title", err_title(err));
        buf_json_member_int(out, "code", err_rpc_code(err));
        buf_json_member_int(out, "status", err_http_status(err));
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

static void put_close_code(struct buf *out, const char *name, int code, const char *reason)
{
    open_object(out);
    buf_json_member(out, "name", name);
    buf_json_member_int(out, "code", code);
    buf_json_member(out, "reason", reason);
    buf_putc(out, '}');
}

static void put_close_codes(struct buf *out)
{
    open_list(out, "close_codes");
#define X(name, wire, code, reason) put_close_code(out, #wire, code, reason);
    WS_CLOSE_MAP(X)
#undef X
    buf_putc(out, ']');
}

static void put_values(struct buf *out)
{
    const struct alias_spec *alias;
    const struct enum_spec *words;

    open_list(out, "aliases");
    for (size_t i = 0; (alias = schema_alias(i)) != NULL; i++) {
        open_object(out);
        buf_json_member(out, "name", alias->name);
        buf_json_member(out, "pattern", alias->pattern);
        buf_json_member(out, "help", alias->help);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
    open_list(out, "enums");
    for (size_t i = 0; (words = schema_enum(i)) != NULL; i++) {
        open_object(out);
        buf_json_member(out, "name", words->name);
        describe_put_words(out, "words", words->words);
        buf_json_member(out, "help", words->help);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

static void put_fields(struct buf *out, const struct field_spec *fields, size_t n)
{
    open_list(out, "fields");
    for (size_t i = 0; i < n; i++) {
        open_object(out);
        buf_json_member(out, "name", fields[i].name);
        buf_json_member(out, "type", fields[i].type);
        buf_json_member_bool(out, "required", fields[i].required);
        buf_json_member(out, "help", fields[i].help);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

static void put_object(struct buf *out, const struct object_spec *object)
{
    open_object(out);
    buf_json_member(out, "name", object->name);
    buf_json_member_opt(out, "extends", object->extends);
    buf_json_member_bool(out, "inline", object->is_inline);
    buf_json_member(out, "help", object->help);
    put_fields(out, object->fields, object->fields_n);
    buf_putc(out, '}');
}

static void put_objects(struct buf *out)
{
    const struct object_spec *object;

    open_list(out, "objects");
    for (size_t i = 0; (object = schema_object(i)) != NULL; i++)
        put_object(out, object);
    put_object(out, schema_logged());
    buf_putc(out, ']');
}

static void put_events(struct buf *out)
{
    static const char *const kinds[] = {
        [EVENT_CHANNEL] = "channel", [EVENT_USER] = "user", [EVENT_EPHEMERAL] = "ephemeral"};
    const struct event_spec *event;

    open_list(out, "events");
    for (size_t i = 0; (event = schema_event(i)) != NULL; i++) {
        open_object(out);
        buf_json_member(out, "name", event->name);
        buf_json_member(out, "stream", kinds[event->kind]);
        buf_json_member(out, "help", event->help);
        put_fields(out, event->fields, event->fields_n);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

static void put_param(struct buf *out, const struct param_spec *param)
{
    open_object(out);
    buf_json_member(out, "name", param->name);
    buf_json_member(out, "type", param_type_name(param->type));
    buf_json_member_bool(out, "required", param->required);
    if (param->type == PARAM_ENUM || param->type == PARAM_WORDS) {
        describe_put_words(out, "words", param->words);
    } else if (param->type != PARAM_BOOL) {
        buf_json_member_int(out, "min", param->min);
        buf_json_member_int(out, "max", param->max);
    }
    if (param->type == PARAM_ID_REF)
        buf_json_member(out, "sign", param->words);
    if (param->has_default)
        buf_json_member_int(out, "default", param->absent);
    buf_json_member(out, "help", param->help);
    buf_putc(out, '}');
}

static void put_command(struct buf *out, const struct command *command)
{
    open_object(out);
    buf_json_member(out, "name", command->name);
    buf_json_member(out, "access", access_name(command->access));
    buf_json_member(out, "scope", scope_name(command->scope));
    buf_json_member(out, "rate", rate_default(command->rate)->name);
    buf_json_member(out, "result", command->result);
    buf_json_member_bool(out, "get", command_only_reads(command));
    buf_json_member(out, "help", command->help);
    open_list(out, "params");
    for (size_t i = 0; i < command->params_n; i++)
        put_param(out, &command->params[i]);
    buf_puts(out, "]}");
}

void describe_json(struct buf *out)
{
    buf_putc(out, '{');
    buf_json_member_int(out, "version", PROTOCOL_VERSION);
    put_limits(out);
    put_rates(out);
    put_scopes(out);
    put_errors(out);
    put_close_codes(out);
    put_values(out);
    put_objects(out);
    put_events(out);
    open_list(out, "commands");
    for (int id = 0; id < CMD_COUNT; id++)
        put_command(out, command_get((enum command_id)id));
    buf_puts(out, "]}\n");
}
