/* wal_vfs.h - a layer below SQLite that joins the writes of the write-ahead log.
 *
 * SQLite writes every page of a commit with two calls, a small header and the page. They follow
 * each other in the file, so this layer collects them and writes them in one call, at the latest
 * when SQLite syncs: with synchronous=FULL no other connection reads them earlier. Everything else
 * goes straight to the default layer.
 *
 * Only for connections with synchronous=FULL. Threading: as SQLite's own layers.
 */
#ifndef STORAGE_SQLITE_WAL_VFS_H
#define STORAGE_SQLITE_WAL_VFS_H

#define WAL_VFS_NAME "parley"

/* Registers the layer over what is the default now. Once a process, before it is used. */
int wal_vfs_register(void);

#endif
