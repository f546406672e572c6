/* fuzz_engineio.c - payloads: what is read is written back as the same bytes, also by way of
 * WebSocket frames, and any bytes at all may be taken for frames. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/engineio.h"
#include "protocol/websocket.h"

static void put_frame(struct buf *frames, const struct eio_packet *packet)
{
    unsigned char header[WS_HEADER_MAX];
    char type = (char)('0' + packet->type);
    size_t len = packet->binary ? packet->len : packet->len + 1;

    buf_put(frames, header,
            ws_frame_header(header, packet->binary ? WS_OP_BINARY : WS_OP_TEXT, len));
    if (!packet->binary)
        buf_putc(frames, type);
    buf_put(frames, packet->data, packet->len);
}

static void check_same(const struct buf *got, const uint8_t *data, size_t size)
{
    if (got->len != size || memcmp(got->data, data, size) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct eio_payload payload;
    struct eio_packet packet;
    struct buf decoded = {0};
    struct buf frames = {0};
    struct buf again = {0};
    enum eio_next next;

    eio_payload_begin(&payload, (const char *)data, size);
    while ((next = eio_payload_next(&payload, &packet, &decoded)) == EIO_NEXT_PACKET) {
        if (packet.type > EIO_NOOP || (packet.binary && packet.type != EIO_MESSAGE))
            abort();
        put_frame(&frames, &packet);
    }
    if (next == EIO_NEXT_END) {
        eio_payload_put_frames(&again, (const unsigned char *)frames.data, frames.len);
        check_same(&again, data, size);
    }
    buf_clear(&again);
    eio_payload_put_frames(&again, data, size);
    buf_free(&again);
    buf_free(&frames);
    buf_free(&decoded);
    return 0;
}
