#include "protocol/describe_schema.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "protocol/params.h"

#define REF "#/components/schemas/"
#define ID_PATTERN "[A-Za-z0-9_-]{1,36}"
#define NAME_PATTERN "[a-z0-9][a-z0-9._-]{0,31}"
#define CONTROLS "\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029"

static_assert(LIMIT_ID_CHARS == 36 && LIMIT_NAME_CHARS == 32, "the patterns say so");

void describe_open(struct buf *out, const char *key)
{
    buf_json_key(out, key);
    buf_putc(out, '{');
}

void describe_open_list(struct buf *out, const char *key)
{
    buf_json_key(out, key);
    buf_putc(out, '[');
}

void describe_open_item(struct buf *out)
{
    buf_json_comma(out);
    buf_putc(out, '{');
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s);
    size_t end_n = strlen(end);

    return n > end_n && strcmp(s + n - end_n, end) == 0;
}

const char *describe_unit(const char *name)
{
    static const struct {
        const char *end;
        const char *unit;
    } units[] = {{"_ms", "milliseconds"},
                 {"_us", "microseconds"},
                 {"_s", "seconds"},
                 {"_bytes", "bytes"},
                 {"_chars", "characters"}};

    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (ends_with(name, units[i].end))
            return units[i].unit;
    return "";
}

static void put_help(struct buf *out, const char *help)
{
    if (*help != '\0')
        buf_json_member(out, "description", help);
}

void describe_put_words(struct buf *out, const char *key, const char *words)
{
    describe_open_list(out, key);
    for (const char *word = words; *word != '\0';) {
        size_t n = strcspn(word, "|");
        buf_json_comma(out);
        buf_json_string_n(out, word, n);
        word += n + (word[n] == '|');
    }
    buf_putc(out, ']');
}

static void put_integer(struct buf *out, int64_t min, int64_t max)
{
    buf_json_member(out, "type", "integer");
    buf_json_member_int(out, "minimum", min);
    buf_json_member_int(out, "maximum", max);
}

/* -- results and events ----------------------------------------------------------------------- */

/* The members of a schema for one name, without [] or map<>. */
static void put_name(struct buf *out, const char *name, size_t len)
{
    char text[80];

    (void)snprintf(text, sizeof(text), "%.*s", (int)len, name);
    if (strcmp(text, "integer") == 0) {
        put_integer(out, 0, LIMIT_SEQ_MAX);
    } else if (strcmp(text, "string") == 0 || strcmp(text, "boolean") == 0) {
        buf_json_member(out, "type", text);
    } else {
        char ref[sizeof(REF) + sizeof(text)];
        (void)snprintf(ref, sizeof(ref), REF "%s", text);
        buf_json_member(out, "$ref", ref);
    }
}

static void put_type_members(struct buf *out, const char *type)
{
    size_t len = strlen(type);

    if (strncmp(type, "map<", 4) == 0) {
        const char *comma = strchr(type, ',');
        buf_json_member(out, "type", "object");
        describe_open(out, "propertyNames");
        put_name(out, type + 4, (size_t)(comma - type - 4));
        buf_putc(out, '}');
        describe_open(out, "additionalProperties");
        put_name(out, comma + 1, (size_t)(type + len - 1 - comma - 1));
        buf_putc(out, '}');
    } else if (type[len - 1] == ']') {
        buf_json_member(out, "type", "array");
        describe_open(out, "items");
        put_name(out, type, len - 2);
        buf_putc(out, '}');
    } else {
        put_name(out, type, len);
    }
}

void describe_put_type(struct buf *out, const char *type)
{
    buf_putc(out, '{');
    put_type_members(out, type);
    buf_putc(out, '}');
}

static void put_properties(struct buf *out, const struct field_spec *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        describe_open(out, fields[i].name);
        put_type_members(out, fields[i].type);
        put_help(out, fields[i].help);
        if (*describe_unit(fields[i].name) != '\0')
            buf_json_member(out, "x-unit", describe_unit(fields[i].name));
        buf_putc(out, '}');
    }
}

static void put_required(struct buf *out, const struct field_spec *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!fields[i].required)
            continue;
        buf_json_comma(out);
        buf_json_string(out, fields[i].name);
    }
}

static const struct object_spec *base_of(const struct object_spec *object)
{
    return object->extends == NULL ? NULL
                                   : schema_object_find(object->extends, strlen(object->extends));
}

/* CALL for the fields of OBJECT, those it extends first. */
static void each_fields(struct buf *out, const struct object_spec *object,
                        void (*call)(struct buf *, const struct field_spec *, size_t))
{
    if (object == NULL)
        return;
    each_fields(out, base_of(object), call);
    call(out, object->fields, object->fields_n);
}

static void put_object(struct buf *out, const struct object_spec *object)
{
    describe_open(out, object->name);
    buf_json_member(out, "type", "object");
    put_help(out, object->help);
    describe_open(out, "properties");
    each_fields(out, object, put_properties);
    buf_putc(out, '}');
    describe_open_list(out, "required");
    each_fields(out, object, put_required);
    buf_puts(out, "]}");
}

void describe_put_event(struct buf *out, const struct event_spec *event)
{
    const struct object_spec *logged = event->kind == EVENT_EPHEMERAL ? NULL : schema_logged();

    buf_putc(out, '{');
    buf_json_member(out, "type", "object");
    put_help(out, event->help);
    describe_open(out, "properties");
    each_fields(out, logged, put_properties);
    put_properties(out, event->fields, event->fields_n);
    buf_putc(out, '}');
    describe_open_list(out, "required");
    each_fields(out, logged, put_required);
    put_required(out, event->fields, event->fields_n);
    buf_puts(out, "]}");
}

static void put_any_event(struct buf *out)
{
    const struct event_spec *event;

    describe_open(out, "AnyEvent");
    buf_json_member(out, "description", "A logged event, as a stream has it.");
    describe_open_list(out, "oneOf");
    for (size_t i = 0; (event = schema_event(i)) != NULL; i++) {
        if (event->kind == EVENT_EPHEMERAL)
            continue;
        describe_open_item(out);
        buf_json_member(out, "type", "object");
        describe_open(out, "properties");
        describe_open(out, "method");
        buf_json_member(out, "const", event->name);
        buf_putc(out, '}');
        buf_json_key(out, "params");
        describe_put_event(out, event);
        buf_puts(out, "},\"required\":[\"method\",\"params\"]}");
    }
    buf_puts(out, "]}");
}

static void put_values(struct buf *out)
{
    const struct alias_spec *alias;
    const struct enum_spec *words;

    for (size_t i = 0; (alias = schema_alias(i)) != NULL; i++) {
        describe_open(out, alias->name);
        buf_json_member(out, "type", "string");
        if (strcmp(alias->name, "Time") == 0)
            buf_json_member(out, "format", "date-time");
        buf_json_member(out, "pattern", alias->pattern);
        put_help(out, alias->help);
        buf_putc(out, '}');
    }
    for (size_t i = 0; (words = schema_enum(i)) != NULL; i++) {
        describe_open(out, words->name);
        buf_json_member(out, "type", "string");
        describe_put_words(out, "enum", words->words);
        put_help(out, words->help);
        buf_putc(out, '}');
    }
    describe_open(out, "ErrorType");
    buf_json_member(out, "type", "string");
    describe_open_list(out, "enum");
    for (int err = ERR_OK + 1; err < ERR_COUNT; err++) {
        buf_json_comma(out);
        buf_json_string(out, err_name((enum err)err));
    }
    buf_putc(out, ']');
    put_help(out, "What kind of error it is: go by this.");
    buf_putc(out, '}');
}

void describe_put_schemas(struct buf *out)
{
    const struct object_spec *object;

    put_values(out);
    for (size_t i = 0; (object = schema_object(i)) != NULL; i++)
        put_object(out, object);
    put_any_event(out);
}

/* -- parameters ------------------------------------------------------------------------------- */

/* What a string parameter looks like, beside its length; NULL: anything without NUL. */
static const char *param_pattern(const struct param_spec *param)
{
    switch (param->type) {
    case PARAM_ID:
        return "^" ID_PATTERN "$";
    case PARAM_ID_REF:
        return param->words[0] == '@' ? "^(" ID_PATTERN "|@" NAME_PATTERN ")$"
                                      : "^(" ID_PATTERN "|#" NAME_PATTERN ")$";
    case PARAM_NAME:
        return "^" NAME_PATTERN "$";
    case PARAM_LINE:
        return param->min > 0 ? "^ *[^ " CONTROLS "][^" CONTROLS "]*$" : "^[^" CONTROLS "]*$";
    case PARAM_TOKEN:
    case PARAM_EPOCH:
        return "^[!-~]*$";
    case PARAM_CLIENT_MSG_ID:
    case PARAM_CURSOR:
        return "^[ -~]*$";
    case PARAM_STREAM:
        return "^[cu]:" ID_PATTERN "$";
    case PARAM_PATH:
        return "^/[^" CONTROLS "]*$";
    case PARAM_URL:
        return "^https?://[A-Za-z0-9._\\[\\]-][A-Za-z0-9.:_\\[\\]-]*([/?#][!-~]*)?$";
    default:
        return "^[^\\u0000]*$";
    }
}

static void put_string(struct buf *out, const struct param_spec *param)
{
    bool bytes = param->type == PARAM_TEXT || param->type == PARAM_PASSWORD ||
                 param->type == PARAM_CURSOR || param->type == PARAM_PATH;

    buf_json_member(out, "type", "string");
    if (param->min > 0)
        buf_json_member_int(out, "minLength", param->min);
    buf_json_member_int(out, "maxLength", param->max);
    buf_json_member(out, "pattern", param_pattern(param));
    buf_json_member(out, "x-unit", bytes ? "bytes" : "characters");
    if (param->type == PARAM_PASSWORD)
        buf_json_member(out, "format", "password");
}

static void put_ids(struct buf *out, const struct param_spec *param)
{
    buf_json_member(out, "type", "array");
    buf_json_member_int(out, "minItems", param->min);
    buf_json_member_int(out, "maxItems", param->max);
    describe_open(out, "items");
    put_name(out, "Id", 2);
    buf_putc(out, '}');
}

static void put_positions(struct buf *out, const struct param_spec *param)
{
    buf_json_member(out, "type", "object");
    buf_json_member_int(out, "maxProperties", param->max);
    describe_open(out, "propertyNames");
    put_name(out, "Stream", 6);
    buf_putc(out, '}');
    describe_open(out, "additionalProperties");
    put_name(out, "Position", 8);
    buf_putc(out, '}');
}

static void put_words(struct buf *out, const struct param_spec *param)
{
    buf_json_member(out, "type", "array");
    buf_json_member_int(out, "minItems", 1);
    buf_json_member_int(out, "maxItems", PARAM_WORDS_MAX);
    describe_open(out, "items");
    buf_json_member(out, "type", "string");
    describe_put_words(out, "enum", param->words);
    buf_putc(out, '}');
}

void describe_put_param(struct buf *out, const struct param_spec *param)
{
    buf_putc(out, '{');
    switch (param->type) {
    case PARAM_SEQ:
    case PARAM_INT:
        put_integer(out, param->min, param->max);
        if (*describe_unit(param->name) != '\0')
            buf_json_member(out, "x-unit", describe_unit(param->name));
        break;
    case PARAM_BOOL:
        buf_json_member(out, "type", "boolean");
        break;
    case PARAM_ENUM:
        buf_json_member(out, "type", "string");
        describe_put_words(out, "enum", param->words);
        break;
    case PARAM_IDS:
        put_ids(out, param);
        break;
    case PARAM_WORDS:
        put_words(out, param);
        break;
    case PARAM_POSITIONS:
        put_positions(out, param);
        break;
    default:
        put_string(out, param);
    }
    if (param->has_default)
        buf_json_member_int(out, "default", param->absent);
    put_help(out, param->help);
    buf_putc(out, '}');
}

/* Parameters of which at most one may be given. */
static const struct {
    enum command_id id;
    const char *words;
} exclusive[] = {{CMD_MESSAGE_HISTORY, "before|after|around"}};

/* No two of "a|b|c": each pair is refused. */
static void put_exclusive(struct buf *out, const char *words)
{
    describe_open(out, "not");
    describe_open_list(out, "anyOf");
    for (const char *a = words; *a != '\0'; a += strcspn(a, "|"), a += *a == '|')
        for (const char *b = a + strcspn(a, "|"); *b == '|'; b += strcspn(b, "|")) {
            b++;
            buf_json_comma(out);
            buf_puts(out, "{\"required\":[");
            buf_json_string_n(out, a, strcspn(a, "|"));
            buf_putc(out, ',');
            buf_json_string_n(out, b, strcspn(b, "|"));
            buf_puts(out, "]}");
        }
    buf_puts(out, "]}");
}

void describe_put_params(struct buf *out, const struct command *command)
{
    buf_putc(out, '{');
    buf_json_member(out, "type", "object");
    describe_open(out, "properties");
    for (size_t i = 0; i < command->params_n; i++) {
        buf_json_key(out, command->params[i].name);
        describe_put_param(out, &command->params[i]);
    }
    buf_putc(out, '}');
    describe_open_list(out, "required");
    for (size_t i = 0; i < command->params_n; i++) {
        if (!command->params[i].required)
            continue;
        buf_json_comma(out);
        buf_json_string(out, command->params[i].name);
    }
    buf_putc(out, ']');
    buf_json_member_bool(out, "additionalProperties", false);
    for (size_t i = 0; i < ARRAY_LEN(exclusive); i++)
        if (exclusive[i].id == command->id)
            put_exclusive(out, exclusive[i].words);
    buf_putc(out, '}');
}
