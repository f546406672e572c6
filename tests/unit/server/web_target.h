/* web_target.h - an HTTP server that behaves as badly as it is told to, on a free port of
 * 127.0.0.1. What it does goes by the path:
 *
 *   /ok        200, text/plain, the body that came
 *   /status/N  that status, with Retry-After: 7
 *   /hold      200 once web_target_release() was called
 *   /hang      nothing until the client goes
 *   /big       a body without an end
 *   /headers   headers without an end
 *   /drip      a header byte by byte, without an end
 *   /garbage   what is not HTTP
 *   /to?URL, /found?URL   a redirection with 307, with 302, and #part behind it
 *   /loop      a redirection to itself
 */
#ifndef TESTS_UNIT_SERVER_WEB_TARGET_H
#define TESTS_UNIT_SERVER_WEB_TARGET_H

#include <stddef.h>

struct web_target;

struct web_target *web_target_create(void);
void web_target_destroy(struct web_target **target);
/* http://127.0.0.1:PORT and PATH, for "http://HOST:PORT" another host; good until the third next
 * call. */
const char *web_target_url(struct web_target *target, const char *host, const char *path);
void web_target_release(struct web_target *target);
/* Waits until N requests are held at once. */
void web_target_wait_held(struct web_target *target, size_t n);
size_t web_target_held_most(struct web_target *target);
/* Bytes of endless bodies that were sent, once their connections are gone. */
size_t web_target_sent(struct web_target *target);
/* The last request, head and body. */
const char *web_target_request(struct web_target *target);
size_t web_target_requests(struct web_target *target);

#endif
