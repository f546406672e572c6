/* fuzz_event.c - replaying an event whose data is anything at all, over a database that always has
 * what is asked for: no crash, and no row that breaks a bound. The first byte is the event's type.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "storage/apply.h"
#include "storage/mentions.h"

static enum err user_get(struct store_conn *conn, struct arena *arena, const char *ref, bool secret,
                         struct account *out)
{
    (void)conn;
    (void)secret;
    if (ref[0] == '\0')
        return ERR_NOT_FOUND;
    *out = (struct account){
        .key = 1, .user = {.id = arena_strdup(arena, ref), .name = "ann", .display_name = "Ann"}};
    return ERR_OK;
}

static enum err user_by_key(struct store_conn *conn, struct arena *arena, int64_t key,
                            struct account *out)
{
    (void)key;
    return user_get(conn, arena, "u1", false, out);
}

static enum err stream_get(struct store_conn *conn, const char *name, struct stream *out)
{
    (void)conn;
    *out = (struct stream){.key = 2, .epoch = "e", .seq = 100};
    (void)snprintf(out->name, sizeof(out->name), "%s", name);
    return ERR_OK;
}

static enum err chan_get(struct store_conn *conn, struct arena *arena, const char *ref,
                         struct chan *out)
{
    (void)arena;
    *out = (struct chan){.name = "general", .topic = "", .members = 1};
    (void)snprintf(out->id, sizeof(out->id), "%s", ref);
    return stream_get(conn, "c:c1", &out->stream);
}

static enum err chan_write(struct store_conn *conn, const struct chan *chan)
{
    (void)conn;
    if (chan->name == NULL || chan->topic == NULL || chan->type > STORE_DM ||
        (chan->dm_key != NULL && strlen(chan->dm_key) >= STORE_DM_KEY_SIZE))
        abort();
    return ERR_OK;
}

static enum err member_get(struct store_conn *conn, int64_t chan_key, int64_t user_key,
                           struct membership *out)
{
    (void)conn;
    *out = (struct membership){.chan_key = chan_key, .user_key = user_key, .exists = true};
    return ERR_OK;
}

static enum err member_write(struct store_conn *conn, const struct membership *member)
{
    (void)conn;
    if (member->role > STORE_MODERATOR)
        abort();
    return ERR_OK;
}

static enum err pair_write(struct store_conn *conn, int64_t a, int64_t b)
{
    (void)conn;
    (void)a;
    (void)b;
    return ERR_OK;
}

static enum err mention_write(struct store_conn *conn, int64_t user, int64_t chan, uint64_t seq)
{
    (void)seq;
    return pair_write(conn, user, chan);
}

static enum err message_write(struct store_conn *conn, const struct message_row *row)
{
    (void)conn;
    if (row->m.id == NULL || row->m.mentions_n > MENTIONS_MAX)
        abort();
    for (size_t i = 0; i < row->m.mentions_n; i++)
        if (row->m.mentions[i] == NULL)
            abort();
    return ERR_OK;
}

static enum err message_get(struct store_conn *conn, struct arena *arena, const char *id,
                            struct message_row *out)
{
    (void)conn;
    *out = (struct message_row){
        .m = {.id = arena_strdup(arena, id), .channel = "c1", .seq = 7, .text = "old"}};
    return ERR_OK;
}

static enum err msg_no_at(struct store_conn *conn, int64_t chan_key, uint64_t seq, uint64_t *out)
{
    (void)conn;
    (void)chan_key;
    *out = seq;
    return ERR_OK;
}

static const struct store_ops ops = {
    .user_get = user_get,
    .user_by_key = user_by_key,
    .stream_get = stream_get,
    .chan_get = chan_get,
    .chan_add = chan_write,
    .chan_save = chan_write,
    .chan_remove = chan_write,
    .member_get = member_get,
    .member_add = member_write,
    .member_save = member_write,
    .member_remove = pair_write,
    .mentions_forget = pair_write,
    .mention_add = mention_write,
    .mention_remove = mention_write,
    .message_add = message_write,
    .message_save = message_write,
    .message_get = message_get,
    .msg_no_at = msg_no_at,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct store_conn conn = {.ops = &ops};
    struct txn txn;
    struct arena *arena = arena_create();

    if (size == 0) {
        arena_destroy(&arena);
        return 0;
    }
    struct event_row row = {.seq = 9,
                            .type = (enum store_event_type)(data[0] % STORE_EVENT_TYPES),
                            .actor_key = 1,
                            .at = 1000,
                            .subject = size % 3 == 0 ? NULL : "c1",
                            .link = size % 5,
                            .data = mem_strndup((const char *)data + 1, size - 1),
                            .data_len = size - 1};
    txn_init(&txn, &conn);
    (void)apply_event(&txn, arena, row.type == STORE_EVENT_READ_MARKED ? "r:u1" : "c:c1", &row);
    txn_free(&txn);
    arena_destroy(&arena);
    free((char *)(uintptr_t)row.data);
    return 0;
}
