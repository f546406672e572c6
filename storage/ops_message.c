/* ops_message.c - sending, editing, deleting and marking as read. */
#include <string.h>

#include "storage/apply.h"
#include "storage/mentions.h"
#include "storage/ops.h"
#include "storage/rules.h"

static enum err find_original(struct txn *t, struct store_req *req, const struct account *author)
{
    int64_t chan_key;
    uint64_t seq;
    struct message_row row;
    enum err err =
        t->ops->client_msg_find(t->conn, author->key, req->in.send.client_msg_id, &chan_key, &seq);

    if (err == ERR_OK)
        err = t->ops->message_at(t->conn, req->arena, chan_key, seq, &row);
    if (err == ERR_OK && !actor_knows(&req->actor, row.m.channel))
        err = ERR_NOT_FOUND;
    if (err != ERR_OK)
        return err;
    req->out.message = row.m;
    req->out.duplicate = true;
    req->field = NULL; /* of a refusal that does not count */
    req->reason = NULL;
    return ERR_OK;
}

/* The members of CHAN that MESSAGE names, without its author, each once. */
static enum err find_mentions(struct txn *t, struct arena *arena, const struct chan *chan,
                              struct store_message *message)
{
    const char **ids = NULL;
    const char *at = message->text;
    char ref[1 + MENTION_NAME_SIZE] = "@";
    struct account *user;
    struct membership *m;

    for (int looked = 0; looked < MENTIONS_MAX && mention_next(&at, message->text, ref + 1);
         looked++) {
        enum err err = txn_account(t, ref, &user);
        if (err == ERR_OK)
            err = txn_member(t, chan, user, &m);
        if (err != ERR_OK && err != ERR_NOT_FOUND)
            return err;
        bool wanted = err == ERR_OK && m->exists && strcmp(user->user.id, message->author) != 0;
        for (size_t i = 0; wanted && i < message->mentions_n; i++)
            wanted = strcmp(ids[i], user->user.id) != 0;
        if (!wanted)
            continue;
        if (ids == NULL)
            ids = arena_alloc(arena, MENTIONS_MAX * sizeof(*ids));
        ids[message->mentions_n++] = arena_strdup(arena, user->user.id);
        message->mentions = ids;
    }
    return ERR_OK;
}

static void put_message(struct txn *t, const struct store_message *message)
{
    buf_clear(&t->text);
    buf_puts(&t->text, "\"message\":");
    store_message_json(&t->text, message);
}

static enum err emit_message(struct txn *t, const struct account *actor, struct account *author,
                             struct chan *chan, const struct message_row *old,
                             struct message_row *row, struct event_row *event)
{
    put_message(t, &row->m);
    event->data = t->text.data;
    event->data_len = t->text.len;
    enum err err = txn_emit(t, &chan->stream, actor, event);
    if (err != ERR_OK)
        return err;
    if (event->type == STORE_EVENT_MESSAGE_UPDATED)
        row->last_edit = event->seq;
    struct change change = {.type = event->type,
                            .chan = chan,
                            .seq = event->seq,
                            .at = event->at,
                            .link = event->link,
                            .user = author,
                            .message = row,
                            .old = old};
    return apply(t, &change);
}

static enum err send_scope(struct txn *t, struct store_req *req, struct scope *s)
{
    enum err err = scope_enter(t, req, req->in.send.channel, s);

    if (err == ERR_OK)
        err = scope_need_member(s, req);
    return err == ERR_OK ? scope_need_active(s, req) : err;
}

static enum err send_new(struct txn *t, struct store_req *req, const struct scope *s)
{
    char id[ID_SIZE];

    id_make(id);
    struct message_row row = {
        .m = {.id = arena_strdup(req->arena, id),
              .channel = arena_strdup(req->arena, s->chan->id),
              .seq = s->chan->stream.seq + 1,
              .msg_no = s->chan->stream.msg_no + 1,
              .author = arena_strdup(req->arena, s->actor->user.id),
              .text = req->in.send.text,
              .client_msg_id = req->in.send.client_msg_id,
              .as_name = req->in.send.as_name,
              .as_icon = req->in.send.as_icon,
              .created_at = t->now},
        .chan_key = s->chan->stream.key,
        .author_key = s->actor->key,
    };
    enum err err = find_mentions(t, req->arena, s->chan, &row.m);
    if (err != ERR_OK)
        return err;
    bool up_to_date = s->member->exists && s->member->read_no == s->chan->stream.msg_no;
    struct event_row event = {.type = STORE_EVENT_MESSAGE_CREATED,
                              .link = up_to_date ? 1 : 0,
                              .client_msg_id = row.m.client_msg_id};
    err = emit_message(t, s->actor, s->actor, s->chan, NULL, &row, &event);
    if (err == ERR_OK)
        req->out.message = row.m;
    return err;
}

/* That a client_msg_id is known already shows when the event is appended: its index refuses it, and
 * nothing was written yet. A retry is also answered when the author may no longer write there. */
enum err op_message_send(struct txn *t, struct store_req *req)
{
    struct scope s;
    enum err err = send_scope(t, req, &s);

    if (err == ERR_OK)
        err = send_new(t, req, &s);
    if (err == ERR_OK || req->in.send.client_msg_id == NULL || t->conn->failed != ERR_OK)
        return err;
    enum err known = txn_actor(t, req, &s.actor);
    if (known == ERR_OK)
        known = find_original(t, req, s.actor);
    if (known != ERR_NOT_FOUND)
        return known;
    if (err == ERR_CONFLICT && req->reason == NULL)
        return txn_refuse(req, err, "client_msg_id", "used for a message of a deleted channel");
    return err;
}

/* The message, and the scope of its channel; what the actor may not see is not found. */
static enum err find_message(struct txn *t, struct store_req *req, struct scope *scope,
                             struct message_row *row)
{
    enum err err = t->ops->message_get(t->conn, req->arena, req->in.message.message, row);

    if (err == ERR_OK)
        err = scope_enter(t, req, row->m.channel, scope);
    if (err == ERR_NOT_FOUND)
        return txn_refuse(req, err, "message", "there is no such message");
    return err;
}

enum err op_message_edit(struct txn *t, struct store_req *req)
{
    struct scope s;
    struct message_row old;
    enum err err = find_message(t, req, &s, &old);

    if (err == ERR_OK)
        err = scope_need_member(&s, req);
    if (err != ERR_OK)
        return err;
    if (old.author_key != s.actor->key) /* not even the system: nobody puts words in a mouth */
        return txn_refuse(req, ERR_FORBIDDEN, "message", "only its author may edit a message");
    if (old.m.text == NULL)
        return txn_refuse(req, ERR_CONFLICT, "message", "the message is deleted");
    err = scope_need_active(&s, req);
    if (err != ERR_OK)
        return err;
    struct message_row row = old;
    row.m.text = req->in.message.text;
    row.m.edited_at = t->now;
    row.m.mentions = NULL;
    row.m.mentions_n = 0;
    err = find_mentions(t, req->arena, s.chan, &row.m);
    if (err != ERR_OK)
        return err;
    struct event_row event = {.type = STORE_EVENT_MESSAGE_UPDATED, .link = old.last_edit};
    err = emit_message(t, s.actor, NULL, s.chan, &old, &row, &event);
    req->out.message = row.m;
    return err;
}

/* The chain of updates goes back from the last one. */
static enum err scrub_events(struct txn *t, const struct chan *chan, const struct message_row *row)
{
    struct event_row event = {.link = row->last_edit};
    enum err err =
        t->ops->event_scrub(t->conn, &chan->stream, row->m.seq, t->text.data, t->text.len);

    while (err == ERR_OK && event.link != 0) {
        uint64_t seq = event.link;
        err = t->ops->event_scrub(t->conn, &chan->stream, seq, t->text.data, t->text.len);
        if (err == ERR_OK)
            err = t->ops->event_get(t->conn, &chan->stream, seq, &event);
        if (event.link >= seq)
            break; /* it goes back, whatever the database says */
    }
    return err;
}

enum err message_scrub(struct txn *t, const struct chan *chan, const struct message_row *row,
                       int64_t deleted_at)
{
    struct store_message tombstone = row->m;

    tombstone.text = NULL;
    tombstone.deleted_at = deleted_at;
    put_message(t, &tombstone);
    return scrub_events(t, chan, row);
}

enum err op_message_delete(struct txn *t, struct store_req *req)
{
    struct scope s;
    struct message_row old;
    enum err err = find_message(t, req, &s, &old);

    if (err != ERR_OK)
        return err;
    if (old.author_key != s.actor->key || !s.member->exists) {
        err = scope_need_moderator(&s, req);
        if (err != ERR_OK)
            return err;
    }
    req->out.message = old.m;
    if (old.m.text == NULL)
        return ERR_OK;
    struct message_row row = old;
    row.m.text = NULL;
    row.m.as_name = NULL;
    row.m.as_icon = NULL;
    row.m.edited_at = 0;
    row.m.deleted_at = t->now;
    row.m.mentions = NULL;
    row.m.mentions_n = 0;
    struct event_row event = {.type = STORE_EVENT_MESSAGE_DELETED};
    err = emit_message(t, s.actor, NULL, s.chan, &old, &row, &event);
    if (err == ERR_OK)
        err = message_scrub(t, s.chan, &old, t->now);
    req->out.message = row.m;
    return err;
}

enum err op_read_mark(struct txn *t, struct store_req *req)
{
    struct scope s;
    struct stream *reads;
    enum err err = scope_enter(t, req, req->in.read.channel, &s);

    if (err != ERR_OK)
        return err;
    if (!s.member->exists)
        return txn_refuse(req, ERR_FORBIDDEN, "channel", "join the channel first");
    if (req->in.read.seq > s.chan->stream.seq)
        return txn_refuse(req, ERR_INVALID_PARAMS, "seq", "above the top of the channel");
    if (req->in.read.seq > s.member->read_seq) {
        err = txn_stream(t, 'r', s.actor->user.id, &reads);
        if (err != ERR_OK)
            return err;
        buf_clear(&t->text);
        buf_json_member(&t->text, "channel", s.chan->id);
        buf_json_key(&t->text, "seq");
        buf_json_uint(&t->text, req->in.read.seq);
        struct event_row event = {.type = STORE_EVENT_READ_MARKED,
                                  .subject = s.chan->id,
                                  .link = req->in.read.seq,
                                  .data = t->text.data,
                                  .data_len = t->text.len};
        struct change change = {
            .type = STORE_EVENT_READ_MARKED, .chan = s.chan, .link = event.link, .user = s.actor};
        err = txn_emit(t, reads, s.actor, &event);
        if (err == ERR_OK)
            err = apply(t, &change);
    }
    return err == ERR_OK ? view_channel(t, req->arena, s.chan, s.actor, &req->out.channel) : err;
}
