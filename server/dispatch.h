/* dispatch.h - from a request's bytes to a handler and back to an answer.
 * Threading: the worker's own.
 */
#ifndef SERVER_DISPATCH_H
#define SERVER_DISPATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct conn;
struct request;

/* One WebSocket text message: a JSON-RPC request. Always answered, now or later. */
void dispatch_message(struct conn *conn, const char *text, size_t len);

/* One HTTP request: POST /api/v1/NAME with the parameters as BODY, or GET with the parameters of
 * its query as PARAMS. Strings are copied. */
struct http_call {
    const char *name;
    const char *id; /* of the request, for the log and the answer */
    const char *body;
    size_t len;
    json_t *params;    /* an object, borrowed; NULL: they are in the body */
    const char *token; /* NULL: none */
    bool cookie;       /* the token came as a cookie */
    bool secure;       /* the client came by TLS */
    const char *address;
    const char *agent;
};
/* Answered through gateway_http_answer(). */
void dispatch_http(struct conn *conn, const struct http_call *http);

/* GET /api/v1/stream.follow: the session.start of a connection that gets server-sent events.
 * Answered through gateway_http_answer() too. */
void dispatch_follow(struct conn *conn, const struct http_call *http);

/* One event of a Socket.IO client, or its CONNECT. */
struct sio_call {
    uint64_t socket; /* its serial */
    bool connects;
    bool misfit;   /* it has attachments, or more than one argument */
    bool recovers; /* a CONNECT whose state is to be recoverable */
    bool has_ack;
    uint64_t ack;
    const char *name;
    json_t *params;           /* borrowed; NULL: none */
    const char *pid, *offset; /* a CONNECT that asks for its state, or NULL; copied */
};
/* Answered through chat_answer(). */
void dispatch_socketio(struct conn *conn, const struct sio_call *call);

/* Ends REQ with ERR: the answer goes out, the request is freed. */
void request_finish(struct request *req, enum err err);

#endif
