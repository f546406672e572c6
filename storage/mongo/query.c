/* query.c - asking the database and writing into it, and what it answers. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "storage/mongo/mongo.h"

#define QUICK_NS UINT64_C(1000000000)

enum { SERVER_TOO_LARGE = 10334, SERVER_KEY_TOO_LARGE = 17280, SERVER_WRITE_CONFLICT = 112 };

/* DocumentDB passes PostgreSQL's own states on, six bits a character: two that insert the same
 * place at once may wait for each other there, until one of them is told so. */
enum { STATE_SERIALIZATION_FAILURE = 16777220, STATE_DEADLOCK = 16908292 };

static const char *const coll_names[MG_COLLS] = {
#define X(id, name) [MG_##id] = name,
    MG_COLLECTIONS(X)
#undef X
};

mongoc_collection_t *mg_coll(struct mg_conn *c, enum mg_coll coll)
{
    if (c->colls[coll] == NULL)
        c->colls[coll] = mongoc_client_get_collection(c->client, c->backend->db, coll_names[coll]);
    return c->colls[coll];
}

enum err mg_fail_text(struct mg_conn *c, enum err err, const char *reason)
{
    if (c->base.failed != ERR_OK)
        return c->base.failed;
    c->base.failed = err;
    (void)snprintf(c->base.reason, sizeof(c->base.reason), "%s", reason);
    return err;
}

/* A connection that broke is not a database that is away: whether it answers on a new one. Not
 * after a time-out: one is enough. */
static bool still_answers(struct mg_conn *c)
{
    bson_t *ping;

    if (c->pinging || clock_monotonic_ns() > c->began_ns + QUICK_NS)
        return false;
    c->pinging = true;
    ping = BCON_NEW("ping", BCON_INT32(1));
    bool fine = mongoc_client_command_simple(c->client, c->backend->db, ping, NULL, NULL, NULL);
    bson_destroy(ping);
    c->pinging = false;
    return fine;
}

/* A database that is being killed answers with errors of many kinds: all of them but those that
 * speak of the document mean that it cannot be used now. What has not been appended yet can just be
 * done again. */
enum err mg_fail(struct mg_conn *c, const bson_error_t *error)
{
    char reason[STORE_REASON_SIZE];
    bool ours = error->domain == MONGOC_ERROR_BSON || error->code == SERVER_TOO_LARGE ||
                error->code == SERVER_KEY_TOO_LARGE;

    (void)snprintf(reason, sizeof(reason), "%.100s: %.120s (MongoDB error %u)", c->backend->address,
                   error->message, error->code);
    if (ours)
        return mg_fail_text(c, ERR_INTERNAL, reason);
    if (!still_answers(c))
        keeper_away(c->backend, reason);
    else if (c->writing && !c->appending)
        return mg_fail_text(c, ERR_CONFLICT, reason);
    return mg_fail_text(c, ERR_UNAVAILABLE, reason);
}

enum err mg_lost(struct mg_conn *c)
{
    return mg_fail_text(c, ERR_CONFLICT, "another node was first");
}

mongoc_cursor_t *mg_find(struct mg_conn *c, enum mg_coll coll, bson_t *filter, bson_t *opts)
{
    bson_t *all = opts != NULL ? opts : bson_new();

    /* Else the server answers with 101 documents and waits to be asked for the rest. */
    if (!bson_has_field(all, "singleBatch"))
        (void)BSON_APPEND_INT32(all, "batchSize", MG_PAGE);
    mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(mg_coll(c, coll), filter, all, NULL);
    bson_destroy(filter);
    bson_destroy(all);
    return cursor;
}

enum err mg_next(struct mg_conn *c, mongoc_cursor_t **cursor, const bson_t **doc_out)
{
    bson_error_t error;

    if (mongoc_cursor_next(*cursor, doc_out))
        return ERR_OK;
    bool failed = mongoc_cursor_error(*cursor, &error);
    mongoc_cursor_destroy(*cursor);
    *cursor = NULL;
    *doc_out = NULL;
    return failed ? mg_fail(c, &error) : ERR_NOT_FOUND;
}

enum err mg_one(struct mg_conn *c, enum mg_coll coll, bson_t *filter, bson_t *opts,
                bson_t **doc_out)
{
    const bson_t *doc;
    bson_t *all = opts != NULL ? opts : bson_new();

    (void)BSON_APPEND_INT64(all, "limit", 1);
    (void)BSON_APPEND_BOOL(all, "singleBatch", true);
    mongoc_cursor_t *cursor = mg_find(c, coll, filter, all);
    enum err err = mg_next(c, &cursor, &doc);
    *doc_out = err == ERR_OK ? bson_copy(doc) : NULL;
    if (cursor != NULL)
        mongoc_cursor_destroy(cursor);
    return err;
}

bool mg_only_duplicates(const bson_t *reply)
{
    bson_iter_t iter;
    bson_iter_t errors;
    bson_iter_t code;
    bool any = false;

    if (bson_iter_init_find(&iter, reply, "writeConcernErrors") && BSON_ITER_HOLDS_ARRAY(&iter) &&
        bson_iter_recurse(&iter, &errors) && bson_iter_next(&errors))
        return false;
    if (!bson_iter_init_find(&iter, reply, "writeErrors") || !BSON_ITER_HOLDS_ARRAY(&iter) ||
        !bson_iter_recurse(&iter, &errors))
        return false;
    while (bson_iter_next(&errors)) {
        bson_iter_t entry;
        if (!BSON_ITER_HOLDS_DOCUMENT(&errors) || !bson_iter_recurse(&errors, &entry) ||
            !bson_iter_find_descendant(&entry, "code", &code) ||
            bson_iter_as_int64(&code) != MG_DUPLICATE)
            return false;
        any = true;
    }
    return any;
}

bool mg_taken_back(const bson_error_t *error)
{
    return error->domain != MONGOC_ERROR_STREAM &&
           (error->code == SERVER_WRITE_CONFLICT || error->code == STATE_SERIALIZATION_FAILURE ||
            error->code == STATE_DEADLOCK);
}

static enum err write_failed(struct mg_conn *c, const bson_error_t *error)
{
    return error->code == MG_DUPLICATE ? ERR_CONFLICT : mg_fail(c, error);
}

enum err mg_insert(struct mg_conn *c, enum mg_coll coll, bson_t *doc)
{
    bson_error_t error;
    bool fine = mongoc_collection_insert_one(mg_coll(c, coll), doc, NULL, NULL, &error);

    bson_destroy(doc);
    return fine ? ERR_OK : write_failed(c, &error);
}

enum err mg_update(struct mg_conn *c, enum mg_coll coll, bson_t *filter, bson_t *update,
                   bool upsert)
{
    bson_error_t error;
    bson_t reply;
    bson_t opts = BSON_INITIALIZER;

    (void)BSON_APPEND_BOOL(&opts, "upsert", upsert);
    bool fine =
        mongoc_collection_update_one(mg_coll(c, coll), filter, update, &opts, &reply, &error);
    int64_t n = fine ? mg_int(&reply, "matchedCount") + mg_int(&reply, "upsertedCount") : 0;
    bson_destroy(&reply);
    bson_destroy(&opts);
    bson_destroy(filter);
    bson_destroy(update);
    if (!fine)
        return write_failed(c, &error);
    return n > 0 ? ERR_OK : ERR_NOT_FOUND;
}

enum err mg_delete(struct mg_conn *c, enum mg_coll coll, bson_t *filter, int64_t *n_out)
{
    bson_error_t error;
    bson_t reply;
    bool fine = mongoc_collection_delete_many(mg_coll(c, coll), filter, NULL, &reply, &error);

    if (n_out != NULL)
        *n_out = fine ? mg_int(&reply, "deletedCount") : 0;
    bson_destroy(&reply);
    bson_destroy(filter);
    return fine ? ERR_OK : mg_fail(c, &error);
}

enum err mg_count(struct mg_conn *c, enum mg_coll coll, bson_t *filter, uint64_t *out)
{
    bson_error_t error;
    int64_t n =
        mongoc_collection_count_documents(mg_coll(c, coll), filter, NULL, NULL, NULL, &error);

    bson_destroy(filter);
    *out = n > 0 ? (uint64_t)n : 0;
    return n >= 0 ? ERR_OK : mg_fail(c, &error);
}

/* -- values ----------------------------------------------------------------------------------- */

static bool find(bson_iter_t *iter, const bson_t *doc, const char *name)
{
    return bson_iter_init_find(iter, doc, name);
}

char *mg_text_opt(struct arena *arena, const bson_t *doc, const char *name)
{
    bson_iter_t iter;
    uint32_t len = 0;

    if (!find(&iter, doc, name) || !BSON_ITER_HOLDS_UTF8(&iter))
        return NULL;
    const char *text = bson_iter_utf8(&iter, &len);
    return arena_strndup(arena, text, strnlen(text, len));
}

char *mg_text(struct arena *arena, const bson_t *doc, const char *name)
{
    char *text = mg_text_opt(arena, doc, name);

    return text != NULL ? text : arena_strdup(arena, "");
}

void mg_text_into(char *out, size_t out_size, const bson_t *doc, const char *name)
{
    bson_iter_t iter;
    bool there = find(&iter, doc, name) && BSON_ITER_HOLDS_UTF8(&iter);

    (void)snprintf(out, out_size, "%s", there ? bson_iter_utf8(&iter, NULL) : "");
}

int64_t mg_int(const bson_t *doc, const char *name)
{
    bson_iter_t iter;

    if (!find(&iter, doc, name))
        return 0;
    if (BSON_ITER_HOLDS_DOUBLE(&iter) && !(fabs(bson_iter_double(&iter)) <= 0x1p53))
        return 0; /* no integer that it could be */
    return bson_iter_as_int64(&iter);
}

uint64_t mg_uint(const bson_t *doc, const char *name)
{
    int64_t value = mg_int(doc, name);
    int64_t last = INT64_C(1) << 53;

    return value < 0 ? 0 : (uint64_t)(value < last ? value : last);
}

int mg_enum(const bson_t *doc, const char *name, int count)
{
    int64_t value = mg_int(doc, name);

    return value >= 0 && value < count ? (int)value : 0;
}

bool mg_has(const bson_t *doc, const char *name)
{
    return bson_has_field(doc, name);
}

bool mg_true(const bson_t *doc, const char *name)
{
    bson_iter_t iter;

    return find(&iter, doc, name) && BSON_ITER_HOLDS_BOOL(&iter) && bson_iter_bool(&iter);
}

void mg_list_begin(struct mg_list *list, const char *field)
{
    bson_init(&list->filter);
    (void)BSON_APPEND_DOCUMENT_BEGIN(&list->filter, field, &list->in);
    (void)BSON_APPEND_ARRAY_BEGIN(&list->in, "$in", &list->values);
    list->n = 0;
}

void mg_list_text(struct mg_list *list, const char *value)
{
    char room[16];
    const char *index;

    (void)bson_uint32_to_string(list->n++, &index, room, sizeof(room));
    (void)BSON_APPEND_UTF8(&list->values, index, value);
}

void mg_list_int(struct mg_list *list, int64_t value)
{
    char room[16];
    const char *index;

    (void)bson_uint32_to_string(list->n++, &index, room, sizeof(room));
    (void)BSON_APPEND_INT64(&list->values, index, value);
}

bson_t *mg_list_end(struct mg_list *list)
{
    (void)bson_append_array_end(&list->in, &list->values);
    (void)bson_append_document_end(&list->filter, &list->in);
    bson_t *out = bson_copy(&list->filter);
    bson_destroy(&list->filter);
    return out;
}
