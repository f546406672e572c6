/* engineio.h - packets of Engine.IO, protocol version 4, and payloads of several packets.
 *
 * Threading: any. Ownership: what a packet points to is borrowed from the text it was read from, or
 * from the buffer given for decoded bytes.
 */
#ifndef PROTOCOL_ENGINEIO_H
#define PROTOCOL_ENGINEIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
    EIO_VERSION = 4,
    EIO_SEPARATOR = 0x1e, /* between two packets of a payload */
    EIO_BINARY = 'b',     /* before the base64 of a binary packet of a payload */
};

/* The digit that a packet begins with. */
enum eio_packet_type {
    EIO_OPEN,
    EIO_CLOSE,
    EIO_PING,
    EIO_PONG,
    EIO_MESSAGE,
    EIO_UPGRADE,
    EIO_NOOP,
};

/* Why a request is refused: X(name, code, HTTP status, text). */
#define EIO_ERROR_MAP(X)                                                                           \
    X(TRANSPORT, 0, 400, "There is no such transport")                                             \
    X(SID, 1, 400, "There is no such session")                                                     \
    X(METHOD, 2, 400, "A session begins with GET")                                                 \
    X(REQUEST, 3, 400, "The request does not fit the session")                                     \
    X(FORBIDDEN, 4, 403, "Pages of that origin may not connect; see allowed_origins")              \
    X(VERSION, 5, 400,                                                                             \
      "Only version 4 of the protocol is spoken here (EIO=4): use a Socket.IO "                    \
      "client 3.x or 4.x")

enum eio_error {
#define X(name, code, status, text) EIO_ERROR_##name = (code),
    EIO_ERROR_MAP(X)
#undef X
};

struct eio_packet {
    enum eio_packet_type type;
    bool binary; /* always a message */
    const char *data;
    size_t len;
};

/* One packet in text, as a WebSocket text frame has it. False: no digit of a packet's type. */
bool eio_packet_parse(const char *text, size_t len, struct eio_packet *out);

/* Reads a payload packet by packet. */
struct eio_payload {
    const char *at;
    size_t left;
    bool ended;
};

enum eio_next { EIO_NEXT_PACKET, EIO_NEXT_END, EIO_NEXT_BAD };

/* An empty payload has no packet, which is bad. */
void eio_payload_begin(struct eio_payload *payload, const char *text, size_t len);
/* The next packet; the bytes of a binary one are decoded into DECODED, whose old contents go. BAD:
 * no packet, or not base64 with its padding (RFC 4648 section 4). */
enum eio_next eio_payload_next(struct eio_payload *payload, struct eio_packet *out,
                               struct buf *decoded);

/* Appends a packet to a payload, the separator before it unless OUT is empty. */
void eio_payload_put(struct buf *out, const char *packet, size_t len, bool binary);
/* The same for each packet of N bytes of WebSocket frames: text frames are packets, binary frames
 * binary ones; others are left out. */
void eio_payload_put_frames(struct buf *out, const unsigned char *frames, size_t n);

struct eio_handshake {
    const char *sid; /* of [A-Za-z0-9_-] */
    bool upgrades;   /* to WebSocket */
    uint32_t ping_interval_ms, ping_timeout_ms;
    uint32_t max_payload; /* bytes of one POST */
};
/* The open packet. */
void eio_put_open(struct buf *out, const struct eio_handshake *handshake);
/* {"code":N,"message":"..."}; gives the HTTP status. */
int eio_put_error(struct buf *out, enum eio_error error);

#endif
