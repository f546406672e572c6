/* swarm.h - many members of a chat, signed in by one process, and what is
 * counted and timed on them.
 *
 * Every message carries a mark "~T" + the time it was due + its publisher, so
 * its latency is known wherever it arrives. Requests are numbered by the time
 * they were due, so an answer's id tells its latency. "Due" is the schedule's
 * time, not the time the generator found to send: a late generator or a
 * stalled server cannot hide behind messages that were not sent.
 *
 * Threading: one thread. Ownership: the swarm owns its members.
 */
#ifndef TESTS_BENCH_LIB_SWARM_H
#define TESTS_BENCH_LIB_SWARM_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/lib/hist.h"
#include "tests/bench/lib/json_scan.h"
#include "tests/bench/lib/options.h"
#include "tests/bench/lib/poll_client.h"
#include "tests/bench/lib/ws_client.h"

/* A member's place in a stream: what it names when it resumes. */
struct position {
    char stream[40];
    char epoch[20];
    uint64_t seq;
};

struct swarm;

enum member_stage { MEMBER_AWAY, MEMBER_JOINING, MEMBER_READY };

struct member {
    struct ws_client ws;
    struct poll_client poll; /* in its place where the dialect polls */
    struct swarm *swarm;
    enum member_stage stage;
    uint32_t index;
    uint32_t node;     /* that it is connected to, or will be next */
    bool moved;        /* it has lost its node and gone to another */
    uint64_t retry_ns; /* when to connect again after a loss; 0: not waiting */
    const struct person *person;
    struct position channel;
    struct position own;
    bool lost_place;  /* the server answered resumed:false */
    uint32_t gaps;    /* events that skipped a seq, */
    uint32_t repeats; /* or came again */
};

/* What came from one node. */
struct node_sample {
    double cpu; /* seconds */
    uint64_t delivered;
    struct hist delivery;
    struct hist answer;
};

/* Counted while a measurement runs; members that have moved are not. */
struct sample {
    uint64_t started_ns;
    uint64_t ended_ns;
    double server_cpu; /* seconds, of all nodes */
    double own_cpu;
    double others_cpu; /* of everything else on the machine */
    uint64_t sent;
    uint64_t answered;
    uint64_t delivered;
    uint64_t delivered_bytes;
    struct hist delivery;
    struct hist answer;
    struct node_sample nodes[NODES_MAX];
};

struct swarm {
    const struct options *options;
    struct ws_loop *loop;
    struct poll_loop *poll_loop; /* where the dialect polls, else NULL */
    struct ws_target target;
    struct member *members;
    uint32_t ready;
    uint32_t lost;        /* connections that ended after they were ready, */
    uint32_t turned_away; /* and before */
    bool reconnects;      /* lost members come back by themselves, */
    bool moves;           /* to another node than the one that they have lost */
    bool tracks_seq;      /* check that each member's events are contiguous */
    bool publishing;      /* closed loop: a finished request starts the next */
    bool recording;
    uint64_t all_ready_ns; /* when the last of all members was ready */
    uint64_t last_id;
    uint64_t sent;
    uint64_t answered;
    uint64_t refused;
    uint64_t delivered;
    char first_loss[160];
    char first_refusal[320];
    struct sample sample;
};

struct swarm *swarm_create(const struct options *options);
void swarm_destroy(struct swarm **swarm);

/* Connect and sign in everybody. False, with the reason on stderr, when the
 * server refuses or it takes longer than TIMEOUT_NS. */
bool swarm_open(struct swarm *swarm, uint64_t timeout_ns);

/* Handle events for at most TIMEOUT_NS, less when there are some. */
void swarm_poll(struct swarm *swarm, uint64_t timeout_ns);

/* Send requests for SECONDS: at the options' rate, or as fast as the window
 * allows. In a closed loop they go on until swarm->publishing is cleared. */
void swarm_publish(struct swarm *swarm, double seconds);

void swarm_sample_begin(struct swarm *swarm);
void swarm_sample_end(struct swarm *swarm);

/* Whether the seq of MEMBER's events is of interest, */
bool member_tracks_seq(const struct member *member);
/* and if so, an event's place. Keeps count of gaps and repeats. */
void member_note_event(struct member *member, struct json_span stream, uint64_t seq);

#endif
