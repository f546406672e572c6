/* sqlite.h - what the files of the SQLite backend share.
 *
 * One file in WAL mode: the committer's connection writes, readers see the last commit, and a
 * thread of its own moves the log into the file (checkpoint.c). Only storage/sqlite/ includes
 * <sqlite3.h>.
 */
#ifndef STORAGE_SQLITE_SQLITE_H
#define STORAGE_SQLITE_SQLITE_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "storage/sqlite/statements.h"
#include "storage/store_ops.h"

enum {
    SQ_SEQ_BITS = 36, /* of a position; the rest is the stream's key */
    SQ_BUSY_MS = 2000,
};

struct sqlite_backend {
    struct store_backend base;
    char *path;
    int lock_fd;
    char epoch[STORE_EPOCH_SIZE]; /* of the streams that are made from now on */
    bool fresh_epochs;            /* opened from a backup */
    bool only_read;               /* it is one, and stays one */

    pthread_mutex_t write_gate; /* held from begin to commit, and while a checkpoint finishes */
    pthread_mutex_t turnstile;  /* passed on the way to the gate, so that both get their turn */
    pthread_mutex_t wake_lock;
    pthread_cond_t wake;
    pthread_t checkpointer;
    bool has_checkpointer;
    bool stop;
    bool checkpoint_wanted; /* these two under wake_lock */
    int wal_copied;         /* pages of the log that are in the database */
    int64_t checkpoint_logged_ms;
    atomic_bool keeps_log; /* a sync of the database has failed: what the log has stays there */
};

struct sqlite_conn {
    struct store_conn base;
    struct sqlite_backend *backend;
    sqlite3 *db;
    bool writes;
    bool holds_gate;
    sqlite3_stmt *stmts[SQ_IDS];
};

static inline struct sqlite_conn *sq(struct store_conn *conn)
{
    return (struct sqlite_conn *)(void *)((char *)conn - offsetof(struct sqlite_conn, base));
}

/* The position of SEQ in a stream; what is too large counts as the largest. */
int64_t sq_pos(int64_t stream_key, uint64_t seq);

/* -- stmt.c: statements ------------------------------------------------------------------------ */
/* Statement ID with its parameters. TYPES has a letter for each: 'i' int64_t, 't' const char * or
 * NULL, 'd' const char * and size_t. Text is not copied. */
sqlite3_stmt *sq_bind(struct sqlite_conn *c, enum sq_id id, const char *types, ...);
/* The next row: ERR_OK, or ERR_NOT_FOUND behind the last (the statement is then reset), or the
 * failure, which is kept in the connection. */
enum err sq_next(struct sqlite_conn *c, sqlite3_stmt *stmt);
/* No rows wanted. CONFLICT: a unique constraint. */
enum err sq_run(struct sqlite_conn *c, sqlite3_stmt *stmt);
/* The same; NOT_FOUND if it changed no row. */
enum err sq_run_on_one(struct sqlite_conn *c, sqlite3_stmt *stmt);
enum err sq_exec(struct sqlite_conn *c, const char *sql);
/* Keep what went wrong; the error that it is. */
enum err sq_fail(struct sqlite_conn *c, int rc);
/* The same as a sentence with file and remedy. */
enum err sq_explain(const char *path, int rc, const char *detail, int os_error, char *out,
                    size_t out_size);

/* Columns, whatever is in them. Text is copied; NULL is "" unless _opt. */
char *sq_text(struct arena *arena, sqlite3_stmt *stmt, int col);
char *sq_text_opt(struct arena *arena, sqlite3_stmt *stmt, int col);
void sq_text_into(char *out, size_t out_size, sqlite3_stmt *stmt, int col);
int64_t sq_int(sqlite3_stmt *stmt, int col);
uint64_t sq_uint(sqlite3_stmt *stmt, int col); /* never above 2^53 */
int sq_enum(sqlite3_stmt *stmt, int col, int count);

/* -- rows.c: rows of several statements ------------------------------------------------------- */
void sq_chan(struct arena *arena, sqlite3_stmt *stmt, struct chan *out);
void sq_user(struct arena *arena, sqlite3_stmt *stmt, struct account *out);
/* From the column AT on, see SQ_SESSION. */
void sq_session(struct arena *arena, sqlite3_stmt *stmt, int at, struct store_session *out);
void sq_message(struct arena *arena, sqlite3_stmt *stmt, const char *channel,
                struct message_row *out);

/* See SQ_HOOK. */
void sq_hook(struct arena *arena, sqlite3_stmt *stmt, struct hook_row *out);
/* hooks.c: ID is an insertion of all columns. */
enum err sq_hook_write(struct store_conn *conn, enum sq_id id, const struct hook_row *row);

/* -- schema.c ---------------------------------------------------------------------------------- */
/* Check that the open DB is ours and no newer, migrate, give a restored backup new epochs. */
enum err sq_migrate(sqlite3 *db, struct sqlite_backend *b, char error_out[STORE_ERROR_SIZE]);
/* The same for a file that is only read: it must be a backup, of this schema. */
enum err sq_check_backup(sqlite3 *db, struct sqlite_backend *b, char error_out[STORE_ERROR_SIZE]);
int sq_schema_version(void);

/* -- conn.c ------------------------------------------------------------------------------------ */
enum err sq_open_db(const char *path, sqlite3 **db_out, char *error_out, size_t error_size);
/* The same, or for reading only if that is all that may be done. */
enum err sq_open_reader(struct sqlite_backend *b, sqlite3 **db_out,
                        char error_out[STORE_ERROR_SIZE]);
/* NULL: nothing to do. */
void sq_close_db(struct sqlite_backend *b, sqlite3 *db);

/* -- checkpoint.c ------------------------------------------------------------------------------ */
enum err sq_checkpointer_start(struct sqlite_backend *b, char error_out[STORE_ERROR_SIZE]);
void sq_checkpointer_stop(struct sqlite_backend *b);
/* The hook of a writing connection: tells the thread how long the log has become. */
void sq_checkpoint_watch(struct sqlite_conn *c);

/* -- backup.c ---------------------------------------------------------------------------------- */
enum err sq_backup(struct store_backend *b, const char *path, store_progress_fn progress, void *arg,
                   char error_out[STORE_ERROR_SIZE]);

/* -- the primitives, by family; see store_ops.h ------------------------------------------------ */
#define SQ_OP(name, ...) enum err sq_##name(struct store_conn *conn, __VA_ARGS__)

SQ_OP(stream_get, const char *name, struct stream *out);
SQ_OP(stream_add, struct stream *stream);
SQ_OP(stream_save, const struct stream *stream);
SQ_OP(event_add, const struct stream *stream, const struct event_row *row);
SQ_OP(event_get, const struct stream *stream, uint64_t seq, struct event_row *out);
SQ_OP(event_scrub, const struct stream *stream, uint64_t seq, const char *data, size_t data_len);
SQ_OP(events_list, struct arena *arena, const struct stream *stream, uint64_t after, uint32_t limit,
      struct store_event **out, size_t *n);
SQ_OP(client_msg_find, int64_t author_key, const char *client_msg_id, int64_t *chan_key_out,
      uint64_t *seq_out);
SQ_OP(events_scan, bool reads, event_visit_fn visit, void *arg);
SQ_OP(events_count, uint64_t *out);
enum err sq_projections_clear(struct store_conn *conn);

SQ_OP(chan_get, struct arena *arena, const char *ref, struct chan *out);
SQ_OP(chan_by_dm, struct arena *arena, const char *dm_key, struct chan *out);
SQ_OP(chan_add, const struct chan *chan);
SQ_OP(chan_save, const struct chan *chan);
SQ_OP(chan_remove, const struct chan *chan);
SQ_OP(purge_next, struct stream *out);
SQ_OP(purge, const struct stream *stream, uint64_t seq, bool done);
SQ_OP(chans_list, struct arena *arena, const struct channel_filter *filter, struct chan **out,
      size_t *n, const char **next_out);
SQ_OP(chans_of, struct arena *arena, int64_t user_key, struct chan **out,
      struct membership **members_out, size_t *n);
SQ_OP(member_get, int64_t chan_key, int64_t user_key, struct membership *out);
SQ_OP(member_add, const struct membership *m);
SQ_OP(member_save, const struct membership *m);
SQ_OP(member_remove, int64_t chan_key, int64_t user_key);
SQ_OP(members_list, struct arena *arena, int64_t chan_key, const char *cursor, uint32_t limit,
      struct store_member **out, size_t *n, const char **next_out);

SQ_OP(message_add, const struct message_row *row);
SQ_OP(message_save, const struct message_row *row);
SQ_OP(message_get, struct arena *arena, const char *id, struct message_row *out);
SQ_OP(message_at, struct arena *arena, int64_t chan_key, uint64_t seq, struct message_row *out);
SQ_OP(msg_no_at, int64_t chan_key, uint64_t seq, uint64_t *out);
SQ_OP(messages_before, struct arena *arena, const struct chan *chan, uint64_t below, uint32_t limit,
      struct message_row **out, size_t *n);
SQ_OP(messages_after, struct arena *arena, const struct chan *chan, uint64_t above, uint32_t limit,
      struct message_row **out, size_t *n);
SQ_OP(mention_add, int64_t user_key, int64_t chan_key, uint64_t seq);
SQ_OP(mention_remove, int64_t user_key, int64_t chan_key, uint64_t seq);
SQ_OP(mentions_forget, int64_t user_key, int64_t chan_key);
SQ_OP(mentions_count, int64_t user_key, int64_t chan_key, uint64_t after, uint64_t *out);

SQ_OP(user_get, struct arena *arena, const char *ref, bool secret, struct account *out);
SQ_OP(user_by_key, struct arena *arena, int64_t key, struct account *out);
SQ_OP(user_add, struct account *user);
SQ_OP(user_save, const struct account *user);
SQ_OP(user_owner, struct arena *arena, struct account *out);
SQ_OP(user_counts, uint64_t *users_out, uint64_t *owners_out);
SQ_OP(bots_list, struct arena *arena, const char *owner, const struct store_page *page,
      struct store_user **out, size_t *n, const char **next_out);
SQ_OP(users_list, struct arena *arena, const struct store_page *page, struct store_user **out,
      size_t *n, const char **next_out);
SQ_OP(session_add, int64_t user_key, const char *hash, const struct store_session *s);
SQ_OP(session_get, struct arena *arena, const char *id, const char *hash,
      struct store_session *out);
SQ_OP(session_touch, const char *id, int64_t now);
SQ_OP(session_remove, const char *id);
SQ_OP(sessions_expire, int64_t now, uint32_t limit);
SQ_OP(sessions_list, struct arena *arena, int64_t user_key, struct store_session **out, size_t *n);
SQ_OP(invite_add, const char *hash, const struct store_invite *invite);
SQ_OP(invite_find, struct arena *arena, const char *hash, struct store_invite *out);
SQ_OP(invite_use, const char *id);
SQ_OP(invite_remove, const char *id);
SQ_OP(invites_list, struct arena *arena, struct store_invite **out, size_t *n);
SQ_OP(hook_add, const struct hook_row *row);
SQ_OP(hook_save, const struct hook_row *row, bool move);
SQ_OP(hook_get, struct arena *arena, const char *id, const char *hash, struct hook_row *out);
SQ_OP(hook_remove, const char *id);
SQ_OP(hooks_list, struct arena *arena, const char *channel, struct store_hook **out, size_t *n);
SQ_OP(hooks_outgoing, struct arena *arena, const char *after, uint32_t limit,
      struct store_hook **out, size_t *n);
SQ_OP(hook_lease, const char *id, const char *node, int64_t until, int64_t now);
SQ_OP(hook_mark, const char *id, uint64_t seq, enum store_hook_outcome outcome, const char *error,
      int64_t now);
SQ_OP(hook_failure_put, const struct store_hook_failure *failure);
SQ_OP(hook_failure_due, const char *hook, uint64_t seq);
SQ_OP(hook_failure_remove, const char *hook, uint64_t seq);
SQ_OP(hook_failures_list, struct arena *arena, const char *hook, uint64_t before, bool due,
      uint32_t limit, struct store_hook_failure **out, size_t *n);
SQ_OP(hook_failures_trim, const char *hook, uint32_t max);
SQ_OP(stats, struct store_stats *out);

#endif
