/* channels.c - channels and their members. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "storage/sqlite/sqlite.h"

static enum err one_chan(struct sqlite_conn *c, sqlite3_stmt *stmt, struct arena *arena,
                         struct chan *out)
{
    enum err err = sq_next(c, stmt);

    if (err != ERR_OK)
        return err;
    sq_chan(arena, stmt, out);
    sqlite3_reset(stmt);
    return ERR_OK;
}

SQ_OP(chan_get, struct arena *arena, const char *ref, struct chan *out)
{
    struct sqlite_conn *c = sq(conn);
    bool by_name = ref[0] == '#';

    return one_chan(c, sq_bind(c, by_name ? SQ_CHAN_BY_NAME : SQ_CHAN_BY_ID, "t", ref + by_name),
                    arena, out);
}

SQ_OP(chan_by_dm, struct arena *arena, const char *dm_key, struct chan *out)
{
    return one_chan(sq(conn), sq_bind(sq(conn), SQ_CHAN_BY_DM, "t", dm_key), arena, out);
}

SQ_OP(chan_add, const struct chan *chan)
{
    const char *name = chan->type == STORE_DM ? NULL : chan->name;

    return sq_run(sq(conn), sq_bind(sq(conn), SQ_CHAN_ADD, "ittittiii", chan->stream.key, chan->id,
                                    name, (int64_t)chan->type, chan->topic, chan->dm_key,
                                    chan->created_at, chan->archived_at, (int64_t)chan->members));
}

SQ_OP(chan_save, const struct chan *chan)
{
    const char *name = chan->type == STORE_DM ? NULL : chan->name;

    return sq_run(sq(conn), sq_bind(sq(conn), SQ_CHAN_SAVE, "ittii", chan->stream.key, name,
                                    chan->topic, chan->archived_at, (int64_t)chan->members));
}

SQ_OP(chan_remove, const struct chan *chan)
{
    struct sqlite_conn *c = sq(conn);
    int64_t key = chan->stream.key;
    enum err err = sq_run(c, sq_bind(c, SQ_PURGE_ADD, "i", key));

    if (err == ERR_OK)
        err = sq_run(c, sq_bind(c, SQ_FAILURES_PURGE, "t", chan->id));
    if (err == ERR_OK)
        err = sq_run(c, sq_bind(c, SQ_HOOKS_REMOVE, "t", chan->id));
    return err == ERR_OK ? sq_run(c, sq_bind(c, SQ_CHAN_REMOVE, "i", key)) : err;
}

SQ_OP(purge_next, struct stream *out)
{
    struct sqlite_conn *c = sq(conn);
    sqlite3_stmt *stmt = sq_bind(c, SQ_PURGE_NEXT, "");
    enum err err = sq_next(c, stmt);

    if (err != ERR_OK)
        return err;
    *out = (struct stream){.key = sq_int(stmt, 0)};
    sq_text_into(out->name, sizeof(out->name), stmt, 1);
    sqlite3_reset(stmt);
    return ERR_OK;
}

SQ_OP(purge, const struct stream *stream, uint64_t seq, bool done)
{
    struct sqlite_conn *c = sq(conn);
    enum err err = sq_run(
        c, sq_bind(c, SQ_MESSAGES_PURGE, "ii", sq_pos(stream->key, 0), sq_pos(stream->key, seq)));

    return err == ERR_OK && done ? sq_run(c, sq_bind(c, SQ_PURGE_REMOVE, "i", stream->key)) : err;
}

static bool is_name(const char *s)
{
    return s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-")] == '\0';
}

SQ_OP(chans_list, struct arena *arena, const struct channel_filter *filter, struct chan **out,
      size_t *n, const char **next_out)
{
    struct sqlite_conn *c = sq(conn);
    const struct store_page *page = &filter->page;
    const char *after = page->cursor != NULL ? page->cursor : "";
    enum err err;

    *n = 0;
    *next_out = NULL;
    if (!is_name(after))
        return ERR_INVALID_PARAMS;
    sqlite3_stmt *stmt = sq_bind(c, SQ_CHANS_LIST, "tiiti", after, (int64_t)filter->all,
                                 filter->user_key, page->query, (int64_t)page->limit + 1);
    *out = arena_alloc(arena, (page->limit + 1) * sizeof(**out));
    while ((err = sq_next(c, stmt)) == ERR_OK) {
        if (*n == page->limit) {
            *next_out = (*out)[*n - 1].name;
            sqlite3_reset(stmt);
            return ERR_OK;
        }
        sq_chan(arena, stmt, &(*out)[(*n)++]);
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static void read_member(sqlite3_stmt *stmt, int col, struct membership *out)
{
    out->exists = true;
    out->role = (enum store_member_role)sq_enum(stmt, col, STORE_MODERATOR + 1);
    out->joined_at = sq_int(stmt, col + 1);
    out->read_seq = sq_uint(stmt, col + 2);
    out->read_no = sq_uint(stmt, col + 3);
}

SQ_OP(chans_of, struct arena *arena, int64_t user_key, struct chan **out,
      struct membership **members_out, size_t *n)
{
    struct sqlite_conn *c = sq(conn);
    sqlite3_stmt *stmt = sq_bind(c, SQ_CHANS_OF, "i", user_key);
    size_t cap = 0;
    enum err err;

    *n = 0;
    *out = NULL;
    *members_out = NULL;
    while ((err = sq_next(c, stmt)) == ERR_OK) {
        if (*n == cap) {
            struct chan *chans = *out;
            struct membership *members = *members_out;
            cap = cap == 0 ? 8 : cap * 2;
            *out = arena_alloc(arena, cap * sizeof(**out));
            *members_out = arena_alloc(arena, cap * sizeof(**members_out));
            for (size_t i = 0; i < *n; i++) {
                (*out)[i] = chans[i];
                (*members_out)[i] = members[i];
            }
        }
        sq_chan(arena, stmt, &(*out)[*n]);
        struct membership *m = &(*members_out)[(*n)++];
        m->chan_key = sq_int(stmt, 0);
        m->user_key = user_key;
        read_member(stmt, SQ_CHAN_N, m);
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

SQ_OP(member_get, int64_t chan_key, int64_t user_key, struct membership *out)
{
    struct sqlite_conn *c = sq(conn);
    sqlite3_stmt *stmt = sq_bind(c, SQ_MEMBER_GET, "ii", chan_key, user_key);
    enum err err = sq_next(c, stmt);

    *out = (struct membership){.chan_key = chan_key, .user_key = user_key};
    if (err == ERR_OK) {
        read_member(stmt, 0, out);
        sqlite3_reset(stmt);
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

SQ_OP(member_add, const struct membership *m)
{
    return sq_run(sq(conn), sq_bind(sq(conn), SQ_MEMBER_ADD, "iiiiii", m->chan_key, m->user_key,
                                    (int64_t)m->role, m->joined_at, (int64_t)m->read_seq,
                                    (int64_t)m->read_no));
}

SQ_OP(member_save, const struct membership *m)
{
    return sq_run(sq(conn), sq_bind(sq(conn), SQ_MEMBER_SAVE, "iiiii", m->chan_key, m->user_key,
                                    (int64_t)m->role, (int64_t)m->read_seq, (int64_t)m->read_no));
}

SQ_OP(member_remove, int64_t chan_key, int64_t user_key)
{
    return sq_run(sq(conn), sq_bind(sq(conn), SQ_MEMBER_REMOVE, "ii", chan_key, user_key));
}

/* The cursor of a list of members is the key of the last one shown. */
static bool parse_key(const char *cursor, int64_t *key_out)
{
    size_t n = strlen(cursor);

    if (n == 0 || n > 18 || strspn(cursor, "0123456789") != n)
        return false;
    *key_out = strtoll(cursor, NULL, 10);
    return true;
}

static const char *key_cursor(struct arena *arena, int64_t key)
{
    char text[24];

    sqlite3_snprintf(sizeof(text), text, "%lld", (long long)key);
    return arena_strdup(arena, text);
}

SQ_OP(members_list, struct arena *arena, int64_t chan_key, const char *cursor, uint32_t limit,
      struct store_member **out, size_t *n, const char **next_out)
{
    struct sqlite_conn *c = sq(conn);
    struct account user;
    int64_t after = INT64_MIN;
    enum err err;

    *n = 0;
    if (next_out != NULL)
        *next_out = NULL;
    if (cursor != NULL && !parse_key(cursor, &after))
        return ERR_INVALID_PARAMS;
    sqlite3_stmt *stmt = sq_bind(c, SQ_MEMBERS_LIST, "iii", chan_key, after, (int64_t)limit + 1);
    *out = arena_alloc(arena, (limit + 1) * sizeof(**out));
    while ((err = sq_next(c, stmt)) == ERR_OK) {
        if (*n == limit) {
            if (next_out != NULL)
                *next_out = key_cursor(arena, after);
            sqlite3_reset(stmt);
            return ERR_OK;
        }
        sq_user(arena, stmt, &user);
        after = user.key;
        (*out)[(*n)++] = (struct store_member){
            .user = user.user,
            .role = (enum store_member_role)sq_enum(stmt, SQ_USER_N, STORE_MODERATOR + 1),
            .joined_at = sq_int(stmt, SQ_USER_N + 1)};
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}
