/* dispatch.h - from a request's bytes to a handler and back to an answer.
 * Threading: the worker's own.
 */
#ifndef SERVER_DISPATCH_H
#define SERVER_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct conn;
struct request;

/* One WebSocket text message: a JSON-RPC request. Always answered, now or later. */
void dispatch_message(struct conn *conn, const char *text, size_t len);

/* One HTTP request: POST /api/v1/NAME with the parameters as BODY. Strings are copied. */
struct http_call {
    const char *name;
    const char *body;
    size_t len;
    const char *token; /* NULL: none */
    bool cookie;       /* the token came as a cookie */
    bool secure;       /* the client came by TLS */
    const char *address;
    const char *agent;
};
/* Answered through gateway_http_answer(). */
void dispatch_http(struct conn *conn, const struct http_call *http);

/* Ends REQ with ERR: the answer goes out, the request is freed. */
void request_finish(struct request *req, enum err err);

#endif
