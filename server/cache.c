#include "server/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/mem.h"
#include "server/bus/bus.h"
#include "server/conn.h"
#include "server/event.h"
#include "server/hub.h"
#include "server/node.h"
#include "server/people.h"
#include "server/store_call.h"
#include "server/worker.h"

enum { SLACK = 14 /* events that are no messages, in a page's worth of them */ };

/* The entries of an answer into W. */
static void take_entries(struct recent *w, const struct buf *bytes)
{
    size_t at = 0;
    uint32_t n;

    while (at + sizeof(n) <= bytes->len) {
        memcpy(&n, bytes->data + at, sizeof(n));
        at += sizeof(n);
        recent_take(w, bytes->data + at, n);
        at += n;
    }
}

/* And what the hub has of its own. */
static void know(void *arg, const struct event *event)
{
    recent_know(arg, event);
}

static void take_known(struct recent *w, struct hub *hub)
{
    hub_each_recent(hub, w->stream, know, w);
}

static bool outcome_of(const struct recent_read *read, uint64_t asked_ns, enum metric_cache *why)
{
    static const enum metric_cache outcomes[] = {
        [RECENT_READ] = METRIC_CACHE_HIT,
        [RECENT_AWAY] = METRIC_CACHE_AWAY,
        [RECENT_SLOW] = METRIC_CACHE_SLOW,
        [RECENT_REFUSED] = METRIC_CACHE_WRONG,
    };

    metric_time(METRIC_CACHE_TIME, clock_monotonic_ns() - asked_ns);
    metric_add(METRIC_CACHE_BYTES, read->bytes.len);
    *why = outcomes[read->outcome];
    return read->outcome == RECENT_READ;
}

/* -- filling it ------------------------------------------------------------------------------- */

struct fill {
    struct store_call call;
    char stream[STORE_STREAM_SIZE];
    bool anew;
};

static void fill_read(struct store_call *call)
{
    struct fill *f = container_of(call, struct fill, call);
    struct store_req *req = &call->req;
    struct event *events[RECENT_EVENTS];
    size_t n = 0;

    /* a deletion that came meanwhile: what was read may still have the text */
    if (req->err == ERR_OK && req->out.top.epoch != NULL &&
        hub_last_deletion(call->worker->hub, f->stream) <= req->out.top.seq)
        while (n < req->out.n && n < RECENT_EVENTS &&
               req->out.events[n].seq == req->in.events.after + n + 1) {
            events[n] = event_make(&req->out.events[n]);
            n++;
        }
    bus_recent_fill(call->worker->node->bus, events, n, f->anew);
    metric_add(METRIC_CACHE_FILLS, n > 0 ? 1 : 0);
    while (n > 0)
        event_unref(events[--n]);
    arena_destroy(&req->arena);
    free(f);
}

/* Puts the events up to TOP into the cache, from the store; not more often than is useful. */
static void fill(struct worker *worker, const char *stream, uint64_t top, bool anew)
{
    struct fill *f;

    if (!hub_may_fill(worker->hub, stream))
        return;
    f = mem_zalloc(sizeof(*f));
    (void)snprintf(f->stream, sizeof(f->stream), "%s", stream);
    f->anew = anew;
    f->call.req.op = STORE_EVENTS;
    f->call.req.arena = arena_create();
    f->call.req.actor.system = true;
    f->call.req.in.events.stream = f->stream;
    f->call.req.in.events.after = top > RECENT_EVENTS ? top - RECENT_EVENTS : 0;
    f->call.req.in.events.limit = RECENT_EVENTS;
    store_call_submit(&f->call, worker, fill_read);
}

/* -- message.history -------------------------------------------------------------------------- */

struct history {
    struct recent_read read;
    struct request *req;
    request_step_fn missed;
    struct recent_page page;
    uint64_t asked_ns;
    bool whole; /* the second question, for all that there is */
};

static void put_answer(struct buf *out, const struct recent_answer *a)
{
    buf_json_key(out, "messages");
    buf_putc(out, '[');
    for (size_t i = 0; i < a->n; i++) {
        buf_json_comma(out);
        buf_put(out, a->messages[i].json.at, a->messages[i].json.n);
    }
    buf_putc(out, ']');
    buf_json_member_bool(out, "more_before", a->more_before);
    buf_json_member_bool(out, "more_after", a->more_after);
}

static bool put_authors(struct request *req, struct buf *out, const struct recent_answer *a)
{
    uint64_t changed = atomic_load(&req->node->accounts_ns);
    uint64_t now = clock_monotonic_ns();

    buf_json_key(out, "users");
    buf_putc(out, '[');
    for (size_t i = 0; i < a->authors_n; i++) {
        buf_json_comma(out);
        if (!people_put(req->worker->people, a->authors[i], now, changed, out))
            return false;
    }
    buf_putc(out, ']');
    return true;
}

static enum metric_cache answer(struct history *h, const struct recent *w)
{
    struct recent_answer a;

    switch (recent_page(w, &h->page, &a)) {
    case RECENT_OK:
        put_answer(&h->req->result, &a);
        return put_authors(h->req, &h->req->result, &a) ? METRIC_CACHE_HIT : METRIC_CACHE_AUTHOR;
    case RECENT_WRONG:
        return METRIC_CACHE_WRONG;
    default:
        return w->first > w->from ? METRIC_CACHE_GAP : METRIC_CACHE_OLDER;
    }
}

static bool ask(struct history *h, const struct hub_level *level);

/* The connection's position may have moved on since the question; the page is of where it is now.
 */
static enum metric_cache look(struct history *h, const struct hub_level *level)
{
    struct recent w;
    enum metric_cache why;

    if (!outcome_of(&h->read, h->asked_ns, &why))
        return why;
    recent_open(&w, h->req->arena, h->read.stream, level->epoch, h->read.from, level->last);
    take_entries(&w, &h->read.bytes);
    take_known(&w, h->req->worker->hub);
    recent_close(&w);
    return w.wrong && w.first > w.from ? METRIC_CACHE_WRONG : answer(h, &w);
}

/* The store answers; what the cache was missing is read from it afterwards. */
static void ask_store(struct worker *worker, struct history *h, enum metric_cache why, uint64_t top)
{
    struct request *req = h->req;
    char stream[STORE_STREAM_SIZE];

    memcpy(stream, h->read.stream, sizeof(stream)); /* H ends with the request */
    if (worker->stopping) {
        request_resume(req, ERR_UNAVAILABLE); /* nobody can be asked any more */
        return;
    }
    request_resume(req, h->missed(req));
    if (why == METRIC_CACHE_GAP || why == METRIC_CACHE_WRONG)
        fill(worker, stream, top, why == METRIC_CACHE_WRONG);
}

static void came_back(struct worker *worker, struct mail *mail)
{
    struct history *h = container_of(mail, struct history, read.mail);
    struct request *req = h->req;
    struct hub_level level = {0};
    enum metric_cache why = METRIC_CACHE_LEVEL;

    worker->calls--;
    req->waiting = false;
    if (hub_level(req->conn, h->read.stream, &level))
        why = look(h, &level);
    buf_free(&h->read.bytes);
    if (why != METRIC_CACHE_HIT)
        buf_clear(&req->result);
    if (why == METRIC_CACHE_OLDER && !h->whole && h->read.from > 1 && ask(h, &level))
        return;
    metric_add_by(METRIC_CACHE_HISTORY, why, 1);
    if (why == METRIC_CACHE_HIT)
        request_resume(req, ERR_OK);
    else
        ask_store(worker, h, why, level.last);
}

/* The first question is for what a page usually needs. */
static bool ask(struct history *h, const struct hub_level *level)
{
    struct request *req = h->req;
    uint64_t wanted = RECENT_EVENTS;
    uint64_t end = h->page.from == STORE_NEWEST ? level->last + 1 : h->page.seq;

    if (!bus_has_recent(req->node->bus))
        return false;
    h->whole = h->asked_ns != 0;
    if (!h->whole && end <= level->last + 1 && h->page.from != STORE_AFTER)
        wanted = level->last + 1 - end + h->page.limit + SLACK;
    else if (!h->whole && end <= level->last)
        wanted = level->last - end;
    if (wanted > RECENT_EVENTS)
        wanted = RECENT_EVENTS;
    h->read.from = level->last > wanted ? level->last - wanted + 1 : 1;
    h->asked_ns = clock_monotonic_ns();
    req->waiting = true;
    req->worker->calls++;
    bus_recent_read(req->node->bus, &h->read);
    return true;
}

bool cache_history(struct request *req, request_step_fn missed)
{
    struct history *h;
    struct hub_level level;
    char stream[STORE_STREAM_SIZE];
    const char *channel = req->call.req.in.history.channel;
    enum metric_cache why = METRIC_CACHE_AWAY;

    if (!req->node->config.cache || !bus_is_shared(req->node->bus))
        return false;
    (void)snprintf(stream, sizeof(stream), "c:%s", channel);
    if (atomic_load(&req->node->posting)) {
        why = METRIC_CACHE_BUSY;
    } else if (!hub_level(req->conn, stream, &level) || level.last == 0) {
        why = METRIC_CACHE_LEVEL;
    } else if (req->call.req.in.history.from != STORE_NEWEST &&
               req->call.req.in.history.seq + RECENT_EVENTS < level.last) {
        why = METRIC_CACHE_OLDER;
    } else {
        h = arena_alloc(req->arena, sizeof(*h));
        *h = (struct history){.req = req, .missed = missed};
        h->read.mail.run = came_back;
        h->read.box = &req->worker->box;
        memcpy(h->read.stream, stream, sizeof(h->read.stream));
        h->page = (struct recent_page){.channel = channel,
                                       .from = req->call.req.in.history.from,
                                       .seq = req->call.req.in.history.seq,
                                       .limit = req->call.req.in.history.limit};
        if (ask(h, &level))
            return true;
    }
    metric_add_by(METRIC_CACHE_HISTORY, why, 1);
    return false;
}

void cache_learn(struct request *req)
{
    const struct store_req *store = &req->call.req;

    people_learn(req->worker->people, store->out.users, store->out.users_n, store->submitted_ns,
                 atomic_load(&req->node->accounts_ns));
}

/* -- missed events ---------------------------------------------------------------------------- */

struct missed {
    struct recent_read read;
    struct worker *worker;
    char epoch[STORE_EPOCH_SIZE];
    uint64_t to;
    uint64_t asked_ns;
    cache_events_fn done;
    void *arg;
};

static enum metric_cache window_of(struct missed *m, struct recent *w, struct arena *arena)
{
    enum metric_cache why;

    if (!outcome_of(&m->read, m->asked_ns, &why))
        return why;
    recent_open(w, arena, m->read.stream, m->epoch, m->read.from, m->to);
    take_entries(w, &m->read.bytes);
    take_known(w, m->worker->hub);
    recent_close(w);
    if (w->first > m->read.from)
        return w->wrong ? METRIC_CACHE_WRONG : METRIC_CACHE_GAP;
    return recent_has_deletion(w) ? METRIC_CACHE_DELETION : METRIC_CACHE_HIT;
}

static void events_back(struct worker *worker, struct mail *mail)
{
    struct missed *m = container_of(mail, struct missed, read.mail);
    struct arena *arena = arena_create();
    struct recent w;

    worker->calls--;
    enum metric_cache why = window_of(m, &w, arena);
    if (why == METRIC_CACHE_HIT && hub_last_deletion(worker->hub, m->read.stream) > m->to)
        why = METRIC_CACHE_DELETION;
    metric_add_by(METRIC_CACHE_RESUME, why, 1);
    if ((why == METRIC_CACHE_GAP || why == METRIC_CACHE_WRONG) && !worker->stopping)
        fill(worker, m->read.stream, m->to, why == METRIC_CACHE_WRONG);
    m->done(m->arg, why == METRIC_CACHE_HIT ? &w : NULL);
    arena_destroy(&arena);
    buf_free(&m->read.bytes);
    free(m);
}

bool cache_events(struct worker *worker, const char *stream, const char *epoch, uint64_t after,
                  uint64_t to, cache_events_fn done, void *arg)
{
    struct bus *bus = worker->node->bus;
    struct missed *m;

    if (stream[0] != 'c' || !worker->node->config.cache || !bus_is_shared(bus))
        return false;
    if (to - after > RECENT_EVENTS || !bus_has_recent(bus)) {
        metric_add_by(METRIC_CACHE_RESUME,
                      to - after > RECENT_EVENTS ? METRIC_CACHE_OLDER : METRIC_CACHE_AWAY, 1);
        return false;
    }
    m = mem_zalloc(sizeof(*m));
    m->read.mail.run = events_back;
    m->read.box = &worker->box;
    (void)snprintf(m->read.stream, sizeof(m->read.stream), "%s", stream);
    (void)snprintf(m->epoch, sizeof(m->epoch), "%s", epoch);
    m->read.from = after + 1;
    m->worker = worker;
    m->to = to;
    m->done = done;
    m->arg = arg;
    m->asked_ns = clock_monotonic_ns();
    worker->calls++;
    bus_recent_read(bus, &m->read);
    return true;
}
