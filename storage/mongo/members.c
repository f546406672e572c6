/* members.c - who is in a channel.
 *
 * A member's document says with `at` which event it is about, so that the same event may be applied
 * again and an older one changes nothing; it stays when the member leaves.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/mongo/mongo.h"

MG_OP(member_get, int64_t chan_key, int64_t user_key, struct membership *out)
{
    struct mg_conn *c = mg(conn);
    struct mg_pair pair = {chan_key, user_key};
    const struct membership *warm = map_get(&c->warm.members, &pair, sizeof(pair));
    char id[MG_MEMBER_ID_SIZE];
    bson_t *doc;
    enum err err = ERR_OK;

    if (warm != NULL) {
        *out = *warm;
    } else {
        mg_member_id(chan_key, user_key, id);
        err = mg_one(c, MG_MEMBERS, BCON_NEW("_id", BCON_UTF8(id)), NULL, &doc);
        *out = (struct membership){0};
        if (err == ERR_OK) {
            mg_read_member(doc, out);
            bson_destroy(doc);
        }
    }
    out->chan_key = chan_key;
    out->user_key = user_key;
    keeper_overlay(c->backend, out);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static void stage_member(struct mg_conn *c, const struct membership *m)
{
    STAGE_ADD(c->stage.members)->m = *m;
}

static bson_t *older_member(int64_t chan_key, int64_t user_key, uint64_t seq)
{
    char id[MG_MEMBER_ID_SIZE];

    mg_member_id(chan_key, user_key, id);
    return BCON_NEW("_id", BCON_UTF8(id), "at", "{", "$lt", BCON_INT64((int64_t)seq), "}");
}

MG_OP(member_add, const struct membership *m)
{
    struct mg_conn *c = mg(conn);
    uint64_t at = c->base.applying;

    stage_member(c, m);
    stage_write(c, MG_MEMBERS, WRITE_UPSERT, older_member(m->chan_key, m->user_key, at),
                BCON_NEW("$set", "{", "at", BCON_INT64((int64_t)at), "channel",
                         BCON_INT64(m->chan_key), "user", BCON_INT64(m->user_key), "exists",
                         BCON_BOOL(true), "role", BCON_INT32((int)m->role), "joined_at",
                         BCON_INT64(m->joined_at), "read_seq", BCON_INT64((int64_t)m->read_seq),
                         "read_no", BCON_INT64((int64_t)m->read_no), "}"));
    return ERR_OK;
}

MG_OP(member_save, const struct membership *m)
{
    late_member(&mg(conn)->stage.late, m);
    return ERR_OK;
}

MG_OP(member_remove, int64_t chan_key, int64_t user_key)
{
    struct mg_conn *c = mg(conn);
    uint64_t at = c->base.applying;

    stage_member(c, &(struct membership){.chan_key = chan_key, .user_key = user_key});
    stage_write(c, MG_MEMBERS, WRITE_UPSERT, older_member(chan_key, user_key, at),
                BCON_NEW("$set", "{", "at", BCON_INT64((int64_t)at), "channel",
                         BCON_INT64(chan_key), "user", BCON_INT64(user_key), "exists",
                         BCON_BOOL(false), "read_seq", BCON_INT64(0), "read_no", BCON_INT64(0),
                         "}"));
    return ERR_OK;
}

/* The cursor of a list of members is the key of the last one shown. */
static bool parse_key(const char *cursor, int64_t *key_out)
{
    size_t n = strlen(cursor);

    if (n == 0 || n > 19 || strspn(cursor, "0123456789") != n)
        return false;
    *key_out = strtoll(cursor, NULL, 10);
    return true;
}

/* Some members behind AFTER, as the batch will leave them. */
struct member_page {
    struct membership *rows;
    size_t n, max;
};

/* What the batch says about a member; NULL: nothing. */
static const struct membership *staged_member(const struct stage *s, int64_t chan_key,
                                              int64_t user_key)
{
    for (size_t i = s->members.n; i > 0; i--) {
        const struct membership *m = &s->members.items[i - 1].m;
        if (m->chan_key == chan_key && m->user_key == user_key)
            return m;
    }
    return NULL;
}

static enum err load_page(struct mg_conn *c, int64_t chan_key, int64_t after,
                          struct member_page *page)
{
    const bson_t *doc;
    enum err err;
    mongoc_cursor_t *cursor = mg_find(
        c, MG_MEMBERS,
        BCON_NEW("channel", BCON_INT64(chan_key), "user", "{", "$gt", BCON_INT64(after), "}"),
        BCON_NEW("sort", "{", "user", BCON_INT32(1), "}"));

    while ((err = mg_next(c, &cursor, &doc)) == ERR_OK) {
        struct membership *m = &page->rows[page->n];
        mg_read_member(doc, m);
        if (!m->exists || staged_member(&c->stage, chan_key, m->user_key) != NULL)
            continue;
        if (++page->n == page->max) {
            mongoc_cursor_destroy(cursor);
            return ERR_OK;
        }
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static int by_user(const void *a, const void *b)
{
    const struct membership *x = a;
    const struct membership *y = b;

    return x->user_key < y->user_key ? -1 : x->user_key > y->user_key;
}

/* Those that the batch adds; it makes few channels, and only at their making are they looked at. */
static void merge_staged(struct mg_conn *c, int64_t chan_key, int64_t after,
                         struct member_page *page)
{
    const struct stage *s = &c->stage;

    for (size_t i = 0; i < s->members.n && page->n < page->max; i++) {
        const struct membership *m = &s->members.items[i].m;
        if (m->chan_key == chan_key && m->exists && m->user_key > after &&
            staged_member(s, chan_key, m->user_key) == m)
            page->rows[page->n++] = *m;
    }
    if (s->members.n > 0)
        qsort(page->rows, page->n, sizeof(*page->rows), by_user);
}

static const char *key_cursor(struct arena *arena, int64_t key)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRId64, key);
    return arena_strdup(arena, text);
}

static enum err list_page(struct mg_conn *c, struct arena *arena, struct member_page *page,
                          uint32_t limit, struct store_member **out, size_t *n,
                          const char **next_out)
{
    enum err err = mg_warm_accounts(c, page->rows, page->n);

    for (size_t i = 0; err == ERR_OK && i < page->n && i < limit; i++) {
        const struct membership *m = &page->rows[i];
        const struct account *a = map_get(&c->warm.keys, &m->user_key, sizeof(m->user_key));
        if (a == NULL)
            continue;
        (*out)[(*n)++] = (struct store_member){
            .user = mg_copy_user(arena, &a->user), .role = m->role, .joined_at = m->joined_at};
    }
    if (err == ERR_OK && page->n > limit && next_out != NULL && limit > 0)
        *next_out = key_cursor(arena, page->rows[limit - 1].user_key);
    return err;
}

MG_OP(members_list, struct arena *arena, int64_t chan_key, const char *cursor, uint32_t limit,
      struct store_member **out, size_t *n, const char **next_out)
{
    struct mg_conn *c = mg(conn);
    const struct mg_people *people = map_get(&c->warm.dms, &chan_key, sizeof(chan_key));
    int64_t after = -1;

    *n = 0;
    if (next_out != NULL)
        *next_out = NULL;
    if (cursor != NULL && !parse_key(cursor, &after))
        return ERR_INVALID_PARAMS;
    if (people != NULL && cursor == NULL && next_out == NULL) {
        *out = arena_alloc(arena, (people->n + 1) * sizeof(**out));
        for (; *n < people->n; ++*n) {
            (*out)[*n] = people->members[*n];
            (*out)[*n].user = mg_copy_user(arena, &people->members[*n].user);
        }
        return ERR_OK;
    }
    *out = arena_alloc(arena, (limit + 1) * sizeof(**out));
    struct member_page page = {.max = limit + 1};
    page.rows = arena_alloc(c->arena, (page.max + 1) * sizeof(*page.rows));
    enum err err = load_page(c, chan_key, after, &page);
    if (err != ERR_OK)
        return err;
    merge_staged(c, chan_key, after, &page);
    return list_page(c, arena, &page, limit, out, n, next_out);
}
