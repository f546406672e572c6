/* hub_fill.c - bringing a member forward: from the ring, else page by page from the store. */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/macros.h"
#include "base/mem.h"
#include "server/conn.h"
#include "server/event.h"
#include "server/hub_stream.h"
#include "server/session.h"
#include "server/store_call.h"
#include "server/worker.h"

enum { FILL_PAGE = 100 };

struct fill {
    struct store_call call;
    struct conn *conn; /* a reference */
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
    bool own_leave = event->type == STORE_EVENT_MEMBER_LEFT && event->seq > sub->cut &&
                     strcmp(event->subject, conn->session->user) == 0;

    sub->pos = event->seq;
    conn_send(conn, event->frame);
    if (conn->closing)
        return false;
    if (own_leave) {
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

static void fill_done(struct store_call *call)
{
    struct fill *fill = container_of(call, struct fill, call);
    struct conn *conn = fill->conn;
    struct store_req *req = &call->req;
    struct sub *sub = conn->wsi == NULL ? NULL : hub_sub(conn, fill->stream);

    if (sub != NULL && !sub->live && sub->reading) {
        bool alive = true;
        sub->reading = false;
        for (size_t i = 0; alive && req->err == ERR_OK && i < req->out.n; i++) {
            if (req->out.events[i].seq != sub->pos + 1)
                continue;
            struct event *event = event_make(&req->out.events[i]);
            alive = sub_take(sub, event);
            event_unref(event);
        }
        if (alive && (req->err != ERR_OK || req->out.n == 0))
            sub->stream->hub->stalled = true; /* hub_tick() tries again */
        else if (alive)
            sub_advance(sub);
    }
    conn_unref(conn);
    arena_destroy(&req->arena);
    free(fill);
}

static void fill_from_store(struct sub *sub)
{
    struct fill *fill = mem_zalloc(sizeof(*fill));
    struct store_req *req = &fill->call.req;

    fill->conn = conn_ref(sub->conn);
    memcpy(fill->stream, sub->stream->name, sizeof(fill->stream));
    req->op = STORE_EVENTS;
    req->arena = arena_create();
    req->actor.system = true;
    req->in.events.stream = fill->stream;
    req->in.events.after = sub->pos;
    req->in.events.limit = FILL_PAGE;
    sub->reading = true;
    store_call_submit(&fill->call, sub->conn->worker, fill_done);
}

void sub_advance(struct sub *sub)
{
    struct stream *s = sub->stream;

    if (sub->live || sub->reading || s->state == STREAM_NEW || s->state == STREAM_ASKED)
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
    s->busy--;
    stream_release(s);
}

void hub_catch_up(struct conn *conn)
{
    conn->filling = false;
    for (struct sub *sub = conn->subs; sub != NULL;) {
        struct sub *next = sub->conn_next;
        sub_advance(sub);
        if (conn->closing || conn->wsi == NULL)
            return;
        sub = next;
    }
}
