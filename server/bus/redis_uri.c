#include "server/bus/redis_uri.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORM "redis://[user[:password]@]host[:port][/db] or redis+unix:///path"

static bool fail(char error_out[256], const char *what)
{
    (void)snprintf(error_out, 256, "bus: %s; it must be local, or %s", what, FORM);
    return false;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);

    return at == NULL ? -1 : (int)(at - digits);
}

/* The N bytes at TEXT without their percent-encoding. False: too long, malformed, or a NUL. */
static bool decode(const char *text, size_t n, char out[REDIS_URI_TEXT])
{
    size_t to = 0;

    for (size_t i = 0; i < n; i++, to++) {
        if (to + 1 >= REDIS_URI_TEXT)
            return false;
        if (text[i] != '%') {
            out[to] = text[i];
            continue;
        }
        int high = i + 2 < n ? hex_digit(text[i + 1]) : -1;
        int low = i + 2 < n ? hex_digit(text[i + 2]) : -1;
        if (high < 0 || low < 0 || high + low == 0)
            return false;
        out[to] = (char)(high * 16 + low);
        i += 2;
    }
    out[to] = '\0';
    return true;
}

static bool parse_number(const char *text, size_t n, unsigned long max, uint16_t *out)
{
    char digits[8];

    if (n == 0 || n >= sizeof(digits) || strspn(text, "0123456789") < n)
        return false;
    memcpy(digits, text, n);
    digits[n] = '\0';
    unsigned long value = strtoul(digits, NULL, 10);
    *out = (uint16_t)value;
    return value <= max;
}

/* [user[:password]@]; *text moves behind it. */
static bool parse_login(const char **text, struct redis_uri *out)
{
    size_t authority = strcspn(*text, "/?");
    const char *at = NULL;

    for (size_t i = 0; i < authority; i++)
        if ((*text)[i] == '@')
            at = *text + i;
    if (at == NULL)
        return true;
    const char *colon = memchr(*text, ':', (size_t)(at - *text));
    const char *end = colon == NULL ? at : colon;
    bool ok = decode(*text, (size_t)(end - *text), out->user) &&
              (colon == NULL || decode(colon + 1, (size_t)(at - colon - 1), out->password));
    *text = at + 1;
    return ok && (out->user[0] == '\0' || out->password[0] != '\0');
}

static bool parse_host(const char *text, size_t n, struct redis_uri *out)
{
    const char *host = text;
    size_t host_n = n;
    const char *port = NULL;

    if (n > 0 && text[0] == '[') { /* [v6] */
        const char *close = memchr(text, ']', n);
        if (close == NULL)
            return false;
        host = text + 1;
        host_n = (size_t)(close - host);
        port = close + 1 < text + n ? close + 1 : NULL;
        if (port != NULL && *port != ':')
            return false;
    } else {
        port = memchr(text, ':', n);
        host_n = port == NULL ? n : (size_t)(port - text);
    }
    out->port = 6379;
    if (host_n == 0 || host_n >= sizeof(out->host) - 16)
        return false;
    memcpy(out->host, host, host_n);
    out->host[host_n] = '\0';
    return port == NULL ||
           (parse_number(port + 1, (size_t)(text + n - port - 1), 65535, &out->port) &&
            out->port > 0);
}

static bool parse_tcp(const char *text, struct redis_uri *out, char error_out[256])
{
    size_t n = strcspn(text, "/?");

    if (!parse_host(text, n, out))
        return fail(error_out, "the host or port is not understood");
    const char *db = text + n;
    if (*db == '/' && db[1] != '\0' &&
        !parse_number(db + 1, strlen(db + 1), REDIS_DB_MAX, &out->db))
        return fail(error_out, "the database is not a number");
    if (*db == '?')
        return fail(error_out, "there are no options after ?");
    (void)snprintf(out->shown, sizeof(out->shown),
                   strchr(out->host, ':') != NULL ? "[%.*s]:%u" : "%.*s:%u", 240, out->host,
                   (unsigned)out->port);
    return true;
}

static bool parse_unix(const char *text, struct redis_uri *out, char error_out[256])
{
    size_t n = strcspn(text, "?");

    if (n < 2 || text[0] != '/' || n >= sizeof(out->path))
        return fail(error_out,
                    "the path of the socket must begin with / and have at most 107 bytes");
    memcpy(out->path, text, n);
    out->path[n] = '\0';
    if (text[n] == '?' &&
        (strncmp(text + n, "?db=", 4) != 0 ||
         !parse_number(text + n + 4, strlen(text + n + 4), REDIS_DB_MAX, &out->db)))
        return fail(error_out, "after the path only ?db=N may come");
    (void)snprintf(out->shown, sizeof(out->shown), "%s", out->path);
    return true;
}

bool redis_uri_parse(const char *text, struct redis_uri *out, char error_out[256])
{
    static const char tcp[] = "redis://";
    static const char local[] = "redis+unix://";

    *out = (struct redis_uri){0};
    if (strncmp(text, "rediss://", 9) == 0) {
        (void)snprintf(
            error_out, 256,
            "bus: rediss:// (TLS) is not built in; use redis:// on a trusted network, or "
            "through a TLS tunnel such as stunnel on this machine");
        return false;
    }
    bool is_unix = strncmp(text, local, sizeof(local) - 1) == 0;
    if (!is_unix && strncmp(text, tcp, sizeof(tcp) - 1) != 0)
        return fail(error_out, "the address is not understood");
    text += is_unix ? sizeof(local) - 1 : sizeof(tcp) - 1;
    if (!parse_login(&text, out))
        return fail(error_out, "user and password are not understood (percent-encode what is not a "
                               "letter or digit; a user needs a password)");
    return is_unix ? parse_unix(text, out, error_out) : parse_tcp(text, out, error_out);
}
