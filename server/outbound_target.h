/* outbound_target.h - where the server may send requests that others have asked for: rules for the
 * addresses it connects to and for the URLs it is given. Pure functions.
 *
 * The address rule is what protects the networks that the server is in from those who may name a
 * target (server-side request forgery); it is asked for the very address that is connected to. The
 * URL rules only make for clear errors.
 * Threading: any.
 */
#ifndef SERVER_OUTBOUND_TARGET_H
#define SERVER_OUTBOUND_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "server/address.h"

enum {
    OUTBOUND_URL_MAX = 2048,  /* bytes, without NUL */
    OUTBOUND_HOST_SIZE = 280, /* "https://", a name of 255, ":65535" and NUL */
};

/* Whether ADDR is one of the public internet: not one of those that the registries of
 * special-purpose addresses (RFC 6890) keep from it - loopback, private, link-local, shared, for
 * documentation or benchmarks, multicast, reserved, unspecified - nor an IPv6 address that leads to
 * such an IPv4 one: mapped (RFC 4291), NAT64 (RFC 6052), 6to4 (RFC 3056). Tunnels by Teredo (RFC
 * 4380) and prefixes for local NAT64 (RFC 8215) are none either. */
bool outbound_address_is_public(const struct sockaddr *addr);
/* Public, or in one of the blocks ALLOW. */
bool outbound_may_connect(const struct sockaddr *addr, const struct net_block *allow,
                          size_t allow_n);

/* NULL: URL is a target: http or https, a host, perhaps a port, nothing but printable ASCII, no
 * name or password. Otherwise what is wrong, as in "url <reason>"; a static string. */
const char *outbound_url_problem(const char *url);
/* Of a URL that is a target: who is asked, "https://example.org:443". False: it is none. */
bool outbound_url_host(const char *url, char host_out[OUTBOUND_HOST_SIZE]);
/* Whether a redirection from FROM to TO would take a request that was encrypted into the open. */
bool outbound_url_downgrades(const char *from, const char *to);

#endif
