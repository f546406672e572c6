/* load.c - Parley's load generator.
 *
 * One thread, one epoll loop, thousands of connections. It signs
 * members in (swarm), sends requests at a rate or as fast as they are done
 * (mode_*), speaks Parley's protocol and that of the servers it is compared
 * with (dialect_*), and prints what it measured as one JSON object.
 *
 * The measured server should have a processor of its own: taskset both. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/bench/lib/dialect.h"
#include "tests/bench/lib/modes.h"
#include "tests/bench/lib/options.h"

static const struct {
    const char *name;
    bool (*run)(const struct options *options);
} modes[] = {{"traffic", mode_traffic},
             {"idle", mode_idle},
             {"resume", mode_resume},
             {"failover", mode_failover},
             {"http", mode_http}};

static bool fits(const struct options *options, bool http)
{
    if (options->dialect->http != http)
        fprintf(stderr, "load: this mode does not speak the dialect %s\n", options->dialect->name);
    return options->dialect->http == http;
}

/* A descriptor a member, two where they poll, and some to spare. */
static bool raise_descriptor_limit(const struct options *options)
{
    rlim_t wanted = (rlim_t)options->members * (options->dialect->polling ? 2 : 1) + 64;
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= wanted)
        return true;
    limit.rlim_cur = wanted;
    if (limit.rlim_max < wanted)
        limit.rlim_max = wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return true;
    perror("load: cannot open that many descriptors");
    return false;
}

int main(int argc, char **argv)
{
    struct options options;

    for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(argv[1], modes[i].name) != 0)
            continue;
        bool ok = options_parse(argc - 1, argv + 1, &options) &&
                  fits(&options, modes[i].run == mode_http) && raise_descriptor_limit(&options) &&
                  modes[i].run(&options);
        options_release(&options);
        return ok ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    options_print_usage();
    return 2;
}
