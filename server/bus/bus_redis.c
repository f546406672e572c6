/* bus_redis.c - the bus of a cluster: every node publishes its events in Redis and listens for the
 * streams that it has members of.
 *
 *   any thread: publish ---> sink (this node's workers, at once)
 *                  \---mail---> bus thread ---PUBLISH---> Redis ---message---> bus thread of
 * another node ---> its sink
 *
 * All that comes in one turn of the bus's loop leaves in one write. When Redis is away or does not
 * keep up, what would be published is dropped and counted: nothing piles up here, and other nodes
 * find the events in the store.
 */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "server/bus/envelope.h"
#include "server/bus/redis_bus.h"
#include "server/config.h"
#include "server/event.h"
#include "server/frame.h"
#include "server/metrics.h"

enum { ENDING_MS = 500 /* for the last words, when the server stops */ };

static struct redis_bus *bus_of(struct bus *bus)
{
    return container_of(bus, struct redis_bus, bus);
}

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

static void publish_control(struct redis_bus *bus, struct control *control)
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
        if (!atomic_load(&m->bus->stopped))
            publish_event(m->bus, m->events[i]);
        event_unref(m->events[i]);
    }
    free(m);
}

static void redis_publish(struct bus *base, struct event *const *events, size_t n)
{
    struct redis_bus *bus = bus_of(base);
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
            publish_control(m->bus, control);
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

static void redis_publish_ephemeral(struct bus *base, const char *const *streams, size_t n,
                                    struct frame *frame, const char *except)
{
    struct redis_bus *bus = bus_of(base);
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
        publish_control(m->bus, control);
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

static void redis_revoke(struct bus *base, const char *user, const char *session,
                         const char *except)
{
    struct user_mail *m = user_mail(bus_of(base), CONTROL_REVOKE, user);

    base->sink.revoke(base->sink.arg, user, session, except);
    if (session != NULL)
        (void)snprintf(m->session, sizeof(m->session), "%s", session);
    if (except != NULL)
        (void)snprintf(m->except, sizeof(m->except), "%s", except);
    mailbox_post(&m->bus->box, &m->mail);
}

static void redis_role(struct bus *base, const char *user, enum store_role role)
{
    struct user_mail *m = user_mail(bus_of(base), CONTROL_ROLE, user);

    base->sink.role(base->sink.arg, user, role);
    m->role = role;
    mailbox_post(&m->bus->box, &m->mail);
}

static void redis_drain(struct bus *base, const char *name)
{
    struct user_mail *m = user_mail(bus_of(base), CONTROL_DRAIN, NULL);

    (void)snprintf(m->name, sizeof(m->name), "%s", name);
    mailbox_post(&m->bus->box, &m->mail);
}

static void redis_set_draining(struct bus *bus)
{
    atomic_store(&bus_of(bus)->draining, true);
}

static size_t redis_nodes(struct bus *bus, struct bus_node *out, size_t max)
{
    return nodes_copy(bus_of(bus), out, max);
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
        publish_control(m->bus, control);
    free(control);
    free(m);
}

static void redis_login(struct bus *base, const char *const *keys, size_t n, bool good)
{
    struct login_mail *m = mem_zalloc(sizeof(*m) + n * sizeof(m->keys[0]));

    m->mail.run = run_login;
    m->bus = bus_of(base);
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
        publish_control(bus, control);
        control->list_n = 0;
    }
    free(control);
    buf_free(&m->users);
    buf_free(&m->letters);
    free(m);
}

static void redis_presence(struct bus *base, const char *users, size_t n, const char *letters)
{
    struct presence_mail *m = mem_zalloc(sizeof(*m));

    m->mail.run = run_presence;
    m->bus = bus_of(base);
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

static void redis_listen(struct bus *bus, unsigned worker, const char *const *streams, size_t n)
{
    post_listen(bus_of(bus), worker, false, streams, n);
}

static void redis_unlisten(struct bus *bus, unsigned worker, const char *stream)
{
    post_listen(bus_of(bus), worker, true, &stream, 1);
}

/* -- in --------------------------------------------------------------------------------------- */

static void reject(enum metric_bus_reject reason)
{
    metric_add_by(METRIC_BUS_REJECTED, reason, 1);
}

static bool reject_fault(enum envelope_fault fault)
{
    static const enum metric_bus_reject reasons[] = {
        [ENVELOPE_OTHER_VERSION] = METRIC_BUS_REJECT_VERSION,
        [ENVELOPE_MALFORMED] = METRIC_BUS_REJECT_MALFORMED,
        [ENVELOPE_OVERSIZE] = METRIC_BUS_REJECT_OVERSIZE,
    };

    if (fault == ENVELOPE_OK)
        return false;
    reject(reasons[fault]);
    return true;
}

/* Only nodes of the cluster are listened to. */
static bool is_foreign(struct redis_bus *bus, const char *node)
{
    if (nodes_find(bus, node) != NULL)
        return false;
    reject(METRIC_BUS_REJECT_FOREIGN);
    return true;
}

static void hand_over(struct redis_bus *bus)
{
    struct event *events[REDIS_INCOMING_MAX];

    for (size_t from = 0, to; from < bus->incoming_n; from = to) {
        uint64_t workers = bus->incoming[from].workers;
        for (to = from; to < bus->incoming_n && bus->incoming[to].workers == workers; to++)
            events[to - from] = bus->incoming[to].event;
        bus->bus.sink.events(bus->bus.sink.arg, workers, events, to - from);
    }
    for (size_t i = 0; i < bus->incoming_n; i++)
        event_unref(bus->incoming[i].event);
    bus->incoming_n = 0;
}

static void take_ephemeral(struct redis_bus *bus, const char *const *streams, size_t n,
                           const char *json, size_t json_len, const char *except)
{
    struct frame *frame = frame_text(json, json_len);

    frame->ephemeral = 1;
    hand_over(bus); /* what came before it goes before it */
    bus->bus.sink.ephemeral(bus->bus.sink.arg, streams, n, frame,
                            except[0] != '\0' ? except : NULL);
    frame_unref(frame);
}

/* What came on the channel of STREAM. */
static void take_envelope(struct redis_bus *bus, const char *stream, const redisReply *bytes)
{
    struct envelope e;
    uint64_t workers = topics_workers(bus, stream);

    if (workers == 0 || reject_fault(envelope_read(bytes->str, bytes->len, &e)))
        return; /* the last member went, and Redis does not know it yet */
    if (strcmp(e.node, bus->node) == 0 || is_foreign(bus, e.node))
        return;
    if (strcmp(e.stream, stream) != 0) {
        reject(METRIC_BUS_REJECT_STREAM);
        return;
    }
    metric_add(METRIC_BUS_RECEIVED, 1);
    if ((e.flags & ENVELOPE_EPHEMERAL) != 0) {
        take_ephemeral(bus, &e.stream, 1, e.json, e.json_len, e.except);
        return;
    }
    bus->incoming[bus->incoming_n++] = (struct incoming){event_from(&e), workers};
    if (bus->incoming_n == REDIS_INCOMING_MAX)
        hand_over(bus);
}

static const char *opt(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void take_control(struct redis_bus *bus, const redisReply *bytes)
{
    const struct bus_sink *sink = &bus->bus.sink;
    struct control c;

    if (reject_fault(control_read(bytes->str, bytes->len, &c)) || strcmp(c.node, bus->node) == 0)
        return;
    if (c.kind == CONTROL_HELLO) {
        nodes_hello(bus, c.node);
        return;
    }
    if (is_foreign(bus, c.node))
        return;
    metric_add(METRIC_BUS_RECEIVED, 1);
    switch (c.kind) {
    case CONTROL_EPHEMERAL:
        take_ephemeral(bus, c.list, c.list_n, c.json, c.json_len, c.except);
        break;
    case CONTROL_REVOKE:
        sink->revoke(sink->arg, opt(c.user), opt(c.session), opt(c.except));
        break;
    case CONTROL_ROLE:
        sink->role(sink->arg, c.user, c.role);
        break;
    case CONTROL_PRESENCE:
        presence_heard(bus, &c);
        break;
    case CONTROL_LOGIN:
        for (size_t i = 0; i < c.list_n; i++)
            sink->login(sink->arg, c.list[i], c.seq != 0);
        break;
    case CONTROL_BYE:
        nodes_bye(bus, c.node);
        break;
    case CONTROL_DRAIN:
        if (strcmp(c.name, bus->name) == 0)
            sink->drain(sink->arg);
        break;
    default:
        break;
    }
}

static bool is_text(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS;
}

/* "<prefix>:s:<stream>" -> the stream; NULL: another channel. */
static const char *stream_of(const struct redis_bus *bus, const char *channel)
{
    size_t n = strlen(bus->prefix);

    return strncmp(channel, bus->prefix, n) == 0 && strncmp(channel + n, ":s:", 3) == 0
               ? channel + n + 3
               : NULL;
}

static void on_pushed(void *arg, const redisReply *reply)
{
    struct redis_bus *bus = arg;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY || reply->elements < 2 ||
        !is_text(reply->element[0]) || !is_text(reply->element[1])) {
        if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
            log_warn("refused by Redis", LOG_STR("reason", reply->str));
        return;
    }
    const char *what = reply->element[0]->str;
    const char *channel = reply->element[1]->str;
    const char *stream = stream_of(bus, channel);
    if (strcmp(what, "subscribe") == 0 && stream != NULL) {
        topics_heard(bus, stream);
    } else if (strcmp(what, "subscribe") == 0) {
        nodes_heard(bus); /* what they say from now on is not missed */
        topics_control_heard(bus);
    } else if (strcmp(what, "message") == 0 && reply->elements == 3 && is_text(reply->element[2])) {
        if (stream != NULL)
            take_envelope(bus, stream, reply->element[2]);
        else if (strcmp(channel, bus->control) == 0)
            take_control(bus, reply->element[2]);
    }
}

/* -- the connections -------------------------------------------------------------------------- */

static void set_ready(struct redis_bus *bus, const char *why)
{
    bool ready = redis_conn_is_up(bus->commands) && redis_conn_is_up(bus->pushes);
    bool was = atomic_exchange(&bus->is_ready, ready);

    metric_set(METRIC_BUS_UP, ready ? 1 : 0);
    if (why != NULL) {
        (void)pthread_mutex_lock(&bus->lock);
        (void)snprintf(bus->reason, sizeof(bus->reason), "the bus is away: %.200s", why);
        (void)pthread_mutex_unlock(&bus->lock);
    }
    if (was && !ready)
        log_warn("bus is away", LOG_STR("reason", why == NULL ? "" : why));
    else if (!was && ready)
        log_info("bus is there", LOG_STR("redis", bus->uri.shown), LOG_STR("name", bus->name));
}

/* The others get to know this node before anything that it publishes. */
static void on_commands_up(void *arg)
{
    struct redis_bus *bus = arg;
    struct control *hello = mem_zalloc(sizeof(*hello));

    hello->kind = CONTROL_HELLO;
    presence_up(bus);
    nodes_up(bus);
    publish_control(bus, hello);
    free(hello);
    set_ready(bus, NULL);
}

static void on_pushes_up(void *arg)
{
    struct redis_bus *bus = arg;

    metric_add(METRIC_BUS_RECONNECTS, 1);
    (void)redis_conn_command(bus->pushes,
                             (struct redis_arg[]){REDIS_ARG("SUBSCRIBE"), REDIS_ARG(bus->control)},
                             2, NULL, NULL);
    topics_up(bus);
    set_ready(bus, NULL);
}

static void on_commands_down(void *arg, const char *why)
{
    set_ready(arg, why);
}

static void on_pushes_down(void *arg, const char *why)
{
    topics_down(arg);
    set_ready(arg, why);
}

static bool redis_is_ready(struct bus *base, char reason_out[256])
{
    struct redis_bus *bus = bus_of(base);

    if (atomic_load(&bus->is_ready))
        return true;
    (void)pthread_mutex_lock(&bus->lock);
    (void)snprintf(reason_out, 256, "%s", bus->reason);
    (void)pthread_mutex_unlock(&bus->lock);
    return false;
}

/* -- the thread ------------------------------------------------------------------------------- */

static void flush(struct redis_bus *bus)
{
    hand_over(bus);
    topics_flush(bus);
    redis_conn_flush(bus->commands);
    redis_conn_flush(bus->pushes);
}

static void on_turn(uv_prepare_t *prepare)
{
    flush(container_of(prepare, struct redis_bus, prepare));
}

static void on_tick(uv_timer_t *timer)
{
    struct redis_bus *bus = container_of(timer, struct redis_bus, tick);

    redis_conn_tick(bus->commands);
    redis_conn_tick(bus->pushes);
    topics_tick(bus);
    nodes_tick(bus);
}

static void *run(void *arg)
{
    struct redis_bus *bus = arg;

    (void)pthread_setname_np(pthread_self(), "bus");
    (void)uv_run(&bus->loop, UV_RUN_DEFAULT);
    return NULL;
}

static void redis_start(struct bus *base)
{
    struct redis_bus *bus = bus_of(base);
    struct redis_conn_options options = {
        .uri = &bus->uri,
        .name = bus->name,
        .up = on_commands_up,
        .down = on_commands_down,
        .arg = bus,
    };

    bus->commands = redis_conn_create(&bus->loop, &options);
    options.up = on_pushes_up;
    options.down = on_pushes_down;
    options.pushed = on_pushed;
    bus->pushes = redis_conn_create(&bus->loop, &options);
    (void)uv_prepare_start(&bus->prepare, on_turn);
    (void)uv_timer_start(&bus->tick, on_tick, REDIS_TICK_MS, REDIS_TICK_MS);
    bus->started = pthread_create(&bus->thread, NULL, run, bus) == 0;
}

/* -- the end ---------------------------------------------------------------------------------- */

static void end(struct redis_bus *bus)
{
    if (uv_is_closing((uv_handle_t *)&bus->tick))
        return;
    atomic_store(&bus->stopped, true);
    redis_conn_close(bus->commands, NULL, NULL);
    redis_conn_close(bus->pushes, NULL, NULL);
    uv_close((uv_handle_t *)&bus->prepare, NULL);
    uv_close((uv_handle_t *)&bus->tick, NULL);
    uv_close((uv_handle_t *)&bus->ending, NULL);
    mailbox_close(&bus->box);
}

static void on_ending(uv_timer_t *timer)
{
    end(container_of(timer, struct redis_bus, ending));
}

static void on_name_free(void *arg, const redisReply *reply)
{
    struct redis_bus *bus = arg;

    (void)reply;
    if (uv_is_active((uv_handle_t *)&bus->ending))
        (void)uv_timer_start(&bus->ending, on_ending, 0, 0); /* not inside the connection's call */
}

static void say_bye(struct redis_bus *bus)
{
    struct control *bye = mem_zalloc(sizeof(*bye));

    bye->kind = CONTROL_BYE;
    publish_control(bus, bye);
    free(bye);
    (void)redis_conn_command(bus->commands,
                             (struct redis_arg[]){REDIS_ARG("DEL"), REDIS_ARG(bus->presence_key)},
                             2, NULL, NULL);
}

struct stop_mail {
    struct mail mail;
    struct redis_bus *bus;
};

/* All that was posted before has been handed to the connection; its answer comes last. */
static void run_stop(struct worker *none, struct mail *mail)
{
    struct stop_mail *m = container_of(mail, struct stop_mail, mail);
    struct redis_bus *bus = m->bus;

    (void)none;
    free(m);
    (void)uv_timer_start(&bus->ending, on_ending, ENDING_MS, 0);
    say_bye(bus);
    if (!redis_conn_command(bus->commands,
                            (struct redis_arg[]){REDIS_ARG("DEL"), REDIS_ARG(bus->key)}, 2,
                            on_name_free, bus))
        (void)uv_timer_start(&bus->ending, on_ending, 0, 0);
}

static void redis_stop(struct bus *base)
{
    struct redis_bus *bus = bus_of(base);
    struct stop_mail *m;

    if (!bus->started)
        return;
    m = mem_zalloc(sizeof(*m));
    m->mail.run = run_stop;
    m->bus = bus;
    mailbox_post(&bus->box, &m->mail);
    (void)pthread_join(bus->thread, NULL);
    bus->started = false;
}

static void redis_destroy(struct bus *base)
{
    struct redis_bus *bus = bus_of(base);

    redis_stop(base);
    if (!atomic_exchange(&bus->stopped, true)) { /* it never ran */
        uv_close((uv_handle_t *)&bus->prepare, NULL);
        uv_close((uv_handle_t *)&bus->tick, NULL);
        uv_close((uv_handle_t *)&bus->ending, NULL);
        mailbox_close(&bus->box);
    }
    (void)mailbox_run(&bus->box); /* what came after the end is thrown away */
    (void)uv_run(&bus->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&bus->loop);
    topics_free(bus);
    nodes_free(bus);
    presence_free(bus);
    buf_free(&bus->scratch);
    (void)pthread_mutex_destroy(&bus->lock);
    free(bus);
}

static const struct bus_ops redis_ops = {
    .scheme = "redis",
    .destroy = redis_destroy,
    .publish = redis_publish,
    .publish_ephemeral = redis_publish_ephemeral,
    .revoke = redis_revoke,
    .role = redis_role,
    .start = redis_start,
    .stop = redis_stop,
    .listen = redis_listen,
    .unlisten = redis_unlisten,
    .presence = redis_presence,
    .login = redis_login,
    .nodes = redis_nodes,
    .drain = redis_drain,
    .set_draining = redis_set_draining,
    .is_ready = redis_is_ready,
};

/* -- making it -------------------------------------------------------------------------------- */

static bool take_options(struct redis_bus *bus, const struct bus_options *options,
                         char error_out[512])
{
    if (!config_name_is_valid(options->prefix)) {
        (void)snprintf(error_out, 512,
                       "bus_prefix must be 1 to 32 lower-case letters, digits, '.', '_' or '-', "
                       "and begin with a letter or digit");
        return false;
    }
    if (!config_name_is_valid(options->name)) {
        (void)snprintf(error_out, 512,
                       "node_name must be 1 to 32 lower-case letters, digits, '.', '_' or '-', and "
                       "begin with a letter or digit");
        return false;
    }
    (void)snprintf(bus->prefix, sizeof(bus->prefix), "%s", options->prefix);
    (void)snprintf(bus->node, sizeof(bus->node), "%s", options->node);
    (void)snprintf(bus->name, sizeof(bus->name), "%s", options->name);
    (void)snprintf(bus->version, sizeof(bus->version), "%s", options->version);
    (void)snprintf(bus->control, sizeof(bus->control), "%s:ctl", options->prefix);
    (void)snprintf(bus->presence_key, sizeof(bus->presence_key), "%s:presence:%s", options->prefix,
                   options->node);
    (void)snprintf(bus->names, sizeof(bus->names), "%s:nodes", options->prefix);
    (void)snprintf(bus->key, sizeof(bus->key), "%s:node:%s", options->prefix, options->name);
    bus->started_ms = options->started_ms;
    bus->started_ns = clock_monotonic_ns();
    return true;
}

struct bus *bus_redis_create(const struct bus_options *options, char error_out[512])
{
    struct redis_bus *bus = mem_zalloc(sizeof(*bus));

    bus->bus.ops = &redis_ops;
    bus->bus.sink = options->sink;
    if (!redis_uri_parse(options->url, &bus->uri, error_out) ||
        !take_options(bus, options, error_out) || !redis_claim(bus, error_out)) {
        free(bus);
        return NULL;
    }
    (void)snprintf(bus->reason, sizeof(bus->reason), "the bus is away: not connected yet");
    (void)pthread_mutex_init(&bus->lock, NULL);
    (void)uv_loop_init(&bus->loop);
    (void)uv_prepare_init(&bus->loop, &bus->prepare);
    (void)uv_timer_init(&bus->loop, &bus->tick);
    (void)uv_timer_init(&bus->loop, &bus->ending);
    mailbox_init(&bus->box, &bus->loop, NULL);
    return &bus->bus;
}
