#include "base/id.h"

#include <sodium.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"

/* Random bytes of this thread, drawn from the system many at a time: an id needs few of them. */
static void pooled_bytes(unsigned char *out, size_t n)
{
    static _Thread_local unsigned char pool[512];
    static _Thread_local size_t left;

    if (left < n) {
        randombytes_buf(pool, sizeof(pool));
        left = sizeof(pool);
    }
    left -= n;
    memcpy(out, pool + left, n);
    sodium_memzero(pool + left, n);
}

/* 128 bits: 48 of time in ms, version 7, then a 12-bit counter, the variant and 62 random bits. The
 * counter starts at random for every millisecond and carries into the time when it is used up
 * (RFC 9562 section 6.2, method 1). */
static void uuidv7_next(unsigned char uuid[16])
{
    static _Thread_local uint64_t last_ms;
    static _Thread_local uint32_t counter;
    uint64_t ms = (uint64_t)clock_unix_ms();

    pooled_bytes(uuid + 8, 8);
    if (ms > last_ms) {
        unsigned char seed[2];
        pooled_bytes(seed, sizeof(seed));
        last_ms = ms;
        counter = ((uint32_t)seed[0] << 8 | seed[1]) & 0x7ff;
    } else if (++counter > 0xfff) {
        last_ms++;
        counter = 0;
    }
    for (int i = 0; i < 6; i++)
        uuid[i] = (unsigned char)(last_ms >> (40 - 8 * i));
    uuid[6] = (unsigned char)(0x70 | (counter >> 8));
    uuid[7] = (unsigned char)counter;
    uuid[8] = (unsigned char)((uuid[8] & 0x3f) | 0x80);
}

void id_make(char id_out[ID_SIZE])
{
    static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
    unsigned char uuid[16];
    unsigned bits = 0;
    int have = 2; /* 26 characters hold 130 bits: two zero bits lead */
    size_t from = 0;

    uuidv7_next(uuid);
    for (size_t i = 0; i < ID_SIZE - 1; i++) {
        if (have < 5) {
            bits = (bits << 8 | uuid[from++]) & 0x1fff;
            have += 8;
        }
        have -= 5;
        id_out[i] = alphabet[(bits >> have) & 31];
    }
    id_out[ID_SIZE - 1] = '\0';
}

bool id_is_valid(const char *id)
{
    size_t n = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

    return n >= 1 && n <= ID_MAX && id[n] == '\0';
}

void random_bytes(void *out, size_t n)
{
    randombytes_buf(out, n);
}

void token_make(char token_out[TOKEN_SIZE])
{
    unsigned char bytes[32];

    randombytes_buf(bytes, sizeof(bytes));
    (void)sodium_bin2base64(token_out, TOKEN_SIZE, bytes, sizeof(bytes),
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof(bytes));
}

void token_hash(const char *text, char hex_out[HASH_HEX_SIZE])
{
    unsigned char hash[32];

    (void)crypto_generichash(hash, sizeof(hash), (const unsigned char *)text, strlen(text), NULL,
                             0);
    (void)sodium_bin2hex(hex_out, HASH_HEX_SIZE, hash, sizeof(hash));
}
