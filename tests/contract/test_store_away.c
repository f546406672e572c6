/* test_store_away.c - the database is held, cut off and comes back: nothing acked is lost, nobody
 * waits for a time-out after the first, and it heals by itself. */
#include "tests/unit/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "tests/contract/proxy.h"
#include "tests/unit/storage/bed.h"

struct scene {
    struct bed *direct; /* a node with a good wire */
    struct bed *bed;    /* the one behind the proxy */
    struct proxy *proxy;
    const char *ann, *general;
};

/* The server's port; the tests have it on this machine. */
static uint16_t port_of(const char *url)
{
    const char *at = strstr(url, "://");
    const char *host = at != NULL ? at + 3 : url;
    const char *colon = strchr(host, ':');

    assert_non_null(colon);
    return (uint16_t)strtoul(colon + 1, NULL, 10);
}

static int create_scene(void **state)
{
    struct scene *s = mem_zalloc(sizeof(*s));

    s->direct = bed_create();
    s->ann = bed_user(s->direct, "ann");
    s->general = bed_channel(s->direct, s->ann, "general");
    s->proxy = proxy_create(port_of(s->direct->url));
    s->bed = bed_beside(s->direct);
    (void)snprintf(s->bed->url, sizeof(s->bed->url),
                   "mongodb://127.0.0.1:%u/%s?directConnection=true&socketTimeoutMS=700"
                   "&serverSelectionTimeoutMS=500&connectTimeoutMS=500",
                   proxy_port(s->proxy), s->direct->path);
    bed_must_open(s->bed);
    *state = s;
    return 0;
}

static int destroy_scene(void **state)
{
    struct scene *s = *state;

    bed_destroy(&s->bed);
    proxy_destroy(&s->proxy);
    bed_destroy(&s->direct);
    free(s);
    return 0;
}

static struct store_req *send_req(struct scene *s, const char *text, const char *client_msg_id)
{
    struct store_req *req = bed_req(s->bed, STORE_MESSAGE_SEND, s->ann);

    req->in.send.channel = s->general;
    req->in.send.text = text;
    req->in.send.client_msg_id = client_msg_id;
    return req;
}

static uint64_t ms_of(struct scene *s, struct store_req *req)
{
    uint64_t start = clock_monotonic_ns();

    (void)bed_do(s->bed, req);
    return (clock_monotonic_ns() - start) / 1000000;
}

static void wait_healed(struct scene *s)
{
    uint64_t deadline = clock_monotonic_ns() + UINT64_C(10000000000);
    char reason[256];

    while (!store_is_writable(s->bed->store, reason)) {
        if (clock_monotonic_ns() > deadline)
            fail_msg("not writable 10 s after the database came back: %s", reason);
        (void)usleep(2000);
    }
}

/* What waits is answered, whoever comes after that is answered at once. */
static void check_outage(struct scene *s, enum proxy_mode mode)
{
    char reason[256];
    struct store_req *read = bed_req(s->bed, STORE_CHANNEL_GET, s->ann);

    assert_int_equal(bed_do(s->bed, send_req(s, "before", NULL)), ERR_OK);
    proxy_set(s->proxy, mode);
    struct store_req *first = send_req(s, "lost?", "first");
    assert_true(ms_of(s, first) < 5000);
    assert_int_equal(first->err, ERR_UNAVAILABLE);
    struct store_req *next = send_req(s, "at once", "next");
    assert_true(ms_of(s, next) < 300);
    assert_int_equal(next->err, ERR_UNAVAILABLE);
    read->in.channel.channel = s->general;
    assert_true(ms_of(s, read) < 300);
    assert_int_equal(read->err, ERR_UNAVAILABLE);
    assert_false(store_is_writable(s->bed->store, reason));
    assert_non_null(strstr(reason, "127.0.0.1"));
    proxy_set(s->proxy, PROXY_PASSES);
    wait_healed(s);
    assert_int_equal(bed_do(s->bed, send_req(s, "lost?", "first")), ERR_OK); /* once, whatever */
    assert_int_equal(bed_do(s->bed, send_req(s, "after", NULL)), ERR_OK);
    assert_int_equal(bed_view(s->direct, s->ann, s->general).msg_no, 3);
    assert_int_equal(bed_view(s->bed, s->ann, s->general).unread, 0);
}

static void a_database_that_is_cut_off_heals(void **state)
{
    check_outage(*state, PROXY_CUTS);
}

static void a_database_that_hangs_heals(void **state)
{
    check_outage(*state, PROXY_HOLDS);
}

enum { FLOOD = 400, CUTS = 5 };

/* Connections break in the middle of commits: what was acked is there, once and in order. */
static void commits_that_are_cut_lose_and_double_nothing(void **state)
{
    struct scene *s = *state;
    struct store_req *reqs[FLOOD];
    size_t acked = 0;

    for (int cut = 0; cut < CUTS; cut++) {
        for (size_t i = 0; i < FLOOD; i++) {
            char *id = arena_alloc(s->bed->arena, 24);
            (void)snprintf(id, 24, "<%d-%zu>", cut, i);
            reqs[i] = send_req(s, id, id);
            bed_submit(s->bed, reqs[i]);
        }
        bed_wait(s->bed, reqs[0]);
        proxy_set(s->proxy, PROXY_CUTS);
        proxy_set(s->proxy, PROXY_PASSES);
        for (size_t i = 1; i < FLOOD; i++)
            bed_wait(s->bed, reqs[i]);
        wait_healed(s);
        for (size_t i = 0; i < FLOOD; i++) { /* those without an answer are sent again */
            acked += reqs[i]->err == ERR_OK ? 1 : 0;
            if (reqs[i]->err != ERR_OK)
                assert_int_equal(reqs[i]->err, ERR_UNAVAILABLE);
            struct store_req *again = send_req(s, reqs[i]->in.send.text, reqs[i]->in.send.text);
            assert_int_equal(bed_do(s->bed, again), ERR_OK);
            if (reqs[i]->err == ERR_OK)
                assert_string_equal(again->out.message.id, reqs[i]->out.message.id);
        }
    }
    assert_true(acked > 0);
    struct store_channel view = bed_view(s->direct, s->ann, s->general);
    assert_int_equal(view.msg_no, FLOOD * CUTS);
    assert_int_equal(view.seq, 2 + FLOOD * CUTS);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, create_scene, destroy_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_database_that_is_cut_off_heals),
        TEST(a_database_that_hangs_heals),
        TEST(commits_that_are_cut_lose_and_double_nothing),
    };
    return bed_run_on_mongo(tests, ARRAY_LEN(tests));
}
