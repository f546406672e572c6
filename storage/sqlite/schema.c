/* schema.c - the tables, and the numbered migrations that make them. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/macros.h"
#include "storage/sqlite/sqlite.h"

#define APPLICATION_ID 0x5061726c /* "Parl" */

/* Migration I brings a database from version I to version I + 1. Never change one that was
 * released; add the next. */
static const char *const migrations[] = {
    /* 1: The log (streams, events), what follows from it (channels, members, messages, mentions:
     * store_rebuild() empties and refills them), and plain rows. */
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE users (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " name TEXT NOT NULL UNIQUE, display_name TEXT NOT NULL, role INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL, disabled_at INTEGER NOT NULL, password_hash TEXT NOT NULL);"
    "CREATE INDEX users_owners ON users (key) WHERE role = 2;"
    "CREATE TABLE sessions (id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE,"
    " user INTEGER NOT NULL REFERENCES users, created_at INTEGER NOT NULL,"
    " last_seen_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, address TEXT NOT NULL,"
    " agent TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX sessions_user ON sessions (user, created_at);"
    "CREATE INDEX sessions_expiry ON sessions (expires_at);"
    "CREATE TABLE invites (id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE,"
    " created_by TEXT NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,"
    " uses_left INTEGER NOT NULL) WITHOUT ROWID;"

    "CREATE TABLE streams (key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " epoch TEXT NOT NULL, seq INTEGER NOT NULL, msg_no INTEGER NOT NULL);"
    "CREATE TABLE events (pos INTEGER PRIMARY KEY, type INTEGER NOT NULL, actor INTEGER NOT NULL,"
    " at INTEGER NOT NULL, subject TEXT, link INTEGER NOT NULL, client_msg_id TEXT,"
    " data TEXT NOT NULL);"
    "CREATE UNIQUE INDEX events_client_msg ON events (actor, client_msg_id)"
    " WHERE client_msg_id IS NOT NULL;"

    "CREATE TABLE channels (key INTEGER PRIMARY KEY REFERENCES streams, id TEXT NOT NULL UNIQUE,"
    " name TEXT UNIQUE, type INTEGER NOT NULL, topic TEXT NOT NULL, dm_key TEXT UNIQUE,"
    " created_at INTEGER NOT NULL, archived_at INTEGER NOT NULL, members INTEGER NOT NULL);"
    "CREATE TABLE members (channel INTEGER NOT NULL, user INTEGER NOT NULL,"
    " role INTEGER NOT NULL, joined_at INTEGER NOT NULL, read_seq INTEGER NOT NULL,"
    " read_no INTEGER NOT NULL, PRIMARY KEY (channel, user)) WITHOUT ROWID;"
    "CREATE INDEX members_user ON members (user, channel);"
    "CREATE TABLE messages (pos INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " msg_no INTEGER NOT NULL, author INTEGER NOT NULL, text TEXT, client_msg_id TEXT,"
    " created_at INTEGER NOT NULL, edited_at INTEGER NOT NULL, deleted_at INTEGER NOT NULL,"
    " mentions TEXT, last_edit INTEGER NOT NULL);"
    "CREATE TABLE mentions (user INTEGER NOT NULL, pos INTEGER NOT NULL,"
    " PRIMARY KEY (user, pos)) WITHOUT ROWID;",

    /* 2: Streams of deleted channels whose messages are still to be taken away. */
    "CREATE TABLE purges (key INTEGER PRIMARY KEY REFERENCES streams);",

    /* 3: Bots, which have an owner (its id), and tokens, which are sessions with scopes. */
    "ALTER TABLE users ADD COLUMN owner TEXT;"
    "CREATE INDEX users_bots ON users (owner, name) WHERE owner IS NOT NULL;"
    "ALTER TABLE sessions ADD COLUMN label TEXT;"
    "ALTER TABLE sessions ADD COLUMN scopes TEXT;"
    "ALTER TABLE sessions ADD COLUMN channels TEXT;",

    /* 4: Hooks (channels and accounts by their ids), the dead letters of outgoing ones, the
     * accounts of their bots, and what a message shows instead of its author. */
    "CREATE TABLE hooks (id TEXT PRIMARY KEY, kind INTEGER NOT NULL, channel TEXT NOT NULL,"
    " creator TEXT NOT NULL, name TEXT NOT NULL, icon TEXT, hash TEXT NOT NULL UNIQUE,"
    " slot TEXT NOT NULL UNIQUE, secret TEXT, url TEXT, events TEXT, word TEXT, command TEXT,"
    " enabled INTEGER NOT NULL, created_at INTEGER NOT NULL, used_at INTEGER NOT NULL,"
    " position INTEGER NOT NULL, failed_at INTEGER NOT NULL, error TEXT, node TEXT,"
    " leased_until INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX hooks_channel ON hooks (channel, id);"
    "CREATE INDEX hooks_outgoing ON hooks (id) WHERE kind = 1;"
    "CREATE TABLE hook_failures (hook TEXT NOT NULL, seq INTEGER NOT NULL, event TEXT NOT NULL,"
    " attempts INTEGER NOT NULL, status INTEGER NOT NULL, error TEXT NOT NULL,"
    " at INTEGER NOT NULL, due INTEGER NOT NULL, PRIMARY KEY (hook, seq)) WITHOUT ROWID;"
    "ALTER TABLE users ADD COLUMN hook INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE messages ADD COLUMN as_name TEXT;"
    "ALTER TABLE messages ADD COLUMN as_icon TEXT;",
};

int sq_schema_version(void)
{
    return (int)ARRAY_LEN(migrations);
}

static int query_int(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    *out = 0;
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int exec(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

static int set_meta(sqlite3 *db, const char *key, const char *value)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db,
                                "INSERT INTO meta (key, value) VALUES (?1, ?2)"
                                " ON CONFLICT (key) DO UPDATE SET value = ?2",
                                -1, &stmt, NULL);

    if (rc == SQLITE_OK) {
        sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 2, value, -1, SQLITE_STATIC);
        rc = sqlite3_step(stmt);
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int migrate_from(sqlite3 *db, int64_t version)
{
    char pragma[64];
    int rc = SQLITE_OK;

    for (int64_t i = version; rc == SQLITE_OK && i < sq_schema_version(); i++)
        rc = exec(db, migrations[i]);
    if (rc == SQLITE_OK && version < sq_schema_version()) {
        (void)snprintf(pragma, sizeof(pragma),
                       "PRAGMA user_version = %d; PRAGMA application_id = %d", sq_schema_version(),
                       APPLICATION_ID);
        rc = exec(db, pragma);
    }
    return rc;
}

static int read_epoch(sqlite3 *db, struct sqlite_backend *b)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, "SELECT value FROM meta WHERE key = 'epoch'", -1, &stmt, NULL);

    b->epoch[0] = '\0';
    if (rc != SQLITE_OK)
        return rc;
    if (sqlite3_step(stmt) == SQLITE_ROW)
        sq_text_into(b->epoch, sizeof(b->epoch), stmt, 0);
    return sqlite3_finalize(stmt);
}

/* Read the epoch. A new database gets one; so does a backup that is opened: whoever has seen the
 * original must not take its positions for positions here. */
static int settle_epoch(sqlite3 *db, struct sqlite_backend *b)
{
    char token[TOKEN_SIZE];
    int64_t backup;
    int rc = query_int(db, "SELECT count(*) FROM meta WHERE key = 'backup'", &backup);

    if (rc == SQLITE_OK)
        rc = read_epoch(db, b);
    if (rc != SQLITE_OK || (b->epoch[0] != '\0' && backup == 0))
        return rc;
    token_make(token);
    (void)snprintf(b->epoch, sizeof(b->epoch), "%.16s", token);
    b->fresh_epochs = backup != 0;
    rc = set_meta(db, "epoch", b->epoch);
    if (rc == SQLITE_OK && b->fresh_epochs)
        rc = exec(db, "UPDATE streams SET epoch = (SELECT value FROM meta WHERE key = 'epoch');"
                      " DELETE FROM meta WHERE key = 'backup'");
    return rc;
}

static enum err explain(sqlite3 *db, struct sqlite_backend *b, int rc,
                        char error_out[STORE_ERROR_SIZE])
{
    return sq_explain(b->path, rc, sqlite3_errmsg(db), sqlite3_system_errno(db), error_out,
                      STORE_ERROR_SIZE);
}

static enum err refuse_strange(struct sqlite_backend *b, int64_t app, int64_t version,
                               int64_t tables, char error_out[STORE_ERROR_SIZE])
{
    if (app != APPLICATION_ID && (app != 0 || version != 0 || tables != 0)) {
        (void)snprintf(error_out, STORE_ERROR_SIZE,
                       "%s: a database of another program: give Parley a data directory of its own",
                       b->path);
        return ERR_INTERNAL;
    }
    if (version > sq_schema_version()) {
        (void)snprintf(error_out, STORE_ERROR_SIZE,
                       "%s: written by a newer Parley (schema %lld, this one knows %d): start the"
                       " newer parleyd, or restore a backup from before the upgrade",
                       b->path, (long long)version, sq_schema_version());
        return ERR_INTERNAL;
    }
    return ERR_OK;
}

/* Without shared memory (a network file system, say) SQLite stays with another journal. */
static enum err need_wal(sqlite3 *db, struct sqlite_backend *b, char error_out[STORE_ERROR_SIZE])
{
    sqlite3_stmt *stmt = NULL;
    char mode[16] = "";
    int rc = sqlite3_prepare_v2(db, "PRAGMA journal_mode", -1, &stmt, NULL);

    if (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        sq_text_into(mode, sizeof(mode), stmt, 0);
    rc = sqlite3_finalize(stmt);
    if (rc != SQLITE_OK)
        return explain(db, b, rc, error_out);
    if (strcmp(mode, "wal") == 0)
        return ERR_OK;
    (void)snprintf(error_out, STORE_ERROR_SIZE,
                   "%s: its file system cannot hold a write-ahead log: keep the data directory on a"
                   " local disk",
                   b->path);
    return ERR_UNAVAILABLE;
}

enum err sq_migrate(sqlite3 *db, struct sqlite_backend *b, char error_out[STORE_ERROR_SIZE])
{
    int64_t app = 0;
    int64_t version = 0;
    int64_t tables = 0;
    char now[CLOCK_TEXT_SIZE];
    int rc = query_int(db, "PRAGMA application_id", &app);

    if (rc == SQLITE_OK)
        rc = query_int(db, "PRAGMA user_version", &version);
    if (rc == SQLITE_OK)
        rc = query_int(db, "SELECT count(*) FROM sqlite_schema", &tables);
    if (rc != SQLITE_OK)
        return explain(db, b, rc, error_out);
    enum err err = refuse_strange(b, app, version, tables, error_out);
    if (err == ERR_OK)
        err = need_wal(db, b, error_out);
    if (err != ERR_OK)
        return err;
    clock_format(clock_unix_ms(), now);
    rc = exec(db, "BEGIN IMMEDIATE");
    if (rc == SQLITE_OK)
        rc = migrate_from(db, version);
    if (rc == SQLITE_OK)
        rc = settle_epoch(db, b);
    if (rc == SQLITE_OK)
        rc = set_meta(db, "opened_at", now); /* a write, to know now whether writing works */
    if (rc == SQLITE_OK)
        rc = exec(db, "COMMIT");
    if (rc == SQLITE_OK)
        return ERR_OK;
    err = explain(db, b, rc, error_out);
    (void)exec(db, "ROLLBACK");
    return err;
}

enum err sq_check_backup(sqlite3 *db, struct sqlite_backend *b, char error_out[STORE_ERROR_SIZE])
{
    int64_t app = 0;
    int64_t version = 0;
    int64_t backup = 0;
    int rc = query_int(db, "PRAGMA application_id", &app);

    if (rc == SQLITE_OK)
        rc = query_int(db, "PRAGMA user_version", &version);
    if (rc != SQLITE_OK)
        return explain(db, b, rc, error_out);
    if (app == APPLICATION_ID && version > sq_schema_version())
        return refuse_strange(b, app, version, 1, error_out);
    if (app == APPLICATION_ID)
        rc = query_int(db, "SELECT count(*) FROM meta WHERE key = 'backup'", &backup);
    if (rc == SQLITE_OK && backup == 0) {
        (void)snprintf(error_out, STORE_ERROR_SIZE,
                       "%s: not a backup: name a file that `parleyctl backup` has made", b->path);
        return ERR_INVALID_PARAMS;
    }
    if (rc == SQLITE_OK && version < sq_schema_version()) {
        (void)snprintf(error_out, STORE_ERROR_SIZE,
                       "%s: made by an older Parley (schema %lld, this one knows %d): put a copy of"
                       " it into an empty data directory as parley.db, start parleyd on that once,"
                       " and migrate it",
                       b->path, (long long)version, sq_schema_version());
        return ERR_INVALID_PARAMS;
    }
    if (rc == SQLITE_OK)
        rc = read_epoch(db, b);
    return rc == SQLITE_OK ? ERR_OK : explain(db, b, rc, error_out);
}
