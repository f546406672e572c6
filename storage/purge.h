/* purge.h - taking away what a deleted channel leaves behind.
 *
 * CHANNEL_DELETE removes the channel at once, but taking a million texts out of the log takes a
 * while and must not hold up everybody else: the committer does it in small transactions of its
 * own when there is nothing else to do, and goes on with it after a restart.
 */
#ifndef STORAGE_PURGE_H
#define STORAGE_PURGE_H

#include "storage/txn.h"

/* The next hundred messages, inside a transaction. NOT_FOUND: there is nothing to purge. */
enum err purge_step(struct txn *t);

#endif
