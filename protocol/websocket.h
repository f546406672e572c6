/* websocket.h - frames and close codes of WebSocket (RFC 6455). Threading: any. */
#ifndef PROTOCOL_WEBSOCKET_H
#define PROTOCOL_WEBSOCKET_H

#include <stddef.h>
#include <stdint.h>

enum { WS_HEADER_MAX = 10 };

enum ws_opcode {
    WS_OP_TEXT = 1,
    WS_OP_BINARY = 2,
    WS_OP_CLOSE = 8,
    WS_OP_PING = 9,
    WS_OP_PONG = 10
};

/* The header of a whole, unmasked frame (section 5.2). Returns its length: 2, 4 or 10. */
size_t ws_frame_header(unsigned char out[WS_HEADER_MAX], enum ws_opcode opcode,
                       uint64_t payload_len);

/* A whole, unmasked frame at the beginning of BYTES: its opcode and payload (borrowed). Returns the
 * bytes that it takes, or 0 when there is no whole one. */
size_t ws_frame_read(const unsigned char *bytes, size_t n, enum ws_opcode *opcode_out,
                     const unsigned char **payload_out, size_t *payload_len_out);

/*    name             wire name        code  reason */
#define WS_CLOSE_MAP(X)                                                                            \
    X(INVALID_UTF8, invalid_utf8, 1007, "the text is not valid UTF-8")                             \
    X(TOO_LARGE, too_large, 1009, "the message is too large")                                      \
    X(DRAINING, draining, 4000, "the server is shutting down")                                     \
    X(UNAUTHENTICATED, unauthenticated, 4001, "sign in first")                                     \
    X(REVOKED, revoked, 4002, "the session has ended")                                             \
    X(BAD_FRAME, bad_frame, 4003, "the frame is not understood")                                   \
    X(RATE_LIMITED, rate_limited, 4008, "too many requests")                                       \
    X(SLOW_CONSUMER, slow_consumer, 4009, "the client reads too slowly")

enum ws_close {
#define X(name, wire, code, reason) WS_CLOSE_##name = (code),
    WS_CLOSE_MAP(X)
#undef X
};

/* The reason that goes with the code, static; "" for an unknown one. At most 123 bytes. */
const char *ws_close_reason(enum ws_close code);

#endif
