/* rows.c - rows that several statements give, see SQ_CHAN, SQ_USER and SQ_MESSAGE. */
#include <stdio.h>
#include <string.h>

#include "storage/sqlite/sqlite.h"

void sq_chan(struct arena *arena, sqlite3_stmt *stmt, struct chan *out)
{
    *out = (struct chan){.type = (enum store_channel_type)sq_enum(stmt, 3, STORE_DM + 1),
                         .name = sq_text(arena, stmt, 2),
                         .topic = sq_text(arena, stmt, 4),
                         .dm_key = sq_text_opt(arena, stmt, 5),
                         .created_at = sq_int(stmt, 6),
                         .archived_at = sq_int(stmt, 7),
                         .members = sq_uint(stmt, 8)};
    sq_text_into(out->id, sizeof(out->id), stmt, 1);
    out->stream.key = sq_int(stmt, 0);
    (void)snprintf(out->stream.name, sizeof(out->stream.name), "c:%s", out->id);
    sq_text_into(out->stream.epoch, sizeof(out->stream.epoch), stmt, 9);
    out->stream.seq = sq_uint(stmt, 10);
    out->stream.msg_no = sq_uint(stmt, 11);
}

void sq_user(struct arena *arena, sqlite3_stmt *stmt, struct account *out)
{
    *out =
        (struct account){.key = sq_int(stmt, 0),
                         .user = {.id = sq_text(arena, stmt, 1),
                                  .name = sq_text(arena, stmt, 2),
                                  .display_name = sq_text(arena, stmt, 3),
                                  .role = (enum store_role)sq_enum(stmt, 4, STORE_ROLE_OWNER + 1),
                                  .created_at = sq_int(stmt, 5),
                                  .disabled_at = sq_int(stmt, 6),
                                  .owner = sq_text_opt(arena, stmt, 7),
                                  .hook = sq_int(stmt, 8) != 0}};
}

void sq_session(struct arena *arena, sqlite3_stmt *stmt, int at, struct store_session *out)
{
    *out = (struct store_session){.id = sq_text(arena, stmt, at),
                                  .user = sq_text(arena, stmt, at + 1),
                                  .created_at = sq_int(stmt, at + 2),
                                  .last_seen_at = sq_int(stmt, at + 3),
                                  .expires_at = sq_int(stmt, at + 4),
                                  .address = sq_text(arena, stmt, at + 5),
                                  .agent = sq_text(arena, stmt, at + 6),
                                  .label = sq_text_opt(arena, stmt, at + 7),
                                  .scopes = sq_text_opt(arena, stmt, at + 8),
                                  .channels = sq_text_opt(arena, stmt, at + 9)};
}

/* Mentions are kept as ids with a blank between. */
static void split_mentions(struct arena *arena, char *text, struct store_message *m)
{
    size_t n = 1;

    if (text == NULL || *text == '\0')
        return;
    for (const char *p = text; *p != '\0'; p++)
        n += *p == ' ' ? 1 : 0;
    const char **ids = arena_alloc(arena, n * sizeof(*ids));
    m->mentions = ids;
    m->mentions_n = n;
    for (size_t i = 0; i < n; i++) {
        ids[i] = text;
        text += strcspn(text, " ");
        if (*text == ' ')
            *text++ = '\0';
    }
}

void sq_message(struct arena *arena, sqlite3_stmt *stmt, const char *channel,
                struct message_row *out)
{
    int64_t pos = sq_int(stmt, 0);

    *out = (struct message_row){.chan_key = pos >> SQ_SEQ_BITS,
                                .author_key = sq_int(stmt, 3),
                                .last_edit = sq_uint(stmt, 10),
                                .m = {.id = sq_text(arena, stmt, 1),
                                      .channel = channel,
                                      .seq = (uint64_t)pos & ((UINT64_C(1) << SQ_SEQ_BITS) - 1),
                                      .msg_no = sq_uint(stmt, 2),
                                      .author = sq_text(arena, stmt, 13),
                                      .text = sq_text_opt(arena, stmt, 4),
                                      .client_msg_id = sq_text_opt(arena, stmt, 5),
                                      .as_name = sq_text_opt(arena, stmt, 11),
                                      .as_icon = sq_text_opt(arena, stmt, 12),
                                      .created_at = sq_int(stmt, 6),
                                      .edited_at = sq_int(stmt, 7),
                                      .deleted_at = sq_int(stmt, 8)}};
    split_mentions(arena, sq_text_opt(arena, stmt, 9), &out->m);
}
