#include "tests/unit/testing.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "server/metrics.h"

static const char *const commands[] = {"message.send", "server.info"};

static int init(void **state)
{
    (void)state;
    metrics_init(&(struct metrics_info){
        .version = "1.2.3", .workers = 2, .commands = commands, .commands_n = 2});
    return 0;
}

/* The number after LINE in the exposition; fails when there is no such line. */
static double value_of(const char *line)
{
    struct buf out = {0};
    char find[200];
    double value = -1;

    metrics_render(&out);
    (void)snprintf(find, sizeof(find), "\n%s ", line);
    const char *at = strstr(out.data, find);
    if (at == NULL || sscanf(at + strlen(find), "%lf", &value) != 1)
        fail_msg("no line: %s", line);
    buf_free(&out);
    return value;
}

static void counters_add_up(void **state)
{
    (void)state;
    metric_add(METRIC_DELIVERIES, 40);
    metric_add(METRIC_DELIVERIES, 2);
    assert_int_equal(metric_read(METRIC_DELIVERIES, 0), 42);
    assert_true(value_of("parley_deliveries_total") == 42);
}

static void gauges_go_up_and_down_and_can_be_set(void **state)
{
    (void)state;
    metric_add(METRIC_CONNECTIONS, 3);
    metric_sub(METRIC_CONNECTIONS, 1);
    assert_true(value_of("parley_connections") == 2);
    metric_set(METRIC_STORE_QUEUE, 7);
    metric_set(METRIC_STORE_QUEUE, 5);
    assert_true(value_of("parley_store_queue_requests") == 5);
    metric_set_by(METRIC_WORKER_LOOP_LAG, 1, 1000);
    assert_true(value_of("parley_worker_loop_lag_ns{worker=\"1\"}") == 1000);
}

static void labels_have_their_own_numbers(void **state)
{
    (void)state;
    metric_add_by(METRIC_DROPS, METRIC_DROP_FANOUT, 2);
    metric_add_by(METRIC_CLOSES, metric_close_label(4009), 1);
    metric_add_by(METRIC_CLOSES, metric_close_label(3000), 1);
    metric_add_by(METRIC_HTTP_REQUESTS, metric_http_label(304), 1);
    assert_true(value_of("parley_drops_total{reason=\"presence_fanout\"}") == 2);
    assert_true(value_of("parley_drops_total{reason=\"slow_reader\"}") == 0);
    assert_true(value_of("parley_closes_total{code=\"4009\"}") == 1);
    assert_true(value_of("parley_closes_total{code=\"other\"}") == 1);
    assert_true(value_of("parley_http_requests_total{status=\"3xx\"}") == 1);
}

static void close_codes_and_statuses_find_their_label(void **state)
{
    (void)state;
    assert_int_equal(metric_close_label(1000), METRIC_CLOSE_NORMAL);
    assert_int_equal(metric_close_label(1006), METRIC_CLOSE_LOST);
    assert_int_equal(metric_close_label(4008), METRIC_CLOSE_RATE_LIMITED);
    assert_int_equal(metric_close_label(0), METRIC_CLOSE_OTHER);
    assert_int_equal(metric_close_label(-1), METRIC_CLOSE_OTHER);
    assert_int_equal(metric_close_label(100000), METRIC_CLOSE_OTHER);
    assert_int_equal(metric_http_label(101), METRIC_HTTP_1XX);
    assert_int_equal(metric_http_label(200), METRIC_HTTP_2XX);
    assert_int_equal(metric_http_label(499), METRIC_HTTP_4XX);
    assert_int_equal(metric_http_label(503), METRIC_HTTP_5XX);
}

static void commands_are_counted_by_name_and_outcome(void **state)
{
    (void)state;
    metric_command(0, ERR_OK);
    metric_command(0, ERR_OK);
    metric_command(1, ERR_RATE_LIMITED);
    metric_command(100000, ERR_OK);
    assert_true(value_of("parley_commands_total{command=\"message.send\",outcome=\"ok\"}") == 2);
    assert_true(
        value_of("parley_commands_total{command=\"server.info\",outcome=\"rate_limited\"}") == 1);
    assert_true(value_of("parley_commands_total{command=\"other\",outcome=\"ok\"}") == 1);
}

static void times_fall_into_buckets_that_add_up(void **state)
{
    (void)state;
    metric_time(METRIC_ACK_TIME, 0);
    metric_time(METRIC_ACK_TIME, 1000000);
    metric_time(METRIC_ACK_TIME, 1000001);
    metric_time(METRIC_ACK_TIME, 100000000000);
    assert_true(value_of("parley_ack_seconds_bucket{le=\"0.000005\"}") == 1);
    assert_true(value_of("parley_ack_seconds_bucket{le=\"0.0005\"}") == 1);
    assert_true(value_of("parley_ack_seconds_bucket{le=\"0.001\"}") == 2);
    assert_true(value_of("parley_ack_seconds_bucket{le=\"0.0025\"}") == 3);
    assert_true(value_of("parley_ack_seconds_bucket{le=\"60\"}") == 3);
    assert_true(value_of("parley_ack_seconds_bucket{le=\"+Inf\"}") == 4);
    assert_true(value_of("parley_ack_seconds_count") == 4);
    assert_true(value_of("parley_ack_seconds_sum") > 100.0019);
    assert_true(value_of("parley_ack_seconds_sum") < 100.0021);
}

static void sizes_fall_into_powers_of_two(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1, 2, 3, 1024, 1025};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        metric_size(METRIC_COMMIT_BATCH, sizes[i]);
    assert_true(value_of("parley_commit_batch_requests_bucket{le=\"1\"}") == 1);
    assert_true(value_of("parley_commit_batch_requests_bucket{le=\"2\"}") == 2);
    assert_true(value_of("parley_commit_batch_requests_bucket{le=\"4\"}") == 3);
    assert_true(value_of("parley_commit_batch_requests_bucket{le=\"1024\"}") == 4);
    assert_true(value_of("parley_commit_batch_requests_bucket{le=\"+Inf\"}") == 5);
    assert_true(value_of("parley_commit_batch_requests_sum") == 2055);
}

static void *count_a_lot(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10000; i++) {
        metric_add(METRIC_SENT_BYTES, 3);
        metric_add(METRIC_SESSIONS, 1);
        metric_sub(METRIC_SESSIONS, 1);
    }
    metric_add(METRIC_SESSIONS, 1);
    return NULL;
}

static void threads_lose_no_count_even_after_they_have_ended(void **state)
{
    (void)state;
    pthread_t threads[8];

    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 8; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, count_a_lot, NULL), 0);
        for (size_t i = 0; i < 8; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(metric_read(METRIC_SENT_BYTES, 0), 3 * 8 * 10000 * 3);
    assert_int_equal(metric_read(METRIC_SESSIONS, 0), 24);
}

static void the_process_itself_is_described(void **state)
{
    (void)state;
    assert_true(value_of("process_resident_memory_bytes") > 100000);
    assert_true(value_of("process_open_fds") >= 3);
    assert_true(value_of("process_max_fds") >= 3);
    assert_true(value_of("parley_uptime_seconds") >= 0);
    assert_true(value_of("process_start_time_seconds") > 1.7e9);
    assert_true(value_of("parley_build_info{version=\"1.2.3\"}") == 1);
}

/* Every line is a comment or `name{labels} number`; each name is described before it is used. */
static void the_exposition_is_well_formed(void **state)
{
    (void)state;
    struct buf out = {0};
    char type[128] = "";
    char *rest;

    metrics_render(&out);
    assert_int_equal(out.data[out.len - 1], '\n');
    for (char *line = strtok_r(out.data, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "# TYPE ", 7) == 0)
            assert_int_equal(sscanf(line, "# TYPE %100s", type), 1);
        if (line[0] == '#')
            continue;
        double number;
        const char *space = strrchr(line, ' ');
        assert_non_null(space);
        assert_int_equal(sscanf(space, " %lf", &number), 1);
        assert_int_equal(strncmp(line, type, strlen(type)), 0);
    }
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_add_up),
        cmocka_unit_test(gauges_go_up_and_down_and_can_be_set),
        cmocka_unit_test(labels_have_their_own_numbers),
        cmocka_unit_test(close_codes_and_statuses_find_their_label),
        cmocka_unit_test(commands_are_counted_by_name_and_outcome),
        cmocka_unit_test(times_fall_into_buckets_that_add_up),
        cmocka_unit_test(sizes_fall_into_powers_of_two),
        cmocka_unit_test(threads_lose_no_count_even_after_they_have_ended),
        cmocka_unit_test(the_process_itself_is_described),
        cmocka_unit_test(the_exposition_is_well_formed),
    };
    return cmocka_run_group_tests(tests, init, NULL);
}
