#include "server/gateway_cors.h"

#include <libwebsockets.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "server/conn.h"
#include "server/gateway.h"
#include "server/gateway_http.h"
#include "server/node.h"
#include "server/origin.h"
#include "server/worker.h"

void gateway_cors_take(struct conn *conn, bool any)
{
    const struct config *config = &conn->worker->node->config;
    struct http_exchange *x = http_exchange_get(conn);
    char origin[256];
    char host[256];

    x->cors = true;
    free(x->origin);
    x->origin = NULL;
    if (gateway_header(conn->wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin))[0] == '\0')
        return;
    gateway_header(conn->wsi, WSI_TOKEN_HOST, host, sizeof(host));
    if (any || origin_is_allowed(origin, host, gateway_client_is_secure(conn),
                                 config->allowed_origins.items, config->allowed_origins.n))
        x->origin = mem_strdup(origin);
}

void gateway_cors_put(struct buf *out, const struct http_exchange *x, bool coded)
{
    if (!x->cors)
        return;
    buf_puts(out, coded ? "Vary: Origin, Accept-Encoding\r\n" : "Vary: Origin\r\n");
    if (x->origin != NULL)
        buf_printf(out,
                   "Access-Control-Allow-Origin: %s\r\nAccess-Control-Allow-Credentials: true\r\n"
                   "Access-Control-Expose-Headers: ETag, Retry-After, X-Request-Id\r\n",
                   x->origin);
}

void gateway_cors_put_preflight(struct buf *out, const struct http_exchange *x, const char *methods,
                                const char *headers)
{
    if (x->origin != NULL)
        buf_printf(out,
                   "Access-Control-Allow-Methods: %s\r\nAccess-Control-Allow-Headers: %s\r\n"
                   "Access-Control-Max-Age: 600\r\n",
                   methods, headers);
}
