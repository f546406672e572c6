/* http_match.h - what an HTTP request asks for: its path, the encodings it takes, the versions it
 * has. Pure functions over NUL-terminated text. Threading: any.
 */
#ifndef SERVER_HTTP_MATCH_H
#define SERVER_HTTP_MATCH_H

#include <stdbool.h>
#include <stddef.h>

/* Undoes the percent-encoding of a request target's path (RFC 3986 section 2.1), up to `?` or `#`.
 * False: it does not begin with '/', an escape is broken, it holds NUL, another control character
 * or a backslash, a part of it is "." or "..", or it does not fit. */
bool http_path_decode(const char *target, char *path_out, size_t path_size);
/* How much an Accept-Encoding header (RFC 9110 section 12.5.3) likes CODING: 0 (not at all) to
 * 1000. HEADER NULL: 0. */
int http_encoding_quality(const char *header, const char *coding);
/* Is ETAG (with its quotes) in an If-None-Match header (RFC 9110 section 13.1.2)? */
bool http_etag_matches(const char *header, const char *etag);

#endif
