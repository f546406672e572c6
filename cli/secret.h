/* secret.h - passwords and tokens: read without echo, kept out of argv, wiped after use.
 *
 * Threading: main thread only.
 */
#ifndef CLI_SECRET_H
#define CLI_SECRET_H

#include <stddef.h>

#include "cli/exit_code.h"

enum { PASSWORD_MIN = 8, PASSWORD_MAX = 256, SECRET_SIZE = 513 };

/* The first line of FILE, or of standard input for "-". WHAT names it in errors. Warns when others
 * may read the file. Failures are reported. */
enum exit_code secret_from_file(const char *what, const char *file, char out[SECRET_SIZE]);
/* A new password for NAME: from FILE if that is not NULL, else asked twice on the terminal, else
 * (standard input is not a terminal) its first line. 8 to 256 bytes of UTF-8. */
enum exit_code secret_new_password(const char *name, const char *file, char out[SECRET_SIZE]);
void secret_wipe(char secret[SECRET_SIZE]);

#endif
