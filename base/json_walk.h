/* json_walk.h - looks at the members of a JSON object without building anything: for texts that
 * came from outside and go on as they are, in part or whole.
 *
 * The whole text is checked (RFC 8259; UTF-8 is the caller's matter), nesting is bounded.
 * Threading: any. Ownership: spans point into the text.
 */
#ifndef BASE_JSON_WALK_H
#define BASE_JSON_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_WALK_DEPTH = 16 }; /* objects and arrays inside each other */

/* A value as it stands, or a name without its quotes. */
struct json_span {
    const char *at;
    size_t n;
};

/* False ends the walk. */
typedef bool (*json_member_fn)(void *arg, struct json_span name, struct json_span value);

/* Calls MEMBER (or NULL: only checks) for each member of the object TEXT, in order. False: TEXT is
 * not one JSON object with nothing behind it, or MEMBER ended the walk. */
bool json_walk(const char *text, size_t n, json_member_fn member, void *arg);

/* Whether NAME (or a string with its quotes stripped) is TEXT. Escapes are not resolved: neither
 * names nor ids have any. */
bool json_span_is(struct json_span span, const char *text);
/* A string without its quotes; false: it is none, or has escapes. */
bool json_span_text(struct json_span value, struct json_span *out);
/* A whole number from 0 to INT64_MAX, written as digits only. */
bool json_span_uint(struct json_span value, uint64_t *out);

#endif
