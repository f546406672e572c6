#include "tests/bench/lib/modes.h"

#include <stdio.h>

#include "base/clock.h"
#include "tests/bench/lib/health.h"
#include "tests/bench/lib/ns.h"
#include "tests/bench/lib/swarm.h"

static const double open_timeout = 120;
static const double loss_timeout = 60;   /* for somebody to kill the node */
static const double return_timeout = 90; /* for all to be back */
static const double settle_timeout = 20; /* for the last events to arrive everywhere */
static const double slice = 0.1;         /* of talking, between two looks */

struct failover {
    uint32_t victims;   /* members of the last node */
    uint64_t lost_ns;   /* when the first connection broke */
    struct hist before; /* deliveries to those who stay, with all nodes there */
    bool settled;       /* in the end all have seen the same events */
};

static uint32_t count_victims(const struct swarm *swarm)
{
    uint32_t victims = 0;

    for (uint32_t i = 0; i < swarm->options->members; i++)
        victims += swarm->members[i].node == swarm->options->nodes - 1;
    return victims;
}

static void talk(struct swarm *swarm, double seconds)
{
    uint64_t end = clock_monotonic_ns() + ns_from_seconds(seconds);

    while (clock_monotonic_ns() < end)
        swarm_publish(swarm, slice);
}

static bool talk_until_lost(struct swarm *swarm, struct failover *failover)
{
    uint64_t deadline = clock_monotonic_ns() + ns_from_seconds(loss_timeout);

    while (swarm->lost == 0) {
        if (clock_monotonic_ns() > deadline) {
            fprintf(stderr, "load: nobody killed the node\n");
            return false;
        }
        swarm_publish(swarm, slice);
    }
    failover->lost_ns = clock_monotonic_ns();
    return true;
}

/* Those who stay go on talking meanwhile; what they get is the sample. */
static bool await_return(struct swarm *swarm, struct failover *failover)
{
    uint32_t members = swarm->options->members;
    uint64_t deadline = clock_monotonic_ns() + ns_from_seconds(return_timeout);

    while (swarm->lost < failover->victims || swarm->ready < members) {
        swarm_publish(swarm, slice);
        if (clock_monotonic_ns() > deadline) {
            fprintf(stderr, "load: only %u of %u are there: %s %s\n", swarm->ready, members,
                    swarm->first_loss, swarm->first_refusal);
            return false;
        }
    }
    return true;
}

static void print_result(const struct swarm *swarm, const struct failover *failover)
{
    struct health health = health_examine(swarm);

    printf("{\"phase\":\"resumed\",\"members\":%u,\"victims\":%u,\"lost\":%u,\"lost_ns\":%llu,"
           "\"resumed_ns\":%llu,\"turned_away\":%u,\"refused\":%llu,\"displaced\":%u,"
           "\"gaps\":%llu,\"repeats\":%llu,\"agreed\":%s,\"before_ms\":",
           swarm->options->members, failover->victims, swarm->lost,
           (unsigned long long)failover->lost_ns, (unsigned long long)swarm->all_ready_ns,
           swarm->turned_away, (unsigned long long)swarm->refused, health.displaced,
           (unsigned long long)health.gaps, (unsigned long long)health.repeats,
           failover->settled ? "true" : "false");
    hist_print_json(&failover->before, stdout);
    printf(",\"during_ms\":");
    hist_print_json(&swarm->sample.delivery, stdout);
    printf("}\n");
}

static bool run_failover(struct swarm *swarm, struct failover *failover)
{
    if (!swarm_open(swarm, ns_from_seconds(open_timeout)))
        return false;
    failover->victims = count_victims(swarm);
    talk(swarm, swarm->options->warm_seconds);
    swarm_sample_begin(swarm);
    talk(swarm, swarm->options->seconds);
    swarm_sample_end(swarm);
    failover->before = swarm->sample.delivery;
    swarm->reconnects = true;
    swarm->moves = true;
    printf("{\"phase\":\"measured\"}\n");
    fflush(stdout);
    swarm_sample_begin(
        swarm); /* with the last moments before the loss, so that its first are in it */
    if (!talk_until_lost(swarm, failover) || !await_return(swarm, failover))
        return false;
    swarm_sample_end(swarm);
    failover->settled = health_await_agreement(swarm, ns_from_seconds(settle_timeout));
    print_result(swarm, failover);
    struct health health = health_examine(swarm);
    return failover->settled && health_is_good(&health) && swarm->lost == failover->victims;
}

bool mode_failover(const struct options *options)
{
    struct swarm *swarm = swarm_create(options);
    struct failover failover = {0};

    swarm->tracks_seq = true;
    bool ok = run_failover(swarm, &failover);
    swarm_destroy(&swarm);
    return ok;
}
