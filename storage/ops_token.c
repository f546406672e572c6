/* ops_token.c - tokens, which are sessions of programs, and bots, which are accounts of programs.
 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "storage/ops.h"
#include "storage/rules.h"

const char *token_key(struct arena *arena, const char *hash)
{
    size_t size = strlen(hash) + sizeof("t:");
    char *key = arena_alloc(arena, size);

    (void)snprintf(key, size, "t:%s", hash);
    return key;
}

/* -- tokens ---------------------------------------------------------------------------------- */

static enum err token_user(struct txn *t, struct store_req *req, struct account **user_out)
{
    const struct store_actor *actor = &req->actor;
    const char *ref = req->in.token.user != NULL ? req->in.token.user : actor->user;

    if (ref == NULL)
        return txn_refuse(req, ERR_FORBIDDEN, NULL, "the acting account does not exist");
    enum err err = other_user(t, req, ref, user_out);
    if (err != ERR_OK)
        return err;
    const struct store_user *user = &(*user_out)->user;
    bool own =
        actor->user != NULL && (strcmp(user->id, actor->user) == 0 ||
                                (user->owner != NULL && strcmp(user->owner, actor->user) == 0));
    if (!own && !actor->system)
        return txn_refuse(req, ERR_FORBIDDEN, "user", "not yourself, and no bot of yours");
    if (user->hook)
        return txn_refuse(req, ERR_CONFLICT, "user", "the account belongs to a hook");
    if (user->disabled_at != 0)
        return txn_refuse(req, ERR_CONFLICT, "user", "the account is disabled");
    return ERR_OK;
}

static enum err need_few(struct txn *t, struct store_req *req, const struct account *user)
{
    struct store_session *sessions;
    size_t n;
    size_t tokens = 0;
    enum err err = t->ops->sessions_list(t->conn, req->arena, user->key, &sessions, &n);

    for (size_t i = 0; err == ERR_OK && i < n; i++)
        tokens += sessions[i].scopes != NULL && sessions[i].expires_at > t->now;
    if (err == ERR_OK && tokens >= STORE_TOKENS_MAX)
        return txn_refuse(req, ERR_CONFLICT, NULL, "an account has at most 50 tokens");
    return err;
}

/* The channels as they are kept; each must be one that the actor may see. */
static enum err join_channels(struct txn *t, struct store_req *req, const char **out)
{
    struct buf text = {0};
    struct scope s;
    enum err err = ERR_OK;

    *out = NULL;
    if (req->in.token.channels == NULL)
        return ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < req->in.token.channels_n; i++) {
        err = scope_enter(t, req, req->in.token.channels[i], &s);
        if (i > 0)
            buf_putc(&text, ' ');
        if (err == ERR_OK)
            buf_puts(&text, s.chan->id);
    }
    if (err == ERR_OK)
        *out = arena_strdup(req->arena, text.len > 0 ? text.data : "");
    else if (req->field != NULL)
        req->field = "channels";
    buf_free(&text);
    return err;
}

enum err op_token_create(struct txn *t, struct store_req *req)
{
    struct account *user = NULL;
    const char *channels = NULL;
    enum err err = token_user(t, req, &user);

    if (err == ERR_OK)
        err = need_few(t, req, user);
    if (err == ERR_OK)
        err = join_channels(t, req, &channels);
    if (err != ERR_OK)
        return err;
    int64_t end = req->in.token.expires_at;
    req->out.session = (struct store_session){.expires_at = end != 0 ? end : STORE_NEVER,
                                              .address = "",
                                              .agent = "",
                                              .label = req->in.token.name,
                                              .scopes = req->in.token.scopes,
                                              .channels = channels};
    return session_make(t, req, user, token_key(req->arena, req->in.token.hash), &req->out.session);
}

/* -- bots ------------------------------------------------------------------------------------ */

enum err bot_owner(struct txn *t, struct store_req *req, struct account **owner_out)
{
    const struct store_page page = {.limit = STORE_BOTS_MAX};
    const struct store_actor *actor = &req->actor;
    struct store_user *bots;
    const char *next;
    size_t n;
    enum err err = other_user(t, req, req->in.user_new.owner, owner_out);

    if (err != ERR_OK)
        return err;
    const struct store_user *owner = &(*owner_out)->user;
    if (!actor->system && (actor->user == NULL || strcmp(owner->id, actor->user) != 0))
        return txn_refuse(req, ERR_FORBIDDEN, "user", "a bot is made by its owner");
    if (owner->owner != NULL)
        return txn_refuse(req, ERR_CONFLICT, "user", "a bot has no bots");
    if (owner->disabled_at != 0)
        return txn_refuse(req, ERR_CONFLICT, "user", "the account is disabled");
    err = t->ops->bots_list(t->conn, req->arena, owner->id, &page, &bots, &n, &next);
    if (err == ERR_OK && n >= STORE_BOTS_MAX)
        return txn_refuse(req, ERR_CONFLICT, NULL, "an account has at most 20 bots");
    return err;
}

enum err op_bot_list(struct txn *t, struct store_req *req)
{
    struct account owner = {0};
    const char *ref = req->in.bots.owner;
    enum err err = ERR_OK;

    if (ref != NULL)
        err = t->ops->user_get(t->conn, req->arena, ref, false, &owner);
    if (err == ERR_NOT_FOUND)
        return txn_refuse(req, err, "user", "there is no such user");
    if (err == ERR_OK &&
        (ref == NULL ? !req->actor.system : !may_see_sessions(&req->actor, &owner.user)))
        return txn_refuse(req, ERR_FORBIDDEN, "user", "only an admin may see others' bots");
    if (err == ERR_OK)
        err = t->ops->bots_list(t->conn, req->arena, owner.user.id, &req->in.bots.page,
                                &req->out.users, &req->out.n, &req->out.next);
    req->out.users_n = req->out.n;
    return err == ERR_INVALID_PARAMS
               ? txn_refuse(req, err, "cursor", "not one that this server gave")
               : err;
}
