#include "storage/apply.h"

#include <string.h>

static enum err mentions_set(struct txn *t, const struct change *c,
                             const struct store_message *message, bool on)
{
    enum err err = ERR_OK;

    for (size_t i = 0; err == ERR_OK && i < message->mentions_n; i++) {
        struct account *user;
        err = txn_account(t, message->mentions[i], &user);
        if (err == ERR_OK)
            err =
                on ? t->ops->mention_add(t->conn, user->key, c->chan->stream.key, message->seq)
                   : t->ops->mention_remove(t->conn, user->key, c->chan->stream.key, message->seq);
        else if (err == ERR_NOT_FOUND)
            err = ERR_OK; /* an account that is no more */
    }
    return err;
}

static void read_up_to(struct txn *t, struct membership *m, uint64_t seq, uint64_t msg_no)
{
    if (!m->exists || seq <= m->read_seq)
        return;
    m->read_seq = seq;
    m->read_no = msg_no;
    txn_touch_member(t, m);
}

static enum err message_created(struct txn *t, const struct change *c)
{
    struct membership *m;
    enum err err = t->ops->message_add(t->conn, c->message);

    if (err != ERR_OK)
        return err;
    c->chan->stream.msg_no = c->message->m.msg_no;
    txn_touch_stream(t, &c->chan->stream);
    if (c->link != 0) {
        err = txn_member(t, c->chan, c->user, &m);
        if (err != ERR_OK)
            return err;
        read_up_to(t, m, c->seq, c->message->m.msg_no);
    }
    return mentions_set(t, c, &c->message->m, true);
}

static enum err message_changed(struct txn *t, const struct change *c)
{
    enum err err = mentions_set(t, c, &c->old->m, false);

    if (err == ERR_OK)
        err = t->ops->message_save(t->conn, c->message);
    return err == ERR_OK ? mentions_set(t, c, &c->message->m, true) : err;
}

static enum err member_joined(struct txn *t, const struct change *c)
{
    struct membership *m;
    enum err err = txn_member(t, c->chan, c->user, &m);

    if (err != ERR_OK || (m->exists && !t->catching_up))
        return err; /* catching up, the row may be further than the channel */
    m->exists = true;
    m->role = c->role;
    m->joined_at = c->at;
    m->read_seq = c->seq;
    m->read_no = c->chan->stream.msg_no;
    c->chan->members++;
    txn_touch_chan(t, c->chan);
    return t->ops->member_add(t->conn, m);
}

static enum err member_left(struct txn *t, const struct change *c)
{
    struct membership *m;
    enum err err = txn_member(t, c->chan, c->user, &m);

    if (err != ERR_OK || (!m->exists && !t->catching_up))
        return err;
    m->exists = false;
    c->chan->members -= c->chan->members > 0 ? 1 : 0;
    txn_touch_chan(t, c->chan);
    err = t->ops->member_remove(t->conn, m->chan_key, m->user_key);
    return err == ERR_OK ? t->ops->mentions_forget(t->conn, m->user_key, m->chan_key) : err;
}

static enum err channel_updated(struct txn *t, const struct change *c)
{
    const char *old_name = c->chan->name;

    c->chan->name = arena_strdup(t->cache, c->name);
    c->chan->topic = arena_strdup(t->cache, c->topic);
    if (t->ops->chan_rename != NULL && strcmp(old_name, c->name) != 0)
        return t->ops->chan_rename(t->conn, c->chan, old_name);
    return t->ops->chan_save(t->conn, c->chan);
}

static enum err channel_archived(struct txn *t, const struct change *c)
{
    c->chan->archived_at = c->at;
    return t->ops->chan_save(t->conn, c->chan);
}

static enum err channel_deleted(struct txn *t, const struct change *c)
{
    c->chan->gone = true;
    return t->ops->chan_remove(t->conn, c->chan);
}

static enum err read_marked(struct txn *t, const struct change *c)
{
    uint64_t msg_no;
    uint64_t top = c->chan->stream.seq;
    bool beyond = c->link > top && !t->catching_up; /* a backup may end before what was read */
    uint64_t seq = beyond ? top : c->link;
    struct membership *m;
    enum err err = txn_member(t, c->chan, c->user, &m);

    if (err == ERR_OK && m->exists && seq > m->read_seq) {
        err = t->ops->msg_no_at(t->conn, c->chan->stream.key, seq, &msg_no);
        if (err == ERR_OK)
            read_up_to(t, m, seq, msg_no);
    }
    return err;
}

static enum err channel_created(struct txn *t, const struct change *c)
{
    return t->ops->chan_add(t->conn, c->chan);
}

enum err apply(struct txn *t, const struct change *change)
{
    static enum err (*const appliers[STORE_EVENT_TYPES])(struct txn *, const struct change *) = {
        [STORE_EVENT_MESSAGE_CREATED] = message_created,
        [STORE_EVENT_MESSAGE_UPDATED] = message_changed,
        [STORE_EVENT_MESSAGE_DELETED] = message_changed,
        [STORE_EVENT_MEMBER_JOINED] = member_joined,
        [STORE_EVENT_MEMBER_LEFT] = member_left,
        [STORE_EVENT_CHANNEL_CREATED] = channel_created,
        [STORE_EVENT_CHANNEL_UPDATED] = channel_updated,
        [STORE_EVENT_CHANNEL_ARCHIVED] = channel_archived,
        [STORE_EVENT_CHANNEL_DELETED] = channel_deleted,
        [STORE_EVENT_READ_MARKED] = read_marked,
    };
    enum err (*applier)(struct txn *, const struct change *) = appliers[change->type];

    t->conn->applying = change->seq;
    return applier != NULL ? applier(t, change) : ERR_OK;
}
