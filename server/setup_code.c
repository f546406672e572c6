#include "server/setup_code.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/id.h"

/* Without 0, 1, l and o, which people mistake for one another. */
static const char alphabet[] = "23456789abcdefghijkmnpqrstuvwxyz";
static_assert(sizeof(alphabet) - 1 == 32, "five bits a character");

enum { LETTERS = 16 };

void setup_code_make(char code_out[SETUP_CODE_SIZE])
{
    unsigned char bytes[LETTERS];
    char *to = code_out;

    random_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < LETTERS; i++) {
        if (i > 0 && i % 4 == 0)
            *to++ = '-';
        *to++ = alphabet[bytes[i] & 31];
    }
    *to = '\0';
}

/* The letters and digits in lower case, cut to the length of a code; how many there were. */
static size_t letters_of(const char *text, char letters_out[LETTERS])
{
    size_t n = 0;

    for (; *text != '\0'; text++) {
        char c = *text;
        if (c == '-' || c == ' ')
            continue;
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (n < LETTERS)
            letters_out[n] = c;
        n++;
    }
    return n;
}

bool setup_code_matches(const char *given, const char *code)
{
    char a[LETTERS] = {0};
    char b[LETTERS] = {0};

    if (given == NULL)
        return false;
    size_t a_n = letters_of(given, a);
    size_t b_n = letters_of(code, b);
    return sodium_memcmp(a, b, LETTERS) == 0 && a_n == b_n && b_n == LETTERS;
}
