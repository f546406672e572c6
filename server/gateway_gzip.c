/* gateway_gzip.c - large answers of the API, compressed in a thread of libuv's pool: at a few
 * hundred MB/s a page of long messages would hold up a loop for longer than all of its other work.
 */
#include <stdlib.h>
#include <uv.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/mem.h"
#include "server/conn.h"
#include "server/gateway_http.h"
#include "server/gzip.h"
#include "server/worker.h"

enum {
    BYTES_MIN = 1400, /* less goes in one packet in any case */
    AT_ONCE = 32,     /* of a worker; more go as they are, sooner */
    LEVEL = 1,
};

struct squeeze {
    uv_work_t work;
    struct conn *conn; /* a reference */
    struct buf headers, body, small;
    bool done;
};

static void run(uv_work_t *work)
{
    struct squeeze *s = container_of(work, struct squeeze, work);

    s->done = gzip_put(&s->small, s->body.data, s->body.len, LEVEL) && s->small.len < s->body.len;
}

static void ran(uv_work_t *work, int status)
{
    struct squeeze *s = container_of(work, struct squeeze, work);
    struct conn *conn = s->conn;

    conn->worker->calls--;
    conn->worker->squeezes--;
    conn->requests--;
    if (status == 0 && s->done)
        buf_puts(&s->headers, "Content-Encoding: gzip\r\n");
    const struct buf *body = status == 0 && s->done ? &s->small : &s->body;
    if (!conn->gone)
        http_exchange_answer(conn, 200, s->headers.data, body->data, body->len);
    conn_unref(conn);
    buf_free(&s->headers);
    buf_free(&s->body);
    buf_free(&s->small);
    free(s);
}

void http_exchange_answer_read(struct conn *conn, const char *headers, struct buf *body)
{
    struct worker *worker = conn->worker;

    if (!conn->http->gzip || body->len < BYTES_MIN || worker->squeezes >= AT_ONCE) {
        http_exchange_answer(conn, 200, headers, body->data, body->len);
        return;
    }
    struct squeeze *s = mem_zalloc(sizeof(*s));
    s->conn = conn_ref(conn);
    s->body = *body;
    *body = (struct buf){0};
    buf_puts(&s->headers, headers);
    conn->requests++;
    worker->squeezes++;
    worker->calls++; /* a drain waits for it */
    (void)uv_queue_work(&worker->loop, &s->work, run, ran);
}
