/* gateway.h - libwebsockets: sockets to connections, HTTP requests and WebSocket messages.
 *
 * gateway.c has the WebSocket side and the callback, gateway_http.c HTTP, gateway_api.c the
 * commands over it, gateway_hooks.c webhooks, gateway_engineio.c the sockets of Engine.IO. Nothing
 * else but conn.c includes libwebsockets. Threading: a worker's own thread.
 */
#ifndef SERVER_GATEWAY_H
#define SERVER_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/address.h"
#include "server/listener.h"

struct eio_service;
struct hook_outcome;
struct lws;
struct conn;
struct peer;
struct request;
struct worker;

enum { GATEWAY_HEADERS_MAX = 8192 }; /* all headers of a request together */

/* Once for the process: where the library's messages go. */
void gateway_init(void);
/* The library's context on WORKER's loop, with the public and the admin vhost. */
bool gateway_open(struct worker *worker, char error_out[256]);
/* Ends the context; WORKER's loop must still run until its handles are closed. */
void gateway_close(struct worker *worker);
/* Frees it, when the loop has closed its handles. */
void gateway_destroy(struct worker *worker);
/* An accepted socket becomes a connection; the gateway owns FD and PEER from now on. */
void gateway_adopt(struct worker *worker, int fd, struct peer *peer, enum door door);

/* gateway_http.c: one request after the other on a connection. The return values are those of a
 * libwebsockets callback: not 0 closes. */
int gateway_http_request(struct conn *conn, const char *path);
int gateway_http_body(struct conn *conn, const char *bytes, size_t len);
int gateway_http_body_done(struct conn *conn);
int gateway_http_writable(struct conn *conn);
/* At the end of a turn: writes the answer that is complete. May be the end of CONN's socket. */
void gateway_http_flush(struct conn *conn);
void gateway_http_gone(struct conn *conn);
/* Looks after a request that waits for its answer: the library would serve a socket with news again
 * and again without reading it, and not see that the client has gone. */
void gateway_http_watch(struct conn *conn);
/* gateway_api.c: the answer of an API request is complete in REQ. */
void gateway_http_answer(struct request *req);
/* gateway_hooks.c: the answer to a post. */
void gateway_hook_answer(struct conn *conn, const struct hook_outcome *outcome);
/* gateway_follow.c: GET /api/v1/stream.follow, and the answer to it, which has no end. */
int gateway_follow_request(struct conn *conn);
void gateway_follow_begin(struct request *req);
/* Reads only while the socket is behind: the library looks whether it can be written only then, and
 * would report what nobody reads again and again otherwise. */
void gateway_follow_listen(struct conn *conn);
int gateway_follow_writable(struct conn *conn);
/* At least every few seconds: a comment when it is time, the end when the client has gone. */
void gateway_follow_tick(struct conn *conn);
/* gateway_engineio.c: a request of Engine.IO. */
int gateway_eio_request(struct conn *conn, const struct eio_service *service);
int gateway_eio_body_done(struct conn *conn);
/* May it become a WebSocket? 0, or what the callback of the upgrade returns. The token that the
 * request brings, if any, has been remembered in CONN. */
int gateway_eio_confirm(struct conn *conn, const struct eio_service *service);
/* It has; true if it was one of Engine.IO's. */
bool gateway_eio_established(struct conn *conn);
void gateway_eio_message(struct conn *conn, const char *bytes, size_t len, bool binary);
/* What CONN has been given by a session on another worker is written. */
void gateway_eio_written(struct conn *conn);
void gateway_eio_gone(struct conn *conn);
/* The WebSocket of connection ID becomes that of TO; the connection ends. */
void gateway_eio_move(struct worker *worker, uint64_t id, struct conn *to);

/* A request header by its libwebsockets token; "" if absent or longer than SIZE - 1. */
const char *gateway_header(struct lws *wsi, int token, char *buf, size_t size);
/* Who sent the request under way, also through trusted proxies: the address they came from, and
 * whether they came by TLS. */
void gateway_client(struct conn *conn, char address_out[ADDRESS_TEXT_SIZE]);
bool gateway_client_is_secure(struct conn *conn);
/* From here on the connection is the client's own, and counts as theirs, not as the proxy's. False:
 * they have too many. */
bool gateway_take_address(struct conn *conn);

#endif
