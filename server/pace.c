#include "server/pace.h"

#include "base/clock.h"
#include "server/address.h"
#include "server/bus/bus.h"
#include "server/conn.h"
#include "server/metrics.h"
#include "server/node.h"
#include "server/rates.h"
#include "server/throttle.h"
#include "server/worker.h"

static bool is_paced(const struct conn *conn, const char *address)
{
    return address != NULL && conn->door != DOOR_ADMIN && conn->worker->node->config.rate_limits;
}

uint32_t pace_call(const struct conn *conn, const char *address)
{
    const struct node *node = conn->worker->node;
    struct rate_limit limit = {node->config.rate_address, node->config.rate_address_burst};
    char group[ADDRESS_TEXT_SIZE];

    if (!is_paced(conn, address))
        return 0;
    address_group(address, group);
    uint32_t wait = rates_take(node->address_rates, group, RATE_NONE, &limit, clock_monotonic_ns());
    if (wait > 0)
        metric_add_by(METRIC_RATE_LIMITED, METRIC_RATE_ADDRESS, 1);
    return wait;
}

uint32_t pace_guess(const struct conn *conn, const char *address)
{
    const struct node *node = conn->worker->node;
    char key[THROTTLE_KEY_SIZE];

    if (!is_paced(conn, address))
        return 0;
    uint32_t wait = throttle_guess(node->throttle, address, clock_monotonic_ns());
    if (wait > 0) {
        metric_add_by(METRIC_RATE_LIMITED, METRIC_RATE_GUESSES, 1);
        return wait;
    }
    throttle_guess_key(address, key);
    bus_attempt(node->bus, (const char *const[]){key}, 1, false);
    return 0;
}
