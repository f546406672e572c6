/* copy_rows.c - reading a database page by page, and putting what was read into another one. */
#include <stdio.h>
#include <string.h>

#include "storage/apply.h"
#include "storage/copy.h"

enum { STREAMS_PAGE = 200, BATCH_EVENTS = 500, BATCH_BYTES = 8 << 20 };

/* -- pages ------------------------------------------------------------------------------------- */

enum err copy_look(struct copy *k, struct copy_side *side, struct arena **arena_out)
{
    enum err err = side->ops->begin(side->reader, false);

    *arena_out = arena_create();
    return err == ERR_OK ? ERR_OK : copy_fail(k, err, side, "cannot be read");
}

enum err copy_looked(struct copy *k, struct copy_side *side, enum err err)
{
    bool failed = err != ERR_OK;

    if (failed)
        err = copy_fail(k, err, side, "cannot be read");
    if (failed || side->ops->commit(side->reader) != ERR_OK)
        side->ops->rollback(side->reader);
    return err;
}

enum err copy_each_user(struct copy *k, struct copy_side *side, copy_visit_fn visit, void *arg)
{
    int64_t after = INT64_MIN;
    size_t n = COPY_PAGE;
    enum err err = ERR_OK;

    while (err == ERR_OK && n == COPY_PAGE) {
        struct account *rows;
        struct arena *arena;
        err = copy_look(k, side, &arena);
        if (err == ERR_OK)
            err = copy_looked(
                k, side,
                side->ops->copy->users_page(side->reader, arena, after, COPY_PAGE, &rows, &n));
        for (size_t i = 0; err == ERR_OK && i < n; i++) {
            after = rows[i].key;
            err = visit(k, arena, arg, &rows[i]);
        }
        arena_destroy(&arena);
    }
    return err;
}

enum err copy_each_session(struct copy *k, struct copy_side *side, copy_visit_fn visit, void *arg)
{
    char after[ID_MAX + 1] = "";
    size_t n = COPY_PAGE;
    enum err err = ERR_OK;

    while (err == ERR_OK && n == COPY_PAGE) {
        struct session_row *rows;
        struct arena *arena;
        err = copy_look(k, side, &arena);
        if (err == ERR_OK)
            err = copy_looked(
                k, side,
                side->ops->copy->sessions_page(side->reader, arena, after, COPY_PAGE, &rows, &n));
        for (size_t i = 0; err == ERR_OK && i < n; i++) {
            (void)snprintf(after, sizeof(after), "%s", rows[i].session.id);
            err = visit(k, arena, arg, &rows[i]);
        }
        arena_destroy(&arena);
    }
    return err;
}

enum err copy_each_invite(struct copy *k, struct copy_side *side, copy_visit_fn visit, void *arg)
{
    char after[ID_MAX + 1] = "";
    size_t n = COPY_PAGE;
    enum err err = ERR_OK;

    while (err == ERR_OK && n == COPY_PAGE) {
        struct invite_row *rows;
        struct arena *arena;
        err = copy_look(k, side, &arena);
        if (err == ERR_OK)
            err = copy_looked(
                k, side,
                side->ops->copy->invites_page(side->reader, arena, after, COPY_PAGE, &rows, &n));
        for (size_t i = 0; err == ERR_OK && i < n; i++) {
            (void)snprintf(after, sizeof(after), "%s", rows[i].invite.id);
            err = visit(k, arena, arg, &rows[i]);
        }
        arena_destroy(&arena);
    }
    return err;
}

enum err copy_each_hook(struct copy *k, struct copy_side *side, copy_visit_fn visit, void *arg)
{
    char after[ID_MAX + 1] = "";
    size_t n = COPY_PAGE;
    enum err err = ERR_OK;

    while (err == ERR_OK && n == COPY_PAGE) {
        struct hook_row *rows;
        struct arena *arena;
        err = copy_look(k, side, &arena);
        if (err == ERR_OK)
            err = copy_looked(
                k, side,
                side->ops->copy->hooks_page(side->reader, arena, after, COPY_PAGE, &rows, &n));
        for (size_t i = 0; err == ERR_OK && i < n; i++) {
            (void)snprintf(after, sizeof(after), "%s", rows[i].h.id);
            err = visit(k, arena, arg, &rows[i]);
        }
        arena_destroy(&arena);
    }
    return err;
}

enum err copy_each_failure(struct copy *k, struct copy_side *side, const char *hook,
                           copy_visit_fn visit, void *arg)
{
    uint64_t before = UINT64_MAX;
    size_t n = COPY_PAGE;
    enum err err = ERR_OK;

    while (err == ERR_OK && n == COPY_PAGE) {
        struct store_hook_failure *rows;
        struct arena *arena;
        err = copy_look(k, side, &arena);
        if (err == ERR_OK)
            err = copy_looked(k, side,
                              side->ops->hook_failures_list(side->reader, arena, hook, before,
                                                            false, COPY_PAGE, &rows, &n));
        for (size_t i = 0; err == ERR_OK && i < n; i++) {
            before = rows[i].seq;
            err = visit(k, arena, arg, &rows[i]);
        }
        arena_destroy(&arena);
    }
    return err;
}

/* What a dead node has left unapplied in the streams that were just read. */
static enum err finish_what_is_left(struct copy *k, struct copy_side *side, struct arena *arena)
{
    const char *const *seen;
    size_t n = side->ops->behind != NULL ? side->ops->behind(side->reader, &seen) : 0;

    if (n == 0)
        return ERR_OK;
    const char **names = arena_alloc(arena, n * sizeof(*names));
    for (size_t i = 0; i < n; i++)
        names[i] = arena_strdup(arena, seen[i]);
    txn_forget(&side->txn);
    enum err err = txn_repair(&side->txn, names, n);
    txn_forget(&side->txn);
    return err == ERR_OK ? ERR_OK : copy_fail(k, err, side, "has unfinished events");
}

enum err copy_each_stream(struct copy *k, struct copy_side *side, copy_visit_fn visit, void *arg)
{
    char after[STORE_STREAM_SIZE] = "";
    size_t n = STREAMS_PAGE;
    enum err err = ERR_OK;

    while (err == ERR_OK && n == STREAMS_PAGE) {
        struct stream *rows;
        struct arena *arena;
        err = copy_look(k, side, &arena);
        if (err == ERR_OK)
            err = copy_looked(
                k, side,
                side->ops->copy->streams_page(side->reader, arena, after, STREAMS_PAGE, &rows, &n));
        if (err == ERR_OK)
            err = finish_what_is_left(k, side, arena);
        for (size_t i = 0; err == ERR_OK && i < n; i++) {
            memcpy(after, rows[i].name, sizeof(after));
            if (rows[i].seq > 0)
                err = visit(k, arena, arg, &rows[i]);
        }
        arena_destroy(&arena);
    }
    return err;
}

static enum err hole(struct copy *k, const struct copy_side *side, const struct copy_events *e,
                     uint64_t seq)
{
    return copy_fail(k, ERR_INTERNAL, side, "has no event %llu of %s: its log is damaged",
                     (unsigned long long)seq, e->stream->name);
}

enum err copy_each_event(struct copy *k, struct copy_side *side, struct copy_events events,
                         copy_visit_fn visit, void *arg)
{
    uint64_t at = events.after;
    enum err err = ERR_OK;

    while (err == ERR_OK && at < events.last) {
        struct event_row *rows;
        struct arena *arena;
        size_t n = 0;
        err = copy_look(k, side, &arena);
        if (err == ERR_OK)
            err = copy_looked(k, side,
                              side->ops->copy->events_page(side->reader, arena, events.stream, at,
                                                           COPY_PAGE, &rows, &n));
        if (err == ERR_OK && n == 0 && events.last != UINT64_MAX)
            err = hole(k, side, &events, at + 1);
        for (size_t i = 0; err == ERR_OK && i < n && at < events.last; i++) {
            if (rows[i].seq != ++at)
                err = hole(k, side, &events, at);
            else
                err = visit(k, arena, arg, &rows[i]);
        }
        arena_destroy(&arena);
        if (n == 0)
            break;
    }
    return err;
}

/* -- batches ----------------------------------------------------------------------------------- */

static enum err batch_begin(struct copy *k)
{
    struct copy_side *to = &k->to;

    if (k->in_batch)
        return ERR_OK;
    txn_start(&to->txn);
    enum err err = to->ops->begin(to->writer, true);
    if (err != ERR_OK)
        return copy_fail(k, err, to, "cannot be written");
    k->in_batch = true;
    k->batch_n = 0;
    k->batch_bytes = 0;
    return ERR_OK;
}

static enum err batch_end(struct copy *k, enum err err)
{
    struct copy_side *to = &k->to;

    if (!k->in_batch)
        return err;
    k->in_batch = false;
    if (err == ERR_OK) {
        err = txn_flush(&to->txn);
        if (err == ERR_OK)
            err = to->ops->commit(to->writer);
        if (err != ERR_OK)
            err = copy_fail(k, err, to, "cannot be written");
    }
    if (err != ERR_OK) {
        to->ops->rollback(to->writer);
        txn_forget(&to->txn);
    }
    return err;
}

/* What was put belongs to the batch; it ends when it is large enough. */
static enum err batch_put(struct copy *k, size_t bytes)
{
    k->batch_n++;
    k->batch_bytes += bytes;
    if (k->batch_n < BATCH_EVENTS && k->batch_bytes < BATCH_BYTES)
        return ERR_OK;
    return batch_end(k, ERR_OK);
}

/* -- accounts, sessions, invites, hooks
 * --------------------------------------------------------------- */

struct person {
    char id[ID_MAX + 1];
    int64_t key;
};

static enum err put_account(struct copy *k, struct account *account, struct person **out)
{
    struct person *p = map_get(&k->people, account->user.id, strlen(account->user.id));
    enum err err = batch_begin(k);

    if (err == ERR_OK) {
        err = k->to.ops->copy->user_put(k->to.writer, account);
        if (err != ERR_OK)
            err = copy_fail(k, err, &k->to, "does not take the account %s", account->user.id);
    }
    if (err != ERR_OK)
        return err;
    if (p == NULL) {
        p = arena_alloc(k->arena, sizeof(*p));
        (void)snprintf(p->id, sizeof(p->id), "%s", account->user.id);
        map_put(&k->people, p->id, strlen(p->id), p);
        copy_digest_user(&k->users, account);
    }
    p->key = account->key;
    if (out != NULL)
        *out = p;
    return ERR_OK;
}

/* The target's key of an account, 0 for one that does not exist. One that is not there yet was made
 * while the copy ran. */
static enum err find_person(struct copy *k, const char *id, int64_t *key_out)
{
    struct copy_side *from = &k->from;
    struct person *p = map_get(&k->people, id, strlen(id));
    struct account account;
    struct arena *arena;

    *key_out = p != NULL ? p->key : 0;
    if (p != NULL || *id == '\0')
        return ERR_OK;
    enum err err = copy_look(k, from, &arena);
    if (err == ERR_OK) {
        err = from->ops->user_get(from->reader, arena, id, true, &account);
        bool there = err == ERR_OK;
        err = copy_looked(k, from, err == ERR_NOT_FOUND ? ERR_OK : err);
        if (err == ERR_OK && there)
            err = put_account(k, &account, &p);
    }
    arena_destroy(&arena);
    *key_out = p != NULL ? p->key : 0;
    return err;
}

static enum err put_user(struct copy *k, struct arena *arena, void *arg, const void *row)
{
    struct account account = *(const struct account *)row;
    enum err err = put_account(k, &account, NULL);

    (void)arena;
    (void)arg;
    k->done++;
    return err == ERR_OK ? batch_put(k, 0) : err;
}

static enum err put_session(struct copy *k, struct arena *arena, void *arg, const void *row)
{
    const struct session_row *session = row;
    int64_t key;
    enum err err = find_person(k, session->session.user, &key);

    (void)arena;
    (void)arg;
    if (err == ERR_OK)
        err = batch_begin(k);
    if (err == ERR_OK) {
        err = k->to.ops->copy->session_put(k->to.writer, key, session);
        if (err != ERR_OK)
            return copy_fail(k, err, &k->to, "does not take the session %s", session->session.id);
        copy_digest_session(&k->sessions, session);
    }
    k->done++;
    return err == ERR_OK ? batch_put(k, 0) : err;
}

static enum err put_invite(struct copy *k, struct arena *arena, void *arg, const void *row)
{
    const struct invite_row *invite = row;
    enum err err = batch_begin(k);

    (void)arena;
    (void)arg;
    if (err == ERR_OK) {
        err = k->to.ops->copy->invite_put(k->to.writer, invite);
        if (err != ERR_OK)
            return copy_fail(k, err, &k->to, "does not take the invite %s", invite->invite.id);
        copy_digest_invite(&k->invites, invite);
    }
    return err == ERR_OK ? batch_put(k, 0) : err;
}

static enum err put_failure(struct copy *k, struct arena *arena, void *arg, const void *row)
{
    const struct store_hook_failure *failure = row;
    enum err err = batch_begin(k);

    (void)arena;
    (void)arg;
    if (err == ERR_OK) {
        err = k->to.ops->hook_failure_put(k->to.writer, failure);
        if (err != ERR_OK)
            return copy_fail(k, err, &k->to, "does not take a dead letter of the hook %s",
                             failure->hook);
        copy_digest_failure(&k->hooks, failure);
    }
    return err == ERR_OK ? batch_put(k, 0) : err;
}

static enum err put_hook(struct copy *k, struct arena *arena, void *arg, const void *row)
{
    const struct hook_row *hook = row;
    int64_t key;
    enum err err = find_person(k, hook->h.id, &key); /* its bot, and who made it */

    (void)arena;
    if (err == ERR_OK)
        err = find_person(k, hook->h.creator, &key);
    if (err == ERR_OK)
        err = batch_begin(k);
    if (err == ERR_OK) {
        err = k->to.ops->copy->hook_put(k->to.writer, hook);
        if (err != ERR_OK)
            return copy_fail(k, err, &k->to, "does not take the hook %s", hook->h.id);
        copy_digest_hook(&k->hooks, hook);
    }
    ++*(uint64_t *)arg;
    if (err == ERR_OK)
        err = batch_put(k, 0);
    return err == ERR_OK ? copy_each_failure(k, &k->from, hook->h.id, put_failure, NULL) : err;
}

enum err copy_accounts(struct copy *k)
{
    enum err err = batch_end(k, copy_each_user(k, &k->from, put_user, NULL));

    if (err == ERR_OK)
        err = batch_end(k, copy_each_session(k, &k->from, put_session, NULL));
    if (err == ERR_OK)
        err = batch_end(k, copy_each_invite(k, &k->from, put_invite, NULL));
    if (err == ERR_OK)
        err = batch_end(k, copy_each_hook(k, &k->from, put_hook, &k->hooks_n));
    return err;
}

/* -- streams ----------------------------------------------------------------------------------- */

struct track {
    const struct stream *from;
    struct stream *to; /* NULL: to be looked up, in a new batch */
    const char *final_name;
};

/* The target's stream, brought up to its log, made if it is new. */
static enum err find_track(struct copy *k, struct track *track)
{
    struct txn *t = &k->to.txn;
    const char *name = track->from->name;
    struct chan *chan;

    t->final_name = track->final_name;
    if (name[0] != 'c')
        return txn_stream(t, name[0], name + 2, &track->to);
    enum err err = txn_chan(t, name + 2, &chan);
    if (err == ERR_NOT_FOUND) { /* deleted, or not made yet */
        err = txn_chan_gone(t, name, &chan);
        if (err == ERR_OK)
            err = txn_catch_up(t, &chan->stream);
        if (err == ERR_NOT_FOUND) {
            memcpy(chan->stream.name, name, sizeof(chan->stream.name));
            err = t->ops->stream_add(t->conn, &chan->stream);
        }
    }
    if (err == ERR_OK)
        track->to = &chan->stream;
    return err;
}

static enum err open_track(struct copy *k, struct track *track)
{
    enum err err = batch_begin(k);

    if (err != ERR_OK || track->to != NULL)
        return err;
    err = find_track(k, track);
    return err == ERR_OK ? ERR_OK
                         : copy_fail(k, err, &k->to, "cannot go on with %s", track->from->name);
}

static bool is_about_somebody(const struct event_row *row)
{
    return row->subject != NULL &&
           (row->type == STORE_EVENT_MEMBER_JOINED || row->type == STORE_EVENT_MEMBER_LEFT);
}

/* Append ROW and apply it. A deletion also takes the text out of the events before it, if the
 * source had not come to that yet. */
static enum err append(struct copy *k, struct arena *arena, struct track *track,
                       struct event_row *row)
{
    struct txn *t = &k->to.txn;

    if (t->ops->mark != NULL)
        t->ops->mark(t->conn, k->batch_n); /* it stands for itself: none carries another */
    enum err err = t->ops->event_add(t->conn, track->to, row);
    if (err != ERR_OK)
        return err;
    t->catching_up = row->type == STORE_EVENT_MESSAGE_DELETED;
    err = apply_event(t, arena, track->from->name, row);
    t->catching_up = false;
    if (err == ERR_OK && row->type == STORE_EVENT_CHANNEL_CREATED) {
        const char *id = track->from->name + 2;
        struct chan *chan = map_get(&t->chans, id, strlen(id));
        track->to = chan != NULL ? &chan->stream : track->to;
    }
    track->to->seq = row->seq;
    txn_touch_stream(t, track->to);
    return err;
}

static enum err put_event(struct copy *k, struct arena *arena, void *arg, const void *seen)
{
    struct track *track = arg;
    struct event_row row = *(const struct event_row *)seen;
    int64_t subject;
    enum err err = find_person(k, row.actor, &row.actor_key);

    if (err == ERR_OK && is_about_somebody(&row))
        err = find_person(k, row.subject, &subject);
    if (err == ERR_OK)
        err = open_track(k, track);
    if (err != ERR_OK)
        return err;
    err = append(k, arena, track, &row);
    if (err != ERR_OK)
        return copy_fail(k, err, &k->to, "does not take event %llu of %s",
                         (unsigned long long)row.seq, track->from->name);
    k->done++;
    err = batch_put(k, row.data_len);
    if (!k->in_batch) {
        track->to = NULL;
        if (err == ERR_OK && !copy_go_on(k, "copying", "events"))
            err = ERR_UNAVAILABLE;
    }
    return err;
}

/* The name that a channel ends with; one that is deleted gets one that nobody else can have. */
static enum err last_name(struct copy *k, struct arena *arena, struct track *track)
{
    struct copy_side *from = &k->from;
    const char *id = track->from->name + 2;
    struct chan chan = {0};
    struct arena *page;

    if (track->from->name[0] != 'c')
        return ERR_OK;
    enum err err = copy_look(k, from, &page);
    arena_destroy(&page);
    if (err != ERR_OK)
        return err;
    err = from->ops->chan_get(from->reader, arena, id, &chan);
    bool there = err == ERR_OK;
    err = copy_looked(k, from, err == ERR_NOT_FOUND ? ERR_OK : err);
    if (there) {
        track->final_name = chan.name;
        return err;
    }
    char *name = arena_alloc(arena, STORE_STREAM_SIZE);
    (void)snprintf(name, STORE_STREAM_SIZE, "~%s", id);
    track->final_name = name;
    return err;
}

static enum err put_stream(struct copy *k, struct arena *arena, void *arg, const void *row)
{
    struct track track = {.from = row};
    enum err err = last_name(k, arena, &track);

    (void)arg;
    if (err == ERR_OK)
        err = open_track(k, &track);
    if (err != ERR_OK)
        return err;
    uint64_t there = track.to->seq;
    if (there > track.from->seq && !k->online)
        return copy_fail(k, ERR_CONFLICT, &k->to,
                         "has more events in %s than the source: it is not a copy of it",
                         track.from->name);
    k->done += there;
    /* Online to the end as it is by then: whatever takes a text out of the log comes after it. */
    err = copy_each_event(
        k, &k->from,
        (struct copy_events){track.from, there, k->online ? UINT64_MAX : track.from->seq},
        put_event, &track);
    k->to.txn.final_name = NULL;
    return err == ERR_OK ? batch_put(k, 0) : err;
}

/* In the order of their names: channels first, read positions behind them. */
enum err copy_streams(struct copy *k)
{
    return batch_end(k, copy_each_stream(k, &k->from, put_stream, NULL));
}
