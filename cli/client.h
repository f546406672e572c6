/* client.h - one command to parleyd and its answer, over the admin socket or the network.
 *
 * Every answer is bounded in bytes and checked to be JSON before anybody sees it. The token goes
 * into the request and nowhere else. Threading: one thread a client; calls block.
 */
#ifndef CLI_CLIENT_H
#define CLI_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
    /* 200 messages of 16 KiB, each byte escaped as \u00XX, and what stands around them. */
    CLIENT_ANSWER_MAX = 24 * 1024 * 1024,
    CLIENT_TOKEN_MAX = 512,
};

struct client;

struct client_config {
    const char *socket;  /* path of the admin socket; NULL: SERVER */
    const char *server;  /* http://... or https://..., without a slash at the end */
    const char *token;   /* for SERVER */
    const char *ca_file; /* for SERVER; NULL: the system's */
};

enum reply_kind {
    REPLY_RESULT,      /* `json` is the result, an object */
    REPLY_PROBLEM,     /* the server refused: `problem` */
    REPLY_UNREACHABLE, /* nothing was sent */
    REPLY_LOST,        /* sent, perhaps; no answer */
    REPLY_TIMEOUT,     /* the same */
    REPLY_GARBLED,     /* an answer that is not parleyd's */
};

struct problem {
    const char *type; /* never NULL: "invalid_params" */
    const char *title;
    const char *detail;
    const char *field;
    const char *reason;
    const char *id;
    int64_t retry_after_ms; /* -1: not said */
};

struct reply {
    enum reply_kind kind;
    long status;            /* of HTTP, 0 without one */
    struct buf body;        /* as it came */
    json_t *json;           /* owned */
    struct problem problem; /* points into json */
    int os_error;           /* errno of a failed connect, or 0 */
    char cause[256];        /* for the kinds without JSON */
};

/* Copies CONFIG. Never NULL. */
struct client *client_create(const struct client_config *config);
void client_destroy(struct client **client);
const struct client_config *client_config(const struct client *client);

/* POST /api/v1/<command> with PARAMS, a JSON text. Releases what *reply held; start with {0}. */
enum reply_kind client_call(struct client *client, const char *command, const char *params,
                            int64_t timeout_ms, struct reply *reply);
/* GET PATH, which answers with a line of text. REPLY_RESULT means that there is one, in `body`,
 * with whatever `status`; `json` stays NULL. */
enum reply_kind client_get(struct client *client, const char *path, int64_t timeout_ms,
                           struct reply *reply);
void reply_free(struct reply *reply);

/* Turns an answer into a reply: what client_call does with STATUS, CONTENT_TYPE and the body. */
void reply_parse(struct reply *reply, long status, const char *content_type);

#endif
