/* stage.h - a batch on its way into the database: the events that it appends, what is written after
 * them, and what it is to see of that itself.
 *
 * Threading: none of its own. Ownership: strings come from the transaction's arena.
 */
#ifndef STORAGE_MONGO_STAGE_H
#define STORAGE_MONGO_STAGE_H

#include <bson/bson.h>

#include "base/mem.h"
#include "storage/map.h"
#include "storage/mongo/keeper.h"
#include "storage/store_ops.h"

/* An event. One that FOLLOWS another (channel.joined after member.joined) is carried by it: it is
 * appended to its own stream when the other one is committed, at whatever place is free there. */
struct staged_event {
    size_t req; /* the request that made it */
    const char *id;
    const char *stream;
    int64_t key;
    struct event_row row;
    uint64_t no; /* msg_no of the stream with this event */
    bool is_message;
    const char *text, *as_name, *as_icon;
    const char *const *mentions;
    size_t mentions_n;
    bool follows;
    size_t follower; /* index of the one that it carries, plus 1 */
};

enum write_kind { WRITE_UPDATE, WRITE_UPSERT, WRITE_DELETE, WRITE_INSERT };

struct staged_write {
    size_t req;
    int coll; /* enum mg_coll */
    enum write_kind kind;
    bson_t *filter; /* the document of an insert */
    bson_t *update;
};

struct staged_claim {
    const char *name, *owner;
};

struct staged_mention {
    int64_t user_key, chan_key;
    uint64_t seq;
    bool on;
    uint64_t rev; /* the seq of the event that says so */
};

struct staged_member {
    struct membership m;
};

struct expected {
    int64_t key;
    uint64_t seq;
};

/* A growing array: ITEMS of TYPE. */
#define STAGE_LIST(type, name)                                                                     \
    struct {                                                                                       \
        type *items;                                                                               \
        size_t n, cap;                                                                             \
    } name

struct stage {
    size_t req;     /* what is staged belongs to this request */
    bool heavy;     /* something follows from its events that is not only counted */
    bool again;     /* it lost a race before: look for known client_msg_ids */
    size_t durable; /* requests, after commit */
    STAGE_LIST(struct staged_event, events);
    STAGE_LIST(struct staged_event, redone); /* carried by committed ones, perhaps not appended */
    STAGE_LIST(struct staged_write, writes);
    STAGE_LIST(struct staged_claim, claims);
    STAGE_LIST(struct staged_mention, mentions);
    STAGE_LIST(struct staged_member, members);
    STAGE_LIST(struct expected, expected);
    struct late late;  /* tops and read positions */
    struct map places; /* events by key and seq */
    struct map ids;    /* messages as they are from now on, by id */
    struct map dedups; /* by what is unique about a client_msg_id */
};

/* Room for one more. */
#define STAGE_ADD(list)                                                                            \
    ((list).n == (list).cap ? (void)((list).cap = (list).cap == 0 ? 64 : (list).cap * 2,           \
                                     (list).items = mem_realloc_array((list).items, (list).cap,    \
                                                                      sizeof(*(list).items)))      \
                            : (void)0,                                                             \
     &(list).items[(list).n++])

struct mg_conn;

void stage_clear(struct stage *stage);
void stage_free(struct stage *stage);
void stage_write(struct mg_conn *c, int coll, enum write_kind kind, bson_t *filter, bson_t *update);
/* NULL: not in this batch. */
struct staged_event *stage_event_at(const struct stage *stage, int64_t key, uint64_t seq);
struct message_row *stage_message(const struct stage *stage, const char *id);
void stage_copy_message(struct arena *arena, const struct message_row *row,
                        struct message_row *out);
void stage_keep_message(struct mg_conn *c, const struct message_row *row);

#endif
