/* session.c - session.start: one cut through all streams of a user, then everything after it.
 *
 * The answer names a position for each stream; the connection is subscribed right after the answer
 * was queued, from the client's own position where that can be served, else from the cut. From
 * there the hub brings it forward: see hub.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/account.h"
#include "server/conn.h"
#include "server/follow.h"
#include "server/grant.h"
#include "server/handlers/limits.h"
#include "server/hub.h"
#include "server/metrics.h"
#include "server/node.h"
#include "server/request.h"
#include "server/session.h"
#include "server/version.h"
#include "server/worker.h"

struct plan_row {
    const char *stream, *epoch;
    uint64_t from, cut;
};

struct start {
    const char *token;
    struct store_user user;
    struct store_session session;
    struct stream_position *positions; /* the client's, by stream */
    size_t positions_n;
    struct plan_row *plan; /* what to subscribe to */
    size_t plan_n;
};

static int by_stream(const void *a, const void *b)
{
    return strcmp(((const struct stream_position *)a)->stream,
                  ((const struct stream_position *)b)->stream);
}

static void sort_positions(struct request *req, struct start *start)
{
    size_t n = param_positions_count(&req->params, "streams");

    start->positions = arena_alloc(req->arena, (n + 1) * sizeof(*start->positions));
    start->positions_n = n;
    for (size_t i = 0; i < n; i++)
        param_position(&req->params, "streams", i, &start->positions[i]);
    qsort(start->positions, n, sizeof(*start->positions), by_stream);
}

static const struct stream_position *find_position(const struct start *start, const char *stream)
{
    struct stream_position key = {.stream = stream};

    return bsearch(&key, start->positions, start->positions_n, sizeof(key), by_stream);
}

static bool can_serve(const struct request *req, const struct stream_position *p, const char *epoch,
                      uint64_t top)
{
    return p != NULL && epoch != NULL && strcmp(p->epoch, epoch) == 0 && p->seq <= top &&
           top - p->seq <= req->node->config.resume_events;
}

/* Adds STREAM to the plan; true if the client's own position can be served. */
static bool plan_stream(struct request *req, const char *stream, const char *epoch, uint64_t top)
{
    struct start *start = req->data;
    struct follow *follow = req->conn->follow;
    const struct stream_position *p = find_position(start, stream);
    struct stream_position place = {.stream = stream};

    if (follow != NULL && !follow_wants(follow, stream))
        return false;
    if (follow != NULL && follow_position(follow, stream, &place.epoch, &place.seq))
        p = &place;
    bool resumed = can_serve(req, p, epoch, top);

    start->plan[start->plan_n++] = (struct plan_row){.stream = stream,
                                                     .epoch = epoch == NULL ? "" : epoch,
                                                     .from = resumed ? p->seq : top,
                                                     .cut = top};
    if (follow != NULL)
        follow_set(follow, stream, epoch, resumed ? p->seq : top);
    if (p != NULL)
        metric_add_by(METRIC_RESUMES, resumed ? METRIC_RESUME_RESUMED : METRIC_RESUME_RESYNC, 1);
    return resumed;
}

/* The channels first, the user's own stream (the first row) last: a join in it must find a channel
 * that the user had left just before still subscribed from its own position. */
static void subscribe(struct request *req)
{
    const struct start *start = req->data;

    for (size_t i = start->plan_n; i-- > 0;)
        hub_subscribe(req->conn, start->plan[i].stream, start->plan[i].from, start->plan[i].cut);
}

static void put_server(struct request *req)
{
    struct buf *out = &req->result;

    buf_json_key(out, "server");
    buf_putc(out, '{');
    buf_json_member(out, "name", "parley");
    buf_json_member(out, "version", PARLEY_VERSION);
    buf_json_member(out, "node", req->node->id);
    buf_putc(out, '}');
    buf_json_member_int(out, "heartbeat_ms", req->node->config.heartbeat_ms);
    put_limits(out, &req->node->config);
}

/* Whoever is limited to channels follows its user's own stream only to notice that it joins one of
 * them, and is told nothing of it. */
static void put_streams(struct request *req, const struct store_req *store, bool reads)
{
    struct buf *out = &req->result;
    struct start *start = req->data;
    char *stream = arena_alloc(req->arena, STORE_STREAM_SIZE);
    bool limited = grant_is_limited(req->grant);

    (void)snprintf(stream, STORE_STREAM_SIZE, "u:%s", store->in.user.user);
    buf_json_key(out, "streams");
    buf_putc(out, '{');
    if (limited && reads)
        start->plan[start->plan_n++] = (struct plan_row){
            .stream = stream, .from = store->out.top.seq, .cut = store->out.top.seq};
    if (limited || !reads) {
        buf_putc(out, '}');
        return;
    }
    buf_json_key(out, stream);
    buf_putc(out, '{');
    buf_json_member(out, "epoch", store->out.top.epoch == NULL ? "" : store->out.top.epoch);
    buf_json_member_int(out, "seq", (int64_t)store->out.top.seq);
    buf_json_member_bool(out, "resumed",
                         plan_stream(req, stream, store->out.top.epoch, store->out.top.seq));
    buf_puts(out, "}}");
}

static void put_channel(struct request *req, const struct store_channel *channel)
{
    struct buf *out = &req->result;
    char *stream = arena_alloc(req->arena, STORE_STREAM_SIZE);

    (void)snprintf(stream, STORE_STREAM_SIZE, "c:%s", channel->id);
    bool resumed = plan_stream(req, stream, channel->epoch, channel->seq);
    buf_json_comma(out);
    store_channel_json(out, channel, true);
    out->len--; /* the object stays open for one member more */
    buf_json_member_bool(out, "resumed", resumed);
    buf_putc(out, '}');
}

/* -- the state of a Socket.IO connection ------------------------------------------------------ */

/* A stream that had no event then has none now, or all of its events are missed. */
static bool can_recover(struct request *req, const char *stream, const char *epoch, uint64_t top)
{
    const struct stream_position *p = find_position(req->data, stream);
    bool had_none = p != NULL && p->epoch[0] == '\0' && p->seq == 0;

    return (had_none && epoch == NULL && top == 0) || can_serve(req, p, epoch, top);
}

/* All or nothing: the streams are those that the client had, and each goes on where it was. */
static bool is_recoverable(struct request *req)
{
    const struct store_req *store = &req->call.req;
    const struct start *start = req->data;
    char stream[STORE_STREAM_SIZE];

    (void)snprintf(stream, sizeof(stream), "u:%s", store->in.user.user);
    bool whole = start->positions_n == store->out.n + 1 &&
                 can_recover(req, stream, store->out.top.epoch, store->out.top.seq);
    for (size_t i = 0; whole && i < store->out.n; i++) {
        const struct store_channel *channel = &store->out.channels[i];
        (void)snprintf(stream, sizeof(stream), "c:%s", channel->id);
        whole = can_recover(req, stream, channel->epoch, channel->seq);
    }
    return whole;
}

/* A client whose state cannot be recovered starts afresh. */
static void try_recovery(struct request *req)
{
    struct start *start = req->data;

    if (req->sio.pid == NULL)
        return;
    bool whole = is_recoverable(req);
    metric_add_by(METRIC_SOCKETIO_RECOVERIES, whole ? METRIC_RESUME_RESUMED : METRIC_RESUME_RESYNC,
                  1);
    if (whole)
        return;
    start->positions_n = 0;
    req->sio.pid = req->sio.offset = NULL;
}

/* Where the connection begins, for its pid. */
static void tell_cut(struct request *req)
{
    const struct start *start = req->data;
    struct stream_position *cut = arena_alloc(req->arena, (start->plan_n + 1) * sizeof(*cut));

    req->sio.level = true;
    for (size_t i = 0; i < start->plan_n; i++) {
        const struct plan_row *row = &start->plan[i];
        cut[i] = (struct stream_position){row->stream, row->epoch, row->cut};
        req->sio.level = req->sio.level && row->from == row->cut;
    }
    qsort(cut, start->plan_n, sizeof(*cut), by_stream);
    req->sio.cut = cut;
    req->sio.cut_n = start->plan_n;
}

/* -- the answer ------------------------------------------------------------------------------- */

static enum err session_found(struct request *req);

static enum err snapshot_taken(struct request *req)
{
    struct start *start = req->data;
    const struct store_req *store = &req->call.req;
    struct buf *out = &req->result;
    bool reads = grant_allows(req->grant, SCOPE_MESSAGES_READ); /* else it gets no events */

    if (req->revocations != req->worker->revocations)
        return account_find_session(req, start->token, session_found);
    if (request_is_forsaken(req))
        return ERR_OK; /* gone meanwhile */
    try_recovery(req);
    start->plan = arena_alloc(req->arena, (store->out.n + 1) * sizeof(*start->plan));
    start->plan_n = 0;
    buf_json_key(out, "user");
    store_user_json(out, &store->out.user);
    buf_json_member(out, "session", start->session.id);
    grant_put_scopes(req->grant, out);
    put_server(req);
    put_streams(req, store, reads);
    buf_json_key(out, "channels");
    buf_putc(out, '[');
    for (size_t i = 0; reads && i < store->out.n; i++)
        put_channel(req, &store->out.channels[i]);
    buf_putc(out, ']');
    if (req->conn->follow != NULL && follow_named(req->conn->follow) > 0 &&
        start->plan_n < follow_named(req->conn->follow))
        return request_fail(req, ERR_NOT_FOUND, "streams",
                            "there is no such stream for you among them");
    session_begin(req->conn, &store->out.user, &start->session, req->grant);
    account_touch(req->worker, &start->session);
    if (req->sio.used)
        tell_cut(req);
    req->after = subscribe;
    return ERR_OK;
}

static enum err session_found(struct request *req)
{
    struct start *start = req->data;

    start->user = req->call.req.out.user;
    start->session = req->call.req.out.session;
    memset(&req->call.req.in, 0, sizeof(req->call.req.in));
    req->call.req.in.user.user = start->user.id;
    grant_unref(&req->grant);
    req->grant = grant_make(&start->session);
    req->actor = grant_actor(req->grant, start->user.id, start->user.role);
    return request_store(req, STORE_SNAPSHOT, snapshot_taken);
}

enum err handle_session_start(struct request *req)
{
    struct start *start = arena_alloc(req->arena, sizeof(*start));
    const char *token = request_str(req, "token");

    if (req->conn->session != NULL || req->conn->starting) {
        req->detail = "The session has been started on this connection already";
        return ERR_CONFLICT;
    }
    if (token == NULL)
        token = req->conn->token;
    if (token == NULL) {
        req->detail = "No token: send one, or sign in over HTTP first and connect with the cookie";
        return ERR_UNAUTHENTICATED;
    }
    start->token = arena_strdup(req->arena, token);
    req->data = start;
    sort_positions(req, start);
    req->conn->starting = req->starts = true;
    return account_find_session(req, start->token, session_found);
}
