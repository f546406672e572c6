/* checkpoint.c - moving the write-ahead log into the database file, beside the committer.
 *
 * SQLite would do it inside a COMMIT, and whoever waits for that ack would pay for it. Here a
 * thread copies while commits go on (PASSIVE). Under steady load that never quite catches up, and
 * the log only starts over when all of it was copied: so once it has become long, the thread holds
 * the next batch at the gate for the pages that have come since its last copy. SQLite syncs the
 * database only then; what was copied before is synced beforehand, or that batch waited for it too.
 *
 * After a sync that failed the kernel may have dropped what was copied, and the next sync would
 * not say so. The log still has all of it: it is kept, and copied anew from the next start on.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "storage/sqlite/sqlite.h"

enum {
    COPY_PAGES = 4000,    /* 16 MiB: enough that a page which changes often is copied seldom */
    FINISH_PAGES = 16000, /* 64 MiB: hold the committer and start the log over */
    LOG_INTERVAL_MS = 60000,
};

static int on_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
    struct sqlite_backend *b = arg;

    (void)db;
    (void)name;
    (void)pthread_mutex_lock(&b->wake_lock);
    if (pages < b->wal_copied)
        b->wal_copied = 0; /* it has started over */
    if (pages - b->wal_copied >= COPY_PAGES && !b->checkpoint_wanted) {
        b->checkpoint_wanted = true;
        (void)pthread_cond_signal(&b->wake);
    }
    (void)pthread_mutex_unlock(&b->wake_lock);
    return SQLITE_OK;
}

void sq_checkpoint_watch(struct sqlite_conn *c)
{
    (void)sqlite3_wal_hook(c->db, on_wal, c->backend);
}

static int sync_database(sqlite3 *db)
{
    sqlite3_file *file = NULL;
    int rc = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, (void *)&file);

    if (rc != SQLITE_OK || file == NULL || file->pMethods == NULL)
        return rc;
    rc = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
    return rc == SQLITE_OK ? rc : SQLITE_IOERR_FSYNC;
}

static void report(struct sqlite_backend *b, int rc)
{
    if (rc == SQLITE_IOERR_FSYNC) {
        atomic_store(&b->keeps_log, true);
        log_error("the database could not be synced; all since is kept in its write-ahead log, "
                  "which grows: check the disk, then restart parleyd",
                  LOG_STR("file", b->path));
    } else if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY &&
               !log_limited(&b->checkpoint_logged_ms, LOG_INTERVAL_MS)) {
        log_warn("the write-ahead log cannot be copied into the database, it grows",
                 LOG_STR("file", b->path), LOG_STR("cause", sqlite3_errstr(rc)));
    }
}

/* The number of pages of the log that are in the database. */
static int checkpoint(struct sqlite_backend *b, sqlite3 *db)
{
    int log = 0;
    int copied = 0;
    uint64_t started = clock_monotonic_ns();
    int rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &log, &copied);
    uint64_t held = 0;

    if (rc == SQLITE_OK)
        rc = sync_database(db);
    if (rc == SQLITE_OK && log >= FINISH_PAGES) {
        (void)pthread_mutex_lock(&b->turnstile); /* or the committer would always be first */
        (void)pthread_mutex_lock(&b->write_gate);
        held = clock_monotonic_ns();
        rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &log, &copied);
        held = clock_monotonic_ns() - held;
        (void)pthread_mutex_unlock(&b->write_gate);
        (void)pthread_mutex_unlock(&b->turnstile);
    }
    log_debug("checkpoint", LOG_INT("pages", log), LOG_INT("copied", copied),
              LOG_INT("us", (clock_monotonic_ns() - started) / 1000),
              LOG_INT("held_us", held / 1000));
    report(b, rc);
    return rc == SQLITE_OK ? copied : 0;
}

static void *checkpointer(void *arg)
{
    struct sqlite_backend *b = arg;
    sqlite3 *db = NULL;
    char error[STORE_ERROR_SIZE];

    (void)pthread_setname_np(pthread_self(), "store-copy");
    (void)pthread_mutex_lock(&b->wake_lock);
    while (!b->stop) {
        if (!b->checkpoint_wanted) {
            (void)pthread_cond_wait(&b->wake, &b->wake_lock);
            continue;
        }
        (void)pthread_mutex_unlock(&b->wake_lock);
        int copied = 0;
        if (atomic_load(&b->keeps_log))
            copied = 0;
        else if (db != NULL || sq_open_db(b->path, &db, error, sizeof(error)) == ERR_OK)
            copied = checkpoint(b, db);
        (void)pthread_mutex_lock(&b->wake_lock);
        b->wal_copied = copied;
        b->checkpoint_wanted = false;
    }
    (void)pthread_mutex_unlock(&b->wake_lock);
    sq_close_db(b, db);
    return NULL;
}

enum err sq_checkpointer_start(struct sqlite_backend *b, char error_out[STORE_ERROR_SIZE])
{
    int rc = pthread_create(&b->checkpointer, NULL, checkpointer, b);

    b->has_checkpointer = rc == 0;
    if (rc == 0)
        return ERR_OK;
    (void)snprintf(error_out, STORE_ERROR_SIZE, "cannot start a thread: %s", strerror(rc));
    return ERR_UNAVAILABLE;
}

void sq_checkpointer_stop(struct sqlite_backend *b)
{
    if (!b->has_checkpointer)
        return;
    (void)pthread_mutex_lock(&b->wake_lock);
    b->stop = true;
    (void)pthread_cond_signal(&b->wake);
    (void)pthread_mutex_unlock(&b->wake_lock);
    (void)pthread_join(b->checkpointer, NULL);
    b->has_checkpointer = false;
}
