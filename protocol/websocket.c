#include "protocol/websocket.h"

size_t ws_frame_header(unsigned char out[WS_HEADER_MAX], enum ws_opcode opcode,
                       uint64_t payload_len)
{
    int length_bytes = payload_len < 126 ? 0 : payload_len <= 0xffff ? 2 : 8;

    out[0] = (unsigned char)(0x80u | opcode); /* FIN */
    out[1] = length_bytes == 0 ? (unsigned char)payload_len : length_bytes == 2 ? 126 : 127;
    for (int i = 0; i < length_bytes; i++)
        out[2 + i] = (unsigned char)(payload_len >> (8 * (length_bytes - 1 - i)));
    return 2 + (size_t)length_bytes;
}

const char *ws_close_reason(enum ws_close code)
{
    switch (code) {
#define X(name, wire, number, reason)                                                              \
    case WS_CLOSE_##name:                                                                          \
        return reason;
        WS_CLOSE_MAP(X)
#undef X
    }
    return "";
}
