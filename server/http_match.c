#include "server/http_match.h"

#include <string.h>
#include <strings.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte at *text, which moves behind it; -1 for a broken escape. */
static int next_byte(const char **text)
{
    const char *at = *text;

    if (*at != '%') {
        *text = at + 1;
        return (unsigned char)*at;
    }
    int high = hex_digit(at[1]);
    int low = high >= 0 ? hex_digit(at[2]) : -1;
    *text = at + 3;
    return low >= 0 ? high * 16 + low : -1;
}

static bool has_dot_part(const char *path)
{
    for (const char *part = strchr(path, '/'); part != NULL; part = strchr(part, '/')) {
        size_t n = strcspn(++part, "/");
        if ((n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
            return true;
    }
    return false;
}

bool http_path_decode(const char *target, char *path_out, size_t path_size)
{
    size_t n = 0;

    if (target[0] != '/')
        return false;
    while (*target != '\0' && *target != '?' && *target != '#') {
        int byte = next_byte(&target);
        if (byte < ' ' || byte == 0x7f || byte == '\\' || n + 1 >= path_size)
            return false;
        path_out[n++] = (char)byte;
    }
    path_out[n] = '\0';
    return !has_dot_part(path_out);
}

/* "q=0.5" as 500; what is malformed counts as 0. */
static int parse_quality(const char *text, size_t n)
{
    int quality;

    if (n < 3 || (text[0] != 'q' && text[0] != 'Q') || text[1] != '=' ||
        (text[2] != '0' && text[2] != '1'))
        return 0;
    quality = (text[2] - '0') * 1000;
    if (n == 3)
        return quality;
    if (text[3] != '.' || n > 7)
        return 0;
    for (size_t i = 4, unit = 100; i < n; i++, unit /= 10) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        quality += (text[i] - '0') * (int)unit;
    }
    return quality <= 1000 ? quality : 0;
}

static size_t trim(const char **text, size_t n)
{
    while (n > 0 && (**text == ' ' || **text == '\t')) {
        (*text)++;
        n--;
    }
    while (n > 0 && ((*text)[n - 1] == ' ' || (*text)[n - 1] == '\t'))
        n--;
    return n;
}

int http_encoding_quality(const char *header, const char *coding)
{
    int any = 0;

    while (header != NULL && *header != '\0') {
        size_t n = strcspn(header, ",");
        const char *next = header + n + (header[n] == ',');
        const char *semicolon = memchr(header, ';', n);
        const char *name = header;
        size_t name_n = trim(&name, semicolon != NULL ? (size_t)(semicolon - header) : n);
        int quality = 1000;
        if (semicolon != NULL) {
            const char *parameter = semicolon + 1;
            size_t parameter_n = trim(&parameter, n - (size_t)(parameter - header));
            quality = parse_quality(parameter, parameter_n);
        }
        if (name_n == strlen(coding) && strncasecmp(name, coding, name_n) == 0)
            return quality;
        if (name_n == 1 && name[0] == '*')
            any = quality;
        header = next;
    }
    return any;
}

/* The weight among the PARAMETERS of a media range, up to END. */
static int range_quality(const char *parameters, const char *end)
{
    while (parameters < end) {
        const char *next = memchr(parameters, ';', (size_t)(end - parameters));
        size_t n = trim(&parameters, (size_t)((next != NULL ? next : end) - parameters));
        if (n > 1 && (parameters[0] == 'q' || parameters[0] == 'Q') && parameters[1] == '=')
            return parse_quality(parameters, n);
        parameters = next != NULL ? next + 1 : end;
    }
    return 1000;
}

/* How exactly a media range names TYPE: 0, not at all, to 3. */
static int range_fits(const char *range, size_t n, const char *type)
{
    size_t major = strcspn(type, "/") + 1;

    if (n == 3 && memcmp(range, "*/*", n) == 0)
        return 1;
    if (n == major + 1 && strncasecmp(range, type, major) == 0 && range[major] == '*')
        return 2;
    return n == strlen(type) && strncasecmp(range, type, n) == 0 ? 3 : 0;
}

bool http_accepts(const char *header, const char *type)
{
    int best = 0;
    int quality = 0;

    if (header == NULL || header[strspn(header, ", \t")] == '\0')
        return true;
    while (*header != '\0') {
        const char *end = header + strcspn(header, ",");
        const char *semicolon = memchr(header, ';', (size_t)(end - header));
        const char *range = header;
        size_t n = trim(&range, (size_t)((semicolon != NULL ? semicolon : end) - header));
        int fits = range_fits(range, n, type);
        if (fits > best) {
            best = fits;
            quality = semicolon != NULL ? range_quality(semicolon + 1, end) : 1000;
        }
        header = end + (*end == ',');
    }
    return quality > 0;
}

bool http_request_id_is_sane(const char *id)
{
    static const char taken[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=:@";
    size_t n = strspn(id, taken);

    return n > 0 && n <= HTTP_REQUEST_ID_MAX && id[n] == '\0';
}

bool http_etag_matches(const char *header, const char *etag)
{
    size_t etag_n = strlen(etag);

    while (header != NULL && *header != '\0') {
        header += strspn(header, ", \t");
        if (*header == '*')
            return true;
        if (strncmp(header, "W/", 2) == 0)
            header += 2;
        if (*header != '"')
            return false;
        size_t n = 2 + strcspn(header + 1, "\"");
        if (header[n - 1] != '"')
            return false;
        if (n == etag_n && memcmp(header, etag, n) == 0)
            return true;
        header += n;
    }
    return false;
}
