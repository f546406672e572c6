/* rules.h - who may do what in a channel, and the steps that several operations share.
 *
 * Every operation checks first and writes afterwards: a refused request leaves no change, so that
 * one transaction can hold a whole batch of them.
 */
#ifndef STORAGE_RULES_H
#define STORAGE_RULES_H

#include "storage/txn.h"

/* Who asks, about which channel. */
struct scope {
    struct account *actor; /* NULL: the system reads, and there is no account yet */
    struct chan *chan;
    struct membership *member; /* the actor's, see `exists` */
};

/* Loads all three; NOT_FOUND "channel" also for a channel that the actor may not see: private ones
 * and dms are only there for their members. */
enum err scope_enter(struct txn *t, struct store_req *req, const char *channel,
                     struct scope *scope_out);
enum err scope_need_member(const struct scope *scope, struct store_req *req);
enum err scope_need_moderator(const struct scope *scope, struct store_req *req);
enum err scope_need_active(const struct scope *scope, struct store_req *req); /* not archived */
enum err scope_need_room(const struct scope *scope, struct store_req *req);   /* not a dm */
bool actor_is_admin(const struct store_actor *actor);
/* Whether there is such a channel for the actor at all, see store_actor. */
bool actor_knows(const struct store_actor *actor, const char *channel);
/* For what makes a channel. */
enum err actor_need_all(struct store_req *req);

/* The other user that a request names, in FIELD "user". */
enum err other_user(struct txn *t, struct store_req *req, const char *ref, struct account **out);

/* Membership: the event in the channel's stream, applied; *SEQ_OUT is its seq. Then the one in the
 * user's own stream, which must be in the same batch. */
enum err member_join(struct txn *t, const struct account *actor, struct chan *chan,
                     struct account *user, enum store_member_role role, uint64_t *seq_out);
enum err member_tell_joined(struct txn *t, struct store_req *req, const struct account *actor,
                            struct chan *chan, struct account *user, uint64_t seq);
/* Both for a leave. */
enum err member_leave(struct txn *t, const struct account *actor, struct chan *chan,
                      struct account *user);
/* An event about the channel itself, with SHOWN as its data; the caller applies it. */
enum err emit_channel(struct txn *t, const struct account *actor, struct chan *chan,
                      enum store_event_type type, const struct store_channel *shown,
                      uint64_t *seq_out);

/* CHAN as the wire shows it, with the view of USER (may be NULL). */
enum err view_channel(struct txn *t, struct arena *arena, const struct chan *chan,
                      const struct account *user, struct store_channel *out);

#endif
