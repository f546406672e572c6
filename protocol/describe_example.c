/* describe_example.c - an example of everything that goes over the wire.
 *
 * Most values follow from the type and the name, so that a new row of the tables has its examples
 * at once. The tables below are for what would otherwise read oddly.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/macros.h"
#include "protocol/describe_schema.h"

#define USER_ID "01k4q6v2aet9w0s8m4xa3b7cud"
#define CHANNEL_ID "01k4q7n9c5fbz3y2qk6tg8w1ch"
#define TIME "2026-01-02T03:04:05.678Z"
#define EPOCH "x7f3q9"

/* The id that NAME, a parameter or member, would be. */
static const char *example_id(const char *name)
{
    static const struct {
        const char *name;
        const char *id;
    } ids[] = {
        {"channel", CHANNEL_ID},
        {"message", "01k4q7af7rk2p0h5v9xe3jd4ms"},
        {"session", "01k4q6v3m8zt1c7yb5w2n0gfse"},
        {"job", "01k4qav0e8d4kx6pa2qs9hm3jb"},
        {"invite", "01k4q5c1h6g9r2d8vn4jw0t7nv"},
        {"hook", "01k4qbx7n2v5h9s3jd8wm6ct0e"},
        {"bot", "01k4qbx7n2v5h9s3jd8wm6ct0e"},
    };

    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        if (strcmp(ids[i].name, name) == 0)
            return ids[i].id;
    return USER_ID;
}

/* -- parameters ------------------------------------------------------------------------------- */

/* A JSON value for a parameter of a command; also makes an optional one part of the example. */
static const struct {
    const char *command;
    const char *param;
    const char *json;
} param_examples[] = {
    {"admin.backup", "path", "\"/var/backups/parley/copy.db\""},
    {"admin.channel.list", "limit", "20"},
    {"admin.invite.create", "uses", "5"},
    {"admin.invite.create", "expires_in_s", "86400"},
    {"admin.user.create", "name", "\"carol\""},
    {"admin.user.create", "display_name", "\"Carol\""},
    {"admin.user.role", "role", "\"admin\""},
    {"auth.login", "name", "\"ann\""},
    {"auth.password", "new", "\"another horse\""},
    {"auth.register", "name", "\"dave\""},
    {"auth.register", "display_name", "\"Dave\""},
    {"bot.create", "name", "\"lunch-bot\""},
    {"bot.create", "display_name", "\"Lunch bot\""},
    {"bot.disable", "bot", "\"@lunch-bot\""},
    {"bot.update", "bot", "\"@lunch-bot\""},
    {"bot.update", "display_name", "\"Lunch and dinner bot\""},
    {"channel.create", "name", "\"dinner\""},
    {"channel.create", "type", "\"private\""},
    {"channel.create", "topic", "\"Where and when\""},
    {"channel.list", "query", "\"plan\""},
    {"channel.update", "topic", "\"Lunch, and dinner\""},
    {"hook.create", "kind", "\"outgoing\""},
    {"hook.create", "name", "\"Lunch bot\""},
    {"hook.create", "icon", "\":curry:\""},
    {"hook.create", "url", "\"https://lunch.example/parley\""},
    {"hook.create", "events", "[\"message.created\"]"},
    {"hook.create", "trigger", "\"lunch\""},
    {"hook.update", "name", "\"Lunch and dinner\""},
    {"hook.update", "enabled", "false"},
    {"message.history", "before", "42"},
    {"message.history", "limit", "20"},
    {"message.send", "client_msg_id", "\"lunch-1\""},
    {"read.mark", "seq", "3"},
    {"session.start", "token", "\"rB4Yw0cQm3sVtZ8pKx1nLd6fHj9gTa2e\""},
    {"session.start", "streams", "{\"c:" CHANNEL_ID "\":{\"epoch\":\"" EPOCH "\",\"seq\":41}}"},
    {"slash.answer", "text", "\"Lunch is at the door\""},
    {"slash.answer", "response_type", "\"in_channel\""},
    {"slash.run", "command", "\"lunch\""},
    {"slash.run", "text", "\"curry for two\""},
    {"stream.events", "after", "1"},
    {"stream.events", "wait_ms", "100"},
    {"token.create", "name", "\"The menu on the kitchen's screen\""},
    {"user.list", "limit", "20"},
    {"user.update", "display_name", "\"Ann of the kitchen\""},
};

static const char *param_example(const struct command *command, const struct param_spec *param)
{
    for (size_t i = 0; i < ARRAY_LEN(param_examples); i++)
        if (strcmp(param_examples[i].command, command->name) == 0 &&
            strcmp(param_examples[i].param, param->name) == 0)
            return param_examples[i].json;
    return NULL;
}

static const char *string_example(const struct param_spec *param)
{
    switch (param->type) {
    case PARAM_ID:
        return example_id(param->name);
    case PARAM_ID_REF:
        return param->words[0] == '@' ? "@bob" : "#plans";
    case PARAM_NAME:
        return "plans";
    case PARAM_TEXT:
        return "Lunch, @bob?";
    case PARAM_PASSWORD:
        return "correct horse";
    case PARAM_TOKEN:
        return strcmp(param->name, "invite") == 0 ? example_id("invite") : "Zt8pKx1nLd6f";
    case PARAM_CLIENT_MSG_ID:
        return "lunch-1";
    case PARAM_STREAM:
        return "c:" CHANNEL_ID;
    case PARAM_EPOCH:
        return EPOCH;
    case PARAM_PATH:
        return "/var/lib/parley/file";
    case PARAM_URL:
        return "https://lunch.example/parley";
    default:
        return "Lunch and dinner";
    }
}

static void put_param_value(struct buf *out, const struct param_spec *param)
{
    switch (param->type) {
    case PARAM_SEQ:
        buf_json_int(out, param->min > 41 ? param->min : param->max < 41 ? param->max : 41);
        break;
    case PARAM_INT:
        buf_json_int(out, param->has_default ? param->absent : param->min);
        break;
    case PARAM_BOOL:
        buf_puts(out, "true");
        break;
    case PARAM_ENUM:
        buf_json_string_n(out, param->words, strcspn(param->words, "|"));
        break;
    case PARAM_IDS:
        buf_putc(out, '[');
        buf_json_string(out, example_id(param->name));
        buf_putc(out, ']');
        break;
    case PARAM_WORDS:
        buf_putc(out, '[');
        buf_json_string_n(out, param->words, strcspn(param->words, "|"));
        buf_putc(out, ']');
        break;
    case PARAM_POSITIONS:
        buf_puts(out, "{}");
        break;
    default:
        buf_json_string(out, string_example(param));
    }
}

void describe_put_params_example(struct buf *out, const struct command *command)
{
    buf_putc(out, '{');
    for (size_t i = 0; i < command->params_n; i++) {
        const struct param_spec *param = &command->params[i];
        const char *json = param_example(command, param);
        if (json == NULL && !param->required)
            continue;
        buf_json_key(out, param->name);
        if (json != NULL)
            buf_puts(out, json);
        else
            put_param_value(out, param);
    }
    buf_putc(out, '}');
}

/* -- results and events ----------------------------------------------------------------------- */

/* What a string member of OBJECT (NULL: of any) is. An optional one that is here is shown too. */
static const struct {
    const char *object;
    const char *field;
    const char *value;
} field_examples[] = {
    {"Channel", "name", "plans"},
    {"Channel", "topic", "Lunch, and dinner"},
    {"User", "name", "ann"},
    {"Server", "name", "parley"},
    {"Node", "name", "parley-1"},
    {"Message", "text", "Lunch, @bob?"},
    {"Message", "client_msg_id", "lunch-1"},
    {"ShownAs", "name", "Kitchen"},
    {"ShownAs", "icon", ":curry:"},
    {"Hook", "name", "Lunch bot"},
    {"Hook", "icon", ":curry:"},
    {"Hook", "url", "https://lunch.example/parley"},
    {"HookFailure", "event", "message.created"},
    {"HookFailure", "error", "the answer was 503"},
    {"HookCreated", "secret", "Zt8pKx1nLd6fHj9gTa2erB4Yw0cQm3sVbN5uEi7oXkW"},
    {"Job", "kind", "backup"},
    {"Job", "step", "copying"},
    {"Job", "unit", "bytes"},
    {NULL, "display_name", "Ann"},
    {NULL, "epoch", EPOCH},
    {NULL, "version", "1.0.0"},
    {NULL, "node", "parley-1"},
    {NULL, "address", "203.0.113.7"},
    {NULL, "agent", "Mozilla/5.0"},
    {NULL, "token", "rB4Yw0cQm3sVtZ8pKx1nLd6fHj9gTa2e"},
    {NULL, "invite", "Zt8pKx1nLd6f"},
};

static const char *field_example(const char *object, const char *field)
{
    for (size_t i = 0; i < ARRAY_LEN(field_examples); i++)
        if ((field_examples[i].object == NULL || strcmp(field_examples[i].object, object) == 0) &&
            strcmp(field_examples[i].field, field) == 0)
            return field_examples[i].value;
    return NULL;
}

static int64_t integer_example(const char *field)
{
    static const struct {
        const char *field;
        int64_t value;
    } values[] = {
        {"unread", 0},         {"mentions", 0}, {"seq", 41},          {"last_read_seq", 41},
        {"msg_no", 38},        {"members", 2},  {"done", 4096},       {"total", 16384},
        {"text_bytes", 16384}, {"lag_us", 120}, {"uptime_ms", 60000}, {"attempts", 8},
    };

    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        if (strcmp(values[i].field, field) == 0)
            return values[i].value;
    return 1000;
}

struct place {
    const char *object; /* "" outside of one */
    const char *field;
};

static void put_name_example(struct buf *out, const char *name, struct place place);
static void put_any_example(struct buf *out, const char *type, struct place place);

static void put_fields(struct buf *out, const struct field_spec *fields, size_t n,
                       const char *object)
{
    for (size_t i = 0; i < n; i++) {
        if (!fields[i].required && field_example(object, fields[i].name) == NULL)
            continue;
        buf_json_key(out, fields[i].name);
        put_any_example(out, fields[i].type, (struct place){object, fields[i].name});
    }
}

static void put_object_fields(struct buf *out, const struct object_spec *object)
{
    if (object->extends != NULL)
        put_object_fields(out, schema_object_find(object->extends, strlen(object->extends)));
    put_fields(out, object->fields, object->fields_n, object->name);
}

static const struct event_spec *first_event(void)
{
    return schema_event(0);
}

static void put_any_event(struct buf *out)
{
    buf_putc(out, '{');
    buf_json_member(out, "method", first_event()->name);
    buf_json_key(out, "params");
    describe_put_event_example(out, first_event());
    buf_putc(out, '}');
}

static const char *alias_example(const char *alias, struct place place)
{
    if (strcmp(alias, "Time") == 0)
        return TIME;
    if (strcmp(alias, "Stream") == 0)
        return "c:" CHANNEL_ID;
    if (strcmp(place.field, "id") != 0)
        return example_id(place.field);
    if (strncmp(place.object, "Channel", 7) == 0)
        return CHANNEL_ID;
    return strcmp(place.object, "Message") == 0   ? example_id("message")
           : strcmp(place.object, "Session") == 0 ? example_id("session")
                                                  : USER_ID;
}

/* A word of an enumeration, or what an alias stands for; false: NAME is none. */
static bool put_value_example(struct buf *out, const char *name, struct place place)
{
    const struct alias_spec *alias;
    const struct enum_spec *words;

    for (size_t i = 0; (words = schema_enum(i)) != NULL; i++)
        if (strcmp(words->name, name) == 0) {
            buf_json_string_n(out, words->words, strcspn(words->words, "|"));
            return true;
        }
    for (size_t i = 0; (alias = schema_alias(i)) != NULL; i++)
        if (strcmp(alias->name, name) == 0) {
            buf_json_string(out, alias_example(name, place));
            return true;
        }
    return false;
}

static void put_name_example(struct buf *out, const char *name, struct place place)
{
    const struct object_spec *object = schema_object_find(name, strlen(name));
    const char *text = field_example(place.object, place.field);

    if (object != NULL) {
        buf_putc(out, '{');
        put_object_fields(out, object);
        buf_putc(out, '}');
    } else if (strcmp(name, "integer") == 0) {
        buf_json_int(out, integer_example(place.field));
    } else if (strcmp(name, "boolean") == 0) {
        buf_puts(out, "true");
    } else if (strcmp(name, "AnyEvent") == 0) {
        put_any_event(out);
    } else if (strcmp(name, "ErrorType") == 0) {
        buf_json_string(out, err_name(ERR_NOT_FOUND));
    } else if (!put_value_example(out, name, place)) {
        buf_json_string(out, text != NULL ? text : place.field);
    }
}

static void put_any_example(struct buf *out, const char *type, struct place place)
{
    char name[80];
    char key[80];

    if (sscanf(type, "map<%79[^,],%79[^>]>", key, name) == 2) {
        buf_putc(out, '{');
        if (strcmp(key, "Stream") == 0)
            buf_json_key(out, "u:" USER_ID);
        else
            buf_json_key(out, strcmp(key, "Id") == 0 ? USER_ID : "users");
        put_name_example(out, name, (struct place){"", ""});
        buf_putc(out, '}');
        return;
    }
    bool list = strchr(type, '[') != NULL;
    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(type, "["), type);
    if (list)
        buf_putc(out, '[');
    put_name_example(out, name, place);
    if (list)
        buf_putc(out, ']');
}

void describe_put_type_example(struct buf *out, const char *type)
{
    put_any_example(out, type, (struct place){"", ""});
}

/* What is said of an error where it is provoked as the tests do: what is wrong depends on how the
 * request came. */
void describe_put_error_example(struct buf *out, enum err err, int status)
{
    static const struct {
        enum err err;
        int status; /* 0: over any transport or, behind another row of the error, any other */
        const char *field, *reason, *detail;
        int retry_after_ms; /* 0: none */
    } examples[] = {
        {ERR_PARSE_ERROR, 0, NULL, NULL, "ends too early", 0},
        {ERR_INVALID_REQUEST, 400, NULL, "the body must be a JSON object", NULL, 0},
        {ERR_INVALID_REQUEST, 415, NULL, NULL, "Content-Type must be application/json", 0},
        {ERR_INVALID_REQUEST, 0, NULL, NULL, "must have a string as its method", 0},
        {ERR_UNKNOWN_COMMAND, 404, NULL, NULL, "Commands are called with POST /api/v1/<command>",
         0},
        {ERR_INVALID_PARAMS, 0, "text", "must be 1 to 16384 bytes", NULL, 0},
        {ERR_INTERNAL, 0, NULL, NULL,
         "The server failed; its log has more under " DESCRIBE_REQUEST_ID, 0},
        {ERR_NOT_FOUND, 0, "channel", "there is no such channel", NULL, 0},
        {ERR_CONFLICT, 0, "name", "there is a channel of this name", NULL, 0},
        {ERR_GONE, 0, "epoch", "the stream has another epoch now: fetch it anew", NULL, 0},
        {ERR_TOO_LARGE, 0, NULL, NULL, "The body is larger than frame_bytes", 0},
        {ERR_RATE_LIMITED, 429, NULL, NULL,
         "Too many commands of this session, over all of its connections", 800},
        {ERR_RATE_LIMITED, 0, NULL, NULL, NULL, 800},
        {ERR_UNAVAILABLE, 503, NULL, NULL, "/lunch failed: its target answered with status 500",
         1000},
        {ERR_UNAVAILABLE, 0, NULL, NULL, "/lunch failed: its target answered with status 500", 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
        if (examples[i].err != err || (examples[i].status != 0 && examples[i].status != status))
            continue;
        buf_json_member_opt(out, "detail", examples[i].detail);
        buf_json_member_opt(out, "field", examples[i].field);
        buf_json_member_opt(out, "reason", examples[i].reason);
        if (examples[i].retry_after_ms > 0)
            buf_json_member_int(out, "retry_after_ms", examples[i].retry_after_ms);
        return;
    }
}

/* A message as it is after what happened to it: WHEN, its time, is there, and of what it says only
 * what is left. */
static void put_changed_message(struct buf *out, const char *when, bool text_stays)
{
    const struct object_spec *message = schema_object_find("Message", strlen("Message"));

    buf_json_key(out, "message");
    buf_putc(out, '{');
    for (size_t i = 0; i < message->fields_n; i++) {
        const struct field_spec *field = &message->fields[i];
        bool shown = field->required || strcmp(field->name, when) == 0 ||
                     (text_stays && field_example("Message", field->name) != NULL);
        if (!shown)
            continue;
        buf_json_key(out, field->name);
        put_any_example(out, field->type, (struct place){"Message", field->name});
    }
    buf_putc(out, '}');
}

void describe_put_event_example(struct buf *out, const struct event_spec *event)
{
    const struct object_spec *logged = schema_logged();

    buf_putc(out, '{');
    for (size_t i = 0; event->kind != EVENT_EPHEMERAL && i < logged->fields_n; i++) {
        const struct field_spec *field = &logged->fields[i];
        buf_json_key(out, field->name);
        if (event->kind == EVENT_USER && strcmp(field->name, "stream") == 0)
            buf_json_string(out, "u:" USER_ID);
        else
            put_any_example(out, field->type, (struct place){"", field->name});
    }
    if (strcmp(event->name, "message.deleted") == 0)
        put_changed_message(out, "deleted_at", false);
    else if (strcmp(event->name, "message.updated") == 0)
        put_changed_message(out, "edited_at", true);
    else
        put_fields(out, event->fields, event->fields_n, "");
    buf_putc(out, '}');
}
