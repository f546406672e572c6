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

size_t ws_frame_read(const unsigned char *bytes, size_t n, enum ws_opcode *opcode_out,
                     const unsigned char **payload_out, size_t *payload_len_out)
{
    uint64_t len;
    size_t header = 2;

    if (n < header || (bytes[1] & 0x80u) != 0)
        return 0;
    len = bytes[1];
    if (len >= 126)
        header += len == 126 ? 2 : 8;
    if (n < header)
        return 0;
    if (header > 2)
        len = 0;
    for (size_t i = 2; i < header; i++)
        len = len << 8 | bytes[i];
    if (len > n - header)
        return 0;
    *opcode_out = (enum ws_opcode)(bytes[0] & 0x0fu);
    *payload_out = bytes + header;
    *payload_len_out = (size_t)len;
    return header + (size_t)len;
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
