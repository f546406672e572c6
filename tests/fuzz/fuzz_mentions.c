/* fuzz_mentions.c - finding names in a text and parts in names: every name found is one and stands
 * in the text behind an "@", and every text contains itself and each of its ends. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "storage/match.h"
#include "storage/mentions.h"

static void check_name(const char *text, const char *name)
{
    char with_at[MENTION_NAME_SIZE + 1] = "@";
    size_t n = strlen(name);

    strcat(with_at, name);
    if (n == 0 || n >= MENTION_NAME_SIZE || name[n - 1] == '.' || strstr(text, with_at) == NULL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_strndup((const char *)data, size);
    char name[MENTION_NAME_SIZE];
    const char *at = text;

    while (mention_next(&at, text, name)) {
        check_name(text, name);
        if (at > text + strlen(text))
            abort();
    }
    if (!match_contains(text, text) || !match_contains(text, ""))
        abort();
    free(text);
    return 0;
}
