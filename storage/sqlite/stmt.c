/* stmt.c - prepared statements, their parameters and columns, and what their failures mean. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "storage/sqlite/sqlite.h"

static const char *const sql_of[SQ_IDS] = {
#define X(name, sql) [SQ_##name] = sql,
    SQ_MAP(X)
#undef X
};

int64_t sq_pos(int64_t stream_key, uint64_t seq)
{
    uint64_t last = (UINT64_C(1) << SQ_SEQ_BITS) - 1;

    return (int64_t)((uint64_t)stream_key << SQ_SEQ_BITS | (seq < last ? seq : last));
}

/* NULL if it cannot be prepared: SQLite takes a NULL statement for a misuse, and says so. */
static sqlite3_stmt *statement(struct sqlite_conn *c, enum sq_id id)
{
    sqlite3_stmt **stmt = &c->stmts[id];

    if (*stmt == NULL) {
        int rc = sqlite3_prepare_v3(c->db, sql_of[id], -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
        if (rc != SQLITE_OK)
            (void)sq_fail(c, rc);
    }
    return *stmt;
}

sqlite3_stmt *sq_bind(struct sqlite_conn *c, enum sq_id id, const char *types, ...)
{
    sqlite3_stmt *stmt = statement(c, id);
    const char *text;
    va_list args;

    if (stmt == NULL)
        return NULL;
    va_start(args, types);
    for (int i = 1; types[i - 1] != '\0'; i++) {
        switch (types[i - 1]) {
        case 'i':
            sqlite3_bind_int64(stmt, i, va_arg(args, int64_t));
            break;
        case 't':
            sqlite3_bind_text(stmt, i, va_arg(args, const char *), -1, SQLITE_STATIC);
            break;
        default:
            text = va_arg(args, const char *);
            sqlite3_bind_text64(stmt, i, text, va_arg(args, size_t), SQLITE_STATIC, SQLITE_UTF8);
            break;
        }
    }
    va_end(args);
    return stmt;
}

enum err sq_next(struct sqlite_conn *c, sqlite3_stmt *stmt)
{
    if (stmt == NULL)
        return c->base.failed != ERR_OK ? c->base.failed : ERR_INTERNAL;
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        return ERR_OK;
    enum err err = rc == SQLITE_DONE ? ERR_NOT_FOUND : sq_fail(c, rc);
    sqlite3_reset(stmt);
    return err;
}

enum err sq_run(struct sqlite_conn *c, sqlite3_stmt *stmt)
{
    if (stmt == NULL)
        return c->base.failed != ERR_OK ? c->base.failed : ERR_INTERNAL;
    int rc = sqlite3_step(stmt);
    while (rc == SQLITE_ROW)
        rc = sqlite3_step(stmt);
    enum err err = ERR_OK;
    if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY)
        err = ERR_CONFLICT;
    else if (rc != SQLITE_DONE)
        err = sq_fail(c, rc);
    sqlite3_reset(stmt);
    return err;
}

enum err sq_run_on_one(struct sqlite_conn *c, sqlite3_stmt *stmt)
{
    enum err err = sq_run(c, stmt);

    return err == ERR_OK && sqlite3_changes(c->db) == 0 ? ERR_NOT_FOUND : err;
}

enum err sq_exec(struct sqlite_conn *c, const char *sql)
{
    int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? ERR_OK : sq_fail(c, rc);
}

/* What went wrong, what to do about it, and whether it may pass by itself. */
static const struct {
    int rc;
    enum err err;
    const char *cause;
    const char *remedy;
} failures[] = {
    {SQLITE_FULL, ERR_UNAVAILABLE, "no space left", "free some space on its disk"},
    {SQLITE_IOERR, ERR_UNAVAILABLE, "input/output error", "check the disk and the kernel's log"},
    {SQLITE_READONLY, ERR_UNAVAILABLE, "read-only",
     "make the file, its directory and its file system writable for this user"},
    {SQLITE_PERM, ERR_UNAVAILABLE, "no permission",
     "make the file and its directory readable and writable for this user"},
    {SQLITE_CANTOPEN, ERR_UNAVAILABLE, "cannot be opened",
     "check that the directory exists and is writable for this user"},
    {SQLITE_BUSY, ERR_UNAVAILABLE, "locked by another program",
     "end the other program that has it open"},
    {SQLITE_LOCKED, ERR_UNAVAILABLE, "locked by another program",
     "end the other program that has it open"},
    {SQLITE_NOMEM, ERR_UNAVAILABLE, "out of memory", "give the server more memory"},
    {SQLITE_CORRUPT, ERR_INTERNAL, "damaged",
     "restore a backup, or rebuild with \"parleyctl rebuild\" if the events are intact"},
    {SQLITE_NOTADB, ERR_INTERNAL, "not a database",
     "move it away, or restore a backup in its place"},
};

enum err sq_explain(const char *path, int rc, const char *detail, int os_error, char *out,
                    size_t out_size)
{
    int kind = rc & 0xff;

    if (kind == SQLITE_IOERR && (os_error == ENOSPC || os_error == EDQUOT))
        kind = SQLITE_FULL;
    for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
        if (failures[i].rc != kind)
            continue;
        bool os = failures[i].rc == SQLITE_IOERR && os_error != 0;
        (void)snprintf(out, out_size, "%s: %s%s%s: %s", path, failures[i].cause, os ? ", " : "",
                       os ? strerror(os_error) : "", failures[i].remedy);
        return failures[i].err;
    }
    (void)snprintf(out, out_size, "%s: %s (SQLite error %d)", path, detail, rc);
    return ERR_INTERNAL;
}

enum err sq_fail(struct sqlite_conn *c, int rc)
{
    char reason[STORE_REASON_SIZE];
    enum err err = sq_explain(c->backend->path, rc, sqlite3_errmsg(c->db),
                              sqlite3_system_errno(c->db), reason, sizeof(reason));

    if (c->base.failed == ERR_OK) {
        c->base.failed = err;
        memcpy(c->base.reason, reason, sizeof(reason));
    }
    return err;
}

char *sq_text_opt(struct arena *arena, sqlite3_stmt *stmt, int col)
{
    const unsigned char *text = sqlite3_column_text(stmt, col);

    return text == NULL
               ? NULL
               : arena_strndup(arena, (const char *)text, (size_t)sqlite3_column_bytes(stmt, col));
}

char *sq_text(struct arena *arena, sqlite3_stmt *stmt, int col)
{
    char *text = sq_text_opt(arena, stmt, col);

    return text != NULL ? text : arena_strdup(arena, "");
}

void sq_text_into(char *out, size_t out_size, sqlite3_stmt *stmt, int col)
{
    const unsigned char *text = sqlite3_column_text(stmt, col);

    (void)snprintf(out, out_size, "%s", text == NULL ? "" : (const char *)text);
}

int64_t sq_int(sqlite3_stmt *stmt, int col)
{
    return sqlite3_column_int64(stmt, col);
}

uint64_t sq_uint(sqlite3_stmt *stmt, int col)
{
    int64_t value = sqlite3_column_int64(stmt, col);
    int64_t last = INT64_C(1) << 53;

    return value < 0 ? 0 : (uint64_t)(value < last ? value : last);
}

int sq_enum(sqlite3_stmt *stmt, int col, int count)
{
    int64_t value = sqlite3_column_int64(stmt, col);

    return value >= 0 && value < count ? (int)value : 0;
}
