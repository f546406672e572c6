/* gateway_cors.h - which pages of other origins may read what they ask for: the CORS protocol of
 * the Fetch standard, for the API and Socket.IO alike. For the gateway's files only. Threading: the
 * worker's own.
 */
#ifndef SERVER_GATEWAY_CORS_H
#define SERVER_GATEWAY_CORS_H

#include <stdbool.h>

struct buf;
struct conn;
struct http_exchange;

/* The answer to the request under way will say who may read it: the page that asks, if its origin
 * is this server's own, one of allowed_origins, or ANY. */
void gateway_cors_take(struct conn *conn, bool any);
/* The header lines for that; none before gateway_cors_take(). CODED: the answer also depends on
 * Accept-Encoding. */
void gateway_cors_put(struct buf *out, const struct http_exchange *x, bool coded);
/* What a page that may read the answer may send: METHODS and HEADERS as lists with commas. */
void gateway_cors_put_preflight(struct buf *out, const struct http_exchange *x, const char *methods,
                                const char *headers);

#endif
