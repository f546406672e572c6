#include "protocol/engineio.h"

#include <sodium.h>
#include <string.h>

#include "protocol/websocket.h"

bool eio_packet_parse(const char *text, size_t len, struct eio_packet *out)
{
    if (len == 0 || text[0] < '0' || text[0] > '0' + EIO_NOOP)
        return false;
    *out = (struct eio_packet){
        .type = (enum eio_packet_type)(text[0] - '0'),
        .data = text + 1,
        .len = len - 1,
    };
    return true;
}

void eio_payload_begin(struct eio_payload *payload, const char *text, size_t len)
{
    *payload = (struct eio_payload){.at = text, .left = len};
}

/* libsodium takes some bytes above 0x7f for letters. */
static bool is_ascii(const char *text, size_t len)
{
    size_t i = 0;

    while (i < len && (unsigned char)text[i] < 0x80)
        i++;
    return i == len;
}

static bool decode_base64(const char *text, size_t len, struct buf *decoded)
{
    size_t n = 0;

    if (!is_ascii(text, len))
        return false;
    buf_clear(decoded);
    char *to = buf_reserve(decoded, len / 4 * 3);
    if (sodium_base642bin((unsigned char *)to, len / 4 * 3, text, len, NULL, &n, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return false;
    decoded->len += n;
    decoded->data[decoded->len] = '\0';
    return true;
}

enum eio_next eio_payload_next(struct eio_payload *payload, struct eio_packet *out,
                               struct buf *decoded)
{
    if (payload->ended)
        return EIO_NEXT_END;
    const char *text = payload->at;
    const char *end = payload->left == 0 ? NULL : memchr(text, EIO_SEPARATOR, payload->left);
    size_t len = end == NULL ? payload->left : (size_t)(end - text);

    payload->ended = end == NULL;
    if (end != NULL) {
        payload->at = end + 1;
        payload->left -= len + 1;
    }
    if (len == 0 || text[0] != EIO_BINARY)
        return eio_packet_parse(text, len, out) ? EIO_NEXT_PACKET : EIO_NEXT_BAD;
    if (!decode_base64(text + 1, len - 1, decoded))
        return EIO_NEXT_BAD;
    *out = (struct eio_packet){
        .type = EIO_MESSAGE, .binary = true, .data = decoded->data, .len = decoded->len};
    return EIO_NEXT_PACKET;
}

void eio_payload_put(struct buf *out, const char *packet, size_t len, bool binary)
{
    if (out->len > 0)
        buf_putc(out, EIO_SEPARATOR);
    if (!binary) {
        buf_put(out, packet, len);
        return;
    }
    buf_putc(out, EIO_BINARY);
    size_t size = sodium_base64_ENCODED_LEN(len, sodium_base64_VARIANT_ORIGINAL);
    char *to = buf_reserve(out, size);
    (void)sodium_bin2base64(to, size, (const unsigned char *)packet, len,
                            sodium_base64_VARIANT_ORIGINAL);
    out->len += size - 1; /* without the NUL */
}

void eio_payload_put_frames(struct buf *out, const unsigned char *frames, size_t n)
{
    enum ws_opcode opcode;
    const unsigned char *payload;
    size_t len;
    size_t used;

    for (; (used = ws_frame_read(frames, n, &opcode, &payload, &len)) > 0; n -= used) {
        frames += used;
        if (opcode == WS_OP_TEXT || opcode == WS_OP_BINARY)
            eio_payload_put(out, (const char *)payload, len, opcode == WS_OP_BINARY);
    }
}

void eio_put_open(struct buf *out, const struct eio_handshake *handshake)
{
    buf_puts(out, "0{");
    buf_json_member(out, "sid", handshake->sid);
    buf_json_key(out, "upgrades");
    buf_puts(out, handshake->upgrades ? "[\"websocket\"]" : "[]");
    buf_json_member_int(out, "pingInterval", handshake->ping_interval_ms);
    buf_json_member_int(out, "pingTimeout", handshake->ping_timeout_ms);
    buf_json_member_int(out, "maxPayload", handshake->max_payload);
    buf_putc(out, '}');
}

int eio_put_error(struct buf *out, enum eio_error error)
{
    const char *text = "";
    int status = 400;

    switch (error) {
#define X(name, code, http, words)                                                                 \
    case EIO_ERROR_##name:                                                                         \
        status = (http);                                                                           \
        text = (words);                                                                            \
        break;
        EIO_ERROR_MAP(X)
#undef X
    }
    buf_putc(out, '{');
    buf_json_member_int(out, "code", error);
    buf_json_member(out, "message", text);
    buf_putc(out, '}');
    return status;
}
