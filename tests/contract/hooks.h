/* hooks.h - requests about webhooks and slash commands, for the contract tests: each is done and
 * given back with its answer, or its error is. ACTOR NULL: the system. Ownership: the bed's.
 */
#ifndef TESTS_CONTRACT_HOOKS_H
#define TESTS_CONTRACT_HOOKS_H

#include "tests/unit/storage/bed.h"

/* A request for a hook of KIND, with all that goes with it. */
struct store_req *hook_create_req(struct bed *bed, const char *actor, const char *channel,
                                  enum store_hook_kind kind);
/* Its id; must succeed. */
const char *hook_make(struct bed *bed, const char *actor, const char *channel,
                      enum store_hook_kind kind);
struct store_req *hook_get(struct bed *bed, const char *actor, const char *id);
struct store_req *hook_find(struct bed *bed, const char *id, const char *hash);
struct store_req *hook_list(struct bed *bed, const char *actor, const char *channel);
struct store_req *hook_update_req(struct bed *bed, const char *actor, const char *id);
enum err hook_enable(struct bed *bed, const char *actor, const char *id, bool enabled);
/* Deletes it. */
enum err hook_end(struct bed *bed, const char *actor, const char *id);
/* A message by the hook's bot. */
enum err hook_post_as(struct bed *bed, const char *bot, const char *channel, const char *text);
struct store_req *hook_lease(struct bed *bed, const char *id, const char *node, int64_t until);
enum err hook_mark(struct bed *bed, const char *id, uint64_t seq, enum store_hook_outcome outcome);
/* A dead letter of ATTEMPTS attempts. */
enum err hook_fail(struct bed *bed, const char *id, uint64_t seq, uint32_t attempts);
struct store_req *hook_failures(struct bed *bed, const char *actor, const char *id,
                                const char *cursor, uint32_t limit);
/* OP about the dead letter of SEQ. */
enum err hook_about_failure(struct bed *bed, enum store_op op, const char *actor, const char *id,
                            uint64_t seq);

#endif
