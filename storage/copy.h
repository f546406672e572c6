/* copy.h - from one database into another: migration, backups of stores that are no file, and
 * restoring them.
 *
 *     accounts -> sessions, invites, hooks -> streams, by name: each event appended as it is, then
 * applied
 *          -> what was written is read back and compared (copy_check.c)
 *
 * Whatever follows from events is made by applying them, as a rebuild does. The target says itself
 * how far it is: each stream goes on behind its top, so an interrupted copy can be done again. A
 * mark in its settings ("copying") says what it is a copy of, and keeps a store from opening on it
 * until all is checked.
 * A channel is replayed under its last name: names wander between channels, and one stream is
 * replayed behind the other.
 *
 * Threading: the caller's thread. Ownership: see each.
 */
#ifndef STORAGE_COPY_H
#define STORAGE_COPY_H

#include "storage/copy_ops.h"
#include "storage/txn.h"

enum { COPY_HASH_SIZE = 32, COPY_PAGE = 500 };

/* A set of rows: how many, and a sum of their hashes that does not depend on their order. */
struct copy_digest {
    uint64_t n;
    unsigned char sum[COPY_HASH_SIZE];
};

struct copy_side {
    const char *word; /* "the source", "the target" */
    struct store_backend *backend;
    const struct store_ops *ops;
    struct store_conn *reader;
    struct store_conn *writer; /* of the source: to finish what a dead node left */
    struct txn txn;            /* the writer's */
};

struct copy {
    struct copy_side from, to;
    bool online;      /* the source is being used: it may grow, and texts be taken out of it */
    bool new_history; /* the target keeps its own epochs */
    store_progress_fn progress;
    void *arg;
    char *error_out;

    struct arena *arena; /* of the whole copy */
    struct map people;   /* target's accounts: by id, struct person */
    bool in_batch;
    size_t batch_n, batch_bytes;
    uint64_t done, total; /* of this step */

    struct copy_digest users, sessions, invites, hooks, streams; /* as they were put */
    uint64_t hooks_n;                                            /* without their dead letters */
    uint64_t events;
    bool resumed;
};

/* -- copy.c ------------------------------------------------------------------------------------ */
/* Refuses a database that a copy was left half-way in: CONFLICT. */
enum err copy_refuse_half(struct store_conn *conn, char error_out[STORE_ERROR_SIZE]);
/* store_backup() for a store without a way of its own. */
enum err copy_backup(struct store_backend *backend, const char *path, store_progress_fn progress,
                     void *arg, char error_out[STORE_ERROR_SIZE]);

/* The failing answer of a copy; what a database says goes before what is given. */
enum err copy_fail(struct copy *k, enum err err, const struct copy_side *side, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* False: to stop; the error is set. */
bool copy_go_on(struct copy *k, const char *step, const char *unit);

/* -- copy_rows.c: reading, and putting it ------------------------------------------------------ */
enum err copy_accounts(struct copy *k);
enum err copy_streams(struct copy *k);

/* A look at one side, and an arena for what is seen: always to be destroyed. */
enum err copy_look(struct copy *k, struct copy_side *side, struct arena **arena_out);
/* It ends; ERR is what came of it. */
enum err copy_looked(struct copy *k, struct copy_side *side, enum err err);

/* The pages of one side, one look each; the arena is the page's, the look over. */
typedef enum err (*copy_visit_fn)(struct copy *k, struct arena *arena, void *arg, const void *row);
enum err copy_each_user(struct copy *k, struct copy_side *side, copy_visit_fn visit, void *arg);
enum err copy_each_session(struct copy *k, struct copy_side *side, copy_visit_fn visit, void *arg);
enum err copy_each_invite(struct copy *k, struct copy_side *side, copy_visit_fn visit, void *arg);
/* ROW is a struct hook_row. */
enum err copy_each_hook(struct copy *k, struct copy_side *side, copy_visit_fn visit, void *arg);
/* The dead letters of HOOK; ROW is a struct store_hook_failure. */
enum err copy_each_failure(struct copy *k, struct copy_side *side, const char *hook,
                           copy_visit_fn visit, void *arg);
/* Streams with events only. */
enum err copy_each_stream(struct copy *k, struct copy_side *side, copy_visit_fn visit, void *arg);
/* The events of STREAM behind AFTER up to LAST, which must be there without a hole. */
struct copy_events {
    const struct stream *stream;
    uint64_t after, last;
};
enum err copy_each_event(struct copy *k, struct copy_side *side, struct copy_events events,
                         copy_visit_fn visit, void *arg);

/* -- copy_digest.c: rows as bytes that are the same in every database -------------------------- */
void copy_digest_user(struct copy_digest *d, const struct account *row);
void copy_digest_session(struct copy_digest *d, const struct session_row *row);
void copy_digest_invite(struct copy_digest *d, const struct invite_row *row);
void copy_digest_hook(struct copy_digest *d, const struct hook_row *row);
void copy_digest_failure(struct copy_digest *d, const struct store_hook_failure *row);
void copy_digest_bytes(struct copy_digest *d, const void *bytes, size_t len);
bool copy_digest_equal(const struct copy_digest *a, const struct copy_digest *b);
void copy_digest_hex(const struct copy_digest *d, char out[2 * COPY_HASH_SIZE + 1]);
/* An event, a channel, a membership and a message as text, appended. WORDS: with the data of
 * messages, which may be taken out of the log later. */
void copy_text_event(struct buf *out, const struct event_row *row, bool words);
void copy_text_chan(struct buf *out, const struct chan *row);
void copy_text_member(struct buf *out, const struct chan *chan, const struct membership *row,
                      uint64_t mentions);
void copy_text_message(struct buf *out, const struct message_row *row);

/* -- copy_check.c: is it the same? --------------------------------------------------------------
 */
enum err copy_check(struct copy *k);

#endif
