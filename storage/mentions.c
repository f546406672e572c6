#include "storage/mentions.h"

#include <string.h>

static const char first_chars[] = "abcdefghijklmnopqrstuvwxyz0123456789";
static const char name_chars[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";

static bool in_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool mention_next(const char **at, const char *text, char name_out[MENTION_NAME_SIZE])
{
    for (;;) {
        const char *p = strchr(*at, '@');
        if (p == NULL)
            return false;
        bool starts = p == text || !in_word(p[-1]);
        size_t n = strspn(++p, name_chars);
        *at = p + n;
        while (n > 0 && p[n - 1] == '.')
            n--;
        if (!starts || n == 0 || n >= MENTION_NAME_SIZE || strchr(first_chars, p[0]) == NULL)
            continue;
        memcpy(name_out, p, n);
        name_out[n] = '\0';
        return true;
    }
}
