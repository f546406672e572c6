/* ops_channel.c - making, changing, archiving and deleting channels; direct conversations. */
#include <stdlib.h>
#include <string.h>

#include "storage/apply.h"
#include "storage/ops.h"
#include "storage/purge.h"
#include "storage/rules.h"

static enum err answer_view(struct txn *t, struct store_req *req, const struct scope *s)
{
    return view_channel(t, req->arena, s->chan, s->actor, &req->out.channel);
}

/* The channel's row and its channel.created; SHOWN gets what the event shows. */
static enum err chan_begin(struct txn *t, struct store_req *req, struct chan *fresh,
                           const struct account *creator, const struct store_user *users,
                           size_t users_n, struct chan **chan_out)
{
    uint64_t seq;
    struct store_channel shown;

    id_make(fresh->id);
    fresh->created_at = t->now;
    enum err err = txn_chan_new(t, fresh, chan_out);
    if (err != ERR_OK)
        return err;
    shown = (struct store_channel){.id = arena_strdup(req->arena, fresh->id),
                                   .name = fresh->name,
                                   .type = fresh->type,
                                   .topic = fresh->topic,
                                   .created_at = t->now,
                                   .users = users,
                                   .users_n = users_n};
    err = emit_channel(t, creator, *chan_out, STORE_EVENT_CHANNEL_CREATED, &shown, &seq);
    struct change change = {.type = STORE_EVENT_CHANNEL_CREATED, .chan = *chan_out};
    return err == ERR_OK ? apply(t, &change) : err;
}

enum err channel_make(struct txn *t, struct store_req *req, const char *name, const char *topic,
                      enum store_channel_type type, struct account *creator, struct chan **chan_out)
{
    uint64_t seq;
    struct chan fresh = {.type = type, .name = name, .topic = topic};
    enum err err = chan_begin(t, req, &fresh, creator, NULL, 0, chan_out);

    if (err == ERR_OK)
        err = member_join(t, creator, *chan_out, creator, STORE_MODERATOR, &seq);
    if (err == ERR_OK)
        err = member_tell_joined(t, req, creator, *chan_out, creator, seq);
    return err;
}

static enum err need_free_name(struct txn *t, struct store_req *req, const char *name)
{
    struct chan *taken;
    char *ref = arena_alloc(req->arena, strlen(name) + 2);

    ref[0] = '#';
    memcpy(ref + 1, name, strlen(name));
    enum err err = txn_chan(t, ref, &taken);
    if (err == ERR_OK)
        return txn_refuse(req, ERR_CONFLICT, "name", "there is a channel of this name");
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err op_channel_create(struct txn *t, struct store_req *req)
{
    struct scope s;
    const char *topic = req->in.channel_new.topic != NULL ? req->in.channel_new.topic : "";
    enum err err = txn_actor(t, req, &s.actor);

    if (err == ERR_NOT_FOUND)
        return txn_refuse(req, ERR_FORBIDDEN, NULL, "the acting account does not exist");
    if (err == ERR_OK && req->in.channel_new.type == STORE_DM)
        return txn_refuse(req, ERR_INVALID_PARAMS, "type", "public or private");
    if (err == ERR_OK)
        err = actor_need_all(req);
    if (err == ERR_OK)
        err = need_free_name(t, req, req->in.channel_new.name);
    if (err == ERR_OK)
        err = channel_make(t, req, req->in.channel_new.name, topic, req->in.channel_new.type,
                           s.actor, &s.chan);
    return err == ERR_OK ? answer_view(t, req, &s) : err;
}

/* What update and archive ask for; NOT for a dm. */
static enum err enter_to_change(struct txn *t, struct store_req *req, struct scope *s)
{
    enum err err = scope_enter(t, req, req->in.channel.channel, s);

    if (err == ERR_OK && s->chan->type == STORE_DM)
        return txn_refuse(req, ERR_FORBIDDEN, "channel",
                          "a direct conversation has no name or topic and is never archived");
    return err == ERR_OK ? scope_need_moderator(s, req) : err;
}

enum err op_channel_update(struct txn *t, struct store_req *req)
{
    struct scope s;
    struct store_channel shown;
    uint64_t seq;
    enum err err = enter_to_change(t, req, &s);

    if (err == ERR_OK)
        err = scope_need_active(&s, req);
    if (err != ERR_OK)
        return err;
    const char *name = req->in.channel.name != NULL ? req->in.channel.name : s.chan->name;
    const char *topic = req->in.channel.topic != NULL ? req->in.channel.topic : s.chan->topic;
    bool renamed = strcmp(name, s.chan->name) != 0;
    if (!renamed && strcmp(topic, s.chan->topic) == 0)
        return answer_view(t, req, &s);
    if (renamed)
        err = need_free_name(t, req, name);
    if (err == ERR_OK)
        err = view_channel(t, req->arena, s.chan, NULL, &shown);
    if (err != ERR_OK)
        return err;
    shown.name = name;
    shown.topic = topic;
    err = emit_channel(t, s.actor, s.chan, STORE_EVENT_CHANNEL_UPDATED, &shown, &seq);
    struct change change = {
        .type = STORE_EVENT_CHANNEL_UPDATED, .chan = s.chan, .name = name, .topic = topic};
    if (err == ERR_OK)
        err = apply(t, &change);
    return err == ERR_OK ? answer_view(t, req, &s) : err;
}

enum err op_channel_archive(struct txn *t, struct store_req *req)
{
    struct scope s;
    struct store_channel shown;
    uint64_t seq;
    enum err err = enter_to_change(t, req, &s);

    if (err == ERR_OK && s.chan->archived_at != 0)
        return answer_view(t, req, &s);
    if (err == ERR_OK)
        err = view_channel(t, req->arena, s.chan, NULL, &shown);
    if (err != ERR_OK)
        return err;
    shown.archived_at = t->now;
    err = emit_channel(t, s.actor, s.chan, STORE_EVENT_CHANNEL_ARCHIVED, &shown, &seq);
    struct change change = {.type = STORE_EVENT_CHANNEL_ARCHIVED, .chan = s.chan, .at = t->now};
    if (err == ERR_OK)
        err = apply(t, &change);
    return err == ERR_OK ? answer_view(t, req, &s) : err;
}

/* The channel is gone at once, and with it the first of its members; a large channel's others leave
 * in steps of their own (purge.h). */
enum err op_channel_delete(struct txn *t, struct store_req *req)
{
    struct scope s;
    struct store_channel shown;
    uint64_t seq;
    size_t left;
    enum err err = scope_enter(t, req, req->in.channel.channel, &s);

    if (err != ERR_OK)
        return err;
    if (!actor_is_admin(&req->actor))
        return txn_refuse(req, ERR_FORBIDDEN, "channel", "only an admin may delete a channel");
    err = hooks_disable(t, req, s.chan->id);
    if (err == ERR_OK)
        err = view_channel(t, req->arena, s.chan, NULL, &shown);
    shown.members = 0;
    shown.users_n = 0;
    if (err == ERR_OK)
        err = emit_channel(t, s.actor, s.chan, STORE_EVENT_CHANNEL_DELETED, &shown, &seq);
    struct change change = {.type = STORE_EVENT_CHANNEL_DELETED, .chan = s.chan, .at = t->now};
    if (err == ERR_OK)
        err = apply(t, &change);
    return err == ERR_OK ? purge_members(t, s.actor, s.chan, &left) : err;
}

/* -- direct conversations -------------------------------------------------------------------- */

struct dm {
    struct account *people[STORE_DM_USERS_MAX];
    size_t n;
    char key[STORE_DM_KEY_SIZE];
};

static int by_id(const void *a, const void *b)
{
    const struct account *const *x = a;
    const struct account *const *y = b;

    return strcmp((*x)->user.id, (*y)->user.id);
}

static enum err dm_add(struct txn *t, struct store_req *req, struct dm *dm, const char *ref)
{
    struct account *user;
    enum err err = txn_account(t, ref, &user);

    if (err == ERR_NOT_FOUND)
        return txn_refuse(req, err, "users", "there is no such user");
    for (size_t i = 0; err == ERR_OK && i < dm->n; i++)
        if (dm->people[i] == user)
            return ERR_OK;
    if (err == ERR_OK && dm->n == STORE_DM_USERS_MAX)
        return txn_refuse(req, ERR_INVALID_PARAMS, "users", "at most eight others");
    if (err == ERR_OK)
        dm->people[dm->n++] = user;
    return err;
}

static enum err dm_people(struct txn *t, struct store_req *req, const struct account *self,
                          struct dm *dm)
{
    enum err err = dm_add(t, req, dm, self->user.id);

    for (size_t i = 0; err == ERR_OK && i < req->in.dm.users_n; i++)
        err = dm_add(t, req, dm, req->in.dm.users[i]);
    if (err != ERR_OK)
        return err;
    qsort(dm->people, dm->n, sizeof(*dm->people), by_id);
    for (size_t i = 0, at = 0; i < dm->n; i++) {
        size_t len = strlen(dm->people[i]->user.id);
        if (i > 0)
            dm->key[at++] = ' ';
        memcpy(dm->key + at, dm->people[i]->user.id, len);
        at += len;
    }
    return ERR_OK;
}

static enum err dm_make(struct txn *t, struct store_req *req, const struct account *self,
                        const struct dm *dm, struct chan **chan_out)
{
    struct chan fresh = {.type = STORE_DM, .name = "", .topic = "", .dm_key = dm->key};
    struct store_user users[STORE_DM_USERS_MAX];
    uint64_t seqs[STORE_DM_USERS_MAX];

    for (size_t i = 0; i < dm->n; i++)
        users[i] = dm->people[i]->user;
    enum err err = chan_begin(t, req, &fresh, self, users, dm->n, chan_out);
    for (size_t i = 0; err == ERR_OK && i < dm->n; i++)
        err = member_join(t, self, *chan_out, dm->people[i], STORE_MEMBER, &seqs[i]);
    for (size_t i = 0; err == ERR_OK && i < dm->n; i++)
        err = member_tell_joined(t, req, self, *chan_out, dm->people[i], seqs[i]);
    return err;
}

enum err op_dm_open(struct txn *t, struct store_req *req)
{
    struct dm dm = {0};
    struct chan found = {0};
    struct scope s;
    enum err err = txn_actor(t, req, &s.actor);

    if (err == ERR_NOT_FOUND)
        return txn_refuse(req, ERR_FORBIDDEN, NULL, "the acting account does not exist");
    if (err == ERR_OK)
        err = actor_need_all(req);
    if (err == ERR_OK)
        err = dm_people(t, req, s.actor, &dm);
    if (err != ERR_OK)
        return err;
    err = t->ops->chan_by_dm(t->conn, req->arena, dm.key, &found);
    if (err == ERR_OK)
        err = txn_chan(t, found.id, &s.chan);
    else if (err == ERR_NOT_FOUND)
        err = dm_make(t, req, s.actor, &dm, &s.chan);
    return err == ERR_OK ? answer_view(t, req, &s) : err;
}
