/* fuzz_http_headers.c - what a request's headers and path are turned into. The first line of the
 * input is the path, the second the Host; the rest is each of the headers in turn.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/http_match.h"
#include "server/origin.h"
#include "server/setup_code.h"

static void check_path(const char *target)
{
    char path[64];

    if (!http_path_decode(target, path, sizeof(path)))
        return;
    if (path[0] != '/' || strstr(path, "/../") != NULL || strchr(path, '\\') != NULL)
        abort();
    size_t n = strlen(path);
    if (n >= 3 && strcmp(path + n - 3, "/..") == 0)
        abort();
}

static void check_origin(const char *origin, const char *host)
{
    char listed[] = "https://chat.example.org";
    char *const allowed[] = {listed};

    for (int tls = 0; tls < 2; tls++)
        if (origin_is_allowed(origin, host, tls == 1, allowed, 1) && !origin_is_valid(origin))
            abort();
}

static void check_credentials(const char *header)
{
    char value[24];

    if (cookie_find(header, SESSION_COOKIE, value, sizeof(value)) &&
        (strlen(value) >= sizeof(value) || strchr(value, ';') != NULL))
        abort();
    if (bearer_find(header, value, sizeof(value)) && strpbrk(value, " ,;\r\n") != NULL)
        abort();
    (void)setup_code_matches(header, "abcd-efgh-jkmn-pqrs");
}

static void check_addresses(const char *header)
{
    struct net_block trusted;
    struct listen_addr addr;
    char text[ADDRESS_TEXT_SIZE];

    (void)net_block_parse("10.0.0.0/8", &trusted);
    (void)client_is_secure("10.0.0.1", header, &trusted, 1);
    client_address("10.0.0.1", header, &trusted, 1, text);
    if (!net_block_contains(&(struct net_block){.prefix = 0}, text))
        abort();
    address_group(header, text);
    if (listen_addr_parse(header, &addr)) {
        struct listen_addr again;
        if (!listen_addr_parse(addr.text, &again) || strcmp(addr.text, again.text) != 0)
            abort();
    }
    (void)net_block_parse(header, &trusted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *path = mem_strndup((const char *)data, size);
    char *host = path + strcspn(path, "\n");
    char *header;

    if (*host != '\0')
        *host++ = '\0';
    header = host + strcspn(host, "\n");
    if (*header != '\0')
        *header++ = '\0';
    check_path(path);
    check_origin(header, host);
    check_credentials(header);
    check_addresses(header);
    int quality = http_encoding_quality(header, "br");
    if (quality < 0 || quality > 1000)
        abort();
    (void)http_etag_matches(header, "\"abc\"");
    free(path);
    return 0;
}
