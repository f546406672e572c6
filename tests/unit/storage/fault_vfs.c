#include "tests/unit/storage/fault_vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "base/macros.h"

enum {
    VARIANTS = 8, /* method tables of the layer below: those for databases, those for logs */
    PAGE = 4096,
    UNSYNCED_MAX = 100000,
};

static atomic_int write_rc, sync_rc, read_rc, grace, loses;

/* Pages of a database that were written and not synced. */
static pthread_mutex_t unsynced_lock = PTHREAD_MUTEX_INITIALIZER;
static sqlite3_int64 unsynced[UNSYNCED_MAX];
static size_t unsynced_n;

static struct variant {
    sqlite3_io_methods methods; /* the patched table */
    const sqlite3_io_methods *real;
    bool database;
} variants[VARIANTS];
static atomic_int variants_n;

static const struct variant *variant_of(sqlite3_file *file)
{
    return container_of(file->pMethods, const struct variant, methods);
}

static const sqlite3_io_methods *real_of(sqlite3_file *file)
{
    return variant_of(file)->real;
}

static void note_page(sqlite3_int64 offset)
{
    (void)pthread_mutex_lock(&unsynced_lock);
    if (unsynced_n < UNSYNCED_MAX)
        unsynced[unsynced_n++] = offset;
    (void)pthread_mutex_unlock(&unsynced_lock);
}

/* What was written is gone if LOST, as after a failed fsync(2). */
static void settle_pages(sqlite3_file *file, bool lost)
{
    static const unsigned char zeros[PAGE];

    (void)pthread_mutex_lock(&unsynced_lock);
    for (size_t i = 0; lost && i < unsynced_n; i++)
        (void)real_of(file)->xWrite(file, zeros, PAGE, unsynced[i]);
    unsynced_n = 0;
    (void)pthread_mutex_unlock(&unsynced_lock);
}

static int fault_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 offset)
{
    int rc = atomic_load(&write_rc);

    if (variant_of(file)->database && n == PAGE && offset > 0)
        note_page(offset);
    if (rc == 0 || atomic_fetch_sub(&grace, 1) > 0)
        return real_of(file)->xWrite(file, from, n, offset);
    (void)real_of(file)->xWrite(file, from, n / 2, offset);
    return rc;
}

static int fault_sync(sqlite3_file *file, int flags)
{
    int rc = atomic_load(&sync_rc);
    bool lost = variant_of(file)->database && atomic_exchange(&loses, 0) != 0;

    if (variant_of(file)->database)
        settle_pages(file, lost);
    if (lost)
        return SQLITE_IOERR_FSYNC;
    return rc != 0 ? rc : real_of(file)->xSync(file, flags);
}

static int fault_read(sqlite3_file *file, void *to, int n, sqlite3_int64 offset)
{
    int rc = atomic_load(&read_rc);

    return rc != 0 ? rc : real_of(file)->xRead(file, to, n, offset);
}

static const sqlite3_io_methods *patch(const sqlite3_io_methods *real, bool database)
{
    int n = atomic_load(&variants_n);

    for (int i = 0; i < n; i++)
        if (variants[i].real == real && variants[i].database == database)
            return &variants[i].methods;
    if (n == VARIANTS)
        return real;
    variants[n].real = real;
    variants[n].database = database;
    variants[n].methods = *real;
    variants[n].methods.xWrite = fault_write;
    variants[n].methods.xSync = fault_sync;
    variants[n].methods.xRead = fault_read;
    atomic_store(&variants_n, n + 1);
    return &variants[n].methods;
}

static sqlite3_vfs *below;

static int fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                      int *flags_out)
{
    int rc = below->xOpen(below, name, file, flags, flags_out);

    (void)vfs;
    if (rc == SQLITE_OK && file->pMethods != NULL)
        file->pMethods = patch(file->pMethods, (flags & SQLITE_OPEN_MAIN_DB) != 0);
    return rc;
}

void fault_vfs_install(void)
{
    static sqlite3_vfs vfs;

    below = sqlite3_vfs_find(NULL);
    vfs = *below;
    vfs.zName = "fault";
    vfs.pNext = NULL;
    vfs.xOpen = fault_open;
    (void)sqlite3_vfs_register(&vfs, 1);
}

void fault_writes(int rc)
{
    atomic_store(&grace, 0);
    atomic_store(&write_rc, rc);
}

void fault_syncs(int rc)
{
    atomic_store(&sync_rc, rc);
}

void fault_loses_pages(void)
{
    atomic_store(&loses, 1);
}

bool fault_has_lost_pages(void)
{
    return atomic_load(&loses) == 0;
}

void fault_reads(int rc)
{
    atomic_store(&read_rc, rc);
}

void fault_after(int writes)
{
    atomic_store(&grace, writes);
}
