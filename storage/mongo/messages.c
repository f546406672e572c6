/* messages.c - messages and who is mentioned in them.
 *
 * A message is its message.created event: the document also holds what it has become. Every event
 * of a channel knows how many messages there are with it (`no`).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "storage/mongo/mongo.h"

/* Part of the event that was just staged; one that is applied again is complete already. */
MG_OP(message_add, const struct message_row *row)
{
    struct mg_conn *c = mg(conn);
    struct staged_event *e = stage_event_at(&c->stage, row->chan_key, row->m.seq);

    if (e == NULL || e->is_message)
        return ERR_OK;
    stage_keep_message(c, row);
    const struct message_row *kept = stage_message(&c->stage, row->m.id);
    e->is_message = true;
    e->id = kept->m.id;
    e->text = kept->m.text;
    e->as_name = kept->m.as_name;
    e->as_icon = kept->m.as_icon;
    e->mentions = kept->m.mentions;
    e->mentions_n = kept->m.mentions_n;
    e->no = row->m.msg_no;
    return ERR_OK;
}

static void put_mentions(bson_t *doc, const struct store_message *m)
{
    bson_t list;

    (void)BSON_APPEND_ARRAY_BEGIN(doc, "mentions", &list);
    for (size_t i = 0; i < m->mentions_n; i++) {
        char room[16];
        const char *index;
        (void)bson_uint32_to_string((uint32_t)i, &index, room, sizeof(room));
        (void)BSON_APPEND_UTF8(&list, index, m->mentions[i]);
    }
    (void)bson_append_array_end(doc, &list);
}

/* A deleted message stays so, and an older edit changes nothing. */
MG_OP(message_save, const struct message_row *row)
{
    struct mg_conn *c = mg(conn);
    const struct store_message *m = &row->m;
    bson_t set = BSON_INITIALIZER;
    bson_t *filter = BCON_NEW("_id", BCON_UTF8(m->id), "deleted_at", BCON_INT64(0));

    if (m->text != NULL) {
        BCON_APPEND(filter, "last_edit", "{", "$lt", BCON_INT64((int64_t)row->last_edit), "}");
        (void)BSON_APPEND_UTF8(&set, "text", m->text);
        put_mentions(&set, m);
    }
    (void)BSON_APPEND_INT64(&set, "last_edit", (int64_t)row->last_edit);
    (void)BSON_APPEND_INT64(&set, "edited_at", m->edited_at);
    (void)BSON_APPEND_INT64(&set, "deleted_at", m->deleted_at);
    bson_t *update = bson_new();
    (void)BSON_APPEND_DOCUMENT(update, "$set", &set);
    if (m->text == NULL)
        BCON_APPEND(update, "$unset", "{", "text", BCON_INT32(1), "mentions", BCON_INT32(1),
                    "as_name", BCON_INT32(1), "as_icon", BCON_INT32(1), "}");
    bson_destroy(&set);
    stage_write(c, MG_EVENTS, WRITE_UPDATE, filter, update);
    stage_keep_message(c, row);
    return ERR_OK;
}

static enum err one_message(struct mg_conn *c, bson_t *filter, struct arena *arena,
                            struct message_row *out)
{
    bson_t *doc;
    enum err err = mg_one(c, MG_EVENTS, filter, NULL, &doc);

    if (err != ERR_OK)
        return err;
    bool is_message = mg_enum(doc, "type", STORE_EVENT_TYPES) == STORE_EVENT_MESSAGE_CREATED &&
                      mg_has(doc, "type");
    mg_read_message(arena, doc, out);
    bson_destroy(doc);
    return is_message ? ERR_OK : ERR_NOT_FOUND;
}

MG_OP(message_get, struct arena *arena, const char *id, struct message_row *out)
{
    struct mg_conn *c = mg(conn);
    const struct message_row *staged = stage_message(&c->stage, id);

    if (staged == NULL)
        return one_message(c, BCON_NEW("_id", BCON_UTF8(id)), arena, out);
    stage_copy_message(arena, staged, out);
    return ERR_OK;
}

MG_OP(message_at, struct arena *arena, int64_t chan_key, uint64_t seq, struct message_row *out)
{
    struct mg_conn *c = mg(conn);
    const struct staged_event *e = stage_event_at(&c->stage, chan_key, seq);
    bson_t *doc;

    if (e != NULL && e->is_message)
        return mg_message_get(conn, arena, e->id, out);
    enum err err = one_message(
        c, BCON_NEW("key", BCON_INT64(chan_key), "seq", BCON_INT64((int64_t)seq)), arena, out);
    if (err != ERR_OK)
        return err;
    err = mg_one(c, MG_STREAMS, BCON_NEW("key", BCON_INT64(chan_key)), NULL, &doc);
    if (err != ERR_OK)
        return err;
    bool gone = mg_true(doc, "gone");
    bson_destroy(doc);
    return gone ? ERR_NOT_FOUND : ERR_OK;
}

MG_OP(msg_no_at, int64_t chan_key, uint64_t seq, uint64_t *out)
{
    struct mg_conn *c = mg(conn);
    const struct staged_event *e = stage_event_at(&c->stage, chan_key, seq);
    bson_t *doc;

    *out = e != NULL ? e->no : 0;
    if (e != NULL)
        return ERR_OK;
    enum err err = mg_one(c, MG_EVENTS,
                          BCON_NEW("key", BCON_INT64(chan_key), "seq", "{", "$lte",
                                   BCON_INT64(seq < INT64_MAX ? (int64_t)seq : INT64_MAX), "}"),
                          BCON_NEW("sort", "{", "seq", BCON_INT32(-1), "}"), &doc);
    if (err == ERR_OK) {
        *out = mg_uint(doc, "no");
        bson_destroy(doc);
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* -- history ---------------------------------------------------------------------------------- */

/* A part of a channel, read in windows: so many seqs at once that they hold LIMIT messages unless
 * many other events lie between them. */
struct walk {
    const struct chan *chan;
    bool back; /* newest first */
    struct message_row *rows;
    size_t n;
    uint32_t limit;
};

static enum err read_window(struct mg_conn *c, struct arena *arena, struct walk *w, uint64_t above,
                            uint64_t below)
{
    const bson_t *doc;
    enum err err;
    mongoc_cursor_t *cursor =
        mg_find(c, MG_EVENTS,
                BCON_NEW("key", BCON_INT64(w->chan->stream.key), "seq", "{", "$gt",
                         BCON_INT64((int64_t)above), "$lt", BCON_INT64((int64_t)below), "}", "type",
                         BCON_INT32(STORE_EVENT_MESSAGE_CREATED)),
                BCON_NEW("sort", "{", "seq", BCON_INT32(w->back ? -1 : 1), "}", "limit",
                         BCON_INT64((int64_t)(w->limit - w->n)), "projection", "{", "data",
                         BCON_INT32(0), "}"));

    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK)
        if (w->n < w->limit)
            mg_read_message(arena, doc, &w->rows[w->n++]);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Their authors are asked for next. */
static enum err warm_authors(struct mg_conn *c, const struct walk *w)
{
    const char **ids = arena_alloc(c->arena, (w->n + 1) * sizeof(*ids));

    for (size_t i = 0; i < w->n; i++)
        ids[i] = w->rows[i].m.author;
    return mg_warm_users(c, ids, w->n);
}

static uint64_t window_of(uint32_t limit, unsigned round)
{
    return ((uint64_t)limit + 14) << (round < 20 ? round : 20);
}

MG_OP(messages_before, struct arena *arena, const struct chan *chan, uint64_t below, uint32_t limit,
      struct message_row **out, size_t *n)
{
    struct mg_conn *c = mg(conn);
    struct walk w = {.chan = chan, .back = true, .limit = limit};
    enum err err = ERR_OK;

    w.rows = arena_alloc(arena, (limit + 1) * sizeof(*w.rows));
    if (below > chan->stream.seq + 1)
        below = chan->stream.seq + 1;
    for (unsigned round = 0; err == ERR_OK && below > 1 && w.n < limit; round++) {
        uint64_t window = window_of(limit, round);
        uint64_t above = below > window ? below - window - 1 : 0;
        err = read_window(c, arena, &w, above, below);
        below = above + 1;
    }
    *out = w.rows;
    *n = w.n;
    return err == ERR_OK && !c->writing ? warm_authors(c, &w) : err;
}

MG_OP(messages_after, struct arena *arena, const struct chan *chan, uint64_t above, uint32_t limit,
      struct message_row **out, size_t *n)
{
    struct mg_conn *c = mg(conn);
    struct walk w = {.chan = chan, .limit = limit};
    uint64_t top = chan->stream.seq;
    enum err err = ERR_OK;

    w.rows = arena_alloc(arena, (limit + 1) * sizeof(*w.rows));
    for (unsigned round = 0; err == ERR_OK && above < top && w.n < limit; round++) {
        uint64_t window = window_of(limit, round);
        uint64_t below = top - above > window ? above + window + 1 : top + 1;
        err = read_window(c, arena, &w, above, below);
        above = below - 1;
    }
    *out = w.rows;
    *n = w.n;
    return err == ERR_OK && !c->writing ? warm_authors(c, &w) : err;
}

/* -- mentions --------------------------------------------------------------------------------- */

static void stage_mention(struct mg_conn *c, int64_t user_key, int64_t chan_key, uint64_t seq,
                          bool on)
{
    *STAGE_ADD(c->stage.mentions) = (struct staged_mention){
        .user_key = user_key, .chan_key = chan_key, .seq = seq, .on = on, .rev = c->base.applying};
    c->stage.heavy = true;
}

MG_OP(mention_add, int64_t user_key, int64_t chan_key, uint64_t seq)
{
    stage_mention(mg(conn), user_key, chan_key, seq, true);
    return ERR_OK;
}

MG_OP(mention_remove, int64_t user_key, int64_t chan_key, uint64_t seq)
{
    stage_mention(mg(conn), user_key, chan_key, seq, false);
    return ERR_OK;
}

/* Of one who leaves: from before that. */
MG_OP(mentions_forget, int64_t user_key, int64_t chan_key)
{
    struct mg_conn *c = mg(conn);

    stage_write(c, MG_MENTIONS, WRITE_DELETE,
                BCON_NEW("user", BCON_INT64(user_key), "channel", BCON_INT64(chan_key), "seq", "{",
                         "$lt", BCON_INT64((int64_t)c->base.applying), "}"),
                NULL);
    return ERR_OK;
}

/* What the batch changes about mentions in messages that are in the database, or new: the last word
 * on each message counts. */
static int64_t staged_mentions(const struct stage *s, int64_t user_key, int64_t chan_key,
                               uint64_t after)
{
    int64_t delta = 0;

    for (size_t i = 0; i < s->mentions.n; i++) {
        const struct staged_mention *m = &s->mentions.items[i];
        if (m->user_key == user_key && m->chan_key == chan_key && m->seq > after)
            delta += m->on ? 1 : -1;
    }
    return delta;
}

MG_OP(mentions_count, int64_t user_key, int64_t chan_key, uint64_t after, uint64_t *out)
{
    struct mg_conn *c = mg(conn);
    struct mg_pair pair = {chan_key, user_key};
    const struct mg_count *warm = map_get(&c->warm.counts, &pair, sizeof(pair));

    if (warm != NULL && warm->after == after) {
        *out = warm->n;
        return ERR_OK;
    }
    enum err err =
        mg_count(c, MG_MENTIONS,
                 BCON_NEW("user", BCON_INT64(user_key), "channel", BCON_INT64(chan_key), "seq", "{",
                          "$gt", BCON_INT64((int64_t)after), "}", "on", BCON_BOOL(true)),
                 out);
    int64_t n = (int64_t)*out + staged_mentions(&c->stage, user_key, chan_key, after);
    *out = n > 0 ? (uint64_t)n : 0;
    return err;
}
