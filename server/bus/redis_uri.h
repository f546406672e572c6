/* redis_uri.h - where Redis is: redis://[user[:password]@]host[:port][/db], or
 * redis+unix://[user[:password]@]/path[?db=N]. User and password are percent-encoded (RFC 3986).
 *
 * Threading: any. Ownership: all inside the struct.
 */
#ifndef SERVER_REDIS_URI_H
#define SERVER_REDIS_URI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REDIS_URI_TEXT = 256, REDIS_PATH_SIZE = 108, REDIS_DB_MAX = 65535 };

struct redis_uri {
    char host[REDIS_URI_TEXT]; /* "" for a socket in the file system */
    char path[REDIS_PATH_SIZE];
    uint16_t port;
    uint16_t db;
    char user[REDIS_URI_TEXT];     /* "": Redis's default user */
    char password[REDIS_URI_TEXT]; /* "": no AUTH */
    char shown[REDIS_URI_TEXT];    /* for logs and errors: without user and password */
};

/* False: ERROR_OUT says what is wrong and what to write instead; it never shows the password. */
bool redis_uri_parse(const char *text, struct redis_uri *out, char error_out[256]);

#endif
