/* http_match.h - what an HTTP request asks for: its path, the encodings it takes, the versions it
 * has. Pure functions over NUL-terminated text. Threading: any.
 */
#ifndef SERVER_HTTP_MATCH_H
#define SERVER_HTTP_MATCH_H

#include <stdbool.h>
#include <stddef.h>

enum { HTTP_REQUEST_ID_MAX = 64 };

/* Undoes the percent-encoding of a request target's path (RFC 3986 section 2.1), up to `?` or `#`.
 * False: it does not begin with '/', an escape is broken, it holds NUL, another control character
 * or a backslash, a part of it is "." or "..", or it does not fit. */
bool http_path_decode(const char *target, char *path_out, size_t path_size);
/* How much an Accept-Encoding header (RFC 9110 section 12.5.3) likes CODING: 0 (not at all) to
 * 1000. HEADER NULL: 0. */
int http_encoding_quality(const char *header, const char *coding);
/* May the answer be of TYPE, "application/json", by the request's Accept header (section 12.5.1)?
 * HEADER NULL or empty: it may. */
bool http_accepts(const char *header, const char *type);
/* Can ID be taken over as the id of a request: 1 to 64 of letters, digits and -._~+/=:@? */
bool http_request_id_is_sane(const char *id);
/* Is ETAG (with its quotes) in an If-None-Match header (RFC 9110 section 13.1.2)? */
bool http_etag_matches(const char *header, const char *etag);

#endif
