#include "storage/rules.h"

#include <string.h>

#include "storage/apply.h"

bool actor_is_admin(const struct store_actor *actor)
{
    return actor->system || actor->role >= STORE_ROLE_ADMIN;
}

bool actor_knows(const struct store_actor *actor, const char *channel)
{
    bool known = actor->channels == NULL;

    for (size_t i = 0; !known && i < actor->channels_n; i++)
        known = strcmp(actor->channels[i], channel) == 0;
    return known;
}

enum err actor_need_all(struct store_req *req)
{
    return req->actor.channels == NULL
               ? ERR_OK
               : txn_refuse(req, ERR_FORBIDDEN, NULL,
                            "the token is limited to channels: it makes no others");
}

/* The actor and its membership. The system may read before there is any account. */
static enum err enter_actor(struct txn *t, struct store_req *req, struct scope *s)
{
    enum err err = txn_actor(t, req, &s->actor);

    if (err == ERR_OK)
        return txn_member(t, s->chan, s->actor, &s->member);
    if (err != ERR_NOT_FOUND)
        return err;
    if (!req->actor.system || store_op_writes(req->op))
        return txn_refuse(req, ERR_FORBIDDEN, NULL, "the acting account does not exist");
    s->actor = NULL;
    s->member = arena_alloc(req->arena, sizeof(*s->member));
    return ERR_OK;
}

enum err scope_enter(struct txn *t, struct store_req *req, const char *channel,
                     struct scope *scope_out)
{
    struct scope *s = scope_out;
    enum err err = txn_chan(t, channel, &s->chan);

    if (err == ERR_OK && !actor_knows(&req->actor, s->chan->id))
        err = ERR_NOT_FOUND;
    if (err == ERR_OK)
        err = enter_actor(t, req, s);
    if (err == ERR_OK && s->chan->type != STORE_PUBLIC && !s->member->exists && !req->actor.system)
        err = ERR_NOT_FOUND;
    if (err == ERR_NOT_FOUND)
        return txn_refuse(req, err, "channel", "there is no such channel");
    return err;
}

enum err scope_need_member(const struct scope *scope, struct store_req *req)
{
    if (scope->member->exists || req->actor.system)
        return ERR_OK;
    return txn_refuse(req, ERR_FORBIDDEN, "channel", "join the channel first");
}

enum err scope_need_moderator(const struct scope *scope, struct store_req *req)
{
    if (actor_is_admin(&req->actor) ||
        (scope->member->exists && scope->member->role == STORE_MODERATOR))
        return ERR_OK;
    return txn_refuse(req, ERR_FORBIDDEN, "channel", "only a moderator or an admin may do this");
}

enum err scope_need_active(const struct scope *scope, struct store_req *req)
{
    if (scope->chan->archived_at == 0)
        return ERR_OK;
    return txn_refuse(req, ERR_CONFLICT, "channel", "the channel is archived");
}

enum err scope_need_room(const struct scope *scope, struct store_req *req)
{
    if (scope->chan->type != STORE_DM)
        return ERR_OK;
    return txn_refuse(req, ERR_FORBIDDEN, "channel",
                      "the people of a direct conversation are always the same");
}

enum err other_user(struct txn *t, struct store_req *req, const char *ref, struct account **out)
{
    enum err err = txn_account(t, ref, out);

    if (err == ERR_NOT_FOUND)
        return txn_refuse(req, err, "user", "there is no such user");
    return err;
}

enum err view_channel(struct txn *t, struct arena *arena, const struct chan *chan,
                      const struct account *user, struct store_channel *out)
{
    enum err err = ERR_OK;
    struct membership *m = NULL;

    *out = (struct store_channel){
        .id = arena_strdup(arena, chan->id),
        .name = arena_strdup(arena, chan->name),
        .type = chan->type,
        .topic = arena_strdup(arena, chan->topic),
        .created_at = chan->created_at,
        .archived_at = chan->archived_at,
        .members = chan->members,
        .epoch = arena_strdup(arena, chan->stream.epoch),
        .seq = chan->stream.seq,
        .msg_no = chan->stream.msg_no,
    };
    if (chan->type == STORE_DM) {
        struct store_member *members;
        err = t->ops->members_list(t->conn, arena, chan->stream.key, NULL, STORE_DM_USERS_MAX,
                                   &members, &out->users_n, NULL);
        if (err != ERR_OK)
            return err;
        struct store_user *users = arena_alloc(arena, (out->users_n + 1) * sizeof(*users));
        for (size_t i = 0; i < out->users_n; i++)
            users[i] = members[i].user;
        out->users = users;
    }
    if (user != NULL)
        err = txn_member(t, chan, user, &m);
    if (err != ERR_OK || m == NULL || !m->exists)
        return err;
    out->joined = true;
    out->role = m->role;
    out->last_read_seq = m->read_seq;
    out->unread = chan->stream.msg_no > m->read_no ? chan->stream.msg_no - m->read_no : 0;
    return t->ops->mentions_count(t->conn, m->user_key, m->chan_key, m->read_seq, &out->mentions);
}

static void put_member(struct buf *out, const struct account *user, enum store_member_role role)
{
    buf_clear(out);
    buf_puts(out, "\"user\":");
    store_user_json(out, &user->user);
    buf_json_member(out, "role", store_member_role_name(role));
}

static enum err emit_own(struct txn *t, const struct account *actor, const struct chan *chan,
                         const struct account *user, enum store_event_type type, uint64_t link)
{
    struct stream *own;
    enum err err = txn_stream(t, 'u', user->user.id, &own);
    struct event_row row = {.type = type,
                            .subject = chan->id,
                            .link = link,
                            .data = t->text.data,
                            .data_len = t->text.len};

    return err == ERR_OK ? txn_emit(t, own, actor, &row) : err;
}

static enum err emit_member(struct txn *t, const struct account *actor, struct chan *chan,
                            struct account *user, enum store_event_type type,
                            enum store_member_role role, uint64_t *seq_out)
{
    put_member(&t->text, user, role);
    struct event_row row = {
        .type = type, .subject = user->user.id, .data = t->text.data, .data_len = t->text.len};
    enum err err = txn_emit(t, &chan->stream, actor, &row);
    struct change change = {
        .type = type, .chan = chan, .seq = row.seq, .at = row.at, .user = user, .role = role};

    *seq_out = row.seq;
    return err == ERR_OK ? apply(t, &change) : err;
}

enum err member_join(struct txn *t, const struct account *actor, struct chan *chan,
                     struct account *user, enum store_member_role role, uint64_t *seq_out)
{
    return emit_member(t, actor, chan, user, STORE_EVENT_MEMBER_JOINED, role, seq_out);
}

enum err member_tell_joined(struct txn *t, struct store_req *req, const struct account *actor,
                            struct chan *chan, struct account *user, uint64_t seq)
{
    struct store_channel view;
    enum err err = view_channel(t, req->arena, chan, user, &view);

    if (err != ERR_OK)
        return err;
    view.seq = seq;
    buf_clear(&t->text);
    buf_puts(&t->text, "\"channel\":");
    store_channel_json(&t->text, &view, true);
    return emit_own(t, actor, chan, user, STORE_EVENT_CHANNEL_JOINED, seq);
}

enum err member_leave(struct txn *t, const struct account *actor, struct chan *chan,
                      struct account *user)
{
    uint64_t seq;
    struct membership *m;
    enum err err = txn_member(t, chan, user, &m);

    if (err == ERR_OK)
        err = emit_member(t, actor, chan, user, STORE_EVENT_MEMBER_LEFT, m->role, &seq);
    if (err != ERR_OK)
        return err;
    buf_clear(&t->text);
    buf_puts(&t->text, "\"channel\":{");
    buf_json_member(&t->text, "id", chan->id);
    buf_putc(&t->text, '}');
    return emit_own(t, actor, chan, user, STORE_EVENT_CHANNEL_LEFT, seq);
}

enum err emit_channel(struct txn *t, const struct account *actor, struct chan *chan,
                      enum store_event_type type, const struct store_channel *shown,
                      uint64_t *seq_out)
{
    buf_clear(&t->text);
    buf_puts(&t->text, "\"channel\":");
    store_channel_json(&t->text, shown, false);
    struct event_row row = {.type = type, .data = t->text.data, .data_len = t->text.len};
    enum err err = txn_emit(t, &chan->stream, actor, &row);

    *seq_out = row.seq;
    return err;
}
