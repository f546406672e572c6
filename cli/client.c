#include "cli/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct client {
    struct client_config config; /* owns its strings */
    CURL *curl;
    struct curl_slist *headers;
};

static void out_of_memory(void)
{
    (void)fputs("parleyctl: out of memory\n", stderr);
    abort();
}

static char *dup_or_null(const char *s)
{
    return s != NULL ? mem_strdup(s) : NULL;
}

static void add_header(struct client *client, const char *line)
{
    struct curl_slist *list = curl_slist_append(client->headers, line);

    if (list == NULL)
        out_of_memory();
    client->headers = list;
}

struct client *client_create(const struct client_config *config)
{
    struct client *client = mem_zalloc(sizeof(*client));

    client->config = (struct client_config){.socket = dup_or_null(config->socket),
                                            .server = dup_or_null(config->server),
                                            .token = dup_or_null(config->token),
                                            .ca_file = dup_or_null(config->ca_file)};
    client->curl = curl_easy_init();
    if (client->curl == NULL)
        out_of_memory();
    add_header(client, "Content-Type: application/json");
    add_header(client, "Accept: application/json, application/problem+json");
    add_header(client, "Expect:");
    if (config->token != NULL) {
        struct buf line = {0};
        buf_printf(&line, "Authorization: Bearer %s", config->token);
        add_header(client, line.data);
        buf_free(&line);
    }
    return client;
}

void client_destroy(struct client **client)
{
    struct client *c = *client;

    if (c == NULL)
        return;
    *client = NULL;
    curl_slist_free_all(c->headers);
    curl_easy_cleanup(c->curl);
    free((char *)c->config.socket);
    free((char *)c->config.server);
    free((char *)c->config.token);
    free((char *)c->config.ca_file);
    free(c);
}

const struct client_config *client_config(const struct client *client)
{
    return &client->config;
}

void reply_free(struct reply *reply)
{
    json_decref(reply->json);
    buf_free(&reply->body);
    *reply = (struct reply){0};
}

static size_t on_body(char *bytes, size_t size, size_t count, void *user)
{
    struct reply *reply = user;
    size_t n = size * count;

    if (n > CLIENT_ANSWER_MAX - reply->body.len)
        return 0; /* ends the transfer with CURLE_WRITE_ERROR */
    buf_put(&reply->body, bytes, n);
    return n;
}

static void set_transport(struct client *client, const char *root, const char *name)
{
    struct buf url = {0};
    CURL *curl = client->curl;

    if (client->config.socket != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->config.socket);
        (void)curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    }
    if (client->config.ca_file != NULL)
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, client->config.ca_file);
    buf_printf(&url, "%s%s%s",
               client->config.socket != NULL ? "http://localhost" : client->config.server, root,
               name);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url.data);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    buf_free(&url);
}

/* PARAMS NULL: a GET. */
static void set_request(struct client *client, const char *params, int64_t timeout_ms,
                        struct reply *reply)
{
    CURL *curl = client->curl;

    if (params != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, params);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(params));
    } else {
        (void)curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    }
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, client->headers);
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "parleyctl/" PARLEY_VERSION);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
}

/* What a failed transfer means: above all, whether the server may have acted. */
static enum reply_kind classify(const struct client_config *config, CURL *curl, CURLcode code,
                                struct reply *reply)
{
    long os_error = 0;
    curl_off_t connected = 0;

    (void)curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &os_error);
    (void)curl_easy_getinfo(curl, CURLINFO_PRETRANSFER_TIME_T, &connected);
    reply->os_error = (int)os_error;
    switch (code) {
    case CURLE_COULDNT_CONNECT:
        (void)snprintf(reply->cause, sizeof(reply->cause), "%s",
                       os_error != 0 ? strerror((int)os_error) : curl_easy_strerror(code));
        return REPLY_UNREACHABLE;
    case CURLE_OPERATION_TIMEDOUT:
        (void)snprintf(reply->cause, sizeof(reply->cause), "no answer in time");
        return connected > 0 ? REPLY_TIMEOUT : REPLY_UNREACHABLE;
    case CURLE_PEER_FAILED_VERIFICATION:
        (void)snprintf(reply->cause, sizeof(reply->cause), "its certificate is not trusted");
        return REPLY_UNREACHABLE;
    case CURLE_SSL_CACERT_BADFILE:
        (void)snprintf(reply->cause, sizeof(reply->cause), "there are no certificates in %.200s",
                       config->ca_file != NULL ? config->ca_file : "the system's directory");
        return REPLY_UNREACHABLE;
    case CURLE_WRITE_ERROR:
        (void)snprintf(reply->cause, sizeof(reply->cause), "its answer is larger than %d MB",
                       CLIENT_ANSWER_MAX / 1024 / 1024);
        return REPLY_GARBLED;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
        (void)snprintf(reply->cause, sizeof(reply->cause), "it does not speak HTTP");
        return REPLY_GARBLED;
    default:
        (void)snprintf(reply->cause, sizeof(reply->cause), "%s", curl_easy_strerror(code));
        return connected > 0 ? REPLY_LOST : REPLY_UNREACHABLE;
    }
}

/* A string member, or NULL; cut where it is unreasonably long. */
static const char *short_string(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_string(value) && json_string_length(value) <= 4096 ? json_string_value(value)
                                                                      : NULL;
}

static enum reply_kind parse_problem(struct reply *reply)
{
    const json_t *retry = json_object_get(reply->json, "retry_after_ms");
    struct problem *problem = &reply->problem;

    *problem = (struct problem){
        .type = short_string(reply->json, "type"),
        .title = short_string(reply->json, "title"),
        .detail = short_string(reply->json, "detail"),
        .field = short_string(reply->json, "field"),
        .reason = short_string(reply->json, "reason"),
        .id = short_string(reply->json, "id"),
        .retry_after_ms = json_is_integer(retry) ? json_integer_value(retry) : -1,
    };
    if (problem->type == NULL) {
        (void)snprintf(reply->cause, sizeof(reply->cause),
                       "it answered %ld without saying what is wrong", reply->status);
        return REPLY_GARBLED;
    }
    return REPLY_PROBLEM;
}

void reply_parse(struct reply *reply, long status, const char *content_type)
{
    bool problem =
        content_type != NULL && strncmp(content_type, "application/problem+json", 24) == 0;
    bool json = content_type != NULL && strncmp(content_type, "application/json", 16) == 0;
    json_error_t error;

    reply->status = status;
    reply->kind = REPLY_GARBLED;
    if (!(status == 200 && json) && !(status >= 400 && problem)) {
        (void)snprintf(reply->cause, sizeof(reply->cause), "it answered %ld with %.100s", status,
                       content_type != NULL ? content_type : "no content type");
        return;
    }
    reply->json = json_loadb(reply->body.data != NULL ? reply->body.data : "", reply->body.len,
                             JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(reply->json)) {
        (void)snprintf(reply->cause, sizeof(reply->cause), "its answer is not a JSON object");
        return;
    }
    reply->kind = problem ? parse_problem(reply) : REPLY_RESULT;
}

/* Sends what is set; *content_type_out is the library's, until the next request. */
static bool perform(struct client *client, struct reply *reply, long *status_out,
                    char **content_type_out)
{
    CURLcode code = curl_easy_perform(client->curl);

    *status_out = 0;
    *content_type_out = NULL;
    if (code != CURLE_OK) {
        reply->kind = classify(&client->config, client->curl, code, reply);
        return false;
    }
    (void)curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, status_out);
    (void)curl_easy_getinfo(client->curl, CURLINFO_CONTENT_TYPE, content_type_out);
    return true;
}

enum reply_kind client_call(struct client *client, const char *command, const char *params,
                            int64_t timeout_ms, struct reply *reply)
{
    char *content_type;
    long status;

    reply_free(reply);
    set_transport(client, "/api/v1/", command);
    set_request(client, params, timeout_ms, reply);
    if (perform(client, reply, &status, &content_type))
        reply_parse(reply, status, content_type);
    return reply->kind;
}

enum reply_kind client_get(struct client *client, const char *path, int64_t timeout_ms,
                           struct reply *reply)
{
    char *content_type;
    long status;

    reply_free(reply);
    set_transport(client, path, "");
    set_request(client, NULL, timeout_ms, reply);
    if (!perform(client, reply, &status, &content_type))
        return reply->kind;
    if (content_type != NULL && strncmp(content_type, "text/plain", 10) == 0) {
        reply->status = status;
        reply->kind = REPLY_RESULT;
    } else { /* a problem, or something that is no parleyd */
        reply_parse(reply, status, content_type);
        if (reply->kind == REPLY_RESULT)
            reply->kind = REPLY_GARBLED;
    }
    return reply->kind;
}
