/* apply.h - the one place where an event changes the projections: channels, members, messages,
 * mentions, read positions. The live path and store_rebuild() both come through here, which is why
 * a rebuild gives the same tables.
 *
 * A projection only depends on the events of its channel, in their order, and on the highest
 * read.marked of each member: so the r: streams may be replayed after all the others.
 */
#ifndef STORAGE_APPLY_H
#define STORAGE_APPLY_H

#include "storage/txn.h"

struct change {
    enum store_event_type type;
    struct chan *chan;
    uint64_t seq;
    int64_t at;
    uint64_t link;                 /* see struct event_row */
    struct account *user;          /* member.*: who; message.created: the author; read.marked */
    enum store_member_role role;   /* member.joined */
    const char *name, *topic;      /* channel.updated */
    struct message_row *message;   /* message.*: as it is from now on */
    const struct message_row *old; /* message.updated, .deleted: as it was */
};

enum err apply(struct txn *t, const struct change *change);

/* Read EVENT back from the log and apply it; ARENA for what that takes. */
enum err apply_event(struct txn *t, struct arena *arena, const char *stream,
                     const struct event_row *event);

#endif
