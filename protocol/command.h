/* command.h - the command table: what a client may ask, with which parameters, and who may.
 *
 * The rows are in protocol/commands.def; the same rows make the parameter checks, the help, the
 * TypeScript types and the tests that walk all commands. The server adds a handler to each row.
 * Threading: constant tables, any thread. Ownership: everything returned is static.
 */
#ifndef PROTOCOL_COMMAND_H
#define PROTOCOL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "protocol/limits.h"

enum command_id {
#define COMMAND(id, name, handler, access, scope, rate, result, help, params) CMD_##id,
#include "protocol/commands.def"
#undef COMMAND
    CMD_COUNT
};

/*    name      wire name  what */
#define ACCESS_MAP(X)                                                                              \
    X(ANYONE, anyone, "no session needed")                                                         \
    X(USER, user, "signed in")                                                                     \
    X(ADMIN, admin, "an admin or owner of the server")                                             \
    X(OWNER, owner, "an owner of the server")

enum access {
#define X(name, wire, help) ACCESS_##name,
    ACCESS_MAP(X)
#undef X
        ACCESS_COUNT
};

/* What a token may do: each command needs one. A sign-in has them all.
 *    name            wire name        what */
#define SCOPE_MAP(X)                                                                               \
    X(MESSAGES_READ, "messages:read", "read messages, receive events, mark as read")               \
    X(MESSAGES_WRITE, "messages:write", "send, edit and delete messages")                          \
    X(CHANNELS_READ, "channels:read", "find channels and see who is in them")                      \
    X(CHANNELS_WRITE, "channels:write", "make, change, join and leave channels, open direct ones") \
    X(USERS_READ, "users:read", "see accounts and who is there")                                   \
    X(PROFILE_WRITE, "profile:write", "change the display name and presence")                      \
    X(HOOKS_WRITE, "hooks:write", "manage the webhooks and slash commands of channels")            \
    X(ADMIN, "admin", "administer the server, as far as its user may")

enum scope {
#define X(name, wire, help) SCOPE_##name,
    SCOPE_MAP(X)
#undef X
        SCOPE_COUNT,
    SCOPE_NONE = SCOPE_COUNT, /* every token may */
    SCOPE_SESSION,            /* no token may: it takes a sign-in */
};

/* All scopes, as a row of commands.def lists them: "messages:read|messages:write|..." */
#define SCOPE_WORDS                                                                                \
    "messages:read|messages:write|channels:read|channels:write|users:read|profile:write|"          \
    "hooks:write|admin"

/* What an outgoing webhook can be told of: events of a channel's stream. */
#define HOOK_EVENT_WORDS                                                                           \
    "message.created|message.updated|message.deleted|member.joined|member.left|channel.updated|"   \
    "channel.archived"

/* A set of scopes: bit 1 << SCOPE_x for each. */
typedef uint32_t scope_set;
#define SCOPES_ALL ((scope_set)-1)

/* What a parameter may be. min and max of its row count what the third column says.
 *    name, wire name, counts, what */
#define PARAM_TYPE_MAP(X)                                                                          \
    X(ID, id, "characters", "an id")                                                               \
    X(ID_REF, id_ref, "characters", "an id, or the name with @ (user) or # (channel) before it")   \
    X(NAME, name, "characters", "a name: a-z, 0-9, '.', '_', '-', first a letter or digit")        \
    X(TEXT, text, "bytes", "text of several lines")                                                \
    X(LINE, line, "characters", "text without control characters or line breaks")                  \
    X(PASSWORD, password, "bytes", "a password")                                                   \
    X(TOKEN, token, "characters", "a secret in printable ASCII")                                   \
    X(CLIENT_MSG_ID, client_msg_id, "characters", "printable ASCII")                               \
    X(CURSOR, cursor, "bytes", "a cursor as the server gave it")                                   \
    X(STREAM, stream, "characters", "c:<channel id> or u:<user id>")                               \
    X(EPOCH, epoch, "characters", "an epoch as the server gave it")                                \
    X(SEQ, seq, "value", "a position in a stream")                                                 \
    X(INT, int, "value", "an integer")                                                             \
    X(BOOL, bool, "", "true or false")                                                             \
    X(ENUM, enum, "", "one of the words in the row")                                               \
    X(IDS, ids, "items", "a list of ids")                                                          \
    X(WORDS, words, "", "a list of some of the words in the row")                                  \
    X(POSITIONS, positions, "items", "an object: stream to {epoch, seq}")                          \
    X(PATH, path, "bytes", "an absolute path of a file on the server's machine")                   \
    X(URL, url, "characters", "an http or https address without user and password")

enum param_type {
#define X(name, wire, counts, help) PARAM_##name,
    PARAM_TYPE_MAP(X)
#undef X
        PARAM_TYPE_COUNT
};

enum { PARAMS_MAX = 8 }; /* parameters of one command; command.c asserts it */

struct param_spec {
    const char *name;
    enum param_type type;
    bool required;
    bool has_default;
    int64_t min, max;
    int64_t absent;    /* the value when it is not given, if has_default */
    const char *words; /* ENUM: "one|two", also of WORDS; ID_REF: "@" or "#"; else NULL */
    const char *help;
};

struct command {
    enum command_id id;
    const char *name;
    enum access access;
    enum scope scope;
    enum rate_class rate;
    const char *result; /* a type of protocol/objects.def */
    const char *help;
    const struct param_spec *params;
    size_t params_n;
};

/* The command of that name, which need not be NUL-terminated, or NULL. */
const struct command *command_find(const char *name, size_t len);
/* Never NULL for an id below CMD_COUNT. */
const struct command *command_get(enum command_id id);
/* It changes nothing: over HTTP it can be called with GET too ("get" in the description). */
bool command_only_reads(const struct command *command);
/* Whether a call of COMMAND, by its name, can be answered with ERR: what follows from its row. A
 * row's parameters say what may be missing, its rate what may be too often, and so on; not every
 * handler makes use of all of it, and none answers with anything else. */
bool command_can_fail(const struct command *command, enum err err);
/* Whether it is offered over HTTP. */
bool command_is_http(const struct command *command);
/* "anyone", "user", "admin", "owner" */
const char *access_name(enum access access);
/* "no session needed", "signed in", ... */
const char *access_help(enum access access);
/* "messages:read", ...; "none" and "session" for the two that no token can have. */
const char *scope_name(enum scope scope);
/* The set that TEXT names, words with a blank between; unknown ones are left out. */
scope_set scope_parse(const char *text);
/* Whether who has HAS may call what needs SCOPE. */
static inline bool scope_allows(scope_set has, enum scope scope)
{
    return has == SCOPES_ALL || scope == SCOPE_NONE ||
           (scope < SCOPE_COUNT && (has >> (unsigned)scope & 1u) != 0);
}
/* "id", "id_ref", "text", ... */
const char *param_type_name(enum param_type type);
/* What its min and max count, and what it is, as in PARAM_TYPE_MAP. */
const char *param_type_counts(enum param_type type);
const char *param_type_help(enum param_type type);

#endif
