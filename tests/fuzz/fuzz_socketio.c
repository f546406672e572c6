/* fuzz_socketio.c - packets: one that is taken keeps the rules of its type, and is the same when it
 * is written and read again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/socketio.h"

static void check_rules(const struct sio_packet *p)
{
    bool binary = p->type == SIO_BINARY_EVENT || p->type == SIO_BINARY_ACK;
    bool ack = p->type == SIO_ACK || p->type == SIO_BINARY_ACK;
    bool event = p->type == SIO_EVENT || p->type == SIO_BINARY_EVENT;
    const char *name = json_string_value(json_array_get(p->data, 0));

    if (binary != (p->attachments > 0) || p->attachments > SIO_ATTACHMENTS_MAX ||
        p->type == SIO_CONNECT_ERROR || (ack && !(p->has_id && json_is_array(p->data))) ||
        p->nsp[0] != '/' || strlen(p->nsp) >= SIO_NAMESPACE_SIZE)
        abort();
    if (event && (name == NULL || sio_event_is_reserved(name)))
        abort();
}

static void check_again(const struct sio_packet *p)
{
    struct sio_packet again;
    const char *reason = NULL;
    struct buf out = {0};
    char *data = p->data == NULL ? NULL : json_dumps(p->data, JSON_COMPACT);

    sio_put_head(&out, p->type, p->attachments, p->nsp, p->has_id ? &p->id : NULL);
    if (data != NULL)
        buf_puts(&out, data);
    if (!sio_packet_parse(out.data, out.len, &again, &reason) || again.type != p->type ||
        again.attachments != p->attachments || again.has_id != p->has_id || again.id != p->id ||
        strcmp(again.nsp, p->nsp) != 0 || (p->data != NULL && !json_equal(again.data, p->data)))
        abort();
    sio_packet_free(&again);
    free(data);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sio_packet packet;
    const char *reason = NULL;

    if (!sio_packet_parse((const char *)data, size, &packet, &reason)) {
        if (reason == NULL || packet.data != NULL)
            abort();
        return 0;
    }
    check_rules(&packet);
    check_again(&packet);
    sio_packet_free(&packet);
    return 0;
}
