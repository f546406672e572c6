/* hub_stream.h - the insides of the hub, shared by hub.c (order), hub_tops.c (gaps and tops) and
 * hub_fill.c (catching up).
 * Threading: the worker's own thread.
 */
#ifndef SERVER_HUB_STREAM_H
#define SERVER_HUB_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "server/hub.h"
#include "storage/store.h"

enum {
    STREAM_RING = 32,  /* recent events kept for those who are just behind */
    STREAM_PAGES = 4,  /* pages read from the store, kept while somebody catches up */
    STREAM_PAGE = 100, /* events in a page */
};

/* Events that were read for one member who catches up; others who miss the same share them. */
struct page {
    uint64_t after; /* the events after this position */
    bool reading;   /* they are on their way */
    bool pinned;    /* being handed out */
    size_t n;
    struct event **events;
};

enum stream_state {
    STREAM_UNHEARD,   /* the bus is to be asked for it */
    STREAM_LISTENING, /* the bus has the question */
    STREAM_NEW,       /* its top is to be asked for */
    STREAM_ASKED,     /* the store has the question */
    STREAM_OK,        /* last is known; events are taken in order, in this and all later states */
    STREAM_GAP,       /* something is missing; it may just be late */
    STREAM_REPAIR,    /* the gap is being read from the store */
    STREAM_STALLED,   /* the store did not answer; asked again within a second */
};

struct hub {
    struct worker *worker;
    struct stream *streams; /* by name */
    struct stream **dirty;  /* with a batch to hand over */
    size_t dirty_n, dirty_cap;
    struct stream *fresh; /* in the states UNHEARD and NEW */
    size_t gaps;          /* streams in the state GAP */
    size_t suspects;      /* streams whose top in the store may be ahead of them */
    size_t checks;        /* questions for tops under way */
    uint64_t check_at_ns; /* the next comparison with the store */
    bool asking_failed;
    bool stalled; /* somebody waits for hub_tick() */
};

struct stream {
    char name[STORE_STREAM_SIZE];
    char epoch[STORE_EPOCH_SIZE]; /* "" while it has no event */
    UT_hash_handle hh;
    struct stream *fresh_prev, *fresh_next;
    bool fresh;
    struct hub *hub;
    enum stream_state state;
    unsigned busy;       /* callers up the stack that still need it */
    uint64_t last;       /* the last event that was taken */
    uint64_t seen;       /* the highest seq that was heard of */
    uint64_t claimed;    /* the top in the store that was ahead of it, or 0 */
    uint64_t late_ns;    /* since when something is missing or claimed, or 0 */
    uint64_t deletion;   /* the last event that deleted text */
    uint64_t fill_at_ns; /* the bus's cache is not filled before */
    bool doubted;        /* the store was asked for what is missing, and did not have it */
    struct sub **live;   /* members who are level */
    size_t live_n, live_cap;
    struct sub *filling; /* members who catch up */
    struct page *pages;  /* STREAM_PAGES of them, made with the first one needed */
    unsigned next_page;  /* the oldest, which makes room */
    struct hub_wait *waits;
    struct event **ring;  /* STREAM_RING slots by seq, made with the first event */
    struct event **ahead; /* the same for events that came before their turn */
    struct frame **batch;
    uint32_t batch_n, batch_cap;
    size_t batch_bytes;
    bool dirty;
};

/* One connection's membership of one stream. */
struct sub {
    struct conn *conn;
    struct stream *stream;
    struct sub *conn_next;
    uint64_t pos; /* while catching up: the last event it has */
    uint64_t cut;
    bool live;
    bool mute;               /* follows the stream, is sent nothing of it */
    bool reading;            /* a page is under way from the store */
    size_t index;            /* among the live */
    struct sub *prev, *next; /* among the filling */
};

struct hub_wait {
    struct stream *stream;
    uint64_t after;
    void (*done)(void *arg);
    void *arg;
    struct hub_wait *prev, *next;
};

struct stream *stream_find(struct hub *hub, const char *name);
void stream_destroy(struct stream *stream);
/* Destroys STREAM if nobody is left in it. */
void stream_release(struct stream *stream);
void stream_seal(struct stream *stream);
/* Long polls that wait for what has come. */
void stream_wake_waits(struct stream *stream);
/* The next event, and those after it that came before their turn. */
void stream_take(struct stream *stream, struct event *event);
/* Forget the recent events and the pages. */
void stream_forget(struct stream *stream);
/* On the list of those that hub_ask() looks at, or off it. */
void stream_set_fresh(struct stream *stream, bool fresh);
/* hub_tops.c: something is missing before what came. */
void stream_gap(struct stream *stream);
/* Nothing is missing any more, if that is so. */
void stream_gap_closed(struct stream *stream);
/* The store knows STREAM by another epoch (a restored backup): its members have to start anew. */
void stream_restart(struct stream *stream);
struct event *stream_ring_get(const struct stream *stream, uint64_t seq);
/* Forget the pages: nobody catches up any more. */
void stream_drop_pages(struct stream *stream);
struct sub *hub_sub(const struct conn *conn, const char *stream);

/* Bring SUB forward as far as possible now. It may be gone afterwards. */
void sub_advance(struct sub *sub);
/* SUB is level with its stream: from here on it gets the batches. */
void sub_go_live(struct sub *sub);

#endif
