#include "storage/purge.h"

#include "storage/ops.h"
#include "storage/rules.h"

enum { MEMBERS = STORE_PAGE_MAX, MESSAGES = 100 };

enum err purge_members(struct txn *t, const struct account *actor, struct chan *chan, size_t *n_out)
{
    struct store_member *members;
    struct account *user;
    struct arena *page = arena_create();
    enum err err =
        t->ops->members_list(t->conn, page, chan->stream.key, NULL, MEMBERS, &members, n_out, NULL);

    for (size_t i = 0; err == ERR_OK && i < *n_out; i++) {
        err = txn_account(t, members[i].user.id, &user);
        if (err == ERR_OK)
            err = member_leave(t, actor != NULL ? actor : user, chan, user);
    }
    arena_destroy(&page);
    return err;
}

/* Who deleted CHAN: whoever made the last event of its stream, channel.deleted or a leave after it.
 * NULL: an account that is no more. */
static enum err find_deleter(struct txn *t, const struct chan *chan, struct account **out)
{
    struct store_event *last;
    size_t n;
    struct arena *arena = arena_create();
    enum err err =
        t->ops->events_list(t->conn, arena, &chan->stream, chan->stream.seq - 1, 1, &last, &n);

    *out = NULL;
    if (err == ERR_OK && n == 1 && last->actor != NULL)
        err = txn_account(t, last->actor, out);
    arena_destroy(&arena);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* UPTO: those up to that seq are done. */
static enum err purge_messages(struct txn *t, const struct chan *chan, uint64_t upto)
{
    struct message_row *rows;
    uint64_t last = upto;
    size_t n;
    struct arena *page = arena_create();
    enum err err = t->ops->messages_after(t->conn, page, chan, upto, MESSAGES, &rows, &n);

    for (size_t i = 0; err == ERR_OK && i < n; i++) {
        last = rows[i].m.seq;
        if (rows[i].m.text != NULL)
            err = message_scrub(t, chan, &rows[i], t->now);
    }
    if (err == ERR_OK)
        err = t->ops->purge(t->conn, &chan->stream, last, n < MESSAGES);
    arena_destroy(&page);
    return err;
}

enum err purge_step(struct txn *t)
{
    struct stream next;
    struct chan *chan;
    struct account *deleter;
    size_t left = 0;
    enum err err = t->ops->purge_next(t->conn, &next);

    if (err != ERR_OK)
        return err;
    err = txn_chan_gone(t, next.name, &chan);
    if (err == ERR_OK)
        err = txn_catch_up(t, &chan->stream); /* of a step that a dead node had not finished */
    if (err == ERR_OK)
        err = find_deleter(t, chan, &deleter);
    if (err == ERR_OK)
        err = purge_members(t, deleter, chan, &left);
    if (err == ERR_OK && left == 0)
        err = purge_messages(t, chan, next.msg_no);
    if (err == ERR_OK)
        err = txn_flush(t); /* the next step reads the stream's top again */
    return err == ERR_NOT_FOUND ? ERR_INTERNAL : err;
}
