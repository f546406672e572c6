/* hooks.c - hooks, and what outgoing ones could not deliver: plain documents, written at once. What
 * is taken away together with something else is taken away behind it. */
#include <inttypes.h>
#include <stdio.h>

#include "storage/mongo/mongo.h"

enum { FAILURE_ID_SIZE = ID_MAX + 24 };

void mg_read_hook(struct arena *arena, const bson_t *doc, struct hook_row *out)
{
    *out = (struct hook_row){
        .h = {.id = mg_text(arena, doc, "_id"),
              .kind = (enum store_hook_kind)mg_enum(doc, "kind", STORE_HOOK_SLASH + 1),
              .channel = mg_text(arena, doc, "channel"),
              .creator = mg_text(arena, doc, "creator"),
              .name = mg_text(arena, doc, "name"),
              .icon = mg_text_opt(arena, doc, "icon"),
              .secret = mg_text_opt(arena, doc, "secret"),
              .url = mg_text_opt(arena, doc, "url"),
              .events = mg_text_opt(arena, doc, "events"),
              .trigger = mg_text_opt(arena, doc, "trigger"),
              .command = mg_text_opt(arena, doc, "command"),
              .enabled = mg_true(doc, "enabled"),
              .created_at = mg_int(doc, "created_at"),
              .used_at = mg_int(doc, "used_at"),
              .position = mg_uint(doc, "position"),
              .failed_at = mg_int(doc, "failed_at"),
              .error = mg_text_opt(arena, doc, "error")},
        .hash = mg_text(arena, doc, "hash"),
        .slot = mg_text(arena, doc, "slot")};
}

/* What people change. */
static void append_changeable(bson_t *doc, const struct hook_row *row)
{
    const struct store_hook *h = &row->h;

    BCON_APPEND(doc, "name", BCON_UTF8(h->name), "enabled", BCON_BOOL(h->enabled), "hash",
                BCON_UTF8(row->hash), "slot", BCON_UTF8(row->slot));
    mg_append_text(doc, "icon", h->icon);
    mg_append_text(doc, "secret", h->secret);
    mg_append_text(doc, "url", h->url);
    mg_append_text(doc, "events", h->events);
    mg_append_text(doc, "trigger", h->trigger);
    mg_append_text(doc, "command", h->command);
}

void mg_append_hook(bson_t *doc, const struct hook_row *row)
{
    const struct store_hook *h = &row->h;

    BCON_APPEND(doc, "kind", BCON_INT32((int)h->kind), "channel", BCON_UTF8(h->channel), "creator",
                BCON_UTF8(h->creator), "created_at", BCON_INT64(h->created_at), "used_at",
                BCON_INT64(h->used_at), "position", BCON_INT64((int64_t)h->position), "failed_at",
                BCON_INT64(h->failed_at), "node", BCON_UTF8(""), "leased_until", BCON_INT64(0));
    mg_append_text(doc, "error", h->error);
    append_changeable(doc, row);
}

/* A slot that is taken was free a moment ago: the request looks again. */
MG_OP(hook_add, const struct hook_row *row)
{
    struct mg_conn *c = mg(conn);
    bson_t *doc = BCON_NEW("_id", BCON_UTF8(row->h.id));

    mg_append_hook(doc, row);
    enum err err = mg_insert(c, MG_HOOKS, doc);
    return err == ERR_CONFLICT ? mg_lost(c) : err;
}

static bson_t *by_id(const char *id)
{
    return BCON_NEW("_id", BCON_UTF8(id));
}

static bson_t *if_behind(const char *id, uint64_t seq)
{
    return BCON_NEW("_id", BCON_UTF8(id), "position", "{", "$lt", BCON_INT64((int64_t)seq), "}");
}

static enum err advance(struct mg_conn *c, const char *id, uint64_t seq)
{
    enum err err =
        mg_update(c, MG_HOOKS, if_behind(id, seq),
                  BCON_NEW("$set", "{", "position", BCON_INT64((int64_t)seq), "}"), false);

    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

MG_OP(hook_save, const struct hook_row *row, bool move)
{
    struct mg_conn *c = mg(conn);
    bson_t set = BSON_INITIALIZER;
    bson_t *update = bson_new();

    append_changeable(&set, row);
    (void)BSON_APPEND_DOCUMENT(update, "$set", &set);
    bson_destroy(&set);
    if (row->h.icon == NULL && row->h.trigger == NULL)
        BCON_APPEND(update, "$unset", "{", "icon", BCON_INT32(1), "trigger", BCON_INT32(1), "}");
    else if (row->h.icon == NULL || row->h.trigger == NULL)
        BCON_APPEND(update, "$unset", "{", row->h.icon == NULL ? "icon" : "trigger", BCON_INT32(1),
                    "}");
    enum err err = mg_update(c, MG_HOOKS, by_id(row->h.id), update, false);
    if (err == ERR_CONFLICT)
        return mg_lost(c);
    return err == ERR_OK && move ? advance(c, row->h.id, row->h.position) : err;
}

MG_OP(hook_get, struct arena *arena, const char *id, const char *hash, struct hook_row *out)
{
    bson_t *doc;
    enum err err = mg_one(mg(conn), MG_HOOKS,
                          id != NULL ? by_id(id) : BCON_NEW("hash", BCON_UTF8(hash)), NULL, &doc);

    if (err != ERR_OK)
        return err;
    mg_read_hook(arena, doc, out);
    bson_destroy(doc);
    return ERR_OK;
}

static void stage_removal(struct mg_conn *c, const char *id)
{
    stage_write(c, MG_HOOK_FAILURES, WRITE_DELETE, BCON_NEW("hook", BCON_UTF8(id)), NULL);
    stage_write(c, MG_HOOKS, WRITE_DELETE, by_id(id), NULL);
}

MG_OP(hook_remove, const char *id)
{
    stage_removal(mg(conn), id);
    return ERR_OK;
}

static enum err read_hooks(struct mg_conn *c, bson_t *filter, struct arena *arena, uint32_t limit,
                           struct store_hook **out, size_t *n)
{
    struct hook_row row;
    const bson_t *doc;
    enum err err;
    mongoc_cursor_t *cursor =
        mg_find(c, MG_HOOKS, filter,
                BCON_NEW("sort", "{", "_id", BCON_INT32(1), "}", "limit", BCON_INT64(limit)));

    *n = 0;
    *out = arena_alloc(arena, (limit + 1) * sizeof(**out));
    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        if (*n == limit)
            continue;
        mg_read_hook(arena, doc, &row);
        (*out)[(*n)++] = row.h;
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

MG_OP(hooks_list, struct arena *arena, const char *channel, struct store_hook **out, size_t *n)
{
    return read_hooks(mg(conn), BCON_NEW("channel", BCON_UTF8(channel)), arena, STORE_HOOKS_MAX,
                      out, n);
}

enum err mg_hooks_forget(struct mg_conn *c, const char *channel)
{
    struct store_hook *hooks;
    size_t n;
    enum err err = mg_hooks_list(&c->base, c->arena, channel, &hooks, &n);

    for (size_t i = 0; err == ERR_OK && i < n; i++)
        stage_removal(c, hooks[i].id);
    return err;
}

MG_OP(hooks_outgoing, struct arena *arena, const char *after, uint32_t limit,
      struct store_hook **out, size_t *n)
{
    return read_hooks(mg(conn),
                      BCON_NEW("kind", BCON_INT32(STORE_HOOK_OUTGOING), "enabled", BCON_BOOL(true),
                               "_id", "{", "$gt", BCON_UTF8(after), "}"),
                      arena, limit, out, n);
}

MG_OP(hook_lease, const char *id, const char *node, int64_t until, int64_t now)
{
    return mg_update(
        mg(conn), MG_HOOKS,
        BCON_NEW("_id", BCON_UTF8(id), "kind", BCON_INT32(STORE_HOOK_OUTGOING), "enabled",
                 BCON_BOOL(true), "$or", "[", "{", "node", BCON_UTF8(node), "}", "{",
                 "leased_until", "{", "$lte", BCON_INT64(now), "}", "}", "]"),
        BCON_NEW("$set", "{", "node", BCON_UTF8(node), "leased_until", BCON_INT64(until), "}"),
        false);
}

MG_OP(hook_mark, const char *id, uint64_t seq, enum store_hook_outcome outcome, const char *error,
      int64_t now)
{
    struct mg_conn *c = mg(conn);
    bson_t *update;

    if (outcome == STORE_HOOK_SKIPPED)
        return advance(c, id, seq);
    if (outcome == STORE_HOOK_DELIVERED)
        update = BCON_NEW("$set", "{", "used_at", BCON_INT64(now), "failed_at", BCON_INT64(0), "}",
                          "$unset", "{", "error", BCON_INT32(1), "}");
    else
        update = BCON_NEW("$set", "{", "failed_at", BCON_INT64(now), "error",
                          BCON_UTF8(error != NULL ? error : ""), "}");
    enum err err = mg_update(c, MG_HOOKS, by_id(id), update, false);
    return err == ERR_OK ? advance(c, id, seq) : err;
}

/* -- dead letters ---------------------------------------------------------------------------- */

static bson_t *failure(const char *hook, uint64_t seq)
{
    char id[FAILURE_ID_SIZE];

    (void)snprintf(id, sizeof(id), "%.*s:%" PRIu64, ID_MAX, hook, seq);
    return by_id(id);
}

MG_OP(hook_failure_put, const struct store_hook_failure *f)
{
    return mg_update(mg(conn), MG_HOOK_FAILURES, failure(f->hook, f->seq),
                     BCON_NEW("$set", "{", "hook", BCON_UTF8(f->hook), "seq",
                              BCON_INT64((int64_t)f->seq), "event", BCON_UTF8(f->event), "attempts",
                              BCON_INT64(f->attempts), "status", BCON_INT64(f->status), "error",
                              BCON_UTF8(f->error), "at", BCON_INT64(f->at), "due",
                              BCON_BOOL(f->due), "}"),
                     true);
}

MG_OP(hook_failure_due, const char *hook, uint64_t seq)
{
    return mg_update(mg(conn), MG_HOOK_FAILURES, failure(hook, seq),
                     BCON_NEW("$set", "{", "due", BCON_BOOL(true), "}"), false);
}

MG_OP(hook_failure_remove, const char *hook, uint64_t seq)
{
    int64_t n;
    enum err err = mg_delete(mg(conn), MG_HOOK_FAILURES, failure(hook, seq), &n);

    return err == ERR_OK && n == 0 ? ERR_NOT_FOUND : err;
}

MG_OP(hook_failures_list, struct arena *arena, const char *hook, uint64_t before, bool due,
      uint32_t limit, struct store_hook_failure **out, size_t *n)
{
    struct mg_conn *c = mg(conn);
    const bson_t *doc;
    enum err err;
    bson_t *filter = BCON_NEW("hook", BCON_UTF8(hook), "seq", "{", "$lt",
                              BCON_INT64(before < INT64_MAX ? (int64_t)before : INT64_MAX), "}");

    if (due)
        (void)BSON_APPEND_BOOL(filter, "due", true);
    mongoc_cursor_t *cursor =
        mg_find(c, MG_HOOK_FAILURES, filter,
                BCON_NEW("sort", "{", "seq", BCON_INT32(-1), "}", "limit", BCON_INT64(limit)));
    *n = 0;
    *out = arena_alloc(arena, (limit + 1) * sizeof(**out));
    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK)
        if (*n < limit)
            (*out)[(*n)++] =
                (struct store_hook_failure){.hook = mg_text(arena, doc, "hook"),
                                            .seq = mg_uint(doc, "seq"),
                                            .event = mg_text(arena, doc, "event"),
                                            .attempts = (uint32_t)mg_uint(doc, "attempts"),
                                            .status = (uint32_t)mg_uint(doc, "status"),
                                            .error = mg_text(arena, doc, "error"),
                                            .at = mg_int(doc, "at"),
                                            .due = mg_true(doc, "due")};
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

MG_OP(hook_failures_trim, const char *hook, uint32_t max)
{
    struct mg_conn *c = mg(conn);
    const bson_t *doc;
    uint64_t there;
    int64_t last = 0;
    enum err err = mg_count(c, MG_HOOK_FAILURES, BCON_NEW("hook", BCON_UTF8(hook)), &there);

    if (err != ERR_OK || there <= max)
        return err;
    mongoc_cursor_t *cursor = mg_find(c, MG_HOOK_FAILURES, BCON_NEW("hook", BCON_UTF8(hook)),
                                      BCON_NEW("sort", "{", "seq", BCON_INT32(1), "}", "limit",
                                               BCON_INT64((int64_t)(there - max))));
    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK)
        last = mg_int(doc, "seq");
    if (err != ERR_NOT_FOUND)
        return err;
    return mg_delete(c, MG_HOOK_FAILURES,
                     BCON_NEW("hook", BCON_UTF8(hook), "seq", "{", "$lte", BCON_INT64(last), "}"),
                     NULL);
}
