/* schema.c - the indexes, the version, the epoch. All of it may be done again, by several nodes at
 * once.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/macros.h"
#include "storage/mongo/address.h"

enum { SCHEMA_VERSION = 3, WIRE_VERSION_MIN = 17 /* MongoDB 6 */ };
enum { TRIES = 20, PAUSE_MS = 100, PAUSE_SPREAD_MS = 400 };

struct index {
    const char *coll, *name;
    const char *fields[3];
    bool unique;
};

static const struct index indexes[] = {
    {"events", "place", {"key", "seq"}, true},
    {"events", "dedup", {"dedup"}, true},
    {"streams", "key", {"key"}, true},
    {"streams", "name", {"name"}, false},
    {"members", "channel", {"channel", "user"}, false},
    {"members", "user", {"user"}, false},
    {"mentions", "user", {"user", "channel", "seq"}, false},
    {"users", "key", {"key"}, true},
    {"users", "name", {"name"}, true},
    {"users", "role", {"role"}, false},
    {"users", "owner", {"owner", "name"}, false},
    {"sessions", "hash", {"hash"}, true},
    {"sessions", "user", {"user_key", "created_at"}, false},
    {"sessions", "expires", {"expires_at"}, false},
    {"invites", "hash", {"hash"}, true},
    {"hooks", "hash", {"hash"}, true},
    {"hooks", "slot", {"slot"}, true},
    {"hooks", "channel", {"channel"}, false},
    {"hooks", "kind", {"kind"}, false},
    {"hook_failures", "hook", {"hook", "seq"}, true},
};

static enum err make_index(struct mg_conn *c, const struct index *index,
                           char error_out[STORE_ERROR_SIZE])
{
    bson_t keys = BSON_INITIALIZER;
    bson_t reply;
    bson_error_t error;

    for (size_t i = 0; i < ARRAY_LEN(index->fields) && index->fields[i] != NULL; i++)
        (void)BSON_APPEND_INT32(&keys, index->fields[i], 1);
    bson_t *command = BCON_NEW("createIndexes", BCON_UTF8(index->coll), "indexes", "[", "{", "key",
                               BCON_DOCUMENT(&keys), "name", BCON_UTF8(index->name), "unique",
                               BCON_BOOL(index->unique), "}", "]");
    bool fine = mongoc_client_write_command_with_opts(c->client, c->backend->db, command, NULL,
                                                      &reply, &error);
    bson_destroy(command);
    bson_destroy(&reply);
    bson_destroy(&keys);
    return fine ? ERR_OK : mg_explain(c->backend, &error, error_out);
}

/* The value of the setting ID: VALUE, if it is not there yet. *FOUND_OUT is to be destroyed. */
static enum err settle(struct mg_conn *c, const char *id, const bson_t *value, bool existing,
                       bson_t **found_out, char error_out[STORE_ERROR_SIZE])
{
    bson_error_t error;
    bson_t reply;
    bson_t *opts = BCON_NEW("upsert", BCON_BOOL(true));
    bson_t *filter = BCON_NEW("_id", BCON_UTF8(id));
    bson_t *update = BCON_NEW("$setOnInsert", BCON_DOCUMENT(value));
    bool fine = true;

    if (!existing)
        fine =
            mongoc_collection_update_one(mg_coll(c, MG_META), filter, update, opts, &reply, &error);
    if (!existing)
        bson_destroy(&reply);
    bson_destroy(opts);
    bson_destroy(filter);
    bson_destroy(update);
    if (!fine && error.code != MG_DUPLICATE)
        return mg_explain(c->backend, &error, error_out);
    enum err err = mg_one(c, MG_META, BCON_NEW("_id", BCON_UTF8(id)), NULL, found_out);
    if (err == ERR_NOT_FOUND)
        (void)snprintf(error_out, STORE_ERROR_SIZE,
                       "%s: there is no Parley database \"%s\": check the address",
                       c->backend->address, c->backend->db);
    else if (err != ERR_OK)
        (void)snprintf(error_out, STORE_ERROR_SIZE, "%s", c->base.reason);
    return err;
}

/* What a version adds needs no work, only that an older Parley does not open the database any more:
 * 2: accounts have an owner, and sessions label, scopes and channels;
 * 3: there are hooks and hook_failures, accounts have hook, and messages as. */
static enum err raise_version(struct mg_conn *c, char error_out[STORE_ERROR_SIZE])
{
    enum err err =
        mg_update(c, MG_META, BCON_NEW("_id", BCON_UTF8("schema")),
                  BCON_NEW("$max", "{", "version", BCON_INT32(SCHEMA_VERSION), "}"), false);

    if (err != ERR_OK)
        (void)snprintf(error_out, STORE_ERROR_SIZE, "%s", c->base.reason);
    return err;
}

static enum err check_version(struct mg_conn *c, bool existing, char error_out[STORE_ERROR_SIZE])
{
    bson_t *version = BCON_NEW("version", BCON_INT32(SCHEMA_VERSION));
    bson_t *found = NULL;
    enum err err = settle(c, "schema", version, existing, &found, error_out);

    bson_destroy(version);
    if (err != ERR_OK)
        return err;
    int64_t there = mg_int(found, "version");
    bson_destroy(found);
    if (there == SCHEMA_VERSION || (there >= 1 && there < SCHEMA_VERSION && existing))
        return ERR_OK;
    if (there >= 1 && there < SCHEMA_VERSION)
        return raise_version(c, error_out);
    (void)snprintf(error_out, STORE_ERROR_SIZE,
                   "%s: database \"%s\" was written by a newer Parley (schema %lld, this one knows"
                   " %d): start the newer parleyd",
                   c->backend->address, c->backend->db, (long long)there, SCHEMA_VERSION);
    return ERR_INTERNAL;
}

static enum err settle_epoch(struct mg_conn *c, bool existing, char error_out[STORE_ERROR_SIZE])
{
    char token[TOKEN_SIZE];
    bson_t *found = NULL;

    token_make(token);
    token[STORE_EPOCH_SIZE - 1] = '\0';
    bson_t *epoch = BCON_NEW("epoch", BCON_UTF8(token));
    enum err err = settle(c, "epoch", epoch, existing, &found, error_out);
    bson_destroy(epoch);
    if (err != ERR_OK)
        return err;
    mg_text_into(c->backend->epoch, sizeof(c->backend->epoch), found, "epoch");
    bson_destroy(found);
    return ERR_OK;
}

static enum err prepare(struct mg_conn *c, bool existing, char error_out[STORE_ERROR_SIZE])
{
    enum err err = check_version(c, existing, error_out);

    for (size_t i = 0; err == ERR_OK && i < ARRAY_LEN(indexes); i++)
        err = make_index(c, &indexes[i], error_out);
    return err == ERR_OK ? settle_epoch(c, existing, error_out) : err;
}

static enum err check_server(struct mg_conn *c, char error_out[STORE_ERROR_SIZE])
{
    bson_error_t error;
    bson_iter_t iter;
    bson_t reply;
    mongoc_server_description_t *server =
        mongoc_client_select_server(c->client, true, NULL, &error);

    if (server == NULL) {
        (void)mg_explain(c->backend, &error, error_out);
        return ERR_UNAVAILABLE;
    }
    const bson_t *hello = mongoc_server_description_hello_response(server);
    int64_t wire =
        bson_iter_init_find(&iter, hello, "maxWireVersion") ? bson_iter_as_int64(&iter) : 0;
    mongoc_server_description_destroy(server);
    if (wire < WIRE_VERSION_MIN) {
        (void)snprintf(
            error_out, STORE_ERROR_SIZE,
            "%s: the server is older than MongoDB 6 (its wire version is %lld, of MongoDB 6 it is"
            " %d): use a newer one",
            c->backend->address, (long long)wire, WIRE_VERSION_MIN);
        return ERR_UNAVAILABLE;
    }
    /* The connection that this goes out on signs in first. */
    bson_t *any =
        BCON_NEW("find", BCON_UTF8("meta"), "limit", BCON_INT32(1), "singleBatch", BCON_BOOL(true));
    bool fine = mongoc_client_command_simple(c->client, c->backend->db, any, NULL, &reply, &error);
    bson_destroy(any);
    bson_destroy(&reply);
    if (!fine && error.domain == MONGOC_ERROR_SERVER && error.code != MG_UNAUTHORIZED) {
        error.domain = MONGOC_ERROR_CLIENT;
        error.code = MONGOC_ERROR_CLIENT_AUTHENTICATE;
    }
    if (!fine)
        (void)mg_explain(c->backend, &error, error_out);
    return fine ? ERR_OK : ERR_UNAVAILABLE;
}

/* Nodes that are started at once on an empty database get into each other's way: the server may
 * refuse some of them what all of them make (a deadlock, a collection that is just being made). */
enum err mg_prepare(struct mg_conn *c, bool existing, char error_out[STORE_ERROR_SIZE])
{
    enum err err = check_server(c, error_out);

    if (err == ERR_OK)
        err = prepare(c, existing, error_out);
    for (int i = 1; err == ERR_CONFLICT && i < TRIES; i++) {
        long ms = PAUSE_MS + (long)(clock_monotonic_ns() / 1000 % PAUSE_SPREAD_MS);
        (void)nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
        err = prepare(c, existing, error_out);
    }
    return err == ERR_CONFLICT ? ERR_UNAVAILABLE : err;
}
