/* ops_read.c - the snapshot, stream tops, events, channels and their members. */
#include <string.h>

#include "base/macros.h"
#include "storage/ops.h"
#include "storage/rules.h"

static enum err top_of(struct txn *t, struct arena *arena, const char *name, struct store_top *out)
{
    struct stream stream = {0};
    enum err err = t->ops->stream_get(t->conn, name, &stream);

    out->stream = arena_strdup(arena, name);
    if (err == ERR_OK) {
        out->epoch = arena_strdup(arena, stream.epoch);
        out->seq = stream.seq;
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* The same for many, with as few queries as the database allows. */
static enum err tops_of(struct txn *t, struct arena *arena, const char *const *names, size_t n,
                        struct store_top *out)
{
    struct stream *streams = arena_alloc(arena, (n + 1) * sizeof(*streams));
    enum err err = t->ops->streams_get(t->conn, arena, names, n, streams);

    for (size_t i = 0; err == ERR_OK && i < n; i++) {
        bool there = streams[i].name[0] != '\0';
        out[i] = (struct store_top){.stream = arena_strdup(arena, names[i]),
                                    .epoch = there ? streams[i].epoch : NULL,
                                    .seq = there ? streams[i].seq : 0};
    }
    return err;
}

enum err op_tops(struct txn *t, struct store_req *req)
{
    enum err err = ERR_OK;
    size_t n = req->in.tops.n;

    req->out.tops = arena_alloc(req->arena, (n + 1) * sizeof(*req->out.tops));
    req->out.n = n;
    if (t->ops->streams_get != NULL)
        return tops_of(t, req->arena, req->in.tops.streams, n, req->out.tops);
    for (size_t i = 0; err == ERR_OK && i < n; i++)
        err = top_of(t, req->arena, req->in.tops.streams[i], &req->out.tops[i]);
    return err;
}

enum err op_events(struct txn *t, struct store_req *req)
{
    struct stream stream = {0};
    enum err err = t->ops->stream_get(t->conn, req->in.events.stream, &stream);

    req->out.top.stream = arena_strdup(req->arena, req->in.events.stream);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    if (err != ERR_OK)
        return err;
    req->out.top.epoch = arena_strdup(req->arena, stream.epoch);
    req->out.top.seq = stream.seq;
    return t->ops->events_list(t->conn, req->arena, &stream, req->in.events.after,
                               req->in.events.limit, &req->out.events, &req->out.n);
}

static enum err views_of(struct txn *t, struct store_req *req, struct account *user)
{
    struct chan *chans;
    struct membership *members;
    size_t n;
    enum err err = t->ops->chans_of(t->conn, req->arena, user->key, &chans, &members, &n);

    if (err != ERR_OK)
        return err;
    req->out.channels = arena_alloc(req->arena, (n + 1) * sizeof(*req->out.channels));
    for (size_t i = 0; err == ERR_OK && i < n; i++) {
        if (!actor_knows(&req->actor, chans[i].id))
            continue;
        map_put(&t->memberships, &members[i].chan_key, 2 * sizeof(members[i].chan_key),
                &members[i]);
        err = view_channel(t, req->arena, &chans[i], user, &req->out.channels[req->out.n++]);
    }
    return err;
}

/* The top of the user's own stream. Where rows may lag behind the log, that of the read positions
 * is looked at too, so that they are applied before they are shown. */
static enum err own_top(struct txn *t, struct store_req *req, const char *user)
{
    char own[STORE_STREAM_SIZE];
    char reads[STORE_STREAM_SIZE];
    const char *names[] = {own, reads};
    struct store_top tops[ARRAY_LEN(names)];

    stream_name('u', user, own);
    stream_name('r', user, reads);
    if (t->ops->streams_get == NULL)
        return top_of(t, req->arena, own, &req->out.top);
    enum err err = tops_of(t, req->arena, names, ARRAY_LEN(names), tops);
    if (err == ERR_OK)
        req->out.top = tops[0];
    return err;
}

enum err op_snapshot(struct txn *t, struct store_req *req)
{
    struct account user;
    enum err err = t->ops->user_get(t->conn, req->arena, req->in.user.user, false, &user);

    if (err == ERR_NOT_FOUND)
        return txn_refuse(req, err, "user", "there is no such user");
    if (err != ERR_OK)
        return err;
    req->out.user = user.user;
    err = own_top(t, req, user.user.id);
    return err == ERR_OK ? views_of(t, req, &user) : err;
}

enum err op_channel_get(struct txn *t, struct store_req *req)
{
    struct scope s;
    enum err err = scope_enter(t, req, req->in.channel.channel, &s);

    return err == ERR_OK ? view_channel(t, req->arena, s.chan, s.actor, &req->out.channel) : err;
}

enum err op_channel_list(struct txn *t, struct store_req *req)
{
    struct account *actor = NULL;
    struct chan *chans;
    size_t n;
    enum err err = txn_actor(t, req, &actor);

    if (err != ERR_OK && err != ERR_NOT_FOUND)
        return err;
    struct channel_filter filter = {
        .user_key = err == ERR_OK ? actor->key : 0, .all = req->actor.system, .page = req->in.page};
    err = t->ops->chans_list(t->conn, req->arena, &filter, &chans, &n, &req->out.next);
    if (err == ERR_INVALID_PARAMS)
        return txn_refuse(req, err, "cursor", "not one that this server gave");
    if (err != ERR_OK)
        return err;
    req->out.channels = arena_alloc(req->arena, (n + 1) * sizeof(*req->out.channels));
    for (size_t i = 0; err == ERR_OK && i < n; i++)
        if (actor_knows(&req->actor, chans[i].id))
            err = view_channel(t, req->arena, &chans[i], filter.user_key != 0 ? actor : NULL,
                               &req->out.channels[req->out.n++]);
    return err;
}

enum err op_channel_members(struct txn *t, struct store_req *req)
{
    struct scope s;
    const struct store_page *page = &req->in.members.page;
    enum err err = scope_enter(t, req, req->in.members.channel, &s);

    if (err == ERR_OK)
        err = t->ops->members_list(t->conn, req->arena, s.chan->stream.key, page->cursor,
                                   page->limit, &req->out.members, &req->out.n, &req->out.next);
    return err == ERR_INVALID_PARAMS
               ? txn_refuse(req, err, "cursor", "not one that this server gave")
               : err;
}

enum err op_stats(struct txn *t, struct store_req *req)
{
    return t->ops->stats(t->conn, &req->out.stats);
}

op_fn op_find(enum store_op op)
{
    static const op_fn ops[STORE_OPS] = {
        [STORE_MESSAGE_SEND] = op_message_send,
        [STORE_MESSAGE_EDIT] = op_message_edit,
        [STORE_MESSAGE_DELETE] = op_message_delete,
        [STORE_CHANNEL_CREATE] = op_channel_create,
        [STORE_CHANNEL_UPDATE] = op_channel_update,
        [STORE_CHANNEL_ARCHIVE] = op_channel_archive,
        [STORE_CHANNEL_DELETE] = op_channel_delete,
        [STORE_CHANNEL_JOIN] = op_channel_join,
        [STORE_CHANNEL_LEAVE] = op_channel_leave,
        [STORE_CHANNEL_INVITE] = op_channel_invite,
        [STORE_CHANNEL_REMOVE] = op_channel_remove,
        [STORE_DM_OPEN] = op_dm_open,
        [STORE_READ_MARK] = op_read_mark,
        [STORE_USER_CREATE] = op_user_create,
        [STORE_USER_UPDATE] = op_user_update,
        [STORE_SESSION_CREATE] = op_session_create,
        [STORE_SESSION_DELETE] = op_session_delete,
        [STORE_SESSION_TOUCH] = op_session_touch,
        [STORE_TOKEN_CREATE] = op_token_create,
        [STORE_INVITE_CREATE] = op_invite_create,
        [STORE_INVITE_DELETE] = op_invite_delete,
        [STORE_HOOK_CREATE] = op_hook_create,
        [STORE_HOOK_UPDATE] = op_hook_update,
        [STORE_HOOK_ROTATE] = op_hook_rotate,
        [STORE_HOOK_DELETE] = op_hook_delete,
        [STORE_HOOK_REDELIVER] = op_hook_redeliver,
        [STORE_HOOK_LEASE] = op_hook_lease,
        [STORE_HOOK_MARK] = op_hook_mark,
        [STORE_HOOK_FAIL] = op_hook_fail,
        [STORE_HOOK_SETTLE] = op_hook_settle,
        [STORE_SESSION_GET] = op_session_get,
        [STORE_SESSION_LIST] = op_session_list,
        [STORE_BOT_LIST] = op_bot_list,
        [STORE_SNAPSHOT] = op_snapshot,
        [STORE_TOPS] = op_tops,
        [STORE_EVENTS] = op_events,
        [STORE_USER_GET] = op_user_get,
        [STORE_USER_LIST] = op_user_list,
        [STORE_CHANNEL_GET] = op_channel_get,
        [STORE_CHANNEL_LIST] = op_channel_list,
        [STORE_CHANNEL_MEMBERS] = op_channel_members,
        [STORE_MESSAGE_GET] = op_message_get,
        [STORE_HISTORY] = op_history,
        [STORE_INVITE_LIST] = op_invite_list,
        [STORE_HOOK_LIST] = op_hook_list,
        [STORE_HOOK_GET] = op_hook_get,
        [STORE_HOOK_FIND] = op_hook_find,
        [STORE_HOOK_COMMANDS] = op_hook_commands,
        [STORE_HOOKS_OUTGOING] = op_hooks_outgoing,
        [STORE_HOOK_FAILURES] = op_hook_failures,
        [STORE_STATS] = op_stats,
    };

    return (size_t)op < STORE_OPS ? ops[op] : NULL;
}
