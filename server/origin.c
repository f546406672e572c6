#include "server/origin.h"

#include <string.h>
#include <strings.h>

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* HOST[:PORT], as in an origin or a Host header; PORT 0 when it is not there. */
struct host_port {
    const char *host;
    size_t host_n;
    unsigned port;
};

static bool parse_host_port(const char *text, struct host_port *out)
{
    size_t n = 0;

    if (text[0] == '[') {
        n = 1 + strspn(text + 1, "0123456789abcdefABCDEF:.");
        if (n == 1 || text[n++] != ']')
            return false;
    } else {
        while (is_alnum(text[n]) || is_one_of(text[n], "-._"))
            n++;
    }
    if (n == 0 || n > 255)
        return false;
    *out = (struct host_port){.host = text, .host_n = n};
    if (text[n] == '\0')
        return true;
    const char *digits = text + n + 1;
    size_t digits_n = strspn(digits, "0123456789");
    if (text[n] != ':' || digits_n == 0 || digits_n > 5 || digits[digits_n] != '\0')
        return false;
    for (size_t i = 0; i < digits_n; i++)
        out->port = out->port * 10 + (unsigned)(digits[i] - '0');
    return out->port > 0 && out->port <= 65535;
}

struct origin {
    bool https;
    struct host_port at;
};

static bool parse_origin(const char *text, struct origin *out)
{
    out->https = strncasecmp(text, "https://", 8) == 0;
    if (!out->https && strncasecmp(text, "http://", 7) != 0)
        return false;
    return parse_host_port(text + (out->https ? 8 : 7), &out->at);
}

static bool same_place(bool https, const struct host_port *a, const struct host_port *b)
{
    unsigned usual = https ? 443 : 80;

    return (a->port != 0 ? a->port : usual) == (b->port != 0 ? b->port : usual) &&
           a->host_n == b->host_n && strncasecmp(a->host, b->host, a->host_n) == 0;
}

bool origin_is_valid(const char *origin)
{
    struct origin parsed;

    return parse_origin(origin, &parsed);
}

bool origin_is_allowed(const char *origin, const char *host, bool tls, char *const *allowed,
                       size_t allowed_n)
{
    struct origin from;
    struct origin other;
    struct host_port here;

    if (origin == NULL || !parse_origin(origin, &from))
        return false;
    if (host != NULL && parse_host_port(host, &here) && (from.https || !tls) &&
        same_place(from.https, &from.at, &here))
        return true;
    for (size_t i = 0; i < allowed_n; i++)
        if (parse_origin(allowed[i], &other) && other.https == from.https &&
            same_place(from.https, &from.at, &other.at))
            return true;
    return false;
}

static bool copy_out(const char *from, size_t n, char *out, size_t size)
{
    if (n >= size)
        return false;
    memcpy(out, from, n);
    out[n] = '\0';
    return true;
}

bool cookie_find(const char *header, const char *name, char *value_out, size_t value_size)
{
    size_t name_n = strlen(name);

    while (header != NULL && *header != '\0') {
        header += strspn(header, "; \t");
        size_t pair_n = strcspn(header, ";");
        const char *next = header + pair_n;
        if (pair_n > name_n && header[name_n] == '=' && memcmp(header, name, name_n) == 0) {
            const char *value = header + name_n + 1;
            size_t n = pair_n - name_n - 1;
            while (n > 0 && is_one_of(value[n - 1], " \t"))
                n--;
            if (n >= 2 && value[0] == '"' && value[n - 1] == '"') {
                value++;
                n -= 2;
            }
            return copy_out(value, n, value_out, value_size);
        }
        header = next;
    }
    return false;
}

bool bearer_find(const char *header, char *token_out, size_t token_size)
{
    size_t n = 0;

    if (header == NULL || strncasecmp(header, "Bearer ", 7) != 0)
        return false;
    header += 7;
    header += strspn(header, " ");
    while (is_alnum(header[n]) || is_one_of(header[n], "-._~+/"))
        n++;
    size_t end = n + strspn(header + n, "=");
    if (n == 0 || header[end + strspn(header + end, " ")] != '\0')
        return false;
    return copy_out(header, end, token_out, token_size);
}

static bool is_trusted(const char *host, const struct net_block *trusted, size_t trusted_n)
{
    for (size_t i = 0; i < trusted_n; i++)
        if (net_block_contains(&trusted[i], host))
            return true;
    return false;
}

/* The last element of the first N bytes of LIST, trimmed; *n becomes the length of what is before
 * it. False: nothing is left, or it is too long to be an address. */
static bool last_element(const char *list, size_t *n, char element_out[ADDRESS_TEXT_SIZE])
{
    size_t end = *n;
    size_t start;

    while (end > 0 && is_one_of(list[end - 1], ", \t"))
        end--;
    for (start = end; start > 0 && list[start - 1] != ','; start--)
        ;
    *n = start;
    while (start < end && is_one_of(list[start], " \t"))
        start++;
    return end > start && copy_out(list + start, end - start, element_out, ADDRESS_TEXT_SIZE);
}

void client_address(const char *peer, const char *forwarded_for, const struct net_block *trusted,
                    size_t trusted_n, char address_out[ADDRESS_TEXT_SIZE])
{
    static const struct net_block anything = {.prefix = 0};
    char element[ADDRESS_TEXT_SIZE];
    size_t peer_n = strnlen(peer, ADDRESS_TEXT_SIZE - 1);
    size_t n = forwarded_for != NULL ? strlen(forwarded_for) : 0;

    (void)copy_out(peer, peer_n, address_out, ADDRESS_TEXT_SIZE);
    while (is_trusted(address_out, trusted, trusted_n) &&
           last_element(forwarded_for, &n, element) && net_block_contains(&anything, element))
        memcpy(address_out, element, sizeof(element));
}

bool client_is_secure(const char *peer, const char *forwarded_proto,
                      const struct net_block *trusted, size_t trusted_n)
{
    if (forwarded_proto == NULL || !is_trusted(peer, trusted, trusted_n))
        return false;
    forwarded_proto += strspn(forwarded_proto, " \t");
    size_t n = strcspn(forwarded_proto, ", \t");
    return n == 5 && strncasecmp(forwarded_proto, "https", n) == 0;
}

bool agent_is_javascript(const char *agent, const char *origin, const char *extensions)
{
    if (agent != NULL && agent[0] != '\0')
        return strncmp(agent, "Mozilla/", strlen("Mozilla/")) == 0 ||
               strcmp(agent, "node-XMLHttpRequest") == 0 || strcmp(agent, "node") == 0;
    return (origin == NULL || origin[0] == '\0') && extensions != NULL &&
           strcmp(extensions, "permessage-deflate; client_max_window_bits") == 0;
}
