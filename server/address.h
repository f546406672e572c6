/* address.h - network addresses as text: what to listen on, which proxies to trust, whom to
 * throttle.
 *
 * No name is ever looked up: addresses are numbers. Threading: any. Ownership: plain values.
 */
#ifndef SERVER_ADDRESS_H
#define SERVER_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
    ADDRESS_TEXT_SIZE = 64, /* "[ffff:...:ffff%scope]:65535" and its NUL, with room */
};

/* Where to listen. Port 0: any free one. */
struct listen_addr {
    struct sockaddr_storage addr;
    socklen_t len;                /* 0: none */
    char text[ADDRESS_TEXT_SIZE]; /* as address_format() writes it */
};

/* A range of addresses, "10.0.0.0/8" or one address. IPv4 is kept as ::ffff:a.b.c.d. */
struct net_block {
    unsigned char bytes[16];
    unsigned prefix; /* bits that count, 0 to 128 */
};

/* "ADDR:PORT" or "[v6]:PORT". */
bool listen_addr_parse(const char *text, struct listen_addr *out);
/* 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/104. */
bool listen_addr_is_loopback(const struct listen_addr *addr);
/* "127.0.0.1:80", "[::1]:80"; what is neither IPv4 nor IPv6 gives "unknown". */
void address_format(const struct sockaddr *addr, char text_out[ADDRESS_TEXT_SIZE]);
/* The same without port and brackets; an IPv4-mapped address as IPv4: "127.0.0.1", "::1". */
void address_format_host(const struct sockaddr *addr, char text_out[ADDRESS_TEXT_SIZE]);

bool net_block_parse(const char *text, struct net_block *out);
/* HOST is an address without port; what is not one is in no block. */
bool net_block_contains(const struct net_block *block, const char *host);
/* The same for an address as a socket has it; the port does not count. */
bool net_block_contains_addr(const struct net_block *block, const struct sockaddr *addr);

/* An address as 16 bytes in network order, IPv4 as ::ffff:a.b.c.d. False: it is neither IPv4 nor
 * IPv6. */
bool address_bytes(const struct sockaddr *addr, unsigned char bytes_out[16]);

/* Who counts as one for limits: an IPv4 address, or an IPv6 /64 ("2001:db8:1:2::/64"). What is not
 * an address is copied as it is, cut to fit. */
void address_group(const char *host, char group_out[ADDRESS_TEXT_SIZE]);

#endif
