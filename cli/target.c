#include "cli/target.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"
#include "cli/secret.h"

const char *target_data_dir(const struct options *options)
{
    const char *dir = options->value[OPTION_DATA];

    if (dir == NULL)
        dir = getenv("PARLEY_DATA");
    return dir != NULL && *dir != '\0' ? dir : "./data";
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "[::1]") == 0;
}

static bool has_part(CURLU *parsed, CURLUPart part)
{
    char *text = NULL;
    bool has = curl_url_get(parsed, part, &text, 0) == CURLUE_OK;

    curl_free(text);
    return has;
}

bool target_parse_url(const char *url, struct buf *url_out, bool *plain_out, struct buf *error)
{
    CURLU *parsed = curl_url();
    char *scheme = NULL;
    char *host = NULL;
    bool ok = false;

    *plain_out = false;
    if (strstr(url, "://") == NULL || curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(parsed, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
        buf_puts(error, "--server wants a URL: https://HOST[:PORT] or http://HOST[:PORT]");
    } else if (has_part(parsed, CURLUPART_USER) || has_part(parsed, CURLUPART_PASSWORD)) {
        buf_puts(error, "--server takes no user or password in the URL: use --token-file");
    } else if (has_part(parsed, CURLUPART_QUERY) || has_part(parsed, CURLUPART_FRAGMENT)) {
        buf_puts(error, "--server takes no ? or # in the URL");
    } else {
        buf_puts(url_out, url);
        while (url_out->len > 0 && url_out->data[url_out->len - 1] == '/')
            url_out->data[--url_out->len] = '\0';
        *plain_out = strcmp(scheme, "http") == 0 && !is_loopback(host);
        ok = true;
    }
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parsed);
    return ok;
}

/* The token into OUT. It becomes a header line: nothing but visible ASCII may be in it. */
static enum exit_code find_token(const struct options *options, char out[SECRET_SIZE])
{
    const char *file = options->value[OPTION_TOKEN_FILE];
    const char *token = options->value[OPTION_TOKEN];
    enum exit_code code = EXIT_CODE_OK;

    if (token == NULL && file == NULL)
        token = getenv("PARLEY_TOKEN");
    if (token != NULL && strlen(token) < SECRET_SIZE) {
        memcpy(out, token, strlen(token) + 1);
    } else if (token == NULL && file != NULL) {
        code = secret_from_file("token", file, out);
        if (code != EXIT_CODE_OK)
            return code;
    } else if (token == NULL) {
        report_error("--server needs a token");
        report_hint("Give one with --token-file FILE or in PARLEY_TOKEN.");
        return EXIT_CODE_UNAUTHENTICATED;
    }
    size_t len = strlen(out);
    size_t good = 0;
    while (good < len && out[good] > ' ' && out[good] < 0x7f)
        good++;
    if (len > 0 && good == len)
        return EXIT_CODE_OK;
    report_error("the token is empty, too long, or has characters in it that no token has");
    secret_wipe(out);
    return EXIT_CODE_USAGE;
}

static enum exit_code open_server(const struct options *options, const char *server,
                                  struct client **client_out)
{
    char token[SECRET_SIZE] = "";
    struct buf url = {0};
    struct buf error = {0};
    bool plain;
    enum exit_code code = EXIT_CODE_USAGE;

    if (!target_parse_url(server, &url, &plain, &error))
        report_error("%s", error.data);
    else
        code = find_token(options, token);
    if (code == EXIT_CODE_OK) {
        if (plain)
            report_error("warning: http:// sends the token unencrypted over the network");
        *client_out = client_create(&(struct client_config){
            .server = url.data, .token = token, .ca_file = options->value[OPTION_CA_FILE]});
    }
    secret_wipe(token);
    buf_free(&url);
    buf_free(&error);
    return code;
}

enum exit_code target_open(const struct options *options, struct client **client_out)
{
    const char *server = options->value[OPTION_SERVER];
    const char *socket = options->value[OPTION_SOCKET];
    struct buf path = {0};

    *client_out = NULL;
    if (server != NULL && (socket != NULL || options->value[OPTION_DATA] != NULL)) {
        report_error("--server and --%s exclude each other", socket != NULL ? "socket" : "data");
        return EXIT_CODE_USAGE;
    }
    if (server != NULL)
        return open_server(options, server, client_out);
    if (options->value[OPTION_CA_FILE] != NULL) {
        report_error("--ca-file goes with --server https://...; the admin socket needs none");
        return EXIT_CODE_USAGE;
    }
    if (options->value[OPTION_TOKEN] != NULL || options->value[OPTION_TOKEN_FILE] != NULL) {
        report_error("a token goes with --server URL; the admin socket needs none");
        return EXIT_CODE_USAGE;
    }
    if (socket != NULL)
        buf_puts(&path, socket);
    else
        buf_printf(&path, "%s/admin.sock", target_data_dir(options));
    *client_out = client_create(&(struct client_config){.socket = path.data});
    buf_free(&path);
    return EXIT_CODE_OK;
}
