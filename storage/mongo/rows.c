/* rows.c - documents and the rows that they stand for, and the keys that follow from names. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "storage/mentions.h"
#include "storage/mongo/mongo.h"

int64_t mg_stream_key(const char *name)
{
    uint64_t hash;

    (void)crypto_generichash((unsigned char *)&hash, sizeof(hash), (const unsigned char *)name,
                             strlen(name), NULL, 0);
    return (int64_t)(hash >> 1) | 1;
}

/* The bits FROM to FROM + N of an id, which begins with its time (base/id.h). */
static uint64_t id_bits(const char *id, unsigned from, unsigned n)
{
    static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
    uint64_t out = 0;

    for (unsigned bit = from + 2; bit < from + 2 + n; bit++) { /* two zero bits lead */
        const char *at = strchr(alphabet, id[bit / 5]);
        unsigned value = at != NULL ? (unsigned)(at - alphabet) : 0;
        out = out << 1 | (value >> (4 - bit % 5) & 1);
    }
    return out;
}

/* 43 bits of the time in ms, the counter, and some of the random ones: unique, but for what its
 * index refuses. */
int64_t mg_account_key(const char *id)
{
    if (strlen(id) != ID_SIZE - 1)
        return mg_stream_key(id);
    return (int64_t)(id_bits(id, 5, 43) << 20 | id_bits(id, 52, 12) << 8 | id_bits(id, 66, 8));
}

void mg_member_id(int64_t chan_key, int64_t user_key, char id_out[MG_MEMBER_ID_SIZE])
{
    (void)snprintf(id_out, MG_MEMBER_ID_SIZE, "%016" PRIx64 ":%016" PRIx64, (uint64_t)chan_key,
                   (uint64_t)user_key);
}

const char *mg_dedup(struct arena *arena, int64_t author_key, const char *client_msg_id)
{
    size_t n = strlen(client_msg_id) + 24;
    char *out = arena_alloc(arena, n);

    (void)snprintf(out, n, "%" PRId64 ":%s", author_key, client_msg_id);
    return out;
}

const char *mg_follower_id(struct arena *arena, const char *id)
{
    size_t n = strlen(id);
    char *out = arena_alloc(arena, n + 3);

    memcpy(out, id, n);
    memcpy(out + n, ".f", 3);
    return out;
}

void mg_append_text(bson_t *doc, const char *name, const char *value)
{
    if (value != NULL)
        (void)BSON_APPEND_UTF8(doc, name, value);
}

void mg_read_stream(const bson_t *doc, const char *epoch, struct stream *out)
{
    *out = (struct stream){
        .key = mg_int(doc, "key"), .seq = mg_uint(doc, "seq"), .msg_no = mg_uint(doc, "msg_no")};
    mg_text_into(out->name, sizeof(out->name), doc, "_id");
    (void)snprintf(out->epoch, sizeof(out->epoch), "%s", epoch);
}

bool mg_read_chan(struct arena *arena, const bson_t *doc, const char *epoch, struct chan *out)
{
    *out = (struct chan){.type = (enum store_channel_type)mg_enum(doc, "type", STORE_DM + 1),
                         .name = mg_text(arena, doc, "name"),
                         .topic = mg_text(arena, doc, "topic"),
                         .dm_key = mg_text_opt(arena, doc, "dm_key"),
                         .created_at = mg_int(doc, "created_at"),
                         .archived_at = mg_int(doc, "archived_at"),
                         .members = mg_uint(doc, "members")};
    mg_read_stream(doc, epoch, &out->stream);
    if (out->stream.name[0] == 'c')
        (void)snprintf(out->id, sizeof(out->id), "%.*s", ID_MAX, out->stream.name + 2);
    return mg_has(doc, "type") && !mg_true(doc, "gone");
}

void mg_read_user(struct arena *arena, const bson_t *doc, struct account *out)
{
    *out = (struct account){
        .key = mg_int(doc, "key"),
        .user = {.id = mg_text(arena, doc, "_id"),
                 .name = mg_text(arena, doc, "name"),
                 .display_name = mg_text(arena, doc, "display_name"),
                 .role = (enum store_role)mg_enum(doc, "role", STORE_ROLE_OWNER + 1),
                 .created_at = mg_int(doc, "created_at"),
                 .disabled_at = mg_int(doc, "disabled_at"),
                 .owner = mg_text_opt(arena, doc, "owner"),
                 .hook = mg_true(doc, "hook")}};
}

void mg_read_member(const bson_t *doc, struct membership *out)
{
    *out = (struct membership){
        .chan_key = mg_int(doc, "channel"),
        .user_key = mg_int(doc, "user"),
        .exists = mg_true(doc, "exists"),
        .role = (enum store_member_role)mg_enum(doc, "role", STORE_MODERATOR + 1),
        .joined_at = mg_int(doc, "joined_at"),
        .read_seq = mg_uint(doc, "read_seq"),
        .read_no = mg_uint(doc, "read_no")};
}

/* The client_msg_id in what is unique about it; "=..." has none. */
static const char *client_msg_id_of(struct arena *arena, const bson_t *doc)
{
    char *dedup = mg_text_opt(arena, doc, "dedup");
    char *colon = dedup != NULL ? strchr(dedup, ':') : NULL;

    return dedup == NULL || dedup[0] == '=' || colon == NULL ? NULL : colon + 1;
}

void mg_read_event(struct arena *arena, const bson_t *doc, struct event_row *out)
{
    *out =
        (struct event_row){.seq = mg_uint(doc, "seq"),
                           .type = (enum store_event_type)mg_enum(doc, "type", STORE_EVENT_TYPES),
                           .actor = mg_text(arena, doc, "actor"),
                           .at = mg_int(doc, "at"),
                           .subject = mg_text_opt(arena, doc, "subject"),
                           .link = mg_uint(doc, "link"),
                           .client_msg_id = client_msg_id_of(arena, doc),
                           .data = mg_text(arena, doc, "data")};
    out->data_len = strlen(out->data);
    out->actor_key = mg_account_key(out->actor);
}

static void read_mentions(struct arena *arena, const bson_t *doc, struct store_message *m)
{
    bson_iter_t iter;
    bson_iter_t list;

    if (!bson_iter_init_find(&iter, doc, "mentions") || !BSON_ITER_HOLDS_ARRAY(&iter) ||
        !bson_iter_recurse(&iter, &list))
        return;
    const char **ids = arena_alloc(arena, MENTIONS_MAX * sizeof(*ids));
    while (m->mentions_n < MENTIONS_MAX && bson_iter_next(&list))
        if (BSON_ITER_HOLDS_UTF8(&list))
            ids[m->mentions_n++] = arena_strdup(arena, bson_iter_utf8(&list, NULL));
    m->mentions = m->mentions_n > 0 ? ids : NULL;
}

void mg_read_message(struct arena *arena, const bson_t *doc, struct message_row *out)
{
    const char *stream = mg_text(arena, doc, "stream");

    *out = (struct message_row){.chan_key = mg_int(doc, "key"),
                                .last_edit = mg_uint(doc, "last_edit"),
                                .m = {.id = mg_text(arena, doc, "_id"),
                                      .channel = strlen(stream) > 2 ? stream + 2 : "",
                                      .seq = mg_uint(doc, "seq"),
                                      .msg_no = mg_uint(doc, "no"),
                                      .author = mg_text(arena, doc, "actor"),
                                      .text = mg_text_opt(arena, doc, "text"),
                                      .client_msg_id = client_msg_id_of(arena, doc),
                                      .as_name = mg_text_opt(arena, doc, "as_name"),
                                      .as_icon = mg_text_opt(arena, doc, "as_icon"),
                                      .created_at = mg_int(doc, "at"),
                                      .edited_at = mg_int(doc, "edited_at"),
                                      .deleted_at = mg_int(doc, "deleted_at")}};
    out->author_key = mg_account_key(out->m.author);
    read_mentions(arena, doc, &out->m);
}
