/* proxy.h - a wire to a server that can be held, cut and mended: TCP on a free port of 127.0.0.1.
 *
 * Threading: the proxy has a thread of its own; the calls may come from any.
 */
#ifndef TESTS_CONTRACT_PROXY_H
#define TESTS_CONTRACT_PROXY_H

#include <stdint.h>

struct proxy;

enum proxy_mode {
    PROXY_PASSES,
    PROXY_HOLDS, /* connections stay, nothing goes through */
    PROXY_CUTS,  /* connections are closed, new ones too */
};

/* To 127.0.0.1:PORT. */
struct proxy *proxy_create(uint16_t port);
void proxy_destroy(struct proxy **proxy);
uint16_t proxy_port(const struct proxy *proxy);
/* From now on; returns when it is so. */
void proxy_set(struct proxy *proxy, enum proxy_mode mode);

#endif
