#include "server/outbound_target.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "server/libcurl.h"

/* -- addresses ------------------------------------------------------------------------------------
 */

#define V4(a, b, c, d)                                                                             \
    {                                                                                              \
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d                                       \
    }
enum { V4_BITS = 96 };

/* What of IPv4 is not public; the registry that RFC 6890 has made. */
static const struct net_block special_v4[] = {
    {V4(0, 0, 0, 0), V4_BITS + 8},       /* this network */
    {V4(10, 0, 0, 0), V4_BITS + 8},      /* private, RFC 1918 */
    {V4(100, 64, 0, 0), V4_BITS + 10},   /* shared by carriers, RFC 6598 */
    {V4(127, 0, 0, 0), V4_BITS + 8},     /* loopback */
    {V4(169, 254, 0, 0), V4_BITS + 16},  /* link-local, and the metadata of clouds */
    {V4(172, 16, 0, 0), V4_BITS + 12},   /* private */
    {V4(192, 0, 0, 0), V4_BITS + 24},    /* protocol assignments */
    {V4(192, 0, 2, 0), V4_BITS + 24},    /* documentation */
    {V4(192, 88, 99, 0), V4_BITS + 24},  /* relays of 6to4 */
    {V4(192, 168, 0, 0), V4_BITS + 16},  /* private */
    {V4(198, 18, 0, 0), V4_BITS + 15},   /* benchmarks */
    {V4(198, 51, 100, 0), V4_BITS + 24}, /* documentation */
    {V4(203, 0, 113, 0), V4_BITS + 24},  /* documentation */
    {V4(224, 0, 0, 0), V4_BITS + 4},     /* multicast */
    {V4(240, 0, 0, 0), V4_BITS + 4},     /* reserved, and broadcast */
};

/* All of IPv6 that is public is in here, RFC 4291 section 2.4 ... */
static const struct net_block global_v6 = {{0x20}, 3};
/* ... but for these. */
static const struct net_block special_v6[] = {
    {{0x20, 0x01, 0x00}, 23},       /* protocol assignments: Teredo, benchmarks, ORCHID */
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
    {{0x3f, 0xff, 0x00}, 20},       /* documentation, RFC 9637 */
};

/* Prefixes that an IPv4 address follows: the rest of the way goes to that one. */
static const struct net_block v4_inside[] = {
    {V4(0, 0, 0, 0), V4_BITS},      /* mapped, RFC 4291 */
    {{0x00, 0x64, 0xff, 0x9b}, 96}, /* NAT64, RFC 6052 */
    {{0x20, 0x02}, 16},             /* 6to4, RFC 3056 */
};

static bool in_any(const struct sockaddr_in6 *addr, const struct net_block *blocks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (net_block_contains_addr(&blocks[i], (const struct sockaddr *)addr))
            return true;
    return false;
}

/* ADDR, or the IPv4 address that it stands for, as a mapped one. */
static void resolve_v4(struct sockaddr_in6 *addr)
{
    unsigned char *bytes = addr->sin6_addr.s6_addr;

    for (size_t i = 0; i < ARRAY_LEN(v4_inside); i++) {
        unsigned char v4[16] = V4(0, 0, 0, 0);
        if (!in_any(addr, &v4_inside[i], 1))
            continue;
        memcpy(v4 + 12, bytes + v4_inside[i].prefix / 8, 4);
        memcpy(bytes, v4, sizeof(v4));
        return;
    }
}

bool outbound_address_is_public(const struct sockaddr *addr)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (!address_bytes(addr, v6.sin6_addr.s6_addr))
        return false;
    resolve_v4(&v6);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
        return !in_any(&v6, special_v4, ARRAY_LEN(special_v4));
    return in_any(&v6, &global_v6, 1) && !in_any(&v6, special_v6, ARRAY_LEN(special_v6));
}

bool outbound_may_connect(const struct sockaddr *addr, const struct net_block *allow,
                          size_t allow_n)
{
    for (size_t i = 0; i < allow_n; i++)
        if (net_block_contains_addr(&allow[i], addr))
            return true;
    return outbound_address_is_public(addr);
}

/* -- URLs -----------------------------------------------------------------------------------------
 *
 * They are taken apart by the functions of the library that sends the requests, so that both see
 * the same host in them. */

static bool is_plain(const char *url)
{
    for (; *url != '\0'; url++)
        if (*url <= ' ' || *url > '~')
            return false;
    return true;
}

/* Appends the part WHICH of URL to OUT; false: there is none, or no room. */
static bool put_part(CURLU *url, CURLUPart which, const char *before, char *out, size_t size)
{
    size_t n = strlen(out);
    char *part = NULL;

    if (libcurl.url_get(url, which, &part, CURLU_DEFAULT_PORT) != CURLUE_OK)
        return false;
    int put = snprintf(out + n, size - n, "%s%s", before, part);
    bool fits = part[0] != '\0' && put > 0 && (size_t)put < size - n;
    libcurl.free(part);
    return fits;
}

static const char *parse_problem(CURLU *parsed, const char *url)
{
    switch (libcurl.url_set(parsed, CURLUPART_URL, url, CURLU_DISALLOW_USER)) {
    case CURLUE_OK:
        return NULL;
    case CURLUE_USER_NOT_ALLOWED:
        return "must not have a user name or password in it";
    case CURLUE_BAD_PORT_NUMBER:
        return "has no port that there could be";
    case CURLUE_UNSUPPORTED_SCHEME:
    case CURLUE_BAD_SCHEME:
        return "must begin with https:// or http://";
    default:
        return "is not a URL";
    }
}

/* libcurl would skip it, and take what follows for the host. */
static bool begins_with_third_slash(const char *url)
{
    const char *slashes = strstr(url, "://");

    return slashes != NULL && slashes[3] == '/';
}

const char *outbound_url_problem(const char *url)
{
    char scheme[16] = "";
    char host[OUTBOUND_HOST_SIZE] = "";

    if (strlen(url) > OUTBOUND_URL_MAX)
        return "must not be longer than 2048 bytes";
    if (!is_plain(url))
        return "must be printable ASCII without blanks; the rest is percent-encoded";
    if (!libcurl_load())
        return "cannot be looked at: the server has no libcurl";
    CURLU *parsed = libcurl.url();
    const char *problem = parse_problem(parsed, url);
    if (problem == NULL && (!put_part(parsed, CURLUPART_SCHEME, "", scheme, sizeof(scheme)) ||
                            (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)))
        problem = "must begin with https:// or http://";
    if (problem == NULL &&
        (begins_with_third_slash(url) || !put_part(parsed, CURLUPART_HOST, "", host, 256)))
        problem = "names no host";
    if (problem == NULL && strchr(url, '#') != NULL)
        problem = "must not have a fragment";
    libcurl.url_cleanup(parsed);
    return problem;
}

bool outbound_url_host(const char *url, char host_out[OUTBOUND_HOST_SIZE])
{
    host_out[0] = '\0';
    if (!libcurl_load())
        return false;
    CURLU *parsed = libcurl.url();
    bool good = parse_problem(parsed, url) == NULL &&
                put_part(parsed, CURLUPART_SCHEME, "", host_out, OUTBOUND_HOST_SIZE) &&
                put_part(parsed, CURLUPART_HOST, "://", host_out, OUTBOUND_HOST_SIZE) &&
                put_part(parsed, CURLUPART_PORT, ":", host_out, OUTBOUND_HOST_SIZE);
    libcurl.url_cleanup(parsed);
    return good;
}

bool outbound_url_downgrades(const char *from, const char *to)
{
    static const char secure[] = "https://";
    size_t n = sizeof(secure) - 1;

    return strncasecmp(from, secure, n) == 0 && strncasecmp(to, secure, n) != 0;
}
