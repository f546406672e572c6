/* mode_http.c - requests over keep-alive connections, one at a time on each.
 *
 * At a rate, a request that is due while every connection waits for an answer
 * waits for one, and its latency counts from when it was due: a server that
 * stalls cannot hide behind requests that were not sent. */
#include "tests/bench/lib/modes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/mem.h"
#include "tests/bench/lib/dialect.h"
#include "tests/bench/lib/hist.h"
#include "tests/bench/lib/http_client.h"
#include "tests/bench/lib/ns.h"
#include "tests/bench/lib/proc.h"
#include "tests/bench/lib/swarm.h"

enum { BODY_MAX = 1024, HEADERS_MAX = 512 };

static const double drain_timeout = 5;

struct caller {
    struct http_client http;
    struct member member; /* only says for whom it asks */
    uint64_t due_ns;      /* of the request under way */
    char headers[HEADERS_MAX];
};

struct run {
    const struct options *options;
    struct http_loop *loop;
    struct caller *callers;
    struct caller **idle; /* a stack of those without a request */
    uint32_t idle_count;
    struct swarm swarm; /* the options, for the members */
    bool going;         /* requests are sent */
    bool recording;
    uint64_t started_ns; /* of the schedule */
    uint64_t due;        /* requests that were due before now and went out */
    uint64_t sent;
    uint64_t answered;
    uint64_t refused;
    uint64_t lost;
    uint64_t counted; /* answers while recording */
    uint64_t counted_bytes;
    struct hist latency;
    char first_fault[320];
};

static void note_fault(struct run *run, const char *text, size_t len)
{
    if (run->first_fault[0] == '\0')
        snprintf(run->first_fault, sizeof(run->first_fault), "%.*s", (int)len, text);
}

static void ask(struct run *run, struct caller *caller, uint64_t due_ns)
{
    char body[BODY_MAX];
    const struct dialect *dialect = run->options->dialect;
    size_t len = dialect->request(&caller->member, run->sent, "", body, sizeof(body));

    caller->due_ns = due_ns;
    run->sent++;
    http_request(run->loop, &caller->http, "POST", dialect->path, caller->headers, body, len);
}

static uint64_t next_due_ns(const struct run *run)
{
    return run->started_ns +
           (uint64_t)((double)run->due * (double)NS_PER_SECOND / run->options->rate);
}

/* The next request on CALLER, or wait for one. */
static void go_on(struct run *run, struct caller *caller, uint64_t now_ns)
{
    bool paced = run->options->rate > 0;

    if (run->going && !paced) {
        ask(run, caller, now_ns);
    } else if (run->going && next_due_ns(run) <= now_ns) {
        uint64_t due_ns = next_due_ns(run);
        run->due++;
        ask(run, caller, due_ns);
    } else {
        run->idle[run->idle_count++] = caller;
    }
}

static void on_answer(struct http_client *http, const struct http_answer *answer, void *ctx)
{
    struct run *run = ctx;
    struct caller *caller = container_of(http, struct caller, http);

    run->answered++;
    if (answer->status != 200) {
        run->refused++;
        note_fault(run, answer->body, answer->len);
    }
    if (run->recording) {
        run->counted++;
        run->counted_bytes += answer->len;
        hist_record(&run->latency,
                    answer->read_ns > caller->due_ns ? answer->read_ns - caller->due_ns : 0);
    }
    go_on(run, caller, answer->read_ns);
}

static void on_closed(struct http_client *http, const char *reason, bool busy, void *ctx)
{
    struct run *run = ctx;

    (void)http;
    (void)busy;
    run->lost++;
    note_fault(run, reason, strlen(reason));
}

static const struct http_handlers handlers = {.answered = on_answer, .closed = on_closed};

static void begin(struct run *run, const struct options *options)
{
    run->options = options;
    run->swarm.options = options;
    run->loop = http_loop_create(&handlers, run);
    run->callers = mem_zalloc(options->members * sizeof(*run->callers));
    run->idle = mem_zalloc(options->members * sizeof(struct caller *));
    for (uint32_t i = 0; i < options->members; i++) {
        struct caller *caller = &run->callers[i];
        caller->member.swarm = &run->swarm;
        caller->member.index = i;
        caller->member.person = &options->people[i % options->people_count];
        snprintf(caller->headers, sizeof(caller->headers),
                 "Content-Type: application/json\r\nAuthorization: Bearer %s\r\n",
                 caller->member.person->token);
        http_connect(run->loop, &caller->http, options->ports[0]);
        run->idle[run->idle_count++] = caller;
    }
}

static void end(struct run *run)
{
    for (uint32_t i = 0; i < run->options->members; i++)
        http_drop(run->loop, &run->callers[i].http);
    http_loop_destroy(&run->loop);
    free(run->callers);
    free(run->idle);
}

/* Give those who wait what is due. */
static void start_due(struct run *run)
{
    uint64_t now = clock_monotonic_ns();

    while (run->idle_count > 0 && (run->options->rate <= 0 || next_due_ns(run) <= now))
        go_on(run, run->idle[--run->idle_count], now);
}

static void go(struct run *run, double seconds)
{
    uint64_t end_ns = clock_monotonic_ns() + ns_from_seconds(seconds);

    for (uint64_t now; (now = clock_monotonic_ns()) < end_ns && run->lost == 0;) {
        start_due(run);
        uint64_t wake = end_ns;
        if (run->options->rate > 0 && run->idle_count > 0 && next_due_ns(run) < wake)
            wake = next_due_ns(run);
        http_poll(run->loop, wake > now ? wake - now : 0);
    }
}

static void drain(struct run *run)
{
    uint64_t end_ns = clock_monotonic_ns() + ns_from_seconds(drain_timeout);

    run->going = false;
    while (run->answered < run->sent && run->lost == 0 && clock_monotonic_ns() < end_ns)
        http_poll(run->loop, 10 * NS_PER_MS);
}

struct cpu {
    double server;
    double own;
    double machine;
};

static struct cpu read_cpu(const struct options *options)
{
    struct cpu cpu = {.own = proc_own_cpu_seconds()};

    if (options->servers[0] != 0)
        proc_cpu_seconds(options->servers[0], &cpu.server);
    proc_machine_cpu_seconds(&cpu.machine);
    return cpu;
}

static void print_result(const struct run *run, double seconds, struct cpu before, struct cpu after)
{
    double server = after.server - before.server;
    double own = after.own - before.own;
    double machine = after.machine - before.machine;
    double counted = run->counted > 0 ? (double)run->counted : 1;

    printf("{\"dialect\":\"%s\",\"connections\":%u,\"seconds\":%.3f,\"answered_per_s\":%.1f,"
           "\"bytes_per_answer\":%.0f,\"server_cpu\":%.3f,\"load_cpu\":%.3f,\"others_cpu\":%.3f,"
           "\"cpu_us_per_request\":%.3f,\"unanswered\":%llu,\"refused\":%llu,\"lost\":%llu,"
           "\"answer_ms\":",
           run->options->dialect->name, run->options->members, seconds,
           (double)run->counted / seconds, (double)run->counted_bytes / counted, server / seconds,
           own / seconds, (machine - server - own) / seconds, server * 1e6 / counted,
           (unsigned long long)(run->sent - run->answered), (unsigned long long)run->refused,
           (unsigned long long)run->lost);
    hist_print_json(&run->latency, stdout);
    printf("}\n");
}

bool mode_http(const struct options *options)
{
    struct run *run = mem_zalloc(sizeof(*run));

    begin(run, options);
    run->going = true;
    run->started_ns = clock_monotonic_ns();
    go(run, options->warm_seconds);
    struct cpu before = read_cpu(options);
    uint64_t start = clock_monotonic_ns();
    run->recording = true;
    go(run, options->seconds);
    run->recording = false;
    double seconds = ns_to_seconds(clock_monotonic_ns() - start);
    struct cpu after = read_cpu(options);
    drain(run);
    print_result(run, seconds, before, after);
    bool ok = run->refused == 0 && run->lost == 0 && run->answered == run->sent;
    if (!ok)
        fprintf(stderr, "load: %llu refused, %llu lost, %llu unanswered, the first: %s\n",
                (unsigned long long)run->refused, (unsigned long long)run->lost,
                (unsigned long long)(run->sent - run->answered), run->first_fault);
    end(run);
    free(run);
    return ok;
}
