#include "tests/bench/lib/swarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/mem.h"
#include "tests/bench/lib/dialect.h"
#include "tests/bench/lib/ns.h"
#include "tests/bench/lib/proc.h"

enum {
    REQUEST_MAX = 32 * 1024,
    JOINING_MAX = 1000, /* sign-ins under way at once while the swarm gathers */
    MARK_LEN = 24,      /* ~T, 16 digits of time, 6 of the publisher's index */
};

struct mark {
    uint64_t due_ns;
    uint32_t publisher;
};

static void request(struct swarm *swarm, struct member *member, uint64_t due_ns);

static uint64_t hex(const char *digits, unsigned count)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < count; i++) {
        unsigned c = (unsigned char)digits[i];
        value = value << 4 | (c <= '9' ? c - '0' : (c | 0x20u) - 'a' + 10);
    }
    return value;
}

static bool mark_find(const char *text, size_t len, struct mark *mark_out)
{
    const char *at = memchr(text, '~', len);

    if (at == NULL || (size_t)(text + len - at) < MARK_LEN || at[1] != 'T')
        return false;
    mark_out->due_ns = hex(at + 2, 16);
    mark_out->publisher = (uint32_t)hex(at + 18, 6);
    return true;
}

/* A text of the wanted length that begins with the mark. */
static void mark_write(const struct swarm *swarm, const struct member *member, uint64_t due_ns,
                       char *out)
{
    static const char filler[] = "and so the talk goes on in ordinary words of ordinary length ";
    size_t len = MARK_LEN;

    snprintf(out, MARK_LEN + 1, "~T%016llx%06x", (unsigned long long)due_ns, member->index);
    for (; len < swarm->options->text_bytes; len++)
        out[len] = filler[len % (sizeof(filler) - 1)];
    out[len] = '\0';
}

static void member_connect(struct swarm *swarm, struct member *member)
{
    const char *token = member->person != NULL && !swarm->options->dialect->token_in_text
                            ? member->person->token
                            : NULL;

    member->stage = MEMBER_JOINING;
    member->retry_ns = 0;
    if (swarm->poll_loop != NULL) {
        poll_connect(swarm->poll_loop, &member->poll, swarm->options->ports[member->node]);
        return;
    }
    ws_connect(swarm->loop, &member->ws, swarm->options->ports[member->node], member->index, token);
}

static void member_send(struct swarm *swarm, struct member *member, const char *text, size_t len)
{
    if (swarm->poll_loop != NULL)
        poll_send(swarm->poll_loop, &member->poll, text, len);
    else
        ws_send(swarm->loop, &member->ws, text, len);
}

static void member_drop(struct swarm *swarm, struct member *member)
{
    if (swarm->poll_loop != NULL)
        poll_drop(swarm->poll_loop, &member->poll);
    else
        ws_drop(swarm->loop, &member->ws);
}

static void member_ready(struct swarm *swarm, struct member *member)
{
    if (member->stage == MEMBER_READY)
        return;
    member->stage = MEMBER_READY;
    if (++swarm->ready == swarm->options->members)
        swarm->all_ready_ns = clock_monotonic_ns();
}

static void on_open(struct ws_client *client, void *ctx)
{
    struct swarm *swarm = ctx;
    struct member *member = container_of(client, struct member, ws);
    const struct dialect *dialect = swarm->options->dialect;
    char greeting[1024];

    if (dialect->ready_at_open)
        member_ready(swarm, member);
    size_t len = dialect->greet != NULL ? dialect->greet(member, greeting, sizeof(greeting)) : 0;
    if (len > 0)
        ws_send(swarm->loop, client, greeting, len);
}

/* A publisher's request is done: with a closed loop the next one starts. */
static void request_done(struct swarm *swarm, struct member *member, uint64_t now_ns)
{
    if (swarm->publishing)
        request(swarm, member, now_ns);
}

static void on_delivery(struct swarm *swarm, struct member *member, const char *text, size_t len,
                        uint64_t read_ns)
{
    struct mark mark;

    if (!mark_find(text, len, &mark))
        return;
    swarm->delivered++;
    if (swarm->recording && !member->moved) {
        struct node_sample *node = &swarm->sample.nodes[member->node];
        uint64_t waited = read_ns > mark.due_ns ? read_ns - mark.due_ns : 0;
        swarm->sample.delivered++;
        swarm->sample.delivered_bytes += len;
        hist_record(&swarm->sample.delivery, waited);
        node->delivered++;
        hist_record(&node->delivery, waited);
    }
    if (swarm->options->own_delivery && mark.publisher == member->index)
        request_done(swarm, member, read_ns);
}

static void on_answer(struct swarm *swarm, struct member *member, uint64_t id, uint64_t read_ns)
{
    swarm->answered++;
    if (swarm->recording && !member->moved) {
        uint64_t waited = read_ns > id ? read_ns - id : 0;
        swarm->sample.answered++;
        hist_record(&swarm->sample.answer, waited);
        hist_record(&swarm->sample.nodes[member->node].answer, waited);
    }
    if (!swarm->options->own_delivery)
        request_done(swarm, member, read_ns);
}

/* Like a client of good manners: again after 100 to 400 ms, not all at once. */
static void member_away(struct swarm *swarm, struct member *member)
{
    uint32_t nodes = swarm->options->nodes;

    member->stage = MEMBER_AWAY;
    if (swarm->moves && nodes > 1) {
        member->moved = true;
        member->node = (member->node + 1 + (uint32_t)rand() % (nodes - 1)) % nodes;
    }
    if (swarm->reconnects)
        member->retry_ns =
            clock_monotonic_ns() + 100 * NS_PER_MS + (uint64_t)rand() % (300 * NS_PER_MS);
}

static void on_loss(struct swarm *swarm, struct member *member, const char *reason)
{
    if (member->stage == MEMBER_READY) {
        swarm->ready--;
        swarm->lost++;
    } else {
        swarm->turned_away++;
    }
    if (swarm->first_loss[0] == '\0')
        snprintf(swarm->first_loss, sizeof(swarm->first_loss), "%s", reason);
    member_away(swarm, member);
}

static void on_refusal(struct swarm *swarm, struct member *member, const char *text, size_t len)
{
    swarm->refused++;
    if (swarm->first_refusal[0] == '\0')
        snprintf(swarm->first_refusal, sizeof(swarm->first_refusal), "%.*s", (int)len, text);
    if (member->stage != MEMBER_READY) {
        member_drop(swarm, member);
        member_away(swarm, member);
    }
}

static void on_incoming(struct swarm *swarm, struct member *member, const char *text, size_t len,
                        uint64_t read_ns)
{
    struct incoming incoming = swarm->options->dialect->read(member, text, len);

    if (incoming.reply != NULL)
        member_send(swarm, member, incoming.reply, strlen(incoming.reply));
    switch (incoming.meaning) {
    case MEANING_DELIVERY:
        on_delivery(swarm, member, text, len, read_ns);
        break;
    case MEANING_ANSWER:
        on_answer(swarm, member, incoming.id, read_ns);
        break;
    case MEANING_REFUSAL:
        on_refusal(swarm, member, text, len);
        break;
    case MEANING_READY:
        member_ready(swarm, member);
        break;
    case MEANING_NOTHING:
        break;
    }
}

static void on_text(struct ws_client *client, const char *text, size_t len, uint64_t read_ns,
                    void *ctx)
{
    on_incoming(ctx, container_of(client, struct member, ws), text, len, read_ns);
}

static void on_closed(struct ws_client *client, const char *reason, void *ctx)
{
    on_loss(ctx, container_of(client, struct member, ws), reason);
}

static void on_poll_text(struct poll_client *client, const char *text, size_t len, uint64_t read_ns,
                         void *ctx)
{
    on_incoming(ctx, container_of(client, struct member, poll), text, len, read_ns);
}

static void on_poll_closed(struct poll_client *client, const char *reason, void *ctx)
{
    on_loss(ctx, container_of(client, struct member, poll), reason);
}

static const struct ws_handlers handlers = {.open = on_open, .text = on_text, .closed = on_closed};
static const struct poll_handlers poll_handlers = {.text = on_poll_text, .closed = on_poll_closed};

struct swarm *swarm_create(const struct options *options)
{
    struct swarm *swarm = mem_zalloc(sizeof(*swarm));

    swarm->options = options;
    swarm->target = (struct ws_target){.sources = options->sources, .path = options->dialect->path};
    swarm->loop = ws_loop_create(&swarm->target, &handlers, swarm);
    if (options->dialect->polling)
        swarm->poll_loop = poll_loop_create(options->dialect->path, &poll_handlers, swarm);
    swarm->members = mem_zalloc(options->members * sizeof(*swarm->members));
    for (uint32_t i = 0; i < options->members; i++) {
        swarm->members[i].swarm = swarm;
        swarm->members[i].index = i;
        swarm->members[i].node = (uint32_t)((uint64_t)i * options->nodes / options->members);
        if (options->people_count > 0)
            swarm->members[i].person = &options->people[i % options->people_count];
    }
    return swarm;
}

void swarm_destroy(struct swarm **swarm)
{
    struct swarm *s = *swarm;

    if (s == NULL)
        return;
    *swarm = NULL;
    for (uint32_t i = 0; i < s->options->members; i++)
        member_drop(s, &s->members[i]);
    poll_loop_destroy(&s->poll_loop);
    ws_loop_destroy(&s->loop);
    free(s->members);
    free(s);
}

/* How many members may have begun to connect by now. */
static uint32_t start_limit(const struct swarm *swarm, uint64_t since_ns)
{
    double elapsed = ns_to_seconds(clock_monotonic_ns() - since_ns);
    uint32_t limit = swarm->ready + JOINING_MAX;

    if (swarm->options->connect_rate > 0) {
        double scheduled = elapsed * swarm->options->connect_rate + 1;
        if (scheduled < limit)
            limit = (uint32_t)scheduled;
    }
    return limit < swarm->options->members ? limit : swarm->options->members;
}

bool swarm_open(struct swarm *swarm, uint64_t timeout_ns)
{
    uint64_t since = clock_monotonic_ns();
    uint32_t started = 0;

    while (swarm->ready < swarm->options->members) {
        while (started < start_limit(swarm, since))
            member_connect(swarm, &swarm->members[started++]);
        swarm_poll(swarm, NS_PER_MS);
        if (swarm->turned_away + swarm->lost + swarm->refused > 0) {
            fprintf(stderr, "load: after %u of %u sign-ins the server refused: %s%s\n",
                    swarm->ready, swarm->options->members, swarm->first_loss, swarm->first_refusal);
            return false;
        }
        if (clock_monotonic_ns() - since > timeout_ns) {
            fprintf(stderr, "load: only %u of %u signed in within %.0f s\n", swarm->ready,
                    swarm->options->members, ns_to_seconds(timeout_ns));
            return false;
        }
    }
    return true;
}

static void retry_lost(struct swarm *swarm)
{
    uint64_t now = clock_monotonic_ns();

    if (!swarm->reconnects || swarm->ready == swarm->options->members)
        return;
    for (uint32_t i = 0; i < swarm->options->members; i++) {
        struct member *member = &swarm->members[i];
        if (member->stage == MEMBER_AWAY && member->retry_ns != 0 && member->retry_ns <= now)
            member_connect(swarm, member);
    }
}

void swarm_poll(struct swarm *swarm, uint64_t timeout_ns)
{
    retry_lost(swarm);
    if (swarm->poll_loop != NULL)
        poll_poll(swarm->poll_loop, timeout_ns);
    else
        ws_poll(swarm->loop, timeout_ns);
}

/* Let MEMBER send one request that was due at DUE_NS. */
static void request(struct swarm *swarm, struct member *member, uint64_t due_ns)
{
    static char text[REQUEST_MAX / 2];
    static char frame[REQUEST_MAX];

    if (member->stage != MEMBER_READY)
        return;
    swarm->last_id = due_ns > swarm->last_id ? due_ns : swarm->last_id + 1;
    mark_write(swarm, member, due_ns, text);
    size_t len =
        swarm->options->dialect->request(member, swarm->last_id, text, frame, sizeof(frame));
    member_send(swarm, member, frame, len);
    swarm->sent++;
    if (swarm->recording)
        swarm->sample.sent++;
}

static void publish_closed_loop(struct swarm *swarm, uint64_t end_ns)
{
    const struct options *options = swarm->options;

    if (!swarm->publishing) {
        swarm->publishing = true;
        for (uint32_t turn = 0; turn < options->window; turn++)
            for (uint32_t i = 0; i < options->publishers; i++)
                request(swarm, &swarm->members[i], clock_monotonic_ns());
    }
    while (clock_monotonic_ns() < end_ns)
        swarm_poll(swarm, 10 * NS_PER_MS);
}

static void publish_paced(struct swarm *swarm, uint64_t end_ns)
{
    const struct options *options = swarm->options;
    double gap_ns = (double)NS_PER_SECOND / options->rate;
    uint64_t start_ns = clock_monotonic_ns();
    uint64_t count = 0;

    for (;;) {
        uint64_t now = clock_monotonic_ns();
        uint64_t due = start_ns + (uint64_t)((double)count * gap_ns);
        if (due >= end_ns && now >= end_ns)
            break;
        if (due < end_ns && due <= now) {
            request(swarm, &swarm->members[swarm->sent % options->publishers], due);
            count++;
        }
        /* Read between any two sends: a late generator must not deafen itself. */
        uint64_t wake = due < end_ns ? due : end_ns;
        swarm_poll(swarm, wake > now ? wake - now : 0);
    }
}

void swarm_publish(struct swarm *swarm, double seconds)
{
    uint64_t end_ns = clock_monotonic_ns() + ns_from_seconds(seconds);

    if (swarm->options->rate > 0)
        publish_paced(swarm, end_ns);
    else
        publish_closed_loop(swarm, end_ns);
}

/* What the nodes, the generator and the rest of the machine have used so far. */
struct cpu_usage {
    double nodes[NODES_MAX];
    double own;
    double machine;
};

static struct cpu_usage read_cpu(const struct options *options)
{
    struct cpu_usage used = {.own = proc_own_cpu_seconds()};

    for (uint32_t i = 0; i < options->nodes; i++)
        if (options->servers[i] != 0)
            proc_cpu_seconds(options->servers[i], &used.nodes[i]);
    proc_machine_cpu_seconds(&used.machine);
    return used;
}

/* Add SIGN times what was used: begun with -1 and ended with 1, the sum is what lay between. */
static void count_cpu(struct sample *sample, const struct options *options, double sign)
{
    struct cpu_usage used = read_cpu(options);

    for (uint32_t i = 0; i < options->nodes; i++) {
        sample->nodes[i].cpu += sign * used.nodes[i];
        sample->server_cpu += sign * used.nodes[i];
        used.machine -= used.nodes[i];
    }
    sample->own_cpu += sign * used.own;
    sample->others_cpu += sign * (used.machine - used.own);
}

void swarm_sample_begin(struct swarm *swarm)
{
    struct sample *sample = &swarm->sample;

    memset(sample, 0, sizeof(*sample));
    count_cpu(sample, swarm->options, -1);
    sample->started_ns = clock_monotonic_ns();
    swarm->recording = true;
}

void swarm_sample_end(struct swarm *swarm)
{
    struct sample *sample = &swarm->sample;

    swarm->recording = false;
    sample->ended_ns = clock_monotonic_ns();
    count_cpu(sample, swarm->options, 1);
}

bool member_tracks_seq(const struct member *member)
{
    return member->swarm->tracks_seq;
}

void member_note_event(struct member *member, struct json_span stream, uint64_t seq)
{
    struct position *position = NULL;

    if (json_equals(stream, member->channel.stream))
        position = &member->channel;
    else if (json_equals(stream, member->own.stream))
        position = &member->own;
    if (position == NULL || seq == 0)
        return;
    if (seq <= position->seq)
        member->repeats++;
    else if (seq > position->seq + 1)
        member->gaps++;
    if (seq > position->seq)
        position->seq = seq;
}
