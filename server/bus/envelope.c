#include "server/bus/envelope.h"

#include <bson/bson.h>
#include <string.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/macros.h"
#include "base/utf8.h"

static const char *const control_names[] = {
#define X(name, wire) wire,
    CONTROL_MAP(X)
#undef X
};

/* -- writing ---------------------------------------------------------------------------------- */

static void put_text(bson_t *doc, const char *key, const char *text, size_t n)
{
    (void)bson_append_utf8(doc, key, -1, text, (int)n);
}

/* Left out when there is none. */
static void put_opt(bson_t *doc, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0')
        put_text(doc, key, text, strlen(text));
}

static void put_number(bson_t *doc, const char *key, uint64_t value)
{
    if (value != 0)
        (void)bson_append_int64(doc, key, -1, (int64_t)value);
}

static void begin(bson_t *doc, const char *node)
{
    bson_init(doc);
    (void)bson_append_int32(doc, "v", -1, ENVELOPE_VERSION);
    put_opt(doc, "node", node);
}

static void finish(bson_t *doc, struct buf *out)
{
    buf_put(out, bson_get_data(doc), doc->len);
    bson_destroy(doc);
}

void envelope_put(struct buf *out, const struct envelope *e)
{
    bson_t doc;

    begin(&doc, e->node);
    put_opt(&doc, "stream", e->stream);
    put_opt(&doc, "epoch", e->epoch);
    put_number(&doc, "seq", e->seq);
    (void)bson_append_int32(&doc, "flags", -1, (int32_t)e->flags);
    put_text(&doc, "json", e->json, e->json_len);
    (void)bson_append_int32(&doc, "type", -1, (int32_t)e->type);
    put_opt(&doc, "subject", e->subject);
    put_number(&doc, "subject_seq", e->subject_seq);
    put_opt(&doc, "except", e->except);
    finish(&doc, out);
}

void control_put(struct buf *out, const struct control *c)
{
    bson_t doc;
    bson_t list;

    begin(&doc, c->node);
    put_opt(&doc, "do", control_names[c->kind]);
    put_opt(&doc, "user", c->user);
    put_opt(&doc, "session", c->session);
    put_opt(&doc, "except", c->except);
    put_opt(&doc, "name", c->name);
    (void)bson_append_int32(&doc, "role", -1, (int32_t)c->role);
    put_number(&doc, "seq", c->seq);
    if (c->json_len > 0)
        put_text(&doc, "json", c->json, c->json_len);
    put_opt(&doc, "states", c->states);
    (void)bson_append_array_begin(&doc, "list", -1, &list);
    for (size_t i = 0; i < c->list_n; i++) {
        char index[16];
        const char *key;
        (void)bson_uint32_to_string((uint32_t)i, &key, index, sizeof(index));
        put_text(&list, key, c->list[i], strlen(c->list[i]));
    }
    (void)bson_append_array_end(&doc, &list);
    finish(&doc, out);
}

void node_info_put(struct buf *out, const struct node_info *info)
{
    bson_t doc;

    begin(&doc, info->id);
    put_opt(&doc, "name", info->name);
    put_opt(&doc, "version", info->version);
    put_number(&doc, "started", (uint64_t)info->started_ms);
    put_number(&doc, "uptime", info->uptime_ms);
    put_number(&doc, "beat", info->beat);
    put_number(&doc, "connections", info->connections);
    put_number(&doc, "lag", info->lag_ns);
    (void)bson_append_bool(&doc, "draining", -1, info->draining);
    finish(&doc, out);
}

/* -- reading ---------------------------------------------------------------------------------- */

/* Where a member of a document goes. */
enum kind { TEXT, JSON, UINT64, INT32, FLAG, LIST };

struct field {
    const char *name;
    enum kind kind;
    size_t max; /* TEXT: bytes; INT32: the largest */
    void *to;
    size_t *len_to; /* JSON: its length; LIST: how many */
};

static bool read_text(bson_iter_t *iter, const struct field *field)
{
    uint32_t n = 0;
    const char *text = BSON_ITER_HOLDS_UTF8(iter) ? bson_iter_utf8(iter, &n) : NULL;

    if (text == NULL || strlen(text) != n || n > field->max || !utf8_is_valid(text, n))
        return false;
    *(const char **)field->to = text;
    return true;
}

/* It goes out as it is: a whole object, and one line of it. */
static bool read_json(bson_iter_t *iter, const struct field *field)
{
    uint32_t n = 0;
    const char *text = BSON_ITER_HOLDS_UTF8(iter) ? bson_iter_utf8(iter, &n) : NULL;

    if (text == NULL || strlen(text) != n || n < 2 || text[0] != '{' || text[n - 1] != '}' ||
        !utf8_is_valid(text, n))
        return false;
    *(const char **)field->to = text;
    *field->len_to = n;
    return true;
}

static bool read_number(bson_iter_t *iter, const struct field *field)
{
    if (field->kind == INT32) {
        if (!BSON_ITER_HOLDS_INT32(iter) || bson_iter_int32(iter) < 0 ||
            (size_t)bson_iter_int32(iter) > field->max)
            return false;
        *(uint32_t *)field->to = (uint32_t)bson_iter_int32(iter);
        return true;
    }
    if (!BSON_ITER_HOLDS_INT64(iter) || bson_iter_int64(iter) < 0)
        return false;
    *(uint64_t *)field->to = (uint64_t)bson_iter_int64(iter);
    return true;
}

static bool read_list(bson_iter_t *iter, const struct field *field)
{
    bson_iter_t item;
    struct field text = {.kind = TEXT, .max = STORE_STREAM_SIZE - 1};
    const char **list = field->to;

    if (!BSON_ITER_HOLDS_ARRAY(iter) || !bson_iter_recurse(iter, &item))
        return false;
    for (*field->len_to = 0; bson_iter_next(&item); ++*field->len_to) {
        if (*field->len_to == CONTROL_LIST_MAX)
            return false;
        text.to = &list[*field->len_to];
        if (!read_text(&item, &text))
            return false;
    }
    return item.err_off == 0;
}

static bool read_field(bson_iter_t *iter, const struct field *field)
{
    switch (field->kind) {
    case TEXT:
        return read_text(iter, field);
    case JSON:
        return read_json(iter, field);
    case LIST:
        return read_list(iter, field);
    case FLAG:
        *(bool *)field->to = BSON_ITER_HOLDS_BOOL(iter) && bson_iter_bool(iter);
        return BSON_ITER_HOLDS_BOOL(iter);
    default:
        return read_number(iter, field);
    }
}

/* The version comes first, so that nothing of another version is looked at. */
static enum envelope_fault open_document(const void *bytes, size_t n, bson_t *doc,
                                         bson_iter_t *iter)
{
    if (n > ENVELOPE_BYTES_MAX)
        return ENVELOPE_OVERSIZE;
    if (!bson_init_static(doc, bytes, n) || !bson_iter_init(iter, doc) || !bson_iter_next(iter) ||
        strcmp(bson_iter_key(iter), "v") != 0 || !BSON_ITER_HOLDS_INT32(iter))
        return ENVELOPE_MALFORMED;
    return bson_iter_int32(iter) == ENVELOPE_VERSION ? ENVELOPE_OK : ENVELOPE_OTHER_VERSION;
}

static enum envelope_fault read_document(const void *bytes, size_t n, const struct field *fields,
                                         size_t fields_n)
{
    bson_t doc;
    bson_iter_t iter;
    enum envelope_fault fault = open_document(bytes, n, &doc, &iter);

    if (fault != ENVELOPE_OK)
        return fault;
    while (bson_iter_next(&iter))
        for (size_t i = 0; i < fields_n; i++)
            if (strcmp(bson_iter_key(&iter), fields[i].name) == 0 && !read_field(&iter, &fields[i]))
                return ENVELOPE_MALFORMED;
    return iter.err_off == 0 ? ENVELOPE_OK : ENVELOPE_MALFORMED;
}

/* A stream's name as the store makes them: c:, u: or r: and an id. */
static bool is_stream(const char *name)
{
    return (name[0] == 'c' || name[0] == 'u' || name[0] == 'r') && name[1] == ':' &&
           id_is_valid(name + 2);
}

static bool is_id_or_empty(const char *text)
{
    return text[0] == '\0' || id_is_valid(text);
}

enum envelope_fault envelope_read(const void *bytes, size_t n, struct envelope *out)
{
    uint32_t type = STORE_EVENT_TYPES;
    const struct field fields[] = {
        {"node", TEXT, ID_MAX, &out->node, NULL},
        {"stream", TEXT, STORE_STREAM_SIZE - 1, &out->stream, NULL},
        {"epoch", TEXT, STORE_EPOCH_SIZE - 1, &out->epoch, NULL},
        {"seq", UINT64, 0, &out->seq, NULL},
        {"flags", INT32, ENVELOPE_EPHEMERAL, &out->flags, NULL},
        {"json", JSON, 0, &out->json, &out->json_len},
        {"type", INT32, STORE_EVENT_TYPES - 1, &type, NULL},
        {"subject", TEXT, ID_MAX, &out->subject, NULL},
        {"subject_seq", UINT64, 0, &out->subject_seq, NULL},
        {"except", TEXT, ID_MAX, &out->except, NULL},
    };

    *out = (struct envelope){
        .node = "", .stream = "", .epoch = "", .subject = "", .except = "", .json = ""};
    enum envelope_fault fault = read_document(bytes, n, fields, ARRAY_LEN(fields));
    if (fault != ENVELOPE_OK)
        return fault;
    bool ephemeral = (out->flags & ENVELOPE_EPHEMERAL) != 0;
    if (!id_is_valid(out->node) || !is_stream(out->stream) || out->json_len == 0 ||
        type >= STORE_EVENT_TYPES || ephemeral != (out->seq == 0) ||
        ephemeral != (out->epoch[0] == '\0') || !is_id_or_empty(out->subject) ||
        !is_id_or_empty(out->except))
        return ENVELOPE_MALFORMED;
    out->type = (enum store_event_type)type;
    return ENVELOPE_OK;
}

static bool control_is_whole(const struct control *c)
{
    switch (c->kind) {
    case CONTROL_EPHEMERAL:
        for (size_t i = 0; i < c->list_n; i++)
            if (!is_stream(c->list[i]))
                return false;
        return c->json_len > 0;
    case CONTROL_PRESENCE:
        for (size_t i = 0; i < c->list_n; i++)
            if (!id_is_valid(c->list[i]))
                return false;
        return strlen(c->states) == c->list_n;
    case CONTROL_ROLE:
        return c->user[0] != '\0';
    case CONTROL_DRAIN:
        return c->name[0] != '\0';
    default:
        return true;
    }
}

enum envelope_fault control_read(const void *bytes, size_t n, struct control *out)
{
    const char *what = "";
    uint32_t role = 0;
    const struct field fields[] = {
        {"node", TEXT, ID_MAX, &out->node, NULL},
        {"do", TEXT, 16, &what, NULL},
        {"user", TEXT, ID_MAX, &out->user, NULL},
        {"session", TEXT, ID_MAX, &out->session, NULL},
        {"except", TEXT, ID_MAX, &out->except, NULL},
        {"name", TEXT, 64, &out->name, NULL},
        {"role", INT32, STORE_ROLE_OWNER, &role, NULL},
        {"seq", UINT64, 0, &out->seq, NULL},
        {"json", JSON, 0, &out->json, &out->json_len},
        {"states", TEXT, CONTROL_LIST_MAX, &out->states, NULL},
        {"list", LIST, 0, out->list, &out->list_n},
    };

    *out = (struct control){.kind = CONTROL_KINDS,
                            .node = "",
                            .user = "",
                            .session = "",
                            .except = "",
                            .name = "",
                            .json = "",
                            .states = ""};
    enum envelope_fault fault = read_document(bytes, n, fields, ARRAY_LEN(fields));
    if (fault != ENVELOPE_OK)
        return fault;
    for (size_t i = 0; i < CONTROL_KINDS; i++)
        if (strcmp(what, control_names[i]) == 0)
            out->kind = (enum control_kind)i;
    out->role = (enum store_role)role;
    if (out->kind == CONTROL_KINDS || !id_is_valid(out->node) || !is_id_or_empty(out->user) ||
        !is_id_or_empty(out->session) || !is_id_or_empty(out->except) || !control_is_whole(out))
        return ENVELOPE_MALFORMED;
    return ENVELOPE_OK;
}

enum envelope_fault node_info_read(const void *bytes, size_t n, struct node_info *out)
{
    uint64_t started = 0;
    const struct field fields[] = {
        {"node", TEXT, ID_MAX, &out->id, NULL},
        {"name", TEXT, ID_MAX, &out->name, NULL},
        {"version", TEXT, 32, &out->version, NULL},
        {"started", UINT64, 0, &started, NULL},
        {"uptime", UINT64, 0, &out->uptime_ms, NULL},
        {"beat", UINT64, 0, &out->beat, NULL},
        {"connections", UINT64, 0, &out->connections, NULL},
        {"lag", UINT64, 0, &out->lag_ns, NULL},
        {"draining", FLAG, 0, &out->draining, NULL},
    };

    *out = (struct node_info){.id = "", .name = "", .version = ""};
    enum envelope_fault fault = read_document(bytes, n, fields, ARRAY_LEN(fields));
    out->started_ms = (int64_t)started;
    if (fault == ENVELOPE_OK && (!id_is_valid(out->id) || out->name[0] == '\0'))
        return ENVELOPE_MALFORMED;
    return fault;
}
