/* match.h - searching in names and topics. Threading: any. */
#ifndef STORAGE_MATCH_H
#define STORAGE_MATCH_H

#include <stdbool.h>

/* Whether TEXT contains PART, any case (Latin, Greek and Cyrillic letters; others as they are). */
bool match_contains(const char *text, const char *part);

#endif
