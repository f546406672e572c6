/* names.c - the store's words: roles, channel types, events, operations. */
#include "base/macros.h"
#include "storage/store.h"

static const char *word(const char *const *words, size_t n, size_t i)
{
    return words[i < n ? i : 0];
}

const char *store_role_name(enum store_role role)
{
    static const char *const names[] = {
        [STORE_ROLE_MEMBER] = "member", [STORE_ROLE_ADMIN] = "admin", [STORE_ROLE_OWNER] = "owner"};

    return word(names, ARRAY_LEN(names), (size_t)role);
}

const char *store_member_role_name(enum store_member_role role)
{
    static const char *const names[] = {[STORE_MEMBER] = "member", [STORE_MODERATOR] = "moderator"};

    return word(names, ARRAY_LEN(names), (size_t)role);
}

const char *store_channel_type_name(enum store_channel_type type)
{
    static const char *const names[] = {
        [STORE_PUBLIC] = "public", [STORE_PRIVATE] = "private", [STORE_DM] = "dm"};

    return word(names, ARRAY_LEN(names), (size_t)type);
}

const char *store_hook_kind_name(enum store_hook_kind kind)
{
    static const char *const names[] = {[STORE_HOOK_INCOMING] = "incoming",
                                        [STORE_HOOK_OUTGOING] = "outgoing",
                                        [STORE_HOOK_SLASH] = "slash"};

    return word(names, ARRAY_LEN(names), (size_t)kind);
}

const char *store_event_name(enum store_event_type type)
{
    static const char *const names[STORE_EVENT_TYPES] = {
#define X(name, wire) [STORE_EVENT_##name] = wire,
        STORE_EVENT_MAP(X)
#undef X
    };

    return word(names, ARRAY_LEN(names), (size_t)type);
}

const char *store_op_name(enum store_op op)
{
    static const char *const names[STORE_OPS] = {
        [STORE_MESSAGE_SEND] = "message_send",
        [STORE_MESSAGE_EDIT] = "message_edit",
        [STORE_MESSAGE_DELETE] = "message_delete",
        [STORE_CHANNEL_CREATE] = "channel_create",
        [STORE_CHANNEL_UPDATE] = "channel_update",
        [STORE_CHANNEL_ARCHIVE] = "channel_archive",
        [STORE_CHANNEL_DELETE] = "channel_delete",
        [STORE_CHANNEL_JOIN] = "channel_join",
        [STORE_CHANNEL_LEAVE] = "channel_leave",
        [STORE_CHANNEL_INVITE] = "channel_invite",
        [STORE_CHANNEL_REMOVE] = "channel_remove",
        [STORE_DM_OPEN] = "dm_open",
        [STORE_READ_MARK] = "read_mark",
        [STORE_USER_CREATE] = "user_create",
        [STORE_USER_UPDATE] = "user_update",
        [STORE_SESSION_CREATE] = "session_create",
        [STORE_SESSION_DELETE] = "session_delete",
        [STORE_SESSION_TOUCH] = "session_touch",
        [STORE_TOKEN_CREATE] = "token_create",
        [STORE_INVITE_CREATE] = "invite_create",
        [STORE_INVITE_DELETE] = "invite_delete",
        [STORE_HOOK_CREATE] = "hook_create",
        [STORE_HOOK_UPDATE] = "hook_update",
        [STORE_HOOK_ROTATE] = "hook_rotate",
        [STORE_HOOK_DELETE] = "hook_delete",
        [STORE_HOOK_REDELIVER] = "hook_redeliver",
        [STORE_HOOK_LEASE] = "hook_lease",
        [STORE_HOOK_MARK] = "hook_mark",
        [STORE_HOOK_FAIL] = "hook_fail",
        [STORE_HOOK_SETTLE] = "hook_settle",
        [STORE_SESSION_GET] = "session_get",
        [STORE_SESSION_LIST] = "session_list",
        [STORE_BOT_LIST] = "bot_list",
        [STORE_SNAPSHOT] = "snapshot",
        [STORE_TOPS] = "tops",
        [STORE_EVENTS] = "events",
        [STORE_USER_GET] = "user_get",
        [STORE_USER_LIST] = "user_list",
        [STORE_CHANNEL_GET] = "channel_get",
        [STORE_CHANNEL_LIST] = "channel_list",
        [STORE_CHANNEL_MEMBERS] = "channel_members",
        [STORE_MESSAGE_GET] = "message_get",
        [STORE_HISTORY] = "history",
        [STORE_INVITE_LIST] = "invite_list",
        [STORE_HOOK_LIST] = "hook_list",
        [STORE_HOOK_GET] = "hook_get",
        [STORE_HOOK_FIND] = "hook_find",
        [STORE_HOOK_COMMANDS] = "hook_commands",
        [STORE_HOOKS_OUTGOING] = "hooks_outgoing",
        [STORE_HOOK_FAILURES] = "hook_failures",
        [STORE_STATS] = "stats",
    };

    return (size_t)op < STORE_OPS ? names[op] : "unknown";
}
