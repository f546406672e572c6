/* mongo.h - what the files of the MongoDB backend share.
 *
 * Several nodes write into one database, without transactions. `events` is the commit point: a
 * batch is staged in memory (stage.c) and appended at commit (commit.c); a place in a stream that
 * is taken means that another node was first. What follows from an event is written afterwards,
 * guarded by positions, so that whoever finds it missing may write it again; what only counts
 * (tops, read positions of authors) is written a little later by a thread of its own (keeper.c).
 * Only storage/mongo/ includes mongoc and bson. Of MongoDB it needs what docs/storage.md names.
 */
#ifndef STORAGE_MONGO_MONGO_H
#define STORAGE_MONGO_MONGO_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "storage/mongo/keeper.h"
#include "storage/mongo/libmongoc.h"
#include "storage/mongo/stage.h"
#include "storage/mongo/turns.h"
#include "storage/store_ops.h"

/* The collections, in the order in which a batch writes what follows from its events: streams last,
 * because their `seq` says how far all the others are. */
#define MG_COLLECTIONS(X)                                                                          \
    X(USERS, "users")                                                                              \
    X(SESSIONS, "sessions")                                                                        \
    X(INVITES, "invites")                                                                          \
    X(HOOK_FAILURES, "hook_failures")                                                              \
    X(HOOKS, "hooks")                                                                              \
    X(MEMBERS, "members")                                                                          \
    X(MENTIONS, "mentions")                                                                        \
    X(EVENTS, "events")                                                                            \
    X(NAMES, "names")                                                                              \
    X(PURGES, "purges")                                                                            \
    X(TURNS, "turns")                                                                              \
    X(META, "meta")                                                                                \
    X(STREAMS, "streams")

enum mg_coll {
#define X(id, name) MG_##id,
    MG_COLLECTIONS(X)
#undef X
        MG_COLLS
};

enum {
    MG_NAME_SIZE = 640,      /* of a claimed name */
    MG_PAGE = 1000,          /* documents in one insert or one list of ids */
    MG_DUPLICATE = 11000,    /* the server's word for "already there" */
    MG_UNAUTHORIZED = 13,    /* and for "you may not" */
    MG_CLAIM_OLD_MS = 20000, /* longer than any commit takes, from a claim on */
    MG_TAIL_OLD_MS = 5000,   /* an event that is not applied by then was left by a dead node */
    MG_ADDRESS_SIZE = 160,
    MG_DB_SIZE = 64,
};

struct mg_backend {
    struct store_backend base;
    mongoc_client_pool_t *pool;
    char address[MG_ADDRESS_SIZE]; /* of the database, without credentials */
    char db[MG_DB_SIZE];
    bool signs_in; /* the address says as whom */
    bool tls;
    bool own_cert; /* to show to the server */
    char epoch[STORE_EPOCH_SIZE];
    struct keeper keeper;
    struct turns turns;
};

/* Rows that were loaded together, for the rest of this transaction. */
struct mg_warm {
    struct map users;   /* by id: struct account */
    struct map keys;    /* by key: the same */
    struct map members; /* by channel and user key: struct membership */
    struct map dedups;  /* known client_msg_ids, by what is unique about them */
    struct map counts;  /* unread mentions, by channel and user key: struct mg_count */
    struct map dms;     /* the people of dms, by channel key: struct mg_people */

    /* Only for several reads at once, see gather.c. */
    struct map sessions; /* by the hash of their token: struct store_session */
    struct map streams;  /* by name, up to the log's top: struct stream; without a name: none */
    struct map mine;     /* what a user is in, by its key: struct mg_mine */
    struct map chans;    /* by key, up to the log's top: struct chan */
};

struct mg_count {
    int64_t chan_key, user_key;
    uint64_t after; /* counted from here on */
    uint64_t n;
};

struct mg_mine {
    int64_t user_key;
    struct membership *members;
    size_t n, cap;
};

struct mg_people {
    int64_t chan_key;
    struct store_member *members;
    size_t n;
};

struct mg_conn {
    struct store_conn base;
    struct mg_backend *backend;
    mongoc_client_t *client;
    mongoc_collection_t *colls[MG_COLLS];
    bool writes;    /* the committer's */
    bool writing;   /* between begin(write) and its end */
    bool appending; /* events were sent: what failed now may be done */
    bool pinging;
    uint64_t began_ns;   /* when this transaction began, monotonic */
    struct arena *arena; /* of this transaction */
    struct mg_warm warm;
    struct stage stage;
    const char **behind; /* streams that were seen with events that are not applied */
    size_t behind_n;
    int64_t accounts_rev; /* of the accounts that callers may have cached */
    uint64_t accounts_checked_ns;
    uint64_t expired_ns;         /* when expired sessions were last removed */
    bool had_none;               /* there was no account when it was asked */
    struct held held[TURNS_MAX]; /* streams whose turn is this connection's */
    size_t held_n;
    uint64_t idle_ns; /* since when it has nothing to write while it holds them; 0: it has */
};

static inline struct mg_conn *mg(struct store_conn *conn)
{
    return (struct mg_conn *)(void *)((char *)conn - offsetof(struct mg_conn, base));
}

static inline struct mg_backend *mg_backend(struct store_backend *backend)
{
    return (struct mg_backend *)(void *)((char *)backend - offsetof(struct mg_backend, base));
}

/* -- query.c: asking and writing --------------------------------------------------------------- */
mongoc_collection_t *mg_coll(struct mg_conn *c, enum mg_coll coll);
/* FILTER, OPTS (may be NULL) and UPDATE are destroyed by whoever gets them. */
mongoc_cursor_t *mg_find(struct mg_conn *c, enum mg_coll coll, bson_t *filter, bson_t *opts);
/* The next document, the cursor's until the next call; NOT_FOUND behind the last, or the failure:
 * the cursor is then destroyed and *CURSOR NULL. */
enum err mg_next(struct mg_conn *c, mongoc_cursor_t **cursor, const bson_t **doc_out);
/* The first document, to be destroyed by the caller. NOT_FOUND. */
enum err mg_one(struct mg_conn *c, enum mg_coll coll, bson_t *filter, bson_t *opts,
                bson_t **doc_out);
/* CONFLICT: a unique index. DOC is destroyed. */
enum err mg_insert(struct mg_conn *c, enum mg_coll coll, bson_t *doc);
/* NOT_FOUND: nothing matched. CONFLICT: a unique index. */
enum err mg_update(struct mg_conn *c, enum mg_coll coll, bson_t *filter, bson_t *update,
                   bool upsert);
enum err mg_delete(struct mg_conn *c, enum mg_coll coll, bson_t *filter, int64_t *n_out);
enum err mg_count(struct mg_conn *c, enum mg_coll coll, bson_t *filter, uint64_t *out);
/* Whether all write errors in REPLY are duplicates. */
bool mg_only_duplicates(const bson_t *reply);
/* Whether the server says that it has taken the write back, because another one was in its way. */
bool mg_taken_back(const bson_error_t *error);
/* Keep what went wrong; the error that it is. */
enum err mg_fail(struct mg_conn *c, const bson_error_t *error);
enum err mg_fail_text(struct mg_conn *c, enum err err, const char *reason);
/* Another node was first: what was staged has to be done again. */
enum err mg_lost(struct mg_conn *c);

/* Values, whatever is in the document. Text is copied; what is missing is "" (NULL for _opt), 0,
 * false. Unsigned ones are never above 2^53. */
char *mg_text(struct arena *arena, const bson_t *doc, const char *name);
char *mg_text_opt(struct arena *arena, const bson_t *doc, const char *name);
void mg_text_into(char *out, size_t out_size, const bson_t *doc, const char *name);
int64_t mg_int(const bson_t *doc, const char *name);
uint64_t mg_uint(const bson_t *doc, const char *name);
int mg_enum(const bson_t *doc, const char *name, int count);
bool mg_has(const bson_t *doc, const char *name);
bool mg_true(const bson_t *doc, const char *name);

/* Lists in filters: {FIELD: {$in: [...]}}. */
struct mg_list {
    bson_t filter, in, values;
    uint32_t n;
};
void mg_list_begin(struct mg_list *list, const char *field);
void mg_list_text(struct mg_list *list, const char *value);
void mg_list_int(struct mg_list *list, int64_t value);
bson_t *mg_list_end(struct mg_list *list); /* the filter, to be destroyed */

/* -- rows.c: documents and rows ---------------------------------------------------------------- */
int64_t mg_stream_key(const char *name);
int64_t mg_account_key(const char *id); /* sorts by the account's age */
void mg_member_id(int64_t chan_key, int64_t user_key, char id_out[MG_MEMBER_ID_SIZE]);
void mg_read_stream(const bson_t *doc, const char *epoch, struct stream *out);
bool mg_read_chan(struct arena *arena, const bson_t *doc, const char *epoch, struct chan *out);
void mg_read_user(struct arena *arena, const bson_t *doc, struct account *out);
void mg_read_member(const bson_t *doc, struct membership *out);
void mg_read_event(struct arena *arena, const bson_t *doc, struct event_row *out);
void mg_read_message(struct arena *arena, const bson_t *doc, struct message_row *out);
void mg_read_session(struct arena *arena, const bson_t *doc, struct store_session *out);
/* What both ways of writing a session have in common: all but its id. */
void mg_append_session(bson_t *doc, int64_t user_key, const char *hash,
                       const struct store_session *session);
/* Nothing for VALUE NULL. */
void mg_append_text(bson_t *doc, const char *name, const char *value);
void mg_read_invite(struct arena *arena, const bson_t *doc, struct store_invite *out);
void mg_read_hook(struct arena *arena, const bson_t *doc, struct hook_row *out);
/* All but the id; nobody has its lease. */
void mg_append_hook(bson_t *doc, const struct hook_row *row);
/* The id of the event that the one with ID carries. */
const char *mg_follower_id(struct arena *arena, const char *id);
/* What is unique about a client_msg_id. */
const char *mg_dedup(struct arena *arena, int64_t author_key, const char *client_msg_id);

/* -- schema.c -----------------------------------------------------------------------------------
 */
enum err mg_prepare(struct mg_conn *c, bool existing, char error_out[STORE_ERROR_SIZE]);

/* -- warm.c: loading together -------------------------------------------------------------------
 */
void mg_warm_clear(struct mg_conn *c);
void mg_warm_free(struct mg_conn *c);
void mg_keep_user(struct mg_conn *c, const bson_t *doc);
struct store_user mg_copy_user(struct arena *arena, const struct store_user *user);
enum err mg_warm_users(struct mg_conn *c, const char *const *ids, size_t n);
/* The accounts of MEMBERS. */
enum err mg_warm_accounts(struct mg_conn *c, const struct membership *members, size_t n);
struct mg_pair {
    int64_t chan_key, user_key;
};
enum err mg_warm_members(struct mg_conn *c, const struct mg_pair *pairs, size_t n);
/* What view_channel() asks about CHAN for the user whose MEMBER it is; NULL: for nobody. */
struct mg_view {
    const struct chan *chan;
    const struct membership *member;
};
enum err mg_warm_views(struct mg_conn *c, const struct mg_view *views, size_t n);
bool mg_take_turns(struct store_conn *conn, struct store_req *const *reqs, size_t n, bool again);
enum err mg_prefetch(struct store_conn *conn, struct store_req *const *reqs, size_t n, bool again);

/* -- gather.c: several reads at once
 * ------------------------------------------------------------*/
bool mg_joins(enum store_op op);
enum err mg_gather(struct store_conn *conn, struct store_req *const *reqs, size_t n);

/* -- tail.c: what the log has beyond the projections
 * ---------------------------------------------*/
enum err mg_tail(struct store_conn *conn, struct arena *arena, const struct stream *stream,
                 struct event_row **out, size_t *n);
/* Bring the seq and msg_no of STREAMS up to the log's; those with more than that to apply are noted
 * in `behind`. */
enum err mg_tops(struct mg_conn *c, struct stream *const *streams, size_t n);
size_t mg_behind(struct store_conn *conn, const char *const **streams_out);

/* -- commit.c ------------------------------------------------------------------------------------
 */
enum err mg_commit(struct store_conn *conn);
size_t mg_durable(struct store_conn *conn);
/* Run what is staged beside the events, of the requests below REQS. */
enum err mg_run_writes(struct mg_conn *c, const struct staged_write *writes, size_t n, size_t reqs);

/* -- hooks.c ------------------------------------------------------------------------------------
 */
/* Those of CHANNEL go when this batch is committed. */
enum err mg_hooks_forget(struct mg_conn *c, const char *channel);

/* -- names.c -------------------------------------------------------------------------------------
 */
/* The stream that has NAME ("#general", or "=" and a dm's key): NOT_FOUND. */
enum err mg_name_owner(struct mg_conn *c, const char *name, char owner_out[STORE_STREAM_SIZE]);
/* Take NAME for OWNER; CONFLICT (and failed): somebody else has it. */
enum err mg_name_take(struct mg_conn *c, const char *name, const char *owner);

/* -- the primitives, by family; see store_ops.h ------------------------------------------------ */
#define MG_OP(name, ...) enum err mg_##name(struct store_conn *conn, __VA_ARGS__)

MG_OP(stream_get, const char *name, struct stream *out);
MG_OP(stream_add, struct stream *stream);
MG_OP(stream_save, const struct stream *stream);
MG_OP(event_add, const struct stream *stream, const struct event_row *row);
MG_OP(event_get, const struct stream *stream, uint64_t seq, struct event_row *out);
MG_OP(event_scrub, const struct stream *stream, uint64_t seq, const char *data, size_t data_len);
MG_OP(events_list, struct arena *arena, const struct stream *stream, uint64_t after, uint32_t limit,
      struct store_event **out, size_t *n);
MG_OP(client_msg_find, int64_t author_key, const char *client_msg_id, int64_t *chan_key_out,
      uint64_t *seq_out);
MG_OP(events_scan, bool reads, event_visit_fn visit, void *arg);
MG_OP(events_count, uint64_t *out);
enum err mg_projections_clear(struct store_conn *conn);
MG_OP(expect, const struct stream *stream);
MG_OP(streams_get, struct arena *arena, const char *const *names, size_t n, struct stream *out);
uint64_t mg_event_seq(struct store_conn *conn, size_t i);

MG_OP(chan_get, struct arena *arena, const char *ref, struct chan *out);
MG_OP(chan_by_dm, struct arena *arena, const char *dm_key, struct chan *out);
MG_OP(chan_add, const struct chan *chan);
MG_OP(chan_save, const struct chan *chan);
MG_OP(chan_rename, const struct chan *chan, const char *old_name);
MG_OP(chan_remove, const struct chan *chan);
MG_OP(purge_next, struct stream *out);
MG_OP(purge, const struct stream *stream, uint64_t seq, bool done);
MG_OP(chans_list, struct arena *arena, const struct channel_filter *filter, struct chan **out,
      size_t *n, const char **next_out);
MG_OP(chans_of, struct arena *arena, int64_t user_key, struct chan **out,
      struct membership **members_out, size_t *n);

MG_OP(member_get, int64_t chan_key, int64_t user_key, struct membership *out);
MG_OP(member_add, const struct membership *m);
MG_OP(member_save, const struct membership *m);
MG_OP(member_remove, int64_t chan_key, int64_t user_key);
MG_OP(members_list, struct arena *arena, int64_t chan_key, const char *cursor, uint32_t limit,
      struct store_member **out, size_t *n, const char **next_out);

MG_OP(message_add, const struct message_row *row);
MG_OP(message_save, const struct message_row *row);
MG_OP(message_get, struct arena *arena, const char *id, struct message_row *out);
MG_OP(message_at, struct arena *arena, int64_t chan_key, uint64_t seq, struct message_row *out);
MG_OP(msg_no_at, int64_t chan_key, uint64_t seq, uint64_t *out);
MG_OP(messages_before, struct arena *arena, const struct chan *chan, uint64_t below, uint32_t limit,
      struct message_row **out, size_t *n);
MG_OP(messages_after, struct arena *arena, const struct chan *chan, uint64_t above, uint32_t limit,
      struct message_row **out, size_t *n);
MG_OP(mention_add, int64_t user_key, int64_t chan_key, uint64_t seq);
MG_OP(mention_remove, int64_t user_key, int64_t chan_key, uint64_t seq);
MG_OP(mentions_forget, int64_t user_key, int64_t chan_key);
MG_OP(mentions_count, int64_t user_key, int64_t chan_key, uint64_t after, uint64_t *out);

MG_OP(user_get, struct arena *arena, const char *ref, bool secret, struct account *out);
MG_OP(user_by_key, struct arena *arena, int64_t key, struct account *out);
MG_OP(user_add, struct account *user);
MG_OP(user_save, const struct account *user);
MG_OP(user_owner, struct arena *arena, struct account *out);
MG_OP(user_counts, uint64_t *users_out, uint64_t *owners_out);
MG_OP(bots_list, struct arena *arena, const char *owner, const struct store_page *page,
      struct store_user **out, size_t *n, const char **next_out);
MG_OP(users_list, struct arena *arena, const struct store_page *page, struct store_user **out,
      size_t *n, const char **next_out);
bool mg_accounts_changed(struct store_conn *conn);
MG_OP(session_add, int64_t user_key, const char *hash, const struct store_session *s);
MG_OP(session_get, struct arena *arena, const char *id, const char *hash,
      struct store_session *out);
MG_OP(session_touch, const char *id, int64_t now);
MG_OP(session_remove, const char *id);
MG_OP(sessions_expire, int64_t now, uint32_t limit);
MG_OP(sessions_list, struct arena *arena, int64_t user_key, struct store_session **out, size_t *n);
MG_OP(invite_add, const char *hash, const struct store_invite *invite);
MG_OP(invite_find, struct arena *arena, const char *hash, struct store_invite *out);
MG_OP(invite_use, const char *id);
MG_OP(invite_remove, const char *id);
MG_OP(invites_list, struct arena *arena, struct store_invite **out, size_t *n);
MG_OP(hook_add, const struct hook_row *row);
MG_OP(hook_save, const struct hook_row *row, bool move);
MG_OP(hook_get, struct arena *arena, const char *id, const char *hash, struct hook_row *out);
MG_OP(hook_remove, const char *id);
MG_OP(hooks_list, struct arena *arena, const char *channel, struct store_hook **out, size_t *n);
MG_OP(hooks_outgoing, struct arena *arena, const char *after, uint32_t limit,
      struct store_hook **out, size_t *n);
MG_OP(hook_lease, const char *id, const char *node, int64_t until, int64_t now);
MG_OP(hook_mark, const char *id, uint64_t seq, enum store_hook_outcome outcome, const char *error,
      int64_t now);
MG_OP(hook_failure_put, const struct store_hook_failure *failure);
MG_OP(hook_failure_due, const char *hook, uint64_t seq);
MG_OP(hook_failure_remove, const char *hook, uint64_t seq);
MG_OP(hook_failures_list, struct arena *arena, const char *hook, uint64_t before, bool due,
      uint32_t limit, struct store_hook_failure **out, size_t *n);
MG_OP(hook_failures_trim, const char *hook, uint32_t max);
MG_OP(stats, struct store_stats *out);

#endif
