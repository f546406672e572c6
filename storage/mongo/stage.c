#include "storage/mongo/stage.h"

#include <stdlib.h>
#include <string.h>

#include "storage/mongo/mongo.h"

void stage_clear(struct stage *s)
{
    for (size_t i = 0; i < s->writes.n; i++) {
        bson_destroy(s->writes.items[i].filter);
        bson_destroy(s->writes.items[i].update);
    }
    s->events.n = 0;
    s->redone.n = 0;
    s->writes.n = 0;
    s->claims.n = 0;
    s->mentions.n = 0;
    s->members.n = 0;
    s->expected.n = 0;
    s->req = 0;
    s->heavy = false;
    s->durable = 0;
    late_clear(&s->late);
    map_clear(&s->places);
    map_clear(&s->ids);
    map_clear(&s->dedups);
}

void stage_free(struct stage *s)
{
    stage_clear(s);
    free(s->events.items);
    free(s->redone.items);
    free(s->writes.items);
    free(s->claims.items);
    free(s->mentions.items);
    free(s->members.items);
    free(s->expected.items);
    map_free(&s->places);
    map_free(&s->ids);
    map_free(&s->dedups);
}

void stage_write(struct mg_conn *c, int coll, enum write_kind kind, bson_t *filter, bson_t *update)
{
    *STAGE_ADD(c->stage.writes) = (struct staged_write){
        .req = c->stage.req, .coll = coll, .kind = kind, .filter = filter, .update = update};
}

struct staged_event *stage_event_at(const struct stage *s, int64_t key, uint64_t seq)
{
    int64_t place[2] = {key, (int64_t)seq};
    const size_t *index = map_get(&s->places, place, sizeof(place));

    return index != NULL ? &s->events.items[*index] : NULL;
}

struct message_row *stage_message(const struct stage *s, const char *id)
{
    return map_get(&s->ids, id, strlen(id));
}

void stage_keep_message(struct mg_conn *c, const struct message_row *row)
{
    struct arena *a = c->arena;
    struct message_row *kept = stage_message(&c->stage, row->m.id);

    if (kept == NULL) {
        kept = arena_alloc(a, sizeof(*kept));
        char *id = arena_strdup(a, row->m.id);
        map_put(&c->stage.ids, id, strlen(id), kept);
    }
    stage_copy_message(a, row, kept);
}

void stage_copy_message(struct arena *arena, const struct message_row *row, struct message_row *out)
{
    const struct store_message m = row->m;
    const char **ids = arena_alloc(arena, (m.mentions_n + 1) * sizeof(*ids));

    for (size_t i = 0; i < m.mentions_n; i++)
        ids[i] = arena_strdup(arena, m.mentions[i]);
    *out = *row;
    out->m.id = arena_strdup(arena, m.id);
    out->m.channel = arena_strdup(arena, m.channel);
    out->m.author = arena_strdup(arena, m.author);
    out->m.text = arena_strdup(arena, m.text);
    out->m.client_msg_id = arena_strdup(arena, m.client_msg_id);
    out->m.as_name = arena_strdup(arena, m.as_name);
    out->m.as_icon = arena_strdup(arena, m.as_icon);
    out->m.mentions = m.mentions_n > 0 ? ids : NULL;
}
