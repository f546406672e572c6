#include "tests/bench/lib/poll_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/bench/lib/json_scan.h"

static const char separator = 0x1e; /* between the packets of one payload */

struct poll_loop {
    struct http_loop *http;
    const char *path;
    const struct poll_handlers *handlers;
    void *ctx;
};

void poll_drop(struct poll_loop *loop, struct poll_client *client)
{
    http_drop(loop->http, &client->get);
    http_drop(loop->http, &client->post);
    buf_free(&client->waiting);
}

static void fail(struct poll_loop *loop, struct poll_client *client, const char *reason)
{
    char kept[160]; /* REASON may point into a buffer that goes away */

    snprintf(kept, sizeof(kept), "%s", reason);
    poll_drop(loop, client);
    loop->handlers->closed(client, kept, loop->ctx);
}

static void get(struct poll_loop *loop, struct poll_client *client)
{
    http_request(loop->http, &client->get, "GET", client->path, "", NULL, 0);
}

static void post(struct poll_loop *loop, struct poll_client *client)
{
    if (client->waiting.len == 0 || client->post.busy)
        return;
    if (!client->post.open)
        http_connect(loop->http, &client->post, client->port);
    http_request(loop->http, &client->post, "POST", client->path,
                 "Content-Type: text/plain;charset=UTF-8\r\n", client->waiting.data,
                 client->waiting.len);
    buf_clear(&client->waiting);
}

/* The packet of the handshake names the session. */
static void note_session(struct poll_client *client, const char *path, const char *text, size_t len)
{
    struct json_span sid = json_content(json_member((struct json_span){text + 1, len - 1}, "sid"));

    if (sid.at != NULL)
        snprintf(client->path, sizeof(client->path), "%s&sid=%.*s", path, (int)sid.len, sid.at);
}

/* Hand on each packet of a payload; whoever gets one may drop the client. */
static void read_payload(struct poll_loop *loop, struct poll_client *client,
                         const struct http_answer *answer)
{
    const char *at = answer->body;
    const char *end = at + answer->len;

    while (at < end && client->get.open) {
        const char *stop = memchr(at, separator, (size_t)(end - at));
        size_t len = (size_t)((stop != NULL ? stop : end) - at);
        if (len > 0 && *at == '0')
            note_session(client, loop->path, at, len);
        loop->handlers->text(client, at, len, answer->read_ns, loop->ctx);
        at += len + 1;
    }
}

static void on_answer(struct http_client *http, const struct http_answer *answer, void *ctx)
{
    struct poll_loop *loop = ctx;
    struct poll_client *client = http->owner;

    if (answer->status != 200) {
        char reason[128];
        snprintf(reason, sizeof(reason), "%s answered %d: %.*s",
                 http == &client->get ? "GET" : "POST", answer->status,
                 (int)(answer->len < 80 ? answer->len : 80), answer->body);
        fail(loop, client, reason);
        return;
    }
    if (http == &client->get) {
        read_payload(loop, client, answer);
        if (client->get.open)
            get(loop, client);
    }
    if (client->get.open)
        post(loop, client);
}

/* A server may close a connection that nothing is asked on (RFC 9112 section 9.3); the next POST
 * makes a new one, as in a browser. A GET always waits. */
static void on_closed(struct http_client *http, const char *reason, bool busy, void *ctx)
{
    struct poll_client *client = http->owner;
    char which[160];

    if (http == &client->post && !busy)
        return;
    snprintf(which, sizeof(which), "the connection of %s was %s",
             http == &client->get ? "GET" : "POST", reason);
    fail(ctx, client, which);
}

static const struct http_handlers http_handlers = {.answered = on_answer, .closed = on_closed};

struct poll_loop *poll_loop_create(const char *path, const struct poll_handlers *handlers,
                                   void *ctx)
{
    struct poll_loop *loop = mem_zalloc(sizeof(*loop));

    loop->http = http_loop_create(&http_handlers, loop);
    loop->path = path;
    loop->handlers = handlers;
    loop->ctx = ctx;
    return loop;
}

void poll_loop_destroy(struct poll_loop **loop)
{
    if (*loop == NULL)
        return;
    http_loop_destroy(&(*loop)->http);
    free(*loop);
    *loop = NULL;
}

void poll_connect(struct poll_loop *loop, struct poll_client *client, uint16_t port)
{
    client->get.owner = client;
    client->post.owner = client;
    client->port = port;
    snprintf(client->path, sizeof(client->path), "%s", loop->path);
    http_connect(loop->http, &client->get, port);
    get(loop, client);
}

void poll_send(struct poll_loop *loop, struct poll_client *client, const char *text, size_t len)
{
    if (!client->get.open)
        return;
    if (client->waiting.len > 0)
        buf_putc(&client->waiting, separator);
    buf_put(&client->waiting, text, len);
    /* What comes up while an answer of this client is read leaves together when it was read. */
    if (client->get.busy)
        post(loop, client);
}

void poll_poll(struct poll_loop *loop, uint64_t timeout_ns)
{
    http_poll(loop->http, timeout_ns);
}
