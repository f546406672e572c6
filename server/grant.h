/* grant.h - what a token may do: its scopes, and the channels that it is limited to. A sign-in has
 * no grant (NULL), which is to say all of them; every function here takes that.
 *
 * Threading: made, counted and freed on one worker. What it says never changes, and storage threads
 * read the channels while a request that has a reference is under way.
 */
#ifndef SERVER_GRANT_H
#define SERVER_GRANT_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol/command.h"
#include "storage/store.h"

struct buf;
struct grant;

/* One reference. NULL: SESSION is a sign-in. */
struct grant *grant_make(const struct store_session *session);
struct grant *grant_ref(struct grant *grant);
void grant_unref(struct grant **grant);

bool grant_allows(const struct grant *grant, enum scope scope);
/* Whether it is limited to channels, and whether CHANNEL is one of them, or all are. */
bool grant_is_limited(const struct grant *grant);
bool grant_knows(const struct grant *grant, const char *channel);
/* USER with ROLE, as far as the grant goes: the channels live as long as it does. */
struct store_actor grant_actor(const struct grant *grant, const char *user, enum store_role role);
/* The member "scopes" as a list; nothing for a sign-in. */
void grant_put_scopes(const struct grant *grant, struct buf *out);

/* "a b" as ["a","b"] under NAME. */
void put_word_list(struct buf *out, const char *name, const char *words);

#endif
