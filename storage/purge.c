#include "storage/purge.h"

#include <stdio.h>

#include "storage/ops.h"

enum { STEP = 100 };

enum err purge_step(struct txn *t)
{
    struct chan chan = {0};
    struct message_row *rows;
    size_t n;
    enum err err = t->ops->purge_next(t->conn, &chan.stream);
    uint64_t last = chan.stream.msg_no;

    if (err != ERR_OK)
        return err;
    (void)snprintf(chan.id, sizeof(chan.id), "%.*s", ID_MAX, chan.stream.name + 2);
    struct arena *page = arena_create();
    err = t->ops->messages_after(t->conn, page, &chan, last, STEP, &rows, &n);
    for (size_t i = 0; err == ERR_OK && i < n; i++) {
        last = rows[i].m.seq;
        if (rows[i].m.text != NULL)
            err = message_scrub(t, &chan, &rows[i], t->now);
    }
    if (err == ERR_OK)
        err = t->ops->purge(t->conn, &chan.stream, last, n < STEP);
    arena_destroy(&page);
    return err;
}
