/* recent.h - a window of a stream's latest events, and the pages of history that follow from it.
 *
 * A window ends at a position that the caller knows (the last event that its connection has) and
 * goes back as far as events were given without a hole. An event has one content for ever, but for
 * deleted text; so whoever put the events together, and when: a window without a hole says what the
 * store says at its end. What is given is not trusted; what does not fit is counted and left out.
 *
 * Threading: any. Ownership: everything is in, or points into, what the caller gave and the arena.
 */
#ifndef SERVER_RECENT_H
#define SERVER_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json_walk.h"
#include "storage/store.h"

struct buf;
struct event;

enum {
    RECENT_EVENTS = 200,     /* how many of a stream are kept in Redis */
    RECENT_BYTES = 8 * 1024, /* a larger event is not kept: pages with it come from the store */
    RECENT_MORE = RECENT_EVENTS + 64, /* entries that are read at most: some are not trimmed yet */
};

struct recent_event {
    enum store_event_type type;
    const char *json; /* NULL: not there */
    bool doubted;     /* two different ones were: neither is believed */
    size_t json_len;
    const char *subject;
    uint64_t subject_seq;
};

struct recent {
    struct arena *arena;
    const char *stream, *epoch;
    uint64_t from, to;           /* what was asked for: `to` is the end */
    uint64_t first;              /* the window begins here; to + 1: it is empty */
    struct recent_event *events; /* of from to to */
    bool wrong;                  /* something came that no node would have put there */
};

/* A window of at most RECENT_EVENTS events of STREAM, from FROM (at least 1) to TO; the texts stay
 * the caller's. */
void recent_open(struct recent *w, struct arena *arena, const char *stream, const char *epoch,
                 uint64_t from, uint64_t to);
/* One entry as Redis has it: recent_entry(). */
void recent_take(struct recent *w, const void *bytes, size_t n);
/* One that this node knows itself. */
void recent_know(struct recent *w, const struct event *event);
/* All were given: finds where the window begins. */
void recent_close(struct recent *w);
/* Whether the window has a deletion, after which it must not show what was before: that may still
 * be there with its text. */
bool recent_has_deletion(const struct recent *w);
/* The event at SEQ, which is in the window, as one with a reference. */
struct event *recent_event(const struct recent *w, uint64_t seq);

/* Appends the entry of EVENT for Redis. False: it is too large. */
bool recent_entry(struct buf *out, const struct event *event);

struct recent_page {
    const char *channel; /* id */
    enum store_history_from from;
    uint64_t seq;
    uint32_t limit;
};

struct recent_message {
    uint64_t seq, msg_no;
    struct json_span json; /* the message object */
    struct json_span author;
};

struct recent_answer {
    struct recent_message *messages; /* oldest first */
    size_t n;
    struct json_span *authors; /* each once, in the order in which they appear */
    size_t authors_n;
    bool more_before, more_after;
};

enum recent_result {
    RECENT_OK,
    RECENT_SHORT, /* the window does not reach back far enough */
    RECENT_WRONG, /* it holds what no node would have put there */
};

/* What STORE_HISTORY would answer at the end of the window. */
enum recent_result recent_page(const struct recent *w, const struct recent_page *page,
                               struct recent_answer *out);

#endif
