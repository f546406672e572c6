#include "server/store_call.h"

#include "base/macros.h"
#include "server/node.h"
#include "server/worker.h"

static void run(struct worker *worker, struct mail *mail)
{
    struct store_call *call = container_of(mail, struct store_call, mail);

    worker->calls--;
    call->done(call);
}

void store_call_submit(struct store_call *call, struct worker *worker,
                       void (*done)(struct store_call *call))
{
    call->worker = worker;
    call->mail.run = run;
    call->done = done;
    worker->calls++;
    if (store_op_writes(call->req.op) || worker->stopping)
        store_submit(worker->node->store, &call->req);
    else
        worker_add_read(worker, &call->req);
}
