/* json.h - reading JSON that a stranger wrote (RFC 8259), with jansson and bounds around it.
 * Threading: any.
 */
#ifndef PROTOCOL_JSON_H
#define PROTOCOL_JSON_H

#include <jansson.h>
#include <stddef.h>

/* The object or array in TEXT, a new reference, or NULL and why in *reason_out (a static sentence
 * without its subject). LEN has been bounded by the caller; TEXT need not end with NUL. Refused:
 * depth above LIMIT_JSON_DEPTH, a key twice in one object, invalid UTF-8, NUL (also as \u0000), a
 * surrogate escape without its other half, a number out of range, anything after the value. Work
 * and memory are linear in LEN. */
json_t *json_parse_bounded(const char *text, size_t len, const char **reason_out);

#endif
