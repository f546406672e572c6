#include "storage/copy.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "storage/backends.h"

/* In the settings of a database that is being filled: what it becomes a copy of. */
#define MARK "copying"

/* -- what went wrong --------------------------------------------------------------------------- */

static const char *reason_of(const struct copy_side *side, enum err err)
{
    const struct store_conn *conns[] = {side->writer, side->reader};

    for (size_t i = 0; i < 2; i++)
        if (conns[i] != NULL && conns[i]->failed != ERR_OK)
            return conns[i]->reason;
    return err == ERR_CONFLICT ? "something else is there" : NULL;
}

enum err copy_fail(struct copy *k, enum err err, const struct copy_side *side, const char *fmt, ...)
{
    char what[STORE_ERROR_SIZE];
    va_list args;

    if (k->error_out[0] != '\0')
        return err; /* said where it was known best */
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    const char *reason = reason_of(side, err);
    (void)snprintf(k->error_out, STORE_ERROR_SIZE, "%s %.400s%s%.90s", side->word, what,
                   reason != NULL ? ": " : "", reason != NULL ? reason : "");
    return err;
}

bool copy_go_on(struct copy *k, const char *step, const char *unit)
{
    uint64_t total = k->total > k->done ? k->total : k->done;

    if (k->progress == NULL || k->progress(k->arg, step, unit, k->done, total))
        return true;
    if (k->error_out[0] == '\0')
        (void)snprintf(k->error_out, STORE_ERROR_SIZE, "stopped");
    return false;
}

/* -- the two sides ----------------------------------------------------------------------------- */

static enum err connect_side(struct copy *k, struct copy_side *side, bool writes)
{
    side->ops = side->backend->ops;
    enum err err = side->ops->connect(side->backend, false, &side->reader, k->error_out);

    if (err == ERR_OK && (writes || side->ops->behind != NULL))
        err = side->ops->connect(side->backend, writes, &side->writer, k->error_out);
    if (side->writer != NULL)
        txn_init(&side->txn, side->writer);
    return err;
}

static void disconnect_side(struct copy_side *side)
{
    if (side->writer != NULL)
        txn_free(&side->txn);
    if (side->writer != NULL)
        side->ops->disconnect(&side->writer);
    if (side->reader != NULL)
        side->ops->disconnect(&side->reader);
}

static void copy_init(struct copy *k, store_progress_fn progress, void *arg, char *error_out)
{
    *k = (struct copy){.from = {.word = "the source"},
                       .to = {.word = "the target"},
                       .progress = progress,
                       .arg = arg,
                       .error_out = error_out};
    k->arena = arena_create();
    error_out[0] = '\0';
}

static void copy_free(struct copy *k)
{
    disconnect_side(&k->from);
    disconnect_side(&k->to);
    map_free(&k->people);
    arena_destroy(&k->arena);
}

/* -- the mark ---------------------------------------------------------------------------------- */

static enum err read_mark(struct store_conn *conn, char mark_out[COPY_META_SIZE])
{
    enum err err = conn->ops->begin(conn, false);

    mark_out[0] = '\0';
    if (err == ERR_OK)
        err = conn->ops->copy->meta_get(conn, MARK, mark_out);
    if (err == ERR_OK || err == ERR_NOT_FOUND)
        err = conn->ops->commit(conn);
    else
        conn->ops->rollback(conn);
    return err;
}

enum err copy_refuse_half(struct store_conn *conn, char error_out[STORE_ERROR_SIZE])
{
    char mark[COPY_META_SIZE];
    enum err err = read_mark(conn, mark);

    if (err != ERR_OK)
        (void)snprintf(error_out, STORE_ERROR_SIZE, "the store cannot be read: %s", conn->reason);
    else if (mark[0] != '\0')
        (void)snprintf(error_out, STORE_ERROR_SIZE,
                       "the store is only half a copy: a `parleyctl %s` into it was interrupted."
                       " Run the same command again, it goes on where it was; or empty the store",
                       strncmp(mark, "restore", 7) == 0 ? "restore" : "migrate");
    return err == ERR_OK && mark[0] != '\0' ? ERR_CONFLICT : err;
}

/* What this is a copy of: the kind of copy, the source's epoch, and which backup it is. */
static enum err name_source(struct copy *k, char mark_out[COPY_META_SIZE])
{
    struct copy_side *from = &k->from;
    char epoch[STORE_EPOCH_SIZE];
    char made_at[COPY_META_SIZE];
    struct arena *arena;
    enum err err = copy_look(k, from, &arena);

    arena_destroy(&arena);
    if (err != ERR_OK)
        return err;
    from->ops->copy->epoch_get(from->reader, epoch);
    err = from->ops->copy->meta_get(from->reader, "backup", made_at);
    err = copy_looked(k, from, err == ERR_NOT_FOUND ? ERR_OK : err);
    (void)snprintf(mark_out, COPY_META_SIZE, "%s %s %.40s", k->new_history ? "restore" : "migrate",
                   epoch, made_at);
    return err;
}

static enum err see(struct copy *k, struct arena *arena, void *arg, const void *row)
{
    (void)arena;
    (void)arg;
    (void)row;
    return copy_fail(k, ERR_CONFLICT, &k->to,
                     "is not empty: name an empty database or a new directory");
}

static enum err write_mark(struct copy *k, const char *mark, const char *epoch)
{
    struct copy_side *to = &k->to;
    enum err err = to->ops->begin(to->writer, true);

    if (err == ERR_OK)
        err = to->ops->copy->meta_set(to->writer, MARK, mark);
    if (err == ERR_OK && epoch != NULL)
        err = to->ops->copy->epoch_set(to->writer, epoch);
    if (err == ERR_OK)
        err = to->ops->commit(to->writer);
    if (err == ERR_OK)
        return ERR_OK;
    err = copy_fail(k, err, to, "cannot be written");
    to->ops->rollback(to->writer);
    return err;
}

/* An empty target, or one that this copy was begun in. */
static enum err claim_target(struct copy *k)
{
    char wanted[COPY_META_SIZE];
    char there[COPY_META_SIZE];
    char epoch[STORE_EPOCH_SIZE];
    enum err err = name_source(k, wanted);

    if (err == ERR_OK) {
        err = read_mark(k->to.reader, there);
        if (err != ERR_OK)
            return copy_fail(k, err, &k->to, "cannot be read");
    }
    k->resumed = err == ERR_OK && there[0] != '\0';
    if (k->resumed && strcmp(there, wanted) != 0)
        return copy_fail(k, ERR_CONFLICT, &k->to,
                         "was left half-way by a copy of something else: finish that one, or empty"
                         " it");
    if (err == ERR_OK && !k->resumed)
        err = copy_each_user(k, &k->to, see, NULL);
    if (err == ERR_OK && !k->resumed)
        err = copy_each_invite(k, &k->to, see, NULL);
    if (err == ERR_OK && !k->resumed)
        err = copy_each_stream(k, &k->to, see, NULL);
    if (err != ERR_OK)
        return err;
    k->from.ops->copy->epoch_get(k->from.reader, epoch);
    return write_mark(k, wanted, k->new_history ? NULL : epoch);
}

/* -- the whole --------------------------------------------------------------------------------- */

/* How much there is; of a store with several writers this also writes what it had not written yet.
 */
static enum err measure(struct copy *k, struct copy_side *side)
{
    struct store_stats stats;
    struct arena *arena;
    enum err err = copy_look(k, side, &arena);

    arena_destroy(&arena);
    if (err != ERR_OK)
        return err;
    err = side->ops->stats(side->reader, &stats);
    if (err == ERR_OK)
        k->total = stats.events;
    return copy_looked(k, side, err);
}

static enum err copy_run(struct copy *k)
{
    enum err err = measure(k, &k->from);

    if (err == ERR_OK)
        err = copy_accounts(k);
    k->done = 0;
    if (err == ERR_OK)
        err = copy_streams(k);
    if (err == ERR_OK && !copy_go_on(k, "copying", "events"))
        err = ERR_UNAVAILABLE;
    if (err == ERR_OK)
        err = measure(k, &k->to);
    return err == ERR_OK ? copy_check(k) : err;
}

static void sum_up(const struct copy *k, struct store_copied *out)
{
    *out = (struct store_copied){.users = k->users.n,
                                 .sessions = k->sessions.n,
                                 .invites = k->invites.n,
                                 .hooks = k->hooks_n,
                                 .streams = k->streams.n,
                                 .events = k->events,
                                 .resumed = k->resumed};
    copy_digest_hex(&k->streams, out->hash);
}

/* FROM is opened already. */
static enum err copy_into(struct copy *k, const char *to, struct store_copied *out)
{
    enum err err = connect_side(k, &k->from, false);

    if (err == ERR_OK)
        err = copy_refuse_half(k->from.reader, k->error_out);
    if (err == ERR_OK)
        err = backend_open(to, STORE_OPEN_OR_CREATE, &k->to.backend, k->error_out);
    if (err == ERR_OK)
        err = connect_side(k, &k->to, true);
    if (err == ERR_OK)
        err = claim_target(k);
    if (err == ERR_OK)
        err = copy_run(k);
    if (err == ERR_OK)
        err = write_mark(k, NULL, NULL);
    if (err == ERR_OK)
        sum_up(k, out);
    return err;
}

enum err store_migrate(const char *from, const char *to, store_progress_fn progress, void *arg,
                       struct store_copied *out, char error_out[512])
{
    struct copy k;

    copy_init(&k, progress, arg, error_out);
    enum err err = backend_open(from, STORE_OPEN_EXISTING, &k.from.backend, error_out);
    if (err == ERR_OK)
        err = copy_into(&k, to, out);
    copy_free(&k);
    if (k.to.backend != NULL)
        k.to.backend->ops->close(&k.to.backend);
    if (k.from.backend != NULL)
        k.from.backend->ops->close(&k.from.backend);
    return err;
}

/* -- restoring --------------------------------------------------------------------------------- */

/* A log that was left there would be taken for the restored database's own. */
static enum err refuse_leftovers(struct copy *k, const char *path)
{
    struct buf wal = {0};

    buf_printf(&wal, "%s-wal", path);
    bool there = access(wal.data, F_OK) == 0;
    if (there)
        (void)snprintf(k->error_out, STORE_ERROR_SIZE,
                       "%.300s: exists, of a database that is no more: move it away", wal.data);
    buf_free(&wal);
    return there ? ERR_CONFLICT : ERR_OK;
}

/* From file to file nothing has to be made anew: parleyd gives it new epochs when it opens it. */
static enum err restore_file(struct copy *k, const char *path, struct store_copied *out)
{
    struct store_stats stats = {0};
    struct arena *arena;
    enum err err = refuse_leftovers(k, path);

    if (err == ERR_OK)
        err = connect_side(k, &k->from, false);
    if (err == ERR_OK) {
        err = copy_look(k, &k->from, &arena);
        arena_destroy(&arena);
    }
    if (err != ERR_OK)
        return err;
    err = copy_looked(k, &k->from, k->from.ops->stats(k->from.reader, &stats));
    *out = (struct store_copied){.users = stats.users,
                                 .sessions = stats.sessions,
                                 .streams = stats.streams,
                                 .events = stats.events};
    return err == ERR_OK
               ? k->from.ops->backup(k->from.backend, path, k->progress, k->arg, k->error_out)
               : err;
}

enum err store_restore(const char *file, const char *to, store_progress_fn progress, void *arg,
                       struct store_copied *out, char error_out[512])
{
    const char *path;
    struct copy k;

    copy_init(&k, progress, arg, error_out);
    k.new_history = true;
    enum err err = store_sqlite_ops.open(file, STORE_OPEN_BACKUP, &k.from.backend, error_out);
    if (err == ERR_OK && backend_find(to, &path) == &store_sqlite_ops)
        err = restore_file(&k, path, out);
    else if (err == ERR_OK)
        err = copy_into(&k, to, out);
    copy_free(&k);
    if (k.to.backend != NULL)
        k.to.backend->ops->close(&k.to.backend);
    if (k.from.backend != NULL)
        k.from.backend->ops->close(&k.from.backend);
    return err;
}

/* -- backups ----------------------------------------------------------------------------------- */

/* A directory beside the backup, in which it is put together. */
static enum err make_workshop(struct copy *k, const char *path, const char *dir)
{
    if (access(path, F_OK) == 0) {
        (void)snprintf(k->error_out, STORE_ERROR_SIZE,
                       "%.300s: exists: choose another name, or move it away", path);
        return ERR_UNAVAILABLE;
    }
    if (mkdir(dir, 0700) == 0)
        return ERR_OK;
    (void)snprintf(k->error_out, STORE_ERROR_SIZE, "%.300s: %s%s", dir, strerror(errno),
                   errno == EEXIST ? ": another backup to this path is running, or was killed: then"
                                     " remove it"
                                   : "");
    return ERR_UNAVAILABLE;
}

static void remove_workshop(const char *dir)
{
    static const char *const files[] = {"parley.db", "parley.db-wal", "parley.db-shm",
                                        "parley.lock"};
    struct buf path = {0};

    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        buf_clear(&path);
        buf_printf(&path, "%s/%s", dir, files[i]);
        (void)unlink(path.data);
    }
    (void)rmdir(dir);
    buf_free(&path);
}

enum err copy_backup(struct store_backend *backend, const char *path, store_progress_fn progress,
                     void *arg, char error_out[STORE_ERROR_SIZE])
{
    struct copy k;
    struct store_copied sum;
    struct buf dir = {0};
    struct buf url = {0};

    copy_init(&k, progress, arg, error_out);
    k.online = true;
    k.from.backend = backend;
    buf_printf(&dir, "%s.copying", path);
    buf_printf(&url, "sqlite:%s/parley.db", dir.data);
    enum err err = make_workshop(&k, path, dir.data);
    if (err == ERR_OK) {
        err = copy_into(&k, url.data, &sum);
        if (err == ERR_OK)
            err = k.to.ops->backup(k.to.backend, path, progress, arg, error_out);
        copy_free(&k);
        if (k.to.backend != NULL)
            k.to.backend->ops->close(&k.to.backend);
        remove_workshop(dir.data);
    } else {
        copy_free(&k);
    }
    buf_free(&dir);
    buf_free(&url);
    return err;
}
