#include "tests/unit/storage/fault_vfs.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "base/macros.h"

enum { VARIANTS = 4 }; /* method tables of the layer below: one for databases, one for logs */

static atomic_int write_rc, sync_rc, read_rc, grace;

static struct variant {
    sqlite3_io_methods methods; /* the patched table */
    const sqlite3_io_methods *real;
} variants[VARIANTS];
static atomic_int variants_n;

static const sqlite3_io_methods *real_of(sqlite3_file *file)
{
    return container_of(file->pMethods, const struct variant, methods)->real;
}

static int fault_write(sqlite3_file *file, const void *from, int n, sqlite3_int64 offset)
{
    int rc = atomic_load(&write_rc);

    if (rc == 0 || atomic_fetch_sub(&grace, 1) > 0)
        return real_of(file)->xWrite(file, from, n, offset);
    (void)real_of(file)->xWrite(file, from, n / 2, offset);
    return rc;
}

static int fault_sync(sqlite3_file *file, int flags)
{
    int rc = atomic_load(&sync_rc);

    return rc != 0 ? rc : real_of(file)->xSync(file, flags);
}

static int fault_read(sqlite3_file *file, void *to, int n, sqlite3_int64 offset)
{
    int rc = atomic_load(&read_rc);

    return rc != 0 ? rc : real_of(file)->xRead(file, to, n, offset);
}

static const sqlite3_io_methods *patch(const sqlite3_io_methods *real)
{
    int n = atomic_load(&variants_n);

    for (int i = 0; i < n; i++)
        if (variants[i].real == real)
            return &variants[i].methods;
    if (n == VARIANTS)
        return real;
    variants[n].real = real;
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
        file->pMethods = patch(file->pMethods);
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

void fault_reads(int rc)
{
    atomic_store(&read_rc, rc);
}

void fault_after(int writes)
{
    atomic_store(&grace, writes);
}
