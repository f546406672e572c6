/* stream.c - events by asking for them, read positions, typing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>
#include <uv.h>

#include "base/macros.h"
#include "protocol/jsonrpc.h"
#include "server/announce.h"
#include "server/bus/bus.h"
#include "server/conn.h"
#include "server/frame.h"
#include "server/gateway.h"
#include "server/grant.h"
#include "server/hub.h"
#include "server/node.h"
#include "server/polls.h"
#include "server/request.h"
#include "server/worker.h"

/* -- stream.events ---------------------------------------------------------------------------- */

struct poll {
    struct request *req;
    struct hub_wait *wait;
    uv_timer_t *timer;
    bool waited; /* once is enough */
    struct poll *prev, *next;
};

static enum err ask_events(struct request *req);

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle);
}

/* The wait is over, for whatever reason: look once more, then answer. */
static void poll_over(struct poll *poll)
{
    struct request *req = poll->req;

    DL_DELETE(req->worker->polls, poll);
    uv_close((uv_handle_t *)poll->timer, on_timer_closed);
    poll->timer = NULL;
    request_resume(req, ask_events(req));
}

static void on_event(void *arg)
{
    struct poll *poll = arg;

    poll->wait = NULL;
    poll_over(poll);
}

static void on_poll_timeout(uv_timer_t *timer)
{
    struct poll *poll = timer->data;

    hub_wait_cancel(&poll->wait);
    poll_over(poll);
}

void polls_end(struct worker *worker)
{
    while (worker->polls != NULL) {
        struct poll *poll = worker->polls;
        hub_wait_cancel(&poll->wait);
        poll_over(poll);
    }
}

/* True: REQ waits for the stream's next event. */
static bool poll_begin(struct request *req)
{
    struct poll *poll = req->data;
    int64_t wait_ms = param_int(&req->params, "wait_ms", 0);

    if (poll->waited || wait_ms == 0 || req->worker->draining)
        return false;
    poll->waited = true;
    poll->req = req;
    poll->wait = hub_wait(req->worker->hub, request_str(req, "stream"),
                          (uint64_t)param_int(&req->params, "after", 0), on_event, poll);
    if (poll->wait == NULL)
        return false;
    poll->timer = mem_zalloc(sizeof(*poll->timer));
    poll->timer->data = poll;
    (void)uv_timer_init(&req->worker->loop, poll->timer);
    (void)uv_timer_start(poll->timer, on_poll_timeout, (uint64_t)wait_ms, 0);
    DL_APPEND(req->worker->polls, poll);
    req->waiting = true;
    if (req->http)
        gateway_http_watch(req->conn); /* it may wait long */
    return true;
}

static void put_event(struct buf *out, const struct store_event *e)
{
    struct buf json = {0};

    rpc_put_event(&json, store_event_name(e->type), e->stream, e->epoch, e->seq, e->at, e->actor,
                  e->data, e->data_len);
    buf_json_comma(out);
    /* the notification without its version, which is an event as it is listed here */
    static const char head[] = "{\"jsonrpc\":\"2.0\",";
    buf_putc(out, '{');
    buf_put(out, json.data + sizeof(head) - 1, json.len - (sizeof(head) - 1));
    buf_free(&json);
}

static enum err put_events(struct request *req)
{
    const struct store_req *store = &req->call.req;
    const char *epoch = request_str(req, "epoch");
    uint64_t after = (uint64_t)param_int(&req->params, "after", 0);
    const struct store_top *top = &store->out.top;

    if (top->epoch != NULL && strcmp(top->epoch, epoch) != 0)
        return request_fail(req, ERR_GONE, "epoch",
                            "the stream has another epoch now: fetch it anew");
    if (after > top->seq)
        return request_fail(req, ERR_GONE, "after",
                            "the position is ahead of the stream: fetch it anew");
    if (store->out.n == 0 && poll_begin(req))
        return ERR_OK;
    buf_json_key(&req->result, "events");
    buf_putc(&req->result, '[');
    for (size_t i = 0; i < store->out.n; i++)
        put_event(&req->result, &store->out.events[i]);
    buf_putc(&req->result, ']');
    buf_json_member(&req->result, "epoch", top->epoch == NULL ? epoch : top->epoch);
    buf_json_member_int(&req->result, "seq", (int64_t)top->seq);
    return ERR_OK;
}

static enum err ask_events(struct request *req)
{
    memset(&req->call.req.in, 0, sizeof(req->call.req.in));
    memset(&req->call.req.out, 0, sizeof(req->call.req.out));
    req->call.req.in.events.stream = request_str(req, "stream");
    req->call.req.in.events.after = (uint64_t)param_int(&req->params, "after", 0);
    req->call.req.in.events.limit = (uint32_t)param_int(&req->params, "limit", 100);
    return request_store(req, STORE_EVENTS, put_events);
}

static enum err membership_known(struct request *req)
{
    if (!req->call.req.out.channel.joined && !req->actor.system)
        return ERR_NOT_FOUND;
    return ask_events(req);
}

enum err handle_stream_events(struct request *req)
{
    const char *stream = request_str(req, "stream");

    req->data = arena_alloc(req->arena, sizeof(struct poll));
    if (strncmp(stream, "u:", 2) == 0) {
        if (grant_is_limited(req->grant) ||
            (!req->actor.system &&
             (req->actor.user == NULL || strcmp(stream + 2, req->actor.user) != 0)))
            return request_fail(req, ERR_NOT_FOUND, "stream", "there is no such stream for you");
        return ask_events(req);
    }
    req->call.req.in.channel.channel = stream + 2;
    return request_store(req, STORE_CHANNEL_GET, membership_known);
}

/* -- read.mark -------------------------------------------------------------------------------- */

static void put_read_state(struct buf *out, const struct store_channel *channel)
{
    buf_json_member_int(out, "last_read_seq", (int64_t)channel->last_read_seq);
    buf_json_member_int(out, "unread", (int64_t)channel->unread);
    buf_json_member_int(out, "mentions", (int64_t)channel->mentions);
}

static enum err read_marked(struct request *req)
{
    const struct store_channel *channel = &req->call.req.out.channel;
    struct buf data = {0};

    put_read_state(&req->result, channel);
    buf_json_member(&data, "channel", channel->id);
    put_read_state(&data, channel);
    announce_to(req->node, req->user, "read.updated", data.data);
    buf_free(&data);
    return ERR_OK;
}

enum err handle_read_mark(struct request *req)
{
    if (req->actor.user == NULL)
        return ERR_NOT_FOUND;
    req->call.req.in.read.channel = request_str(req, "channel");
    req->call.req.in.read.seq = (uint64_t)param_int(&req->params, "seq", 0);
    return request_store(req, STORE_READ_MARK, read_marked);
}

/* -- typing ----------------------------------------------------------------------------------- */

static enum err publish_typing(struct request *req)
{
    char stream[STORE_STREAM_SIZE];
    const char *streams[] = {stream};
    const char *channel = request_str(req, "channel");
    struct buf data = {0};
    struct buf json = {0};

    (void)snprintf(stream, sizeof(stream), "c:%s", channel);
    buf_json_member(&data, "channel", channel);
    buf_json_member(&data, "user", req->user);
    rpc_put_ephemeral(&json, "typing", data.data, data.len);
    struct frame *frame = frame_text(json.data, json.len);
    frame->ephemeral = 1;
    bus_publish_ephemeral(req->node->bus, streams, 1, frame, req->user);
    frame_unref(frame);
    buf_free(&data);
    buf_free(&json);
    return ERR_OK;
}

static enum err typing_allowed(struct request *req)
{
    if (!req->call.req.out.channel.joined)
        return ERR_NOT_FOUND;
    return publish_typing(req);
}

enum err handle_typing_start(struct request *req)
{
    char stream[STORE_STREAM_SIZE];

    (void)snprintf(stream, sizeof(stream), "c:%s", request_str(req, "channel"));
    if (hub_is_subscribed(req->conn, stream))
        return publish_typing(req);
    req->call.req.in.channel.channel = request_str(req, "channel");
    return request_store(req, STORE_CHANNEL_GET, typing_allowed);
}
