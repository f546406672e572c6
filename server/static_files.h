/* static_files.h - the web client from memory: loaded once, precompressed, with validators.
 *
 * Every request is answered from a table made at start, so that no path can reach anything else.
 * Threading: load before threads start, then read from anywhere. Ownership: what static_find()
 * points to lives as long as the struct static_files.
 */
#ifndef SERVER_STATIC_FILES_H
#define SERVER_STATIC_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum {
    STATIC_BYTES_MAX = 64 * 1024 * 1024,
    STATIC_FILES_MAX = 2000,
};

struct static_files;

struct static_request {
    const char *path;            /* of the request target, still percent-encoded; a ? ends it */
    const char *accept_encoding; /* header values, NULL when absent */
    const char *if_none_match;
};

struct static_response {
    int status; /* 200, 304, 404 */
    const void *body;
    size_t body_len; /* Content-Length of a 200 or 404; HEAD: the same without sending the body */
    const char *headers; /* "Name: value\r\n" lines: all but Content-Length, Connection and Date */
    size_t headers_len;
};

/* Reads the files under ROOT (with their .br and .gz variants). A root that does not exist or has
 * no index.html gives a page that says how to build the client. UNAVAILABLE, with a sentence
 * in ERROR_OUT, when there are too many files or bytes, or one cannot be read. */
enum err static_files_load(const char *root, struct static_files **files_out, char error_out[512]);
/* One more file, made by the server itself: BODY of LEN bytes, copied, at PATH ("/docs"), and
 * compressed here. TYPE is its Content-Type. Replaces what the root has there. */
void static_files_add(struct static_files *files, const char *path, const char *type,
                      const char *body, size_t len);
/* Whether there is a file at PATH, a request target as in static_request. */
bool static_files_has(const struct static_files *files, const char *path);
void static_files_destroy(struct static_files **files);
size_t static_files_count(const struct static_files *files);
size_t static_files_bytes(const struct static_files *files);

/* `/` and paths whose last part has no dot (the client's own routes) give index.html; a file that
 * is not there and a path that is not well-formed (bad escapes, NUL, backslash, `..`) 404. */
void static_find(const struct static_files *files, const struct static_request *request,
                 struct static_response *out);

/* For every other answer (API, errors, health): header lines that forbid framing, sniffing and
 * scripts, and with the second caching. */
#define HTTP_SAFE_HEADERS                                                                          \
    "X-Content-Type-Options: nosniff\r\n"                                                          \
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"                      \
    "Referrer-Policy: no-referrer\r\n"                                                             \
    "Cross-Origin-Resource-Policy: same-origin\r\n"
#define HTTP_API_HEADERS "Cache-Control: no-store\r\n" HTTP_SAFE_HEADERS

#endif
