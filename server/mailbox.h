/* mailbox.h - how another thread speaks to a worker: a queue and a wake-up.
 *
 * Threading: posting and waking from any thread; the rest on the worker's own. Mail runs on the
 * worker in the order in which it was posted. Ownership: a posted mail belongs to the mailbox until
 * its run() is called, then to run().
 */
#ifndef SERVER_MAILBOX_H
#define SERVER_MAILBOX_H

#include <pthread.h>
#include <stdbool.h>
#include <uv.h>

struct worker;

struct mail {
    struct mail *next;
    void (*run)(struct worker *worker, struct mail *mail);
};

struct mailbox {
    pthread_mutex_t lock;
    struct mail *head;
    struct mail **tail;
    uv_async_t wake;
    struct worker *worker;
};

void mailbox_init(struct mailbox *box, uv_loop_t *loop, struct worker *worker);
void mailbox_post(struct mailbox *box, struct mail *mail);
/* FIRST to LAST, linked by next, in one go. */
void mailbox_post_list(struct mailbox *box, struct mail *first, struct mail *last);
/* The same without waking the worker: for more mail to go with it; mailbox_wake() has to follow. */
void mailbox_lay_list(struct mailbox *box, struct mail *first, struct mail *last);
void mailbox_wake(struct mailbox *box);
/* Runs what is there now. True if something ran. */
bool mailbox_run(struct mailbox *box);
/* Before the loop closes; what is left in the box is run first. */
void mailbox_close(struct mailbox *box);

#endif
