/* options.h - the command line of the load generator. */
#ifndef TESTS_BENCH_LIB_OPTIONS_H
#define TESTS_BENCH_LIB_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct dialect;

/* The servers that one run can spread its members over. */
enum { NODES_MAX = 8 };

/* One who can sign in. Several members may be the same person. */
struct person {
    char *token;
    char *channel; /* the id of the channel this person writes to and reads */
};

struct options {
    const struct dialect *dialect;
    uint16_t ports[NODES_MAX]; /* a node each; the members are dealt out in blocks */
    uint32_t nodes;
    pid_t servers[NODES_MAX]; /* whose CPU and memory are measured; 0: none */
    uint32_t members;
    uint32_t publishers;
    uint32_t fanout;   /* deliveries that one message must cause */
    double rate;       /* requests a second over all publishers; 0: closed loop */
    uint32_t window;   /* closed loop: requests in flight for each publisher */
    bool own_delivery; /* closed loop: a request ends with its own delivery, not its answer */
    double warm_seconds;
    double seconds;
    uint32_t text_bytes;
    uint32_t connect_rate; /* new connections a second; 0: all at once */
    unsigned sources;      /* client addresses, 127.0.0.2 and up; 0: 127.0.0.1 only */
    struct person *people;
    uint32_t people_count;
};

/* Read ARGV[1..] into *OPTIONS_OUT. A mistake is explained on stderr and gives
 * false. Release with options_release(). */
bool options_parse(int argc, char **argv, struct options *options_out);
void options_release(struct options *options);

void options_print_usage(void);

#endif
