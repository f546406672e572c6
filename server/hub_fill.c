/* hub_fill.c - bringing a member forward: from the ring, else page by page from the cache of the
 * bus or the store. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/macros.h"
#include "base/mem.h"
#include "server/cache.h"
#include "server/conn.h"
#include "server/event.h"
#include "server/hub_stream.h"
#include "server/recent.h"
#include "server/session.h"
#include "server/store_call.h"
#include "server/worker.h"

/* A page on its way from the store. */
struct fill {
    struct store_call call;
    struct hub *hub;
    char stream[STORE_STREAM_SIZE];
};

void sub_go_live(struct sub *sub)
{
    struct stream *s = sub->stream;

    stream_seal(s); /* those events are for those who were live before */
    DL_DELETE(s->filling, sub);
    if (s->live_n == s->live_cap) {
        s->live_cap = s->live_cap == 0 ? 1 : s->live_cap * 2;
        s->live = mem_realloc_array(s->live, s->live_cap, sizeof(struct sub *));
    }
    sub->live = true;
    sub->index = s->live_n;
    s->live[s->live_n++] = sub;
}

/* Give SUB its next event. False: the subscription ended with it. */
static bool sub_take(struct sub *sub, struct event *event)
{
    struct conn *conn = sub->conn;
    bool ends = event->type == STORE_EVENT_CHANNEL_DELETED ||
                (event->type == STORE_EVENT_MEMBER_LEFT && event->seq > sub->cut &&
                 strcmp(event->subject, conn->session->user) == 0);

    sub->pos = event->seq;
    if (!sub->mute)
        conn_send(conn, event->frame);
    if (conn->closing)
        return false;
    if (ends) {
        hub_unsubscribe(conn, event->stream);
        return false;
    }
    if (event->type == STORE_EVENT_CHANNEL_JOINED && event->seq > sub->cut)
        session_on_channel_joined(conn, event);
    return !conn->closing;
}

/* Serve SUB from the ring, if that has all it misses. */
static bool fill_from_ring(struct sub *sub)
{
    struct stream *s = sub->stream;

    if (s->last - sub->pos > STREAM_RING)
        return false;
    for (uint64_t seq = sub->pos + 1; seq <= s->last; seq++)
        if (stream_ring_get(s, seq) == NULL)
            return false;
    while (sub->pos < s->last)
        if (!sub_take(sub, stream_ring_get(s, sub->pos + 1)))
            return true;
    sub_go_live(sub);
    return true;
}

/* -- pages ------------------------------------------------------------------------------------ */

static void page_clear(struct page *page)
{
    for (size_t i = 0; i < page->n; i++)
        event_unref(page->events[i]);
    free(page->events);
    *page = (struct page){0};
}

void stream_drop_pages(struct stream *s)
{
    for (size_t i = 0; s->pages != NULL && i < STREAM_PAGES; i++)
        page_clear(&s->pages[i]);
    free(s->pages);
    s->pages = NULL;
}

/* The page, here or on its way, that has the event after POS. */
static struct page *page_find(const struct stream *s, uint64_t pos)
{
    for (size_t i = 0; s->pages != NULL && i < STREAM_PAGES; i++) {
        struct page *page = &s->pages[i];
        if (page->reading ? page->after == pos : pos >= page->after && pos < page->after + page->n)
            return page;
    }
    return NULL;
}

/* False: the store did not answer, or not with what comes after the page's position. */
static bool page_fill(struct page *page, const struct store_req *req)
{
    if (req->err != ERR_OK || req->out.n == 0 || req->out.events[0].seq != page->after + 1)
        return false;
    page->reading = false;
    page->events = mem_alloc((req->out.n + 1) * sizeof(struct event *));
    while (page->n < req->out.n && req->out.events[page->n].seq == page->after + page->n + 1) {
        page->events[page->n] = event_make(&req->out.events[page->n]);
        page->n++;
    }
    return true;
}

static bool is_other_epoch(const struct stream *s, const struct store_req *req)
{
    return req->err == ERR_OK && req->out.top.epoch != NULL && s->epoch[0] != '\0' &&
           strcmp(s->epoch, req->out.top.epoch) != 0;
}

/* A page came: on with those who wait for it. */
static void advance_all(struct stream *s)
{
    struct sub *sub;
    struct sub *tmp;

    s->busy++;
    DL_FOREACH_SAFE(s->filling, sub, tmp)
    {
        sub_advance(sub);
    }
    for (size_t i = 0; s->pages != NULL && i < STREAM_PAGES; i++)
        s->pages[i].pinned = false;
    s->busy--;
    stream_release(s);
}

static void fill_free(struct fill *fill)
{
    arena_destroy(&fill->call.req.arena);
    free(fill);
}

static void page_read(struct store_call *call)
{
    struct fill *fill = container_of(call, struct fill, call);
    struct stream *s = stream_find(fill->hub, fill->stream);
    struct page *page = s == NULL ? NULL : page_find(s, call->req.in.events.after);

    if (page != NULL && page->reading) {
        if (is_other_epoch(s, &call->req)) {
            stream_restart(s);
            s = NULL;
        } else if (page_fill(page, &call->req)) {
            page->pinned = true; /* until all who wait for it have it */
        } else {
            page_clear(page);
            s->hub->stalled = true; /* hub_tick() tries again */
            s = NULL;
        }
    }
    if (s != NULL)
        advance_all(s);
    fill_free(fill);
}

/* The cache of the bus has looked: W begins with the page's first event, or the store has to be
 * asked. */
static void page_cached(void *arg, const struct recent *w)
{
    struct fill *fill = arg;
    struct stream *s = stream_find(fill->hub, fill->stream);
    uint64_t after = fill->call.req.in.events.after;
    struct page *page = s == NULL ? NULL : page_find(s, after);

    if (page == NULL || !page->reading || fill->hub->worker->stopping) {
        fill_free(fill);
        return;
    }
    if (w == NULL || strcmp(w->epoch, s->epoch) != 0) {
        store_call_submit(&fill->call, fill->hub->worker, page_read);
        return;
    }
    page->reading = false;
    page->pinned = true;
    page->events = mem_alloc((size_t)(w->to - after) * sizeof(struct event *));
    for (uint64_t seq = after + 1; seq <= w->to; seq++)
        page->events[page->n++] = recent_event(w, seq);
    advance_all(s);
    fill_free(fill);
}

/* A place for one more page: the oldest that nobody waits for, or NULL. */
static struct page *page_make_room(struct stream *s)
{
    if (s->pages == NULL)
        s->pages = mem_zalloc(STREAM_PAGES * sizeof(*s->pages));
    for (size_t i = 0; i < STREAM_PAGES; i++) {
        struct page *page = &s->pages[s->next_page++ % STREAM_PAGES];
        if (page->reading || page->pinned)
            continue;
        page_clear(page);
        return page;
    }
    return NULL;
}

static void page_ask(struct stream *s, uint64_t after)
{
    struct page *page = page_make_room(s);

    if (page == NULL)
        return; /* one that is on its way makes everybody look again */
    page->after = after;
    page->reading = true;

    struct fill *fill = mem_zalloc(sizeof(*fill));
    struct store_req *req = &fill->call.req;
    fill->hub = s->hub;
    memcpy(fill->stream, s->name, sizeof(fill->stream));
    req->op = STORE_EVENTS;
    req->arena = arena_create();
    req->actor.system = true;
    req->in.events.stream = fill->stream;
    req->in.events.after = after;
    req->in.events.limit = STREAM_PAGE;
    if (!cache_events(s->hub->worker, s->name, s->epoch, after, s->last, page_cached, fill))
        store_call_submit(&fill->call, s->hub->worker, page_read);
}

/* Bring SUB forward by the pages that are here; ask for the next one. */
static void fill_from_store(struct sub *sub)
{
    struct stream *s = sub->stream;
    struct conn *conn = sub->conn;

    while (sub->pos < s->last) {
        struct page *page = page_find(s, sub->pos);
        if (page == NULL)
            page_ask(s, sub->pos);
        if (page == NULL || page->reading)
            return; /* page_read() goes on */
        struct event *event = event_ref(page->events[sub->pos - page->after]);
        bool alive = sub_take(sub, event);
        event_unref(event);
        if (!alive)
            return;
        if (conn_is_behind(conn)) {
            conn->filling = true; /* hub_catch_up() goes on */
            return;
        }
    }
    sub_go_live(sub);
}

void sub_advance(struct sub *sub)
{
    struct stream *s = sub->stream;

    if (sub->live || s->state < STREAM_OK)
        return;
    if (sub->pos > s->last)
        return; /* the stream gets there by itself: promote_level() */
    s->busy++;
    if (sub->pos == s->last)
        sub_go_live(sub);
    else if (conn_is_behind(sub->conn))
        sub->conn->filling = true; /* hub_catch_up() goes on when the socket has taken some */
    else if (!fill_from_ring(sub))
        fill_from_store(sub);
    if (s->filling == NULL)
        stream_drop_pages(s);
    s->busy--;
    stream_release(s);
}

void hub_catch_up(struct conn *conn)
{
    conn->filling = false;
    for (struct sub *sub = conn->subs; sub != NULL;) {
        struct sub *next = sub->conn_next;
        sub_advance(sub);
        if (conn->closing)
            return;
        sub = next;
    }
}
