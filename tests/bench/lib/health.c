#include "tests/bench/lib/health.h"

#include "base/clock.h"
#include "tests/bench/lib/ns.h"
#include "tests/bench/lib/swarm.h"

struct health health_examine(const struct swarm *swarm)
{
    struct health health = {.seq_low = UINT64_MAX};

    for (uint32_t i = 0; i < swarm->options->members; i++) {
        const struct member *member = &swarm->members[i];
        uint64_t seq = member->channel.seq;
        health.gaps += member->gaps;
        health.repeats += member->repeats;
        health.displaced += member->lost_place ? 1 : 0;
        health.seq_low = seq < health.seq_low ? seq : health.seq_low;
        health.seq_high = seq > health.seq_high ? seq : health.seq_high;
    }
    return health;
}

bool health_is_good(const struct health *health)
{
    return health->gaps + health->repeats + health->displaced == 0;
}

bool health_await_agreement(struct swarm *swarm, uint64_t timeout_ns)
{
    uint64_t deadline = clock_monotonic_ns() + timeout_ns;
    uint64_t answered = swarm->answered;

    swarm_publish(swarm, 0.5);
    do {
        swarm_poll(swarm, 100 * NS_PER_MS);
        struct health health = health_examine(swarm);
        if (health.seq_low == health.seq_high && swarm->answered > answered)
            return true;
    } while (clock_monotonic_ns() < deadline);
    return false;
}
