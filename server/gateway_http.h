/* gateway_http.h - one HTTP exchange at a time on a connection; for the gateway's files only.
 * Threading: the worker's own. Ownership: an exchange belongs to its connection.
 */
#ifndef SERVER_GATEWAY_HTTP_H
#define SERVER_GATEWAY_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "server/address.h"

struct conn;

enum {
    HEADER_TEXT_MAX = 2048,
    TOKEN_TEXT_MAX = 256,
    COMMAND_TEXT_MAX = 80,
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
    bool last;     /* the connection ends with the answer */
    bool handed;   /* all of it is read, and somebody is working on the answer */
    bool deaf;     /* nothing is read meanwhile */
    bool answered;
    size_t expected; /* bytes of body */
    struct buf body;
    struct buf out; /* the answer: head and body */
};

struct http_exchange *http_exchange_get(struct conn *conn);
/* The whole answer. HEADERS: lines, without Content-Length and Connection. */
void http_exchange_answer(struct conn *conn, int status, const char *headers, const char *body,
                          size_t len);
/* What the Content-Length says, into x->expected, x->last where there is none. 0, or the status to
 * refuse the request with. */
int http_exchange_length(struct conn *conn, size_t max);

#endif
