/* describe_schema.h - the tables' types as JSON Schema (draft 2020-12), each with an example; what
 * describe_openapi.c and describe_asyncapi.c have in common.
 *
 * A schema says what the server's checks say, as far as JSON Schema can: lengths in bytes become
 * the same number of characters, with x-unit naming the bytes. Objects list the members of the
 * object that they extend too, and are open: members may be added within a version. Threading: any.
 * Ownership: appends to a buffer of the caller.
 */
#ifndef PROTOCOL_DESCRIBE_SCHEMA_H
#define PROTOCOL_DESCRIBE_SCHEMA_H

#include "base/buf.h"
#include "base/err.h"
#include "protocol/command.h"
#include "protocol/schema.h"

/* A type of schema.h, as an object that refers to components/schemas where it has a name. */
void describe_put_type(struct buf *out, const char *type);
/* A command's parameters: one closed object. */
void describe_put_params(struct buf *out, const struct command *command);
/* One of them: its type, bounds, default and help. */
void describe_put_param(struct buf *out, const struct param_spec *param);
/* What an event carries as `params`. */
void describe_put_event(struct buf *out, const struct event_spec *event);
/* The members of components/schemas. */
void describe_put_schemas(struct buf *out);

/* Examples, each a JSON value that fits the schema. An id of the same kind is the same in all of
 * them. */
void describe_put_type_example(struct buf *out, const char *type);
void describe_put_params_example(struct buf *out, const struct command *command);
void describe_put_event_example(struct buf *out, const struct event_spec *event);
/* The members beside `type` of ErrorData: over HTTP of an answer with STATUS, 0: over a WebSocket.
 */
#define DESCRIBE_REQUEST_ID "01k4q8t2w6x0n5r9d3hm7vb1cz"
void describe_put_error_example(struct buf *out, enum err err, int status);

/* "member": {, and , {: what describe_*.c begin JSON objects with. */
void describe_open(struct buf *out, const char *key);
void describe_open_list(struct buf *out, const char *key);
void describe_open_item(struct buf *out);
/* "key": ["one", "two"] of "one|two". */
void describe_put_words(struct buf *out, const char *key, const char *words);
/* "", or what NAME is counted in by its ending: "milliseconds" for wait_ms. */
const char *describe_unit(const char *name);

#endif
