/* auth.c - accounts: registering, signing in and out, sessions, passwords. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "protocol/limits.h"
#include "server/account.h"
#include "server/bus/bus.h"
#include "server/conn.h"
#include "server/metrics.h"
#include "server/node.h"
#include "server/origin.h"
#include "server/request.h"
#include "server/setup_code.h"
#include "server/throttle.h"
#include "server/worker.h"

/* -- a new session ---------------------------------------------------------------------------- */

struct sign_in {
    char token[TOKEN_SIZE];
    char hash[HASH_HEX_SIZE];
    int64_t expires_at;
    const char *name;
    const char *user; /* id, once known */
    bool throttled;   /* the throttle waits for the outcome */
};

static struct sign_in *sign_in_begin(struct request *req)
{
    struct sign_in *s = arena_alloc(req->arena, sizeof(*s));

    token_make(s->token);
    token_hash(s->token, s->hash);
    s->expires_at = clock_unix_ms() + (int64_t)req->node->config.session_days * 86400000;
    s->name = request_str(req, "name");
    req->data = s;
    return s;
}

static const char *agent_of(const struct request *req)
{
    return req->agent == NULL ? "" : req->agent;
}

static void set_cookie(struct request *req, const char *token, int64_t max_age_s)
{
    if (!req->http || req->conn->door == DOOR_ADMIN)
        return;
    (void)snprintf(req->set_cookie, sizeof(req->set_cookie),
                   SESSION_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s", token,
                   (long long)max_age_s, req->secure ? "; Secure" : "");
}

/* The store made the session: the answer. */
static enum err signed_in(struct request *req)
{
    struct sign_in *s = req->data;
    const struct store_req *store = &req->call.req;

    buf_json_key(&req->result, "user");
    store_user_json(&req->result, &store->out.user);
    buf_json_member(&req->result, "token", s->token);
    buf_json_member_time(&req->result, "expires_at", s->expires_at);
    buf_json_member(&req->result, "session", store->out.session.id);
    set_cookie(req, s->token, (int64_t)req->node->config.session_days * 86400);
    metric_add_by(METRIC_LOGINS, METRIC_LOGIN_OK, 1);
    return ERR_OK;
}

/* -- auth.register ---------------------------------------------------------------------------- */

static enum err registered(struct request *req)
{
    atomic_store(&req->node->has_accounts, true);
    return signed_in(req);
}

static enum err register_hashed(struct request *req)
{
    struct sign_in *s = req->data;
    const struct config *config = &req->node->config;
    struct store_req *store = &req->call.req;
    const char *display = request_str(req, "display_name");
    const char *invite = request_str(req, "invite");

    store->in.user_new.name = s->name;
    store->in.user_new.display_name = display == NULL ? s->name : display;
    store->in.user_new.password_hash = req->password.hash;
    store->in.user_new.role = STORE_ROLE_MEMBER;
    store->in.user_new.first_is_owner = true;
    if (config->registration == REGISTRATION_INVITE && invite != NULL) {
        char *hash = arena_alloc(req->arena, HASH_HEX_SIZE);
        token_hash(invite, hash);
        store->in.user_new.invite_hash = hash;
    }
    store->in.user_new.need_invite = config->registration == REGISTRATION_INVITE;
    store->in.user_new.join = (const char *const *)config->default_channels.items;
    store->in.user_new.join_n = config->default_channels.n;
    store->in.user_new.token_hash = s->hash;
    store->in.user_new.session_expires_at = s->expires_at;
    store->in.user_new.address = req->address;
    store->in.user_new.agent = agent_of(req);
    return request_store(req, STORE_USER_CREATE, registered);
}

/* Whoever asks for accounts again and again. The admin socket may make as many as it likes. */
static enum err check_registrations(struct request *req)
{
    if (req->conn->door == DOOR_ADMIN || !req->node->config.rate_limits)
        return ERR_OK;
    uint32_t wait = throttle_registration(req->node->throttle, req->address, req->started_ns);
    if (wait == 0) {
        char key[THROTTLE_KEY_SIZE];
        throttle_registration_key(req->address, key);
        bus_attempt(req->node->bus, (const char *const[]){key}, 1, false);
        return ERR_OK;
    }
    req->retry_after_ms = wait;
    req->detail = "Too many accounts were asked for from your address; try again later";
    return ERR_RATE_LIMITED;
}

static enum err register_checked(struct request *req)
{
    const struct node *node = req->node;
    const char *invite = request_str(req, "invite");
    bool first = !atomic_load(&node->has_accounts);

    if (first && node->setup_code[0] != '\0' && req->conn->door != DOOR_ADMIN &&
        !setup_code_matches(invite, node->setup_code)) {
        req->detail =
            "The first account needs the set-up code that the server printed at its start";
        return request_fail(req, ERR_FORBIDDEN, "invite", "is not the set-up code");
    }
    if (!first && node->config.registration == REGISTRATION_CLOSED) {
        req->detail = "This server does not take registrations; ask its owner for an account";
        return ERR_FORBIDDEN;
    }
    if (!first && node->config.registration == REGISTRATION_INVITE && invite == NULL)
        return request_fail(req, ERR_FORBIDDEN, "invite", "this server needs an invite");
    enum err err = check_registrations(req);
    if (err != ERR_OK)
        return err;
    (void)sign_in_begin(req);
    return request_hash(req, request_str(req, "password"), register_hashed);
}

enum err handle_auth_register(struct request *req)
{
    return account_look_for_any(req, register_checked);
}

/* -- auth.login ------------------------------------------------------------------------------- */

/* The attempt was judged: other nodes count it too. */
static void tell_others(struct request *req, const char *name, bool good)
{
    char keys[THROTTLE_KEYS][THROTTLE_KEY_SIZE];
    const char *list[THROTTLE_KEYS] = {keys[0], keys[1]};
    size_t n = throttle_keys(name, req->conn->door == DOOR_ADMIN ? NULL : req->address, keys);

    bus_attempt(req->node->bus, list, n, good);
}

static enum err login_refused(struct request *req)
{
    const struct sign_in *s = req->data;

    tell_others(req, s->name, false);
    metric_add_by(METRIC_LOGINS, METRIC_LOGIN_FAILED, 1);
    req->detail = "The name or the password is wrong";
    return ERR_UNAUTHENTICATED;
}

static enum err login_session(struct request *req)
{
    struct sign_in *s = req->data;
    struct store_req *store = &req->call.req;

    memset(&store->in, 0, sizeof(store->in));
    store->in.session_new.user = s->user;
    store->in.session_new.token_hash = s->hash;
    store->in.session_new.expires_at = s->expires_at;
    store->in.session_new.address = req->address;
    store->in.session_new.agent = agent_of(req);
    return request_store(req, STORE_SESSION_CREATE, signed_in);
}

static enum err login_rehashed(struct request *req)
{
    const struct sign_in *s = req->data;

    memset(&req->call.req.in, 0, sizeof(req->call.req.in));
    req->call.req.in.user.user = s->user;
    req->call.req.in.user.password_hash = req->password.hash;
    return request_store(req, STORE_USER_UPDATE, login_session);
}

static enum err login_verified(struct request *req)
{
    struct sign_in *s = req->data;

    if (!req->password.matches || s->user == NULL)
        return login_refused(req);
    throttle_succeeded(req->node->throttle, s->name, req->address);
    tell_others(req, s->name, true);
    if (req->password.needs_rehash) /* the cost was configured anew since */
        return request_hash(req, request_str(req, "password"), login_rehashed);
    return login_session(req);
}

/* A name that nobody has takes as long as a wrong password: it is verified against a hash of
 * nothing. */
static enum err login_found(struct request *req)
{
    struct sign_in *s = req->data;
    const struct store_req *store = &req->call.req;
    const char *hash = NULL;

    if (store->err == ERR_OK && store->out.user.disabled_at == 0) { /* a bot has no password */
        hash = store->out.user.owner == NULL ? store->out.user.password_hash : NULL;
        s->user = store->out.user.id;
    }
    enum err err = request_verify(req, request_str(req, "password"), hash, login_verified);
    if (err != ERR_OK)
        throttle_cancelled(req->node->throttle, s->name, req->address);
    return err;
}

enum err handle_auth_login(struct request *req)
{
    struct sign_in *s = sign_in_begin(req);
    struct store_req *store = &req->call.req;
    uint32_t wait =
        throttle_begin(req->node->throttle, s->name,
                       req->conn->door == DOOR_ADMIN ? NULL : req->address, req->started_ns);
    char *ref;

    if (wait > 0) {
        metric_add_by(METRIC_LOGINS, METRIC_LOGIN_THROTTLED, 1);
        req->retry_after_ms = wait;
        req->detail = "Too many wrong passwords; wait before the next try";
        return ERR_RATE_LIMITED;
    }
    ref = arena_alloc(req->arena, strlen(s->name) + 2);
    ref[0] = '@';
    memcpy(ref + 1, s->name, strlen(s->name));
    store->in.user.user = ref;
    store->in.user.secret = true;
    req->actor = (struct store_actor){.system = true};
    req->tolerated = ERR_NOT_FOUND;
    return request_store(req, STORE_USER_GET, login_found);
}

/* -- sessions --------------------------------------------------------------------------------- */

static enum err sessions_ended(struct request *req)
{
    for (size_t i = 0; i < req->call.req.out.n; i++)
        bus_revoke(req->node->bus, NULL, req->call.req.out.ids[i], NULL);
    return ERR_OK;
}

static enum err logged_out(struct request *req)
{
    set_cookie(req, "", 0);
    return sessions_ended(req);
}

enum err handle_auth_logout(struct request *req)
{
    if (req->session[0] == '\0')
        return request_fail(req, ERR_INVALID_REQUEST, NULL, "the admin socket has no session");
    req->call.req.in.session.id = req->session;
    return request_store(req, STORE_SESSION_DELETE, logged_out);
}

static enum err session_revoked(struct request *req)
{
    if (req->call.req.out.n == 0)
        return request_fail(req, ERR_NOT_FOUND, "session", "there is no such session");
    return sessions_ended(req);
}

enum err handle_auth_revoke(struct request *req)
{
    if (req->actor.user == NULL)
        return ERR_NOT_FOUND;
    req->call.req.in.session.id = request_str(req, "session");
    req->call.req.in.session.user = req->actor.user;
    return request_store(req, STORE_SESSION_DELETE, session_revoked);
}

enum err handle_admin_session_revoke(struct request *req)
{
    req->actor.system = true;
    req->call.req.in.session.id = request_str(req, "session");
    return request_store(req, STORE_SESSION_DELETE, session_revoked);
}

static enum err put_sessions(struct request *req)
{
    const struct store_req *store = &req->call.req;
    struct buf *out = &req->result;

    buf_json_key(out, "sessions");
    buf_putc(out, '[');
    for (size_t i = 0; i < store->out.n; i++) {
        const struct store_session *s = &store->out.sessions[i];
        if (s->scopes != NULL)
            continue; /* a token: see token.list */
        buf_json_comma(out);
        buf_putc(out, '{');
        buf_json_member(out, "id", s->id);
        buf_json_member_time(out, "created_at", s->created_at);
        buf_json_member_time(out, "last_seen_at", s->last_seen_at);
        buf_json_member_time(out, "expires_at", s->expires_at);
        buf_json_member(out, "address", s->address == NULL ? "" : s->address);
        buf_json_member(out, "agent", s->agent == NULL ? "" : s->agent);
        buf_json_member_bool(out, "current", strcmp(s->id, req->session) == 0);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
    return ERR_OK;
}

enum err handle_auth_sessions(struct request *req)
{
    if (req->actor.user == NULL)
        return ERR_NOT_FOUND;
    req->call.req.in.session.user = req->actor.user;
    return request_store(req, STORE_SESSION_LIST, put_sessions);
}

static enum err admin_sessions_user(struct request *req)
{
    const char *user = req->call.req.out.user.id;

    memset(&req->call.req.in, 0, sizeof(req->call.req.in));
    req->call.req.in.session.user = user;
    return request_store(req, STORE_SESSION_LIST, put_sessions);
}

enum err handle_admin_session_list(struct request *req)
{
    req->actor.system = true;
    req->call.req.in.user.user = request_str(req, "user");
    return request_store(req, STORE_USER_GET, admin_sessions_user);
}

/* -- auth.password ---------------------------------------------------------------------------- */

static enum err others_ended(struct request *req)
{
    bus_revoke(req->node->bus, req->user, NULL, req->session);
    return ERR_OK;
}

static enum err password_stored(struct request *req)
{
    memset(&req->call.req.in, 0, sizeof(req->call.req.in));
    req->call.req.in.session.user = req->user;
    req->call.req.in.session.except = req->session[0] != '\0' ? req->session : NULL;
    return request_store(req, STORE_SESSION_DELETE, others_ended);
}

static enum err password_hashed(struct request *req)
{
    memset(&req->call.req.in, 0, sizeof(req->call.req.in));
    req->call.req.in.user.user = req->user;
    req->call.req.in.user.password_hash = req->password.hash;
    return request_store(req, STORE_USER_UPDATE, password_stored);
}

static enum err password_verified(struct request *req)
{
    if (!req->password.matches) {
        metric_add_by(METRIC_LOGINS, METRIC_LOGIN_FAILED, 1);
        tell_others(req, req->data, false);
        return request_fail(req, ERR_FORBIDDEN, "old", "is not the present password");
    }
    throttle_succeeded(req->node->throttle, req->data, req->address);
    tell_others(req, req->data, true);
    return request_hash(req, request_str(req, "new"), password_hashed);
}

static enum err password_user(struct request *req)
{
    const struct store_user *user = &req->call.req.out.user;
    uint32_t wait = throttle_begin(req->node->throttle, user->name, req->address, req->started_ns);

    if (wait > 0) {
        req->retry_after_ms = wait;
        return ERR_RATE_LIMITED;
    }
    req->data = arena_strdup(req->arena, user->name);
    return request_verify(req, request_str(req, "old"), user->password_hash, password_verified);
}

enum err handle_auth_password(struct request *req)
{
    if (req->actor.user == NULL)
        return ERR_NOT_FOUND;
    req->call.req.in.user.user = req->user;
    req->call.req.in.user.secret = true;
    return request_store(req, STORE_USER_GET, password_user);
}
