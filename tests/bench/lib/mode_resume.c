#include "tests/bench/lib/modes.h"

#include <stdio.h>

#include "base/clock.h"
#include "tests/bench/lib/health.h"
#include "tests/bench/lib/ns.h"
#include "tests/bench/lib/swarm.h"

static const double open_timeout = 120;
static const double loss_timeout = 60;   /* for somebody to kill the server */
static const double return_timeout = 90; /* for all to be back */
static const double settle_timeout = 20; /* for the last events to arrive everywhere */

struct storm {
    uint64_t lost_ns;    /* when the first connection broke */
    uint64_t first_ns;   /* when the first member was back, */
    uint64_t resumed_ns; /* and when all were */
    bool settled;        /* in the end all have seen the same events */
};

/* Talk until the server goes away, so that there is something to catch up on. */
static bool talk_until_lost(struct swarm *swarm, struct storm *storm)
{
    uint64_t deadline = clock_monotonic_ns() + ns_from_seconds(loss_timeout);

    while (swarm->lost == 0) {
        if (clock_monotonic_ns() > deadline) {
            fprintf(stderr, "load: nobody killed the server\n");
            return false;
        }
        swarm_publish(swarm, 0.05);
    }
    storm->lost_ns = clock_monotonic_ns();
    return true;
}

/* The kernel reports the losses one by one: all must have left before a count
 * of those present means that they are back. */
static bool await_return(struct swarm *swarm, struct storm *storm)
{
    uint32_t members = swarm->options->members;
    uint64_t deadline = clock_monotonic_ns() + ns_from_seconds(return_timeout);

    while (swarm->lost < members || swarm->ready < members) {
        swarm_poll(swarm, NS_PER_MS);
        if (storm->first_ns == 0 && swarm->lost >= members && swarm->ready > 0)
            storm->first_ns = clock_monotonic_ns();
        if (clock_monotonic_ns() > deadline) {
            fprintf(stderr, "load: only %u of %u came back: %s %s\n", swarm->ready, members,
                    swarm->first_loss, swarm->first_refusal);
            return false;
        }
    }
    storm->resumed_ns = clock_monotonic_ns();
    return true;
}

static void print_result(const struct swarm *swarm, const struct storm *storm)
{
    struct health health = health_examine(swarm);

    printf("{\"phase\":\"resumed\",\"members\":%u,\"lost_ns\":%llu,\"first_ns\":%llu,"
           "\"resumed_ns\":%llu,\"turned_away\":%u,\"refused\":%llu,\"displaced\":%u,"
           "\"gaps\":%llu,\"repeats\":%llu,\"agreed\":%s,\"seq\":%llu}\n",
           swarm->options->members, (unsigned long long)storm->lost_ns,
           (unsigned long long)storm->first_ns, (unsigned long long)storm->resumed_ns,
           swarm->turned_away, (unsigned long long)swarm->refused, health.displaced,
           (unsigned long long)health.gaps, (unsigned long long)health.repeats,
           storm->settled ? "true" : "false", (unsigned long long)health.seq_high);
}

static bool run_storm(struct swarm *swarm)
{
    struct storm storm = {0};

    if (!swarm_open(swarm, ns_from_seconds(open_timeout)))
        return false;
    printf("{\"phase\":\"ready\"}\n");
    fflush(stdout);
    swarm->reconnects = true;
    if (!talk_until_lost(swarm, &storm) || !await_return(swarm, &storm))
        return false;
    storm.settled = health_await_agreement(swarm, ns_from_seconds(settle_timeout));
    print_result(swarm, &storm);
    struct health health = health_examine(swarm);
    return storm.settled && health_is_good(&health);
}

bool mode_resume(const struct options *options)
{
    struct swarm *swarm = swarm_create(options);

    swarm->tracks_seq = true;
    bool ok = run_storm(swarm);
    swarm_destroy(&swarm);
    return ok;
}
