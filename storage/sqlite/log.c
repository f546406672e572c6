/* log.c - streams and their events. */
#include <string.h>

#include "base/mem.h"
#include "storage/sqlite/sqlite.h"

SQ_OP(stream_get, const char *name, struct stream *out)
{
    struct sqlite_conn *c = sq(conn);
    sqlite3_stmt *stmt = sq_bind(c, SQ_STREAM_GET, "t", name);
    enum err err = sq_next(c, stmt);

    if (err != ERR_OK)
        return err;
    size_t n = strnlen(name, sizeof(out->name) - 1);
    if (name != out->name)
        memcpy(out->name, name, n);
    out->name[n] = '\0';
    out->key = sq_int(stmt, 0);
    sq_text_into(out->epoch, sizeof(out->epoch), stmt, 1);
    out->seq = sq_uint(stmt, 2);
    out->msg_no = sq_uint(stmt, 3);
    sqlite3_reset(stmt);
    return ERR_OK;
}

SQ_OP(stream_add, struct stream *stream)
{
    struct sqlite_conn *c = sq(conn);

    memcpy(stream->epoch, c->backend->epoch, sizeof(stream->epoch));
    enum err err = sq_run(c, sq_bind(c, SQ_STREAM_ADD, "tt", stream->name, stream->epoch));
    stream->key = sqlite3_last_insert_rowid(c->db);
    return err;
}

SQ_OP(stream_save, const struct stream *stream)
{
    return sq_run(sq(conn), sq_bind(sq(conn), SQ_STREAM_SAVE, "iii", stream->key,
                                    (int64_t)stream->seq, (int64_t)stream->msg_no));
}

SQ_OP(event_add, const struct stream *stream, const struct event_row *row)
{
    struct sqlite_conn *c = sq(conn);

    return sq_run(c, sq_bind(c, SQ_EVENT_ADD, "iiiititd", sq_pos(stream->key, row->seq),
                             (int64_t)row->type, row->actor_key, row->at, row->subject,
                             (int64_t)row->link, row->client_msg_id, row->data, row->data_len));
}

SQ_OP(event_get, const struct stream *stream, uint64_t seq, struct event_row *out)
{
    struct sqlite_conn *c = sq(conn);
    sqlite3_stmt *stmt = sq_bind(c, SQ_EVENT_GET, "i", sq_pos(stream->key, seq));
    enum err err = sq_next(c, stmt);

    if (err != ERR_OK)
        return err;
    *out = (struct event_row){.seq = seq,
                              .type = (enum store_event_type)sq_enum(stmt, 0, STORE_EVENT_TYPES),
                              .at = sq_int(stmt, 1),
                              .link = sq_uint(stmt, 2)};
    sqlite3_reset(stmt);
    return ERR_OK;
}

SQ_OP(event_scrub, const struct stream *stream, uint64_t seq, const char *data, size_t data_len)
{
    return sq_run(sq(conn), sq_bind(sq(conn), SQ_EVENT_SCRUB, "id", sq_pos(stream->key, seq), data,
                                    data_len));
}

static uint64_t seq_of(int64_t pos)
{
    return (uint64_t)pos & ((UINT64_C(1) << SQ_SEQ_BITS) - 1);
}

static void read_event(struct arena *arena, sqlite3_stmt *stmt, const char *name, const char *epoch,
                       struct store_event *out)
{
    *out = (struct store_event){
        .stream = name,
        .epoch = epoch,
        .seq = seq_of(sq_int(stmt, 0)),
        .type = (enum store_event_type)sq_enum(stmt, 1, STORE_EVENT_TYPES),
        .actor = sq_text(arena, stmt, 2),
        .at = sq_int(stmt, 3),
        .subject = sq_text_opt(arena, stmt, 4),
        .data = sq_text(arena, stmt, 6),
    };
    out->data_len = strlen(out->data);
    if (out->type == STORE_EVENT_CHANNEL_JOINED || out->type == STORE_EVENT_CHANNEL_LEFT)
        out->subject_seq = sq_uint(stmt, 5);
}

SQ_OP(events_list, struct arena *arena, const struct stream *stream, uint64_t after, uint32_t limit,
      struct store_event **out, size_t *n)
{
    struct sqlite_conn *c = sq(conn);
    const char *name = arena_strdup(arena, stream->name);
    const char *epoch = arena_strdup(arena, stream->epoch);
    sqlite3_stmt *stmt = sq_bind(c, SQ_EVENTS_LIST, "iii", sq_pos(stream->key, after),
                                 sq_pos(stream->key, stream->seq), (int64_t)limit);
    enum err err;

    *n = 0;
    *out = arena_alloc(arena, (limit + 1) * sizeof(**out));
    while ((err = sq_next(c, stmt)) == ERR_OK && *n <= limit)
        read_event(arena, stmt, name, epoch, &(*out)[(*n)++]);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

SQ_OP(client_msg_find, int64_t author_key, const char *client_msg_id, int64_t *chan_key_out,
      uint64_t *seq_out)
{
    struct sqlite_conn *c = sq(conn);
    sqlite3_stmt *stmt = sq_bind(c, SQ_CLIENT_MSG_FIND, "it", author_key, client_msg_id);
    enum err err = sq_next(c, stmt);

    if (err != ERR_OK)
        return err;
    *chan_key_out = sq_int(stmt, 0) >> SQ_SEQ_BITS;
    *seq_out = seq_of(sq_int(stmt, 0));
    sqlite3_reset(stmt);
    return ERR_OK;
}

static enum err scan_stream(struct sqlite_conn *c, int64_t key, const char *name,
                            event_visit_fn visit, void *arg)
{
    sqlite3_stmt *stmt = sq_bind(c, SQ_EVENTS_SCAN, "ii", sq_pos(key, 0), sq_pos(key, UINT64_MAX));
    enum err err;

    while ((err = sq_next(c, stmt)) == ERR_OK) {
        struct arena *arena = arena_create();
        struct event_row row = {
            .seq = seq_of(sq_int(stmt, 0)),
            .type = (enum store_event_type)sq_enum(stmt, 1, STORE_EVENT_TYPES),
            .actor_key = sq_int(stmt, 2),
            .at = sq_int(stmt, 3),
            .subject = sq_text_opt(arena, stmt, 4),
            .link = sq_uint(stmt, 5),
            .client_msg_id = sq_text_opt(arena, stmt, 6),
            .data = sq_text(arena, stmt, 7),
            .data_len = (size_t)sqlite3_column_bytes(stmt, 7),
        };
        err = visit(arg, name, key, &row);
        arena_destroy(&arena);
        if (err != ERR_OK) {
            sqlite3_reset(stmt);
            return err;
        }
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

SQ_OP(events_scan, bool reads, event_visit_fn visit, void *arg)
{
    struct sqlite_conn *c = sq(conn);
    char name[STORE_STREAM_SIZE];
    int64_t key = INT64_MIN;
    enum err err;

    for (;;) {
        sqlite3_stmt *stmt = sq_bind(c, SQ_STREAMS_SCAN, "i", key);
        err = sq_next(c, stmt);
        if (err != ERR_OK)
            return err == ERR_NOT_FOUND ? ERR_OK : err;
        key = sq_int(stmt, 0);
        sq_text_into(name, sizeof(name), stmt, 1);
        sqlite3_reset(stmt);
        if ((name[0] == 'r') == reads)
            err = scan_stream(c, key, name, visit, arg);
        if (err != ERR_OK)
            return err;
    }
}

SQ_OP(events_count, uint64_t *out)
{
    struct sqlite_conn *c = sq(conn);
    sqlite3_stmt *stmt = sq_bind(c, SQ_EVENTS_COUNT, "");
    enum err err = sq_next(c, stmt);

    if (err != ERR_OK)
        return err;
    *out = sq_uint(stmt, 0);
    sqlite3_reset(stmt);
    return ERR_OK;
}

enum err sq_projections_clear(struct store_conn *conn)
{
    enum err err = sq_exec(sq(conn), "DELETE FROM mentions; DELETE FROM messages;"
                                     " DELETE FROM members; DELETE FROM channels");

    return err == ERR_OK ? sq_run(sq(conn), sq_bind(sq(conn), SQ_STREAM_MSG_NO_CLEAR, "")) : err;
}
