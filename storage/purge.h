/* purge.h - taking away what a deleted channel leaves behind: its members, then its texts.
 *
 * CHANNEL_DELETE removes the channel at once, but telling ten thousand members that they have left,
 * or taking a million texts out of the log, takes a while and must not hold up everybody else: the
 * committer does it in small transactions of its own when there is nothing else to do, and goes on
 * with it after a restart. In the log the leaves follow channel.deleted.
 */
#ifndef STORAGE_PURGE_H
#define STORAGE_PURGE_H

#include "storage/txn.h"

/* The next two hundred members of CHAN, which is deleted, leave; *N_OUT: how many there were. ACTOR
 * NULL: each by itself. */
enum err purge_members(struct txn *t, const struct account *actor, struct chan *chan,
                       size_t *n_out);

/* The next members or the next hundred messages, inside a transaction.
 * NOT_FOUND: there is nothing to purge. */
enum err purge_step(struct txn *t);

#endif
