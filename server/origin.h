/* origin.h - what request headers say about who asks: Origin, Cookie, Authorization,
 * X-Forwarded-For, X-Forwarded-Proto, User-Agent. Pure functions over NUL-terminated header values;
 * NULL stands for a missing header. Threading: any.
 */
#ifndef SERVER_ORIGIN_H
#define SERVER_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "server/address.h"

#define SESSION_COOKIE "parley_session"

/* An origin as browsers send it (RFC 6454 section 6.2): http or https, host, port unless it is the
 * default one; nothing after it. */
bool origin_is_valid(const char *origin);
/* May a page of ORIGIN use the session cookie? It may when it is the origin that HOST (the Host
 * header) names, with https if TLS (http or https otherwise: a proxy may end TLS), or one of
 * ALLOWED. No Origin: no. */
bool origin_is_allowed(const char *origin, const char *host, bool tls, char *const *allowed,
                       size_t allowed_n);

/* The first cookie NAME in a Cookie header (RFC 6265 section 4.2), without quotes. False: not
 * there, or does not fit. */
bool cookie_find(const char *header, const char *name, char *value_out, size_t value_size);
/* The token of an `Authorization: Bearer` header (RFC 6750 section 2.1). False: another scheme,
 * not a token, or does not fit. */
bool bearer_find(const char *header, char *token_out, size_t token_size);

/* The client's address: PEER, or if that is a trusted proxy the last address of X-Forwarded-For
 * that is not one. */
void client_address(const char *peer, const char *forwarded_for, const struct net_block *trusted,
                    size_t trusted_n, char address_out[ADDRESS_TEXT_SIZE]);
/* Did the client come by TLS to a trusted proxy? It did when PEER is one and says `https` in
 * X-Forwarded-Proto; of several, the first is that of the proxy next to the client. */
bool client_is_secure(const char *peer, const char *forwarded_proto,
                      const struct net_block *trusted, size_t trusted_n);

/* Is the Socket.IO client that begins a session written in JavaScript, whose functions ignore the
 * arguments they have no names for? A browser says so in AGENT (User-Agent), and so do the HTTP
 * clients of Node.js in engine.io-client; its WebSocket, the package `ws`, gives neither AGENT nor
 * ORIGIN, but EXTENSIONS (Sec-WebSocket-Extensions) that no other client is known to give without
 * them. EXTENSIONS are NULL for a request that is no WebSocket's. False when in doubt. */
bool agent_is_javascript(const char *agent, const char *origin, const char *extensions);

#endif
