#include "storage/mongo/turns.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "storage/mongo/mongo.h"

#define REMEMBER_NS UINT64_C(2000000000)
#define STUCK_NS UINT64_C(400000000)
#define WAIT_NS UINT64_C(800000000)
enum { POLL_NS = 1000000, POLLS = 8, POLLS_NEXT = 32, LOOKED_AT = 100 };

/* A round of all who wait takes about so long, but no turn is longer, or shorter, than these. */
#define ROUND_NS UINT64_C(200000000)
#define TURN_MAX_NS UINT64_C(50000000)
#define TURN_MIN_NS UINT64_C(10000000)

/* Whoever has got an answer may send the next request at once: so long it is waited for. Handing a
 * turn on takes longer. */
#define LINGER_NS UINT64_C(2000000)

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

bool turns_known(struct mg_backend *b, int64_t key)
{
    struct turns *t = &b->turns;
    bool known = false;

    (void)pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n && !known; i++)
        known = t->list[i].key == key;
    (void)pthread_mutex_unlock(&t->lock);
    return known;
}

bool turns_any(struct mg_backend *b)
{
    (void)pthread_mutex_lock(&b->turns.lock);
    bool any = b->turns.n > 0;
    (void)pthread_mutex_unlock(&b->turns.lock);
    return any;
}

/* Who has a turn, and how often it was taken. */
struct holder {
    char node[ID_SIZE];
    char next[ID_SIZE]; /* in the queue beside us; "": nobody */
    unsigned waiting;   /* how many of them */
    bool first;         /* we are at the head of it */
    int64_t count;
    struct passage passage;
};

static void read_queue(const bson_t *doc, const char *me, struct holder *out)
{
    bson_iter_t iter;
    bson_iter_t queue;

    if (!bson_iter_init_find(&iter, doc, "queue") || !BSON_ITER_HOLDS_ARRAY(&iter) ||
        !bson_iter_recurse(&iter, &queue))
        return;
    for (bool head = true; bson_iter_next(&queue); head = false) {
        const char *node = BSON_ITER_HOLDS_UTF8(&queue) ? bson_iter_utf8(&queue, NULL) : "";
        if (strcmp(node, me) == 0)
            out->first = out->first || head;
        else if (out->waiting++ == 0)
            (void)snprintf(out->next, ID_SIZE, "%s", node);
    }
}

static void read_turn(const bson_t *doc, const char *me, struct holder *out)
{
    *out = (struct holder){.count = mg_int(doc, "count"),
                           .passage = {.from = mg_uint(doc, "from"),
                                       .top = mg_uint(doc, "top"),
                                       .no = mg_uint(doc, "no")}};
    mg_text_into(out->node, sizeof(out->node), doc, "holder");
    read_queue(doc, me, out);
}

/* Turns that nobody has taken since we last looked do not count: their node may be gone;
 * neither do our own that nobody else waits for. */
static void see(struct turns *t, const bson_t *doc)
{
    int64_t key = mg_int(doc, "_id");
    struct holder now;
    size_t i = 0;

    read_turn(doc, t->node, &now);
    if (strcmp(now.node, t->node) == 0 && now.waiting == 0)
        return;
    (void)pthread_mutex_lock(&t->lock);
    while (i < t->n && t->list[i].key != key)
        i++;
    if (i == t->n || now.count != t->list[i].count)
        remember(t, key, now.count);
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

/* What is known of the log goes with it. */
static bson_t *hand_to(const char *node, const struct passage *p)
{
    return BCON_NEW("$set", "{", "holder", BCON_UTF8(node), "from", BCON_INT64((int64_t)p->from),
                    "top", BCON_INT64((int64_t)p->top), "no", BCON_INT64((int64_t)p->no), "}",
                    "$inc", "{", "count", BCON_INT64(1), "}", "$pull", "{", "queue",
                    BCON_UTF8(node), "}");
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

static enum err look_at(struct mg_conn *c, int64_t key, struct holder *out)
{
    bson_t *doc;
    enum err err = mg_one(c, MG_TURNS, BCON_NEW("_id", BCON_INT64(key)), NULL, &doc);

    if (err != ERR_OK)
        return err;
    read_turn(doc, c->backend->turns.node, out);
    bson_destroy(doc);
    return ERR_OK;
}

/* Who asks all the time whether it is its turn keeps the database from the one whose it is. */
static void rest(uint64_t ns)
{
    uint64_t most = ns < STUCK_NS ? ns : STUCK_NS;

    (void)nanosleep(&(struct timespec){.tv_nsec = (long)most}, NULL);
}

/* Taken because its holder may have died: whatever it said is old. */
static enum err seize(struct mg_conn *c, int64_t key, int64_t count)
{
    return mg_update(c, MG_TURNS, BCON_NEW("_id", BCON_INT64(key), "count", BCON_INT64(count)),
                     hand_to(c->backend->turns.node, &(struct passage){0}), false);
}

/* Until the turn is ours; one that stays with one holder for long is taken. */
static void wait_for(struct mg_conn *c, struct held *held)
{
    int64_t key = held->key;
    const char *me = c->backend->turns.node;
    uint64_t start = clock_monotonic_ns();
    uint64_t since = start;
    struct holder seen = {.count = -1};
    enum err err = queue_up(c, key);

    if (err == ERR_NOT_FOUND)
        rest(held->waits_ns / 2);
    while (err == ERR_NOT_FOUND && clock_monotonic_ns() < start + WAIT_NS) {
        struct holder now;
        err = look_at(c, key, &now);
        if (err == ERR_NOT_FOUND) { /* given up just now */
            err = queue_up(c, key);
            continue;
        }
        if (err == ERR_OK && strcmp(now.node, me) == 0) {
            memcpy(held->next, now.next, sizeof(held->next));
            held->waiting = now.waiting;
            held->passage = now.passage;
        }
        if (err != ERR_OK || strcmp(now.node, me) == 0)
            return;
        if (now.count != seen.count)
            since = clock_monotonic_ns();
        seen = now;
        err = ERR_NOT_FOUND;
        if (clock_monotonic_ns() > since + STUCK_NS)
            err = seize(c, key, now.count);
        else
            rest(POLL_NS + held->waits_ns / (now.first ? POLLS_NEXT : POLLS));
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

/* The streams that need a turn, in the order of keys. How many. */
static size_t needed(struct turns *t, struct held out[TURNS_MAX])
{
    uint64_t now = clock_monotonic_ns();
    size_t n = 0;

    (void)pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n; i++)
        if (t->list[i].until_ns > now)
            t->list[n++] = t->list[i];
    t->n = n;
    for (size_t i = 0; i < n; i++)
        out[i] =
            (struct held){.key = t->list[i].key, .waits_ns = t->list[i].waits_ns, .fresh = true};
    (void)pthread_mutex_unlock(&t->lock);
    return n;
}

static void take(struct mg_conn *c, const struct held *wanted)
{
    struct held *held = &c->held[c->held_n++];
    uint64_t start = clock_monotonic_ns();

    *held = *wanted;
    wait_for(c, held);
    uint64_t now = clock_monotonic_ns();
    note_wait(&c->backend->turns, held->key, now - start);
    uint64_t turn = ROUND_NS / (held->waiting + 1);
    turn = turn < TURN_MIN_NS ? TURN_MIN_NS : turn;
    held->until_ns = now + (turn < TURN_MAX_NS ? turn : TURN_MAX_NS);
}

bool turns_take(struct mg_conn *c)
{
    struct held wanted[TURNS_MAX];
    size_t n = needed(&c->backend->turns, wanted);
    bool missing = false;

    for (size_t i = 0; i < n; i++)
        missing = missing || !turns_holds(c, wanted[i].key);
    if (!missing)
        return false;
    turns_give(c);
    for (size_t i = 0; i < n; i++) /* in the order of keys: nobody waits in a circle */
        take(c, &wanted[i]);
    return true;
}

bool turns_contended(struct store_conn *conn, struct stream *stream)
{
    struct mg_conn *c = mg(conn);
    size_t i = 0;

    while (i < c->held_n && c->held[i].key != stream->key)
        i++;
    if (i == c->held_n || !c->held[i].fresh)
        return false;
    const struct passage *p = &c->held[i].passage;
    c->held[i].fresh = false;
    if (stream->seq < p->from || stream->seq > p->top)
        return true;
    stream->seq = p->top;
    stream->msg_no = p->no;
    return false;
}

static void extend(struct passage *p, const struct staged_event *e)
{
    bool moves_only = e->row.type == STORE_EVENT_MESSAGE_CREATED && e->row.link == 0;

    if (!moves_only)
        p->from = e->row.seq;
    else if (p->top == 0 || p->top + 1 != e->row.seq)
        p->from = e->row.seq - 1;
    p->top = e->row.seq;
    p->no = e->no;
}

void turns_wrote(struct mg_conn *c)
{
    for (size_t k = 0; k < c->held_n; k++)
        for (size_t i = 0; i < c->stage.events.n; i++)
            if (c->stage.events.items[i].key == c->held[k].key)
                extend(&c->held[k].passage, &c->stage.events.items[i]);
    c->idle_ns = 0;
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
        (void)mg_update(c, MG_TURNS, held_by(key, me), hand_to(held->next, &held->passage), false);
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
    char reason[STORE_REASON_SIZE];

    for (size_t i = 0; i < c->held_n && !keeper_is_away(c->backend, reason); i++)
        hand_on(c, &c->held[i]); /* of a database that is away, the others take them */
    c->held_n = 0;
    c->base.failed = failed;
}

void turns_give_due(struct mg_conn *c)
{
    uint64_t now = clock_monotonic_ns();
    bool due = false;

    for (size_t i = 0; i < c->held_n; i++)
        due = due || c->held[i].until_ns <= now;
    if (due)
        turns_give(c);
}

uint64_t turns_idle(struct mg_conn *c)
{
    uint64_t now = clock_monotonic_ns();

    if (c->held_n == 0)
        return 0;
    if (c->idle_ns == 0)
        c->idle_ns = now;
    uint64_t until = c->idle_ns + LINGER_NS;
    for (size_t i = 0; i < c->held_n; i++)
        until = c->held[i].until_ns < until ? c->held[i].until_ns : until;
    if (now < until)
        return until;
    turns_give(c);
    return 0;
}

bool turns_holds(const struct mg_conn *c, int64_t key)
{
    size_t i = 0;

    while (i < c->held_n && c->held[i].key != key)
        i++;
    return i < c->held_n;
}
