/* utf8.h - UTF-8 (RFC 3629). Threading: any. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Valid UTF-8: no overlong form, no surrogate, nothing above U+10FFFF. NUL is allowed. */
bool utf8_is_valid(const char *s, size_t n);

#endif
