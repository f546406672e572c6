#include "tests/bench/lib/modes.h"

#include <stdio.h>

#include "base/clock.h"
#include "tests/bench/lib/ns.h"
#include "tests/bench/lib/proc.h"
#include "tests/bench/lib/swarm.h"

static const double open_timeout = 120;

static void idle(struct swarm *swarm, double seconds)
{
    uint64_t end = clock_monotonic_ns() + ns_from_seconds(seconds);

    for (uint64_t now; (now = clock_monotonic_ns()) < end;)
        swarm_poll(swarm, end - now);
}

static double kilobytes(uint64_t bytes)
{
    return (double)bytes / 1024;
}

static void print_result(const struct swarm *swarm, const struct proc_memory *before,
                         const struct proc_memory *after, double open_seconds)
{
    const struct sample *sample = &swarm->sample;
    double members = swarm->options->members;
    double grown = kilobytes(after->private_bytes) - kilobytes(before->private_bytes);

    printf("{\"members\":%u,\"open_s\":%.2f,\"kb_per_connection\":%.3f,"
           "\"before_kb\":{\"rss\":%.0f,\"pss\":%.0f,\"private\":%.0f},"
           "\"after_kb\":{\"rss\":%.0f,\"pss\":%.0f,\"private\":%.0f},"
           "\"idle_server_cpu\":%.4f,\"lost\":%u}\n",
           swarm->options->members, open_seconds, grown / members, kilobytes(before->rss_bytes),
           kilobytes(before->pss_bytes), kilobytes(before->private_bytes),
           kilobytes(after->rss_bytes), kilobytes(after->pss_bytes),
           kilobytes(after->private_bytes),
           sample->server_cpu / ns_to_seconds(sample->ended_ns - sample->started_ns), swarm->lost);
}

bool mode_idle(const struct options *options)
{
    struct swarm *swarm = swarm_create(options);
    struct proc_memory before = {0};
    struct proc_memory after = {0};

    idle(swarm, options->warm_seconds); /* what starting up needed is given back by then */
    bool ok = proc_memory_read(options->servers[0], &before);
    uint64_t start = clock_monotonic_ns();
    if (!ok)
        fprintf(stderr, "load: cannot read the memory of process %ld\n", (long)options->servers[0]);
    ok = ok && swarm_open(swarm, ns_from_seconds(open_timeout));
    if (ok) {
        double open_seconds = ns_to_seconds(clock_monotonic_ns() - start);
        idle(swarm, options->warm_seconds);
        swarm_sample_begin(swarm);
        idle(swarm, options->seconds);
        swarm_sample_end(swarm);
        ok = proc_memory_read(options->servers[0], &after) && swarm->lost == 0;
        print_result(swarm, &before, &after, open_seconds);
    }
    swarm_destroy(&swarm);
    return ok;
}
