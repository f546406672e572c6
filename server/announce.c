#include "server/announce.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/macros.h"
#include "base/mem.h"
#include "protocol/jsonrpc.h"
#include "server/bus/bus.h"
#include "server/frame.h"
#include "server/metrics.h"
#include "server/node.h"
#include "server/presence.h"
#include "server/store_call.h"
#include "server/worker.h"

struct news {
    struct store_call call;
    struct frame *frame;
    uint64_t members_max;
};

static struct frame *ephemeral_frame(const char *method, const char *data)
{
    struct buf json = {0};

    rpc_put_ephemeral(&json, method, data, strlen(data));
    struct frame *frame = frame_text(json.data, json.len);
    frame->ephemeral = 1;
    buf_free(&json);
    return frame;
}

static const char *stream_name(struct arena *arena, char kind, const char *id)
{
    char *name = arena_alloc(arena, STORE_STREAM_SIZE);

    (void)snprintf(name, STORE_STREAM_SIZE, "%c:%s", kind, id);
    return name;
}

static void channels_known(struct store_call *call)
{
    struct news *news = container_of(call, struct news, call);
    struct store_req *req = &call->req;

    if (req->err == ERR_OK) {
        const char **streams = arena_alloc(req->arena, (req->out.n + 1) * sizeof(*streams));
        size_t n = 0;
        streams[n++] = stream_name(req->arena, 'u', req->in.user.user);
        for (size_t i = 0; i < req->out.n; i++) {
            const struct store_channel *c = &req->out.channels[i];
            if (news->members_max == 0 || c->members <= news->members_max)
                streams[n++] = stream_name(req->arena, 'c', c->id);
            else
                metric_add_by(METRIC_DROPS, METRIC_DROP_FANOUT, 1);
        }
        bus_publish_ephemeral(call->worker->node->bus, streams, n, news->frame, NULL);
    }
    frame_unref(news->frame);
    arena_destroy(&req->arena);
    free(news);
}

void announce(struct worker *worker, const char *user, const char *method, const char *data,
              uint64_t members_max)
{
    struct news *news = mem_zalloc(sizeof(*news));
    struct store_req *req = &news->call.req;

    news->frame = ephemeral_frame(method, data);
    news->members_max = members_max;
    req->op = STORE_SNAPSHOT;
    req->arena = arena_create();
    req->actor.system = true;
    req->in.user.user = arena_strdup(req->arena, user);
    store_call_submit(&news->call, worker, channels_known);
}

void announce_user(struct worker *worker, const struct store_user *user)
{
    struct buf data = {0};

    buf_json_key(&data, "user");
    store_user_json(&data, user);
    announce(worker, user->id, "user.updated", data.data, 0);
    buf_free(&data);
}

static void presence_changed(struct worker *worker, const char *user, enum presence_state state)
{
    struct buf data = {0};

    buf_json_member(&data, "user", user);
    buf_json_member(&data, "state", presence_name(state));
    announce(worker, user, "presence.changed", data.data, worker->node->config.presence_fanout_max);
    buf_free(&data);
}

/* What is said to other nodes leaves as one. */
struct saying {
    struct worker *worker;
    struct buf users;   /* each with its NUL */
    struct buf letters; /* one for each */
};

static void saying_changed(void *arg, const char *user, enum presence_state state)
{
    struct saying *saying = arg;

    presence_changed(saying->worker, user, state);
}

static void say(void *arg, const char *user, char said)
{
    struct saying *saying = arg;

    buf_put(&saying->users, user, strlen(user) + 1);
    buf_putc(&saying->letters, said);
}

void announce_presence(struct worker *worker)
{
    struct saying saying = {.worker = worker};
    struct bus *bus = worker->node->bus;

    (void)presence_tick(worker->node->presence, clock_monotonic_ns() / 1000000u, saying_changed,
                        bus_is_shared(bus) ? say : NULL, &saying);
    if (saying.letters.len > 0)
        bus_presence(bus, saying.users.data, saying.users.len, saying.letters.data);
    buf_free(&saying.users);
    buf_free(&saying.letters);
}

void announce_to(struct node *node, const char *user, const char *method, const char *data)
{
    char stream[STORE_STREAM_SIZE];
    const char *streams[] = {stream};
    struct frame *frame = ephemeral_frame(method, data);

    (void)snprintf(stream, sizeof(stream), "u:%s", user);
    bus_publish_ephemeral(node->bus, streams, 1, frame, NULL);
    frame_unref(frame);
}
