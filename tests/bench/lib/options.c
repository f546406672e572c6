#include "tests/bench/lib/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/bench/lib/dialect.h"

enum { TEXT_MIN = 24, TEXT_MAX = 16000 };

static const struct option long_options[] = {
    {"dialect", required_argument, NULL, 'd'},    {"port", required_argument, NULL, 'p'},
    {"pid", required_argument, NULL, 'P'},        {"people", required_argument, NULL, 'f'},
    {"members", required_argument, NULL, 'm'},    {"publishers", required_argument, NULL, 'u'},
    {"fanout", required_argument, NULL, 'F'},     {"rate", required_argument, NULL, 'r'},
    {"window", required_argument, NULL, 'w'},     {"own-delivery", no_argument, NULL, 'o'},
    {"warm", required_argument, NULL, 'W'},       {"seconds", required_argument, NULL, 's'},
    {"text-bytes", required_argument, NULL, 't'}, {"connect-rate", required_argument, NULL, 'c'},
    {"sources", required_argument, NULL, 'S'},    {NULL, 0, NULL, 0},
};

void options_print_usage(void)
{
    fprintf(stderr,
            "usage: load traffic|idle|resume|failover|http --port N[,N...] [options]\n"
            "  --port N,...      a node each; the members are dealt out to them in blocks\n"
            "  --dialect parley|parley-history|parley-socketio|parley-socketio-polling|echo|\n"
            "            socketio|socketio-polling|socketio-store (parley);\n"
            "            with http: http-history|http-user\n"
            "  --pid N,...       the nodes' processes, for their CPU and memory\n"
            "  --people FILE     a line each: token, blank, channel id\n"
            "  --members N       connections (100)\n"
            "  --publishers N    how many of them send (10)\n"
            "  --fanout N        deliveries each message causes (the members)\n"
            "  --rate R          requests a second; 0: closed loop (0)\n"
            "  --window N        closed loop: requests in flight a publisher (1)\n"
            "  --own-delivery    closed loop: a request ends with its own delivery\n"
            "  --warm S --seconds S  not counted, counted (1, 5)\n"
            "  --text-bytes N    length of a message's text (100)\n"
            "  --connect-rate N  new connections a second (0: as fast as they are answered)\n"
            "  --sources N       client addresses from 127.0.0.2 on (0: 127.0.0.1 only)\n");
}

static bool read_people(const char *path, struct options *options)
{
    char token[128];
    char channel[64];
    FILE *file = fopen(path, "re");

    if (file == NULL) {
        perror(path);
        return false;
    }
    while (fscanf(file, "%127s %63s", token, channel) == 2) {
        options->people =
            mem_realloc_array(options->people, options->people_count + 1, sizeof(*options->people));
        options->people[options->people_count++] =
            (struct person){.token = mem_strdup(token), .channel = mem_strdup(channel)};
    }
    fclose(file);
    return true;
}

/* A whole number from 0 to MAX. */
static bool read_count(const char *text, uint32_t max, uint32_t *count_out)
{
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);

    if (end == text || *end != '\0' || value > max) {
        fprintf(stderr, "load: %s is not a number from 0 to %u\n", text, max);
        return false;
    }
    *count_out = (uint32_t)value;
    return true;
}

static bool read_real(const char *text, double *value_out)
{
    char *end = NULL;
    double value = strtod(text, &end);

    if (end == text || *end != '\0' || !(value >= 0)) {
        fprintf(stderr, "load: %s is not a number from 0 up\n", text);
        return false;
    }
    *value_out = value;
    return true;
}

/* Numbers with commas between them, at most one a node; 0 for a mistake. */
static uint32_t read_counts(const char *text, uint32_t max, uint32_t counts_out[NODES_MAX])
{
    char copy[128];
    char *rest = copy;
    uint32_t count = 0;

    if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy))
        return 0;
    for (const char *word; (word = strsep(&rest, ",")) != NULL; count++)
        if (count == NODES_MAX || !read_count(word, max, &counts_out[count]))
            return 0;
    return count;
}

static bool read_ports(const char *text, struct options *options)
{
    uint32_t ports[NODES_MAX];

    options->nodes = read_counts(text, UINT16_MAX, ports);
    for (uint32_t i = 0; i < options->nodes; i++)
        options->ports[i] = (uint16_t)ports[i];
    return options->nodes > 0;
}

static bool read_pids(const char *text, struct options *options)
{
    uint32_t pids[NODES_MAX];
    uint32_t count = read_counts(text, INT32_MAX, pids);

    for (uint32_t i = 0; i < count; i++)
        options->servers[i] = (pid_t)pids[i];
    return count > 0;
}

static bool read_dialect(const char *text, struct options *options)
{
    options->dialect = dialect_find(text);
    if (options->dialect == NULL)
        fprintf(stderr, "load: no dialect %s\n", text);
    return options->dialect != NULL;
}

static bool read_option(int key, const char *value, struct options *options)
{
    switch (key) {
    case 'd':
        return read_dialect(value, options);
    case 'p':
        return read_ports(value, options);
    case 'P':
        return read_pids(value, options);
    case 'f':
        return read_people(value, options);
    case 'm':
        return read_count(value, 1000000, &options->members);
    case 'u':
        return read_count(value, 1000000, &options->publishers);
    case 'F':
        return read_count(value, 1000000, &options->fanout);
    case 'r':
        return read_real(value, &options->rate);
    case 'w':
        return read_count(value, 10000, &options->window);
    case 'o':
        options->own_delivery = true;
        return true;
    case 'W':
        return read_real(value, &options->warm_seconds);
    case 's':
        return read_real(value, &options->seconds);
    case 't':
        return read_count(value, TEXT_MAX, &options->text_bytes);
    case 'c':
        return read_count(value, UINT32_MAX, &options->connect_rate);
    case 'S':
        return read_count(value, 250, &options->sources);
    default:
        return false;
    }
}

static bool check(struct options *options)
{
    const char *fault = NULL;

    if (options->fanout == 0)
        options->fanout = options->members;
    if (options->text_bytes < TEXT_MIN)
        options->text_bytes = TEXT_MIN;
    if (options->nodes == 0)
        fault = "--port is missing";
    else if (options->publishers == 0 || options->publishers > options->members)
        fault = "--publishers must be from 1 to the members";
    else if (options->dialect->signs_in && options->people_count == 0)
        fault = "this dialect needs --people";
    if (fault != NULL)
        fprintf(stderr, "load: %s\n", fault);
    return fault == NULL;
}

bool options_parse(int argc, char **argv, struct options *options_out)
{
    int key = 0;

    *options_out = (struct options){
        .dialect = &dialect_parley,
        .members = 100,
        .publishers = 10,
        .window = 1,
        .warm_seconds = 1,
        .seconds = 5,
        .text_bytes = 100,
    };
    while ((key = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        if (!read_option(key, optarg, options_out))
            return false;
    return check(options_out);
}

void options_release(struct options *options)
{
    for (uint32_t i = 0; i < options->people_count; i++) {
        free(options->people[i].token);
        free(options->people[i].channel);
    }
    free(options->people);
    *options = (struct options){0};
}
