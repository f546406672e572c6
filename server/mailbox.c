#include "server/mailbox.h"

#include "base/macros.h"

static void on_wake(uv_async_t *async)
{
    (void)mailbox_run(container_of(async, struct mailbox, wake));
}

void mailbox_init(struct mailbox *box, uv_loop_t *loop, struct worker *worker)
{
    (void)pthread_mutex_init(&box->lock, NULL);
    box->head = NULL;
    box->tail = &box->head;
    box->worker = worker;
    (void)uv_async_init(loop, &box->wake, on_wake);
}

/* True if nobody has been told of the mail in the box. */
static bool append(struct mailbox *box, struct mail *first, struct mail *last)
{
    (void)pthread_mutex_lock(&box->lock);
    bool was_empty = box->head == NULL;
    last->next = NULL;
    *box->tail = first;
    box->tail = &last->next;
    (void)pthread_mutex_unlock(&box->lock);
    return was_empty;
}

void mailbox_post_list(struct mailbox *box, struct mail *first, struct mail *last)
{
    if (append(box, first, last))
        mailbox_wake(box);
}

void mailbox_lay_list(struct mailbox *box, struct mail *first, struct mail *last)
{
    (void)append(box, first, last);
}

void mailbox_wake(struct mailbox *box)
{
    (void)uv_async_send(&box->wake);
}

void mailbox_post(struct mailbox *box, struct mail *mail)
{
    mailbox_post_list(box, mail, mail);
}

bool mailbox_run(struct mailbox *box)
{
    (void)pthread_mutex_lock(&box->lock);
    struct mail *mail = box->head;
    box->head = NULL;
    box->tail = &box->head;
    (void)pthread_mutex_unlock(&box->lock);

    bool any = mail != NULL;
    while (mail != NULL) {
        struct mail *next = mail->next;
        mail->run(box->worker, mail);
        mail = next;
    }
    return any;
}

void mailbox_close(struct mailbox *box)
{
    while (mailbox_run(box))
        continue;
    uv_close((uv_handle_t *)&box->wake, NULL);
}
