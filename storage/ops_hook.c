/* ops_hook.c - hooks: ways in and out of a channel, each with a bot that posts for it.
 *
 * A hook and the account of its bot have one id: whoever runs again after a lost race finds what it
 * has made. Outgoing hooks read the log: what is still to be delivered is what lies behind their
 * position.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "storage/ops.h"
#include "storage/rules.h"

enum { BOT_NAME_STEM = 20, BOT_NAME_RANDOM = 8 };

static enum err no_hook(struct store_req *req)
{
    return txn_refuse(req, ERR_NOT_FOUND, "hook", "there is no such hook");
}

/* The hook that a request names, for those who may manage its channel. */
static enum err enter_hook(struct txn *t, struct store_req *req, const char *id,
                           struct hook_row *row, struct scope *s)
{
    enum err err = t->ops->hook_get(t->conn, req->arena, id, NULL, row);

    if (err == ERR_OK)
        err = scope_enter(t, req, row->h.channel, s);
    if (err == ERR_NOT_FOUND)
        return no_hook(req);
    if (err == ERR_OK)
        err = scope_need_moderator(s, req);
    if (err == ERR_FORBIDDEN)
        req->field = "hook";
    return err;
}

/* The channel whose hooks are managed. */
static enum err enter_channel(struct txn *t, struct store_req *req, const char *channel,
                              struct scope *s)
{
    enum err err = scope_enter(t, req, channel, s);

    if (err == ERR_OK && s->chan->type == STORE_DM)
        return txn_refuse(req, ERR_FORBIDDEN, "channel", "a direct conversation has no hooks");
    return err == ERR_OK ? scope_need_moderator(s, req) : err;
}

/* -- the unique parts ------------------------------------------------------------------------ */

static const char *joined(struct arena *arena, const char *a, const char *b, const char *c)
{
    size_t size = strlen(a) + strlen(b) + strlen(c) + 1;
    char *out = arena_alloc(arena, size);

    (void)snprintf(out, size, "%s%s%s", a, b, c);
    return out;
}

static void set_keys(struct arena *arena, struct hook_row *row, const char *hash)
{
    const char *own = joined(arena, "=", row->h.id, "");

    row->hash = row->h.kind == STORE_HOOK_INCOMING && hash != NULL ? hash : own;
    row->slot =
        row->h.kind == STORE_HOOK_SLASH ? joined(arena, row->h.channel, "/", row->h.command) : own;
}

/* Room in the channel, and nobody else's command; OWN: the hook that is changed, or NULL. */
static enum err need_place(struct txn *t, struct store_req *req, const char *channel,
                           const char *own, const char *command)
{
    struct store_hook *hooks;
    size_t n;
    enum err err = t->ops->hooks_list(t->conn, req->arena, channel, &hooks, &n);

    if (err == ERR_OK && own == NULL && n >= STORE_HOOKS_MAX)
        return txn_refuse(req, ERR_CONFLICT, "channel", "a channel has at most 20 hooks");
    for (size_t i = 0; err == ERR_OK && command != NULL && i < n; i++)
        if (hooks[i].command != NULL && strcmp(hooks[i].command, command) == 0 &&
            (own == NULL || strcmp(hooks[i].id, own) != 0))
            return txn_refuse(req, ERR_CONFLICT, "command",
                              "the channel has a command of this name");
    return err;
}

static enum err disable(struct txn *t, struct account *bot)
{
    struct account next = *bot;

    if (bot->user.disabled_at != 0)
        return ERR_OK;
    next.user.disabled_at = t->now;
    return account_save(t, bot, next);
}

/* -- making one ------------------------------------------------------------------------------ */

/* What goes with which kind. */
static enum err check_kind(struct store_req *req, enum store_hook_kind kind, bool making)
{
    bool calls = kind != STORE_HOOK_INCOMING;
    bool listens = kind == STORE_HOOK_OUTGOING;
    bool obeys = kind == STORE_HOOK_SLASH;

    if (req->in.hook.url != NULL && !calls)
        return txn_refuse(req, ERR_INVALID_PARAMS, "url", "an incoming hook calls nobody");
    if (req->in.hook.events != NULL && !listens)
        return txn_refuse(req, ERR_INVALID_PARAMS, "events", "only for an outgoing hook");
    if (req->in.hook.trigger != NULL && !listens)
        return txn_refuse(req, ERR_INVALID_PARAMS, "trigger", "only for an outgoing hook");
    if (req->in.hook.command != NULL && !obeys)
        return txn_refuse(req, ERR_INVALID_PARAMS, "command", "only for a slash command");
    if (making && calls && req->in.hook.url == NULL)
        return txn_refuse(req, ERR_INVALID_PARAMS, "url", "is missing: where it calls");
    if (making && obeys && req->in.hook.command == NULL)
        return txn_refuse(req, ERR_INVALID_PARAMS, "command", "is missing: the word behind \"/\"");
    return ERR_OK;
}

/* A name that nobody has: what of the hook's can be part of one, and something random. */
static const char *bot_name(struct arena *arena, const char *name)
{
    char id[ID_SIZE];
    char stem[BOT_NAME_STEM + 1];
    size_t n = 0;

    for (const char *p = name; *p != '\0' && n < BOT_NAME_STEM; p++) {
        char c = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            stem[n++] = c;
        else if (n > 0 && stem[n - 1] != '-')
            stem[n++] = '-';
    }
    n -= n > 0 && stem[n - 1] == '-' ? 1 : 0;
    stem[n] = '\0';
    id_make(id);
    return joined(arena, n > 0 ? stem : "hook", "-", id + ID_SIZE - 1 - BOT_NAME_RANDOM);
}

static enum err make_bot(struct txn *t, struct store_req *req, const struct account *creator,
                         struct account **bot_out)
{
    struct store_user wanted = {.name = bot_name(req->arena, req->in.hook.name),
                                .display_name = req->in.hook.name,
                                .role = STORE_ROLE_MEMBER,
                                .owner = creator->user.id,
                                .hook = true};
    enum err err = req->made.user != NULL ? txn_account(t, req->made.user, bot_out) : ERR_NOT_FOUND;

    return err == ERR_NOT_FOUND ? account_make(t, req, &wanted, bot_out) : err;
}

static enum err let_in(struct txn *t, struct store_req *req, const struct scope *s,
                       struct account *bot)
{
    struct membership *m;
    uint64_t seq;
    enum err err = txn_member(t, s->chan, bot, &m);

    if (err != ERR_OK || m->exists)
        return err;
    err = member_join(t, s->actor, s->chan, bot, STORE_MEMBER, &seq);
    return err == ERR_OK ? member_tell_joined(t, req, s->actor, s->chan, bot, seq) : err;
}

static const char *given(const char *text)
{
    return text != NULL && *text != '\0' ? text : NULL;
}

static struct hook_row new_row(struct txn *t, struct store_req *req, const struct scope *s,
                               const struct account *bot)
{
    bool outgoing = req->in.hook.kind == STORE_HOOK_OUTGOING;
    const char *events = req->in.hook.events;
    struct hook_row row = {
        .h = {.id = arena_strdup(req->arena, bot->user.id),
              .kind = req->in.hook.kind,
              .channel = arena_strdup(req->arena, s->chan->id),
              .creator = arena_strdup(req->arena, s->actor->user.id),
              .name = req->in.hook.name,
              .icon = given(req->in.hook.icon),
              .secret = req->in.hook.kind == STORE_HOOK_INCOMING ? NULL : req->in.hook.secret,
              .url = req->in.hook.url,
              .events = !outgoing        ? NULL
                        : events != NULL ? events
                                         : store_event_name(STORE_EVENT_MESSAGE_CREATED),
              .trigger = given(req->in.hook.trigger),
              .command = req->in.hook.command,
              .enabled = true,
              .created_at = t->now,
              .position = outgoing ? s->chan->stream.seq : 0}};

    set_keys(req->arena, &row, req->in.hook.hash);
    return row;
}

/* Unless it is there already: of a request that runs again. */
static enum err keep_hook(struct txn *t, struct store_req *req, const struct hook_row *row)
{
    struct hook_row there;
    enum err err = t->ops->hook_get(t->conn, req->arena, row->h.id, NULL, &there);

    return err == ERR_NOT_FOUND ? t->ops->hook_add(t->conn, row) : err;
}

/* Another node was faster: what this one has made already is of no use any more. */
static enum err give_up(struct txn *t, struct store_req *req, enum err why)
{
    struct account *bot = NULL;
    const char *field = req->field;
    const char *reason = req->reason;

    if (req->made.user == NULL)
        return why;
    enum err err = txn_account(t, req->made.user, &bot);
    if (err == ERR_OK)
        err = disable(t, bot);
    return err == ERR_OK ? txn_refuse(req, why, field, reason) : err;
}

enum err op_hook_create(struct txn *t, struct store_req *req)
{
    struct scope s = {0};
    struct account *bot = NULL;
    enum err err = check_kind(req, req->in.hook.kind, true);

    if (err == ERR_OK)
        err = enter_channel(t, req, req->in.hook.channel, &s);
    if (err == ERR_OK)
        err = scope_need_active(&s, req);
    if (err == ERR_OK && s.actor->user.owner != NULL)
        return txn_refuse(req, ERR_FORBIDDEN, NULL, "a bot makes no hooks");
    if (err == ERR_OK)
        err = need_place(t, req, s.chan->id, req->made.user, req->in.hook.command);
    if (err == ERR_CONFLICT)
        return give_up(t, req, err);
    if (err == ERR_OK)
        err = make_bot(t, req, s.actor, &bot);
    if (err == ERR_OK)
        err = let_in(t, req, &s, bot);
    if (err != ERR_OK)
        return err;
    struct hook_row row = new_row(t, req, &s, bot);
    err = keep_hook(t, req, &row);
    if (err == ERR_OK) {
        req->out.hook = row.h;
        answer_user(req, bot);
    }
    return err;
}

/* -- changing one ---------------------------------------------------------------------------- */

static void change(struct store_req *req, struct store_hook *h)
{
    if (req->in.hook.name != NULL)
        h->name = req->in.hook.name;
    if (req->in.hook.icon != NULL)
        h->icon = given(req->in.hook.icon);
    if (req->in.hook.url != NULL)
        h->url = req->in.hook.url;
    if (req->in.hook.events != NULL)
        h->events = req->in.hook.events;
    if (req->in.hook.trigger != NULL)
        h->trigger = given(req->in.hook.trigger);
    if (req->in.hook.command != NULL)
        h->command = req->in.hook.command;
    if (req->in.hook.set_enabled)
        h->enabled = req->in.hook.enabled;
}

static enum err change_bot(struct txn *t, struct store_req *req, const struct store_hook *h)
{
    struct account *bot = NULL;
    enum err err = txn_account(t, h->id, &bot);

    if (err != ERR_OK)
        return err;
    struct account next = *bot;
    next.user.display_name = arena_strdup(t->cache, h->name);
    if (h->enabled)
        next.user.disabled_at = 0;
    else if (next.user.disabled_at == 0)
        next.user.disabled_at = t->now;
    err = account_save(t, bot, next);
    if (err == ERR_OK)
        answer_user(req, bot);
    return err;
}

enum err op_hook_update(struct txn *t, struct store_req *req)
{
    struct hook_row row;
    struct scope s = {0};
    enum err err = enter_hook(t, req, req->in.hook.hook, &row, &s);

    if (err == ERR_OK)
        err = check_kind(req, row.h.kind, false);
    if (err == ERR_OK)
        err = need_place(t, req, row.h.channel, row.h.id, req->in.hook.command);
    if (err != ERR_OK)
        return err;
    bool wakes = row.h.kind == STORE_HOOK_OUTGOING && !row.h.enabled && req->in.hook.set_enabled &&
                 req->in.hook.enabled;
    change(req, &row.h);
    set_keys(req->arena, &row, row.hash);
    if (wakes && row.h.position < s.chan->stream.seq)
        row.h.position = s.chan->stream.seq;
    err = t->ops->hook_save(t->conn, &row, wakes);
    if (err == ERR_OK)
        err = change_bot(t, req, &row.h);
    req->out.hook = row.h;
    return err;
}

enum err op_hook_rotate(struct txn *t, struct store_req *req)
{
    struct hook_row row;
    struct scope s = {0};
    enum err err = enter_hook(t, req, req->in.hook.hook, &row, &s);

    if (err != ERR_OK)
        return err;
    if (row.h.kind != STORE_HOOK_INCOMING)
        row.h.secret = req->in.hook.secret;
    set_keys(req->arena, &row, req->in.hook.hash);
    req->out.hook = row.h;
    return t->ops->hook_save(t->conn, &row, false);
}

enum err op_hook_delete(struct txn *t, struct store_req *req)
{
    struct hook_row row;
    struct scope s = {0};
    struct account *bot = NULL;
    struct membership *m;
    enum err err = enter_hook(t, req, req->in.hook.hook, &row, &s);

    if (err == ERR_OK)
        err = txn_account(t, row.h.id, &bot);
    if (err == ERR_OK)
        err = txn_member(t, s.chan, bot, &m);
    if (err == ERR_OK && m->exists)
        err = member_leave(t, s.actor, s.chan, bot);
    if (err != ERR_OK)
        return err;
    row.h.enabled = false;
    req->out.hook = row.h;
    err = change_bot(t, req, &row.h);
    return err == ERR_OK ? t->ops->hook_remove(t->conn, row.h.id) : err;
}

enum err hooks_disable(struct txn *t, struct store_req *req, const char *channel)
{
    struct store_hook *hooks;
    struct account *bot = NULL;
    size_t n;
    enum err err = t->ops->hooks_list(t->conn, req->arena, channel, &hooks, &n);

    for (size_t i = 0; err == ERR_OK && i < n; i++) {
        err = txn_account(t, hooks[i].id, &bot);
        if (err == ERR_OK)
            err = disable(t, bot);
    }
    return err;
}

/* -- looking at them ------------------------------------------------------------------------- */

static enum err put_creators(struct txn *t, struct store_req *req)
{
    struct store_user *users = arena_alloc(req->arena, (req->out.n + 1) * sizeof(*users));
    enum err err = ERR_OK;

    req->out.users = users;
    for (size_t i = 0; err == ERR_OK && i < req->out.n; i++) {
        struct account creator;
        const char *id = req->out.hooks[i].creator;
        bool known = false;
        for (size_t k = 0; k < req->out.users_n; k++)
            known = known || strcmp(users[k].id, id) == 0;
        if (known)
            continue;
        err = t->ops->user_get(t->conn, req->arena, id, false, &creator);
        if (err == ERR_OK)
            users[req->out.users_n++] = creator.user;
        if (err == ERR_NOT_FOUND)
            err = ERR_OK;
    }
    return err;
}

enum err op_hook_list(struct txn *t, struct store_req *req)
{
    struct scope s = {0};
    enum err err = enter_channel(t, req, req->in.hooks.channel, &s);

    if (err == ERR_OK)
        err = t->ops->hooks_list(t->conn, req->arena, s.chan->id, &req->out.hooks, &req->out.n);
    return err == ERR_OK ? put_creators(t, req) : err;
}

enum err op_hook_commands(struct txn *t, struct store_req *req)
{
    struct scope s = {0};
    size_t n = 0;
    enum err err = scope_enter(t, req, req->in.hooks.channel, &s);

    if (err == ERR_OK)
        err = scope_need_member(&s, req);
    if (err == ERR_OK)
        err = t->ops->hooks_list(t->conn, req->arena, s.chan->id, &req->out.hooks, &req->out.n);
    for (size_t i = 0; err == ERR_OK && i < req->out.n; i++)
        if (req->out.hooks[i].kind == STORE_HOOK_SLASH && req->out.hooks[i].enabled)
            req->out.hooks[n++] = req->out.hooks[i];
    req->out.n = n;
    return err;
}

enum err op_hook_get(struct txn *t, struct store_req *req)
{
    struct hook_row row;
    struct scope s = {0};
    struct account *bot = NULL;
    enum err err = enter_hook(t, req, req->in.hook.hook, &row, &s);

    if (err == ERR_OK)
        err = txn_account(t, row.h.id, &bot);
    if (err == ERR_OK) {
        req->out.hook = row.h;
        answer_user(req, bot);
    }
    return err;
}

/* The bot, as disabled as its owner. */
static enum err put_bot(struct txn *t, struct store_req *req, const char *id)
{
    struct account bot;
    enum err err = t->ops->user_get(t->conn, req->arena, id, false, &bot);

    if (err == ERR_OK)
        err = disable_with_owner(t, req, &bot);
    if (err == ERR_OK)
        req->out.user = bot.user;
    return err;
}

enum err op_hook_find(struct txn *t, struct store_req *req)
{
    struct hook_row row;
    enum err err = t->ops->hook_get(t->conn, req->arena, NULL, req->in.hook.hash, &row);

    if (err == ERR_OK &&
        (row.h.kind != STORE_HOOK_INCOMING || strcmp(row.h.id, req->in.hook.hook) != 0))
        err = ERR_NOT_FOUND;
    if (err == ERR_OK)
        err = put_bot(t, req, row.h.id);
    if (err == ERR_NOT_FOUND)
        return no_hook(req);
    if (err == ERR_OK)
        req->out.hook = row.h;
    return err;
}

enum err op_hooks_outgoing(struct txn *t, struct store_req *req)
{
    const struct store_page *page = &req->in.hooks.page;
    enum err err =
        t->ops->hooks_outgoing(t->conn, req->arena, page->cursor != NULL ? page->cursor : "",
                               page->limit, &req->out.hooks, &req->out.n);

    if (err == ERR_OK && req->out.n == page->limit)
        req->out.next = req->out.hooks[req->out.n - 1].id;
    return err;
}

/* -- delivering ------------------------------------------------------------------------------ */

static enum err not_to_have(struct store_req *req)
{
    return txn_refuse(req, ERR_CONFLICT, "hook",
                      "another node delivers for it, or it is disabled or gone");
}

enum err op_hook_lease(struct txn *t, struct store_req *req)
{
    struct hook_row row;
    const char *id = req->in.hook_at.hook;
    enum err err =
        t->ops->hook_lease(t->conn, id, req->in.hook_at.node, req->in.hook_at.until, t->now);

    if (err == ERR_OK)
        err = t->ops->hook_get(t->conn, req->arena, id, NULL, &row);
    if (err == ERR_OK)
        err = put_bot(t, req, id);
    if (err == ERR_NOT_FOUND || (err == ERR_OK && req->out.user.disabled_at != 0))
        return not_to_have(req);
    if (err == ERR_OK)
        req->out.hook = row.h;
    return err;
}

enum err op_hook_mark(struct txn *t, struct store_req *req)
{
    enum err err = t->ops->hook_mark(t->conn, req->in.hook_at.hook, req->in.hook_at.seq,
                                     req->in.hook_at.outcome, req->in.hook_at.error, t->now);

    return err == ERR_NOT_FOUND ? no_hook(req) : err;
}

enum err op_hook_fail(struct txn *t, struct store_req *req)
{
    struct store_hook_failure failure = req->in.hook_failure;
    struct hook_row row;
    enum err err = t->ops->hook_get(t->conn, req->arena, failure.hook, NULL, &row);

    if (err == ERR_NOT_FOUND)
        return no_hook(req);
    failure.at = t->now;
    failure.due = false;
    if (err == ERR_OK)
        err = t->ops->hook_failure_put(t->conn, &failure);
    return err == ERR_OK
               ? t->ops->hook_failures_trim(t->conn, failure.hook, STORE_HOOK_FAILURES_MAX)
               : err;
}

static enum err no_failure(struct store_req *req)
{
    return txn_refuse(req, ERR_NOT_FOUND, "seq", "not among the dead letters of this hook");
}

enum err op_hook_settle(struct txn *t, struct store_req *req)
{
    enum err err =
        t->ops->hook_failure_remove(t->conn, req->in.hook_failure.hook, req->in.hook_failure.seq);

    return err == ERR_NOT_FOUND ? no_failure(req) : err;
}

enum err op_hook_redeliver(struct txn *t, struct store_req *req)
{
    struct hook_row row;
    struct scope s = {0};
    uint64_t seq = req->in.hook_failure.seq;
    enum err err = enter_hook(t, req, req->in.hook_failure.hook, &row, &s);

    if (err != ERR_OK)
        return err;
    if (!row.h.enabled)
        return txn_refuse(req, ERR_CONFLICT, "hook", "the hook is disabled");
    err = t->ops->hook_failure_due(t->conn, row.h.id, seq);
    if (err == ERR_OK)
        err = t->ops->hook_failures_list(t->conn, req->arena, row.h.id, seq + 1, true, 1,
                                         &req->out.failures, &req->out.n);
    req->out.hook = row.h;
    return err == ERR_NOT_FOUND ? no_failure(req) : err;
}

enum err op_hook_failures(struct txn *t, struct store_req *req)
{
    struct hook_row row;
    struct scope s = {0};
    const struct store_page *page = &req->in.hooks.page;
    uint64_t before = UINT64_MAX;
    char *end;
    enum err err = enter_hook(t, req, req->in.hooks.hook, &row, &s);

    if (err == ERR_OK && page->cursor != NULL) {
        before = strtoull(page->cursor, &end, 10);
        if (*end != '\0' || *page->cursor < '0' || *page->cursor > '9')
            return txn_refuse(req, ERR_INVALID_PARAMS, "cursor", "not one that this server gave");
    }
    if (err == ERR_OK)
        err = t->ops->hook_failures_list(t->conn, req->arena, row.h.id, before, req->in.hooks.due,
                                         page->limit + 1, &req->out.failures, &req->out.n);
    if (err == ERR_OK && req->out.n > page->limit) {
        req->out.n = page->limit;
        char *next = arena_alloc(req->arena, 24);
        (void)snprintf(next, 24, "%llu", (unsigned long long)req->out.failures[req->out.n - 1].seq);
        req->out.next = next;
    }
    return err;
}
