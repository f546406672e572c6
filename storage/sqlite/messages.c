/* messages.c - messages and who is mentioned in them. */
#include <string.h>

#include "base/mem.h"
#include "storage/sqlite/sqlite.h"

enum { MENTIONS_TEXT = 50 * (ID_MAX + 1) + 1 };

/* The ids with a blank between, or NULL. */
static const char *join_mentions(const struct store_message *m, char text[MENTIONS_TEXT])
{
    size_t at = 0;

    if (m->mentions_n == 0)
        return NULL;
    for (size_t i = 0; i < m->mentions_n; i++) {
        size_t n = strlen(m->mentions[i]);
        if (at + n + 2 > MENTIONS_TEXT)
            break;
        if (at > 0)
            text[at++] = ' ';
        memcpy(text + at, m->mentions[i], n);
        at += n;
    }
    text[at] = '\0';
    return text;
}

SQ_OP(message_add, const struct message_row *row)
{
    char mentions[MENTIONS_TEXT];
    struct sqlite_conn *c = sq(conn);
    const struct store_message *m = &row->m;

    return sq_run(c, sq_bind(c, SQ_MESSAGE_ADD, "itiittiiititt", sq_pos(row->chan_key, m->seq),
                             m->id, (int64_t)m->msg_no, row->author_key, m->text, m->client_msg_id,
                             m->created_at, m->edited_at, m->deleted_at, join_mentions(m, mentions),
                             (int64_t)row->last_edit, m->as_name, m->as_icon));
}

SQ_OP(message_save, const struct message_row *row)
{
    char mentions[MENTIONS_TEXT];
    struct sqlite_conn *c = sq(conn);
    const struct store_message *m = &row->m;

    return sq_run(c, sq_bind(c, SQ_MESSAGE_SAVE, "itiititt", sq_pos(row->chan_key, m->seq), m->text,
                             m->edited_at, m->deleted_at, join_mentions(m, mentions),
                             (int64_t)row->last_edit, m->as_name, m->as_icon));
}

static enum err one_message(struct sqlite_conn *c, sqlite3_stmt *stmt, struct arena *arena,
                            struct message_row *out)
{
    enum err err = sq_next(c, stmt);

    if (err != ERR_OK)
        return err;
    sq_message(arena, stmt, sq_text(arena, stmt, SQ_MESSAGE_N), out);
    sqlite3_reset(stmt);
    return ERR_OK;
}

SQ_OP(message_get, struct arena *arena, const char *id, struct message_row *out)
{
    return one_message(sq(conn), sq_bind(sq(conn), SQ_MESSAGE_GET, "t", id), arena, out);
}

SQ_OP(message_at, struct arena *arena, int64_t chan_key, uint64_t seq, struct message_row *out)
{
    return one_message(sq(conn), sq_bind(sq(conn), SQ_MESSAGE_AT, "i", sq_pos(chan_key, seq)),
                       arena, out);
}

SQ_OP(msg_no_at, int64_t chan_key, uint64_t seq, uint64_t *out)
{
    struct sqlite_conn *c = sq(conn);
    sqlite3_stmt *stmt = sq_bind(c, SQ_MSG_NO_AT, "ii", sq_pos(chan_key, 0), sq_pos(chan_key, seq));
    enum err err = sq_next(c, stmt);

    *out = 0;
    if (err == ERR_OK) {
        *out = sq_uint(stmt, 0);
        sqlite3_reset(stmt);
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* The author's id of row I of ROWS, from an earlier one by the same if there is one. */
static enum err name_author(struct sqlite_conn *c, struct arena *arena, struct message_row *rows,
                            size_t i)
{
    for (size_t k = i; k-- > 0;)
        if (rows[k].author_key == rows[i].author_key) {
            rows[i].m.author = rows[k].m.author;
            return ERR_OK;
        }
    sqlite3_stmt *stmt = sq_bind(c, SQ_USER_ID, "i", rows[i].author_key);
    enum err err = sq_next(c, stmt);
    if (err == ERR_OK) {
        rows[i].m.author = sq_text(arena, stmt, 0);
        sqlite3_reset(stmt);
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err; /* then it is "", as the row has it */
}

static enum err list_messages(struct sqlite_conn *c, sqlite3_stmt *stmt, struct arena *arena,
                              const struct chan *chan, uint32_t limit, struct message_row **out,
                              size_t *n)
{
    const char *channel = arena_strdup(arena, chan->id);
    enum err err;

    *n = 0;
    *out = arena_alloc(arena, (limit + 1) * sizeof(**out));
    while ((err = sq_next(c, stmt)) == ERR_OK && *n < limit)
        sq_message(arena, stmt, channel, &(*out)[(*n)++]);
    if (err == ERR_OK)
        sqlite3_reset(stmt);
    if (err == ERR_NOT_FOUND)
        err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < *n; i++)
        err = name_author(c, arena, *out, i);
    return err;
}

SQ_OP(messages_before, struct arena *arena, const struct chan *chan, uint64_t below, uint32_t limit,
      struct message_row **out, size_t *n)
{
    int64_t key = chan->stream.key;
    sqlite3_stmt *stmt = sq_bind(sq(conn), SQ_MESSAGES_BEFORE, "iii", sq_pos(key, 0),
                                 sq_pos(key, below), (int64_t)limit);

    return list_messages(sq(conn), stmt, arena, chan, limit, out, n);
}

SQ_OP(messages_after, struct arena *arena, const struct chan *chan, uint64_t above, uint32_t limit,
      struct message_row **out, size_t *n)
{
    int64_t key = chan->stream.key;
    sqlite3_stmt *stmt = sq_bind(sq(conn), SQ_MESSAGES_AFTER, "iii", sq_pos(key, above),
                                 sq_pos(key + 1, 0), (int64_t)limit);

    return list_messages(sq(conn), stmt, arena, chan, limit, out, n);
}

SQ_OP(mention_add, int64_t user_key, int64_t chan_key, uint64_t seq)
{
    return sq_run(sq(conn),
                  sq_bind(sq(conn), SQ_MENTION_ADD, "ii", user_key, sq_pos(chan_key, seq)));
}

SQ_OP(mention_remove, int64_t user_key, int64_t chan_key, uint64_t seq)
{
    int64_t pos = sq_pos(chan_key, seq);

    return sq_run(sq(conn), sq_bind(sq(conn), SQ_MENTIONS_REMOVE, "iii", user_key, pos, pos));
}

SQ_OP(mentions_forget, int64_t user_key, int64_t chan_key)
{
    return sq_run(sq(conn), sq_bind(sq(conn), SQ_MENTIONS_REMOVE, "iii", user_key,
                                    sq_pos(chan_key, 0), sq_pos(chan_key + 1, 0)));
}

SQ_OP(mentions_count, int64_t user_key, int64_t chan_key, uint64_t after, uint64_t *out)
{
    struct sqlite_conn *c = sq(conn);
    sqlite3_stmt *stmt = sq_bind(c, SQ_MENTIONS_COUNT, "iii", user_key, sq_pos(chan_key, after),
                                 sq_pos(chan_key + 1, 0));
    enum err err = sq_next(c, stmt);

    *out = 0;
    if (err == ERR_OK) {
        *out = sq_uint(stmt, 0);
        sqlite3_reset(stmt);
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}
