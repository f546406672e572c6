/* ops_user.c - accounts, sessions and invites: plain rows beside the event log. */
#include <string.h>

#include "storage/ops.h"
#include "storage/rules.h"

enum { EXPIRE_AT_ONCE = 100 };

enum err session_make(struct txn *t, struct store_req *req, const struct account *user,
                      const char *hash, struct store_session *session)
{
    char id[ID_SIZE];

    id_make(id);
    session->id = arena_strdup(req->arena, id);
    session->user = arena_strdup(req->arena, user->user.id);
    session->created_at = t->now;
    enum err err = t->ops->sessions_expire(t->conn, t->now, EXPIRE_AT_ONCE);
    return err == ERR_OK ? t->ops->session_add(t->conn, user->key, hash, session) : err;
}

static enum err sign_in(struct txn *t, struct store_req *req, const struct account *user,
                        const char *hash, int64_t expires_at, const char *address,
                        const char *agent)
{
    req->out.session = (struct store_session){.last_seen_at = t->now,
                                              .expires_at = expires_at,
                                              .address = address != NULL ? address : "",
                                              .agent = agent != NULL ? agent : ""};
    return session_make(t, req, user, hash, &req->out.session);
}

/* -- accounts -------------------------------------------------------------------------------- */

static enum err check_invite(struct txn *t, struct store_req *req, bool first,
                             struct store_invite *invite)
{
    const char *hash = req->in.user_new.invite_hash;

    if (hash == NULL || first) {
        if (req->in.user_new.need_invite && !first)
            return txn_refuse(req, ERR_FORBIDDEN, "invite", "registering takes an invite");
        return ERR_OK;
    }
    enum err err = t->ops->invite_find(t->conn, req->arena, hash, invite);
    if (err == ERR_OK && invite->uses_left > 0 &&
        (invite->expires_at == 0 || invite->expires_at > t->now))
        return ERR_OK;
    if (err == ERR_OK || err == ERR_NOT_FOUND)
        return txn_refuse(req, ERR_FORBIDDEN, "invite", "the invite is unknown, spent or expired");
    return err;
}

static enum err join_by_name(struct txn *t, struct store_req *req, struct account *user,
                             const char *name, bool first)
{
    struct chan *chan;
    struct membership *m;
    uint64_t seq;
    char *ref = arena_alloc(req->arena, strlen(name) + 2);

    ref[0] = '#';
    memcpy(ref + 1, name, strlen(name));
    enum err err = txn_chan(t, ref, &chan);
    if (err == ERR_NOT_FOUND)
        return first ? channel_make(t, req, name, "", STORE_PUBLIC, user, &chan) : ERR_OK;
    if (err != ERR_OK || chan->type != STORE_PUBLIC || chan->archived_at != 0)
        return err;
    err = txn_member(t, chan, user, &m);
    if (err != ERR_OK || m->exists)
        return err;
    err = member_join(t, user, chan, user, STORE_MEMBER, &seq);
    return err == ERR_OK ? member_tell_joined(t, req, user, chan, user, seq) : err;
}

enum err account_make(struct txn *t, struct store_req *req, const struct store_user *wanted,
                      struct account **out)
{
    char id[ID_SIZE];
    struct stream *own;
    struct account fresh = {.user = *wanted};

    id_make(id);
    fresh.user.id = id;
    fresh.user.created_at = t->now;
    enum err err = t->ops->user_add(t->conn, &fresh);
    if (err == ERR_OK) {
        req->made.user = arena_strdup(req->arena, id);
        err = txn_account(t, id, out);
    }
    if (err == ERR_OK)
        err = txn_stream(t, 'u', id, &own);
    return err;
}

static enum err insert_user(struct txn *t, struct store_req *req, bool first,
                            const struct account *owner, struct account **user_out)
{
    const char *display = req->in.user_new.display_name;
    struct store_user wanted = {
        .name = req->in.user_new.name,
        .display_name = display != NULL ? display : req->in.user_new.name,
        .role = first && req->in.user_new.first_is_owner ? STORE_ROLE_OWNER : req->in.user_new.role,
        .owner = owner != NULL ? owner->user.id : NULL,
        .password_hash = req->in.user_new.password_hash};

    req->made.first = first;
    return account_make(t, req, &wanted, user_out);
}

void answer_user(struct store_req *req, const struct account *user)
{
    struct store_user *out = &req->out.user;

    *out = user->user;
    out->id = arena_strdup(req->arena, out->id);
    out->name = arena_strdup(req->arena, out->name);
    out->display_name = arena_strdup(req->arena, out->display_name);
    if (out->owner != NULL)
        out->owner = arena_strdup(req->arena, out->owner);
    out->password_hash = NULL;
}

static enum err need_free_user_name(struct txn *t, struct store_req *req)
{
    struct account *taken;
    const char *name = req->in.user_new.name;
    char *ref = arena_alloc(req->arena, strlen(name) + 2);

    ref[0] = '@';
    memcpy(ref + 1, name, strlen(name));
    enum err err = txn_account(t, ref, &taken);
    if (err == ERR_OK)
        return txn_refuse(req, ERR_CONFLICT, "name", "there is an account of this name");
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err make_user(struct txn *t, struct store_req *req, bool *first_out,
                          struct account **user_out)
{
    uint64_t users;
    uint64_t owners;
    struct store_invite invite = {0};
    struct account *owner = NULL;
    enum err err = t->ops->user_counts(t->conn, &users, &owners);

    *first_out = users == 0;
    if (err == ERR_OK && req->in.user_new.owner != NULL)
        err = bot_owner(t, req, &owner);
    if (err == ERR_OK)
        err = check_invite(t, req, *first_out, &invite);
    if (err == ERR_OK)
        err = need_free_user_name(t, req);
    if (err == ERR_OK && invite.id != NULL)
        err = t->ops->invite_use(t->conn, invite.id);
    return err == ERR_OK ? insert_user(t, req, *first_out, owner, user_out) : err;
}

/* Running again after a channel to join was another node's at that moment, a request finds the
 * account that it has made: where accounts are not part of a batch, it is there already. */
enum err op_user_create(struct txn *t, struct store_req *req)
{
    struct account *user = NULL;
    bool first = req->made.first;
    enum err err = req->made.user != NULL ? txn_account(t, req->made.user, &user) : ERR_NOT_FOUND;

    if (err == ERR_NOT_FOUND)
        err = make_user(t, req, &first, &user);
    for (size_t i = 0; err == ERR_OK && i < req->in.user_new.join_n; i++)
        err = join_by_name(t, req, user, req->in.user_new.join[i], first);
    if (err == ERR_OK && req->in.user_new.token_hash != NULL)
        err =
            sign_in(t, req, user, req->in.user_new.token_hash, req->in.user_new.session_expires_at,
                    req->in.user_new.address, req->in.user_new.agent);
    if (err == ERR_OK)
        answer_user(req, user);
    return err;
}

/* Oneself: the display name and the password. Bots: their owner. Admins: members; owners:
 * everybody. */
static enum err may_update(struct store_req *req, const struct account *user)
{
    const struct store_actor *actor = &req->actor;
    bool self = actor->user != NULL && strcmp(actor->user, user->user.id) == 0;
    bool plain = !req->in.user.set_role && !req->in.user.set_disabled;
    const char *owner = user->user.owner;

    if (owner != NULL && (req->in.user.set_role || req->in.user.password_hash != NULL))
        return txn_refuse(req, ERR_CONFLICT, "user", "a bot has no password and stays a member");
    if (user->user.hook)
        return txn_refuse(req, ERR_CONFLICT, "user", "the account belongs to a hook: change that");
    if (owner != NULL && actor->user != NULL && strcmp(actor->user, owner) == 0)
        return ERR_OK;
    if (actor->system || actor->role == STORE_ROLE_OWNER || (self && plain))
        return ERR_OK;
    if (actor->role < STORE_ROLE_ADMIN)
        return txn_refuse(req, ERR_FORBIDDEN, "user", "only an admin may change other accounts");
    if (!self && user->user.role == STORE_ROLE_OWNER)
        return txn_refuse(req, ERR_FORBIDDEN, "user", "only an owner may change an owner");
    if (req->in.user.set_role && req->in.user.role == STORE_ROLE_OWNER)
        return txn_refuse(req, ERR_FORBIDDEN, "role", "only an owner may make an owner");
    return ERR_OK;
}

static enum err keep_an_owner(struct txn *t, struct store_req *req, const struct store_user *was,
                              const struct store_user *now)
{
    uint64_t users;
    uint64_t owners;
    bool was_owner = was->role == STORE_ROLE_OWNER && was->disabled_at == 0;
    bool is_owner = now->role == STORE_ROLE_OWNER && now->disabled_at == 0;

    if (!was_owner || is_owner)
        return ERR_OK;
    enum err err = t->ops->user_counts(t->conn, &users, &owners);
    if (err == ERR_OK && owners <= 1)
        return txn_refuse(req, ERR_CONFLICT, "user", "the last owner stays one, and enabled");
    return err;
}

enum err account_save(struct txn *t, struct account *account, struct account next)
{
    enum err err = t->ops->user_save(t->conn, &next);

    next.user.password_hash = NULL;
    if (err == ERR_OK)
        *account = next;
    return err;
}

enum err op_user_update(struct txn *t, struct store_req *req)
{
    struct account *user;
    enum err err = other_user(t, req, req->in.user.user, &user);

    if (err == ERR_OK)
        err = may_update(req, user);
    if (err != ERR_OK)
        return err;
    struct account next = *user;
    if (req->in.user.display_name != NULL)
        next.user.display_name = arena_strdup(t->cache, req->in.user.display_name);
    if (req->in.user.set_role)
        next.user.role = req->in.user.role;
    if (req->in.user.set_disabled && req->in.user.disabled != (next.user.disabled_at != 0))
        next.user.disabled_at = req->in.user.disabled ? t->now : 0;
    err = keep_an_owner(t, req, &user->user, &next.user);
    if (err != ERR_OK)
        return err;
    next.user.password_hash = req->in.user.password_hash;
    err = account_save(t, user, next);
    if (err == ERR_OK)
        answer_user(req, user);
    return err;
}

enum err op_user_get(struct txn *t, struct store_req *req)
{
    struct account user;
    const char *ref = req->in.user.user;
    enum err err = ref == NULL
                       ? t->ops->user_owner(t->conn, req->arena, &user)
                       : t->ops->user_get(t->conn, req->arena, ref, req->in.user.secret, &user);

    if (err == ERR_NOT_FOUND)
        return txn_refuse(req, err, "user", "there is no such user");
    if (err == ERR_OK)
        req->out.user = user.user;
    return err;
}

enum err op_user_list(struct txn *t, struct store_req *req)
{
    enum err err = t->ops->users_list(t->conn, req->arena, &req->in.page, &req->out.users,
                                      &req->out.n, &req->out.next);

    req->out.users_n = req->out.n;
    return err == ERR_INVALID_PARAMS
               ? txn_refuse(req, err, "cursor", "not one that this server gave")
               : err;
}

/* -- sessions -------------------------------------------------------------------------------- */

enum err op_session_create(struct txn *t, struct store_req *req)
{
    struct account *user;
    enum err err = other_user(t, req, req->in.session_new.user, &user);

    if (err == ERR_OK && (user->user.disabled_at != 0 || user->user.owner != NULL))
        return txn_refuse(req, ERR_FORBIDDEN, "user", "the account is disabled, or a bot");
    if (err == ERR_OK)
        err = sign_in(t, req, user, req->in.session_new.token_hash, req->in.session_new.expires_at,
                      req->in.session_new.address, req->in.session_new.agent);
    if (err == ERR_OK)
        answer_user(req, user);
    return err;
}

bool may_see_sessions(const struct store_actor *actor, const struct store_user *user)
{
    return actor_is_admin(actor) ||
           (actor->user != NULL &&
            (strcmp(actor->user, user->id) == 0 ||
             (user->owner != NULL && strcmp(actor->user, user->owner) == 0)));
}

static enum err no_session(struct store_req *req)
{
    return txn_refuse(req, ERR_NOT_FOUND, "session", "there is no such session");
}

static enum err session_end(struct txn *t, struct store_req *req)
{
    struct store_session session;
    struct account *user;
    enum err err = t->ops->session_get(t->conn, req->arena, req->in.session.id, NULL, &session);

    if (err == ERR_OK)
        err = txn_account(t, session.user, &user);
    if (err == ERR_OK && (!may_see_sessions(&req->actor, &user->user) ||
                          (req->in.session.token && session.scopes == NULL)))
        err = ERR_NOT_FOUND;
    if (err == ERR_NOT_FOUND)
        return no_session(req);
    if (err == ERR_OK)
        err = t->ops->session_remove(t->conn, session.id);
    if (err != ERR_OK)
        return err;
    req->out.ids = arena_alloc(req->arena, sizeof(*req->out.ids));
    req->out.ids[req->out.n++] = session.id;
    return ERR_OK;
}

enum err op_session_delete(struct txn *t, struct store_req *req)
{
    struct account *user;
    struct store_session *sessions;
    const char *except = req->in.session.except;
    size_t n;

    if (req->in.session.id != NULL)
        return session_end(t, req);
    enum err err = other_user(t, req, req->in.session.user, &user);
    if (err == ERR_OK && !may_see_sessions(&req->actor, &user->user))
        return txn_refuse(req, ERR_FORBIDDEN, "user", "only an admin may end others' sessions");
    if (err == ERR_OK)
        err = t->ops->sessions_list(t->conn, req->arena, user->key, &sessions, &n);
    if (err != ERR_OK)
        return err;
    req->out.ids = arena_alloc(req->arena, (n + 1) * sizeof(*req->out.ids));
    for (size_t i = 0; err == ERR_OK && i < n; i++) {
        if (except != NULL && strcmp(sessions[i].id, except) == 0)
            continue;
        err = t->ops->session_remove(t->conn, sessions[i].id);
        req->out.ids[req->out.n++] = sessions[i].id;
    }
    return err;
}

enum err op_session_touch(struct txn *t, struct store_req *req)
{
    enum err err = t->ops->session_touch(t->conn, req->in.session.id, t->now);

    return err == ERR_NOT_FOUND ? no_session(req) : err;
}

enum err disable_with_owner(struct txn *t, struct store_req *req, struct account *user)
{
    struct account owner;

    if (user->user.owner == NULL || user->user.disabled_at != 0)
        return ERR_OK;
    enum err err = t->ops->user_get(t->conn, req->arena, user->user.owner, false, &owner);
    if (err == ERR_OK)
        user->user.disabled_at = owner.user.disabled_at;
    return err;
}

enum err op_session_get(struct txn *t, struct store_req *req)
{
    struct account user;
    const char *hash = req->in.session.token_hash;
    enum err err = t->ops->session_get(t->conn, req->arena, NULL, hash, &req->out.session);

    if (err == ERR_NOT_FOUND)
        err = t->ops->session_get(t->conn, req->arena, NULL, token_key(req->arena, hash),
                                  &req->out.session);
    if (err == ERR_OK && req->out.session.expires_at <= t->now)
        err = ERR_NOT_FOUND;
    if (err == ERR_OK)
        err = t->ops->user_get(t->conn, req->arena, req->out.session.user, false, &user);
    if (err == ERR_OK)
        err = disable_with_owner(t, req, &user);
    if (err == ERR_OK && user.user.disabled_at != 0)
        err = ERR_NOT_FOUND;
    if (err == ERR_NOT_FOUND)
        return txn_refuse(req, ERR_UNAUTHENTICATED, NULL, "the session has ended");
    if (err == ERR_OK)
        req->out.user = user.user;
    return err;
}

enum err op_session_list(struct txn *t, struct store_req *req)
{
    struct account user;
    const char *ref = req->in.session.user != NULL ? req->in.session.user : req->actor.user;
    enum err err =
        ref == NULL ? ERR_NOT_FOUND : t->ops->user_get(t->conn, req->arena, ref, false, &user);

    if (err == ERR_NOT_FOUND)
        return txn_refuse(req, err, "user", "there is no such user");
    if (err == ERR_OK && !may_see_sessions(&req->actor, &user.user))
        return txn_refuse(req, ERR_FORBIDDEN, "user", "only an admin may see others' sessions");
    if (err == ERR_OK)
        err = disable_with_owner(t, req, &user);
    if (err == ERR_OK) {
        req->out.user = user.user;
        err = t->ops->sessions_list(t->conn, req->arena, user.key, &req->out.sessions, &req->out.n);
    }
    return err;
}

/* -- invites --------------------------------------------------------------------------------- */

static enum err need_admin(struct store_req *req)
{
    return actor_is_admin(&req->actor)
               ? ERR_OK
               : txn_refuse(req, ERR_FORBIDDEN, NULL, "only an admin may do this");
}

enum err op_invite_create(struct txn *t, struct store_req *req)
{
    char id[ID_SIZE];
    struct account *by;
    enum err err = need_admin(req);

    if (err == ERR_OK)
        err = txn_actor(t, req, &by);
    if (err == ERR_NOT_FOUND)
        return txn_refuse(req, ERR_FORBIDDEN, NULL, "the acting account does not exist");
    if (err != ERR_OK)
        return err;
    id_make(id);
    req->out.invite = (struct store_invite){.id = arena_strdup(req->arena, id),
                                            .created_by = arena_strdup(req->arena, by->user.id),
                                            .created_at = t->now,
                                            .expires_at = req->in.invite.expires_at,
                                            .uses_left = req->in.invite.uses};
    return t->ops->invite_add(t->conn, req->in.invite.hash, &req->out.invite);
}

enum err op_invite_delete(struct txn *t, struct store_req *req)
{
    enum err err = need_admin(req);

    if (err == ERR_OK)
        err = t->ops->invite_remove(t->conn, req->in.invite.id);
    if (err == ERR_NOT_FOUND)
        return txn_refuse(req, err, "invite", "there is no such invite");
    return err;
}

enum err op_invite_list(struct txn *t, struct store_req *req)
{
    enum err err = need_admin(req);

    return err == ERR_OK ? t->ops->invites_list(t->conn, req->arena, &req->out.invites, &req->out.n)
                         : err;
}
