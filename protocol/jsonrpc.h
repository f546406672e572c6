/* jsonrpc.h - JSON-RPC 2.0 over WebSocket, and problem details (RFC 9457) over HTTP.
 *
 * Threading: none of its own. Ownership: a rpc_request owns its JSON until rpc_request_free();
 * `method` and `params` point into it. The rpc_put_* functions append to a buffer of the caller;
 * strings are valid UTF-8.
 */
#ifndef PROTOCOL_JSONRPC_H
#define PROTOCOL_JSONRPC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "protocol/params.h"

enum { RPC_ID_SIZE = 80 };

struct rpc_request {
    json_t *root;
    const char *method; /* NUL-terminated */
    size_t method_len;
    json_t *params; /* an object or array, or NULL */
    bool has_id;
    char id[RPC_ID_SIZE]; /* as JSON text: 12 or "abc"; empty without has_id */
};

/* Parse one request. ERR_PARSE_ERROR (not JSON), ERR_INVALID_REQUEST (JSON, but no request: an
 * array, no usable id, another version, ...) with *reason_out, a static sentence without its
 * subject. *out is always set; after an error it may still have an id to answer with.
 * Call rpc_request_free() in any case. */
enum err rpc_parse(const char *text, size_t len, struct rpc_request *out, const char **reason_out);
void rpc_request_free(struct rpc_request *request);

/* {"jsonrpc":"2.0","id":ID,"result":RESULT} */
void rpc_put_result(struct buf *out, const char *id, const char *result_json, size_t n);
/* {"jsonrpc":"2.0","id":ID,"error":{"code","message","data":{...}}}. ID NULL or "": null. PROBLEM
 * and DETAIL may be NULL; RETRY_AFTER_MS -1: none. */
void rpc_put_error(struct buf *out, const char *id, enum err err, const struct problem *problem,
                   const char *detail, int64_t retry_after_ms);
/* {"jsonrpc":"2.0","method":M,"params":{"stream","epoch","seq","at","actor",DATA}}. DATA is the
 * inside of an object ("\"message\":{...}") and may be empty; ACTOR NULL is left out. */
void rpc_put_event(struct buf *out, const char *method, const char *stream, const char *epoch,
                   uint64_t seq, int64_t at_ms, const char *actor, const char *data,
                   size_t data_len);
/* {"jsonrpc":"2.0","method":M,"params":{DATA}}; DATA as above. */
void rpc_put_ephemeral(struct buf *out, const char *method, const char *data, size_t data_len);

/* The inside of a notification that one of the two above has written: borrowed from JSON, the
 * params with their braces. False: JSON is something else. */
struct rpc_event {
    const char *method;
    size_t method_len;
    const char *params;
    size_t params_len;
    bool positioned; /* it has a place in a stream */
};
bool rpc_event_split(const char *json, size_t len, struct rpc_event *out);
/* The position of an event that rpc_put_event() has written: borrowed from its params. False: it
 * has none. */
struct rpc_position {
    const char *stream;
    size_t stream_len;
    const char *epoch;
    size_t epoch_len;
    uint64_t seq;
};
bool rpc_event_position(const struct rpc_event *event, struct rpc_position *out);
/* The object that rpc_put_error() has as "error". */
void rpc_put_error_object(struct buf *out, enum err err, const struct problem *problem,
                          const char *detail, int64_t retry_after_ms);

/* {"type","title","status","detail"?,"field"?,"reason"?,"retry_after_ms"?,"id"?,"request_id"?}.
 * REQUEST_ID NULL: none. */
void problem_put(struct buf *out, enum err err, const struct problem *problem, const char *detail,
                 int64_t retry_after_ms, const char *request_id);

#endif
