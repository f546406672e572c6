#include "storage/match.h"

#include <stdint.h>

/* The next code point, lower case. Bytes that are no UTF-8 stand for themselves; 0 at the end. */
static uint32_t next_folded(const unsigned char **at)
{
    const unsigned char *p = *at;
    uint32_t c = *p;

    if (c == 0)
        return 0;
    *at = p + 1;
    if (c >= 0xc2 && c < 0xe0 && (p[1] & 0xc0) == 0x80) {
        c = (c & 0x1f) << 6 | (p[1] & 0x3f);
        *at = p + 2;
    } else if (c >= 0x80) {
        return c | 0x80000000; /* longer sequences: byte by byte, they have no case here */
    }
    if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7) ||
        (c >= 0x391 && c <= 0x3a9) || (c >= 0x410 && c <= 0x42f))
        return c + 32;
    if (c >= 0x400 && c <= 0x40f)
        return c + 80;
    if (((c >= 0x100 && c <= 0x137) || (c >= 0x14a && c <= 0x177)) && c != 0x130 && c % 2 == 0)
        return c + 1;
    if (((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e)) && c % 2 == 1)
        return c + 1;
    return c;
}

static bool starts_with(const unsigned char *text, const unsigned char *part)
{
    uint32_t wanted;

    while ((wanted = next_folded(&part)) != 0)
        if (next_folded(&text) != wanted)
            return false;
    return true;
}

bool match_contains(const char *text, const char *part)
{
    const unsigned char *at = (const unsigned char *)text;

    do {
        if (starts_with(at, (const unsigned char *)part))
            return true;
    } while (next_folded(&at) != 0);
    return false;
}
