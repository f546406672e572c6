/* setup_code.h - the code that the first account needs on a public listener: printed at start,
 * typed by a person. Threading: any.
 */
#ifndef SERVER_SETUP_CODE_H
#define SERVER_SETUP_CODE_H

#include <stdbool.h>

enum { SETUP_CODE_SIZE = 20 }; /* "abcd-efgh-jkmn-pqrs" and its NUL: 80 random bits */

void setup_code_make(char code_out[SETUP_CODE_SIZE]);
/* In constant time. Upper case, spaces and missing dashes in GIVEN are forgiven. GIVEN NULL: false.
 */
bool setup_code_matches(const char *given, const char *code);

#endif
