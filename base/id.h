/* id.h - identifiers and random bytes. Threading: any thread. */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdbool.h>
#include <stddef.h>

enum {
    ID_SIZE = 27,    /* what id_make() writes, with its NUL */
    ID_MAX = 36,     /* the longest id that is accepted, without NUL */
    TOKEN_SIZE = 44, /* 256 bits in base64url (RFC 4648 section 5, no padding), with NUL */
    HASH_HEX_SIZE = 65,
};

/* A new id: a UUIDv7 (RFC 9562 section 5.7) in 26 characters of Crockford's base 32, lower case,
 * so that ids sort by their time. Ids made by one thread are strictly increasing. */
void id_make(char id_out[ID_SIZE]);
/* 1 to ID_MAX characters of [A-Za-z0-9_-]. */
bool id_is_valid(const char *id);
/* 256 random bits. */
void token_make(char token_out[TOKEN_SIZE]);
/* BLAKE2b-256 (RFC 7693) of TEXT in hex: the only form in which a token is stored. */
void token_hash(const char *text, char hex_out[HASH_HEX_SIZE]);
void random_bytes(void *out, size_t n);

#endif
