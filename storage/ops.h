/* ops.h - the operations of store.h, one function each, written over txn.h and store_ops.h.
 *
 * Each runs inside a transaction and answers through req->out; what it returns becomes req->err.
 */
#ifndef STORAGE_OPS_H
#define STORAGE_OPS_H

#include "storage/txn.h"

typedef enum err (*op_fn)(struct txn *t, struct store_req *req);

op_fn op_find(enum store_op op);

enum err op_message_send(struct txn *t, struct store_req *req);
enum err op_message_edit(struct txn *t, struct store_req *req);
enum err op_message_delete(struct txn *t, struct store_req *req);
enum err op_read_mark(struct txn *t, struct store_req *req);

enum err op_channel_create(struct txn *t, struct store_req *req);
enum err op_channel_update(struct txn *t, struct store_req *req);
enum err op_channel_archive(struct txn *t, struct store_req *req);
enum err op_channel_delete(struct txn *t, struct store_req *req);
enum err op_dm_open(struct txn *t, struct store_req *req);

enum err op_channel_join(struct txn *t, struct store_req *req);
enum err op_channel_leave(struct txn *t, struct store_req *req);
enum err op_channel_invite(struct txn *t, struct store_req *req);
enum err op_channel_remove(struct txn *t, struct store_req *req);

enum err op_user_create(struct txn *t, struct store_req *req);
enum err op_user_update(struct txn *t, struct store_req *req);
enum err op_session_create(struct txn *t, struct store_req *req);
enum err op_session_delete(struct txn *t, struct store_req *req);
enum err op_session_touch(struct txn *t, struct store_req *req);
enum err op_token_create(struct txn *t, struct store_req *req);
enum err op_invite_create(struct txn *t, struct store_req *req);
enum err op_invite_delete(struct txn *t, struct store_req *req);

enum err op_hook_create(struct txn *t, struct store_req *req);
enum err op_hook_update(struct txn *t, struct store_req *req);
enum err op_hook_rotate(struct txn *t, struct store_req *req);
enum err op_hook_delete(struct txn *t, struct store_req *req);
enum err op_hook_redeliver(struct txn *t, struct store_req *req);
enum err op_hook_lease(struct txn *t, struct store_req *req);
enum err op_hook_mark(struct txn *t, struct store_req *req);
enum err op_hook_fail(struct txn *t, struct store_req *req);
enum err op_hook_settle(struct txn *t, struct store_req *req);

enum err op_session_get(struct txn *t, struct store_req *req);
enum err op_session_list(struct txn *t, struct store_req *req);
enum err op_bot_list(struct txn *t, struct store_req *req);
enum err op_invite_list(struct txn *t, struct store_req *req);
enum err op_user_get(struct txn *t, struct store_req *req);
enum err op_user_list(struct txn *t, struct store_req *req);
enum err op_snapshot(struct txn *t, struct store_req *req);
enum err op_tops(struct txn *t, struct store_req *req);
enum err op_events(struct txn *t, struct store_req *req);
enum err op_stats(struct txn *t, struct store_req *req);
enum err op_channel_get(struct txn *t, struct store_req *req);
enum err op_channel_list(struct txn *t, struct store_req *req);
enum err op_channel_members(struct txn *t, struct store_req *req);
enum err op_message_get(struct txn *t, struct store_req *req);
enum err op_history(struct txn *t, struct store_req *req);
enum err op_hook_list(struct txn *t, struct store_req *req);
enum err op_hook_get(struct txn *t, struct store_req *req);
enum err op_hook_find(struct txn *t, struct store_req *req);
enum err op_hook_commands(struct txn *t, struct store_req *req);
enum err op_hooks_outgoing(struct txn *t, struct store_req *req);
enum err op_hook_failures(struct txn *t, struct store_req *req);

/* A channel that nobody has seen yet: made, created in its log, its creator in it. */
enum err channel_make(struct txn *t, struct store_req *req, const char *name, const char *topic,
                      enum store_channel_type type, struct account *creator,
                      struct chan **chan_out);

/* A credential of USER's: *SESSION gets its id, user and times. */
enum err session_make(struct txn *t, struct store_req *req, const struct account *user,
                      const char *hash, struct store_session *session);
/* What a token's hash is kept as: an older server, which knows no scopes, does not find it. */
const char *token_key(struct arena *arena, const char *hash);
/* Whether the actor may see and end the credentials of USER: its own, those of its bots, or as an
 * admin. */
bool may_see_sessions(const struct store_actor *actor, const struct store_user *user);
/* Before a bot is made: its owner, if the actor may do that. */
enum err bot_owner(struct txn *t, struct store_req *req, struct account **owner_out);

/* A new account like WANTED, which needs no id, with a stream of its own. It is kept in req->made:
 * running again, the request finds it. */
enum err account_make(struct txn *t, struct store_req *req, const struct store_user *wanted,
                      struct account **out);
/* Change an account: NEXT is its row from now on, its strings from the cache's arena. */
enum err account_save(struct txn *t, struct account *account, struct account next);
/* ACCOUNT for the answer of REQ. */
void answer_user(struct store_req *req, const struct account *account);
/* A bot is as disabled as its owner. */
enum err disable_with_owner(struct txn *t, struct store_req *req, struct account *user);
/* Before a channel is deleted: the bots of its hooks are disabled. */
enum err hooks_disable(struct txn *t, struct store_req *req, const char *channel);

/* Take the text of a message out of every event that carried it: they become tombstones. */
enum err message_scrub(struct txn *t, const struct chan *chan, const struct message_row *row,
                       int64_t deleted_at);

#endif
