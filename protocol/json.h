/* json.h - reading JSON that a stranger wrote (RFC 8259) into jansson's values.
 *
 * The values are jansson's, the reader is not: json_loadb() fetches each byte through a callback,
 * which made parsing and checking a message.send take 9 us instead of 2. The tests and a fuzzer
 * hold both readers against each other. Threading: any.
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
