/* err.h - one error vocabulary for the whole server, and its form on the wire.
 *
 * The rows are the error table of docs/protocol.md: the same names go into JSON-RPC error
 * objects (`code`, JSON-RPC 2.0 section 5.1) and problem details (`type`, RFC 9457).
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/*    name               wire name            JSON-RPC  HTTP  title */
#define ERR_MAP(X)                                                                                 \
    X(PARSE_ERROR, "parse_error", -32700, 400, "The request is not valid JSON")                    \
    X(INVALID_REQUEST, "invalid_request", -32600, 400, "The request is not understood")            \
    X(UNKNOWN_COMMAND, "unknown_command", -32601, 404, "There is no such command")                 \
    X(INVALID_PARAMS, "invalid_params", -32602, 422, "A parameter is missing or wrong")            \
    X(INTERNAL, "internal", -32603, 500, "The server failed")                                      \
    X(UNAUTHENTICATED, "unauthenticated", -32001, 401, "Sign in first")                            \
    X(FORBIDDEN, "forbidden", -32003, 403, "Not allowed")                                          \
    X(NOT_FOUND, "not_found", -32004, 404, "There is no such thing")                               \
    X(CONFLICT, "conflict", -32009, 409, "It is already taken or in the wrong state")              \
    X(GONE, "gone", -32010, 410, "That position can no longer be served")                          \
    X(TOO_LARGE, "too_large", -32013, 413, "The request is too large")                             \
    X(RATE_LIMITED, "rate_limited", -32029, 429, "Too many requests")                              \
    X(UNAVAILABLE, "unavailable", -32053, 503, "The server cannot do this now")

enum err {
    ERR_OK = 0,
#define X(name, wire, rpc, http, title) ERR_##name,
    ERR_MAP(X)
#undef X
        ERR_COUNT
};

/* Each never fails; an unknown value reads as `internal`. The strings are static. */
const char *err_name(enum err err);
const char *err_title(enum err err);
int err_rpc_code(enum err err);
int err_http_status(enum err err);

#endif
