#include "server/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "protocol/jsonrpc.h"
#include "server/conn.h"
#include "server/event.h"
#include "server/follow.h"
#include "server/grant.h"
#include "server/hub.h"
#include "server/metrics.h"
#include "server/node.h"
#include "server/presence.h"
#include "server/worker.h"

static struct worker_user *user_find(struct worker *worker, const char *id)
{
    struct worker_user *u;

    HASH_FIND_STR(worker->users, id, u);
    return u;
}

static struct worker_user *user_get(struct worker *worker, const char *id)
{
    struct worker_user *u = user_find(worker, id);

    if (u == NULL) {
        u = mem_zalloc(sizeof(*u));
        (void)snprintf(u->id, sizeof(u->id), "%s", id);
        HASH_ADD_STR(worker->users, id, u);
    }
    return u;
}

void session_begin(struct conn *conn, const struct store_user *user,
                   const struct store_session *session, struct grant *grant)
{
    struct session *s = mem_zalloc(sizeof(*s));

    (void)snprintf(s->user, sizeof(s->user), "%s", user->id);
    (void)snprintf(s->id, sizeof(s->id), "%s", session->id);
    s->role = user->role;
    s->grant = grant_ref(grant);
    s->expires_at = session->expires_at;
    s->began = clock_monotonic_ns();
    s->conn = conn;
    s->owner = user_get(conn->worker, user->id);
    DL_APPEND(s->owner->sessions, s);
    conn->session = s;
    metric_add(METRIC_SESSIONS, 1);
    presence_connect(conn->worker->node->presence, s->user);
    log_debug("session started", LOG_INT("conn", conn->id), LOG_STR("user", s->user),
              LOG_STR("session", s->id));
}

void session_end(struct conn *conn)
{
    struct session *s = conn->session;

    if (s == NULL)
        return;
    conn->session = NULL;
    DL_DELETE(s->owner->sessions, s);
    if (s->owner->sessions == NULL) {
        HASH_DEL(conn->worker->users, s->owner);
        free(s->owner);
    }
    metric_sub(METRIC_SESSIONS, 1);
    presence_disconnect(conn->worker->node->presence, s->user, clock_monotonic_ns() / 1000000u);
    grant_unref(&s->grant);
    free(s);
}

void session_on_channel_joined(struct conn *conn, struct event *event)
{
    char stream[STORE_STREAM_SIZE];

    if (event->subject_seq == 0 || !grant_knows(conn->session->grant, event->subject))
        return;
    (void)snprintf(stream, sizeof(stream), "c:%s", event->subject);
    if (conn->follow == NULL || follow_wants(conn->follow, stream))
        hub_subscribe(conn, stream, event->subject_seq - 1, event->subject_seq - 1);
}

void session_left_channel(struct worker *worker, struct event *event)
{
    struct worker_user *u = user_find(worker, event->subject);
    struct session *s;

    if (u == NULL)
        return;
    DL_FOREACH(u->sessions, s)
    {
        hub_end_live(s->conn, event->stream);
    }
}

void session_end_revoked(struct session *s)
{
    struct buf json = {0};
    struct buf data = {0};

    buf_json_member(&data, "session", s->id);
    rpc_put_ephemeral(&json, "session.revoked", data.data, data.len);
    conn_send_text(s->conn, json.data, json.len);
    conn_close(s->conn, WS_CLOSE_REVOKED);
    buf_free(&data);
    buf_free(&json);
}

void session_revoke(struct worker *worker, const char *user, const char *session,
                    const char *except)
{
    worker->revocations++;
    for (size_t i = 0; i < worker->conns_n; i++) {
        struct session *s = worker->conns[i]->session;
        if (s == NULL || (user != NULL && strcmp(s->user, user) != 0) ||
            (session != NULL && strcmp(s->id, session) != 0) ||
            (except != NULL && strcmp(s->id, except) == 0))
            continue;
        session_end_revoked(s);
    }
}

void session_set_role(struct worker *worker, const char *user, enum store_role role)
{
    struct worker_user *u = user_find(worker, user);
    struct session *s;

    worker->revocations++;
    if (u == NULL)
        return;
    DL_FOREACH(u->sessions, s)
    {
        s->role = role;
    }
}

void session_tick(struct worker *worker)
{
    int64_t now = clock_unix_ms();

    if (worker->now_s % 60 != 0)
        return; /* sessions last for days: once a minute will do */
    for (size_t i = 0; i < worker->conns_n; i++) {
        struct session *s = worker->conns[i]->session;
        if (s != NULL && s->expires_at > 0 && s->expires_at < now)
            conn_close(s->conn, WS_CLOSE_UNAUTHENTICATED);
    }
}
