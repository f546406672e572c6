/* limits.h - every bound of the protocol, in one place. Threading: constants only.
 *
 * Characters are Unicode code points; bytes are bytes of UTF-8.
 */
#ifndef PROTOCOL_LIMITS_H
#define PROTOCOL_LIMITS_H

#include <stdint.h>

/*    name                   wire name              value     what */
#define LIMIT_MAP(X)                                                                               \
    X(TEXT_BYTES, text_bytes, 16384, "longest text of a message")                                  \
    X(FRAME_BYTES, frame_bytes, 65536, "longest WebSocket message and HTTP body from a client")    \
    X(QUEUE_BYTES, queue_bytes, 1048576, "what a connection may have waiting to be read")          \
    X(RESUME_EVENTS, resume_events, 1000, "events of a stream that a resume sends again at most")  \
    X(NAME_CHARS, name_chars, 32, "longest name of a user or channel")                             \
    X(DISPLAY_NAME_CHARS, display_name_chars, 64, "longest display name")                          \
    X(TOPIC_CHARS, topic_chars, 250, "longest topic of a channel")                                 \
    X(PASSWORD_MIN_BYTES, password_min_bytes, 8, "shortest new password")                          \
    X(PASSWORD_MAX_BYTES, password_max_bytes, 256, "longest password")                             \
    X(CLIENT_MSG_ID_CHARS, client_msg_id_chars, 64, "longest client_msg_id")                       \
    X(HISTORY_LIMIT, history_limit, 200, "largest limit, and largest number of ids in a list")     \
    X(DM_USERS, dm_users, 8, "users of a direct message beside its opener")                        \
    X(HEARTBEAT_MS, heartbeat_ms, 25000, "the server pings this often; silent twice as long: out") \
    X(START_MS, start_ms, 10000, "time until a connection must have sent session.start")           \
    X(WAIT_MS, wait_ms, 30000, "longest wait_ms of stream.events")                                 \
    X(POSITIONS, positions, 2000, "positions in one session.start")                                \
    X(PRESENCE_MEMBERS, presence_members, 200, "largest channel whose members see presence")       \
    X(SESSION_S, session_s, 2592000, "life of a session: 30 days")                                 \
    X(TOKENS, tokens, 50, "tokens of one account")                                                 \
    X(TOKEN_CHANNELS, token_channels, 50, "channels that a token can be limited to")               \
    X(BOTS, bots, 20, "bots of one account, without those of hooks")                               \
    X(HOOKS, hooks, 20, "webhooks and slash commands of one channel")                              \
    X(HOOK_FAILURES, hook_failures, 1000, "dead letters kept for one outgoing webhook")

enum limit {
#define X(name, wire, value, help) LIMIT_##name = (value),
    LIMIT_MAP(X)
#undef X
};

enum {
    LIMIT_ID_CHARS = 36,
    LIMIT_STREAM_CHARS = 2 + LIMIT_ID_CHARS, /* "c:" or "u:" and an id */
    LIMIT_EPOCH_CHARS = 16,
    LIMIT_TOKEN_CHARS = 128,
    LIMIT_TOKEN_LONG_CHARS = 200, /* of a token that says what it is for */
    LIMIT_CURSOR_BYTES = 256,
    LIMIT_QUERY_CHARS = 64,
    LIMIT_PATH_BYTES = 4096,
    LIMIT_URL_CHARS = 2048,
    LIMIT_ICON_CHARS = 32,
    LIMIT_TRIGGER_CHARS = 64,
    LIMIT_JSON_DEPTH = 16,
    LIMIT_RPC_ID_BYTES = 64,
    LIMIT_COMMAND_CHARS = 64, /* longest name of a command that is looked at */
    LIMIT_PAGE_DEFAULT = 50,  /* `limit` where the caller gives none */
    LIMIT_EVENTS_DEFAULT = 100,
};

/* The largest seq: integers stay exact in a double (RFC 8259 section 6). */
#define LIMIT_SEQ_MAX INT64_C(9007199254740991)

/* How often a client may do what: a token bucket for each class, refilled at PER_SECOND up to
 * BURST. These are the defaults; the server's configuration may set others.
 *    name    wire name  per second  burst  what */
#define RATE_MAP(X)                                                                                \
    X(NONE, none, 0, 0, "not limited")                                                             \
    X(AUTH, auth, 2, 20, "passwords: signing in, registering")                                     \
    X(SEND, send, 50, 200, "sending and editing messages")                                         \
    X(READ, read, 50, 300, "everything that only reads")                                           \
    X(WRITE, write, 20, 100, "everything else that changes something")                             \
    X(TYPING, signal, 20, 60, "typing notices and presence")

enum rate_class {
#define X(name, wire, per_second, burst, help) RATE_##name,
    RATE_MAP(X)
#undef X
        RATE_COUNT
};

struct rate_default {
    const char *name; /* wire name */
    uint32_t per_second;
    uint32_t burst;
};

/* Never NULL for a class below RATE_COUNT. Static. */
const struct rate_default *rate_default(enum rate_class rate);

#endif
