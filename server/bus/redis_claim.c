/* redis_claim.c - the first contact with Redis, while the server starts: what is wrong with the
 * address, the password or the name is said now, in a sentence, and not found in a log later.
 *
 * Threading: the thread that starts the server; blocks for some seconds at most.
 */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "server/bus/envelope.h"
#include "server/bus/redis_bus.h"

enum { CONTACT_S = 3, POLL_US = 100000 };

static bool fail(struct redis_bus *bus, char error_out[512], const char *what, const char *why,
                 const char *remedy)
{
    (void)snprintf(error_out, 512, "%s Redis at %s: %.120s; %s", what, bus->uri.shown, why, remedy);
    return false;
}

static redisContext *connect_to(struct redis_bus *bus, char error_out[512])
{
    const struct redis_uri *uri = &bus->uri;
    struct timeval timeout = {.tv_sec = CONTACT_S};
    redisContext *c = uri->host[0] != '\0' ? redisConnectWithTimeout(uri->host, uri->port, timeout)
                                           : redisConnectUnixWithTimeout(uri->path, timeout);

    if (c != NULL && c->err == 0 && redisSetTimeout(c, timeout) == REDIS_OK)
        return c;
    (void)fail(bus, error_out, "cannot reach", c == NULL ? "out of memory" : c->errstr,
               "start it, or correct the key bus (--bus)");
    if (c != NULL)
        redisFree(c);
    return NULL;
}

/* True: REPLY is an answer that is no error. Frees it. */
static bool is_good(struct redis_bus *bus, redisContext *c, redisReply *reply, const char *remedy,
                    char error_out[512])
{
    if (reply == NULL)
        return fail(bus, error_out, "no good answer from", c->errstr,
                    "is it really Redis? Correct the key bus (--bus)");
    bool good = reply->type != REDIS_REPLY_ERROR;
    if (!good)
        (void)fail(bus, error_out, "refused by", reply->str, remedy);
    freeReplyObject(reply);
    return good;
}

static bool log_in(struct redis_bus *bus, redisContext *c, char error_out[512])
{
    const struct redis_uri *uri = &bus->uri;

    if (uri->password[0] != '\0' &&
        !is_good(bus, c,
                 redisCommand(c, "AUTH %s %s", uri->user[0] != '\0' ? uri->user : "default",
                              uri->password),
                 "correct user and password in the key bus", error_out))
        return false;
    if (uri->db != 0 && !is_good(bus, c, redisCommand(c, "SELECT %u", (unsigned)uri->db),
                                 "correct the number of the database in the key bus", error_out))
        return false;
    return is_good(bus, c, redisCommand(c, "PING"),
                   "put user and password into the key bus: redis://user:password@host:port",
                   error_out);
}

enum claim { CLAIM_TAKEN, CLAIM_BUSY, CLAIM_FAILED };

static enum claim try_claim(struct redis_bus *bus, redisContext *c, char error_out[512])
{
    struct buf info = {0};

    node_info_put(&info, &(struct node_info){.id = bus->node,
                                             .name = bus->name,
                                             .version = bus->version,
                                             .started_ms = bus->started_ms});
    redisReply *reply =
        redisCommand(c, "SET %s %b NX PX %d", bus->key, info.data, info.len, (int)REDIS_NODE_MS);
    buf_free(&info);
    bool busy = reply != NULL && reply->type == REDIS_REPLY_NIL;
    if (busy) {
        freeReplyObject(reply);
        return CLAIM_BUSY;
    }
    return is_good(bus, c, reply, "give it room, or the user the right to write there", error_out)
               ? CLAIM_TAKEN
               : CLAIM_FAILED;
}

/* The id and beat of who has the name; false when nobody has. */
static bool read_holder(struct redis_bus *bus, redisContext *c, char id_out[ID_MAX + 1],
                        uint64_t *beat_out)
{
    redisReply *reply = redisCommand(c, "GET %s", bus->key);
    struct node_info info;
    bool found = reply != NULL && reply->type == REDIS_REPLY_STRING &&
                 node_info_read(reply->str, reply->len, &info) == ENVELOPE_OK;

    if (found) {
        (void)snprintf(id_out, ID_MAX + 1, "%s", info.id);
        *beat_out = info.beat;
    }
    if (reply != NULL)
        freeReplyObject(reply);
    return found;
}

/* A node that was killed leaves its name behind for REDIS_NODE_MS; one that lives speaks again. */
static bool claim(struct redis_bus *bus, redisContext *c, char error_out[512])
{
    uint64_t give_up = clock_monotonic_ns() + (REDIS_NODE_MS + 2000) * UINT64_C(1000000);
    char first[ID_MAX + 1] = "";
    uint64_t first_beat = 0;

    while (clock_monotonic_ns() < give_up) {
        char id[ID_MAX + 1] = "";
        uint64_t beat = 0;
        enum claim outcome = try_claim(bus, c, error_out);
        if (outcome != CLAIM_BUSY)
            return outcome == CLAIM_TAKEN;
        if (read_holder(bus, c, id, &beat)) {
            if (first[0] == '\0') {
                memcpy(first, id, sizeof(first));
                first_beat = beat;
            } else if (strcmp(first, id) != 0 || beat != first_beat) {
                break;
            }
        }
        (void)usleep(POLL_US);
    }
    (void)snprintf(error_out, 512,
                   "there is a node called %s in this cluster already (Redis at %s, prefix %s); "
                   "give each node a name of its own with --node-name, or each cluster a prefix of "
                   "its own with --bus-prefix",
                   bus->name, bus->uri.shown, bus->prefix);
    return false;
}

bool redis_claim(struct redis_bus *bus, char error_out[512])
{
    redisContext *c = connect_to(bus, error_out);
    bool ok = c != NULL && log_in(bus, c, error_out) && claim(bus, c, error_out);

    if (c != NULL)
        redisFree(c);
    return ok;
}
