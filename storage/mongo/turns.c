#include "storage/mongo/turns.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "storage/mongo/mongo.h"

#define REMEMBER_NS UINT64_C(2000000000)
#define STUCK_NS UINT64_C(150000000)
#define WAIT_NS UINT64_C(600000000)
enum { POLL_NS = 1000000, POLLS = 16, LOOKED_AT = 100 };

void turns_init(struct turns *t)
{
    (void)pthread_mutex_init(&t->lock, NULL);
    id_make(t->node);
}

void turns_destroy(struct turns *t)
{
    (void)pthread_mutex_destroy(&t->lock);
}

static void remember(struct turns *t, int64_t key, int64_t count)
{
    size_t i = 0;

    while (i < t->n && t->list[i].key < key)
        i++;
    if (i == t->n || t->list[i].key != key) {
        if (t->n == TURNS_MAX)
            return;
        memmove(&t->list[i + 1], &t->list[i], (t->n - i) * sizeof(t->list[0]));
        t->n++;
        t->list[i] = (struct turn){.key = key};
    }
    t->list[i].until_ns = clock_monotonic_ns() + REMEMBER_NS;
    t->list[i].count = count > t->list[i].count ? count : t->list[i].count;
}

void turns_wanted(struct mg_backend *b, int64_t key)
{
    (void)pthread_mutex_lock(&b->turns.lock);
    remember(&b->turns, key, 0);
    (void)pthread_mutex_unlock(&b->turns.lock);
}

static void first_in_queue(const bson_t *doc, const char *me, char next_out[ID_SIZE])
{
    bson_iter_t iter;
    bson_iter_t queue;

    next_out[0] = '\0';
    if (!bson_iter_init_find(&iter, doc, "queue") || !BSON_ITER_HOLDS_ARRAY(&iter) ||
        !bson_iter_recurse(&iter, &queue))
        return;
    while (next_out[0] == '\0' && bson_iter_next(&queue))
        if (BSON_ITER_HOLDS_UTF8(&queue) && strcmp(bson_iter_utf8(&queue, NULL), me) != 0)
            (void)snprintf(next_out, ID_SIZE, "%s", bson_iter_utf8(&queue, NULL));
}

/* Turns that nobody has taken since we last looked do not count: their node may be gone;
 * neither do our own that nobody else waits for. */
static void see(struct turns *t, const bson_t *doc)
{
    int64_t key = mg_int(doc, "_id");
    int64_t count = mg_int(doc, "count");
    char holder[ID_SIZE];
    char next[ID_SIZE];
    size_t i = 0;

    mg_text_into(holder, sizeof(holder), doc, "holder");
    first_in_queue(doc, t->node, next);
    if (strcmp(holder, t->node) == 0 && next[0] == '\0')
        return;
    (void)pthread_mutex_lock(&t->lock);
    while (i < t->n && t->list[i].key != key)
        i++;
    if (i == t->n || count != t->list[i].count)
        remember(t, key, count);
    (void)pthread_mutex_unlock(&t->lock);
}

void turns_look(struct mg_backend *b, struct mg_conn *c)
{
    const bson_t *doc;
    mongoc_cursor_t *cursor =
        mg_find(c, MG_TURNS, bson_new(), BCON_NEW("limit", BCON_INT64(LOOKED_AT)));

    while (mg_next(c, &cursor, &doc) == ERR_OK)
        see(&b->turns, doc);
}

/* -- taking one -------------------------------------------------------------------------------- */

static bson_t *held_by(int64_t key, const char *holder)
{
    return BCON_NEW("_id", BCON_INT64(key), "holder", BCON_UTF8(holder));
}

static bson_t *hand_to(const char *node)
{
    return BCON_NEW("$set", "{", "holder", BCON_UTF8(node), "}", "$inc", "{", "count",
                    BCON_INT64(1), "}", "$pull", "{", "queue", BCON_UTF8(node), "}");
}

/* NOT_FOUND: somebody has it; we are in the queue. */
static enum err queue_up(struct mg_conn *c, int64_t key)
{
    const char *me = c->backend->turns.node;
    enum err err = mg_update(c, MG_TURNS, BCON_NEW("_id", BCON_INT64(key)),
                             BCON_NEW("$addToSet", "{", "queue", BCON_UTF8(me), "}"), false);

    if (err != ERR_NOT_FOUND)
        return err == ERR_OK ? ERR_NOT_FOUND : err;
    err = mg_insert(c, MG_TURNS,
                    BCON_NEW("_id", BCON_INT64(key), "holder", BCON_UTF8(me), "count",
                             BCON_INT64(1), "queue", "[", "]"));
    return err == ERR_CONFLICT ? ERR_NOT_FOUND : err; /* waiting without being in the queue, once */
}

/* Who has it, and how often it was taken. */
struct holder {
    char node[ID_SIZE];
    char next[ID_SIZE]; /* in the queue; "": nobody else */
    int64_t count;
};

static enum err look_at(struct mg_conn *c, int64_t key, struct holder *out)
{
    bson_t *doc;
    enum err err = mg_one(c, MG_TURNS, BCON_NEW("_id", BCON_INT64(key)), NULL, &doc);

    if (err != ERR_OK)
        return err;
    mg_text_into(out->node, sizeof(out->node), doc, "holder");
    out->count = mg_int(doc, "count");
    first_in_queue(doc, c->backend->turns.node, out->next);
    bson_destroy(doc);
    return ERR_OK;
}

/* Who asks all the time whether it is its turn keeps the database from the one whose it is. */
static void rest(uint64_t ns)
{
    uint64_t most = ns < STUCK_NS ? ns : STUCK_NS;

    (void)nanosleep(&(struct timespec){.tv_nsec = (long)most}, NULL);
}

/* A turn that stays with one holder for long is taken: it may have died. */
static void wait_for(struct mg_conn *c, struct held *held)
{
    int64_t key = held->key;
    const char *me = c->backend->turns.node;
    uint64_t start = clock_monotonic_ns();
    uint64_t since = start;
    struct holder seen = {.count = -1};
    enum err err = queue_up(c, key);

    held->next[0] = '\0';
    if (err == ERR_NOT_FOUND)
        rest(held->waits_ns / 2);
    while (err == ERR_NOT_FOUND && clock_monotonic_ns() < start + WAIT_NS) {
        struct holder now;
        err = look_at(c, key, &now);
        if (err == ERR_NOT_FOUND) { /* given up just now */
            err = queue_up(c, key);
            continue;
        }
        if (err == ERR_OK && strcmp(now.node, me) == 0)
            memcpy(held->next, now.next, sizeof(held->next));
        if (err != ERR_OK || strcmp(now.node, me) == 0)
            return;
        if (now.count != seen.count)
            since = clock_monotonic_ns();
        seen = now;
        err = ERR_NOT_FOUND;
        if (clock_monotonic_ns() > since + STUCK_NS)
            err = mg_update(c, MG_TURNS,
                            BCON_NEW("_id", BCON_INT64(key), "count", BCON_INT64(now.count)),
                            hand_to(me), false);
        else
            rest(POLL_NS + held->waits_ns / POLLS);
    }
}

static void note_wait(struct turns *t, int64_t key, uint64_t waited_ns)
{
    (void)pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n; i++)
        if (t->list[i].key == key)
            t->list[i].waits_ns = (t->list[i].waits_ns * 3 + waited_ns) / 4;
    (void)pthread_mutex_unlock(&t->lock);
}

void turns_take(struct mg_conn *c)
{
    struct turns *t = &c->backend->turns;
    uint64_t now = clock_monotonic_ns();
    size_t n = 0;

    if (c->held_n > 0)
        return;
    (void)pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n; i++)
        if (t->list[i].until_ns > now)
            t->list[n++] = t->list[i];
    t->n = n;
    for (size_t i = 0; i < n; i++)
        c->held[i] = (struct held){.key = t->list[i].key, .waits_ns = t->list[i].waits_ns};
    (void)pthread_mutex_unlock(&t->lock);
    c->held_n = n;
    for (size_t i = 0; i < n; i++) { /* in the order of keys: nobody waits in a circle */
        uint64_t start = clock_monotonic_ns();
        wait_for(c, &c->held[i]);
        note_wait(t, c->held[i].key, clock_monotonic_ns() - start);
    }
}

/* -- handing it on ----------------------------------------------------------------------------- */

/* To the first in the queue; when there is none, the turn's document goes. */
static void hand_on(struct mg_conn *c, struct held *held)
{
    const char *me = c->backend->turns.node;
    int64_t key = held->key;
    struct holder now = {.count = 0};

    if (held->next[0] == '\0') {
        if (look_at(c, key, &now) != ERR_OK || strcmp(now.node, me) != 0)
            return;
        memcpy(held->next, now.next, sizeof(held->next));
    }
    if (held->next[0] != '\0') {
        (void)mg_update(c, MG_TURNS, held_by(key, me), hand_to(held->next), false);
        turns_wanted(c->backend, key);
    } else {
        (void)mg_delete(c, MG_TURNS,
                        BCON_NEW("_id", BCON_INT64(key), "holder", BCON_UTF8(me), "count",
                                 BCON_INT64(now.count), "queue", "[", "]"),
                        NULL);
    }
}

void turns_give(struct mg_conn *c)
{
    enum err failed = c->base.failed;

    for (size_t i = 0; i < c->held_n; i++)
        hand_on(c, &c->held[i]);
    c->held_n = 0;
    c->base.failed = failed;
}

bool turns_holds(struct store_conn *conn, int64_t key)
{
    const struct mg_conn *c = mg(conn);
    size_t i = 0;

    while (i < c->held_n && c->held[i].key != key)
        i++;
    return i < c->held_n;
}
