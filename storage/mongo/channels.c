/* channels.c - channels and their members. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/match.h"
#include "storage/mongo/mongo.h"

/* A channel whose creation is only in the log yet is not found, but has its id in OUT. */
static enum err chan_by_stream(struct mg_conn *c, struct arena *arena, const char *stream,
                               struct chan *out)
{
    bson_t *doc;
    enum err err = mg_one(c, MG_STREAMS, BCON_NEW("_id", BCON_UTF8(stream)), NULL, &doc);

    if (err != ERR_OK)
        return err;
    bool there = mg_read_chan(arena, doc, c->backend->epoch, out);
    bool gone = mg_true(doc, "gone");
    bson_destroy(doc);
    struct stream *s = &out->stream;
    if (!c->writing && !gone)
        err = mg_tops(c, &s, 1);
    if (gone)
        out->id[0] = '\0';
    return err == ERR_OK && !there ? ERR_NOT_FOUND : err;
}

static enum err chan_by_name(struct mg_conn *c, struct arena *arena, const char *name,
                             struct chan *out)
{
    char owner[STORE_STREAM_SIZE];
    enum err err = mg_name_owner(c, name, owner);

    return err == ERR_OK ? chan_by_stream(c, arena, owner, out) : err;
}

MG_OP(chan_get, struct arena *arena, const char *ref, struct chan *out)
{
    struct mg_conn *c = mg(conn);
    char stream[STORE_STREAM_SIZE];

    if (ref[0] != '#') {
        if (strlen(ref) > ID_MAX)
            return ERR_NOT_FOUND;
        (void)snprintf(stream, sizeof(stream), "c:%.*s", ID_MAX, ref);
        return chan_by_stream(c, arena, stream, out);
    }
    enum err err = chan_by_name(c, arena, ref, out);
    /* a name that was claimed by a node that died, or that is just being given up */
    return err == ERR_OK && strcmp(out->name, ref + 1) != 0 ? ERR_NOT_FOUND : err;
}

static const char *dm_name(struct arena *arena, const char *dm_key)
{
    size_t n = strlen(dm_key);
    char *name = arena_alloc(arena, n + 2);

    name[0] = '=';
    memcpy(name + 1, dm_key, n + 1);
    return name;
}

MG_OP(chan_by_dm, struct arena *arena, const char *dm_key, struct chan *out)
{
    struct mg_conn *c = mg(conn);

    return chan_by_name(c, arena, dm_name(c->arena, dm_key), out);
}

static const char *room_name(struct arena *arena, const char *name)
{
    size_t n = strlen(name);
    char *out = arena_alloc(arena, n + 2);

    out[0] = '#';
    memcpy(out + 1, name, n + 1);
    return out;
}

static const char *claimed_name(struct arena *arena, const struct chan *chan)
{
    return chan->type == STORE_DM ? dm_name(arena, chan->dm_key != NULL ? chan->dm_key : "")
                                  : room_name(arena, chan->name);
}

static void claim(struct mg_conn *c, const char *name, const char *owner)
{
    *STAGE_ADD(c->stage.claims) =
        (struct staged_claim){.name = name, .owner = arena_strdup(c->arena, owner)};
}

static void release(struct mg_conn *c, const char *name, const char *owner)
{
    stage_write(c, MG_NAMES, WRITE_DELETE,
                BCON_NEW("_id", BCON_UTF8(name), "owner", BCON_UTF8(owner)), NULL);
}

MG_OP(chan_add, const struct chan *chan)
{
    struct mg_conn *c = mg(conn);

    claim(c, claimed_name(c->arena, chan), chan->stream.name);
    late_chan(&c->stage.late, chan);
    return ERR_OK;
}

MG_OP(chan_save, const struct chan *chan)
{
    late_chan(&mg(conn)->stage.late, chan);
    return ERR_OK;
}

MG_OP(chan_rename, const struct chan *chan, const char *old_name)
{
    struct mg_conn *c = mg(conn);

    claim(c, room_name(c->arena, chan->name), chan->stream.name);
    release(c, room_name(c->arena, old_name), chan->stream.name);
    late_chan(&c->stage.late, chan);
    return ERR_OK;
}

MG_OP(chan_remove, const struct chan *chan)
{
    struct mg_conn *c = mg(conn);
    const char *stream = arena_strdup(c->arena, chan->stream.name);

    release(c, claimed_name(c->arena, chan), stream);
    stage_write(c, MG_PURGES, WRITE_UPSERT, BCON_NEW("_id", BCON_UTF8(stream)),
                BCON_NEW("$setOnInsert", "{", "upto", BCON_INT64(0), "}"));
    late_chan(&c->stage.late, chan);
    return mg_hooks_forget(c, chan->id);
}

/* -- taking away what deleted channels leave --------------------------------------------------- */

MG_OP(purge_next, struct stream *out)
{
    struct mg_conn *c = mg(conn);
    char name[STORE_STREAM_SIZE];
    bson_t *doc;
    enum err err = mg_one(c, MG_PURGES, bson_new(), NULL, &doc);

    if (err != ERR_OK)
        return err;
    mg_text_into(name, sizeof(name), doc, "_id");
    uint64_t upto = mg_uint(doc, "upto");
    bson_destroy(doc);
    err = mg_stream_get(conn, name, out);
    if (err == ERR_OK)
        err = mg_tops(c, &out, 1);
    out->msg_no = upto;
    return err;
}

MG_OP(purge, const struct stream *stream, uint64_t seq, bool done)
{
    struct mg_conn *c = mg(conn);
    const char *name = arena_strdup(c->arena, stream->name);

    if (!done) {
        stage_write(c, MG_PURGES, WRITE_UPDATE, BCON_NEW("_id", BCON_UTF8(name)),
                    BCON_NEW("$set", "{", "upto", BCON_INT64((int64_t)seq), "}"));
        return ERR_OK;
    }
    stage_write(c, MG_MEMBERS, WRITE_DELETE, BCON_NEW("channel", BCON_INT64(stream->key)), NULL);
    stage_write(c, MG_PURGES, WRITE_DELETE, BCON_NEW("_id", BCON_UTF8(name)), NULL);
    return ERR_OK;
}

/* -- lists ------------------------------------------------------------------------------------ */

static bool is_name(const char *s)
{
    return s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-")] == '\0';
}

static enum err memberships_of(struct mg_conn *c, int64_t user_key, struct map *by_chan)
{
    const bson_t *doc;
    enum err err;
    mongoc_cursor_t *cursor = mg_find(
        c, MG_MEMBERS, BCON_NEW("user", BCON_INT64(user_key), "exists", BCON_BOOL(true)), NULL);

    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        struct membership *m = arena_alloc(c->arena, sizeof(*m));
        mg_read_member(doc, m);
        keeper_overlay(c->backend, m);
        if (map_get(by_chan, &m->chan_key, sizeof(m->chan_key)) == NULL)
            map_put(by_chan, &m->chan_key, sizeof(m->chan_key), m);
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Everything that view_channel() will ask about these. */
static enum err finish_list(struct mg_conn *c, int64_t user_key, struct chan *chans,
                            struct membership *members, size_t n)
{
    struct stream **streams = arena_alloc(c->arena, (n + 1) * sizeof(*streams));
    struct mg_view *views = arena_alloc(c->arena, (n + 1) * sizeof(*views));

    for (size_t i = 0; i < n; i++) {
        streams[i] = &chans[i].stream;
        views[i] = (struct mg_view){&chans[i], user_key != 0 ? &members[i] : NULL};
    }
    enum err err = mg_tops(c, streams, n);
    for (size_t i = 0; err == ERR_OK && i < n && user_key != 0; i++) {
        struct membership *m = &members[i];
        m->chan_key = chans[i].stream.key;
        m->user_key = user_key;
        if (map_get(&c->warm.members, &m->chan_key, 2 * sizeof(m->chan_key)) == NULL)
            map_put(&c->warm.members, &m->chan_key, 2 * sizeof(m->chan_key), m);
    }
    return err == ERR_OK ? mg_warm_views(c, views, n) : err;
}

static bool is_wanted(const struct channel_filter *filter, const struct chan *chan, bool member)
{
    const char *query = filter->page.query;

    if (chan->type == STORE_DM || (chan->type == STORE_PRIVATE && !filter->all && !member))
        return false;
    return query == NULL || match_contains(chan->name, query) || match_contains(chan->topic, query);
}

MG_OP(chans_list, struct arena *arena, const struct channel_filter *filter, struct chan **out,
      size_t *n, const char **next_out)
{
    struct mg_conn *c = mg(conn);
    const struct store_page *page = &filter->page;
    const char *after = page->cursor != NULL ? page->cursor : "";
    struct map mine = {0};
    const bson_t *doc;

    *n = 0;
    *next_out = NULL;
    if (!is_name(after))
        return ERR_INVALID_PARAMS;
    *out = arena_alloc(arena, (page->limit + 1) * sizeof(**out));
    struct membership *members = arena_alloc(arena, (page->limit + 1) * sizeof(*members));
    enum err err = filter->user_key != 0 ? memberships_of(c, filter->user_key, &mine) : ERR_OK;
    mongoc_cursor_t *cursor =
        mg_find(c, MG_STREAMS, BCON_NEW("name", "{", "$gt", BCON_UTF8(after), "}"),
                BCON_NEW("sort", "{", "name", BCON_INT32(1), "}"));
    while (err == ERR_OK && (err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        struct chan chan;
        if (!mg_read_chan(arena, doc, c->backend->epoch, &chan))
            continue;
        const struct membership *m = map_get(&mine, &chan.stream.key, sizeof(chan.stream.key));
        if (!is_wanted(filter, &chan, m != NULL))
            continue;
        if (*n == page->limit) {
            *next_out = (*out)[*n - 1].name;
            break;
        }
        members[*n] = m != NULL ? *m : (struct membership){0};
        (*out)[(*n)++] = chan;
    }
    if (cursor != NULL)
        mongoc_cursor_destroy(cursor);
    map_free(&mine);
    if (err != ERR_OK && err != ERR_NOT_FOUND)
        return err;
    return finish_list(c, filter->user_key, *out, members, *n);
}

static int by_id(const void *a, const void *b)
{
    const struct chan *x = a;
    const struct chan *y = b;

    return strcmp(x->id, y->id);
}

static int by_channel_id(const void *a, const void *b)
{
    const struct mg_view *x = a;
    const struct mg_view *y = b;

    return strcmp(x->chan->id, y->chan->id);
}

/* What was loaded for several users at once. */
static void chans_of_warm(struct mg_conn *c, struct arena *arena, const struct mg_mine *mine,
                          struct chan **out, struct membership **members_out, size_t *n)
{
    struct mg_view *views = arena_alloc(c->arena, (mine->n + 1) * sizeof(*views));

    for (size_t i = 0; i < mine->n; i++) {
        const struct membership *m = &mine->members[i];
        const struct chan *chan = map_get(&c->warm.chans, &m->chan_key, sizeof(m->chan_key));
        if (chan != NULL)
            views[(*n)++] = (struct mg_view){chan, m};
    }
    qsort(views, *n, sizeof(*views), by_channel_id);
    *out = arena_alloc(arena, (*n + 1) * sizeof(**out));
    *members_out = arena_alloc(arena, (*n + 1) * sizeof(**members_out));
    for (size_t i = 0; i < *n; i++) {
        struct chan *chan = &(*out)[i];
        *chan = *views[i].chan;
        chan->name = arena_strdup(arena, chan->name);
        chan->topic = arena_strdup(arena, chan->topic);
        chan->dm_key = chan->dm_key != NULL ? arena_strdup(arena, chan->dm_key) : NULL;
        (*members_out)[i] = *views[i].member;
    }
}

/* The memberships are read before the channels: what is read in a channel is never more than what
 * is in it. */
MG_OP(chans_of, struct arena *arena, int64_t user_key, struct chan **out,
      struct membership **members_out, size_t *n)
{
    struct mg_conn *c = mg(conn);
    const struct mg_mine *warm = map_get(&c->warm.mine, &user_key, sizeof(user_key));
    struct map mine = {0};
    struct mg_list list;
    const bson_t *doc;

    *n = 0;
    if (warm != NULL) {
        chans_of_warm(c, arena, warm, out, members_out, n);
        return ERR_OK;
    }
    enum err err = memberships_of(c, user_key, &mine);
    *out = arena_alloc(arena, (mine.n + 1) * sizeof(**out));
    *members_out = arena_alloc(arena, (mine.n + 1) * sizeof(**members_out));
    mg_list_begin(&list, "key");
    for (size_t i = 0; i < mine.cap; i++)
        if (mine.slots[i].key != NULL)
            mg_list_int(&list, ((const struct membership *)mine.slots[i].value)->chan_key);
    bson_t *filter = mg_list_end(&list);
    if (err != ERR_OK || mine.n == 0) {
        bson_destroy(filter);
        map_free(&mine);
        return err;
    }
    mongoc_cursor_t *cursor = mg_find(c, MG_STREAMS, filter, NULL);
    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK)
        if (*n < mine.n && mg_read_chan(arena, doc, c->backend->epoch, &(*out)[*n]))
            ++*n;
    qsort(*out, *n, sizeof(**out), by_id);
    for (size_t i = 0; i < *n; i++) {
        int64_t key = (*out)[i].stream.key;
        const struct membership *m = map_get(&mine, &key, sizeof(key));
        if (m != NULL)
            (*members_out)[i] = *m;
    }
    map_free(&mine);
    return err == ERR_NOT_FOUND ? finish_list(c, user_key, *out, *members_out, *n) : err;
}
