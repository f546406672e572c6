/* store_ops.h - what a database must do for the store; included only by storage/.
 *
 * The rules of chat (who may do what, what events come of it, what an event changes) are written
 * once, in ops_*.c and apply.c, over these primitives. A backend knows rows, not rules.
 *
 * Threading: a store_conn belongs to one storage thread. The committer has the only writing one
 *   (begin with WRITE, then primitives, then commit or rollback); readers begin without WRITE and
 *   see one consistent cut until they commit.
 * Ownership: arguments are borrowed; what comes back is allocated from ARENA.
 * Errors: ERR_OK, ERR_NOT_FOUND where it says so, ERR_CONFLICT (not unique) where it says so,
 *   ERR_INVALID_PARAMS from the lists for a cursor that is none. Any
 *   other failure is the database's: ERR_UNAVAILABLE (no space, I/O, read-only, locked) or
 *   ERR_INTERNAL (corrupt), and conn->failed and conn->reason say what and what to do.
 */
#ifndef STORAGE_STORE_OPS_H
#define STORAGE_STORE_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "storage/store.h"

enum {
    STORE_TAIL_PAGE = 1000, /* events that tail() gives at once */
    STORE_DM_KEY_SIZE = STORE_DM_USERS_MAX * (ID_MAX + 1) + 1,
    STORE_REASON_SIZE = 256,
    STORE_ERROR_SIZE = 512,
};

struct store_ops;
struct store_copy_ops; /* copy_ops.h */

enum store_open_mode {
    STORE_OPEN_OR_CREATE,
    STORE_OPEN_EXISTING,
    STORE_OPEN_BACKUP, /* a file that a backup made; it is only read, and stays as it is */
};

/* An open database. */
struct store_backend {
    const struct store_ops *ops;
    unsigned conns_max; /* that it can have at once; 0: as many as wanted */
};

/* One thread's way into it. */
struct store_conn {
    const struct store_ops *ops;
    enum err failed; /* the first failure of this transaction; begin and rollback clear it */
    char reason[STORE_REASON_SIZE];
    uint64_t applying; /* the seq of the event whose changes are being written, see apply.h */
};

/* A stream's top. `key` is the backend's own handle of it, and the key of its channel too. */
struct stream {
    int64_t key;
    char name[STORE_STREAM_SIZE];
    char epoch[STORE_EPOCH_SIZE];
    uint64_t seq;
    uint64_t msg_no; /* of a channel */
    bool dirty;      /* changed since it was loaded, see txn.h */
    struct stream *next_dirty;
};

struct chan {
    struct stream stream;
    char id[ID_MAX + 1];
    enum store_channel_type type;
    const char *name;   /* "" for a dm */
    const char *topic;  /* never NULL */
    const char *dm_key; /* of a dm: its users' ids, sorted, with a blank between; else NULL */
    int64_t created_at, archived_at;
    uint64_t members;
    bool dirty;
    bool gone; /* deleted in this batch */
    struct chan *next_dirty;
    uint32_t loaded, used; /* the batches in which it was loaded, and last looked at */
    struct chan *next_used;
};

struct account {
    int64_t key;
    struct store_user user;
};

struct membership {
    int64_t chan_key, user_key; /* together, in this order, the key of the cache */
    bool exists;
    enum store_member_role role;
    int64_t joined_at;
    uint64_t read_seq, read_no; /* the position up to which it is read, and the msg_no there */
    bool dirty;
    struct membership *next_dirty;
};

/* An event as it is kept. LINK belongs to the type: message.created: 1 if it moves its author's
 * read position; message.updated: the seq of the message's update before it, or 0; channel.joined
 * and channel.left: the seq in the channel's stream; read.marked: the seq that is read. */
struct event_row {
    uint64_t seq;
    enum store_event_type type;
    int64_t actor_key; /* 0: none */
    const char *actor; /* its id; NULL where a backend only has the key */
    int64_t at;
    const char *subject;
    uint64_t link;
    const char *client_msg_id;
    const char *data;
    size_t data_len;
};

struct message_row {
    struct store_message m;
    int64_t chan_key;
    int64_t author_key;
    uint64_t last_edit; /* seq of its newest message.updated, 0: none */
};

struct hook_row {
    struct store_hook h;
    const char *hash; /* of an incoming hook's token; of the others "=" and their id: unique */
    const char *slot; /* of a slash command its channel, "/" and the command; else the same */
};

struct channel_filter {
    int64_t user_key; /* whose private channels to show too; 0: nobody's */
    bool all;         /* public and private ones */
    struct store_page page;
};

typedef enum err (*event_visit_fn)(void *arg, const char *stream, int64_t stream_key,
                                   const struct event_row *row);

struct store_ops {
    const char *scheme;

    /* Open or create, lock, migrate. */
    enum err (*open)(const char *path, enum store_open_mode mode,
                     struct store_backend **backend_out, char error_out[STORE_ERROR_SIZE]);
    void (*close)(struct store_backend **backend);
    enum err (*connect)(struct store_backend *backend, bool writes, struct store_conn **conn_out,
                        char error_out[STORE_ERROR_SIZE]);
    void (*disconnect)(struct store_conn **conn);

    enum err (*begin)(struct store_conn *conn, bool write);
    enum err (*commit)(struct store_conn *conn);
    void (*rollback)(struct store_conn *conn);
    /* A small durable write of its own, to see whether writing works (again). */
    enum err (*probe)(struct store_conn *conn);

    /* -- for a database with several writers; all NULL where this process is the only one -------
     * There another process may be first: a commit that fails with CONFLICT has made the first
     * durable() requests of the batch durable; the others are to be run again, from fresh rows. Any
     * primitive of a writer may fail like that (conn->failed). What a stream's rows show may lag
     * behind its log; stream_get() and chan_get() give a writer what they show, and tail() what is
     * missing. */
    /* Whether the database does not answer now, and why. Threading: any. */
    bool (*away)(struct store_backend *, char reason_out[STORE_REASON_SIZE]);
    bool (*alone)(enum store_op op); /* such a request is a batch of its own */
    /* What is written from now on belongs to request I of the batch. */
    void (*mark)(struct store_conn *, size_t i);
    size_t (*durable)(struct store_conn *);
    /* The seq that the Ith event of the batch got: those of u: streams may move. */
    uint64_t (*event_seq)(struct store_conn *, size_t i);
    /* A hint: these will run now, their channels are loaded. AGAIN: they lost a race, so that their
     * client_msg_ids may be known by now. */
    enum err (*prefetch)(struct store_conn *, struct store_req *const *reqs, size_t n, bool again);
    /* Whether accounts may have changed since it was last asked; at most a second late. */
    bool (*accounts_changed)(struct store_conn *);
    /* The next events behind STREAM's seq; fewer than STORE_TAIL_PAGE are the end of the log. */
    enum err (*tail)(struct store_conn *, struct arena *, const struct stream *stream,
                     struct event_row **out, size_t *n);
    /* Streams that other processes write into too are written in turns. Wait for those that these
     * requests need; AGAIN: they lost a race. The turns may be kept for the next transactions,
     * until idle(). Before begin(), so that what comes in meanwhile can join the batch, and in it;
     * only there it matters whether it failed (conn->failed). Whether it took time. */
    bool (*take_turns)(struct store_conn *, struct store_req *const *reqs, size_t n, bool again);
    /* Whether others have written into STREAM while they had the turn, so that what is cached of it
     * is old. False too if its top was all that moved: then it is right now. */
    bool (*contended)(struct store_conn *, struct stream *stream);
    /* No request waits: what is kept for the next one is given back, unless one comes until the
     * time (monotonic) that is returned; 0: nothing is kept. */
    uint64_t (*idle)(struct store_conn *);
    /* Commit only if STREAM's seq is its top: it was looked at, and is not written. */
    enum err (*expect)(struct store_conn *, const struct stream *stream);
    /* The streams that a reader saw with events that have to be applied before they are served. */
    size_t (*behind)(struct store_conn *, const char *const **streams_out);
    /* Whether a reader answers several requests of this kind with fewer questions: then it gets
     * them at once, joins_max at most (0: as many as there are). */
    bool (*joins)(enum store_op op);
    size_t joins_max;
    /* A hint for a reader: these will run now, in this transaction; what they ask for is loaded in
     * the order in which each of them would ask. May be NULL. */
    enum err (*gather)(struct store_conn *, struct store_req *const *reqs, size_t n);
    /* stream_get() for a reader of many; one that does not exist has no name. */
    enum err (*streams_get)(struct store_conn *, struct arena *, const char *const *names, size_t n,
                            struct stream *out);

    /* -- the log ---------------------------------------------------------------------------- */
    enum err (*stream_get)(struct store_conn *, const char *name, struct stream *out);
    enum err (*stream_add)(struct store_conn *, struct stream *stream); /* sets the key, epoch */
    enum err (*stream_save)(struct store_conn *, const struct stream *stream);
    /* CONFLICT: the seq is taken. */
    enum err (*event_add)(struct store_conn *, const struct stream *, const struct event_row *);
    /* NOT_FOUND. Only type, at and link are filled in. */
    enum err (*event_get)(struct store_conn *, const struct stream *, uint64_t seq,
                          struct event_row *out);
    enum err (*event_scrub)(struct store_conn *, const struct stream *, uint64_t seq,
                            const char *data, size_t data_len);
    enum err (*events_list)(struct store_conn *, struct arena *, const struct stream *,
                            uint64_t after, uint32_t limit, struct store_event **out, size_t *n);
    /* Where the author's message with this client_msg_id was created: NOT_FOUND. */
    enum err (*client_msg_find)(struct store_conn *, int64_t author_key, const char *client_msg_id,
                                int64_t *chan_key_out, uint64_t *seq_out);
    /* Every event, stream by stream, by seq; those of r: streams only, or all but these. */
    enum err (*events_scan)(struct store_conn *, bool reads, event_visit_fn visit, void *arg);
    enum err (*events_count)(struct store_conn *, uint64_t *out);
    /* Empty every table that apply() writes, and set all msg_no to 0. */
    enum err (*projections_clear)(struct store_conn *);

    /* -- projections ------------------------------------------------------------------------ */
    /* REF is an id or "#name". NOT_FOUND. */
    enum err (*chan_get)(struct store_conn *, struct arena *, const char *ref, struct chan *out);
    enum err (*chan_by_dm)(struct store_conn *, struct arena *, const char *dm_key,
                           struct chan *out);
    enum err (*chan_add)(struct store_conn *, const struct chan *); /* CONFLICT: the name */
    enum err (*chan_save)(struct store_conn *, const struct chan *);
    /* Instead, when its name has changed; NULL: nothing else to do then. */
    enum err (*chan_rename)(struct store_conn *, const struct chan *, const char *old_name);
    /* The channel is gone, and its hooks with their dead letters; its members (no list of channels
     * shows it to them) and its messages (nothing finds them) wait to be purged. */
    enum err (*chan_remove)(struct store_conn *, const struct chan *);
    /* A stream whose channel was removed and whose purge is not done: its key and name, and as its
     * msg_no the seq up to which the messages are purged. NOT_FOUND. */
    enum err (*purge_next)(struct store_conn *, struct stream *out);
    /* Its messages up to SEQ go; DONE: none are left. */
    enum err (*purge)(struct store_conn *, const struct stream *, uint64_t seq, bool done);
    enum err (*chans_list)(struct store_conn *, struct arena *, const struct channel_filter *,
                           struct chan **out, size_t *n, const char **next_out);
    /* Everything that a user is in, with the memberships. */
    enum err (*chans_of)(struct store_conn *, struct arena *, int64_t user_key, struct chan **out,
                         struct membership **members_out, size_t *n);

    enum err (*member_get)(struct store_conn *, int64_t chan_key, int64_t user_key,
                           struct membership *out); /* exists: false if not */
    enum err (*member_add)(struct store_conn *, const struct membership *);
    enum err (*member_save)(struct store_conn *, const struct membership *);
    enum err (*member_remove)(struct store_conn *, int64_t chan_key, int64_t user_key);
    /* The members of a channel, oldest account first. NEXT_OUT may be NULL. */
    enum err (*members_list)(struct store_conn *, struct arena *, int64_t chan_key,
                             const char *cursor, uint32_t limit, struct store_member **out,
                             size_t *n, const char **next_out);

    enum err (*message_add)(struct store_conn *, const struct message_row *);
    enum err (*message_save)(struct store_conn *, const struct message_row *);
    enum err (*message_get)(struct store_conn *, struct arena *, const char *id,
                            struct message_row *out); /* NOT_FOUND */
    enum err (*message_at)(struct store_conn *, struct arena *, int64_t chan_key, uint64_t seq,
                           struct message_row *out); /* NOT_FOUND */
    /* The msg_no of the last message at or before SEQ, 0 if there is none. */
    enum err (*msg_no_at)(struct store_conn *, int64_t chan_key, uint64_t seq, uint64_t *out);
    /* LIMIT messages with seq < BELOW, newest first, or with seq > ABOVE, oldest first. */
    enum err (*messages_before)(struct store_conn *, struct arena *, const struct chan *,
                                uint64_t below, uint32_t limit, struct message_row **out,
                                size_t *n);
    enum err (*messages_after)(struct store_conn *, struct arena *, const struct chan *,
                               uint64_t above, uint32_t limit, struct message_row **out, size_t *n);

    enum err (*mention_add)(struct store_conn *, int64_t user_key, int64_t chan_key, uint64_t seq);
    enum err (*mention_remove)(struct store_conn *, int64_t user_key, int64_t chan_key,
                               uint64_t seq);
    enum err (*mentions_forget)(struct store_conn *, int64_t user_key, int64_t chan_key);
    enum err (*mentions_count)(struct store_conn *, int64_t user_key, int64_t chan_key,
                               uint64_t after, uint64_t *out);

    /* -- accounts --------------------------------------------------------------------------- */
    /* REF is an id or "@name". NOT_FOUND. */
    enum err (*user_get)(struct store_conn *, struct arena *, const char *ref, bool secret,
                         struct account *out);
    enum err (*user_by_key)(struct store_conn *, struct arena *, int64_t key, struct account *out);
    enum err (*user_add)(struct store_conn *, struct account *); /* sets key. CONFLICT: the name */
    /* PASSWORD_HASH in it may be NULL: keep the old one. */
    enum err (*user_save)(struct store_conn *, const struct account *);
    enum err (*user_owner)(struct store_conn *, struct arena *, struct account *out); /* the first;
                                                                                NOT_FOUND */
    enum err (*user_counts)(struct store_conn *, uint64_t *users_out, uint64_t *owners_out);
    enum err (*users_list)(struct store_conn *, struct arena *, const struct store_page *,
                           struct store_user **out, size_t *n, const char **next_out);

    /* The same of bots that belong to no hook: OWNER's (its id), or with NULL all. */
    enum err (*bots_list)(struct store_conn *, struct arena *, const char *owner,
                          const struct store_page *, struct store_user **out, size_t *n,
                          const char **next_out);

    enum err (*session_add)(struct store_conn *, int64_t user_key, const char *hash,
                            const struct store_session *);
    enum err (*session_get)(struct store_conn *, struct arena *, const char *id, const char *hash,
                            struct store_session *out); /* by one of the two; NOT_FOUND */
    enum err (*session_touch)(struct store_conn *, const char *id, int64_t now);
    enum err (*session_remove)(struct store_conn *, const char *id);
    enum err (*sessions_expire)(struct store_conn *, int64_t now, uint32_t limit);
    enum err (*sessions_list)(struct store_conn *, struct arena *, int64_t user_key,
                              struct store_session **out, size_t *n);

    enum err (*invite_add)(struct store_conn *, const char *hash, const struct store_invite *);
    enum err (*invite_find)(struct store_conn *, struct arena *, const char *hash,
                            struct store_invite *out); /* NOT_FOUND */
    enum err (*invite_use)(struct store_conn *, const char *id);
    enum err (*invite_remove)(struct store_conn *, const char *id); /* NOT_FOUND */
    enum err (*invites_list)(struct store_conn *, struct arena *, struct store_invite **out,
                             size_t *n);

    enum err (*hook_add)(struct store_conn *, const struct hook_row *); /* CONFLICT: the slot */
    /* All that people change; with MOVE the position too, if that is forward. CONFLICT: the slot.
     */
    enum err (*hook_save)(struct store_conn *, const struct hook_row *, bool move);
    enum err (*hook_get)(struct store_conn *, struct arena *, const char *id, const char *hash,
                         struct hook_row *out); /* by one of the two; NOT_FOUND */
    /* With its dead letters. */
    enum err (*hook_remove)(struct store_conn *, const char *id);
    enum err (*hooks_list)(struct store_conn *, struct arena *, const char *channel,
                           struct store_hook **out, size_t *n); /* oldest first */
    /* Enabled outgoing ones, by id. */
    enum err (*hooks_outgoing)(struct store_conn *, struct arena *, const char *after,
                               uint32_t limit, struct store_hook **out, size_t *n);
    /* NOT_FOUND: another node has it until after NOW, or it is disabled, or there is none. */
    enum err (*hook_lease)(struct store_conn *, const char *id, const char *node, int64_t until,
                           int64_t now);
    enum err (*hook_mark)(struct store_conn *, const char *id, uint64_t seq,
                          enum store_hook_outcome outcome, const char *error, int64_t now);
    enum err (*hook_failure_put)(struct store_conn *, const struct store_hook_failure *);
    enum err (*hook_failure_due)(struct store_conn *, const char *hook,
                                 uint64_t seq); /* NOT_FOUND */
    enum err (*hook_failure_remove)(struct store_conn *, const char *hook,
                                    uint64_t seq); /* NOT_FOUND */
    /* Those below BEFORE, newest first; DUE: only such. */
    enum err (*hook_failures_list)(struct store_conn *, struct arena *, const char *hook,
                                   uint64_t before, bool due, uint32_t limit,
                                   struct store_hook_failure **out, size_t *n);
    /* Only the newest MAX stay. */
    enum err (*hook_failures_trim)(struct store_conn *, const char *hook, uint32_t max);

    enum err (*stats)(struct store_conn *, struct store_stats *out);

    const struct store_copy_ops *copy;

    /* See store_backup(). From any thread, with a connection of its own. NULL: its contents are
     * copied into a database that has one. */
    enum err (*backup)(struct store_backend *, const char *path, store_progress_fn, void *arg,
                       char error_out[STORE_ERROR_SIZE]);
};

extern const struct store_ops store_sqlite_ops;
extern const struct store_ops store_mongo_ops;

#endif
