/* hook_call.h - what is sent to the target of an outgoing webhook or a slash command, how it is
 * signed, and what its answer says. Pure functions.
 *
 * A call is signed with the hook's secret, HMAC-SHA256 (RFC 2104) over the time, a dot and the
 * body, so that its target can tell who sent it and that it is fresh: docs/integrations.md.
 * Threading: any. Ownership: results come from the arena that is given.
 */
#ifndef SERVER_HOOK_CALL_H
#define SERVER_HOOK_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/store.h"

struct arena;

enum {
    HOOK_SIGNATURE_SIZE = 3 + 64 + 1, /* "v1=", hex, NUL */
    HOOK_HEADERS_MAX = 6,
    HOOK_PAUSE_MAX_MS = 300000,
};

/* What messages that answer a hook's call have before the rest of their client_msg_id: hooks are
 * not told of them, so that two hooks never talk to each other for ever. */
#define HOOK_MSG_ID_PREFIX "hook:"

struct hook_call {
    const char *headers[HOOK_HEADERS_MAX];
    size_t headers_n;
    const char *body;
    size_t body_n;
};

void hook_sign(const char *secret, int64_t at_s, const char *body, size_t n,
               char signature_out[HOOK_SIGNATURE_SIZE]);

/* Whether HOOK is to be told of EVENT: it has asked for events of that name, a message begins with
 * its trigger, and neither its own bot nor an answer to a hook is behind it. */
bool hook_wants(const struct store_hook *hook, const struct store_event *event);
/* Whether TEXT begins with WORD and not just with a longer word. */
bool hook_is_triggered(const char *text, const char *word);

/* The delivery of EVENT to HOOK, for the ATTEMPT-th time (1, 2, ...), at AT_S (unix seconds). */
void hook_call_event(struct arena *arena, const struct store_hook *hook,
                     const struct store_event *event, unsigned attempt, int64_t at_s,
                     struct hook_call *out);
/* A slash command, as a form (application/x-www-form-urlencoded) of N fields. */
struct hook_field {
    const char *name, *value;
};
void hook_call_command(struct arena *arena, const struct store_hook *hook, const char *delivery,
                       const struct hook_field *fields, size_t n, int64_t at_s,
                       struct hook_call *out);

/* How long to wait after the ATTEMPT-th failure: FIRST_MS, doubled each time, at most
 * HOOK_PAUSE_MAX_MS, the upper half of it by chance (RANDOM); no shorter than RETRY_AFTER_S as far
 * as the bound goes. */
uint32_t hook_pause_ms(unsigned attempt, uint32_t first_ms, uint32_t retry_after_s,
                       uint32_t random);

/* What a target has to say. TEXT is NULL: nothing. */
struct hook_answer {
    bool in_channel; /* for all to see */
    const char *text;
};
/* Reads the body of an answer, JSON {response_type?, text?} if its type says so, else plain text if
 * PLAIN. Text that is too long is cut. NULL, or what is wrong with it as in "the answer <reason>";
 * a static string. */
const char *hook_answer_read(struct arena *arena, const char *content_type, const char *body,
                             size_t n, bool plain, struct hook_answer *out);

#endif
