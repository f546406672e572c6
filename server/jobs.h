/* jobs.h - long work for an admin, on a thread of its own: one at a time, the last few remembered.
 * Threading: any thread; locks itself.
 */
#ifndef SERVER_JOBS_H
#define SERVER_JOBS_H

#include "base/err.h"
#include "base/id.h"

struct buf;
struct jobs;
struct store;

struct jobs *jobs_create(struct store *store);
/* Stops what runs, waits for it. */
void jobs_destroy(struct jobs **jobs);

/* Start a backup to PATH. CONFLICT: a job is running. */
enum err jobs_backup(struct jobs *jobs, const char *path, char id_out[ID_SIZE]);
/* Appends the members of the job ID: job, kind, state, step, done, total, unit, error?. NOT_FOUND.
 */
enum err jobs_put(struct jobs *jobs, const char *id, struct buf *out);

#endif
