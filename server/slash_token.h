/* slash_token.h - response URLs of slash commands: who may answer whom, and until when.
 *
 * A token says all of that itself and is signed with the secret of the hook, so that any node of a
 * cluster takes it and nothing is stored for a command that is never answered. Whoever knows that
 * secret, the target and those who manage the hook, can make such tokens: they let nobody do more
 * than write into the hook's channel, or to one of its members. How often one was used is counted
 * in memory; nodes tell each other of uses (bus_attempt()), and count them a moment later.
 * Threading: the functions of tokens are pure; struct slash_uses locks itself, any thread.
 */
#ifndef SERVER_SLASH_TOKEN_H
#define SERVER_SLASH_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"

enum {
    SLASH_TOKEN_SIZE = 3 * (ID_MAX + 1) + 17 + TOKEN_SIZE, /* with NUL */
    SLASH_TOKEN_SECONDS = 1800,
    SLASH_USES_MAX = 5,
};

struct slash_token {
    char hook[ID_MAX + 1];
    char user[ID_MAX + 1]; /* who has sent the command */
    char run[ID_MAX + 1];  /* the id of that one run */
    int64_t expires_at_s;  /* unix */
};

void slash_token_make(const struct slash_token *from, const char *secret,
                      char token_out[SLASH_TOKEN_SIZE]);
/* What TEXT says, whether true or not; false: nothing that a token says. */
bool slash_token_read(const char *text, struct slash_token *out);
/* Whether it was made with SECRET. Takes the same time wherever it differs. */
bool slash_token_is_true(const char *text, const char *secret);

struct slash_uses;
struct slash_uses *slash_uses_create(size_t max);
void slash_uses_destroy(struct slash_uses **uses);
/* Counts one use; returns the how many-th it is, 0: there were SLASH_USES_MAX already, or as many
 * tokens as can be counted are in use. */
unsigned slash_uses_take(struct slash_uses *uses, const struct slash_token *token, int64_t now_s);
/* What other nodes are told of a use: "u:<run>". */
enum { SLASH_USE_KEY_SIZE = ID_MAX + 3 };
void slash_use_key(const struct slash_token *token, char key_out[SLASH_USE_KEY_SIZE]);
/* Another node says so of KEY. What is no key is ignored. */
void slash_uses_hear(struct slash_uses *uses, const char *key, int64_t now_s);

#endif
