/* redis_mail.c - what other threads ask of the bus over Redis, and how it leaves.
 *
 * Each of these hands over to this node's workers at once, then posts a mail to the bus's thread,
 * which publishes it. A mail that comes after the end is thrown away.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "server/bus/envelope.h"
#include "server/bus/redis_bus.h"
#include "server/event.h"
#include "server/frame.h"
#include "server/metrics.h"

/* -- out -------------------------------------------------------------------------------------- */

/* BYTES to all who listen for CHANNEL. */
static void publish(struct redis_bus *bus, const char *channel, const struct buf *bytes)
{
    struct redis_arg args[] = {REDIS_ARG("PUBLISH"), REDIS_ARG(channel), {bytes->data, bytes->len}};

    if (bytes->len > ENVELOPE_BYTES_MAX)
        metric_add_by(METRIC_BUS_DROPPED, METRIC_BUS_DROP_OVERSIZE, 1);
    else if (redis_conn_command(bus->commands, args, ARRAY_LEN(args), NULL, NULL))
        metric_add(METRIC_BUS_PUBLISHED, 1);
    else
        metric_add_by(METRIC_BUS_DROPPED,
                      redis_conn_is_up(bus->commands) ? METRIC_BUS_DROP_FULL : METRIC_BUS_DROP_AWAY,
                      1);
}

static void publish_envelope(struct redis_bus *bus, struct envelope *envelope)
{
    char channel[REDIS_NAME_MAX];

    envelope->node = bus->node;
    buf_clear(&bus->scratch);
    envelope_put(&bus->scratch, envelope);
    (void)snprintf(channel, sizeof(channel), "%s:s:%s", bus->prefix, envelope->stream);
    publish(bus, channel, &bus->scratch);
}

void redis_publish_control(struct redis_bus *bus, struct control *control)
{
    control->node = bus->node;
    buf_clear(&bus->scratch);
    control_put(&bus->scratch, control);
    publish(bus, bus->control, &bus->scratch);
}

static void publish_event(struct redis_bus *bus, const struct event *event)
{
    struct envelope envelope = {
        .stream = event->stream,
        .epoch = event->epoch,
        .seq = event->seq,
        .type = event->type,
        .subject = event->subject,
        .subject_seq = event->subject_seq,
    };

    envelope.json = frame_payload(event->frame, &envelope.json_len);
    publish_envelope(bus, &envelope);
}

/* -- mail: what other threads ask for --------------------------------------------------------- */

struct events_mail {
    struct mail mail;
    struct redis_bus *bus;
    size_t n;
    struct event *events[];
};

static void run_events(struct worker *none, struct mail *mail)
{
    struct events_mail *m = container_of(mail, struct events_mail, mail);

    (void)none;
    for (size_t i = 0; i < m->n; i++) {
        if (!atomic_load(&m->bus->stopped)) {
            recent_keep(m->bus, m->events[i]);
            publish_event(m->bus, m->events[i]);
        }
        event_unref(m->events[i]);
    }
    free(m);
}

void redis_publish(struct bus *base, struct event *const *events, size_t n)
{
    struct redis_bus *bus = redis_bus_of(base);
    struct events_mail *m = mem_alloc(sizeof(*m) + n * sizeof(m->events[0]));

    base->sink.events(base->sink.arg, BUS_ALL_WORKERS, events, n);
    m->mail.run = run_events;
    m->bus = bus;
    m->n = n;
    for (size_t i = 0; i < n; i++)
        m->events[i] = event_ref(events[i]);
    mailbox_post(&bus->box, &m->mail);
}

/* News for the members of one stream go on its channel, those for several on the control channel:
 * there a connection that is a member of more than one gets them once. */
struct ephemeral_mail {
    struct mail mail;
    struct redis_bus *bus;
    struct frame *frame;
    char except[ID_MAX + 1];
    size_t n;
    char streams[][STORE_STREAM_SIZE];
};

static void send_ephemeral_to_one(struct ephemeral_mail *m)
{
    struct envelope envelope = {
        .stream = m->streams[0], .flags = ENVELOPE_EPHEMERAL, .except = m->except};

    envelope.json = frame_payload(m->frame, &envelope.json_len);
    publish_envelope(m->bus, &envelope);
}

static void send_ephemeral_to_many(struct ephemeral_mail *m)
{
    struct control *control = mem_zalloc(sizeof(*control));

    control->kind = CONTROL_EPHEMERAL;
    control->except = m->except;
    control->json = frame_payload(m->frame, &control->json_len);
    for (size_t i = 0; i < m->n; i++) {
        control->list[control->list_n++] = m->streams[i];
        if (control->list_n == CONTROL_LIST_MAX || i + 1 == m->n) {
            redis_publish_control(m->bus, control);
            control->list_n = 0;
        }
    }
    free(control);
}

static void run_ephemeral(struct worker *none, struct mail *mail)
{
    struct ephemeral_mail *m = container_of(mail, struct ephemeral_mail, mail);

    (void)none;
    if (!atomic_load(&m->bus->stopped) && m->n == 1)
        send_ephemeral_to_one(m);
    else if (!atomic_load(&m->bus->stopped))
        send_ephemeral_to_many(m);
    frame_unref(m->frame);
    free(m);
}

void redis_publish_ephemeral(struct bus *base, const char *const *streams, size_t n,
                             struct frame *frame, const char *except)
{
    struct redis_bus *bus = redis_bus_of(base);
    struct ephemeral_mail *m = mem_zalloc(sizeof(*m) + n * sizeof(m->streams[0]));

    base->sink.ephemeral(base->sink.arg, streams, n, frame, except);
    m->mail.run = run_ephemeral;
    m->bus = bus;
    m->frame = frame_ref(frame);
    if (except != NULL)
        (void)snprintf(m->except, sizeof(m->except), "%s", except);
    m->n = n;
    for (size_t i = 0; i < n; i++)
        (void)snprintf(m->streams[i], sizeof(m->streams[i]), "%s", streams[i]);
    mailbox_post(&bus->box, &m->mail);
}

/* What is said to all nodes: about a user, or to one of them. */
struct user_mail {
    struct mail mail;
    struct redis_bus *bus;
    enum control_kind kind;
    enum store_role role;
    char user[ID_MAX + 1];
    char session[ID_MAX + 1];
    char except[ID_MAX + 1];
    char name[ID_MAX + 1];
};

static void run_user(struct worker *none, struct mail *mail)
{
    struct user_mail *m = container_of(mail, struct user_mail, mail);
    struct control *control = mem_zalloc(sizeof(*control));

    (void)none;
    control->kind = m->kind;
    control->role = m->role;
    control->user = m->user;
    control->session = m->session;
    control->except = m->except;
    control->name = m->name;
    if (!atomic_load(&m->bus->stopped))
        redis_publish_control(m->bus, control);
    free(control);
    free(m);
}

static struct user_mail *user_mail(struct redis_bus *bus, enum control_kind kind, const char *user)
{
    struct user_mail *m = mem_zalloc(sizeof(*m));

    m->mail.run = run_user;
    m->bus = bus;
    m->kind = kind;
    if (user != NULL)
        (void)snprintf(m->user, sizeof(m->user), "%s", user);
    return m;
}

void redis_revoke(struct bus *base, const char *user, const char *session, const char *except)
{
    struct user_mail *m = user_mail(redis_bus_of(base), CONTROL_REVOKE, user);

    base->sink.revoke(base->sink.arg, user, session, except);
    if (session != NULL)
        (void)snprintf(m->session, sizeof(m->session), "%s", session);
    if (except != NULL)
        (void)snprintf(m->except, sizeof(m->except), "%s", except);
    mailbox_post(&m->bus->box, &m->mail);
}

void redis_role(struct bus *base, const char *user, enum store_role role)
{
    struct user_mail *m = user_mail(redis_bus_of(base), CONTROL_ROLE, user);

    base->sink.role(base->sink.arg, user, role);
    m->role = role;
    mailbox_post(&m->bus->box, &m->mail);
}

void redis_drain(struct bus *base, const char *name)
{
    struct user_mail *m = user_mail(redis_bus_of(base), CONTROL_DRAIN, NULL);

    (void)snprintf(m->name, sizeof(m->name), "%s", name);
    mailbox_post(&m->bus->box, &m->mail);
}

struct login_mail {
    struct mail mail;
    struct redis_bus *bus;
    bool good;
    size_t n;
    char keys[][STORE_STREAM_SIZE];
};

static void run_login(struct worker *none, struct mail *mail)
{
    struct login_mail *m = container_of(mail, struct login_mail, mail);
    struct control *control = mem_zalloc(sizeof(*control));

    (void)none;
    control->kind = CONTROL_LOGIN;
    control->seq = m->good;
    for (size_t i = 0; i < m->n; i++)
        control->list[control->list_n++] = m->keys[i];
    if (!atomic_load(&m->bus->stopped))
        redis_publish_control(m->bus, control);
    free(control);
    free(m);
}

void redis_attempt(struct bus *base, const char *const *keys, size_t n, bool good)
{
    struct login_mail *m = mem_zalloc(sizeof(*m) + n * sizeof(m->keys[0]));

    m->mail.run = run_login;
    m->bus = redis_bus_of(base);
    m->good = good;
    for (size_t i = 0; i < n; i++)
        if (strlen(keys[i]) < sizeof(m->keys[0]))
            (void)snprintf(m->keys[m->n++], sizeof(m->keys[0]), "%s", keys[i]);
    mailbox_post(&m->bus->box, &m->mail);
}

struct presence_mail {
    struct mail mail;
    struct redis_bus *bus;
    struct buf users;
    struct buf letters;
};

static void run_presence(struct worker *none, struct mail *mail)
{
    struct presence_mail *m = container_of(mail, struct presence_mail, mail);
    struct redis_bus *bus = m->bus;
    struct control *control = mem_zalloc(sizeof(*control));
    char letters[CONTROL_LIST_MAX + 1];
    const char *user = m->users.data;

    (void)none;
    control->kind = CONTROL_PRESENCE;
    control->states = letters;
    for (size_t i = 0; i < m->letters.len && !atomic_load(&bus->stopped); i++) {
        letters[control->list_n] = m->letters.data[i];
        control->list[control->list_n++] = user;
        user += strlen(user) + 1;
        if (control->list_n < CONTROL_LIST_MAX && i + 1 < m->letters.len)
            continue;
        letters[control->list_n] = '\0';
        control->seq = ++bus->presence_seq;
        presence_said(bus, control);
        redis_publish_control(bus, control);
        control->list_n = 0;
    }
    free(control);
    buf_free(&m->users);
    buf_free(&m->letters);
    free(m);
}

void redis_presence(struct bus *base, const char *users, size_t n, const char *letters)
{
    struct presence_mail *m = mem_zalloc(sizeof(*m));

    m->mail.run = run_presence;
    m->bus = redis_bus_of(base);
    buf_put(&m->users, users, n);
    buf_puts(&m->letters, letters);
    mailbox_post(&m->bus->box, &m->mail);
}

struct listen_mail {
    struct mail mail;
    struct redis_bus *bus;
    unsigned worker;
    bool ends;
    size_t n;
    char streams[][STORE_STREAM_SIZE];
};

static void run_listen(struct worker *none, struct mail *mail)
{
    struct listen_mail *m = container_of(mail, struct listen_mail, mail);

    (void)none;
    for (size_t i = 0; i < m->n && !atomic_load(&m->bus->stopped); i++)
        if (m->ends)
            topics_unlisten(m->bus, m->worker, m->streams[i]);
        else
            topics_listen(m->bus, m->worker, m->streams[i]);
    free(m);
}

static void post_listen(struct redis_bus *bus, unsigned worker, bool ends,
                        const char *const *streams, size_t n)
{
    struct listen_mail *m = mem_zalloc(sizeof(*m) + n * sizeof(m->streams[0]));

    m->mail.run = run_listen;
    m->bus = bus;
    m->worker = worker;
    m->ends = ends;
    m->n = n;
    for (size_t i = 0; i < n; i++)
        (void)snprintf(m->streams[i], sizeof(m->streams[i]), "%s", streams[i]);
    mailbox_post(&bus->box, &m->mail);
}

void redis_listen(struct bus *bus, unsigned worker, const char *const *streams, size_t n)
{
    post_listen(redis_bus_of(bus), worker, false, streams, n);
}

void redis_unlisten(struct bus *bus, unsigned worker, const char *stream)
{
    post_listen(redis_bus_of(bus), worker, true, &stream, 1);
}
