/* fuzz_envelope.c - what may come through Redis, and a bus's address: anything at all is read or
 * refused. What was read keeps the bounds that the rest of the server relies on, and comes back the
 * same when it is put and read again. The first byte chooses the decoder.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "server/bus/envelope.h"
#include "server/bus/redis_uri.h"

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void try_envelope(const uint8_t *data, size_t size)
{
    struct envelope e;
    struct envelope again;
    struct buf bytes = {0};

    if (envelope_read(data, size, &e) != ENVELOPE_OK)
        return;
    demand(strlen(e.stream) < STORE_STREAM_SIZE && strlen(e.epoch) < STORE_EPOCH_SIZE &&
           strlen(e.subject) <= ID_MAX && strlen(e.except) <= ID_MAX);
    demand(e.type < STORE_EVENT_TYPES && e.json[0] == '{' && utf8_is_valid(e.json, e.json_len));
    envelope_put(&bytes, &e);
    demand(envelope_read(bytes.data, bytes.len, &again) == ENVELOPE_OK);
    demand(again.seq == e.seq && again.json_len == e.json_len &&
           strcmp(again.stream, e.stream) == 0);
    buf_free(&bytes);
}

static void try_control(const uint8_t *data, size_t size)
{
    struct control *c = mem_zalloc(sizeof(*c));
    struct buf bytes = {0};

    if (control_read(data, size, c) == ENVELOPE_OK) {
        demand(c->kind < CONTROL_KINDS && c->list_n <= CONTROL_LIST_MAX);
        for (size_t i = 0; i < c->list_n; i++)
            demand(strlen(c->list[i]) < STORE_STREAM_SIZE);
        control_put(&bytes, c);
        struct control *again = mem_zalloc(sizeof(*again));
        demand(control_read(bytes.data, bytes.len, again) == ENVELOPE_OK);
        demand(again->kind == c->kind && again->list_n == c->list_n);
        free(again);
        buf_free(&bytes);
    }
    free(c);
}

static void try_node(const uint8_t *data, size_t size)
{
    struct node_info info;

    if (node_info_read(data, size, &info) == ENVELOPE_OK)
        demand(strlen(info.id) <= ID_MAX && strlen(info.name) <= ID_MAX &&
               strlen(info.version) <= 32);
}

static void try_uri(const uint8_t *data, size_t size)
{
    char *text = mem_strndup((const char *)data, size);
    struct redis_uri uri;
    char error[256] = "";

    if (redis_uri_parse(text, &uri, error))
        demand((uri.host[0] == '\0') != (uri.path[0] == '\0'));
    else
        demand(error[0] != '\0');
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const tries[])(const uint8_t *, size_t) = {try_envelope, try_control, try_node,
                                                             try_uri};

    if (size > 0)
        tries[data[0] % 4](data + 1, size - 1);
    return 0;
}
