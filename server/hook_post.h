/* hook_post.h - what comes in by an incoming webhook, on its way to being a message.
 *
 *   whose? -> is it in use? -> not too often? -> payload -> text -> sent as the webhook's bot
 *
 * Posts to webhooks that there are not are guesses, see pace.h.
 *
 * Threading: a worker's own. Ownership: a post belongs to whoever made it until hook_post_run(),
 * then to itself; it ends with its answer, exactly one, which is dropped if the connection has
 * gone.
 */
#ifndef SERVER_HOOK_POST_H
#define SERVER_HOOK_POST_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct conn;
struct hook_post;

#define HOOK_POST_UNKNOWN "There is no such webhook"
#define HOOK_POST_GUESSES "Too many posts from your address to webhooks that there are not"

/* PATH is "<hook id>/<token>"; of the token only a hash is kept. KEY, or NULL: a post that comes
 * twice is one message. NULL: PATH cannot be a webhook's. */
struct hook_post *hook_post_make(const char *path, bool form, const char *key);
void hook_post_free(struct hook_post **post);
/* *BODY is taken; ADDRESS is the client's, without port. */
void hook_post_run(struct hook_post *post, struct conn *conn, const char *address,
                   struct buf *body);

/* How it ended: ERR_OK, or DETAIL says why not, and RETRY_AFTER_MS when to try again (-1: never).
 */
struct hook_outcome {
    enum err err;
    const char *detail;
    int64_t retry_after_ms;
};

#endif
