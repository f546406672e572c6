/* names.c - names that only one channel may have, and the people of a dm.
 *
 * A name is claimed before the event that gives it and released after the one that takes it away. A
 * claim whose owner does not have the name was left by a node that died in between, or is about to
 * be used: it may be taken over when it is older than any commit can take.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "storage/mongo/mongo.h"

enum err mg_name_owner(struct mg_conn *c, const char *name, char owner_out[STORE_STREAM_SIZE])
{
    bson_t *doc;
    enum err err = mg_one(c, MG_NAMES, BCON_NEW("_id", BCON_UTF8(name)), NULL, &doc);

    if (err != ERR_OK)
        return err;
    mg_text_into(owner_out, STORE_STREAM_SIZE, doc, "owner");
    bson_destroy(doc);
    return owner_out[0] == 'c' ? ERR_OK : ERR_NOT_FOUND;
}

/* Whether the owner of a claim has what it claims. */
static enum err is_used(struct mg_conn *c, const char *name, const char *owner, bool *out)
{
    bson_t *doc;
    struct chan chan;
    enum err err = mg_one(c, MG_STREAMS, BCON_NEW("_id", BCON_UTF8(owner)), NULL, &doc);

    *out = false;
    if (err != ERR_OK)
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    if (mg_read_chan(c->arena, doc, c->backend->epoch, &chan))
        *out = name[0] == '=' || strcmp(chan.name, name + 1) == 0;
    struct stream *s = &chan.stream;
    uint64_t applied = s->seq;
    bson_destroy(doc);
    err = mg_tops(c, &s, 1);
    *out = *out || s->seq > applied; /* who knows what is in there */
    return err;
}

enum err mg_name_take(struct mg_conn *c, const char *name, const char *owner)
{
    int64_t now = clock_unix_ms();
    char other[STORE_STREAM_SIZE];
    bool used;
    bson_t *doc;
    enum err err = mg_insert(
        c, MG_NAMES,
        BCON_NEW("_id", BCON_UTF8(name), "owner", BCON_UTF8(owner), "at", BCON_INT64(now)));

    if (err != ERR_CONFLICT)
        return err;
    err = mg_one(c, MG_NAMES, BCON_NEW("_id", BCON_UTF8(name)), NULL, &doc);
    if (err != ERR_OK)
        return err == ERR_NOT_FOUND ? mg_lost(c) : err;
    mg_text_into(other, sizeof(other), doc, "owner");
    int64_t at = mg_int(doc, "at");
    bson_destroy(doc);
    if (strcmp(other, owner) == 0)
        return ERR_OK;
    err = is_used(c, name, other, &used);
    if (err != ERR_OK)
        return err;
    if (used || now - at < MG_CLAIM_OLD_MS)
        return mg_lost(c);
    err = mg_update(
        c, MG_NAMES,
        BCON_NEW("_id", BCON_UTF8(name), "owner", BCON_UTF8(other), "at", BCON_INT64(at)),
        BCON_NEW("$set", "{", "owner", BCON_UTF8(owner), "at", BCON_INT64(now), "}"), false);
    return err == ERR_NOT_FOUND ? mg_lost(c) : err;
}
