#include "server/socketio_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "protocol/recovery.h"
#include "server/conn.h"
#include "server/hub.h"
#include "server/request.h"

enum { CHANGES_MAX = 256 }; /* in an offset, which goes out again and again */

struct chat_state {
    char *pid;
    struct recovery base;
    bool *seen; /* a row each: it is among the connection's streams */
};

struct chat_state *chat_state_create(const struct request *req)
{
    struct chat_state *state = mem_zalloc(sizeof(*state));
    struct buf pid = {0};

    if (req->sio.pid != NULL)
        buf_puts(&pid, req->sio.pid);
    else
        (void)recovery_put_pid(&pid, req->sio.cut, req->sio.cut_n);
    if (pid.len > 0 && recovery_parse(pid.data, NULL, &state->base)) {
        state->pid = buf_detach(&pid);
        state->seen = mem_zalloc((state->base.n + 1) * sizeof(bool));
        return state;
    }
    buf_free(&pid);
    free(state);
    return NULL;
}

void chat_state_destroy(struct chat_state **state)
{
    struct chat_state *s = *state;

    if (s == NULL)
        return;
    *state = NULL;
    recovery_free(&s->base);
    free(s->pid);
    free(s->seen);
    free(s);
}

const char *chat_state_pid(const struct chat_state *state)
{
    return state->pid;
}

void chat_state_put_first(const struct chat_state *state, const struct request *req,
                          struct buf *out)
{
    if (req->sio.offset != NULL)
        buf_puts(out, req->sio.offset);
    else
        buf_puts(out, req->sio.level ? state->base.tag : RECOVERY_NO_OFFSET);
}

/* -- the offset of a connection --------------------------------------------------------------- */

struct writing {
    struct chat_state *state;
    struct buf *out;
    unsigned changes;
    bool unknown;
};

/* EPOCH is that of a stream that the pid has in row ROW. */
static void put_known(struct writing *w, size_t row, const struct stream_position *at)
{
    const struct stream_position *base = &w->state->base.rows[row].at;
    bool same = at->epoch[0] == '\0' || strcmp(at->epoch, base->epoch) == 0;

    w->state->seen[row] = true;
    if (at->seq == base->seq && (same || at->seq == 0))
        return;
    w->changes++;
    if (!same)
        recovery_put_joined(w->out, at);
    else if (base->epoch[0] != '\0')
        recovery_put_moved(w->out, row, at->seq);
    else
        w->unknown = true;
}

static void put_position(void *arg, const char *stream, const char *epoch, uint64_t seq)
{
    struct writing *w = arg;
    struct stream_position at = {stream, epoch, seq};
    size_t row = recovery_find(&w->state->base, stream);

    if (row < w->state->base.n) {
        put_known(w, row, &at);
    } else if (epoch[0] == '\0') {
        w->unknown = true;
    } else {
        w->changes++;
        recovery_put_joined(w->out, &at);
    }
}

enum chat_offset chat_state_put_offset(struct chat_state *state, const struct conn *conn,
                                       struct buf *out)
{
    struct writing w = {.state = state, .out = out};

    memset(state->seen, 0, state->base.n * sizeof(bool));
    buf_puts(out, state->base.tag);
    hub_each_position(conn, put_position, &w);
    for (size_t row = 0; row < state->base.n && w.changes <= CHANGES_MAX; row++) {
        if (state->seen[row])
            continue;
        w.changes++;
        recovery_put_left(out, row);
    }
    if (w.unknown)
        return CHAT_OFFSET_LATER;
    return w.changes <= CHANGES_MAX ? CHAT_OFFSET_WRITTEN : CHAT_OFFSET_NONE;
}

/* -- asking for it ---------------------------------------------------------------------------- */

static json_t *positions_json(const struct recovery *recovery)
{
    json_t *streams = json_object();

    for (size_t i = 0; i < recovery->n; i++) {
        const struct stream_position *at = &recovery->rows[i].at;
        if (recovery->rows[i].left)
            continue;
        json_t *position = json_object();
        (void)json_object_set_new(position, "epoch", json_string(at->epoch));
        (void)json_object_set_new(position, "seq", json_integer((json_int_t)at->seq));
        (void)json_object_set_new(streams, at->stream, position);
    }
    return streams;
}

/* What AUTH says of it, or what is right for the client. One that keeps positions of its own goes
 * by those. */
static bool wants_recovery(const json_t *auth, bool by_itself)
{
    const json_t *wish = json_object_get(auth, "recovery");

    if (json_is_boolean(wish))
        return json_is_true(wish);
    return by_itself && json_object_get(auth, "streams") == NULL;
}

void chat_state_ask(json_t *auth, bool by_itself, json_t **params_out, struct sio_call *call)
{
    const json_t *wish = json_object_get(auth, "recovery");
    const char *pid = json_string_value(json_object_get(auth, "pid"));
    const char *offset = json_string_value(json_object_get(auth, "offset"));
    struct recovery recovery;

    call->recovers = wants_recovery(auth, by_itself);
    if (pid == NULL && !json_is_boolean(wish)) {
        *params_out = json_incref(auth);
        return;
    }
    *params_out = json_copy(auth);
    if (json_is_boolean(wish))
        (void)json_object_del(*params_out, "recovery");
    if (pid == NULL)
        return;
    (void)json_object_del(*params_out, "pid");
    if (offset != NULL)
        (void)json_object_del(*params_out, "offset");
    if (!call->recovers || offset == NULL || json_object_get(auth, "streams") != NULL ||
        !recovery_parse(pid, offset, &recovery))
        return;
    (void)json_object_set_new(*params_out, "streams", positions_json(&recovery));
    call->pid = pid;
    call->offset = offset;
    recovery_free(&recovery);
}
