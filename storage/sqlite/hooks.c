/* hooks.c - hooks, and what outgoing ones could not deliver. */
#include "base/mem.h"
#include "storage/sqlite/sqlite.h"

void sq_hook(struct arena *arena, sqlite3_stmt *stmt, struct hook_row *out)
{
    *out = (struct hook_row){
        .h = {.id = sq_text(arena, stmt, 0),
              .kind = (enum store_hook_kind)sq_enum(stmt, 1, STORE_HOOK_SLASH + 1),
              .channel = sq_text(arena, stmt, 2),
              .creator = sq_text(arena, stmt, 3),
              .name = sq_text(arena, stmt, 4),
              .icon = sq_text_opt(arena, stmt, 5),
              .secret = sq_text_opt(arena, stmt, 6),
              .url = sq_text_opt(arena, stmt, 7),
              .events = sq_text_opt(arena, stmt, 8),
              .trigger = sq_text_opt(arena, stmt, 9),
              .command = sq_text_opt(arena, stmt, 10),
              .enabled = sq_int(stmt, 11) != 0,
              .created_at = sq_int(stmt, 12),
              .used_at = sq_int(stmt, 13),
              .position = sq_uint(stmt, 14),
              .failed_at = sq_int(stmt, 15),
              .error = sq_text_opt(arena, stmt, 16)},
        .hash = sq_text(arena, stmt, 17),
        .slot = sq_text(arena, stmt, 18)};
}

enum err sq_hook_write(struct store_conn *conn, enum sq_id id, const struct hook_row *row)
{
    struct sqlite_conn *c = sq(conn);
    const struct store_hook *h = &row->h;

    return sq_run(c, sq_bind(c, id, "titttttttttiiiiittt", h->id, (int64_t)h->kind, h->channel,
                             h->creator, h->name, h->icon, h->secret, h->url, h->events, h->trigger,
                             h->command, (int64_t)h->enabled, h->created_at, h->used_at,
                             (int64_t)h->position, h->failed_at, h->error, row->hash, row->slot));
}

SQ_OP(hook_add, const struct hook_row *row)
{
    return sq_hook_write(conn, SQ_HOOK_ADD, row);
}

SQ_OP(hook_save, const struct hook_row *row, bool move)
{
    struct sqlite_conn *c = sq(conn);
    const struct store_hook *h = &row->h;

    return sq_run_on_one(c, sq_bind(c, SQ_HOOK_SAVE, "ttttttttitti", h->id, h->name, h->icon,
                                    h->secret, h->url, h->events, h->trigger, h->command,
                                    (int64_t)h->enabled, row->hash, row->slot,
                                    move ? (int64_t)h->position : 0));
}

SQ_OP(hook_get, struct arena *arena, const char *id, const char *hash, struct hook_row *out)
{
    struct sqlite_conn *c = sq(conn);
    sqlite3_stmt *stmt =
        id != NULL ? sq_bind(c, SQ_HOOK_BY_ID, "t", id) : sq_bind(c, SQ_HOOK_BY_HASH, "t", hash);
    enum err err = sq_next(c, stmt);

    if (err != ERR_OK)
        return err;
    sq_hook(arena, stmt, out);
    sqlite3_reset(stmt);
    return ERR_OK;
}

SQ_OP(hook_remove, const char *id)
{
    struct sqlite_conn *c = sq(conn);
    enum err err = sq_run(c, sq_bind(c, SQ_FAILURES_REMOVE, "t", id));

    return err == ERR_OK ? sq_run_on_one(c, sq_bind(c, SQ_HOOK_REMOVE, "t", id)) : err;
}

static enum err read_hooks(struct sqlite_conn *c, sqlite3_stmt *stmt, struct arena *arena,
                           uint32_t limit, struct store_hook **out, size_t *n)
{
    struct hook_row row;
    enum err err;

    *n = 0;
    *out = arena_alloc(arena, (limit + 1) * sizeof(**out));
    while ((err = sq_next(c, stmt)) == ERR_OK && *n < limit) {
        sq_hook(arena, stmt, &row);
        (*out)[(*n)++] = row.h;
    }
    if (err == ERR_OK)
        sqlite3_reset(stmt);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

SQ_OP(hooks_list, struct arena *arena, const char *channel, struct store_hook **out, size_t *n)
{
    return read_hooks(sq(conn),
                      sq_bind(sq(conn), SQ_HOOKS_LIST, "ti", channel, (int64_t)STORE_HOOKS_MAX),
                      arena, STORE_HOOKS_MAX, out, n);
}

SQ_OP(hooks_outgoing, struct arena *arena, const char *after, uint32_t limit,
      struct store_hook **out, size_t *n)
{
    return read_hooks(sq(conn), sq_bind(sq(conn), SQ_HOOKS_OUTGOING, "ti", after, (int64_t)limit),
                      arena, limit, out, n);
}

SQ_OP(hook_lease, const char *id, const char *node, int64_t until, int64_t now)
{
    return sq_run_on_one(sq(conn), sq_bind(sq(conn), SQ_HOOK_LEASE, "ttii", id, node, until, now));
}

SQ_OP(hook_mark, const char *id, uint64_t seq, enum store_hook_outcome outcome, const char *error,
      int64_t now)
{
    struct sqlite_conn *c = sq(conn);
    int64_t position = (int64_t)seq;

    if (outcome == STORE_HOOK_SKIPPED)
        return sq_run_on_one(c, sq_bind(c, SQ_HOOK_SKIPPED, "ti", id, position));
    if (outcome == STORE_HOOK_DELIVERED)
        return sq_run_on_one(c, sq_bind(c, SQ_HOOK_DELIVERED, "tii", id, position, now));
    return sq_run_on_one(c, sq_bind(c, SQ_HOOK_FAILED, "tiit", id, position, now, error));
}

/* -- dead letters ---------------------------------------------------------------------------- */

SQ_OP(hook_failure_put, const struct store_hook_failure *f)
{
    struct sqlite_conn *c = sq(conn);

    return sq_run(c, sq_bind(c, SQ_FAILURE_PUT, "titiitii", f->hook, (int64_t)f->seq, f->event,
                             (int64_t)f->attempts, (int64_t)f->status, f->error, f->at,
                             (int64_t)f->due));
}

SQ_OP(hook_failure_due, const char *hook, uint64_t seq)
{
    return sq_run_on_one(sq(conn), sq_bind(sq(conn), SQ_FAILURE_DUE, "ti", hook, (int64_t)seq));
}

SQ_OP(hook_failure_remove, const char *hook, uint64_t seq)
{
    return sq_run_on_one(sq(conn), sq_bind(sq(conn), SQ_FAILURE_REMOVE, "ti", hook, (int64_t)seq));
}

SQ_OP(hook_failures_list, struct arena *arena, const char *hook, uint64_t before, bool due,
      uint32_t limit, struct store_hook_failure **out, size_t *n)
{
    struct sqlite_conn *c = sq(conn);
    int64_t below = before < INT64_MAX ? (int64_t)before : INT64_MAX;
    sqlite3_stmt *stmt =
        sq_bind(c, SQ_FAILURES_LIST, "tiii", hook, below, (int64_t)due, (int64_t)limit);
    enum err err;

    *n = 0;
    *out = arena_alloc(arena, (limit + 1) * sizeof(**out));
    while ((err = sq_next(c, stmt)) == ERR_OK && *n < limit)
        (*out)[(*n)++] = (struct store_hook_failure){.hook = sq_text(arena, stmt, 0),
                                                     .seq = sq_uint(stmt, 1),
                                                     .event = sq_text(arena, stmt, 2),
                                                     .attempts = (uint32_t)sq_uint(stmt, 3),
                                                     .status = (uint32_t)sq_uint(stmt, 4),
                                                     .error = sq_text(arena, stmt, 5),
                                                     .at = sq_int(stmt, 6),
                                                     .due = sq_int(stmt, 7) != 0};
    if (err == ERR_OK)
        sqlite3_reset(stmt);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

SQ_OP(hook_failures_trim, const char *hook, uint32_t max)
{
    return sq_run(sq(conn), sq_bind(sq(conn), SQ_FAILURES_TRIM, "ti", hook, (int64_t)max));
}
