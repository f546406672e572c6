/* recovery.h - the two strings with which a Socket.IO client asks to have its state recovered: its
 * `pid`, given with the CONNECT, and its `offset`, the last argument of the last event it has.
 *
 *   pid     <tag>[~<stream>~<epoch>~<seq>]*                    where the connection began
 *   offset  <tag>[,<change>]*                                  what has changed since
 *   change  <row>.<seq> | <row>.x | <stream>~<epoch>~<seq>     moved on; left; joined
 *
 * Both are a client's to send back, and so may say anything: they tell no more than the positions
 * that a client may give in any case, and are checked against the store like those. The tag keeps
 * an offset from being read with another connection's pid.
 *
 * Threading: none of its own. Ownership: a struct recovery owns what it points to.
 */
#ifndef PROTOCOL_RECOVERY_H
#define PROTOCOL_RECOVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "protocol/params.h"

enum { RECOVERY_TAG_LEN = 8 };

/* An offset that is none: state that it comes last with cannot be recovered. */
#define RECOVERY_NO_OFFSET "-"

struct recovery_row {
    struct stream_position at; /* the epoch is empty if the stream had no event */
    bool left;
};

struct recovery {
    char tag[RECOVERY_TAG_LEN + 1];
    struct recovery_row *rows; /* the pid's, by stream, then those that only the offset has */
    size_t n, base_n;
    char *pid, *offset; /* what the rows point into */
};

/* The positions that the two say. OFFSET NULL: those of the pid. False: they do not fit together,
 * or are nothing that the functions below have written; *OUT is empty then. */
bool recovery_parse(const char *pid, const char *offset, struct recovery *out);
void recovery_free(struct recovery *recovery);
/* The row of the pid that is STREAM's; base_n if none is. */
size_t recovery_find(const struct recovery *recovery, const char *stream);

/* Writes a pid with a new tag. POSITIONS: in the order of their streams, without one twice. False:
 * they cannot be written, are too many or too long; OUT is empty then. */
bool recovery_put_pid(struct buf *out, const struct stream_position *positions, size_t n);
/* An offset begins with the tag; then these. */
void recovery_put_moved(struct buf *out, size_t row, uint64_t seq);
void recovery_put_left(struct buf *out, size_t row);
void recovery_put_joined(struct buf *out, const struct stream_position *position);

#endif
