/* json_scan.h - look single members up in JSON text without building a tree.
 *
 * The load generator reads a million events a second and wants one or two
 * members of each; it trusts the server to send well-formed JSON, and a span
 * that is not gives an empty answer, never a read past its end.
 *
 * Ownership: spans point into the text they were cut from.
 */
#ifndef TESTS_BENCH_LIB_JSON_SCAN_H
#define TESTS_BENCH_LIB_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_span {
    const char *at; /* NULL: no such value */
    size_t len;
};

/* Step through the members of OBJECT: start with *CURSOR 0, false at the end.
 * The key comes without its quotes. */
bool json_next_member(struct json_span object, size_t *cursor, struct json_span *key_out,
                      struct json_span *value_out);

/* The value of the member KEY of the object OBJECT; strings keep their quotes. */
struct json_span json_member(struct json_span object, const char *key);

/* Step through the elements of ARRAY: start with *CURSOR 0, false at the end. */
bool json_next(struct json_span array, size_t *cursor, struct json_span *element_out);

/* Whether SPAN is exactly TEXT. */
bool json_equals(struct json_span span, const char *text);

/* A string's content between its quotes, escapes left as they are. */
struct json_span json_content(struct json_span value);

/* A non-negative integer, or 0. */
uint64_t json_number(struct json_span value);

#endif
