/* fault_vfs.h - a layer below SQLite that fails when it is told to: a full disk, a broken one.
 *
 * Threading: the switches may be set from any thread at any time.
 */
#ifndef TESTS_UNIT_STORAGE_FAULT_VFS_H
#define TESTS_UNIT_STORAGE_FAULT_VFS_H

#include <stdbool.h>

/* Makes the layer the default one. Before the first store is opened. */
void fault_vfs_install(void);

/* What every write (sync, read) answers from now on: SQLITE_FULL, SQLITE_IOERR_WRITE, ...; 0: it
 * works. Failing writes may have written a part, like a disk that fills up. */
void fault_writes(int rc);
void fault_syncs(int rc);
void fault_reads(int rc);
/* The next sync of a database (not of a log) fails, and what was written to it since the one before
 * is gone; the syncs after that succeed. That is what Linux does with pages it cannot write. */
void fault_loses_pages(void);
bool fault_has_lost_pages(void);
/* Let N more writes through before fault_writes() counts. */
void fault_after(int writes);

#endif
