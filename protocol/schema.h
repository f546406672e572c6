/* schema.h - objects and events as tables: what results and notifications carry.
 *
 * The rows are in protocol/objects.def and protocol/events.def. A type is a primitive (string,
 * integer, boolean), an alias, an enumeration or an object of objects.def, "AnyEvent", any of these
 * with [] after it (a list), or map<KEY,VALUE>.
 * Threading: constant tables, any thread. Ownership: everything returned is static.
 */
#ifndef PROTOCOL_SCHEMA_H
#define PROTOCOL_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

struct field_spec {
    const char *name;
    const char *type;
    bool required;
    const char *help; /* may be "" */
};

struct alias_spec {
    const char *name;
    const char *pattern; /* a regular expression (ECMA-262) */
    const char *help;
};

struct enum_spec {
    const char *name;
    const char *words; /* "one|two" */
    const char *help;
};

struct object_spec {
    const char *name;
    const char *extends; /* NULL, or the object whose fields it has too */
    bool is_inline;      /* the result of a command, not worth a name of its own */
    const char *help;
    const struct field_spec *fields;
    size_t fields_n;
};

/* Where an event goes. */
enum event_kind {
    EVENT_CHANNEL,   /* logged in the channel's stream, to its members */
    EVENT_USER,      /* logged in the user's own stream */
    EVENT_EPHEMERAL, /* not logged: without stream, epoch, seq, at, actor */
};

struct event_spec {
    const char *name;
    enum event_kind kind;
    const char *help;
    const struct field_spec *fields;
    size_t fields_n;
};

/* The I-th row, or NULL past the end. */
const struct alias_spec *schema_alias(size_t i);
const struct enum_spec *schema_enum(size_t i);
const struct object_spec *schema_object(size_t i);
const struct event_spec *schema_event(size_t i);
/* NULL: no object of that name; NAME need not be NUL-terminated. */
const struct object_spec *schema_object_find(const char *name, size_t len);
/* What every logged event carries, as an object. */
const struct object_spec *schema_logged(void);
/* Whether TYPE is well-formed and all its parts exist. */
bool schema_type_exists(const char *type);

#endif
