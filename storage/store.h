/* store.h - durable chat state: the event log, its projections, accounts; whatever database is
 * behind it.
 *
 * The event log is the truth: every change of a channel or of a user's own stream is an event with
 * a contiguous seq. Messages, channels, members, read positions and mentions are projections of it,
 * which store_rebuild() can make anew. Accounts, sessions and invites are plain rows.
 *
 * Threading: store_open() and store_close() from one thread, while nothing else uses the store.
 *   store_submit() from any thread, never blocks. A request runs on a storage thread:
 *     - writes on the one committer, which joins what is pending into a batch (group commit), makes
 * it durable (fsync) and then calls on_commit once for the batch;
 *     - reads on one of `readers` threads; on_read is called for each, there or, for a read of the
 *       log that ends while a batch is under way, on the committer after that batch: so nobody
 *       hears of an event before its sender has the answer.
 *   Both callbacks run on storage threads: hand over and return, never block.
 * Ownership: the caller owns the request and keeps it and its strings alive until the callback has
 *   got it. What comes back is allocated from the request's own arena.
 * Strings are NUL-terminated valid UTF-8; the caller has checked all bounds of docs/protocol.md.
 *
 * Who sees what: private channels and dms are there for their members only. A public channel can be
 * found, read (history, messages, members) and joined by every account; writing takes membership.
 */
#ifndef STORAGE_STORE_H
#define STORAGE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

struct store; /* opaque; backends see store_ops.h */

enum {
    STORE_EPOCH_SIZE = 17,          /* 16 characters and NUL */
    STORE_STREAM_SIZE = 40,         /* "c:" or "u:", an id, NUL */
    STORE_DM_USERS_MAX = 9,         /* the caller and eight others */
    STORE_PAGE_MAX = 200,           /* rows in one answer */
    STORE_TOKENS_MAX = 50,          /* tokens of one account */
    STORE_BOTS_MAX = 20,            /* bots of one account, without those of hooks */
    STORE_HOOKS_MAX = 20,           /* hooks of one channel */
    STORE_HOOK_FAILURES_MAX = 1000, /* of one hook: the oldest go */
};

#define STORE_NEVER INT64_C(253402300799999) /* the end of the year 9999: no end */

enum store_role { STORE_ROLE_MEMBER, STORE_ROLE_ADMIN, STORE_ROLE_OWNER }; /* of an account */
enum store_member_role { STORE_MEMBER, STORE_MODERATOR };                  /* in a channel */
enum store_channel_type { STORE_PUBLIC, STORE_PRIVATE, STORE_DM };
enum store_hook_kind { STORE_HOOK_INCOMING, STORE_HOOK_OUTGOING, STORE_HOOK_SLASH };

/* "member", "admin", "owner" / "member", "moderator" / "public", "private", "dm" / "incoming",
 * "outgoing", "slash". Static strings. */
const char *store_role_name(enum store_role role);
const char *store_member_role_name(enum store_member_role role);
const char *store_channel_type_name(enum store_channel_type type);
const char *store_hook_kind_name(enum store_hook_kind kind);

/* Databases keep the numbers of these: append only. */
/*     name             wire name          stream   */
#define STORE_EVENT_MAP(X)                                                                         \
    X(MESSAGE_CREATED, "message.created")                                                          \
    X(MESSAGE_UPDATED, "message.updated")                                                          \
    X(MESSAGE_DELETED, "message.deleted")                                                          \
    X(MEMBER_JOINED, "member.joined")                                                              \
    X(MEMBER_LEFT, "member.left")                                                                  \
    X(MEMBER_UPDATED, "member.updated")                                                            \
    X(CHANNEL_CREATED, "channel.created")                                                          \
    X(CHANNEL_UPDATED, "channel.updated")                                                          \
    X(CHANNEL_ARCHIVED, "channel.archived")                                                        \
    X(CHANNEL_DELETED, "channel.deleted")                                                          \
    X(CHANNEL_JOINED, "channel.joined")                                                            \
    X(CHANNEL_LEFT, "channel.left")                                                                \
    X(READ_MARKED, "read.marked") /* in the log of read positions, r:<user>; never sent */

enum store_event_type {
#define X(name, wire) STORE_EVENT_##name,
    STORE_EVENT_MAP(X)
#undef X
        STORE_EVENT_TYPES
};
const char *store_event_name(enum store_event_type type); /* the wire name, static */

/* One committed event. DATA is what the event carries beside the common members, as the inside of a
 * JSON object ("\"message\":{...}"): it is sent as it stands. SUBJECT is the user of member.*
 * events and the channel of channel.joined / channel.left, NULL for the others; SUBJECT_SEQ is, for
 * these two, the seq in the channel's stream of the member.joined / member.left event that belongs
 * to them. */
struct store_event {
    const char *stream;
    const char *epoch;
    uint64_t seq;
    enum store_event_type type;
    const char *actor;
    int64_t at; /* unix ms */
    const char *data;
    size_t data_len;
    const char *subject;
    uint64_t subject_seq;
};

struct store_user {
    const char *id;
    const char *name;
    const char *display_name;
    enum store_role role;
    int64_t created_at;
    int64_t disabled_at;       /* 0: not */
    const char *owner;         /* of a bot: whose it is; NULL: a person */
    bool hook;                 /* a bot that belongs to the hook of the same id */
    const char *password_hash; /* only from STORE_USER_GET with `secret`, else NULL */
};

/* A sign-in, or a token: a credential of a program, good within its scopes. */
struct store_session {
    const char *id;
    const char *user;
    int64_t created_at, last_seen_at; /* of a token that was never used: 0 */
    int64_t expires_at;               /* of a token perhaps STORE_NEVER */
    const char *address;
    const char *agent;
    const char *label;    /* of a token: what it is for; else NULL */
    const char *scopes;   /* of a token: words with a blank between, the server's; else NULL */
    const char *channels; /* of a token that only knows these: ids with a blank between; or NULL */
};

struct store_message {
    const char *id;
    const char *channel;
    uint64_t seq, msg_no;
    const char *author;
    const char *text;                          /* NULL: deleted */
    const char *client_msg_id;                 /* or NULL */
    const char *as_name, *as_icon;             /* how its author is shown; NULL: as it is */
    int64_t created_at, edited_at, deleted_at; /* 0: not */
    const char *const *mentions;               /* user ids, may be NULL */
    size_t mentions_n;
};

/* A channel, and where `joined` the asking user's view of it. */
struct store_channel {
    const char *id;
    const char *name;
    enum store_channel_type type;
    const char *topic;
    int64_t created_at, archived_at;
    uint64_t members;
    const struct store_user *users; /* of a dm: all participants, else NULL */
    size_t users_n;
    bool joined;
    enum store_member_role role;
    const char *epoch;
    uint64_t seq, msg_no; /* the stream's top */
    uint64_t last_read_seq, unread, mentions;
};

struct store_member {
    struct store_user user;
    enum store_member_role role;
    int64_t joined_at;
};

struct store_invite {
    const char
        *id; /* the invite itself is only known when it is made; this names it from then on */
    const char *created_by;
    int64_t created_at, expires_at; /* 0: never */
    uint64_t uses_left;
};

/* A way in or out of one channel. It posts as a bot of its own, whose account has the hook's id. */
struct store_hook {
    const char *id;
    enum store_hook_kind kind;
    const char *channel;
    const char *creator; /* whose the bot is */
    const char *name;    /* its bot's display name too */
    const char *icon;    /* or NULL */
    const char *secret; /* what OUTGOING and SLASH sign with; INCOMING: NULL, only a hash is kept */
    const char *url;    /* OUTGOING, SLASH: where it calls; else NULL */
    const char *events; /* OUTGOING: names of events with a blank between; else NULL */
    const char *trigger; /* OUTGOING: only messages that begin with this word; or NULL */
    const char *command; /* SLASH: the word behind "/", unique in its channel; else NULL */
    bool enabled;
    int64_t created_at;
    int64_t used_at;   /* 0: never */
    uint64_t position; /* OUTGOING: the last seq of its channel that is dealt with */
    int64_t failed_at; /* the last attempt that failed since one that did not; 0: none */
    const char *error; /* of that one; or NULL */
};

/* What an outgoing hook could not deliver. */
struct store_hook_failure {
    const char *hook;
    uint64_t seq;      /* of the event, in the channel's stream */
    const char *event; /* its name */
    uint32_t attempts;
    uint32_t status; /* the last HTTP status; 0: there was no answer */
    const char *error;
    int64_t at;
    bool due; /* to be delivered again */
};

struct store_top {
    const char *stream;
    const char *epoch; /* NULL: there is no such stream (yet) */
    uint64_t seq;
};

/* JSON as it goes on the wire: appends one object. The same functions make event data inside. */
struct buf;
void store_user_json(struct buf *out, const struct store_user *user);
/* The member "users" of an object: a list of them. */
void store_users_json(struct buf *out, const struct store_user *users, size_t n);
void store_message_json(struct buf *out, const struct store_message *message);
/* VIEW: with the members of the asking user's view (the channel must be joined). */
void store_channel_json(struct buf *out, const struct store_channel *channel, bool view);

/* Who asks. SYSTEM stands for the server itself: everything is allowed and visible, but for editing
 * what others wrote. CHANNELS, if not NULL: there are no other channels for the actor, and it makes
 * none. */
struct store_actor {
    const char *user;
    enum store_role role;
    bool system;
    const char *const *channels;
    size_t channels_n;
};

/* What a write or read may answer instead of ERR_OK: NOT_FOUND (also for what the actor may not
 * know exists), FORBIDDEN, CONFLICT, INVALID_PARAMS (FIELD and REASON name what is wrong), GONE,
 * UNAVAILABLE (the outcome is unknown or nothing happened; the same client_msg_id may be sent
 * again), INTERNAL. */
enum store_op {
    /* -- writes ------------------------------------------------------------------------------- */
    STORE_MESSAGE_SEND,    /* in.send; out.message. A known client_msg_id of the author gives the
                              original    and `duplicate`. */
    STORE_MESSAGE_EDIT,    /* in.message {message, text}; out.message; author only */
    STORE_MESSAGE_DELETE,  /* in.message {message}; out.message; author, moderator, admin */
    STORE_CHANNEL_CREATE,  /* in.channel_new; out.channel; the actor is its moderator and first
                              member */
    STORE_CHANNEL_UPDATE,  /* in.channel {channel, name?, topic?}; out.channel; moderator */
    STORE_CHANNEL_ARCHIVE, /* in.channel {channel}; out.channel; moderator */
    STORE_CHANNEL_DELETE,  /* in.channel {channel}; admin: members leave, the texts in
                              its events are scrubbed soon after; of a large channel most leave
                              soon after too */
    STORE_CHANNEL_JOIN,  /* in.channel {channel}; out.channel; public ones; joined already: no event
                          */
    STORE_CHANNEL_LEAVE, /* in.channel {channel}; not a dm */
    STORE_CHANNEL_INVITE, /* in.channel {channel, user}; a member of a private or public channel */
    STORE_CHANNEL_REMOVE, /* in.channel {channel, user}; moderator */
    STORE_DM_OPEN,        /* in.dm; out.channel; the same channel for the same set */
    STORE_READ_MARK,      /* in.read {channel, seq}; out.channel (view); seq above the top:
                             INVALID_PARAMS */
    STORE_USER_CREATE,    /* in.user_new; out.user (+ out.session if a token hash is given). With
                             an owner it is a bot, made by that owner. */
    STORE_USER_UPDATE, /* in.user {user, display_name?, password_hash?, role?, disabled?}; out.user.
                          The last owner stays an owner and enabled: CONFLICT. A bot is its
                          owner's to change too; it has no password and stays a member. */
    STORE_SESSION_CREATE, /* in.session_new; out.session */
    STORE_SESSION_DELETE, /* in.session {id | user, except?, token?}; out.ids: the sessions and
                             tokens that ended. TOKEN: ID has to be a token's */
    STORE_SESSION_TOUCH,  /* in.session {id}; last_seen_at = now */
    STORE_TOKEN_CREATE,   /* in.token; out.session: for the actor or a bot of its own */
    STORE_INVITE_CREATE,  /* in.invite {hash, uses, expires_at}; out.invite */
    STORE_INVITE_DELETE,  /* in.invite {id} */
    STORE_HOOK_CREATE, /* in.hook {kind, channel, name, hash, secret, ...}; out.hook, out.user (its
                          bot, which joins the channel); moderator */
    STORE_HOOK_UPDATE, /* in.hook {hook, what is to change}; out.hook, out.user; moderator. Enabled
                          again, an outgoing hook goes on with what is new. */
    STORE_HOOK_ROTATE, /* in.hook {hook, hash, secret}; out.hook; moderator */
    STORE_HOOK_DELETE, /* in.hook {hook}; out.hook, out.user: its bot leaves and is disabled;
                          moderator */
    STORE_HOOK_REDELIVER, /* in.hook_failure {hook, seq}: is due; out.hook, out.failures (the one);
                             moderator */
    /* The server's own, who asks does not matter: */
    STORE_HOOK_LEASE, /* in.hook_at {hook, node, until}; out.hook: an enabled outgoing hook is this
                         node's to deliver until then. CONFLICT: another node has it, or there is
                         nothing to deliver (disabled, with its creator too; gone). UNTIL 0 gives it
                         back. */
    STORE_HOOK_MARK,  /* in.hook_at {hook, seq, outcome, error}: everything up to seq is dealt with;
                         never goes back; doing it again changes nothing but times */
    STORE_HOOK_FAIL,  /* in.hook_failure, all of it but `at` and `due`: into the dead letters, or in
                         the place of the one that is there */
    STORE_HOOK_SETTLE, /* in.hook_failure {hook, seq}: delivered after all; NOT_FOUND */
    STORE_WRITES,      /* ops below are reads */
    /* -- reads -------------------------------------------------------------------------------- */
    STORE_SESSION_GET = STORE_WRITES, /* in.session {token_hash}; out.session, out.user; an expired
                                         one, and one of a disabled user or of a disabled user's
                                         bot: UNAUTHENTICATED */
    STORE_SESSION_LIST,               /* in.session {user}; out.sessions with the tokens, out.user
                                         (a bot is disabled when its owner is) */
    STORE_BOT_LIST,                   /* in.bots; out.users, out.next */
    STORE_SNAPSHOT, /* in.user {user}; out.channels (views of all that the user is in), out.top
                       (of u:<user>), out.user: one consistent cut */
    STORE_TOPS,     /* in.tops; out.tops, in the order asked */
    STORE_EVENTS, /* in.events {stream, after, limit}; out.events, out.top. No visibility check. */
    STORE_USER_GET,    /* in.user {user or "@name", secret}; out.user. user NULL: the first owner */
    STORE_USER_LIST,   /* in.page; out.users, out.next */
    STORE_CHANNEL_GET, /* in.channel {channel or "#name"}; out.channel */
    STORE_CHANNEL_LIST,    /* in.page; out.channels, out.next; system: all but dms */
    STORE_CHANNEL_MEMBERS, /* in.channel + in.page via in.members; out.members, out.next */
    STORE_MESSAGE_GET,     /* in.message {message}; out.message */
    STORE_HISTORY, /* in.history; out.messages, out.users (the authors), more_before, more_after */
    STORE_INVITE_LIST, /* out.invites */
    STORE_HOOK_LIST,   /* in.hooks {channel}; out.hooks, out.users (their creators); moderator */
    STORE_HOOK_GET,    /* in.hook {hook}; out.hook, out.user (its bot); moderator */
    STORE_HOOK_FIND, /* in.hook {hook, hash}: an incoming one, by both; out.hook, out.user (its bot,
                        disabled if its creator is). No check of who asks. NOT_FOUND */
    STORE_HOOK_COMMANDS,  /* in.hooks {channel}; out.hooks: the enabled slash commands; member */
    STORE_HOOKS_OUTGOING, /* in.hooks {page, without query}; out.hooks, out.next: all enabled
                            outgoing ones. No check of who asks. */
    STORE_HOOK_FAILURES,  /* in.hooks {hook, page, due}; out.failures, newest event first, out.next;
                             moderator */
    STORE_STATS,          /* out.stats */
    STORE_OPS
};
const char *store_op_name(enum store_op op);
static inline bool store_op_writes(enum store_op op)
{
    return op < STORE_WRITES;
}

struct store_page {
    const char *cursor; /* NULL: from the start. Opaque; a malformed one: INVALID_PARAMS "cursor" */
    const char *query;  /* NULL, or a part of the name, display name or topic, any case */
    uint32_t limit;     /* 1 to STORE_PAGE_MAX */
};

struct store_stats {
    uint64_t users, sessions, channels, members, messages, events, streams, bytes;
};

enum store_hook_outcome {
    STORE_HOOK_SKIPPED,   /* nothing for it up to there */
    STORE_HOOK_DELIVERED, /* used now; no failure any more */
    STORE_HOOK_FAILED,    /* ERROR says why; SEQ may be where it was */
};

enum store_history_from { STORE_NEWEST, STORE_BEFORE, STORE_AFTER, STORE_AROUND };

/* Where an id is asked for in `channel`, "#name" also works; where in `user`, "@name". */
struct store_req {
    enum store_op op;
    struct arena *arena;
    struct store_actor actor;
    union {
        struct {
            const char *channel, *text, *client_msg_id; /* client_msg_id may be NULL */
            const char *as_name, *as_icon;              /* or NULL */
        } send;
        struct {
            const char *message, *text;
        } message;
        struct {
            const char *name, *topic;     /* topic may be NULL */
            enum store_channel_type type; /* public or private */
        } channel_new;
        struct {
            const char *channel, *user, *name, *topic;
        } channel;
        struct {
            const char *channel;
            struct store_page page;
        } members;
        struct {
            const char *const *users; /* ids, without the actor's */
            size_t users_n;
        } dm;
        struct {
            const char *channel;
            uint64_t seq;
        } read;
        struct {
            const char *name, *display_name, *password_hash;
            enum store_role role;
            bool first_is_owner; /* while there is no account: owner, whatever role says */
            const char
                *invite_hash; /* or NULL; used up by this account; unknown or spent: FORBIDDEN */
            bool need_invite; /* refuse without a good invite unless this is the first account */
            const char *const
                *join; /* names of public channels to join; the first account makes them */
            size_t join_n;
            const char *owner;      /* of a bot: an id or @name; else NULL */
            const char *token_hash; /* or NULL: make a session too */
            int64_t session_expires_at;
            const char *address, *agent;
        } user_new;
        struct {
            const char *user, *display_name, *password_hash;
            bool secret;
            bool set_role, set_disabled;
            enum store_role role;
            bool disabled;
        } user;
        struct {
            const char *user, *token_hash, *address, *agent;
            int64_t expires_at;
        } session_new;
        struct {
            const char *id, *user, *except, *token_hash;
            bool token;
        } session;
        struct {
            const char *user; /* an id or @name; NULL: the actor */
            const char *name, *scopes, *hash;
            const char *const *channels; /* ids of channels that the actor may see; NULL: all */
            size_t channels_n;
            int64_t expires_at; /* 0: never */
        } token;
        struct {
            const char *owner; /* an id or @name; NULL: everybody's, for the system */
            struct store_page page;
        } bots;
        struct {
            const char *id, *hash;
            uint64_t uses;
            int64_t expires_at;
        } invite;
        /* Updating: NULL leaves as it is; "" takes icon and trigger away. */
        struct {
            const char *hook, *channel;
            enum store_hook_kind kind;
            const char *name, *icon;
            const char *hash;   /* of an incoming hook's token */
            const char *secret; /* of the others */
            const char *url, *events, *trigger, *command;
            bool set_enabled, enabled;
        } hook;
        struct {
            const char *channel, *hook;
            bool due; /* only those */
            struct store_page page;
        } hooks;
        struct {
            const char *hook, *node;
            int64_t until; /* unix ms */
            uint64_t seq;
            enum store_hook_outcome outcome;
            const char *error;
        } hook_at;
        struct store_hook_failure hook_failure;
        struct {
            const char *const *streams;
            size_t n;
        } tops;
        struct {
            const char *stream;
            uint64_t after;
            uint32_t limit;
        } events;
        struct {
            const char *channel;
            enum store_history_from from;
            uint64_t seq;
            uint32_t limit;
        } history;
        struct store_page page;
    } in;

    enum err err;
    const char *field,
        *reason; /* with an error: what is wrong; static or from the arena; or NULL */
    struct {
        struct store_message message;
        bool duplicate;
        struct store_channel channel;
        struct store_user user;
        struct store_session session;
        struct store_invite invite;
        struct store_hook hook;
        struct store_top top;
        struct store_stats stats;
        struct store_channel *channels;
        struct store_user *users;
        struct store_member *members;
        struct store_message *messages;
        struct store_session *sessions;
        struct store_invite *invites;
        struct store_hook *hooks;
        struct store_hook_failure *failures;
        struct store_event *events;
        struct store_top *tops;
        const char **ids;
        size_t n;       /* of the array that the op answers */
        size_t users_n; /* of `users` where it comes beside another array */
        bool more_before, more_after;
        const char *next; /* cursor, NULL at the end */
    } out;

    void *owner; /* the caller's */
    struct {
        const char *user;   /* the account that it has made, when it runs again */
        bool first;         /* and whether that was the first one */
    } made;                 /* the store's */
    uint64_t submitted_ns;  /* set by store_submit(), monotonic */
    struct store_req *next; /* the queue's, then free for the caller's own lists */
};

/* One durable batch: the requests in the order in which they were applied, each answered, and all
 * events that they made, in commit order (the events of one stream by seq). Valid during the call
 * only; a request that is not ERR_OK made no event. Requests whose outcome is an error may come in
 * a batch that was not committed at all. */
struct store_commit {
    struct store_req **reqs;
    size_t reqs_n; /* 0: the members of a deleted channel go on leaving */
    const struct store_event *events;
    size_t events_n;
    uint64_t started_ns, committed_ns; /* monotonic */
};

struct store_options {
    const char *url;    /* "sqlite:PATH" (the database file; ":memory:" is not offered), or the
                           address of a MongoDB database: "mongodb://...", "mongodb+srv://..." */
    unsigned readers;   /* threads, 1 to 64; 0: 2 */
    unsigned batch_max; /* requests a commit; 0: 512 */
    size_t queue_max;   /* pending writes, and pending reads; beyond: UNAVAILABLE; 0: 65536 */
    void (*on_commit)(void *arg, const struct store_commit *commit);
    void (*on_read)(void *arg, struct store_req *req);
    void *arg;
};

/* Opens or creates, migrates, starts the threads. On failure *store_out is NULL and ERROR_OUT says
 * in a sentence what is wrong with which file and what to do (locked by another parleyd, newer than
 * this binary, not a database, corrupt, read-only, no space, no such directory). A database that
 * was made by a backup gets new epochs here. */
enum err store_open(const struct store_options *options, struct store **store_out,
                    char error_out[512]);
/* Finishes what is queued, stops the threads, closes. Sets *store to NULL; NULL is fine. */
void store_close(struct store **store);

/* Queue REQ. Never blocks and never calls back from inside; a full queue answers UNAVAILABLE
 * through the callback too. */
void store_submit(struct store *store, struct store_req *req);
/* Reads only: FIRST and those linked to it by `next`, which wakes the readers once. */
void store_submit_reads(struct store *store, struct store_req *first);

/* Whether writes are accepted now; when not, REASON_OUT says why (disk full, read-only, ...). The
 * committer probes by itself and resumes when the cause is gone. Threading: any. */
bool store_is_writable(struct store *store, char reason_out[256]);
size_t store_queue_depth(struct store *store);

/* Called from the calling thread; return false to stop. STEP is what is being done ("copying"),
 * UNIT what DONE and TOTAL count ("bytes", "events"), both in one word and static. TOTAL may grow;
 * each step begins anew. */
typedef bool (*store_progress_fn)(void *arg, const char *step, const char *unit, uint64_t done,
                                  uint64_t total);

/* Copy the running store to the new file PATH (refuses an existing one) as it was at one moment of
 * the call, verify it (integrity check, counts, every stream contiguous) and mark it as a backup,
 * so that a server started on it gives its streams new epochs. PATH appears when all of that is
 * done. It is an SQLite file whatever the store is. A store that several nodes write has no one
 * moment: there each stream ends where it did when it was read, and later ones never before earlier
 * ones. Blocks: call from a thread of its own. */
enum err store_backup(struct store *store, const char *path, store_progress_fn progress, void *arg,
                      char error_out[512]);

/* What a copy holds. HASH is over all events of all streams: equal for equal histories. */
struct store_copied {
    uint64_t users, sessions, invites, hooks, streams, events;
    char hash[65];
    bool resumed; /* an earlier copy had been interrupted */
};

/* Offline: copy all that the database at FROM holds into the one at TO, whichever kinds they are:
 * the same history, epochs and seqs and all, and check it: every account, session and invite, every
 * event (hashes of each stream, computed on both sides), and that channels, members, read positions
 * and messages read the same. TO must be empty, or hold what was left when this very copy was
 * interrupted: then it goes on. Until it is done a store does not open on TO. A parleyd that has
 * one of them open is refused where that can be known (SQLite), and noticed by the check elsewhere.
 */
enum err store_migrate(const char *from, const char *to, store_progress_fn progress, void *arg,
                       struct store_copied *out, char error_out[512]);

/* Offline: make the database at TO, which must not exist (SQLite) or be empty, from the backup at
 * the path FILE, which stays as it is. It is another history from there on: its epochs are new.
 * OUT: only the events are counted where the file is copied as it is (SQLite). */
enum err store_restore(const char *file, const char *to, store_progress_fn progress, void *arg,
                       struct store_copied *out, char error_out[512]);

/* Offline: drop the projections of the database at URL and replay every event. Fails if a parleyd
 * has it open. One transaction: a killed rebuild changes nothing. */
enum err store_rebuild(const char *url, store_progress_fn progress, void *arg, char error_out[512]);

#endif
