/* sqlite.c - opening and locking the file, connections and transactions; the ops table. */
#include "storage/sqlite/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "storage/copy_ops.h"
#include "storage/match.h"
#include "storage/sqlite/wal_vfs.h"

enum { JOINS_MAX = 8 }; /* the first of them waits for the last; other readers have the rest */

/* -- opening --------------------------------------------------------------------------------- */

static void configure_library(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* a global lock on every allocation */
    (void)wal_vfs_register();
}

/* SQL: contains(text, part), any case. */
static void sql_contains(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    const char *text = argc == 2 ? (const char *)sqlite3_value_text(argv[0]) : NULL;
    const char *part = argc == 2 ? (const char *)sqlite3_value_text(argv[1]) : NULL;

    sqlite3_result_int(ctx, text != NULL && part != NULL && match_contains(text, part) ? 1 : 0);
}

enum err sq_open_db(const char *path, sqlite3 **db_out, char *error_out, size_t error_size)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_READWRITE;

    (void)pthread_once(&once, configure_library);
    int rc = sqlite3_open_v2(path, db_out, flags, WAL_VFS_NAME);
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(*db_out, SQ_BUSY_MS);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(*db_out,
                          "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                          " PRAGMA cache_size = -2000; PRAGMA temp_store = MEMORY;"
                          " PRAGMA wal_autocheckpoint = 0; PRAGMA trusted_schema = OFF;"
                          " PRAGMA cell_size_check = ON; PRAGMA secure_delete = ON",
                          NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_create_function(*db_out, "contains", 2,
                                     SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
                                     sql_contains, NULL, NULL);
    if (rc == SQLITE_OK)
        return ERR_OK;
    enum err err =
        sq_explain(path, rc, *db_out != NULL ? sqlite3_errmsg(*db_out) : sqlite3_errstr(rc),
                   *db_out != NULL ? sqlite3_system_errno(*db_out) : 0, error_out, error_size);
    (void)sqlite3_close(*db_out);
    *db_out = NULL;
    return err;
}

/* Neither a log nor a lock comes into being beside a file that is only read. */
enum err sq_open_reader(struct sqlite_backend *b, sqlite3 **db_out,
                        char error_out[STORE_ERROR_SIZE])
{
    if (!b->only_read)
        return sq_open_db(b->path, db_out, error_out, STORE_ERROR_SIZE);
    int rc = sqlite3_open_v2(
        b->path, db_out, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_READONLY, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(*db_out, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON", NULL,
                          NULL, NULL);
    if (rc == SQLITE_OK)
        return ERR_OK;
    enum err err = sq_explain(
        b->path, rc, *db_out != NULL ? sqlite3_errmsg(*db_out) : sqlite3_errstr(rc),
        *db_out != NULL ? sqlite3_system_errno(*db_out) : 0, error_out, STORE_ERROR_SIZE);
    (void)sqlite3_close(*db_out);
    *db_out = NULL;
    return err;
}

static enum err os_error(const char *path, const char *doing, const char *remedy,
                         char error_out[STORE_ERROR_SIZE])
{
    (void)snprintf(error_out, STORE_ERROR_SIZE, "%s: cannot %s: %s: %s", path, doing,
                   strerror(errno), remedy);
    return ERR_UNAVAILABLE;
}

/* The directory of PATH; free() it. */
static char *dir_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return mem_strdup(".");
    return mem_strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* Take the lock of the directory, for as long as the backend lives. */
static enum err lock_dir(struct sqlite_backend *b, const char *dir,
                         char error_out[STORE_ERROR_SIZE])
{
    char pid[32] = "";
    char *lock = sqlite3_mprintf("%s/parley.lock", dir);
    enum err err = ERR_OK;

    b->lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (b->lock_fd < 0) {
        err = os_error(lock, "be created", "make the directory writable for this user", error_out);
    } else if (flock(b->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        ssize_t n = pread(b->lock_fd, pid, sizeof(pid) - 1, 0);
        pid[n > 0 ? strcspn(pid, "\n") : 0] = '\0';
        (void)snprintf(error_out, STORE_ERROR_SIZE,
                       "%s: in use by another parleyd (process %s): stop it, or give this one a"
                       " data directory of its own",
                       b->path, *pid != '\0' ? pid : "unknown");
        err = ERR_CONFLICT;
    } else {
        int n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
        if (ftruncate(b->lock_fd, 0) != 0 || pwrite(b->lock_fd, pid, (size_t)n, 0) != n)
            err = os_error(lock, "be written", "free some space on its disk", error_out);
    }
    sqlite3_free(lock);
    return err;
}

static enum err find_file(struct sqlite_backend *b, bool existing, char error_out[STORE_ERROR_SIZE])
{
    struct stat st;
    char *dir = dir_of(b->path);
    enum err err = ERR_OK;

    if (stat(dir, &st) != 0)
        err = os_error(dir, "be used as the data directory",
                       "create it, and make it writable for this user", error_out);
    else if (existing && stat(b->path, &st) != 0)
        err = os_error(b->path, "be opened", "check the path of the data directory", error_out);
    if (err == ERR_OK)
        err = lock_dir(b, dir, error_out);
    free(dir);
    if (err != ERR_OK)
        return err;
    int fd = open(b->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* nobody else's to read */
    if (fd < 0)
        return os_error(b->path, "be opened",
                        "make the file and its directory writable for this user", error_out);
    (void)close(fd);
    return ERR_OK;
}

static void sq_close(struct store_backend **backend)
{
    struct sqlite_backend *b = (struct sqlite_backend *)(void *)*backend;

    if (b == NULL)
        return;
    *backend = NULL;
    sq_checkpointer_stop(b);
    if (b->lock_fd >= 0)
        (void)close(b->lock_fd);
    (void)pthread_mutex_destroy(&b->write_gate);
    (void)pthread_mutex_destroy(&b->turnstile);
    (void)pthread_mutex_destroy(&b->wake_lock);
    (void)pthread_cond_destroy(&b->wake);
    free(b->path);
    free(b);
}

static enum err open_live(struct sqlite_backend *b, bool existing, char error_out[STORE_ERROR_SIZE])
{
    sqlite3 *db = NULL;
    enum err err = find_file(b, existing, error_out);

    if (err == ERR_OK)
        err = sq_open_db(b->path, &db, error_out, STORE_ERROR_SIZE);
    if (err == ERR_OK)
        err = sq_migrate(db, b, error_out);
    if (err == ERR_OK)
        err = sq_checkpointer_start(b, error_out);
    (void)sqlite3_close(db);
    return err;
}

static enum err open_backup(struct sqlite_backend *b, char error_out[STORE_ERROR_SIZE])
{
    sqlite3 *db = NULL;

    b->only_read = true;
    enum err err = sq_open_reader(b, &db, error_out);
    if (err == ERR_OK)
        err = sq_check_backup(db, b, error_out);
    (void)sqlite3_close(db);
    return err;
}

static enum err sq_open(const char *path, enum store_open_mode mode,
                        struct store_backend **backend_out, char error_out[STORE_ERROR_SIZE])
{
    struct sqlite_backend *b = mem_zalloc(sizeof(*b));

    *backend_out = &b->base;
    b->base.ops = &store_sqlite_ops;
    b->path = mem_strdup(path);
    b->lock_fd = -1;
    (void)pthread_mutex_init(&b->write_gate, NULL);
    (void)pthread_mutex_init(&b->turnstile, NULL);
    (void)pthread_mutex_init(&b->wake_lock, NULL);
    (void)pthread_cond_init(&b->wake, NULL);
    enum err err = mode == STORE_OPEN_BACKUP ? open_backup(b, error_out)
                                             : open_live(b, mode == STORE_OPEN_EXISTING, error_out);
    if (err != ERR_OK)
        sq_close(backend_out);
    return err;
}

void sq_close_db(struct sqlite_backend *b, sqlite3 *db)
{
    if (db != NULL && atomic_load(&b->keeps_log)) /* or the last one to close removes it */
        (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_close(db);
}

/* -- connections ----------------------------------------------------------------------------- */

static void sq_disconnect(struct store_conn **conn)
{
    if (*conn == NULL)
        return;
    struct sqlite_conn *c = sq(*conn);
    *conn = NULL;
    for (size_t i = 0; i < SQ_IDS; i++)
        (void)sqlite3_finalize(c->stmts[i]);
    sq_close_db(c->backend, c->db);
    free(c);
}

static enum err sq_connect(struct store_backend *backend, bool writes, struct store_conn **conn_out,
                           char error_out[STORE_ERROR_SIZE])
{
    struct sqlite_backend *b = (struct sqlite_backend *)(void *)backend;
    struct sqlite_conn *c = mem_zalloc(sizeof(*c));

    c->base.ops = &store_sqlite_ops;
    c->backend = b;
    c->writes = writes;
    *conn_out = &c->base;
    enum err err = sq_open_reader(b, &c->db, error_out);
    if (err == ERR_OK && writes)
        sq_checkpoint_watch(c);
    if (err == ERR_OK)
        (void)sqlite3_exec(c->db, writes ? "PRAGMA cache_size = -8000" : "PRAGMA query_only = ON",
                           NULL, NULL, NULL);
    if (err != ERR_OK)
        sq_disconnect(conn_out);
    return err;
}

/* -- transactions ---------------------------------------------------------------------------- */

static void release_gate(struct sqlite_conn *c)
{
    if (c->holds_gate)
        (void)pthread_mutex_unlock(&c->backend->write_gate);
    c->holds_gate = false;
}

static enum err sq_begin(struct store_conn *conn, bool write)
{
    struct sqlite_conn *c = sq(conn);

    c->base.failed = ERR_OK;
    if (write) {
        (void)pthread_mutex_lock(&c->backend->turnstile);
        (void)pthread_mutex_lock(&c->backend->write_gate);
        (void)pthread_mutex_unlock(&c->backend->turnstile);
        c->holds_gate = true;
    }
    enum err err = sq_run(c, sq_bind(c, write ? SQ_BEGIN_WRITE : SQ_BEGIN_READ, ""));
    if (err != ERR_OK)
        release_gate(c);
    return err;
}

static enum err sq_commit(struct store_conn *conn)
{
    struct sqlite_conn *c = sq(conn);
    enum err err = sq_run(c, sq_bind(c, SQ_COMMIT, ""));

    if (err == ERR_OK)
        release_gate(c);
    return err;
}

static void sq_rollback(struct store_conn *conn)
{
    struct sqlite_conn *c = sq(conn);

    for (size_t i = 0; i < SQ_IDS; i++)
        if (c->stmts[i] != NULL && sqlite3_stmt_busy(c->stmts[i]))
            (void)sqlite3_reset(c->stmts[i]);
    if (sqlite3_get_autocommit(c->db) == 0)
        (void)sq_run(c, sq_bind(c, SQ_ROLLBACK, ""));
    release_gate(c);
    c->base.failed = ERR_OK;
}

static enum err sq_probe(struct store_conn *conn)
{
    struct sqlite_conn *c = sq(conn);
    enum err err = sq_begin(conn, true);

    if (err == ERR_OK)
        err = sq_run(c, sq_bind(c, SQ_PROBE, "i", clock_unix_ms()));
    if (err == ERR_OK)
        err = sq_commit(conn);
    if (err != ERR_OK) {
        char reason[STORE_REASON_SIZE];
        memcpy(reason, conn->reason, sizeof(reason));
        sq_rollback(conn);
        memcpy(conn->reason, reason, sizeof(reason));
    }
    return err;
}

/* Short reads: to begin and to end a transaction is a good part of each. */
static bool sq_joins(enum store_op op)
{
    return op == STORE_SESSION_GET || op == STORE_USER_GET || op == STORE_CHANNEL_GET ||
           op == STORE_MESSAGE_GET || op == STORE_HISTORY;
}

const struct store_ops store_sqlite_ops = {
    .scheme = "sqlite",
    .open = sq_open,
    .close = sq_close,
    .connect = sq_connect,
    .disconnect = sq_disconnect,
    .begin = sq_begin,
    .commit = sq_commit,
    .joins = sq_joins,
    .joins_max = JOINS_MAX,
    .rollback = sq_rollback,
    .probe = sq_probe,
    .stream_get = sq_stream_get,
    .stream_add = sq_stream_add,
    .stream_save = sq_stream_save,
    .event_add = sq_event_add,
    .event_get = sq_event_get,
    .event_scrub = sq_event_scrub,
    .events_list = sq_events_list,
    .client_msg_find = sq_client_msg_find,
    .events_scan = sq_events_scan,
    .events_count = sq_events_count,
    .projections_clear = sq_projections_clear,
    .chan_get = sq_chan_get,
    .chan_by_dm = sq_chan_by_dm,
    .chan_add = sq_chan_add,
    .chan_save = sq_chan_save,
    .chan_remove = sq_chan_remove,
    .purge_next = sq_purge_next,
    .purge = sq_purge,
    .chans_list = sq_chans_list,
    .chans_of = sq_chans_of,
    .member_get = sq_member_get,
    .member_add = sq_member_add,
    .member_save = sq_member_save,
    .member_remove = sq_member_remove,
    .members_list = sq_members_list,
    .message_add = sq_message_add,
    .message_save = sq_message_save,
    .message_get = sq_message_get,
    .message_at = sq_message_at,
    .msg_no_at = sq_msg_no_at,
    .messages_before = sq_messages_before,
    .messages_after = sq_messages_after,
    .mention_add = sq_mention_add,
    .mention_remove = sq_mention_remove,
    .mentions_forget = sq_mentions_forget,
    .mentions_count = sq_mentions_count,
    .user_get = sq_user_get,
    .user_by_key = sq_user_by_key,
    .user_add = sq_user_add,
    .user_save = sq_user_save,
    .user_owner = sq_user_owner,
    .user_counts = sq_user_counts,
    .users_list = sq_users_list,
    .bots_list = sq_bots_list,
    .session_add = sq_session_add,
    .session_get = sq_session_get,
    .session_touch = sq_session_touch,
    .session_remove = sq_session_remove,
    .sessions_expire = sq_sessions_expire,
    .sessions_list = sq_sessions_list,
    .invite_add = sq_invite_add,
    .invite_find = sq_invite_find,
    .invite_use = sq_invite_use,
    .invite_remove = sq_invite_remove,
    .invites_list = sq_invites_list,
    .hook_add = sq_hook_add,
    .hook_save = sq_hook_save,
    .hook_get = sq_hook_get,
    .hook_remove = sq_hook_remove,
    .hooks_list = sq_hooks_list,
    .hooks_outgoing = sq_hooks_outgoing,
    .hook_lease = sq_hook_lease,
    .hook_mark = sq_hook_mark,
    .hook_failure_put = sq_hook_failure_put,
    .hook_failure_due = sq_hook_failure_due,
    .hook_failure_remove = sq_hook_failure_remove,
    .hook_failures_list = sq_hook_failures_list,
    .hook_failures_trim = sq_hook_failures_trim,
    .stats = sq_stats,
    .copy = &store_sqlite_copy_ops,
    .backup = sq_backup,
};
