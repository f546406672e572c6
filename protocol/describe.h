/* describe.h - the protocol's tables, written out. Appends to a buffer of the caller.
 * Threading: any. */
#ifndef PROTOCOL_DESCRIBE_H
#define PROTOCOL_DESCRIBE_H

#include "base/buf.h"

enum { PROTOCOL_VERSION = 1 };

/* A TypeScript module: clients/typescript/src/generated/protocol.ts. */
void describe_typescript(struct buf *out);
/* One JSON object: version, limits, rates, errors, close_codes, aliases, enums, objects, events,
 * commands with all their parameters. */
void describe_json(struct buf *out);
/* The HTTP API as OpenAPI 3.1; /api/v1/openapi.json. */
void describe_openapi(struct buf *out);
/* The WebSocket API as AsyncAPI 3; /api/v1/asyncapi.json. */
void describe_asyncapi(struct buf *out);
/* For people: every command with its parameters. */
void describe_help(struct buf *out);
/* The reference for people, with examples: docs/api.md, and as a page with its style sheet, /docs
 * and /docs.css. */
void describe_reference(struct buf *out);
void describe_reference_html(struct buf *out);
void describe_reference_css(struct buf *out);

#endif
