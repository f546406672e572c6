#include "protocol/schema.h"

#include <string.h>

#include "base/macros.h"
#include "protocol/command.h"

static const struct alias_spec aliases[] = {
    {"Id", "^[A-Za-z0-9_-]{1,36}$", "Made by the server, opaque; sorts by time."},
    {"Stream", "^[cu]:[A-Za-z0-9_-]{1,36}$",
     "An ordered log of events: c:<channel id> or u:<user id>."},
    {"Time", "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$",
     "RFC 3339 in UTC with milliseconds."},
};

static const struct enum_spec enums[] = {
    {"UserRole", "owner|admin|member", "Role of an account on the server."},
    {"ChannelRole", "moderator|member", "Role of a member in a channel."},
    {"ChannelType", "public|private|dm", "Who sees a channel."},
    {"PresenceState", "online|away|dnd|offline", "How a user is there."},
    {"Registration", "open|invite|closed", "Who may make an account."},
    {"Setup", "none|open|code", "Whether the first account is to be made, and what it takes."},
    {"Scope", SCOPE_WORDS, "What a token may do."},
    {"HookKind", "incoming|outgoing|slash", "Which way a hook goes."},
    {"HookEvent", HOOK_EVENT_WORDS, "What an outgoing webhook can be told of."},
    {"JobState", "running|done|failed", "How a long job is."},
};

#define REQUIRED true
#define OPTIONAL false
#define NAMED false
#define INLINE true
#define F(name, type, need, help) {name, type, need, help},
#define FIELDS(...) __VA_ARGS__

static const struct field_spec fields_logged[] = {
    {"stream", "Stream", true, ""},       {"epoch", "string", true, ""},
    {"seq", "integer", true, ""},         {"at", "Time", true, ""},
    {"actor", "Id", true, "Who did it."},
};

static const struct object_spec logged = {.name = "Logged",
                                          .help = "What every event of a stream carries.",
                                          .fields = fields_logged,
                                          .fields_n = ARRAY_LEN(fields_logged)};

/* The fields of each object and event; an empty row ends them, so that none is possible too. */
#define OBJECT(name, base, form, help, fields)                                                     \
    static const struct field_spec fields_##name[] = {fields{0}};
#include "protocol/objects.def"
#undef OBJECT
#define EVENT(id, name, kind, help, fields)                                                        \
    static const struct field_spec event_fields_##id[] = {fields{0}};
#include "protocol/events.def"
#undef EVENT

static const struct object_spec objects[] = {
#define OBJECT(name, base, form, help, fields)                                                     \
    {#name, base, form, help, fields_##name, ARRAY_LEN(fields_##name) - 1},
#include "protocol/objects.def"
#undef OBJECT
};

static const struct event_spec events[] = {
#define EVENT(id, name, kind, help, fields)                                                        \
    {name, kind, help, event_fields_##id, ARRAY_LEN(event_fields_##id) - 1},
#include "protocol/events.def"
#undef EVENT
};

const struct alias_spec *schema_alias(size_t i)
{
    return i < ARRAY_LEN(aliases) ? &aliases[i] : NULL;
}

const struct enum_spec *schema_enum(size_t i)
{
    return i < ARRAY_LEN(enums) ? &enums[i] : NULL;
}

const struct object_spec *schema_object(size_t i)
{
    return i < ARRAY_LEN(objects) ? &objects[i] : NULL;
}

const struct event_spec *schema_event(size_t i)
{
    return i < ARRAY_LEN(events) ? &events[i] : NULL;
}

const struct object_spec *schema_logged(void)
{
    return &logged;
}

static bool is_called(const char *name, const char *s, size_t len)
{
    return strncmp(name, s, len) == 0 && name[len] == '\0';
}

const struct object_spec *schema_object_find(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(objects); i++)
        if (is_called(objects[i].name, name, len))
            return &objects[i];
    return NULL;
}

static bool name_exists(const char *name, size_t len)
{
    static const char *const others[] = {"string", "integer", "boolean", "ErrorType", "AnyEvent"};

    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (is_called(others[i], name, len))
            return true;
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
        if (is_called(aliases[i].name, name, len))
            return true;
    for (size_t i = 0; i < ARRAY_LEN(enums); i++)
        if (is_called(enums[i].name, name, len))
            return true;
    return schema_object_find(name, len) != NULL;
}

bool schema_type_exists(const char *type)
{
    size_t len = strlen(type);

    if (len > 2 && strcmp(type + len - 2, "[]") == 0)
        return name_exists(type, len - 2);
    if (strncmp(type, "map<", 4) != 0)
        return name_exists(type, len);
    const char *comma = strchr(type, ',');
    return comma != NULL && type[len - 1] == '>' &&
           name_exists(type + 4, (size_t)(comma - type - 4)) &&
           name_exists(comma + 1, (size_t)(type + len - 1 - comma - 1));
}
