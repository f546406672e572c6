#include "server/fanout.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/macros.h"
#include "base/mem.h"
#include "server/event.h"
#include "server/frame.h"
#include "server/hub.h"
#include "server/mailbox.h"
#include "server/node.h"
#include "server/presence.h"
#include "server/session.h"
#include "server/session_check.h"
#include "server/slash_token.h"
#include "server/throttle.h"
#include "server/worker.h"

struct events_mail {
    struct mail mail;
    size_t n;
    struct event *events[];
};

struct ephemeral_mail {
    struct mail mail;
    struct frame *frame;
    uint64_t mark;
    char except[ID_MAX + 1];
    size_t n;
    char streams[][STORE_STREAM_SIZE];
};

struct revoke_mail {
    struct mail mail;
    char user[ID_MAX + 1];
    char session[ID_MAX + 1];
    char except[ID_MAX + 1];
};

struct role_mail {
    struct mail mail;
    char user[ID_MAX + 1];
    enum store_role role;
};

static void run_events(struct worker *worker, struct mail *mail)
{
    struct events_mail *m = container_of(mail, struct events_mail, mail);

    for (size_t i = 0; i < m->n; i++) {
        hub_deliver(worker->hub, m->events[i]);
        event_unref(m->events[i]);
    }
    free(m);
}

static void fanout_events(void *arg, uint64_t workers, struct event *const *events, size_t n)
{
    struct node *node = arg;

    for (unsigned w = 0; w < node->workers_n; w++) {
        if ((workers >> w & 1) == 0)
            continue;
        struct events_mail *m = mem_alloc(sizeof(*m) + n * sizeof(m->events[0]));
        m->mail.run = run_events;
        m->n = n;
        for (size_t i = 0; i < n; i++)
            m->events[i] = event_ref(events[i]);
        mailbox_post(&node->workers[w]->box, &m->mail);
    }
}

static void run_ephemeral(struct worker *worker, struct mail *mail)
{
    struct ephemeral_mail *m = container_of(mail, struct ephemeral_mail, mail);
    const char *except = m->except[0] != '\0' ? m->except : NULL;

    for (size_t i = 0; i < m->n; i++)
        hub_deliver_ephemeral(worker->hub, m->streams[i], m->frame, except, m->mark);
    frame_unref(m->frame);
    free(m);
}

static void fanout_ephemeral(void *arg, const char *const *streams, size_t n, struct frame *frame,
                             const char *except)
{
    struct node *node = arg;
    uint64_t mark = node_next_mark(node);

    for (unsigned w = 0; w < node->workers_n; w++) {
        struct ephemeral_mail *m = mem_zalloc(sizeof(*m) + n * sizeof(m->streams[0]));
        m->mail.run = run_ephemeral;
        m->frame = frame_ref(frame);
        m->mark = mark;
        if (except != NULL)
            (void)snprintf(m->except, sizeof(m->except), "%s", except);
        m->n = n;
        for (size_t i = 0; i < n; i++)
            (void)snprintf(m->streams[i], sizeof(m->streams[i]), "%s", streams[i]);
        mailbox_post(&node->workers[w]->box, &m->mail);
    }
}

static void run_revoke(struct worker *worker, struct mail *mail)
{
    struct revoke_mail *m = container_of(mail, struct revoke_mail, mail);

    session_revoke(worker, m->user[0] != '\0' ? m->user : NULL,
                   m->session[0] != '\0' ? m->session : NULL,
                   m->except[0] != '\0' ? m->except : NULL);
    free(m);
}

static void fanout_revoke(void *arg, const char *user, const char *session, const char *except)
{
    struct node *node = arg;

    atomic_fetch_add(&node->revocations, 1);
    for (unsigned w = 0; w < node->workers_n; w++) {
        struct revoke_mail *m = mem_zalloc(sizeof(*m));
        m->mail.run = run_revoke;
        if (user != NULL)
            (void)snprintf(m->user, sizeof(m->user), "%s", user);
        if (session != NULL)
            (void)snprintf(m->session, sizeof(m->session), "%s", session);
        if (except != NULL)
            (void)snprintf(m->except, sizeof(m->except), "%s", except);
        mailbox_post(&node->workers[w]->box, &m->mail);
    }
}

static void run_role(struct worker *worker, struct mail *mail)
{
    struct role_mail *m = container_of(mail, struct role_mail, mail);

    session_set_role(worker, m->user, m->role);
    free(m);
}

static void fanout_role(void *arg, const char *user, enum store_role role)
{
    struct node *node = arg;

    atomic_fetch_add(&node->revocations, 1);
    for (unsigned w = 0; w < node->workers_n; w++) {
        struct role_mail *m = mem_zalloc(sizeof(*m));
        m->mail.run = run_role;
        (void)snprintf(m->user, sizeof(m->user), "%s", user);
        m->role = role;
        mailbox_post(&node->workers[w]->box, &m->mail);
    }
}

/* -- streams ---------------------------------------------------------------------------------- */

struct listening_mail {
    struct mail mail;
    size_t n;
    char streams[][STORE_STREAM_SIZE];
};

static void run_listening(struct worker *worker, struct mail *mail)
{
    struct listening_mail *m = container_of(mail, struct listening_mail, mail);

    for (size_t i = 0; i < m->n; i++)
        hub_listening(worker->hub, m->streams[i]);
    free(m);
}

static void fanout_listening(void *arg, unsigned worker, const char *const *streams, size_t n)
{
    struct node *node = arg;
    struct listening_mail *m = mem_zalloc(sizeof(*m) + n * sizeof(m->streams[0]));

    m->mail.run = run_listening;
    m->n = n;
    for (size_t i = 0; i < n; i++)
        (void)snprintf(m->streams[i], sizeof(m->streams[i]), "%s", streams[i]);
    mailbox_post(&node->workers[worker]->box, &m->mail);
}

static void run_check(struct worker *worker, struct mail *mail)
{
    free(mail);
    hub_check_now(worker->hub);
    session_check_all(worker->session_check);
}

static void fanout_check(void *arg)
{
    struct node *node = arg;

    for (unsigned w = 0; w < node->workers_n; w++) {
        struct mail *mail = mem_zalloc(sizeof(*mail));
        mail->run = run_check;
        mailbox_post(&node->workers[w]->box, mail);
    }
}

static void fanout_presence(void *arg, const char *from, const char *user, char said)
{
    struct node *node = arg;

    presence_hear(node->presence, from, user, said);
}

static void fanout_presence_all(void *arg, const char *from, bool end)
{
    struct node *node = arg;

    presence_hear_all(node->presence, from, end);
}

/* Whoever was on a node that said good-bye has the time of a reload to come back elsewhere; one
 * that was killed has been silent for longer than that already. */
static void fanout_node_gone(void *arg, const char *gone, bool clean, bool first)
{
    struct node *node = arg;

    presence_node_gone(node->presence, gone,
                       clock_monotonic_ns() / 1000000u + (clean ? PRESENCE_GRACE_MS : 0), first);
}

static void fanout_attempt(void *arg, const char *key, bool good)
{
    struct node *node = arg;

    throttle_hear(node->throttle, key, good, clock_monotonic_ns());
    slash_uses_hear(node->slash_uses, key, clock_unix_ms() / 1000);
}

static void fanout_account(void *arg)
{
    struct node *node = arg;

    atomic_store(&node->accounts_ns, clock_monotonic_ns());
}

static void fanout_drain(void *arg)
{
    (void)arg;
    (void)kill(getpid(), SIGTERM); /* the main thread takes it from there */
}

struct bus_sink fanout_sink(struct node *node)
{
    return (struct bus_sink){
        .arg = node,
        .events = fanout_events,
        .ephemeral = fanout_ephemeral,
        .revoke = fanout_revoke,
        .role = fanout_role,
        .listening = fanout_listening,
        .check = fanout_check,
        .presence = fanout_presence,
        .presence_all = fanout_presence_all,
        .node_gone = fanout_node_gone,
        .attempt = fanout_attempt,
        .drain = fanout_drain,
        .account = fanout_account,
    };
}
