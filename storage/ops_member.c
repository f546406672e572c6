/* ops_member.c - joining, leaving, inviting and removing. */
#include "storage/ops.h"
#include "storage/rules.h"

static enum err join_now(struct txn *t, struct store_req *req, const struct scope *s,
                         struct account *user)
{
    uint64_t seq;
    enum err err = member_join(t, s->actor, s->chan, user, STORE_MEMBER, &seq);

    return err == ERR_OK ? member_tell_joined(t, req, s->actor, s->chan, user, seq) : err;
}

enum err op_channel_join(struct txn *t, struct store_req *req)
{
    struct scope s;
    enum err err = scope_enter(t, req, req->in.channel.channel, &s);

    if (err == ERR_OK && !s.member->exists) {
        err = scope_need_room(&s, req);
        if (err == ERR_OK)
            err = scope_need_active(&s, req);
        if (err == ERR_OK)
            err = join_now(t, req, &s, s.actor);
    }
    return err == ERR_OK ? view_channel(t, req->arena, s.chan, s.actor, &req->out.channel) : err;
}

enum err op_channel_leave(struct txn *t, struct store_req *req)
{
    struct scope s;
    enum err err = scope_enter(t, req, req->in.channel.channel, &s);

    if (err == ERR_OK)
        err = scope_need_room(&s, req);
    if (err != ERR_OK)
        return err;
    if (!s.member->exists)
        return txn_refuse(req, ERR_CONFLICT, "channel", "not a member of this channel");
    return member_leave(t, s.actor, s.chan, s.actor);
}

/* The scope and the other one, with what inviting and removing have in common checked. */
static enum err enter_with_user(struct txn *t, struct store_req *req, struct scope *s,
                                struct account **user_out, struct membership **member_out)
{
    enum err err = scope_enter(t, req, req->in.channel.channel, s);

    if (err == ERR_OK)
        err = scope_need_room(s, req);
    if (err == ERR_OK)
        err = other_user(t, req, req->in.channel.user, user_out);
    return err == ERR_OK ? txn_member(t, s->chan, *user_out, member_out) : err;
}

enum err op_channel_invite(struct txn *t, struct store_req *req)
{
    struct scope s;
    struct account *user;
    struct membership *m;
    enum err err = enter_with_user(t, req, &s, &user, &m);

    if (err == ERR_OK && !actor_is_admin(&req->actor))
        err = scope_need_member(&s, req);
    if (err != ERR_OK || m->exists)
        return err;
    err = scope_need_active(&s, req);
    if (err == ERR_OK && user->user.disabled_at != 0)
        return txn_refuse(req, ERR_CONFLICT, "user", "the account is disabled");
    return err == ERR_OK ? join_now(t, req, &s, user) : err;
}

enum err op_channel_remove(struct txn *t, struct store_req *req)
{
    struct scope s;
    struct account *user;
    struct membership *m;
    enum err err = enter_with_user(t, req, &s, &user, &m);

    if (err == ERR_OK)
        err = scope_need_moderator(&s, req);
    if (err != ERR_OK)
        return err;
    if (!m->exists)
        return txn_refuse(req, ERR_NOT_FOUND, "user", "not a member of this channel");
    return member_leave(t, s.actor, s.chan, user);
}
