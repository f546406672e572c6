#include "tests/unit/testing.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "base/mem.h"
#include "server/metrics.h"
#include "server/outbound.h"
#include "tests/unit/server/web_target.h"

/* A client that may connect to 127.0.0.1 and to no other private address, and a target there. */
struct bed {
    struct web_target *target;
    struct outbound *outbound;
    struct net_block allow;
};

/* What comes back, kept beyond done(). */
struct outcome {
    struct outbound_answer answer;
    char body[70000];
    char reason[256];
    char type[64];
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    size_t n;
    struct outcome last;
} box = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, {{0}, "", "", ""}};

static void note(void *arg, const struct outbound_answer *answer)
{
    (void)arg;
    (void)pthread_mutex_lock(&box.lock);
    box.last.answer = *answer;
    assert_true(answer->body_n < sizeof(box.last.body));
    memcpy(box.last.body, answer->body, answer->body_n + 1);
    (void)snprintf(box.last.reason, sizeof(box.last.reason), "%s", answer->reason);
    (void)snprintf(box.last.type, sizeof(box.last.type), "%s", answer->content_type);
    box.n++;
    (void)pthread_cond_broadcast(&box.more);
    (void)pthread_mutex_unlock(&box.lock);
}

static void wait_for(size_t n)
{
    (void)pthread_mutex_lock(&box.lock);
    while (box.n < n)
        (void)pthread_cond_wait(&box.more, &box.lock);
    (void)pthread_mutex_unlock(&box.lock);
}

static enum err post(struct bed *bed, const char *url, uint32_t timeout_ms)
{
    static const char *const headers[] = {"Content-Type: application/json", "Parley-Test: 1"};
    struct outbound_post request = {
        .url = url,
        .headers = headers,
        .headers_n = ARRAY_LEN(headers),
        .body = "{\"a\":1}",
        .body_n = 7,
        .timeout_ms = timeout_ms,
    };

    return outbound_post(bed->outbound, &request, note, NULL);
}

/* Posts to URL and waits for what comes of it. */
static const struct outcome *ask_within(struct bed *bed, const char *url, uint32_t timeout_ms)
{
    box.n = 0;
    assert_int_equal(post(bed, url, timeout_ms), ERR_OK);
    wait_for(1);
    return &box.last;
}

static const struct outcome *ask(struct bed *bed, const char *path)
{
    return ask_within(bed, web_target_url(bed->target, "127.0.0.1", path), 30000);
}

static int create_with(void **state, const struct outbound_options *more)
{
    struct bed *bed = mem_zalloc(sizeof(*bed));
    struct outbound_options options = *more;

    bed->target = web_target_create();
    if (!net_block_parse("127.0.0.1", &bed->allow))
        return -1;
    options.allow = &bed->allow;
    options.allow_n = 1;
    bed->outbound = outbound_create(&options);
    *state = bed;
    return 0;
}

static int create(void **state)
{
    return create_with(state, &(struct outbound_options){.answer_max = 4096});
}

static int create_small(void **state)
{
    return create_with(
        state, &(struct outbound_options){.places = 3, .places_per_host = 2, .queue_max = 5});
}

static int destroy(void **state)
{
    struct bed *bed = *state;

    outbound_destroy(&bed->outbound);
    web_target_destroy(&bed->target);
    free(bed);
    return 0;
}

/* -- answers -------------------------------------------------------------------------------------
 */

static void a_request_carries_headers_and_body_and_gets_the_answer(void **state)
{
    struct bed *bed = *state;
    const struct outcome *got = ask(bed, "/ok");

    assert_int_equal(got->answer.outcome, OUTBOUND_ANSWERED);
    assert_int_equal(got->answer.status, 200);
    assert_string_equal(got->body, "{\"a\":1}");
    assert_int_equal(got->answer.body_n, 7);
    assert_string_equal(got->type, "text/plain");
    assert_string_equal(got->reason, "");
    assert_false(got->answer.cut);
    const char *request = web_target_request(bed->target);
    assert_int_equal(strncmp(request, "POST /ok HTTP/1.1\r\n", 19), 0);
    assert_non_null(strstr(request, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(request, "\r\nParley-Test: 1\r\n"));
    assert_non_null(strstr(request, "\r\nUser-Agent: Parley/"));
    assert_null(strstr(request, "Accept-Encoding"));
    assert_null(strstr(request, "Expect"));
}

static void a_status_is_an_answer_and_may_say_when_to_come_again(void **state)
{
    const struct outcome *got = ask(*state, "/status/503");

    assert_int_equal(got->answer.outcome, OUTBOUND_ANSWERED);
    assert_int_equal(got->answer.status, 503);
    assert_int_equal(got->answer.retry_after_s, 7);
}

static void a_body_without_an_end_is_cut_and_ended(void **state)
{
    struct bed *bed = *state;
    const struct outcome *got = ask(bed, "/big");

    assert_int_equal(got->answer.outcome, OUTBOUND_ANSWERED);
    assert_int_equal(got->answer.status, 200);
    assert_true(got->answer.cut);
    assert_int_equal(got->answer.body_n, 4096);
    /* what lay in the sockets' buffers, of a gigabyte */
    assert_true(web_target_sent(bed->target) < 64u * 1024 * 1024);
}

static void headers_without_an_end_are_refused(void **state)
{
    const struct outcome *got = ask(*state, "/headers");

    assert_int_equal(got->answer.outcome, OUTBOUND_FAILED);
    assert_string_equal(got->reason, "answered with headers that are too large");
}

static void what_is_not_http_fails(void **state)
{
    const struct outcome *got = ask(*state, "/garbage");

    assert_int_equal(got->answer.outcome, OUTBOUND_FAILED);
    assert_int_equal(got->answer.status, 0);
    assert_true(got->reason[0] != '\0');
}

static void nobody_there_fails(void **state)
{
    struct bed *bed = *state;
    struct web_target *gone = web_target_create();
    char url[1200];

    (void)snprintf(url, sizeof(url), "%s", web_target_url(gone, "127.0.0.1", "/ok"));
    web_target_destroy(&gone);
    assert_int_equal(ask_within(bed, url, 30000)->answer.outcome, OUTBOUND_FAILED);
}

static void a_target_that_hangs_is_given_up_in_time(void **state)
{
    struct bed *bed = *state;
    static const char *const paths[] = {"/hang", "/drip"};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        uint64_t began = clock_monotonic_ns();
        const struct outcome *got =
            ask_within(bed, web_target_url(bed->target, "127.0.0.1", paths[i]), 300);
        uint64_t took_ms = (clock_monotonic_ns() - began) / 1000000u;
        assert_int_equal(got->answer.outcome, OUTBOUND_TIMED_OUT);
        assert_string_equal(got->reason, "did not answer in time");
        assert_true(took_ms >= 299);
    }
}

/* -- where it may go ------------------------------------------------------------------------------
 */

static void an_address_that_is_not_public_is_refused(void **state)
{
    struct bed *bed = *state;
    static const char *const hosts[] = {"127.0.0.2",          "127.1.1.1",  "0.0.0.0",   "[::1]",
                                        "[::ffff:127.0.0.2]", "2130706434", "0x7f000002"};

    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        const struct outcome *got =
            ask_within(bed, web_target_url(bed->target, hosts[i], "/ok"), 30000);
        if (got->answer.outcome != OUTBOUND_REFUSED)
            fail_msg("%s: outcome %d, %s", hosts[i], (int)got->answer.outcome, got->reason);
        assert_non_null(strstr(got->reason, "not public"));
    }
    assert_int_equal(web_target_requests(bed->target), 0);
}

static void a_name_that_means_such_an_address_is_refused(void **state)
{
    struct bed *bed = *state;
    struct outbound_options none = {0};
    struct outbound *allowing = bed->outbound;

    bed->outbound = outbound_create(&none);
    const struct outcome *got =
        ask_within(bed, web_target_url(bed->target, "localhost", "/ok"), 30000);
    assert_int_equal(got->answer.outcome, OUTBOUND_REFUSED);
    outbound_destroy(&bed->outbound);
    bed->outbound = allowing;
    got = ask_within(bed, web_target_url(bed->target, "localhost", "/ok"), 30000);
    assert_int_equal(got->answer.outcome, OUTBOUND_ANSWERED);
    assert_int_equal(web_target_requests(bed->target), 1);
}

static void a_url_that_is_no_target_is_refused(void **state)
{
    const struct outcome *got = ask_within(*state, "file:///etc/passwd", 30000);

    assert_int_equal(got->answer.outcome, OUTBOUND_REFUSED);
    assert_string_equal(got->reason, "is not a URL that requests may be sent to");
}

static void proxies_of_the_environment_are_not_used(void **state)
{
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:9/", 1), 0);
    assert_int_equal(setenv("ALL_PROXY", "http://127.0.0.1:9/", 1), 0);
    assert_int_equal(ask(*state, "/ok")->answer.outcome, OUTBOUND_ANSWERED);
    assert_int_equal(unsetenv("http_proxy"), 0);
    assert_int_equal(unsetenv("ALL_PROXY"), 0);
}

/* -- redirections ---------------------------------------------------------------------------------
 */

static const struct outcome *ask_by(struct bed *bed, const char *way, const char *to)
{
    char path[1024];

    (void)snprintf(path, sizeof(path), "%s?%s", way, to);
    return ask(bed, path);
}

static void a_redirection_that_keeps_the_request_is_followed(void **state)
{
    struct bed *bed = *state;
    const struct outcome *got = ask_by(bed, "/to", web_target_url(bed->target, "127.0.0.1", "/ok"));

    assert_int_equal(got->answer.outcome, OUTBOUND_ANSWERED);
    assert_string_equal(got->body, "{\"a\":1}");
    assert_int_equal(web_target_requests(bed->target), 2);
    assert_non_null(strstr(web_target_request(bed->target), "\r\nParley-Test: 1\r\n"));
}

static void a_redirection_to_an_address_that_is_not_public_is_refused(void **state)
{
    struct bed *bed = *state;
    const struct outcome *got = ask_by(bed, "/to", web_target_url(bed->target, "127.0.0.2", "/ok"));

    assert_int_equal(got->answer.outcome, OUTBOUND_REFUSED);
    got = ask_by(bed, "/to", "file:///etc/passwd");
    assert_int_equal(got->answer.outcome, OUTBOUND_REDIRECTED);
    assert_string_equal(got->reason, "redirects to a URL that is not allowed");
    got = ask_by(bed, "/to", "http://user:word@127.0.0.1/");
    assert_string_equal(got->reason, "redirects to a URL that is not allowed");
    assert_int_equal(web_target_requests(bed->target), 3);
}

static void other_redirections_are_not_followed(void **state)
{
    struct bed *bed = *state;
    const struct outcome *got =
        ask_by(bed, "/found", web_target_url(bed->target, "127.0.0.1", "/ok"));

    assert_int_equal(got->answer.outcome, OUTBOUND_REDIRECTED);
    assert_int_equal(got->answer.status, 302);
    assert_string_equal(got->reason, "answered with a redirection that does not keep the request");
    assert_int_equal(web_target_requests(bed->target), 1);
}

static void redirections_come_to_an_end(void **state)
{
    struct bed *bed = *state;
    const struct outcome *got = ask(bed, "/loop");

    assert_int_equal(got->answer.outcome, OUTBOUND_REDIRECTED);
    assert_string_equal(got->reason, "redirects too often");
    assert_int_equal(web_target_requests(bed->target), 1 + OUTBOUND_REDIRECTS_MAX);
}

/* -- bounds ---------------------------------------------------------------------------------------
 */

static void one_host_takes_only_its_places(void **state)
{
    struct bed *bed = *state;
    const char *url = web_target_url(bed->target, "127.0.0.1", "/hold");

    box.n = 0;
    for (int i = 0; i < 5; i++)
        assert_int_equal(post(bed, url, 30000), ERR_OK);
    web_target_wait_held(bed->target, 2);
    assert_int_equal(metric_read(METRIC_OUTBOUND_UNDER_WAY, 0), 2);
    web_target_release(bed->target);
    wait_for(5);
    assert_int_equal(web_target_held_most(bed->target), 2);
    assert_int_equal(metric_read(METRIC_OUTBOUND_QUEUE, 0), 0);
}

static void who_waits_is_not_kept_by_what_nobody_waits_for(void **state)
{
    struct bed *bed = *state;
    const char *held = web_target_url(bed->target, "127.0.0.1", "/hold");
    struct outbound_post prompt = {
        .url = web_target_url(bed->target, "127.0.0.1", "/ok"),
        .body = "",
        .timeout_ms = 30000,
        .lane = OUTBOUND_PROMPT,
    };

    box.n = 0;
    for (int i = 0; i < 4; i++)
        assert_int_equal(post(bed, held, 30000), ERR_OK);
    web_target_wait_held(bed->target, 2);
    assert_int_equal(outbound_post(bed->outbound, &prompt, note, NULL), ERR_OK);
    wait_for(1);
    assert_int_equal(box.last.answer.status, 200);
    assert_string_equal(box.last.body, "");
    web_target_release(bed->target);
    wait_for(5);
}

static void the_wait_for_a_place_counts(void **state)
{
    struct bed *bed = *state;
    const char *url = web_target_url(bed->target, "127.0.0.1", "/hold");

    box.n = 0;
    for (int i = 0; i < 2; i++)
        assert_int_equal(post(bed, url, 30000), ERR_OK);
    web_target_wait_held(bed->target, 2);
    assert_int_equal(post(bed, url, 100), ERR_OK);
    wait_for(1);
    assert_int_equal(box.last.answer.outcome, OUTBOUND_TIMED_OUT);
    assert_int_equal(web_target_requests(bed->target), 2);
    web_target_release(bed->target);
    wait_for(3);
}

static void the_queue_is_bounded(void **state)
{
    struct bed *bed = *state;
    const char *url = web_target_url(bed->target, "127.0.0.1", "/hold");
    size_t taken = 0;

    box.n = 0;
    for (int i = 0; i < 2; i++)
        assert_int_equal(post(bed, url, 30000), ERR_OK);
    web_target_wait_held(bed->target, 2);
    while (taken < 100 && post(bed, url, 30000) == ERR_OK)
        taken++;
    assert_int_equal(taken, 5);
    web_target_release(bed->target);
    wait_for(7);
}

static void the_end_answers_what_is_under_way_and_what_waits(void **state)
{
    struct bed *bed = *state;
    uint64_t before = metric_read(METRIC_OUTBOUND, METRIC_OUTBOUND_STOPPED);

    box.n = 0;
    for (int i = 0; i < 5; i++)
        assert_int_equal(post(bed, web_target_url(bed->target, "127.0.0.1", "/hold"), 30000),
                         ERR_OK);
    web_target_wait_held(bed->target, 2);
    outbound_destroy(&bed->outbound);
    assert_int_equal(box.n, 5);
    assert_int_equal(box.last.answer.outcome, OUTBOUND_STOPPED);
    assert_int_equal(metric_read(METRIC_OUTBOUND, METRIC_OUTBOUND_STOPPED), before + 5);
    assert_int_equal(metric_read(METRIC_OUTBOUND_UNDER_WAY, 0), 0);
    assert_int_equal(metric_read(METRIC_OUTBOUND_QUEUE, 0), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)
#define SMALL(name) cmocka_unit_test_setup_teardown(name, create_small, destroy)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_carries_headers_and_body_and_gets_the_answer),
        TEST(a_status_is_an_answer_and_may_say_when_to_come_again),
        TEST(a_body_without_an_end_is_cut_and_ended),
        TEST(headers_without_an_end_are_refused),
        TEST(what_is_not_http_fails),
        TEST(nobody_there_fails),
        TEST(a_target_that_hangs_is_given_up_in_time),
        TEST(an_address_that_is_not_public_is_refused),
        TEST(a_name_that_means_such_an_address_is_refused),
        TEST(a_url_that_is_no_target_is_refused),
        TEST(proxies_of_the_environment_are_not_used),
        TEST(a_redirection_that_keeps_the_request_is_followed),
        TEST(a_redirection_to_an_address_that_is_not_public_is_refused),
        TEST(other_redirections_are_not_followed),
        TEST(redirections_come_to_an_end),
        SMALL(one_host_takes_only_its_places),
        SMALL(who_waits_is_not_kept_by_what_nobody_waits_for),
        SMALL(the_wait_for_a_place_counts),
        SMALL(the_queue_is_bounded),
        SMALL(the_end_answers_what_is_under_way_and_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
