#include "server/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Digits only, at most MAX; false for anything else. */
static bool parse_number(const char *text, unsigned long max, unsigned long *out)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 5 || text[digits] != '\0')
        return false;
    *out = strtoul(text, NULL, 10);
    return *out <= max;
}

static bool parse_v6(char *host, struct sockaddr_in6 *out)
{
    char *scope = strchr(host, '%');

    if (scope != NULL) {
        *scope++ = '\0';
        out->sin6_scope_id = if_nametoindex(scope);
        if (out->sin6_scope_id == 0)
            return false;
    }
    out->sin6_family = AF_INET6;
    return inet_pton(AF_INET6, host, &out->sin6_addr) == 1;
}

bool listen_addr_parse(const char *text, struct listen_addr *out)
{
    char host[ADDRESS_TEXT_SIZE];
    const char *colon = strrchr(text, ':');
    unsigned long port;

    *out = (struct listen_addr){0};
    if (colon == NULL || (size_t)(colon - text) >= sizeof(host) ||
        !parse_number(colon + 1, 65535, &port))
        return false;
    size_t n = (size_t)(colon - text);
    memcpy(host, text, n);
    host[n] = '\0';
    if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->addr;
        host[n - 1] = '\0';
        if (!parse_v6(host + 1, v6))
            return false;
        v6->sin6_port = htons((uint16_t)port);
        out->len = sizeof(*v6);
    } else {
        struct sockaddr_in *v4 = (struct sockaddr_in *)&out->addr;
        v4->sin_family = AF_INET;
        if (inet_pton(AF_INET, host, &v4->sin_addr) != 1)
            return false;
        v4->sin_port = htons((uint16_t)port);
        out->len = sizeof(*v4);
    }
    address_format((const struct sockaddr *)&out->addr, out->text);
    return true;
}

/* Any address as IPv6, IPv4 mapped into ::ffff:0:0/96. */
static void map_v4(const struct in_addr *v4, unsigned char bytes_out[16])
{
    memset(bytes_out, 0, 10);
    memset(bytes_out + 10, 0xff, 2);
    memcpy(bytes_out + 12, v4, 4);
}

bool address_bytes(const struct sockaddr *addr, unsigned char bytes_out[16])
{
    if (addr->sa_family == AF_INET6)
        memcpy(bytes_out, &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr, 16);
    else if (addr->sa_family == AF_INET)
        map_v4(&((const struct sockaddr_in *)(const void *)addr)->sin_addr, bytes_out);
    else
        return false;
    return true;
}

static bool host_bytes(const char *host, unsigned char bytes_out[16])
{
    struct in_addr v4;

    if (inet_pton(AF_INET6, host, bytes_out) == 1)
        return true;
    if (inet_pton(AF_INET, host, &v4) != 1)
        return false;
    map_v4(&v4, bytes_out);
    return true;
}

static bool is_v4(const unsigned char bytes[16])
{
    return IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)bytes);
}

bool listen_addr_is_loopback(const struct listen_addr *addr)
{
    unsigned char bytes[16];

    if (!address_bytes((const struct sockaddr *)&addr->addr, bytes))
        return false;
    if (is_v4(bytes))
        return bytes[12] == 127;
    return memcmp(bytes, &in6addr_loopback, 16) == 0;
}

static void format_bytes(const unsigned char bytes[16], char text_out[ADDRESS_TEXT_SIZE])
{
    bool v4 = is_v4(bytes);

    if (inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? bytes + 12 : bytes, text_out, ADDRESS_TEXT_SIZE) ==
        NULL)
        text_out[0] = '\0';
}

void address_format_host(const struct sockaddr *addr, char text_out[ADDRESS_TEXT_SIZE])
{
    unsigned char bytes[16];

    if (address_bytes(addr, bytes))
        format_bytes(bytes, text_out);
    else
        memcpy(text_out, "unknown", sizeof("unknown"));
}

void address_format(const struct sockaddr *addr, char text_out[ADDRESS_TEXT_SIZE])
{
    char host[INET6_ADDRSTRLEN] = "";
    char scope[IF_NAMESIZE] = "";

    if (addr->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)addr;
        (void)inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
        (void)snprintf(text_out, ADDRESS_TEXT_SIZE, "%.45s:%u", host, ntohs(v4->sin_port));
    } else if (addr->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)addr;
        (void)inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
        if (v6->sin6_scope_id != 0 && if_indextoname(v6->sin6_scope_id, scope) == NULL)
            scope[0] = '\0';
        (void)snprintf(text_out, ADDRESS_TEXT_SIZE, "[%.39s%s%.15s]:%u", host,
                       scope[0] != '\0' ? "%" : "", scope, ntohs(v6->sin6_port));
    } else {
        memcpy(text_out, "unknown", sizeof("unknown"));
    }
}

bool net_block_parse(const char *text, struct net_block *out)
{
    char host[ADDRESS_TEXT_SIZE];
    const char *slash = strchr(text, '/');
    size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
    unsigned long prefix;

    *out = (struct net_block){0};
    if (n >= sizeof(host))
        return false;
    memcpy(host, text, n);
    host[n] = '\0';
    if (!host_bytes(host, out->bytes))
        return false;
    bool v4 = strchr(host, ':') == NULL;
    prefix = v4 ? 32 : 128;
    if (slash != NULL && !parse_number(slash + 1, prefix, &prefix))
        return false;
    out->prefix = (unsigned)prefix + (v4 ? 96 : 0);
    return true;
}

static bool has_bytes(const struct net_block *block, const unsigned char bytes[16])
{
    size_t whole = block->prefix / 8;
    unsigned rest = block->prefix % 8;

    if (memcmp(bytes, block->bytes, whole) != 0)
        return false;
    return rest == 0 || (bytes[whole] ^ block->bytes[whole]) >> (8 - rest) == 0;
}

bool net_block_contains(const struct net_block *block, const char *host)
{
    unsigned char bytes[16];

    return host_bytes(host, bytes) && has_bytes(block, bytes);
}

bool net_block_contains_addr(const struct net_block *block, const struct sockaddr *addr)
{
    unsigned char bytes[16];

    return address_bytes(addr, bytes) && has_bytes(block, bytes);
}

void address_group(const char *host, char group_out[ADDRESS_TEXT_SIZE])
{
    unsigned char bytes[16];

    if (!host_bytes(host, bytes)) {
        (void)snprintf(group_out, ADDRESS_TEXT_SIZE, "%.*s", ADDRESS_TEXT_SIZE - 1, host);
        return;
    }
    bool v4 = is_v4(bytes);
    if (!v4)
        memset(bytes + 8, 0, 8);
    format_bytes(bytes, group_out);
    if (!v4)
        memcpy(group_out + strlen(group_out), "/64", sizeof("/64"));
}
