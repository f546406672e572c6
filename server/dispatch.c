/* dispatch.c - the way of one command:
 *
 *   text -> rpc_parse -> command_find -> signed in? allowed? within its rate? -> params_parse
 *        -> handler [-> store -> step]* -> result or error -> one answer
 */
#include "server/dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/utf8.h"
#include "protocol/json.h"
#include "server/account.h"
#include "server/conn.h"
#include "server/gateway.h"
#include "server/grant.h"
#include "server/listener.h"
#include "server/metrics.h"
#include "server/node.h"
#include "server/pace.h"
#include "server/rates.h"
#include "server/request.h"
#include "server/socketio_chat.h"
#include "server/worker.h"

static enum err (*const handlers[CMD_COUNT])(struct request *req) = {
#define COMMAND(id, name, fn, ...) [CMD_##id] = fn,
#include "protocol/commands.def"
#undef COMMAND
};

/* -- life of a request ----------------------------------------------------------------------------
 */

static struct request *request_create(struct conn *conn, bool http)
{
    struct request *req = mem_zalloc(sizeof(*req));

    req->worker = conn->worker;
    req->node = conn->worker->node;
    req->conn = conn_ref(conn);
    req->http = http;
    req->arena = arena_create();
    req->call.req.arena = req->arena;
    req->started_ns = clock_monotonic_ns();
    req->retry_after_ms = -1;
    req->address = arena_strdup(req->arena, peer_address(conn->peer)); /* outlives the peer */
    conn->requests++;
    return req;
}

static void request_free(struct request *req)
{
    req->conn->requests--;
    conn_unref(req->conn);
    params_free(&req->params);
    if (req->root != NULL)
        json_decref(req->root);
    rpc_request_free(&req->rpc);
    buf_free(&req->result);
    grant_unref(&req->grant);
    arena_destroy(&req->arena);
    free(req);
}

/* The result as a whole object. */
static struct buf result_object(struct request *req)
{
    struct buf object = {0};

    (void)buf_reserve(&object, req->result.len + 2);
    buf_putc(&object, '{');
    if (req->result.len > 0)
        buf_put(&object, req->result.data, req->result.len);
    buf_putc(&object, '}');
    return object;
}

static void answer_websocket(struct request *req, enum err err)
{
    struct buf json = {0};
    struct buf result = result_object(req);

    if (err == ERR_OK)
        rpc_put_result(&json, req->rpc.id, result.data, result.len);
    else
        rpc_put_error(&json, req->rpc.has_id ? req->rpc.id : NULL, err,
                      req->problem.field != NULL || req->problem.reason != NULL ? &req->problem
                                                                                : NULL,
                      req->detail, req->retry_after_ms);
    conn_send_text(req->conn, json.data, json.len);
    buf_free(&result);
    buf_free(&json);
}

/* The same where it is. */
static void wrap(struct buf *result)
{
    char *start = buf_reserve(result, 2) - result->len;

    memmove(start + 1, start, result->len);
    start[0] = '{';
    result->len++;
    buf_putc(result, '}');
}

static void answer_http(struct request *req, enum err err)
{
    bool named = req->problem.field != NULL || req->problem.reason != NULL;
    struct buf body = {0};

    if (err == ERR_UNAVAILABLE && req->retry_after_ms < 0)
        req->retry_after_ms = 1000; /* whoever goes by the status alone needs a time, too */
    if (err == ERR_OK) {
        wrap(&req->result);
    } else {
        problem_put(&body, err, named ? &req->problem : NULL, req->detail, req->retry_after_ms,
                    req->http_id);
        buf_free(&req->result);
        req->result = body;
    }
    req->call.req.err = err;
    gateway_http_answer(req);
}

static void count(struct request *req, enum err err)
{
    uint64_t took = clock_monotonic_ns() - req->started_ns;

    metric_command(req->command == NULL ? CMD_COUNT : req->command->id, err);
    metric_time(METRIC_COMMAND_TIME, took);
    if (req->command != NULL && req->command->id == CMD_MESSAGE_SEND && err == ERR_OK)
        metric_time(METRIC_ACK_TIME, took);
}

/* What failed inside is told to the client by an id that the log has too. */
static void name_internal(struct request *req)
{
    char made[ID_SIZE];
    const char *id = req->http_id != NULL ? req->http_id : made;
    char *detail = arena_alloc(req->arena, 128);

    if (req->http_id == NULL)
        id_make(made);
    (void)snprintf(detail, 128, "The server failed; its log has more under %s", id);
    req->detail = detail;
    log_error("command failed", LOG_STR("id", id),
              LOG_STR("command", req->command == NULL ? "-" : req->command->name),
              LOG_INT("conn", req->conn->id),
              LOG_STR("reason", req->problem.reason == NULL ? "-" : req->problem.reason));
    req->problem.field = req->problem.reason = NULL;
}

void request_finish(struct request *req, enum err err)
{
    count(req, err);
    if (req->starts)
        req->conn->starting = false;
    if (err == ERR_INTERNAL)
        name_internal(req);
    if (req->http)
        log_debug("request", LOG_STR("request_id", req->http_id), LOG_INT("conn", req->conn->id),
                  LOG_STR("command", req->command == NULL ? "-" : req->command->name),
                  LOG_STR("outcome", err_name(err)));
    if (!req->conn->gone) {
        if (req->http)
            answer_http(req, err);
        else if (req->sio.used)
            chat_answer(req, err);
        else
            answer_websocket(req, err);
        if (req->after != NULL && err == ERR_OK)
            req->after(req);
    }
    request_free(req);
}

bool request_is_forsaken(const struct request *req)
{
    return req->conn->closing || (req->sio.used && chat_is_forsaken(req));
}

void request_resume(struct request *req, enum err err)
{
    if (err == ERR_OK && req->waiting)
        return;
    request_finish(req, err);
}

/* -- waiting --------------------------------------------------------------------------------------
 */

static void run_step(struct request *req)
{
    request_step_fn step = req->step;

    req->waiting = false;
    req->step = NULL;
    request_resume(req, step(req));
}

/* Nobody is there to have what was read. Who asks for much, does not read the answers and is closed
 * for it would otherwise still have all of them written out. */
static bool is_moot(const struct request *req)
{
    const struct conn *conn = req->conn;
    bool gone = conn->gone || (conn->closing && !req->http);

    return gone && req->command->rate == RATE_READ && !store_op_writes(req->call.req.op);
}

static void store_answered(struct store_call *call)
{
    struct request *req = container_of(call, struct request, call);
    enum err err = call->req.err;

    if (is_moot(req)) {
        request_finish(req, ERR_UNAVAILABLE);
        return;
    }
    if (err != ERR_OK && err != req->tolerated) {
        req->problem.field = call->req.field;
        req->problem.reason = call->req.reason;
        if (err == ERR_UNAVAILABLE)
            req->detail = call->req.reason;
        request_finish(req, err);
        return;
    }
    run_step(req);
}

enum err request_store(struct request *req, enum store_op op, request_step_fn step)
{
    req->call.req.op = op;
    req->call.req.actor = req->actor;
    req->step = step;
    req->waiting = true;
    store_call_submit(&req->call, req->worker, store_answered);
    return ERR_OK;
}

static void password_answered(struct worker *worker, struct mail *mail)
{
    struct request *req = container_of(mail, struct request, mail);

    worker->calls--;
    if (req->password.err != ERR_OK)
        request_finish(req, req->password.err);
    else
        run_step(req);
}

static void on_password(void *arg, const struct password_result *result)
{
    struct request *req = arg;

    req->password = *result;
    req->mail.run = password_answered;
    mailbox_post(&req->worker->box, &req->mail);
}

/* The pool took the work, or its queue is full. */
static enum err await_password(struct request *req, enum err err)
{
    if (err == ERR_OK)
        return ERR_OK;
    req->waiting = false;
    req->worker->calls--;
    req->detail = "Too many sign-ins at once; try again in a moment";
    req->retry_after_ms = 1000;
    return err;
}

enum err request_hash(struct request *req, const char *password, request_step_fn step)
{
    req->step = step;
    req->waiting = true;
    req->worker->calls++;
    return await_password(req,
                          password_hash_async(req->node->passwords, password, on_password, req));
}

enum err request_verify(struct request *req, const char *password, const char *hash,
                        request_step_fn step)
{
    req->step = step;
    req->waiting = true;
    req->worker->calls++;
    return await_password(
        req, password_verify_async(req->node->passwords, password, hash, on_password, req));
}

static void came_back(struct worker *worker, struct mail *mail)
{
    worker->calls--;
    run_step(container_of(mail, struct request, mail));
}

enum err request_wait(struct request *req, request_step_fn step)
{
    req->step = step;
    req->waiting = true;
    req->worker->calls++;
    return ERR_OK;
}

void request_back(struct request *req)
{
    req->mail.run = came_back;
    mailbox_post(&req->worker->box, &req->mail);
}

enum err request_fail(struct request *req, enum err err, const char *field, const char *reason)
{
    req->problem.field = field;
    req->problem.reason = reason;
    return err;
}

const char *request_str(const struct request *req, const char *name)
{
    return param_str(&req->params, name);
}

void request_page(const struct request *req, struct store_page *page_out)
{
    page_out->cursor = param_str(&req->params, "cursor");
    page_out->query = param_str(&req->params, "query");
    page_out->limit = (uint32_t)param_int(&req->params, "limit", 50);
}

/* -- checks ----------------------------------------------------------------------------------- */

static struct rate_limit rate_of(const struct config *c, enum rate_class class)
{
    switch (class) {
    case RATE_AUTH:
        return (struct rate_limit){c->rate_auth, c->rate_auth_burst};
    case RATE_SEND:
        return (struct rate_limit){c->rate_send, c->rate_send_burst};
    case RATE_WRITE:
        return (struct rate_limit){c->rate_write, c->rate_write_burst};
    case RATE_TYPING:
        return (struct rate_limit){c->rate_signal, c->rate_signal_burst};
    case RATE_READ:
        return (struct rate_limit){c->rate_read, c->rate_read_burst};
    default:
        return (struct rate_limit){0, 1};
    }
}

static enum err check_rate(struct request *req)
{
    static const struct rate_limit refusals = {.per_second = 100, .burst = 20000};
    struct conn *c = req->conn;
    struct rate_limit limit = rate_of(&req->node->config, req->command->rate);

    if (c->requests > CONN_REQUESTS_MAX) {
        req->retry_after_ms = 100;
        req->detail = "Too many commands of this connection are still being answered";
        return ERR_RATE_LIMITED;
    }
    if (c->door == DOOR_ADMIN || !req->node->config.rate_limits || limit.per_second == 0)
        return ERR_OK;
    if (c->rates == NULL)
        c->rates = mem_zalloc(RATE_COUNT * sizeof(*c->rates));
    uint32_t wait = rate_take(&c->rates[req->command->rate], &limit, req->started_ns);
    if (wait == 0)
        return ERR_OK;
    req->retry_after_ms = wait;
    metric_add_by(METRIC_RATE_LIMITED, METRIC_RATE_CONNECTION, 1);
    /* whoever goes on and on regardless costs more than the answers are worth */
    if (rate_take(&c->rates[RATE_NONE], &refusals, req->started_ns) > 0)
        conn_close(c, WS_CLOSE_RATE_LIMITED);
    return ERR_RATE_LIMITED;
}

static enum err lacks_scope(struct request *req)
{
    char *reason = arena_alloc(req->arena, 96);
    enum scope scope = req->command->scope;

    if (scope == SCOPE_SESSION)
        return request_fail(req, ERR_FORBIDDEN, NULL,
                            "takes a sign-in with a password: no token may do it");
    (void)snprintf(reason, 96, "the token does not have the scope %s", scope_name(scope));
    return request_fail(req, ERR_FORBIDDEN, NULL, reason);
}

static enum err check_access(struct request *req)
{
    enum access access = req->command->access;

    if (access == ACCESS_ANYONE || req->actor.system)
        return ERR_OK;
    if (req->actor.user == NULL)
        return ERR_UNAUTHENTICATED;
    if (!grant_allows(req->grant, req->command->scope))
        return lacks_scope(req);
    if ((access == ACCESS_ADMIN && req->actor.role < STORE_ROLE_ADMIN) ||
        (access == ACCESS_OWNER && req->actor.role < STORE_ROLE_OWNER))
        return ERR_FORBIDDEN;
    return ERR_OK;
}

/* Everything is known about who asks: on to the handler. */
static enum err run_command(struct request *req, const json_t *params)
{
    enum err err = check_access(req);

    if (err == ERR_OK)
        err = params_parse(req->command, params, &req->params, &req->problem);
    if (err != ERR_OK)
        return err;
    if (atomic_load(&req->node->draining) && req->command->access != ACCESS_ADMIN) {
        req->detail = "This server is stopping";
        req->retry_after_ms = 1000;
        return ERR_UNAVAILABLE;
    }
    return handlers[req->command->id](req);
}

/* -- WebSocket -------------------------------------------------------------------------------- */

static void use_session(struct request *req, const struct session *session)
{
    if (session == NULL)
        return;
    (void)snprintf(req->user, sizeof(req->user), "%s", session->user);
    (void)snprintf(req->session, sizeof(req->session), "%s", session->id);
    req->grant = grant_ref(session->grant);
    req->actor = grant_actor(req->grant, req->user, session->role);
}

static enum err begin_websocket(struct request *req, const char *text, size_t len)
{
    const char *reason = NULL;
    enum err err = rpc_parse(text, len, &req->rpc, &reason);

    if (err != ERR_OK) {
        req->detail = reason;
        return err;
    }
    req->command = command_find(req->rpc.method, req->rpc.method_len);
    if (req->command == NULL)
        return ERR_UNKNOWN_COMMAND;
    err = check_rate(req);
    if (err != ERR_OK)
        return err;
    use_session(req, req->conn->session);
    return run_command(req, req->rpc.params);
}

void dispatch_message(struct conn *conn, const char *text, size_t len)
{
    if (!utf8_is_valid(text, len)) { /* RFC 6455 section 8.1 */
        conn_close(conn, WS_CLOSE_INVALID_UTF8);
        return;
    }
    struct request *req = request_create(conn, false);
    request_resume(req, begin_websocket(req, text, len));
}

/* -- Socket.IO -------------------------------------------------------------------------------- */

static enum err begin_socketio(struct request *req, const struct sio_call *call)
{
    req->command = command_find(call->name, strlen(call->name));
    if (req->command == NULL)
        return ERR_UNKNOWN_COMMAND;
    enum err err = check_rate(req);
    if (err != ERR_OK)
        return err;
    if (call->misfit || (req->root != NULL && !json_is_object(req->root)))
        return request_fail(req, ERR_INVALID_REQUEST, NULL,
                            "a command takes one argument, an object, and no binary");
    use_session(req, req->conn->session);
    return run_command(req, req->root);
}

void dispatch_socketio(struct conn *conn, const struct sio_call *call)
{
    struct request *req = request_create(conn, false);

    req->sio.used = true;
    req->sio.connects = call->connects;
    req->sio.socket = call->socket;
    req->sio.recovers = call->recovers;
    req->sio.has_ack = call->has_ack;
    req->sio.ack = call->ack;
    req->sio.pid = arena_strdup(req->arena, call->pid);
    req->sio.offset = arena_strdup(req->arena, call->offset);
    req->root = json_incref(call->params);
    request_resume(req, begin_socketio(req, call));
}

/* -- HTTP ------------------------------------------------------------------------------------- */

static enum err check_address_rate(struct request *req)
{
    uint32_t wait = pace_call(req->conn, req->address);

    if (wait == 0)
        return ERR_OK;
    req->retry_after_ms = wait;
    req->detail = "Too many calls without a session from your address";
    return ERR_RATE_LIMITED;
}

/* However many connections a session has, it is one client; without one, the address is. */
static enum err check_caller_rate(struct request *req)
{
    const struct config *config = &req->node->config;
    struct rate_limit limit = rate_of(config, req->command->rate);

    if (req->session[0] == '\0')
        return check_address_rate(req);
    if (!config->rate_limits || limit.per_second == 0)
        return ERR_OK;
    uint32_t wait = rates_take(req->node->rates, req->session, req->command->rate, &limit,
                               clock_monotonic_ns());
    if (wait == 0)
        return ERR_OK;
    metric_add_by(METRIC_RATE_LIMITED, METRIC_RATE_SESSION, 1);
    req->retry_after_ms = wait;
    req->detail = "Too many commands of this session, over all of its connections";
    return ERR_RATE_LIMITED;
}

static enum err begin_http_command(struct request *req)
{
    enum err err = check_caller_rate(req);

    return err == ERR_OK ? run_command(req, req->root) : err;
}

static enum err begin_http(struct request *req, const struct http_call *http)
{
    const char *reason = NULL;

    req->command = command_find(http->name, strlen(http->name));
    if (req->command == NULL)
        return ERR_UNKNOWN_COMMAND;
    if (req->command->id == CMD_SESSION_START)
        return request_fail(req, ERR_INVALID_REQUEST, NULL,
                            "session.start belongs to a WebSocket connection");
    enum err err = check_rate(req);
    if (err != ERR_OK)
        return err;
    if (http->params != NULL) {
        req->root = json_incref(http->params);
    } else if (http->len > 0) {
        req->root = json_parse_bounded(http->body, http->len, &reason);
        req->detail = reason;
        if (req->root == NULL)
            return ERR_PARSE_ERROR;
        if (!json_is_object(req->root))
            return request_fail(req, ERR_INVALID_REQUEST, NULL, "the body must be a JSON object");
    }
    if (req->conn->door == DOOR_ADMIN)
        return account_as_owner(req, begin_http_command);
    if (req->token == NULL || req->command->access == ACCESS_ANYONE)
        return begin_http_command(req);
    return account_find_caller(req, begin_http_command);
}

static struct request *http_request(struct conn *conn, const struct http_call *http)
{
    struct request *req = request_create(conn, true);

    req->token = arena_strdup(req->arena, http->token);
    req->cookie = http->cookie;
    req->secure = http->secure;
    req->address = arena_strdup(req->arena, http->address);
    req->agent = arena_strdup(req->arena, http->agent);
    req->http_id = arena_strdup(req->arena, http->id);
    return req;
}

void dispatch_http(struct conn *conn, const struct http_call *http)
{
    struct request *req = http_request(conn, http);

    request_resume(req, begin_http(req, http));
}

void dispatch_follow(struct conn *conn, const struct http_call *http)
{
    struct request *req = http_request(conn, http);

    req->command = command_get(CMD_SESSION_START);
    if (req->token != NULL) {
        req->root = json_object();
        (void)json_object_set_new(req->root, "token", json_string(req->token));
    }
    enum err err = check_rate(req);
    if (err == ERR_OK)
        err = req->token != NULL ? account_find_caller(req, begin_http_command)
                                 : begin_http_command(req);
    request_resume(req, err);
}
