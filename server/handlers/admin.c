/* admin.c - what owners and admins do to accounts, invites and the server. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "server/announce.h"
#include "server/bus/bus.h"
#include "server/conn.h"
#include "server/jobs.h"
#include "server/metrics.h"
#include "server/node.h"
#include "server/request.h"
#include "server/worker.h"

static enum store_role role_parse(const char *name)
{
    if (name != NULL && strcmp(name, "owner") == 0)
        return STORE_ROLE_OWNER;
    if (name != NULL && strcmp(name, "admin") == 0)
        return STORE_ROLE_ADMIN;
    return STORE_ROLE_MEMBER;
}

static enum err put_user(struct request *req)
{
    buf_json_key(&req->result, "user");
    store_user_json(&req->result, &req->call.req.out.user);
    return ERR_OK;
}

/* -- accounts --------------------------------------------------------------------------------- */

static enum err created(struct request *req)
{
    atomic_store(&req->node->has_accounts, true);
    return put_user(req);
}

static enum err create_hashed(struct request *req)
{
    const struct config *config = &req->node->config;
    struct store_req *store = &req->call.req;
    const char *display = request_str(req, "display_name");

    store->in.user_new.name = request_str(req, "name");
    store->in.user_new.display_name = display == NULL ? store->in.user_new.name : display;
    store->in.user_new.password_hash = req->password.hash;
    store->in.user_new.role = role_parse(request_str(req, "role"));
    store->in.user_new.first_is_owner = true;
    store->in.user_new.join = (const char *const *)config->default_channels.items;
    store->in.user_new.join_n = config->default_channels.n;
    return request_store(req, STORE_USER_CREATE, created);
}

enum err handle_admin_user_create(struct request *req)
{
    if (role_parse(request_str(req, "role")) > req->actor.role)
        return request_fail(req, ERR_FORBIDDEN, "role", "is above your own");
    return request_hash(req, request_str(req, "password"), create_hashed);
}

/* The account that is to be changed is known: is it one the actor may change? */
static enum err check_target(struct request *req)
{
    const struct store_user *target = &req->call.req.out.user;

    if (target->role > req->actor.role)
        return request_fail(req, ERR_FORBIDDEN, "user", "has a role above your own");
    req->data = arena_strdup(req->arena, target->id);
    memset(&req->call.req.in, 0, sizeof(req->call.req.in));
    req->call.req.in.user.user = req->data;
    return ERR_OK;
}

static enum err on_user(struct request *req, request_step_fn step)
{
    req->call.req.in.user.user = request_str(req, "user");
    return request_store(req, STORE_USER_GET, step);
}

static enum err user_changed(struct request *req)
{
    announce_user(req->worker, &req->call.req.out.user);
    return put_user(req);
}

/* The bots of whom is disabled are, too. */
static enum err disable_bots_found(struct request *req)
{
    const struct store_user *user = req->data;

    for (size_t i = 0; i < req->call.req.out.n; i++)
        bus_revoke(req->node->bus, req->call.req.out.users[i].id, NULL, NULL);
    req->call.req.out.user = *user;
    return user_changed(req);
}

static enum err disable_sessions_ended(struct request *req)
{
    const struct store_user *user = req->data;

    bus_revoke(req->node->bus, user->id, NULL, NULL);
    memset(&req->call.req.in, 0, sizeof(req->call.req.in));
    req->call.req.in.bots.owner = user->id;
    req->call.req.in.bots.page.limit = STORE_BOTS_MAX;
    return request_store(req, STORE_BOT_LIST, disable_bots_found);
}

/* A bot's tokens do nothing while it is disabled, and are good again afterwards. */
static enum err disabled(struct request *req)
{
    bool locks = param_bool(&req->params, "disabled", false);

    if (locks && req->call.req.out.user.owner != NULL)
        bus_revoke(req->node->bus, req->call.req.out.user.id, NULL, NULL);
    if (!locks || req->call.req.out.user.owner != NULL)
        return user_changed(req);
    struct store_user *user = arena_alloc(req->arena, sizeof(*user));
    *user = req->call.req.out.user; /* ending the sessions answers without it */
    req->data = user;
    memset(&req->call.req.in, 0, sizeof(req->call.req.in));
    req->call.req.in.session.user = user->id;
    return request_store(req, STORE_SESSION_DELETE, disable_sessions_ended);
}

static enum err disable_found(struct request *req)
{
    enum err err = check_target(req);

    if (err != ERR_OK)
        return err;
    req->call.req.in.user.set_disabled = true;
    req->call.req.in.user.disabled = param_bool(&req->params, "disabled", false);
    return request_store(req, STORE_USER_UPDATE, disabled);
}

enum err handle_admin_user_disable(struct request *req)
{
    return on_user(req, disable_found);
}

static enum err role_changed(struct request *req)
{
    bus_role(req->node->bus, req->data, req->call.req.out.user.role);
    return user_changed(req);
}

static enum err role_found(struct request *req)
{
    enum err err = check_target(req);

    if (err != ERR_OK)
        return err;
    req->call.req.in.user.set_role = true;
    req->call.req.in.user.role = role_parse(request_str(req, "role"));
    return request_store(req, STORE_USER_UPDATE, role_changed);
}

enum err handle_admin_user_role(struct request *req)
{
    return on_user(req, role_found);
}

static enum err reset_sessions_ended(struct request *req)
{
    bus_revoke(req->node->bus, req->data, NULL, NULL);
    return ERR_OK;
}

static enum err reset_stored(struct request *req)
{
    memset(&req->call.req.in, 0, sizeof(req->call.req.in));
    req->call.req.in.session.user = req->data;
    return request_store(req, STORE_SESSION_DELETE, reset_sessions_ended);
}

static enum err reset_hashed(struct request *req)
{
    req->call.req.in.user.password_hash = req->password.hash;
    return request_store(req, STORE_USER_UPDATE, reset_stored);
}

static enum err reset_found(struct request *req)
{
    enum err err = check_target(req);

    return err != ERR_OK ? err : request_hash(req, request_str(req, "password"), reset_hashed);
}

enum err handle_admin_user_password(struct request *req)
{
    return on_user(req, reset_found);
}

/* -- invites ---------------------------------------------------------------------------------- */

static enum err invite_created(struct request *req)
{
    int64_t expires_at = req->call.req.out.invite.expires_at;

    buf_json_member(&req->result, "invite", req->data);
    if (expires_at > 0)
        buf_json_member_time(&req->result, "expires_at", expires_at);
    return ERR_OK;
}

enum err handle_admin_invite_create(struct request *req)
{
    char *token = arena_alloc(req->arena, TOKEN_SIZE);
    char *hash = arena_alloc(req->arena, HASH_HEX_SIZE);
    int64_t seconds = param_int(&req->params, "expires_in_s", 0);

    token_make(token);
    token_hash(token, hash);
    req->data = token;
    req->call.req.in.invite.hash = hash;
    req->call.req.in.invite.uses = (uint64_t)param_int(&req->params, "uses", 1);
    req->call.req.in.invite.expires_at = seconds > 0 ? clock_unix_ms() + seconds * 1000 : 0;
    return request_store(req, STORE_INVITE_CREATE, invite_created);
}

/* Those that are still good for something. */
static enum err put_invites(struct request *req)
{
    const struct store_req *store = &req->call.req;
    struct buf *out = &req->result;
    int64_t now = clock_unix_ms();

    buf_json_key(out, "invites");
    buf_putc(out, '[');
    for (size_t i = 0; i < store->out.n; i++) {
        const struct store_invite *v = &store->out.invites[i];
        if (v->uses_left == 0 || (v->expires_at > 0 && v->expires_at <= now))
            continue;
        buf_json_comma(out);
        buf_putc(out, '{');
        buf_json_member(out, "invite", v->id);
        buf_json_member_int(out, "uses_left", (int64_t)v->uses_left);
        buf_json_member_time(out, "created_at", v->created_at);
        if (v->created_by != NULL && v->created_by[0] != '\0')
            buf_json_member(out, "created_by", v->created_by);
        if (v->expires_at > 0)
            buf_json_member_time(out, "expires_at", v->expires_at);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
    return ERR_OK;
}

enum err handle_admin_invite_list(struct request *req)
{
    return request_store(req, STORE_INVITE_LIST, put_invites);
}

static enum err put_nothing(struct request *req)
{
    (void)req;
    return ERR_OK;
}

enum err handle_admin_invite_revoke(struct request *req)
{
    req->call.req.in.invite.id = request_str(req, "invite");
    return request_store(req, STORE_INVITE_DELETE, put_nothing);
}

/* -- the server ------------------------------------------------------------------------------- */

/* How often the cache of the bus spared the store a question, since this node has started. */
static void put_cache(struct buf *out)
{
    uint64_t hits = metric_read(METRIC_CACHE_HISTORY, METRIC_CACHE_HIT) +
                    metric_read(METRIC_CACHE_RESUME, METRIC_CACHE_HIT);
    uint64_t asked = 0;

    for (size_t i = 0; i < METRIC_CACHE_LABELS; i++)
        asked += metric_read(METRIC_CACHE_HISTORY, i) + metric_read(METRIC_CACHE_RESUME, i);
    buf_json_member_int(out, "cache_questions", (int64_t)asked);
    buf_json_member_int(out, "cache_hits", (int64_t)hits);
    if (asked > 0)
        buf_json_member_int(out, "cache_hit_percent", (int64_t)(hits * 100 / asked));
}

static enum err put_stats(struct request *req)
{
    const struct store_stats *s = &req->call.req.out.stats;
    struct buf *out = &req->result;

    buf_json_member_int(out, "users", (int64_t)s->users);
    buf_json_member_int(out, "sessions", (int64_t)s->sessions);
    buf_json_member_int(out, "channels", (int64_t)s->channels);
    buf_json_member_int(out, "members", (int64_t)s->members);
    buf_json_member_int(out, "messages", (int64_t)s->messages);
    buf_json_member_int(out, "events", (int64_t)s->events);
    buf_json_member_int(out, "streams", (int64_t)s->streams);
    buf_json_member_int(out, "bytes", (int64_t)s->bytes);
    buf_json_member_int(out, "connections", (int64_t)metric_read(METRIC_CONNECTIONS, 0));
    buf_json_member_int(out, "signed_in", (int64_t)metric_read(METRIC_SESSIONS, 0));
    buf_json_member_int(out, "deliveries", (int64_t)metric_read(METRIC_DELIVERIES, 0));
    buf_json_member_int(out, "queued_bytes", (int64_t)metric_read(METRIC_QUEUED_BYTES, 0));
    buf_json_member_int(out, "store_queue", (int64_t)store_queue_depth(req->node->store));
    buf_json_member_int(out, "uptime_ms", clock_unix_ms() - req->node->started_ms);
    buf_json_member_int(out, "workers", req->node->workers_n);
    if (bus_is_shared(req->node->bus))
        put_cache(out);
    return ERR_OK;
}

enum err handle_admin_stats(struct request *req)
{
    return request_store(req, STORE_STATS, put_stats);
}

enum err handle_admin_backup(struct request *req)
{
    char job[ID_SIZE];
    enum err err = jobs_backup(req->node->jobs, request_str(req, "path"), job);

    if (err == ERR_CONFLICT)
        return request_fail(req, err, NULL, "another job is running");
    if (err == ERR_OK)
        buf_json_member(&req->result, "job", job);
    return err;
}

enum err handle_admin_job(struct request *req)
{
    return jobs_put(req->node->jobs, request_str(req, "job"), &req->result);
}
