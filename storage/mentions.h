/* mentions.h - finding "@name" in a text. Threading: any. */
#ifndef STORAGE_MENTIONS_H
#define STORAGE_MENTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum {
    MENTION_NAME_SIZE = 33, /* the longest name and its NUL */
    MENTIONS_MAX = 50,      /* names looked up for one text; the rest is plain text */
};

/* The next "@name" at or after *AT, which moves behind it. A name is [a-z0-9][a-z0-9._-]*, dots at
 * its end are punctuation; an "@" inside a word ("mail@example.org") starts none. */
bool mention_next(const char **at, const char *text, char name_out[MENTION_NAME_SIZE]);

#endif
