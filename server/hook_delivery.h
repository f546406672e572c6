/* hook_delivery.h - one outgoing webhook at work. For hooks_out.c only.
 *
 * What is next is chosen anew after each step, most urgent first: text that the target answered
 * with, a dead letter, the position - these are written whoever has the lease -, the lease, dead
 * letters to be delivered again, the next event of the page that was read, the next page.
 *
 * Threading: the first worker's own; the target's answer is brought there by mail. Ownership:
 * hooks_out's; a delivery that is `gone` ends by itself when nothing of it is under way.
 */
#ifndef SERVER_HOOK_DELIVERY_H
#define SERVER_HOOK_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>
#include <uv.h>

#include "base/id.h"
#include "server/mailbox.h"
#include "server/outbound.h"
#include "server/store_call.h"

struct delivery;

/* What all deliveries share. */
struct delivery_service {
    struct worker *worker;
    const char *node; /* who has a lease */
    bool shared;      /* there are other nodes that may want one */
    bool stopping;
    /* The delivery has ended: it is to be forgotten. */
    void (*ended)(struct delivery_service *service, struct delivery *delivery);
};

/* What came from the target. */
struct delivery_answer {
    enum outbound_outcome outcome;
    int status;
    uint32_t retry_after_s;
    char reason[256];
    char type[64];
    char *body;
    size_t body_n;
};

struct delivery {
    UT_hash_handle hh; /* by id */
    struct delivery_service *service;
    uint64_t seen; /* the round that has found it in the store last */
    char id[ID_MAX + 1];
    char stream[STORE_STREAM_SIZE];
    struct arena *arena; /* of what follows */
    struct store_hook hook;

    uv_timer_t timer;
    struct store_call call; /* one question to the store at a time */
    struct mail mail;       /* from the target */
    bool busy;              /* one of the two is under way */
    bool gone;              /* from the store, or disabled */
    bool closed;            /* its timer is */

    uint64_t position;       /* dealt with up to here */
    uint64_t marked;         /* and as the store has it */
    uint64_t lease_until_ns; /* monotonic; 0: none */
    bool nudged;             /* there may be events */
    bool lingers;            /* the lease is kept for what may come */
    bool look;               /* for dead letters that were due when the server stopped */
    bool redeliver;          /* there are such */

    struct arena *page; /* of the events that were read */
    struct store_event *events;
    size_t events_n, at;
    uint64_t attempts_seq; /* the event that was tried ... */
    unsigned attempts;     /* so many times in vain ... */
    uint64_t due_ns;       /* and is not tried again before */
    bool again;            /* events[at] is a dead letter that is delivered again */
    unsigned again_attempts;
    struct delivery_answer answer;

    char *text;       /* to be posted into the channel */
    char text_id[64]; /* its client_msg_id */
    enum { LETTER_NONE, LETTER_PUT, LETTER_REMOVE } letter;
    struct store_hook_failure letter_of;
    char letter_error[300];
    bool mark;
    enum store_hook_outcome mark_as;
    bool disable;
};

struct delivery *delivery_create(struct delivery_service *service, const struct store_hook *hook);
/* Looks for dead letters that are due. */
void delivery_begin(struct delivery *delivery);
/* What the store has of it now. */
void delivery_refresh(struct delivery *delivery, const struct store_hook *hook);
/* There may be events; there is a dead letter to deliver again. */
void delivery_nudge(struct delivery *delivery);
void delivery_redeliver(struct delivery *delivery);
/* The store does not have it any more, or not as one that delivers. */
void delivery_end(struct delivery *delivery);
/* The server stops: gives the lease back. */
void delivery_drain(struct delivery *delivery);
/* Its timer is closed, or its loop was. */
void delivery_free(struct delivery *delivery);

#endif
