/* backup.c - a copy of the running database: taken from one snapshot beside the committer, checked,
 * marked as a backup, and only then given its name. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "storage/sqlite/sqlite.h"

enum { STEP_PAGES = 256 };

struct backup {
    struct sqlite_backend *b;
    const char *path; /* where it shall be */
    char *partial;    /* where it is made */
    sqlite3 *from, *to;
    store_progress_fn progress;
    void *arg;
    char *error_out;
};

static enum err fail_with(struct backup *k, const char *path, const char *what)
{
    (void)snprintf(k->error_out, STORE_ERROR_SIZE, "%s: %s", path, what);
    return ERR_UNAVAILABLE;
}

static enum err fail_sqlite(struct backup *k, const char *path, sqlite3 *db, int rc)
{
    return sq_explain(path, rc, db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(rc),
                      db != NULL ? sqlite3_system_errno(db) : 0, k->error_out, STORE_ERROR_SIZE);
}

static bool go_on(struct backup *k, const char *step, const char *unit, uint64_t done,
                  uint64_t total)
{
    return k->progress == NULL || k->progress(k->arg, step, unit, done, total);
}

static bool go_on_checking(struct backup *k, uint64_t done)
{
    return go_on(k, "checking", "checks", done, 3);
}

static uint64_t page_size(sqlite3 *db)
{
    sqlite3_stmt *stmt = NULL;
    uint64_t size = 1;

    if (sqlite3_prepare_v2(db, "PRAGMA page_size", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        size = (uint64_t)sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return size;
}

/* The open read transaction on FROM keeps the copy on one snapshot: without it, every commit of the
 * server would start the copy anew. */
static enum err copy(struct backup *k)
{
    int rc = sqlite3_exec(k->from, "BEGIN; SELECT count(*) FROM meta", NULL, NULL, NULL);

    if (rc != SQLITE_OK)
        return fail_sqlite(k, k->b->path, k->from, rc);
    sqlite3_backup *backup = sqlite3_backup_init(k->to, "main", k->from, "main");
    if (backup == NULL)
        return fail_sqlite(k, k->partial, k->to, sqlite3_errcode(k->to));
    uint64_t bytes = page_size(k->from);
    bool wanted = true;
    do {
        rc = sqlite3_backup_step(backup, STEP_PAGES);
        uint64_t total = (uint64_t)sqlite3_backup_pagecount(backup);
        uint64_t done = total - (uint64_t)sqlite3_backup_remaining(backup);
        wanted = go_on(k, "copying", "bytes", done * bytes, total * bytes);
    } while (wanted && rc == SQLITE_OK);
    (void)sqlite3_backup_finish(backup);
    (void)sqlite3_exec(k->from, "COMMIT", NULL, NULL, NULL);
    if (!wanted)
        return fail_with(k, k->path, "stopped; nothing was written");
    return rc == SQLITE_DONE ? ERR_OK : fail_sqlite(k, k->partial, k->to, rc);
}

/* The answer of SQL must be one row, WANTED. */
static enum err expect(struct backup *k, const char *sql, const char *wanted, const char *problem)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(k->to, sql, -1, &stmt, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    const char *got = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
    bool good = got != NULL && strcmp(got, wanted) == 0;
    sqlite3_finalize(stmt);
    if (good)
        return ERR_OK;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return fail_sqlite(k, k->partial, k->to, rc);
    return fail_with(k, k->b->path, problem);
}

static enum err verify(struct backup *k)
{
    static const char holes[] =
        "SELECT count(*) FROM streams s WHERE s.seq <> (SELECT count(*) FROM events e"
        " WHERE e.pos > (s.key << 36) AND e.pos < ((s.key + 1) << 36))"
        " OR s.seq <> coalesce((SELECT max(e.pos) FROM events e WHERE e.pos > (s.key << 36)"
        " AND e.pos < ((s.key + 1) << 36)) - (s.key << 36), 0)";
    static const char strays[] =
        "SELECT (SELECT count(*) FROM events) = (SELECT coalesce(sum(seq), 0) FROM streams)";

    if (!go_on_checking(k, 0))
        return fail_with(k, k->path, "stopped; nothing was written");
    enum err err = expect(k, "PRAGMA integrity_check(1)", "ok",
                          "the copy is damaged, and so the database may be: check it with"
                          " \"PRAGMA integrity_check\", keep older backups");
    if (err == ERR_OK && !go_on_checking(k, 1))
        return fail_with(k, k->path, "stopped; nothing was written");
    if (err == ERR_OK)
        err = expect(k, holes, "0", "a stream of the copy has holes: keep older backups");
    if (err == ERR_OK && !go_on_checking(k, 2))
        return fail_with(k, k->path, "stopped; nothing was written");
    if (err == ERR_OK)
        err = expect(k, strays, "1", "events of the copy belong to no stream: keep older backups");
    if (err == ERR_OK && !go_on_checking(k, 3))
        return fail_with(k, k->path, "stopped; nothing was written");
    return err;
}

/* One plain file, without a log beside it. */
static enum err finish(struct backup *k)
{
    int rc = sqlite3_exec(k->to,
                          "PRAGMA journal_mode = DELETE; INSERT OR REPLACE INTO meta (key, value)"
                          " VALUES ('backup', strftime('%Y-%m-%dT%H:%M:%fZ'))",
                          NULL, NULL, NULL);

    return rc == SQLITE_OK ? ERR_OK : fail_sqlite(k, k->partial, k->to, rc);
}

static int sync_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    int rc = fd < 0 ? -1 : fsync(fd);

    if (fd >= 0)
        (void)close(fd);
    return rc;
}

static enum err publish(struct backup *k)
{
    enum err err = ERR_OK;
    char *copy_of_path = mem_strdup(k->path);

    if (sync_path(k->partial, O_RDONLY) != 0 || link(k->partial, k->path) != 0 ||
        unlink(k->partial) != 0 || sync_path(dirname(copy_of_path), O_RDONLY | O_DIRECTORY) != 0)
        err = fail_with(k, k->path, strerror(errno));
    free(copy_of_path);
    return err;
}

static enum err open_both(struct backup *k)
{
    if (access(k->path, F_OK) == 0)
        return fail_with(k, k->path, "exists: choose another name, or move it away");
    (void)unlink(k->partial);
    int fd = open(k->partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_with(k, k->partial, strerror(errno));
    (void)close(fd);
    enum err err = sq_open_reader(k->b, &k->from, k->error_out);
    if (err != ERR_OK)
        return err;
    int rc = sqlite3_open_v2(k->partial, &k->to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    return rc == SQLITE_OK ? ERR_OK : fail_sqlite(k, k->partial, k->to, rc);
}

enum err sq_backup(struct store_backend *b, const char *path, store_progress_fn progress, void *arg,
                   char error_out[STORE_ERROR_SIZE])
{
    struct backup k = {.b = (struct sqlite_backend *)(void *)b,
                       .path = path,
                       .progress = progress,
                       .arg = arg,
                       .error_out = error_out};
    char *partial = sqlite3_mprintf("%s.partial", path);

    k.partial = partial;
    enum err err = open_both(&k);
    bool made = k.to != NULL;
    if (err == ERR_OK)
        err = copy(&k);
    if (err == ERR_OK)
        err = verify(&k);
    if (err == ERR_OK)
        err = finish(&k);
    (void)sqlite3_close(k.from);
    (void)sqlite3_close(k.to);
    if (err == ERR_OK)
        err = publish(&k);
    if (err != ERR_OK && made)
        (void)unlink(k.partial);
    sqlite3_free(partial);
    return err;
}
