/* gateway_api.c - the commands over HTTP: POST /api/v1/<command>, and GET where one only reads.
 *
 *   headers -> method? command? framing? type? -> body, whole or in chunks -> dispatch_http()
 *           -> gateway_http_answer(): the result or a problem, for GET with a validator
 *
 * What can be refused by the headers is refused before anything of the body is read.
 */
#include <libwebsockets.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/id.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "protocol/command.h"
#include "protocol/json.h"
#include "protocol/jsonrpc.h"
#include "protocol/query.h"
#include "server/conn.h"
#include "server/dispatch.h"
#include "server/follow.h"
#include "server/gateway.h"
#include "server/gateway_cors.h"
#include "server/gateway_http.h"
#include "server/listener.h"
#include "server/node.h"
#include "server/origin.h"
#include "server/request.h"
#include "server/static_files.h"
#include "server/worker.h"

#define JSON_TYPE "application/json"

enum { ETAG_SIZE = 40, HEADERS_BYTES = 640 };

/* -- answers ---------------------------------------------------------------------------------- */

/* The same for the same text, on every node. It is weak, for the text may be sent compressed. */
static void put_etag(char etag_out[ETAG_SIZE], const struct buf *text)
{
    unsigned char hash[16];

    (void)crypto_generichash(hash, sizeof(hash), (const unsigned char *)text->data, text->len, NULL,
                             0);
    memcpy(etag_out, "\"", 1);
    (void)sodium_bin2hex(etag_out + 1, 2 * sizeof(hash) + 1, hash, sizeof(hash));
    memcpy(etag_out + 1 + 2 * sizeof(hash), "\"", 2);
}

/* What a GET has read: a cache may keep it for this user if it asks again each time. */
static void answer_read(struct conn *conn, struct request *req)
{
    char known[HEADER_TEXT_MAX];
    char etag[ETAG_SIZE];
    struct buf headers = {0};

    put_etag(etag, &req->result);
    buf_printf(&headers,
               "ETag: W/%s\r\nCache-Control: private, no-cache\r\n" HTTP_SAFE_HEADERS
               "X-Request-Id: %s\r\n",
               etag, conn->http->id);
    if (http_etag_matches(
            gateway_header(conn->wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, known, sizeof(known)), etag)) {
        http_exchange_answer(conn, 304, headers.data, "", 0);
    } else {
        buf_puts(&headers, "Content-Type: " JSON_TYPE "\r\n");
        http_exchange_answer_read(conn, headers.data, &req->result);
    }
    buf_free(&headers);
}

void gateway_http_answer(struct request *req)
{
    struct conn *conn = req->conn;
    enum err err = req->call.req.err;
    struct buf headers = {0};

    if (err == ERR_OK && conn->follow != NULL) {
        gateway_follow_begin(req);
        return;
    }
    follow_destroy(&conn->follow);
    if (err == ERR_OK && conn->http->reads) {
        answer_read(conn, req);
        return;
    }
    (void)buf_reserve(&headers, HEADERS_BYTES);
    buf_puts(&headers, err == ERR_OK ? "Content-Type: " JSON_TYPE "\r\n" HTTP_API_HEADERS
                                     : "Content-Type: " HTTP_PROBLEM_TYPE "\r\n" HTTP_API_HEADERS);
    buf_puts(&headers, "X-Request-Id: ");
    buf_puts(&headers, conn->http->id);
    buf_puts(&headers, "\r\n");
    if (req->set_cookie[0] != '\0')
        buf_printf(&headers, "Set-Cookie: %s\r\n", req->set_cookie);
    if (req->retry_after_ms >= 0)
        buf_printf(&headers, "Retry-After: %lld\r\n",
                   (long long)(req->retry_after_ms + 999) / 1000);
    if (err == ERR_UNAUTHENTICATED)
        buf_puts(&headers, "WWW-Authenticate: Bearer\r\n");
    if (err == ERR_OK)
        http_exchange_answer_read(conn, headers.data, &req->result);
    else
        http_exchange_answer(conn, err_http_status(err), headers.data, req->result.data,
                             req->result.len);
    buf_free(&headers);
}

static int refuse(struct conn *conn, enum err err, int status, const char *extra,
                  const char *detail)
{
    return http_exchange_refuse(conn, err, status, extra, detail);
}

int gateway_api_refuse_params(struct conn *conn, const struct problem *problem)
{
    struct buf headers = {0};
    struct buf body = {0};

    buf_printf(&headers,
               "Content-Type: " HTTP_PROBLEM_TYPE "\r\n" HTTP_API_HEADERS "X-Request-Id: %s\r\n",
               conn->http->id);
    problem_put(&body, ERR_INVALID_PARAMS, problem, NULL, -1, conn->http->id);
    http_exchange_answer(conn, err_http_status(ERR_INVALID_PARAMS), headers.data, body.data,
                         body.len);
    buf_free(&headers);
    buf_free(&body);
    return 0;
}

/* -- who asks --------------------------------------------------------------------------------- */

/* The client's own id for the request, or a new one. */
void gateway_api_take_id(struct conn *conn)
{
    static const char name[] = "x-request-id:";
    struct http_exchange *x = conn->http;
    int n = lws_hdr_custom_copy(conn->wsi, x->id, sizeof(x->id), name, sizeof(name) - 1);

    if (n <= 0 || !http_request_id_is_sane(x->id))
        id_make(x->id);
}

/* May a page that sends the session cookie have what it asks for? For what only reads a missing
 * Origin will do: browsers send none for a page's own address, and a page of another can neither
 * send the cookie (SameSite) nor read the answer (no CORS). */
static bool page_is_allowed(struct conn *conn)
{
    static const char name[] = "sec-fetch-site:";
    const struct config *config = &conn->worker->node->config;
    char origin[256];
    char host[256];
    char site[32];

    gateway_header(conn->wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin));
    gateway_header(conn->wsi, WSI_TOKEN_HOST, host, sizeof(host));
    if (!conn->http->reads || lws_hdr_total_length(conn->wsi, WSI_TOKEN_ORIGIN) > 0)
        return origin_is_allowed(origin, host, gateway_client_is_secure(conn),
                                 config->allowed_origins.items, config->allowed_origins.n);
    return lws_hdr_custom_copy(conn->wsi, site, sizeof(site), name, sizeof(name) - 1) <= 0 ||
           strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
}

/* The token of this request; false: it was refused. */
static bool take_token(struct conn *conn, struct http_exchange *x)
{
    char value[HEADER_TEXT_MAX];

    gateway_header(conn->wsi, WSI_TOKEN_HTTP_AUTHORIZATION, value, sizeof(value));
    x->has_token = bearer_find(value, x->token, sizeof(x->token));
    if (x->has_token)
        return true;
    gateway_header(conn->wsi, WSI_TOKEN_HTTP_COOKIE, value, sizeof(value));
    x->has_token = x->cookie = cookie_find(value, SESSION_COOKIE, x->token, sizeof(x->token));
    if (!x->cookie || page_is_allowed(conn))
        return true;
    (void)refuse(conn, ERR_FORBIDDEN, 403, "",
                 "A call with the session cookie needs the Origin of an allowed page");
    return false;
}

/* What is known about who calls, beside the token. */
static void take_client(struct conn *conn, struct http_exchange *x)
{
    gateway_client(conn, x->address);
    x->secure = gateway_client_is_secure(conn);
    gateway_header(conn->wsi, WSI_TOKEN_HTTP_USER_AGENT, x->agent, sizeof(x->agent));
    if (!utf8_is_valid(x->agent, strlen(x->agent)))
        x->agent[0] = '\0';
}

bool gateway_api_caller(struct conn *conn)
{
    struct http_exchange *x = conn->http;

    if (conn->door != DOOR_ADMIN && !take_token(conn, x))
        return false;
    take_client(conn, x);
    return true;
}

/* -- response URLs ---------------------------------------------------------------------------- */

/* What comes to the response URL of a slash command is for another chat's, perhaps: members that
 * this one does not know are passed over. False: it is not understood, and was refused. */
static bool take_answer(struct conn *conn)
{
    static const char *const members[] = {"text", "response_type"};
    struct http_exchange *x = conn->http;
    const char *reason = "is empty";
    char detail[128];
    json_t *body = x->body.len == 0 ? NULL : json_parse_bounded(x->body.data, x->body.len, &reason);

    if (body == NULL || !json_is_object(body)) {
        (void)snprintf(detail, sizeof(detail), "The body %s",
                       body == NULL ? reason : "is not a JSON object");
        json_decref(body);
        (void)refuse(conn, ERR_PARSE_ERROR, 400, "", detail);
        return false;
    }
    x->params = json_object();
    (void)json_object_set_new(x->params, "token", json_string(x->token));
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (json_object_get(body, members[i]) != NULL)
            (void)json_object_set(x->params, members[i], json_object_get(body, members[i]));
    json_decref(body);
    return true;
}

/* -- commands --------------------------------------------------------------------------------- */

static void run_command(struct conn *conn)
{
    struct http_exchange *x = conn->http;

    if (x->slash && !take_answer(conn))
        return;
    x->handed = true;
    if (x->hook != NULL) {
        gateway_hook_run(conn);
        return;
    }
    dispatch_http(conn, &(struct http_call){
                            .name = x->command,
                            .id = x->id,
                            .body = x->body.data,
                            .len = x->body.len,
                            .params = x->params,
                            .token = x->has_token ? x->token : NULL,
                            .cookie = x->cookie,
                            .secure = x->secure,
                            .address = x->address,
                            .agent = x->agent,
                        });
}

static bool has_custom(struct lws *wsi, const char *name)
{
    return lws_hdr_custom_length(wsi, name, (int)strlen(name)) >= 0;
}

/* Where the body ends, by RFC 9112 section 6.3: what a proxy before us may have read otherwise is
 * refused. False: it was. */
static bool take_length(struct conn *conn)
{
    struct http_exchange *x = conn->http;
    struct lws *wsi = conn->wsi;
    char coding[64];

    if (has_custom(wsi, "transfer-encoding :") || has_custom(wsi, "transfer-encoding\t:") ||
        has_custom(wsi, "content-length :") || has_custom(wsi, "content-length\t:")) {
        x->last = true;
        (void)refuse(conn, ERR_INVALID_REQUEST, 400, "",
                     "There is a space before the colon of a header");
        return false;
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
        gateway_header(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING, coding, sizeof(coding));
        bool both = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;
        x->last = true; /* the library knows no end of it */
        if (both)
            (void)refuse(conn, ERR_INVALID_REQUEST, 400, "",
                         "There is a Transfer-Encoding and a Content-Length");
        else if (strcasecmp(coding, "chunked") != 0)
            (void)refuse(conn, ERR_INVALID_REQUEST, 501, "",
                         "Only the Transfer-Encoding chunked is known");
        x->chunked = !both && strcasecmp(coding, "chunked") == 0;
        return x->chunked;
    }
    int status = http_exchange_length(conn, conn->worker->node->config.frame_bytes);
    if (status == 400)
        (void)refuse(conn, ERR_INVALID_REQUEST, 400, "", "The Content-Length is not one number");
    else if (status == 413)
        (void)refuse(conn, ERR_TOO_LARGE, 413, "", "The body is larger than frame_bytes");
    return status == 0;
}

/* The body is as it is. False: it was refused. */
static bool take_coding(struct conn *conn)
{
    char value[128];

    gateway_header(conn->wsi, WSI_TOKEN_HTTP_CONTENT_ENCODING, value, sizeof(value));
    if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_CONTENT_ENCODING) == 0 ||
        strcasecmp(value, "identity") == 0)
        return true;
    (void)refuse(conn, ERR_INVALID_REQUEST, 415, "Accept-Encoding: identity\r\n",
                 "The body must not be compressed");
    return false;
}

bool gateway_api_framing(struct conn *conn)
{
    const struct http_exchange *x = conn->http;

    return take_length(conn) && ((!x->chunked && x->expected == 0) || take_coding(conn));
}

/* The body is JSON. False: it was refused. */
static bool take_type(struct conn *conn)
{
    char value[128];

    gateway_header(conn->wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, value, sizeof(value));
    size_t n = strcspn(value, "; \t");
    if (n == strlen(JSON_TYPE) && strncasecmp(value, JSON_TYPE, n) == 0)
        return true;
    (void)refuse(conn, ERR_INVALID_REQUEST, 415, "", "Content-Type must be application/json");
    return false;
}

/* A client that waits with its body is told to go on (RFC 9110 section 10.1.1). False: the request
 * was refused, or the connection is broken. */
bool gateway_api_expectation(struct conn *conn)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    unsigned char text[LWS_PRE + sizeof(go_on)];
    char value[64];

    if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_EXPECT) == 0)
        return true;
    gateway_header(conn->wsi, WSI_TOKEN_HTTP_EXPECT, value, sizeof(value));
    if (strcasecmp(value, "100-continue") != 0) {
        (void)refuse(conn, ERR_INVALID_REQUEST, 417, "", "Only 100-continue can be expected");
        return false;
    }
    memcpy(text + LWS_PRE, go_on, sizeof(go_on) - 1);
    if (lws_write(conn->wsi, text + LWS_PRE, sizeof(go_on) - 1, LWS_WRITE_HTTP) >= 0)
        return true;
    conn_kill(conn);
    return false;
}

static int begin_post(struct conn *conn)
{
    struct http_exchange *x = conn->http;

    if (!take_length(conn) ||
        ((x->chunked || x->expected > 0) && (!take_type(conn) || !take_coding(conn))))
        return 0;
    if (x->slash) /* whoever has the URL may */
        take_client(conn, x);
    else if (!gateway_api_caller(conn))
        return 0;
    if (!x->chunked && x->expected == 0)
        run_command(conn);
    else
        (void)gateway_api_expectation(conn);
    return 0;
}

int gateway_api_chunk(struct conn *conn, const char *bytes, size_t len)
{
    struct http_exchange *x = conn->http;

    switch (http_chunks_take(&x->chunks, bytes, len, conn->worker->node->config.frame_bytes,
                             &x->body)) {
    case CHUNKS_BROKEN:
        return refuse(conn, ERR_INVALID_REQUEST, 400, "", "The chunks of the body are broken");
    case CHUNKS_TOO_LARGE:
        return refuse(conn, ERR_TOO_LARGE, 413, "", "The body is larger than frame_bytes");
    case CHUNKS_WHOLE:
        run_command(conn);
        return 0;
    default:
        return 0;
    }
}

int gateway_api_body_done(struct conn *conn)
{
    run_command(conn);
    return 0;
}

int http_query_arg(struct conn *conn, int i, char *arg_out, size_t size)
{
    int n = lws_hdr_copy_fragment(conn->wsi, arg_out, (int)size, WSI_TOKEN_HTTP_URI_ARGS, i);

    return n == 1 && arg_out[0] == '/' ? 0 : n; /* so the library has an empty one at the end */
}

/* The arguments of the query, which the library has split and decoded. False: refused. */
static bool take_query(struct conn *conn, const struct command *command)
{
    struct http_exchange *x = conn->http;
    struct problem problem;
    char arg[GATEWAY_HEADERS_MAX];

    x->params = json_object();
    for (int i = 0;; i++) {
        int n = http_query_arg(conn, i, arg, sizeof(arg));
        if (n < 0)
            return true; /* that was all: longer than ARG it cannot be */
        if (n > 0 && query_put(command, arg, (size_t)n, x->params, &problem) != ERR_OK) {
            (void)gateway_api_refuse_params(conn, &problem);
            return false;
        }
    }
}

static int begin_get(struct conn *conn, const struct command *command)
{
    conn->http->reads = true;
    if (http_exchange_has_body(conn))
        return refuse(conn, ERR_INVALID_REQUEST, 400, "",
                      "With GET the parameters are in the query, there is no body");
    if (take_query(conn, command) && gateway_api_caller(conn))
        run_command(conn);
    return 0;
}

/* What may be asked here, also by a page of another origin that has to know before. */
static int answer_options(struct conn *conn, const char *methods)
{
    struct http_exchange *x = conn->http;
    struct buf headers = {0};

    x->last = x->last || http_exchange_has_body(conn);
    buf_printf(&headers, "Allow: %s\r\n", methods);
    gateway_cors_put_preflight(
        &headers, x, methods,
        "Authorization, Content-Type, If-None-Match, Last-Event-ID, X-Request-Id");
    http_exchange_answer(conn, 204, headers.data, "", 0);
    buf_free(&headers);
    return 0;
}

static int refuse_method(struct conn *conn, const char *methods, const char *detail)
{
    char allow[64];

    (void)snprintf(allow, sizeof(allow), "Allow: %s\r\n", methods);
    return refuse(conn, ERR_INVALID_REQUEST, 405, allow, detail);
}

/* Not what only the client itself may read, such as a new token: the length of what is compressed
 * would tell of it. So it is only asked for commands that read. */
static bool takes_gzip(struct conn *conn)
{
    char value[256];

    gateway_header(conn->wsi, WSI_TOKEN_HTTP_ACCEPT_ENCODING, value, sizeof(value));
    int quality = http_encoding_quality(value, "gzip");
    return quality > 0 && quality >= http_encoding_quality(value, "identity");
}

int gateway_api_slash_request(struct conn *conn, const char *token)
{
    struct http_exchange *x = conn->http;

    gateway_api_take_id(conn);
    if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_POST_URI) == 0)
        return refuse(conn, ERR_INVALID_REQUEST, 405, "Allow: POST\r\n",
                      "A response URL is called with POST");
    if (strlen(token) >= sizeof(x->token) || !utf8_is_valid(token, strlen(token)))
        return refuse(conn, ERR_NOT_FOUND, 404, "", "There is no such response URL");
    x->slash = true;
    (void)snprintf(x->token, sizeof(x->token), "%s", token);
    (void)snprintf(x->command, sizeof(x->command), "slash.answer");
    return begin_post(conn);
}

int gateway_api_request(struct conn *conn, const char *name)
{
    const struct command *command = command_find(name, strlen(name));
    bool reads = command != NULL && command_only_reads(command);
    const char *methods = reads ? "GET, HEAD, POST, OPTIONS" : "POST, OPTIONS";
    struct lws *wsi = conn->wsi;
    struct http_exchange *x = http_exchange_get(conn);
    char accept[HEADER_TEXT_MAX];

    gateway_api_take_id(conn);
    x->coded = true;
    if (strcmp(name, "stream.follow") == 0)
        return lws_hdr_total_length(wsi, WSI_TOKEN_OPTIONS_URI) > 0
                   ? answer_options(conn, "GET, OPTIONS")
                   : gateway_follow_request(conn);
    if (command == NULL)
        return refuse(conn, ERR_UNKNOWN_COMMAND, 404, "",
                      "Commands are called with POST /api/v1/<command>");
    bool get = x->head || lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_OPTIONS_URI) > 0)
        return answer_options(conn, methods);
    if (!(get && reads) && lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) == 0)
        return refuse_method(conn, methods,
                             reads ? "This command is called with GET or POST"
                                   : "This command is called with POST");
    if (!http_accepts(gateway_header(wsi, WSI_TOKEN_HTTP_ACCEPT, accept, sizeof(accept)),
                      JSON_TYPE))
        return refuse(conn, ERR_INVALID_REQUEST, 406, "", "The answer is application/json");
    (void)snprintf(x->command, sizeof(x->command), "%s", name);
    x->gzip = reads && takes_gzip(conn);
    return get ? begin_get(conn, command) : begin_post(conn);
}
