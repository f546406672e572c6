/* order.c - what is told of an event comes after the answer to who made it. */
#include "storage/threads.h"

void batch_begin(struct store *s)
{
    (void)pthread_mutex_lock(&s->order_lock);
    s->batch_under_way = true;
    (void)pthread_mutex_unlock(&s->order_lock);
}

void batch_end(struct store *s)
{
    (void)pthread_mutex_lock(&s->order_lock);
    struct store_req *req = s->held.head;
    s->held = (struct request_list){0};
    s->batch_under_way = false;
    (void)pthread_mutex_unlock(&s->order_lock);

    while (req != NULL) {
        struct store_req *next = req->next;
        s->options.on_read(s->options.arg, req);
        req = next;
    }
}

static bool is_held(struct store *s, struct store_req *req)
{
    if (req->op != STORE_EVENTS)
        return false;
    (void)pthread_mutex_lock(&s->order_lock);
    bool held = s->batch_under_way;
    if (held) {
        req->next = NULL;
        if (s->held.head == NULL)
            s->held.head = req;
        else
            s->held.tail->next = req;
        s->held.tail = req;
    }
    (void)pthread_mutex_unlock(&s->order_lock);
    return held;
}

void read_answer(struct store *s, struct store_req *req)
{
    if (!is_held(s, req))
        s->options.on_read(s->options.arg, req);
}
