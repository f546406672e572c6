/* ops_history.c - reading messages. */
#include "storage/ops.h"
#include "storage/rules.h"

enum err op_message_get(struct txn *t, struct store_req *req)
{
    struct message_row row;
    struct scope s;
    enum err err = t->ops->message_get(t->conn, req->arena, req->in.message.message, &row);

    if (err == ERR_OK)
        err = scope_enter(t, req, row.m.channel, &s);
    if (err == ERR_NOT_FOUND)
        return txn_refuse(req, err, "message", "there is no such message");
    if (err == ERR_OK)
        req->out.message = row.m;
    return err;
}

/* A window of messages, oldest first. */
struct window {
    struct message_row *before; /* newest first */
    struct message_row *after;  /* oldest first */
    size_t before_n, after_n;
};

static enum err load_window(struct txn *t, struct store_req *req, const struct chan *chan,
                            struct window *w)
{
    enum store_history_from from = req->in.history.from;
    uint64_t seq = req->in.history.seq;
    uint32_t limit = req->in.history.limit;
    enum err err = ERR_OK;

    if (from == STORE_NEWEST)
        seq = chan->stream.seq + 1;
    if (from != STORE_AFTER)
        err = t->ops->messages_before(t->conn, req->arena, chan, seq, limit, &w->before,
                                      &w->before_n);
    if (err != ERR_OK || from == STORE_NEWEST || from == STORE_BEFORE)
        return err;
    if (from == STORE_AROUND && seq > 0)
        seq--; /* the message at the position itself comes with the later ones */
    err = t->ops->messages_after(t->conn, req->arena, chan, seq, limit, &w->after, &w->after_n);
    if (from == STORE_AROUND && err == ERR_OK) {
        size_t half = limit - limit / 2;
        size_t after = limit - w->before_n > half ? limit - w->before_n : half;
        w->after_n = w->after_n < after ? w->after_n : after;
        w->before_n = w->before_n < limit - w->after_n ? w->before_n : limit - w->after_n;
    }
    return err;
}

/* The authors of the window, each once. */
static enum err load_authors(struct txn *t, struct store_req *req, const struct message_row *rows,
                             size_t n)
{
    int64_t *keys = arena_alloc(req->arena, (n + 1) * sizeof(*keys));
    struct account author;
    enum err err = ERR_OK;

    req->out.users = arena_alloc(req->arena, (n + 1) * sizeof(*req->out.users));
    for (size_t i = 0; err == ERR_OK && i < n; i++) {
        size_t k = 0;
        while (k < req->out.users_n && keys[k] != rows[i].author_key)
            k++;
        if (k < req->out.users_n)
            continue;
        err = t->ops->user_by_key(t->conn, req->arena, rows[i].author_key, &author);
        if (err == ERR_OK) {
            keys[req->out.users_n] = rows[i].author_key;
            req->out.users[req->out.users_n++] = author.user;
        } else if (err == ERR_NOT_FOUND) {
            err = ERR_OK;
        }
    }
    return err;
}

enum err op_history(struct txn *t, struct store_req *req)
{
    struct scope s;
    struct window w = {0};
    enum err err = scope_enter(t, req, req->in.history.channel, &s);

    if (err == ERR_OK)
        err = load_window(t, req, s.chan, &w);
    if (err != ERR_OK)
        return err;
    size_t n = w.before_n + w.after_n;
    struct message_row *rows = arena_alloc(req->arena, (n + 1) * sizeof(*rows));
    req->out.messages = arena_alloc(req->arena, (n + 1) * sizeof(*req->out.messages));
    for (size_t i = 0; i < n; i++) {
        rows[i] = i < w.before_n ? w.before[w.before_n - 1 - i] : w.after[i - w.before_n];
        req->out.messages[i] = rows[i].m;
    }
    req->out.n = n;
    uint64_t top = s.chan->stream.msg_no;
    bool from_end = req->in.history.from == STORE_AFTER;
    req->out.more_before = n > 0 ? rows[0].m.msg_no > 1 : from_end && top > 0;
    req->out.more_after = n > 0 ? rows[n - 1].m.msg_no < top : !from_end && top > 0;
    return load_authors(t, req, rows, n);
}
