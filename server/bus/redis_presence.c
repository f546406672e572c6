/* redis_presence.c - who is on which node.
 *
 *   <prefix>:presence:<node id>   a hash, user -> letter, gone REDIS_NODE_MS after the node's last
 * beat
 *
 * A node writes the changes of its own users into its hash and says them on the control channel,
 * counted. Who misses one, or meets the node for the first time, reads the hash, in pieces. Keeping
 * it alive costs one command a second, however many users there are.
 */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "server/bus/envelope.h"
#include "server/bus/redis_bus.h"

enum { WRITE_MAX = 256 /* users in one command */ };

/* What this node has said of a user: what it says again when Redis comes back empty. */
struct said {
    UT_hash_handle hh;
    char letter;
    char user[];
};

static void key_of(const struct redis_bus *bus, const char *node, char out[REDIS_NAME_MAX])
{
    (void)snprintf(out, REDIS_NAME_MAX, "%s:presence:%s", bus->prefix, node);
}

/* -- what this node says ---------------------------------------------------------------------- */

static bool is_gone(char letter)
{
    return letter == '-' || letter == '_';
}

/* In the hash nobody has just chosen anything. */
static char settled(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

static void keep(struct redis_bus *bus, const char *user, char letter)
{
    struct said *s;
    size_t n = strlen(user);

    HASH_FIND_STR(bus->said, user, s);
    if (is_gone(letter)) {
        if (s == NULL)
            return;
        HASH_DEL(bus->said, s);
        free(s);
        return;
    }
    if (s == NULL) {
        s = mem_zalloc(sizeof(*s) + n + 1);
        memcpy(s->user, user, n);
        HASH_ADD_KEYPTR(hh, bus->said, s->user, n, s);
    }
    s->letter = settled(letter);
}

/* A command being put together that sets or deletes many fields. */
struct writing {
    struct redis_arg args[2 * WRITE_MAX + 2];
    size_t n;
    char letters[WRITE_MAX];
};

static void write_out(struct redis_bus *bus, struct writing *w, const char *command)
{
    if (w->n == 0)
        return;
    w->args[0] = REDIS_ARG(command);
    w->args[1] = REDIS_ARG(bus->presence_key);
    (void)redis_conn_command(bus->commands, w->args, w->n + 2, NULL, NULL);
    w->n = 0;
}

static void write_set(struct redis_bus *bus, struct writing *w, const char *user, char letter)
{
    size_t i = w->n / 2;

    w->letters[i] = settled(letter);
    w->args[2 + w->n++] = REDIS_ARG(user);
    w->args[2 + w->n++] = (struct redis_arg){&w->letters[i], 1};
    if (w->n == (size_t)2 * WRITE_MAX)
        write_out(bus, w, "HSET");
}

static void write_gone(struct redis_bus *bus, struct writing *w, const char *user)
{
    w->args[2 + w->n++] = REDIS_ARG(user);
    if (w->n == WRITE_MAX)
        write_out(bus, w, "HDEL");
}

void presence_said(struct redis_bus *bus, const struct control *control)
{
    struct writing *sets = mem_zalloc(sizeof(*sets));
    struct writing *dels = mem_zalloc(sizeof(*dels));

    for (size_t i = 0; i < control->list_n; i++) {
        keep(bus, control->list[i], control->states[i]);
        if (is_gone(control->states[i]))
            write_gone(bus, dels, control->list[i]);
        else
            write_set(bus, sets, control->list[i], control->states[i]);
    }
    write_out(bus, sets, "HSET");
    write_out(bus, dels, "HDEL");
    free(sets);
    free(dels);
}

void presence_beat(struct redis_bus *bus)
{
    char ms[16];

    (void)snprintf(ms, sizeof(ms), "%d", (int)REDIS_NODE_MS);
    (void)redis_conn_command(
        bus->commands,
        (struct redis_arg[]){REDIS_ARG("PEXPIRE"), REDIS_ARG(bus->presence_key), REDIS_ARG(ms)}, 3,
        NULL, NULL);
}

void presence_up(struct redis_bus *bus)
{
    struct writing *sets = mem_zalloc(sizeof(*sets));
    struct said *s;
    struct said *tmp;

    (void)redis_conn_command(bus->commands,
                             (struct redis_arg[]){REDIS_ARG("DEL"), REDIS_ARG(bus->presence_key)},
                             2, NULL, NULL);
    HASH_ITER(hh, bus->said, s, tmp)
    {
        write_set(bus, sets, s->user, s->letter);
    }
    write_out(bus, sets, "HSET");
    presence_beat(bus);
    free(sets);
}

/* -- what others say -------------------------------------------------------------------------- */

/* Reading the hash of a node, which may be gone before it was read. */
struct scan {
    struct redis_bus *bus;
    char node[ID_MAX + 1];
};

static void scan_end(struct scan *scan)
{
    struct peer *p = nodes_find(scan->bus, scan->node);

    if (p != NULL) {
        p->reading = false;
        if (p->read_again)
            presence_read(scan->bus, p);
    }
    free(scan);
}

static bool is_text(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING && strlen(reply->str) == reply->len;
}

static void take_pairs(struct scan *scan, const redisReply *pairs)
{
    const struct bus_sink *sink = &scan->bus->bus.sink;

    for (size_t i = 0; i + 1 < pairs->elements; i += 2)
        if (is_text(pairs->element[i]) && is_text(pairs->element[i + 1]) &&
            id_is_valid(pairs->element[i]->str) && pairs->element[i + 1]->len == 1)
            sink->presence(sink->arg, scan->node, pairs->element[i]->str,
                           settled(pairs->element[i + 1]->str[0]));
}

static void scan_from(struct scan *scan, const char *cursor);

static void on_piece(void *arg, const redisReply *reply)
{
    struct scan *scan = arg;
    const struct bus_sink *sink = &scan->bus->bus.sink;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        !is_text(reply->element[0]) || reply->element[1]->type != REDIS_REPLY_ARRAY ||
        nodes_find(scan->bus, scan->node) == NULL) {
        scan_end(scan);
        return;
    }
    take_pairs(scan, reply->element[1]);
    if (strcmp(reply->element[0]->str, "0") != 0) {
        scan_from(scan, reply->element[0]->str);
        return;
    }
    sink->presence_all(sink->arg, scan->node, true);
    scan_end(scan);
}

static void scan_from(struct scan *scan, const char *cursor)
{
    char key[REDIS_NAME_MAX];

    key_of(scan->bus, scan->node, key);
    if (!redis_conn_command(scan->bus->commands,
                            (struct redis_arg[]){REDIS_ARG("HSCAN"), REDIS_ARG(key),
                                                 REDIS_ARG(cursor), REDIS_ARG("COUNT"),
                                                 REDIS_ARG("512")},
                            5, on_piece, scan))
        scan_end(scan);
}

void presence_read(struct redis_bus *bus, struct peer *p)
{
    p->read_again = p->reading;
    if (p->reading || !redis_conn_is_up(bus->commands))
        return;
    struct scan *scan = mem_zalloc(sizeof(*scan));
    p->reading = true;
    scan->bus = bus;
    memcpy(scan->node, p->id, sizeof(scan->node));
    bus->bus.sink.presence_all(bus->bus.sink.arg, p->id, false);
    scan_from(scan, "0");
}

void presence_heard(struct redis_bus *bus, const struct control *control)
{
    const struct bus_sink *sink = &bus->bus.sink;
    struct peer *p = nodes_find(bus, control->node);

    if (p == NULL)
        return;
    bool missed = p->presence_seq != 0 && control->seq != p->presence_seq + 1;
    p->presence_seq = control->seq;
    for (size_t i = 0; i < control->list_n; i++)
        sink->presence(sink->arg, control->node, control->list[i], control->states[i]);
    if (missed || p->reading)
        presence_read(bus, p);
}

void presence_free(struct redis_bus *bus)
{
    struct said *s;
    struct said *tmp;

    HASH_ITER(hh, bus->said, s, tmp)
    {
        HASH_DEL(bus->said, s);
        free(s);
    }
}
