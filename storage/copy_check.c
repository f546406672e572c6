/* copy_check.c - is the copy the same? What was written is read back, and compared with what both
 * databases answer to the same questions. */
#include <string.h>

#include "base/buf.h"
#include "storage/copy.h"

static enum err differs(struct copy *k, const char *what, const char *which)
{
    return copy_fail(k, ERR_INTERNAL, &k->to,
                     "is not the same: %s%s%s. Was the source used while it was copied? Or its"
                     " tables are damaged: `parleyctl rebuild` mends those of a data directory."
                     " Empty the target, and begin again",
                     what, *which != '\0' ? " of " : "", which);
}

/* -- plain rows -------------------------------------------------------------------------------- */

static enum err add_user(struct copy *k, struct arena *arena, void *arg, const void *row)
{
    (void)k;
    (void)arena;
    copy_digest_user(arg, row);
    return ERR_OK;
}

static enum err add_session(struct copy *k, struct arena *arena, void *arg, const void *row)
{
    (void)k;
    (void)arena;
    copy_digest_session(arg, row);
    return ERR_OK;
}

static enum err add_invite(struct copy *k, struct arena *arena, void *arg, const void *row)
{
    (void)k;
    (void)arena;
    copy_digest_invite(arg, row);
    return ERR_OK;
}

static enum err add_failure(struct copy *k, struct arena *arena, void *arg, const void *row)
{
    (void)k;
    (void)arena;
    copy_digest_failure(arg, row);
    return ERR_OK;
}

static enum err add_hook(struct copy *k, struct arena *arena, void *arg, const void *row)
{
    const struct hook_row *hook = row;

    (void)arena;
    copy_digest_hook(arg, hook);
    return copy_each_failure(k, &k->to, hook->h.id, add_failure, arg);
}

static enum err check_rows(struct copy *k)
{
    struct copy_digest users = {0};
    struct copy_digest sessions = {0};
    struct copy_digest invites = {0};
    struct copy_digest hooks = {0};
    enum err err = copy_each_user(k, &k->to, add_user, &users);

    if (err == ERR_OK)
        err = copy_each_session(k, &k->to, add_session, &sessions);
    if (err == ERR_OK)
        err = copy_each_invite(k, &k->to, add_invite, &invites);
    if (err == ERR_OK)
        err = copy_each_hook(k, &k->to, add_hook, &hooks);
    if (err == ERR_OK && !copy_digest_equal(&users, &k->users))
        err = differs(k, "the accounts", "");
    if (err == ERR_OK && !copy_digest_equal(&sessions, &k->sessions))
        err = differs(k, "the sessions", "");
    if (err == ERR_OK && !copy_digest_equal(&invites, &k->invites))
        err = differs(k, "the invites", "");
    if (err == ERR_OK && !copy_digest_equal(&hooks, &k->hooks))
        err = differs(k, "the hooks", "");
    return err;
}

/* -- events ------------------------------------------------------------------------------------ */

struct events_hash {
    struct copy_digest digest;
    struct buf text;
    bool words;
};

static enum err add_event(struct copy *k, struct arena *arena, void *arg, const void *row)
{
    struct events_hash *h = arg;

    (void)k;
    (void)arena;
    buf_clear(&h->text);
    copy_text_event(&h->text, row, h->words);
    copy_digest_bytes(&h->digest, h->text.data, h->text.len);
    return ERR_OK;
}

static enum err hash_events(struct copy *k, struct copy_side *side, const struct stream *stream,
                            uint64_t last, struct copy_digest *out)
{
    struct events_hash h = {.words = !k->online};
    enum err err = copy_each_event(k, side, (struct copy_events){stream, 0, last}, add_event, &h);

    *out = h.digest;
    buf_free(&h.text);
    return err;
}

static enum err source_stream(struct copy *k, const char *name, struct stream *out)
{
    struct copy_side *from = &k->from;
    struct arena *arena;
    enum err err = copy_look(k, from, &arena);

    arena_destroy(&arena);
    *out = (struct stream){0};
    if (err != ERR_OK)
        return err;
    err = from->ops->stream_get(from->reader, name, out);
    return copy_looked(k, from, err == ERR_NOT_FOUND ? ERR_OK : err);
}

/* -- channels and their messages --------------------------------------------------------------- */

static enum err chan_of(struct copy *k, struct copy_side *side, const char *id, struct arena *arena,
                        struct chan *out)
{
    struct arena *page;
    enum err err = copy_look(k, side, &page);

    arena_destroy(&page);
    *out = (struct chan){0};
    if (err != ERR_OK)
        return err;
    err = side->ops->chan_get(side->reader, arena, id, out);
    if (err == ERR_NOT_FOUND) {
        out->id[0] = '\0';
        err = ERR_OK;
    }
    return copy_looked(k, side, err);
}

static enum err hash_messages(struct copy *k, struct copy_side *side, const struct chan *chan,
                              struct copy_digest *out)
{
    struct buf text = {0};
    uint64_t above = 0;
    size_t n = COPY_PAGE;
    enum err err = ERR_OK;

    *out = (struct copy_digest){0};
    while (err == ERR_OK && n == COPY_PAGE) {
        struct message_row *rows;
        struct arena *arena;
        err = copy_look(k, side, &arena);
        if (err == ERR_OK)
            err = copy_looked(
                k, side,
                side->ops->messages_after(side->reader, arena, chan, above, COPY_PAGE, &rows, &n));
        for (size_t i = 0; err == ERR_OK && i < n; i++) {
            above = rows[i].m.seq;
            buf_clear(&text);
            copy_text_message(&text, &rows[i]);
            copy_digest_bytes(out, text.data, text.len);
        }
        arena_destroy(&arena);
    }
    buf_free(&text);
    return err;
}

static enum err check_chan(struct copy *k, struct arena *arena, const char *id)
{
    struct chan from;
    struct chan to;
    struct buf a = {0};
    struct buf b = {0};
    struct copy_digest x = {0};
    struct copy_digest y = {0};
    enum err err = chan_of(k, &k->from, id, arena, &from);

    if (err == ERR_OK)
        err = chan_of(k, &k->to, id, arena, &to);
    if (err != ERR_OK)
        return err;
    if (from.id[0] != '\0' && to.id[0] != '\0') {
        copy_text_chan(&a, &from);
        copy_text_chan(&b, &to);
        if (strcmp(a.data, b.data) != 0)
            err = differs(k, "the name, state or members", id);
        buf_free(&a);
        buf_free(&b);
        if (err == ERR_OK)
            err = hash_messages(k, &k->from, &from, &x);
        if (err == ERR_OK)
            err = hash_messages(k, &k->to, &to, &y);
        if (err == ERR_OK && !copy_digest_equal(&x, &y))
            err = differs(k, "the messages", id);
    } else if (from.id[0] != to.id[0]) {
        err = differs(k, "the existence", id);
    }
    return err;
}

/* -- streams ----------------------------------------------------------------------------------- */

static enum err check_stream(struct copy *k, struct arena *arena, void *arg, const void *row)
{
    const struct stream *to = row;
    struct stream from;
    struct copy_digest a;
    struct copy_digest b;
    struct buf text = {0};
    enum err err = source_stream(k, to->name, &from);

    (void)arg;
    if (err == ERR_OK && (from.seq < to->seq || (from.seq > to->seq && !k->online)))
        err = differs(k, "the length", to->name);
    if (err == ERR_OK && !k->new_history && strcmp(from.epoch, to->epoch) != 0)
        err = differs(k, "the epoch", to->name);
    if (err == ERR_OK)
        err = hash_events(k, &k->from, &from, to->seq, &a);
    if (err == ERR_OK)
        err = hash_events(k, &k->to, to, to->seq, &b);
    if (err == ERR_OK && !copy_digest_equal(&a, &b))
        err = differs(k, "the events", to->name);
    if (err == ERR_OK && to->name[0] == 'c' && !k->online)
        err = check_chan(k, arena, to->name + 2);
    if (err != ERR_OK)
        return err;
    buf_printf(&text, "%s;%llu;", to->name, (unsigned long long)b.n);
    buf_put(&text, b.sum, sizeof(b.sum));
    copy_digest_bytes(&k->streams, text.data, text.len);
    buf_free(&text);
    k->events += to->seq;
    k->done += to->seq;
    return copy_go_on(k, "checking", "events") ? ERR_OK : ERR_UNAVAILABLE;
}

static enum err count(struct copy *k, struct arena *arena, void *arg, const void *row)
{
    (void)k;
    (void)arena;
    (void)row;
    ++*(uint64_t *)arg;
    return ERR_OK;
}

/* -- what people are in ------------------------------------------------------------------------ */

static enum err digest_memberships(struct copy_side *side, struct arena *arena, int64_t user_key,
                                   struct copy_digest *out)
{
    struct chan *chans;
    struct membership *members;
    struct buf text = {0};
    size_t n;
    enum err err = side->ops->chans_of(side->reader, arena, user_key, &chans, &members, &n);

    for (size_t i = 0; err == ERR_OK && i < n; i++) {
        uint64_t mentions;
        err = side->ops->mentions_count(side->reader, user_key, chans[i].stream.key,
                                        members[i].read_seq, &mentions);
        if (err != ERR_OK)
            break;
        buf_clear(&text);
        copy_text_member(&text, &chans[i], &members[i], mentions);
        copy_digest_bytes(out, text.data, text.len);
    }
    buf_free(&text);
    return err;
}

static enum err memberships_of(struct copy *k, struct copy_side *side, const char *id,
                               struct copy_digest *out)
{
    struct account account;
    struct arena *arena;
    enum err err = copy_look(k, side, &arena);

    *out = (struct copy_digest){0};
    if (err == ERR_OK) {
        err = side->ops->user_get(side->reader, arena, id, false, &account);
        if (err == ERR_OK)
            err = digest_memberships(side, arena, account.key, out);
        err = copy_looked(k, side, err);
    }
    arena_destroy(&arena);
    return err;
}

static enum err check_person(struct copy *k, struct arena *arena, void *arg, const void *row)
{
    const struct account *account = row;
    struct copy_digest a;
    struct copy_digest b;
    enum err err = memberships_of(k, &k->from, account->user.id, &a);

    (void)arena;
    (void)arg;
    if (err == ERR_OK)
        err = memberships_of(k, &k->to, account->user.id, &b);
    if (err == ERR_OK && !copy_digest_equal(&a, &b))
        err = differs(k, "what is joined and read", account->user.name);
    return err;
}

enum err copy_check(struct copy *k)
{
    uint64_t streams = 0;
    enum err err = check_rows(k);

    k->done = 0;
    if (err == ERR_OK)
        err = copy_each_stream(k, &k->to, check_stream, NULL);
    if (err == ERR_OK && !k->online)
        err = copy_each_stream(k, &k->from, count, &streams);
    if (err == ERR_OK && !k->online && streams != k->streams.n)
        err = differs(k, "the number of streams", "");
    if (err == ERR_OK && !k->online)
        err = copy_each_user(k, &k->to, check_person, NULL);
    return err;
}
