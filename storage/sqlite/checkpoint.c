/* checkpoint.c - moving the write-ahead log into the database file, beside the committer.
 *
 * SQLite would do it inside a COMMIT, and whoever waits for that ack would pay for it. Here a
 * thread copies while commits go on (PASSIVE). Under steady load that never quite catches up, and
 * the log only starts over when all of it was copied: so the thread copies most of it, then holds
 * the next batch at the gate for the few pages that have come since.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "storage/sqlite/sqlite.h"

enum {
    COPY_PAGES = 6000, /* 24 MiB: enough that a page which changes often is copied seldom */
    LOG_INTERVAL_MS = 60000,
};

static int on_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
    struct sqlite_backend *b = arg;

    (void)db;
    (void)name;
    if (pages < COPY_PAGES)
        return SQLITE_OK;
    (void)pthread_mutex_lock(&b->wake_lock);
    if (b->wal_pages == 0)
        (void)pthread_cond_signal(&b->wake);
    b->wal_pages = pages;
    (void)pthread_mutex_unlock(&b->wake_lock);
    return SQLITE_OK;
}

void sq_checkpoint_watch(struct sqlite_conn *c)
{
    (void)sqlite3_wal_hook(c->db, on_wal, c->backend);
}

static void checkpoint(struct sqlite_backend *b, sqlite3 *db)
{
    int log = 0;
    int copied = 0;
    int rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &log, &copied);

    if (rc == SQLITE_OK && log >= COPY_PAGES) {
        (void)pthread_mutex_lock(&b->turnstile); /* or the committer would always be first */
        (void)pthread_mutex_lock(&b->write_gate);
        rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &log, &copied);
        (void)pthread_mutex_unlock(&b->write_gate);
        (void)pthread_mutex_unlock(&b->turnstile);
    }
    if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY &&
        !log_limited(&b->checkpoint_logged_ms, LOG_INTERVAL_MS))
        log_warn("the write-ahead log cannot be copied into the database, it grows",
                 LOG_STR("file", b->path), LOG_STR("cause", sqlite3_errmsg(db)));
}

static void *checkpointer(void *arg)
{
    struct sqlite_backend *b = arg;
    sqlite3 *db = NULL;
    char error[STORE_ERROR_SIZE];

    (void)pthread_mutex_lock(&b->wake_lock);
    while (!b->stop) {
        if (b->wal_pages == 0) {
            (void)pthread_cond_wait(&b->wake, &b->wake_lock);
            continue;
        }
        b->wal_pages = 0;
        (void)pthread_mutex_unlock(&b->wake_lock);
        if (db != NULL || sq_open_db(b->path, false, &db, error, sizeof(error)) == ERR_OK)
            checkpoint(b, db);
        (void)pthread_mutex_lock(&b->wake_lock);
    }
    (void)pthread_mutex_unlock(&b->wake_lock);
    (void)sqlite3_close(db);
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
