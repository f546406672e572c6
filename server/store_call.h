/* store_call.h - asking the store from a worker: a request that comes back as mail.
 *
 * Threading: made and answered on the same worker; in between the storage threads have it.
 * Ownership: whoever embeds or allocates the call; done() runs exactly once, never from inside
 * store_call_submit().
 */
#ifndef SERVER_STORE_CALL_H
#define SERVER_STORE_CALL_H

#include "server/mailbox.h"
#include "storage/store.h"

struct store_call {
    struct mail mail;
    struct worker *worker;
    struct store_req req;
    void (*done)(struct store_call *call);
};

/* Sends call->req (op, arena, actor and in are set) on its way. */
void store_call_submit(struct store_call *call, struct worker *worker,
                       void (*done)(struct store_call *call));

#endif
