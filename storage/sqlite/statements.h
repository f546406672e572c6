/* statements.h - every statement of the SQLite backend, prepared once a connection when it is first
 * used. SQ_MAP(X): X(name, SQL).
 *
 * A position is one integer, (stream key << 36) + seq: events and messages of one channel lie side
 * by side in their tables, and a range of them is one scan without an index.
 */
#ifndef STORAGE_SQLITE_STATEMENTS_H
#define STORAGE_SQLITE_STATEMENTS_H

#define SQ_CHAN                                                                                    \
    "c.key, c.id, c.name, c.type, c.topic, c.dm_key, c.created_at, c.archived_at, c.members,"      \
    " s.epoch, s.seq, s.msg_no"
#define SQ_CHAN_N 12
#define SQ_USER                                                                                    \
    "u.key, u.id, u.name, u.display_name, u.role, u.created_at, u.disabled_at, u.owner, u.hook"
#define SQ_USER_N 9
#define SQ_MESSAGE_ROW                                                                             \
    "m.pos, m.id, m.msg_no, m.author, m.text, m.client_msg_id, m.created_at, m.edited_at,"         \
    " m.deleted_at, m.mentions, m.last_edit, m.as_name, m.as_icon"
#define SQ_MESSAGE SQ_MESSAGE_ROW ", u.id"
#define SQ_MESSAGE_N 14
#define SQ_MESSAGES "messages m LEFT JOIN users u ON u.key = m.author"
#define SQ_SESSION                                                                                 \
    "s.id, u.id, s.created_at, s.last_seen_at, s.expires_at, s.address, s.agent, s.label,"         \
    " s.scopes, s.channels"                                                                        \
    " FROM sessions s JOIN users u ON u.key = s.user"
#define SQ_HOOK                                                                                    \
    "h.id, h.kind, h.channel, h.creator, h.name, h.icon, h.secret, h.url, h.events, h.word,"       \
    " h.command, h.enabled, h.created_at, h.used_at, h.position, h.failed_at, h.error, h.hash,"    \
    " h.slot FROM hooks h"
#define SQ_FAILURE "hook, seq, event, attempts, status, error, at, due FROM hook_failures"
#define SQ_INVITE "id, created_by, created_at, expires_at, uses_left FROM invites"

#define SQ_MAP(X)                                                                                  \
    X(BEGIN_WRITE, "BEGIN IMMEDIATE")                                                              \
    X(BEGIN_READ, "BEGIN")                                                                         \
    X(COMMIT, "COMMIT")                                                                            \
    X(ROLLBACK, "ROLLBACK")                                                                        \
    X(PROBE, "INSERT INTO meta (key, value) VALUES ('probed_at', ?1)"                              \
             " ON CONFLICT (key) DO UPDATE SET value = ?1")                                        \
    /* the log */                                                                                  \
    X(STREAM_GET, "SELECT key, epoch, seq, msg_no FROM streams WHERE name = ?1")                   \
    X(STREAM_ADD, "INSERT INTO streams (name, epoch, seq, msg_no) VALUES (?1, ?2, 0, 0)")          \
    X(STREAM_SAVE, "UPDATE streams SET seq = ?2, msg_no = ?3 WHERE key = ?1")                      \
    X(STREAM_MSG_NO_CLEAR, "UPDATE streams SET msg_no = 0 WHERE msg_no <> 0")                      \
    X(EVENT_ADD, "INSERT INTO events (pos, type, actor, at, subject, link, client_msg_id, data)"   \
                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                                       \
    X(EVENT_GET, "SELECT type, at, link FROM events WHERE pos = ?1")                               \
    X(EVENT_SCRUB, "UPDATE events SET data = ?2 WHERE pos = ?1")                                   \
    X(EVENTS_LIST, "SELECT e.pos, e.type, u.id, e.at, e.subject, e.link, e.data FROM events e"     \
                   " LEFT JOIN users u ON u.key = e.actor"                                         \
                   " WHERE e.pos > ?1 AND e.pos <= ?2 ORDER BY e.pos LIMIT ?3")                    \
    X(EVENTS_SCAN, "SELECT e.pos, e.type, e.actor, e.at, e.subject, e.link, e.client_msg_id,"      \
                   " e.data FROM events e WHERE e.pos > ?1 AND e.pos <= ?2 ORDER BY e.pos")        \
    X(EVENTS_COUNT, "SELECT coalesce(sum(seq), 0) FROM streams")                                   \
    X(STREAMS_SCAN, "SELECT key, name FROM streams WHERE key > ?1 ORDER BY key LIMIT 1")           \
    X(CLIENT_MSG_FIND, "SELECT pos FROM events WHERE actor = ?1 AND client_msg_id = ?2")           \
    /* channels and members */                                                                     \
    X(CHAN_BY_ID, "SELECT " SQ_CHAN " FROM channels c JOIN streams s ON s.key = c.key"             \
                  " WHERE c.id = ?1")                                                              \
    X(CHAN_BY_NAME, "SELECT " SQ_CHAN " FROM channels c JOIN streams s ON s.key = c.key"           \
                    " WHERE c.name = ?1")                                                          \
    X(CHAN_BY_DM, "SELECT " SQ_CHAN " FROM channels c JOIN streams s ON s.key = c.key"             \
                  " WHERE c.dm_key = ?1")                                                          \
    X(CHAN_ADD, "INSERT INTO channels (key, id, name, type, topic, dm_key, created_at,"            \
                " archived_at, members) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")              \
    X(CHAN_SAVE, "UPDATE channels SET name = ?2, topic = ?3, archived_at = ?4, members = ?5"       \
                 " WHERE key = ?1")                                                                \
    X(CHAN_REMOVE, "DELETE FROM channels WHERE key = ?1")                                          \
    X(CHANS_LIST, "SELECT " SQ_CHAN " FROM channels c JOIN streams s ON s.key = c.key"             \
                  " WHERE c.name > ?1 AND c.type <> 2 AND (c.type = 0 OR ?2 OR EXISTS (SELECT 1"   \
                  " FROM members m WHERE m.channel = c.key AND m.user = ?3))"                      \
                  " AND (?4 IS NULL OR contains(c.name, ?4) OR contains(c.topic, ?4))"             \
                  " ORDER BY c.name LIMIT ?5")                                                     \
    X(CHANS_OF, "SELECT " SQ_CHAN ", m.role, m.joined_at, m.read_seq, m.read_no FROM members m"    \
                " INDEXED BY members_user CROSS JOIN channels c ON c.key = m.channel"              \
                " CROSS JOIN streams s ON s.key = c.key WHERE m.user = ?1 ORDER BY m.channel")     \
    X(MEMBER_GET, "SELECT role, joined_at, read_seq, read_no FROM members"                         \
                  " WHERE channel = ?1 AND user = ?2")                                             \
    X(MEMBER_ADD, "INSERT INTO members (channel, user, role, joined_at, read_seq, read_no)"        \
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6)")                                              \
    X(MEMBER_SAVE, "UPDATE members SET role = ?3, read_seq = ?4, read_no = ?5"                     \
                   " WHERE channel = ?1 AND user = ?2")                                            \
    X(MEMBER_REMOVE, "DELETE FROM members WHERE channel = ?1 AND user = ?2")                       \
    X(MEMBERS_LIST, "SELECT " SQ_USER ", m.role, m.joined_at FROM members m"                       \
                    " CROSS JOIN users u ON u.key = m.user"                                        \
                    " WHERE m.channel = ?1 AND m.user > ?2 ORDER BY m.user LIMIT ?3")              \
    /* messages and mentions */                                                                    \
    X(MESSAGE_ADD, "INSERT INTO messages (pos, id, msg_no, author, text, client_msg_id,"           \
                   " created_at, edited_at, deleted_at, mentions, last_edit, as_name, as_icon)"    \
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)")             \
    X(MESSAGE_SAVE, "UPDATE messages SET text = ?2, edited_at = ?3, deleted_at = ?4,"              \
                    " mentions = ?5, last_edit = ?6, as_name = ?7, as_icon = ?8 WHERE pos = ?1")   \
    X(MESSAGE_GET, "SELECT " SQ_MESSAGE ", c.id FROM " SQ_MESSAGES                                 \
                   " JOIN channels c ON c.key = (m.pos >> 36) WHERE m.id = ?1")                    \
    X(MESSAGE_AT, "SELECT " SQ_MESSAGE ", c.id FROM " SQ_MESSAGES                                  \
                  " JOIN channels c ON c.key = (m.pos >> 36) WHERE m.pos = ?1")                    \
    X(MSG_NO_AT, "SELECT msg_no FROM messages WHERE pos > ?1 AND pos <= ?2"                        \
                 " ORDER BY pos DESC LIMIT 1")                                                     \
    /* pages: their authors are few, and asked for once each */                                    \
    X(MESSAGES_BEFORE, "SELECT " SQ_MESSAGE_ROW ", NULL FROM messages m"                           \
                       " WHERE m.pos > ?1 AND m.pos < ?2 ORDER BY m.pos DESC LIMIT ?3")            \
    X(MESSAGES_AFTER, "SELECT " SQ_MESSAGE_ROW ", NULL FROM messages m"                            \
                      " WHERE m.pos > ?1 AND m.pos < ?2 ORDER BY m.pos LIMIT ?3")                  \
    X(MESSAGES_PURGE, "DELETE FROM messages WHERE pos > ?1 AND pos <= ?2")                         \
    X(PURGE_ADD, "INSERT OR IGNORE INTO purges (key) VALUES (?1)")                                 \
    X(PURGE_NEXT, "SELECT p.key, s.name FROM purges p JOIN streams s ON s.key = p.key LIMIT 1")    \
    X(PURGE_REMOVE, "DELETE FROM purges WHERE key = ?1")                                           \
    X(MENTION_ADD, "INSERT OR IGNORE INTO mentions (user, pos) VALUES (?1, ?2)")                   \
    X(MENTIONS_REMOVE, "DELETE FROM mentions WHERE user = ?1 AND pos >= ?2 AND pos <= ?3")         \
    X(MENTIONS_COUNT, "SELECT count(*) FROM mentions WHERE user = ?1 AND pos > ?2 AND pos < ?3")   \
    /* accounts */                                                                                 \
    X(USER_BY_ID, "SELECT " SQ_USER ", u.password_hash FROM users u WHERE u.id = ?1")              \
    X(USER_BY_NAME, "SELECT " SQ_USER ", u.password_hash FROM users u WHERE u.name = ?1")          \
    X(USER_BY_KEY, "SELECT " SQ_USER ", u.password_hash FROM users u WHERE u.key = ?1")            \
    X(USER_ID, "SELECT id FROM users WHERE key = ?1")                                              \
    X(USER_OWNER, "SELECT " SQ_USER ", u.password_hash FROM users u"                               \
                  " WHERE u.role = 2 ORDER BY u.disabled_at <> 0, u.key LIMIT 1")                  \
    X(USER_ADD, "INSERT INTO users (id, name, display_name, role, created_at, disabled_at,"        \
                " password_hash, owner, hook) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")        \
    X(USER_SAVE, "UPDATE users SET display_name = ?2, role = ?3, disabled_at = ?4,"                \
                 " password_hash = coalesce(?5, password_hash) WHERE key = ?1")                    \
    X(USER_COUNTS, "SELECT EXISTS (SELECT 1 FROM users), (SELECT count(*) FROM users"              \
                   " WHERE role = 2 AND disabled_at = 0)")                                         \
    X(USERS_LIST, "SELECT " SQ_USER " FROM users u WHERE u.name > ?1"                              \
                  " AND (?2 IS NULL OR contains(u.name, ?2) OR contains(u.display_name, ?2))"      \
                  " ORDER BY u.name LIMIT ?3")                                                     \
    X(BOTS_LIST, "SELECT " SQ_USER " FROM users u WHERE u.owner = ?4 AND u.hook = 0"               \
                 " AND u.name > ?1"                                                                \
                 " AND (?2 IS NULL OR contains(u.name, ?2) OR contains(u.display_name, ?2))"       \
                 " ORDER BY u.name LIMIT ?3")                                                      \
    X(BOTS_ALL, "SELECT " SQ_USER " FROM users u WHERE u.owner IS NOT NULL AND u.hook = 0"         \
                " AND u.name > ?1"                                                                 \
                " AND (?2 IS NULL OR contains(u.name, ?2) OR contains(u.display_name, ?2))"        \
                " ORDER BY u.name LIMIT ?3")                                                       \
    X(SESSION_ADD, "INSERT INTO sessions (id, hash, user, created_at, last_seen_at, expires_at,"   \
                   " address, agent, label, scopes, channels)"                                     \
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")                       \
    X(SESSION_BY_ID, "SELECT " SQ_SESSION " WHERE s.id = ?1")                                      \
    X(SESSION_BY_HASH, "SELECT " SQ_SESSION " WHERE s.hash = ?1")                                  \
    X(SESSION_TOUCH, "UPDATE sessions SET last_seen_at = ?2 WHERE id = ?1")                        \
    X(SESSION_REMOVE, "DELETE FROM sessions WHERE id = ?1")                                        \
    X(SESSIONS_EXPIRE, "DELETE FROM sessions WHERE id IN"                                          \
                       " (SELECT id FROM sessions WHERE expires_at <= ?1 LIMIT ?2)")               \
    X(SESSIONS_LIST, "SELECT " SQ_SESSION " WHERE s.user = ?1 ORDER BY s.created_at, s.id")        \
    X(INVITE_ADD, "INSERT INTO invites (id, hash, created_by, created_at, expires_at, uses_left)"  \
                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6)")                                              \
    X(INVITE_FIND, "SELECT " SQ_INVITE " WHERE hash = ?1")                                         \
    X(INVITE_USE, "UPDATE invites SET uses_left = uses_left - 1 WHERE id = ?1")                    \
    X(INVITE_REMOVE, "DELETE FROM invites WHERE id = ?1")                                          \
    X(INVITES_LIST, "SELECT " SQ_INVITE " ORDER BY created_at DESC, id LIMIT 1000")                \
    /* hooks and their dead letters */                                                             \
    X(HOOK_ADD, "INSERT INTO hooks (id, kind, channel, creator, name, icon, secret, url, events,"  \
                " word, command, enabled, created_at, used_at, position, failed_at, error, hash,"  \
                " slot, leased_until) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"  \
                " ?13, ?14, ?15, ?16, ?17, ?18, ?19, 0)")                                          \
    X(HOOK_SAVE, "UPDATE hooks SET name = ?2, icon = ?3, secret = ?4, url = ?5, events = ?6,"      \
                 " word = ?7, command = ?8, enabled = ?9, hash = ?10, slot = ?11,"                 \
                 " position = max(position, ?12) WHERE id = ?1")                                   \
    X(HOOK_BY_ID, "SELECT " SQ_HOOK " WHERE h.id = ?1")                                            \
    X(HOOK_BY_HASH, "SELECT " SQ_HOOK " WHERE h.hash = ?1")                                        \
    X(HOOK_REMOVE, "DELETE FROM hooks WHERE id = ?1")                                              \
    X(HOOKS_REMOVE, "DELETE FROM hooks WHERE channel = ?1")                                        \
    X(HOOKS_LIST, "SELECT " SQ_HOOK " WHERE h.channel = ?1 ORDER BY h.id LIMIT ?2")                \
    X(HOOKS_OUTGOING, "SELECT " SQ_HOOK " WHERE h.kind = 1 AND h.enabled AND h.id > ?1"            \
                      " ORDER BY h.id LIMIT ?2")                                                   \
    X(HOOK_LEASE, "UPDATE hooks SET node = ?2, leased_until = ?3 WHERE id = ?1 AND kind = 1"       \
                  " AND enabled AND (node = ?2 OR leased_until <= ?4)")                            \
    X(HOOK_SKIPPED, "UPDATE hooks SET position = max(position, ?2) WHERE id = ?1")                 \
    X(HOOK_DELIVERED, "UPDATE hooks SET position = max(position, ?2), used_at = ?3,"               \
                      " failed_at = 0, error = NULL WHERE id = ?1")                                \
    X(HOOK_FAILED, "UPDATE hooks SET position = max(position, ?2), failed_at = ?3, error = ?4"     \
                   " WHERE id = ?1")                                                               \
    X(FAILURE_PUT, "INSERT OR REPLACE INTO hook_failures (hook, seq, event, attempts, status,"     \
                   " error, at, due) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                     \
    X(FAILURE_DUE, "UPDATE hook_failures SET due = 1 WHERE hook = ?1 AND seq = ?2")                \
    X(FAILURE_REMOVE, "DELETE FROM hook_failures WHERE hook = ?1 AND seq = ?2")                    \
    X(FAILURES_LIST, "SELECT " SQ_FAILURE " WHERE hook = ?1 AND seq < ?2 AND due >= ?3"            \
                     " ORDER BY seq DESC LIMIT ?4")                                                \
    X(FAILURES_TRIM, "DELETE FROM hook_failures WHERE hook = ?1 AND seq <= (SELECT seq"            \
                     " FROM hook_failures WHERE hook = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)")   \
    X(FAILURES_REMOVE, "DELETE FROM hook_failures WHERE hook = ?1")                                \
    X(FAILURES_PURGE, "DELETE FROM hook_failures WHERE hook IN"                                    \
                      " (SELECT id FROM hooks WHERE channel = ?1)")                                \
    /* copying, see copy.h */                                                                      \
    X(META_GET, "SELECT value FROM meta WHERE key = ?1")                                           \
    X(META_SET, "INSERT INTO meta (key, value) VALUES (?1, ?2)"                                    \
                " ON CONFLICT (key) DO UPDATE SET value = ?2")                                     \
    X(META_REMOVE, "DELETE FROM meta WHERE key = ?1")                                              \
    X(STREAMS_PAGE, "SELECT key, name, epoch, seq, msg_no FROM streams WHERE name > ?1"            \
                    " ORDER BY name LIMIT ?2")                                                     \
    X(EVENTS_PAGE, "SELECT e.pos, e.type, e.actor, e.at, e.subject, e.link, e.client_msg_id,"      \
                   " e.data, u.id FROM events e LEFT JOIN users u ON u.key = e.actor"              \
                   " WHERE e.pos > ?1 AND e.pos <= ?2 ORDER BY e.pos LIMIT ?3")                    \
    X(USERS_PAGE, "SELECT " SQ_USER ", u.password_hash FROM users u WHERE u.key > ?1"              \
                  " ORDER BY u.key LIMIT ?2")                                                      \
    X(SESSIONS_PAGE, "SELECT s.hash, " SQ_SESSION " WHERE s.id > ?1 ORDER BY s.id LIMIT ?2")       \
    X(INVITES_PAGE, "SELECT hash, " SQ_INVITE " WHERE id > ?1 ORDER BY id LIMIT ?2")               \
    X(USER_PUT,                                                                                    \
      "INSERT INTO users (id, name, display_name, role, created_at, disabled_at,"                  \
      " password_hash, owner, hook) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"                   \
      " ON CONFLICT (id) DO UPDATE SET name = ?2, display_name = ?3, role = ?4, created_at = ?5,"  \
      " disabled_at = ?6, password_hash = ?7, owner = ?8, hook = ?9")                              \
    X(SESSION_PUT, "INSERT OR REPLACE INTO sessions (id, hash, user, created_at, last_seen_at,"    \
                   " expires_at, address, agent, label, scopes, channels)"                         \
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")                       \
    X(INVITE_PUT, "INSERT OR REPLACE INTO invites (id, hash, created_by, created_at, expires_at,"  \
                  " uses_left) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")                                   \
    X(HOOKS_PAGE, "SELECT " SQ_HOOK " WHERE h.id > ?1 ORDER BY h.id LIMIT ?2")                     \
    X(HOOK_PUT, "INSERT OR REPLACE INTO hooks (id, kind, channel, creator, name, icon, secret,"    \
                " url, events, word, command, enabled, created_at, used_at, position, failed_at,"  \
                " error, hash, slot, leased_until) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"    \
                " ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, 0)")                           \
    X(STATS, "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM sessions),"               \
             " (SELECT count(*) FROM channels), (SELECT coalesce(sum(members), 0) FROM channels)," \
             " coalesce(sum(msg_no), 0), coalesce(sum(seq), 0), count(*),"                         \
             " (SELECT page_count FROM pragma_page_count) *"                                       \
             " (SELECT page_size FROM pragma_page_size) FROM streams")

enum sq_id {
#define X(name, sql) SQ_##name,
    SQ_MAP(X)
#undef X
        SQ_IDS
};

#endif
