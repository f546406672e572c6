#include "tests/bench/lib/modes.h"

#include <stdio.h>

#include "base/clock.h"
#include "tests/bench/lib/dialect.h"
#include "tests/bench/lib/ns.h"
#include "tests/bench/lib/swarm.h"

static const double open_timeout = 120;
static const double drain_timeout = 20;
static const double quiet_after = 1;

static uint64_t expected(const struct swarm *swarm)
{
    return swarm->options->dialect->delivers ? swarm->sent * swarm->options->fanout : 0;
}

static bool all_arrived(const struct swarm *swarm)
{
    const struct options *options = swarm->options;

    if (options->dialect->answers && swarm->answered + swarm->refused < swarm->sent)
        return false;
    return swarm->delivered >= expected(swarm);
}

/* Wait for what is still on its way; gives up when nothing more comes. */
static void drain(struct swarm *swarm)
{
    uint64_t start = clock_monotonic_ns();
    uint64_t changed = start;
    uint64_t seen = 0;

    swarm->publishing = false;
    while (!all_arrived(swarm)) {
        uint64_t now = clock_monotonic_ns();
        if (swarm->delivered + swarm->answered != seen) {
            seen = swarm->delivered + swarm->answered;
            changed = now;
        }
        if (now - changed > ns_from_seconds(quiet_after) ||
            now - start > ns_from_seconds(drain_timeout))
            return;
        swarm_poll(swarm, 10 * NS_PER_MS);
    }
}

static double per(double amount, uint64_t count)
{
    return count > 0 ? amount / (double)count : 0;
}

static void print_nodes(const struct swarm *swarm, double seconds)
{
    printf("\"nodes\":[");
    for (uint32_t i = 0; i < swarm->options->nodes; i++) {
        const struct node_sample *node = &swarm->sample.nodes[i];
        printf("%s{\"cpu\":%.3f,\"delivered_per_s\":%.0f,\"cpu_us_per_delivery\":%.3f,"
               "\"delivery_ms\":",
               i > 0 ? "," : "", node->cpu / seconds, (double)node->delivered / seconds,
               per(node->cpu * 1e6, node->delivered));
        hist_print_json(&node->delivery, stdout);
        printf(",\"answer_ms\":");
        hist_print_json(&node->answer, stdout);
        printf("}");
    }
    printf("],");
}

static void print_result(const struct swarm *swarm)
{
    const struct sample *sample = &swarm->sample;
    double seconds = ns_to_seconds(sample->ended_ns - sample->started_ns);
    long long missing = (long long)expected(swarm) - (long long)swarm->delivered;

    printf("{\"dialect\":\"%s\",\"members\":%u,\"seconds\":%.3f,\"sent\":%llu,\"sent_per_s\":%.1f,"
           "\"answered_per_s\":%.1f,\"delivered\":%llu,\"delivered_per_s\":%.0f,",
           swarm->options->dialect->name, swarm->options->members, seconds,
           (unsigned long long)sample->sent, (double)sample->sent / seconds,
           (double)sample->answered / seconds, (unsigned long long)sample->delivered,
           (double)sample->delivered / seconds);
    printf("\"server_cpu\":%.3f,\"load_cpu\":%.3f,\"others_cpu\":%.3f,"
           "\"cpu_us_per_delivery\":%.3f,"
           "\"cpu_us_per_request\":%.3f,\"bytes_per_delivery\":%.0f,",
           sample->server_cpu / seconds, sample->own_cpu / seconds, sample->others_cpu / seconds,
           per(sample->server_cpu * 1e6, sample->delivered),
           per(sample->server_cpu * 1e6, sample->sent),
           per((double)sample->delivered_bytes, sample->delivered));
    print_nodes(swarm, seconds);
    printf("\"missing\":%lld,\"unanswered\":%lld,\"refused\":%llu,\"lost\":%u,\"delivery_ms\":",
           missing,
           swarm->options->dialect->answers
               ? (long long)swarm->sent - (long long)(swarm->answered + swarm->refused)
               : 0,
           (unsigned long long)swarm->refused, swarm->lost);
    hist_print_json(&sample->delivery, stdout);
    printf(",\"answer_ms\":");
    hist_print_json(&sample->answer, stdout);
    printf("}\n");
}

static bool complete(const struct swarm *swarm)
{
    if (swarm->refused > 0)
        fprintf(stderr, "load: %llu requests refused, the first: %s\n",
                (unsigned long long)swarm->refused, swarm->first_refusal);
    if (swarm->lost > 0)
        fprintf(stderr, "load: %u connections lost, the first: %s\n", swarm->lost,
                swarm->first_loss);
    if (!all_arrived(swarm))
        fprintf(stderr, "load: not everything that was sent arrived\n");
    return swarm->refused == 0 && swarm->lost == 0 && all_arrived(swarm);
}

/* For whoever wants to read something else over the same time. */
static void say_phase(const char *phase)
{
    printf("{\"phase\":\"%s\"}\n", phase);
    fflush(stdout);
}

bool mode_traffic(const struct options *options)
{
    struct swarm *swarm = swarm_create(options);
    bool ok = swarm_open(swarm, ns_from_seconds(open_timeout));

    if (ok) {
        swarm_publish(swarm, options->warm_seconds);
        say_phase("measuring");
        swarm_sample_begin(swarm);
        swarm_publish(swarm, options->seconds);
        swarm_sample_end(swarm);
        say_phase("measured");
        drain(swarm);
        print_result(swarm);
        ok = complete(swarm);
    }
    swarm_destroy(&swarm);
    return ok;
}
