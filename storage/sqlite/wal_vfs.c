#include "storage/sqlite/wal_vfs.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { ROOM = 31 * (24 + 4096) }; /* pages with headers; the unix layer takes less than 128 KiB */

/* The open log. The default layer's file lies behind it. */
struct wal_file {
    sqlite3_file base;
    sqlite3_file *real;
    unsigned char *bytes; /* not written yet; NULL: never wrote */
    int len;
    sqlite3_int64 offset; /* where they belong */
};

static sqlite3_vfs *below(sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

static struct wal_file *wal(sqlite3_file *file)
{
    return (struct wal_file *)(void *)file;
}

static int flush(struct wal_file *f)
{
    if (f->len == 0)
        return SQLITE_OK;
    int rc = f->real->pMethods->xWrite(f->real, f->bytes, f->len, f->offset);
    f->len = 0; /* after a failure too: SQLite rolls back and writes these again */
    return rc;
}

static int wal_close(sqlite3_file *file)
{
    struct wal_file *f = wal(file);
    int rc = flush(f);
    int closed = f->real->pMethods->xClose(f->real);

    free(f->bytes);
    return rc == SQLITE_OK ? closed : rc;
}

static int wal_read(sqlite3_file *file, void *to, int n, sqlite3_int64 offset)
{
    struct wal_file *f = wal(file);
    int rc = flush(f);

    return rc == SQLITE_OK ? f->real->pMethods->xRead(f->real, to, n, offset) : rc;
}

static int wal_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 offset)
{
    struct wal_file *f = wal(file);

    if (f->len > 0 && (offset != f->offset + f->len || n > ROOM - f->len)) {
        int rc = flush(f);
        if (rc != SQLITE_OK)
            return rc;
    }
    if (n > ROOM)
        return f->real->pMethods->xWrite(f->real, from, n, offset);
    if (f->bytes == NULL)
        f->bytes = mem_alloc(ROOM);
    if (f->len == 0)
        f->offset = offset;
    memcpy(f->bytes + f->len, from, (size_t)n);
    f->len += n;
    return SQLITE_OK;
}

static int wal_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct wal_file *f = wal(file);
    int rc = flush(f);

    return rc == SQLITE_OK ? f->real->pMethods->xTruncate(f->real, size) : rc;
}

static int wal_sync(sqlite3_file *file, int flags)
{
    struct wal_file *f = wal(file);
    int rc = flush(f);

    return rc == SQLITE_OK ? f->real->pMethods->xSync(f->real, flags) : rc;
}

static int wal_size(sqlite3_file *file, sqlite3_int64 *size_out)
{
    struct wal_file *f = wal(file);
    int rc = flush(f);

    return rc == SQLITE_OK ? f->real->pMethods->xFileSize(f->real, size_out) : rc;
}

static int wal_lock(sqlite3_file *file, int level)
{
    return wal(file)->real->pMethods->xLock(wal(file)->real, level);
}

static int wal_unlock(sqlite3_file *file, int level)
{
    return wal(file)->real->pMethods->xUnlock(wal(file)->real, level);
}

static int wal_reserved(sqlite3_file *file, int *out)
{
    return wal(file)->real->pMethods->xCheckReservedLock(wal(file)->real, out);
}

static int wal_control(sqlite3_file *file, int op, void *arg)
{
    return wal(file)->real->pMethods->xFileControl(wal(file)->real, op, arg);
}

static int wal_sector_size(sqlite3_file *file)
{
    return wal(file)->real->pMethods->xSectorSize(wal(file)->real);
}

static int wal_characteristics(sqlite3_file *file)
{
    return wal(file)->real->pMethods->xDeviceCharacteristics(wal(file)->real);
}

static const sqlite3_io_methods wal_methods = {
    .iVersion = 1,
    .xClose = wal_close,
    .xRead = wal_read,
    .xWrite = wal_write,
    .xTruncate = wal_truncate,
    .xSync = wal_sync,
    .xFileSize = wal_size,
    .xLock = wal_lock,
    .xUnlock = wal_unlock,
    .xCheckReservedLock = wal_reserved,
    .xFileControl = wal_control,
    .xSectorSize = wal_sector_size,
    .xDeviceCharacteristics = wal_characteristics,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                    int *flags_out)
{
    struct wal_file *f = wal(file);

    if ((flags & SQLITE_OPEN_WAL) == 0)
        return below(vfs)->xOpen(below(vfs), name, file, flags, flags_out);
    memset(f, 0, sizeof(*f));
    f->real = (sqlite3_file *)(void *)(f + 1);
    int rc = below(vfs)->xOpen(below(vfs), name, f->real, flags, flags_out);
    /* SQLite closes a file that failed to open only if it has methods. */
    if (rc == SQLITE_OK)
        f->base.pMethods = &wal_methods;
    else if (f->real->pMethods != NULL)
        (void)f->real->pMethods->xClose(f->real);
    return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
    return below(vfs)->xDelete(below(vfs), name, sync_dir);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    return below(vfs)->xAccess(below(vfs), name, flags, out);
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int n, char *out)
{
    return below(vfs)->xFullPathname(below(vfs), name, n, out);
}

static int vfs_random(sqlite3_vfs *vfs, int n, char *out)
{
    return below(vfs)->xRandomness(below(vfs), n, out);
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
    return below(vfs)->xSleep(below(vfs), us);
}

static int vfs_time(sqlite3_vfs *vfs, sqlite3_int64 *out)
{
    return below(vfs)->xCurrentTimeInt64(below(vfs), out);
}

static int vfs_last_error(sqlite3_vfs *vfs, int n, char *out)
{
    return below(vfs)->xGetLastError(below(vfs), n, out);
}

int wal_vfs_register(void)
{
    static sqlite3_vfs vfs = {
        .iVersion = 2,
        .zName = WAL_VFS_NAME,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_random,
        .xSleep = vfs_sleep,
        .xCurrentTimeInt64 = vfs_time,
        .xGetLastError = vfs_last_error,
    };
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);

    if (real == NULL)
        return SQLITE_ERROR;
    vfs.szOsFile = (int)sizeof(struct wal_file) + real->szOsFile;
    vfs.mxPathname = real->mxPathname;
    vfs.pAppData = real;
    return sqlite3_vfs_register(&vfs, 0);
}
