/* gateway_http.h - one HTTP exchange at a time on a connection; for the gateway's files only.
 * Threading: the worker's own. Ownership: an exchange belongs to its connection.
 */
#ifndef SERVER_GATEWAY_HTTP_H
#define SERVER_GATEWAY_HTTP_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "server/address.h"
#include "server/http_chunks.h"
#include "server/http_match.h"

struct conn;
struct frame;
struct hook_post;
struct lws;
struct problem;

enum {
    HEADER_TEXT_MAX = 2048,
    TOKEN_TEXT_MAX = 256,
    COMMAND_TEXT_MAX = 80, /* longer than any command's name */
    AGENT_TEXT_MAX = 200,
};

struct http_exchange {
    char command[COMMAND_TEXT_MAX];
    char token[TOKEN_TEXT_MAX];
    char address[ADDRESS_TEXT_SIZE]; /* the client's, also behind a trusted proxy */
    char agent[AGENT_TEXT_MAX];
    bool has_token, cookie, head;
    bool secure;   /* the client came by TLS, perhaps to a trusted proxy */
    bool engineio; /* the body is for gateway_engineio.c */
    bool slash;    /* it came to a response URL, whose token is in `token` */
    bool last;     /* the connection ends with the answer */
    bool cors;     /* the answer says whose pages may read it: */
    char *origin;  /* of an allowed page, or NULL */
    bool handed;   /* all of it is read, and somebody is working on the answer */
    bool deaf;     /* nothing is read meanwhile */
    bool unsure;   /* whether more of the client's is at hand */
    bool answered;
    size_t expected; /* bytes of body */
    struct buf body;
    struct buf out; /* the answer: head and body */
    /* Of the API: */
    char id[HTTP_REQUEST_ID_MAX + 1];
    bool reads;     /* GET or HEAD of a command that changes nothing */
    bool coded;     /* the answer depends on Accept-Encoding */
    bool gzip;      /* and may be compressed */
    bool chunked;   /* the body comes in chunks */
    json_t *params; /* of the query, or NULL */
    struct http_chunks chunks;
    struct hook_post *hook; /* the body is for an incoming webhook, or NULL */
};

#define HTTP_PROBLEM_TYPE "application/problem+json"

struct http_exchange *http_exchange_get(struct conn *conn);
/* The whole answer. HEADERS: lines, without Content-Length and Connection. */
void http_exchange_answer(struct conn *conn, int status, const char *headers, const char *body,
                          size_t len);
/* The same with status 200 and the packets of N payloads (FRAME_PAYLOAD), none of them empty. */
void http_exchange_answer_payload(struct conn *conn, const char *headers,
                                  struct frame *const *payloads, size_t n);
/* gateway_gzip.c: the same for what a command has read, status 200; compressed, in a moment, where
 * it is large and the client takes that. The contents of *BODY may be taken. */
void http_exchange_answer_read(struct conn *conn, const char *headers, struct buf *body);
/* May a body follow? */
bool http_exchange_has_body(const struct conn *conn);
/* A problem (RFC 9457) as the answer. STATUS may be another than ERR's own, EXTRA are header lines.
 * The connection ends with it if there may be a body, which nobody reads. Returns 0. */
int http_exchange_refuse(struct conn *conn, enum err err, int status, const char *extra,
                         const char *detail);
/* What the Content-Length says, into x->expected, x->last where there is none. 0, or the status to
 * refuse the request with. */
int http_exchange_length(struct conn *conn, size_t max);

/* Stops reading. False: the client has sent more than the request, and the library has it at hand;
 * then it would report the socket as writable again and again. It says only whether any connection
 * that is read has something at hand, so that with others it is not known yet: *unsure_out. */
bool http_stop_reading(struct conn *conn, bool *unsure_out);

/* gateway_api.c: who asks, for x->reads or else; false: the request was refused. */
bool gateway_api_caller(struct conn *conn);
/* The I-th argument of the query, decoded. Its length, which may be 0; -1: there is none. */
int http_query_arg(struct conn *conn, int i, char *arg_out, size_t size);
int gateway_api_refuse_params(struct conn *conn, const struct problem *problem);
/* gateway_api.c: a request to /api/v1/NAME, the rest of it, and its end. */
int gateway_api_request(struct conn *conn, const char *name);
/* A request to the response URL of a slash command, which ends with TOKEN. */
int gateway_api_slash_request(struct conn *conn, const char *token);
int gateway_api_chunk(struct conn *conn, const char *bytes, size_t len);
int gateway_api_body_done(struct conn *conn);
/* For other requests with a body like a command's. The id of the request; where the body ends, and
 * that it is not compressed; what the client waits for: false, it was refused or is broken. */
void gateway_api_take_id(struct conn *conn);
bool gateway_api_framing(struct conn *conn);
bool gateway_api_expectation(struct conn *conn);

/* gateway_hooks.c: a request to /hooks/REST, and its body. */
int gateway_hook_request(struct conn *conn, const char *rest);
void gateway_hook_run(struct conn *conn);

#endif
