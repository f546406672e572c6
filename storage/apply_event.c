/* apply_event.c - from the log back to what it changes: reads an event's data and applies it. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "storage/apply.h"
#include "storage/mentions.h"
#include "storage/ops.h"

struct replay {
    struct txn *t;
    struct arena *arena;
    const char *stream;
    const struct event_row *event;
    json_t *data;
};

/* A string of the object NAME of the data, "" if it is not there. */
static const char *string_of(const struct replay *r, const char *object, const char *name)
{
    const char *s = json_string_value(json_object_get(json_object_get(r->data, object), name));

    return s != NULL ? s : "";
}

static enum err author_of(struct replay *r, struct account **out)
{
    struct account row;

    if (r->event->actor != NULL)
        return txn_account(r->t, r->event->actor, out);
    enum err err = r->t->ops->user_by_key(r->t->conn, r->arena, r->event->actor_key, &row);

    return err == ERR_OK ? txn_account(r->t, row.user.id, out) : err;
}

static enum err channel_of(struct replay *r, struct change *c)
{
    return txn_chan(r->t, r->stream + 2, &c->chan);
}

static void read_mentions(struct replay *r, struct store_message *m)
{
    const json_t *list = json_object_get(json_object_get(r->data, "message"), "mentions");
    size_t n = json_array_size(list);

    if (n > MENTIONS_MAX)
        n = MENTIONS_MAX;
    const char **ids = arena_alloc(r->arena, (n + 1) * sizeof(*ids));
    for (size_t i = 0; i < n; i++) {
        ids[i] = json_string_value(json_array_get(list, i));
        if (ids[i] == NULL)
            return;
    }
    m->mentions = ids;
    m->mentions_n = n;
}

static const char *text_of(const struct replay *r)
{
    return json_string_value(json_object_get(json_object_get(r->data, "message"), "text"));
}

static const char *as_of(const struct replay *r, const char *name)
{
    const json_t *as = json_object_get(json_object_get(r->data, "message"), "as");

    return json_string_value(json_object_get(as, name));
}

static enum err replay_created(struct replay *r, struct change *c)
{
    const json_t *msg_no = json_object_get(json_object_get(r->data, "message"), "msg_no");
    struct message_row row = {
        .m = {.id = string_of(r, "message", "id"),
              .channel = r->stream + 2,
              .author = r->event->actor != NULL ? r->event->actor : "",
              .seq = r->event->seq,
              .msg_no = (uint64_t)json_integer_value(msg_no),
              .text = text_of(r),
              .client_msg_id = r->event->client_msg_id,
              .as_name = as_of(r, "name"),
              .as_icon = as_of(r, "icon"),
              .created_at = r->event->at},
        .author_key = r->event->actor_key,
    };
    enum err err = channel_of(r, c);

    if (err == ERR_OK && c->link != 0)
        err = author_of(r, &c->user);
    if (err != ERR_OK)
        return err;
    row.chan_key = c->chan->stream.key;
    read_mentions(r, &row.m);
    c->message = &row;
    return apply(r->t, c);
}

static enum err replay_changed(struct replay *r, struct change *c)
{
    struct message_row old;
    enum err err = channel_of(r, c);

    if (err == ERR_OK)
        err = r->t->ops->message_get(r->t->conn, r->arena, string_of(r, "message", "id"), &old);
    if (err != ERR_OK)
        return err;
    struct message_row row = old;
    bool deleted = c->type == STORE_EVENT_MESSAGE_DELETED;
    row.m.text = text_of(r);
    row.m.mentions = NULL;
    row.m.mentions_n = 0;
    read_mentions(r, &row.m);
    if (!deleted)
        row.last_edit = r->event->seq;
    if (deleted) {
        row.m.deleted_at = r->event->at;
        row.m.as_name = NULL;
        row.m.as_icon = NULL;
    }
    row.m.edited_at = row.m.text != NULL ? r->event->at : 0;
    c->message = &row;
    c->old = &old;
    err = apply(r->t, c);
    /* who committed the event may have died before it took the text away */
    return err == ERR_OK && deleted && r->t->catching_up
               ? message_scrub(r->t, c->chan, &old, r->event->at)
               : err;
}

static enum err replay_member(struct replay *r, struct change *c)
{
    const char *role = json_string_value(json_object_get(r->data, "role"));
    enum err err = channel_of(r, c);

    if (err == ERR_NOT_FOUND && c->type == STORE_EVENT_MEMBER_LEFT) /* it is deleted */
        err = txn_chan_gone(r->t, r->stream, &c->chan);

    if (err == ERR_OK && r->event->subject == NULL)
        err = ERR_NOT_FOUND;
    if (err == ERR_OK)
        err = txn_account(r->t, r->event->subject, &c->user);
    if (err != ERR_OK)
        return err;
    c->role = role != NULL && strcmp(role, store_member_role_name(STORE_MODERATOR)) == 0
                  ? STORE_MODERATOR
                  : STORE_MEMBER;
    return apply(r->t, c);
}

static int by_text(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;

    return strcmp(*x, *y);
}

/* The key of a dm: its users' ids, sorted, with a blank between. */
static const char *dm_key_of(struct replay *r)
{
    const json_t *users = json_object_get(json_object_get(r->data, "channel"), "users");
    const char *ids[STORE_DM_USERS_MAX];
    char *key = arena_alloc(r->arena, STORE_DM_KEY_SIZE);
    size_t n =
        json_array_size(users) < STORE_DM_USERS_MAX ? json_array_size(users) : STORE_DM_USERS_MAX;

    for (size_t i = 0; i < n; i++) {
        ids[i] = json_string_value(json_object_get(json_array_get(users, i), "id"));
        if (ids[i] == NULL || strlen(ids[i]) > ID_MAX)
            ids[i] = "";
    }
    qsort(ids, n, sizeof(*ids), by_text);
    char *end = key;
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            *end++ = ' ';
        end = stpcpy(end, ids[i]);
    }
    *end = '\0';
    return key;
}

/* Two channels may have had one name, one after the other; while one is replayed behind the other
 * it has to have its last name from the start. */
static const char *name_of(const struct replay *r, enum store_channel_type type)
{
    bool given = r->t->final_name != NULL && type != STORE_DM;

    return given ? r->t->final_name : string_of(r, "channel", "name");
}

static enum store_channel_type type_of(const char *name)
{
    if (strcmp(name, store_channel_type_name(STORE_DM)) == 0)
        return STORE_DM;
    return strcmp(name, store_channel_type_name(STORE_PRIVATE)) == 0 ? STORE_PRIVATE : STORE_PUBLIC;
}

static enum err replay_channel_created(struct replay *r, struct change *c)
{
    struct chan chan = {.type = type_of(string_of(r, "channel", "type")),
                        .topic = string_of(r, "channel", "topic"),
                        .created_at = r->event->at};
    const char *id = r->stream + 2;

    if (strlen(id) >= sizeof(chan.id))
        return ERR_INTERNAL;
    memcpy(chan.id, id, strlen(id) + 1);
    chan.name = name_of(r, chan.type);
    if (chan.type == STORE_DM)
        chan.dm_key = dm_key_of(r);
    enum err err = r->t->ops->stream_get(r->t->conn, r->stream, &chan.stream);
    if (err == ERR_OK)
        err = txn_chan_keep(r->t, &chan, &c->chan);
    return err == ERR_OK ? apply(r->t, c) : err;
}

static enum err replay_channel(struct replay *r, struct change *c)
{
    enum err err = channel_of(r, c);

    if (err != ERR_OK)
        return err;
    c->name = name_of(r, c->chan->type);
    c->topic = string_of(r, "channel", "topic");
    return apply(r->t, c);
}

static enum err replay_read(struct replay *r, struct change *c)
{
    enum err err =
        r->event->subject == NULL ? ERR_NOT_FOUND : txn_chan(r->t, r->event->subject, &c->chan);

    if (err == ERR_NOT_FOUND)
        return ERR_OK; /* a channel that was deleted since */
    if (err == ERR_OK)
        err = txn_account(r->t, r->stream + 2, &c->user);
    return err == ERR_OK ? apply(r->t, c) : err;
}

enum err apply_event(struct txn *t, struct arena *arena, const char *stream,
                     const struct event_row *event)
{
    static enum err (*const replays[STORE_EVENT_TYPES])(struct replay *, struct change *) = {
        [STORE_EVENT_MESSAGE_CREATED] = replay_created,
        [STORE_EVENT_MESSAGE_UPDATED] = replay_changed,
        [STORE_EVENT_MESSAGE_DELETED] = replay_changed,
        [STORE_EVENT_MEMBER_JOINED] = replay_member,
        [STORE_EVENT_MEMBER_LEFT] = replay_member,
        [STORE_EVENT_CHANNEL_CREATED] = replay_channel_created,
        [STORE_EVENT_CHANNEL_UPDATED] = replay_channel,
        [STORE_EVENT_CHANNEL_ARCHIVED] = replay_channel,
        [STORE_EVENT_CHANNEL_DELETED] = replay_channel,
        [STORE_EVENT_READ_MARKED] = replay_read,
    };
    enum err (*replay)(struct replay *, struct change *) = replays[event->type];
    struct change change = {
        .type = event->type, .seq = event->seq, .at = event->at, .link = event->link};
    struct replay r = {.t = t, .arena = arena, .stream = stream, .event = event};

    if (replay == NULL)
        return ERR_OK;
    buf_clear(&t->text);
    buf_putc(&t->text, '{');
    buf_put(&t->text, event->data, event->data_len);
    buf_putc(&t->text, '}');
    r.data = json_loadb(t->text.data, t->text.len, 0, NULL);
    enum err err = r.data != NULL ? replay(&r, &change) : ERR_INTERNAL;
    json_decref(r.data);
    return err;
}
