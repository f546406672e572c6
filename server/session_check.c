#include "server/session_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "server/bus/bus.h"
#include "server/conn.h"
#include "server/node.h"
#include "server/session.h"
#include "server/store_call.h"
#include "server/worker.h"

enum {
    AT_ONCE = 16,         /* questions under way */
    AWAY_INTERVAL_S = 10, /* while the bus is away */
};

struct session_check {
    struct worker *worker;
    char (*users)[ID_MAX + 1]; /* to be asked about, from `next` on */
    size_t next, n;
    unsigned under_way;
    uint32_t at_s; /* the last time that it began */
};

struct question {
    struct store_call call;
    struct session_check *check;
    uint64_t revocations; /* the worker's, when it was put */
    char user[ID_MAX + 1];
};

struct session_check *session_check_create(struct worker *worker)
{
    struct session_check *check = mem_zalloc(sizeof(*check));

    check->worker = worker;
    return check;
}

void session_check_destroy(struct session_check **check)
{
    if (*check != NULL)
        free((*check)->users);
    free(*check);
    *check = NULL;
}

static bool is_listed(const struct store_req *req, const char *id)
{
    for (size_t i = 0; i < req->out.n; i++)
        if (strcmp(req->out.sessions[i].id, id) == 0)
            return true;
    return false;
}

/* A session that began after the question was put is not in the answer, and may well be good. */
static void compare(struct worker *worker, const struct question *q)
{
    const struct store_req *req = &q->call.req;
    struct worker_user *user;
    bool gone = req->err == ERR_NOT_FOUND || (req->err == ERR_OK && req->out.user.disabled_at != 0);

    HASH_FIND_STR(worker->users, q->user, user);
    if (user == NULL || (req->err != ERR_OK && !gone))
        return;
    for (struct session *s = user->sessions; s != NULL; s = s->next) {
        if (s->conn->closing || s->began > req->submitted_ns)
            continue;
        if (gone || !is_listed(req, s->id))
            session_end_revoked(s);
        else if (worker->revocations == q->revocations)
            s->role = req->out.user.role;
    }
}

static void ask(struct session_check *check);

static void answered(struct store_call *call)
{
    struct question *q = container_of(call, struct question, call);
    struct session_check *check = q->check;

    compare(call->worker, q);
    check->under_way--;
    arena_destroy(&call->req.arena);
    free(q);
    ask(check);
}

static void ask(struct session_check *check)
{
    while (check->next < check->n && check->under_way < AT_ONCE && !check->worker->stopping) {
        struct question *q = mem_zalloc(sizeof(*q));
        struct store_req *req = &q->call.req;
        q->check = check;
        q->revocations = check->worker->revocations;
        memcpy(q->user, check->users[check->next++], sizeof(q->user));
        req->op = STORE_SESSION_LIST;
        req->arena = arena_create();
        req->actor.system = true;
        req->in.session.user = q->user;
        check->under_way++;
        store_call_submit(&q->call, check->worker, answered);
    }
}

void session_check_all(struct session_check *check)
{
    struct worker_user *user;
    struct worker_user *next;

    check->at_s = worker_now_s(check->worker);
    check->n = check->next = 0;
    check->users = mem_realloc_array(check->users, HASH_COUNT(check->worker->users) + 1,
                                     sizeof(*check->users));
    HASH_ITER(hh, check->worker->users, user, next)
    {
        memcpy(check->users[check->n++], user->id, sizeof(user->id));
    }
    ask(check);
}

void session_check_tick(struct session_check *check)
{
    char reason[256];

    if (check->next < check->n ||
        worker_now_s(check->worker) - check->at_s < (uint32_t)AWAY_INTERVAL_S ||
        bus_is_ready(check->worker->node->bus, reason))
        return;
    session_check_all(check);
}
