/* follow.h - events for one HTTP connection, as server-sent events (WHATWG HTML, section 9.2).
 *
 * The connection is a member of its streams like any other and gets the same frames; here each
 * event in them becomes a block of text, with the position in all streams as its id. What comes
 * back as Last-Event-ID says where to go on:
 *
 *     id: k3J9x0Qa:41:x7 pQ81mzZ0:7        <key of the stream>:<seq>:<epoch, if another>, ...
 *     event: message.created
 *     data: {"stream":"c:01k...","epoch":"x7","seq":41,...}
 *
 * Threading: the worker's own. Ownership: a follow belongs to its connection.
 */
#ifndef SERVER_FOLLOW_H
#define SERVER_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct conn;
struct follow;
struct frame;

enum {
    FOLLOW_STREAMS_MAX = 100, /* in an id, those with the latest events first */
    FOLLOW_ID_MAX = 4096,     /* bytes; what is longer is none of ours */
};

/* STREAMS: names with commas between, or NULL for all of the user's. LAST_ID: NULL for none. NULL:
 * one of the two is malformed, which *field_out names. */
struct follow *follow_create(const char *streams, const char *last_id, const char **field_out);
void follow_destroy(struct follow **follow);

bool follow_wants(const struct follow *follow, const char *stream);
/* How many streams it was given by name. */
size_t follow_named(const struct follow *follow);
/* The position of STREAM in the last id. False: it has none. EPOCH_OUT: borrowed. */
bool follow_position(const struct follow *follow, const char *stream, const char **epoch_out,
                     uint64_t *seq_out);
/* From here on the client has STREAM up to SEQ. EPOCH NULL: no event yet. */
void follow_set(struct follow *follow, const char *stream, const char *epoch, uint64_t seq);
/* The beginning of what is sent: an event of that name, with the position as it is. */
void follow_put(struct follow *follow, struct buf *out, const char *name, const char *data,
                size_t len);
/* FRAME in this form; a reference, or NULL when nothing is in it. */
struct frame *follow_frame(struct follow *follow, const struct frame *frame);
/* A comment, which keeps proxies and clients awake; one reference. */
struct frame *follow_beat(void);

#endif
