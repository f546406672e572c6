#include "tests/unit/testing.h"

#include "base/clock.h"
#include "base/macros.h"
#include "storage/queue.h"

enum { WAIT_NS = 20000000 };

static void requests_come_out_in_order_and_batches(void **state)
{
    struct store_req reqs[5] = {0};
    struct store_req *out[3];
    struct store_req *rejected;
    struct queue q;
    size_t n;

    (void)state;
    queue_init(&q, 10);
    for (size_t i = 0; i < ARRAY_LEN(reqs); i++)
        queue_push(&q, &reqs[i]);
    assert_int_equal(queue_depth(&q), 5);
    assert_true(reqs[0].submitted_ns > 0);
    assert_true(queue_take(&q, out, 3, 0, &n, &rejected));
    assert_int_equal(n, 3);
    assert_ptr_equal(out[0], &reqs[0]);
    assert_ptr_equal(out[2], &reqs[2]);
    assert_true(queue_take(&q, out, 3, 0, &n, &rejected));
    assert_int_equal(n, 2);
    assert_ptr_equal(out[1], &reqs[4]);
    assert_null(rejected);
    queue_destroy(&q);
}

static void a_list_comes_out_as_it_was_linked(void **state)
{
    struct store_req reqs[3] = {0};
    struct store_req *out[3];
    struct store_req *rejected;
    struct queue q;
    size_t n;

    (void)state;
    queue_init(&q, 2);
    reqs[0].next = &reqs[1];
    reqs[1].next = &reqs[2];
    queue_push_list(&q, &reqs[0]);
    assert_true(queue_take(&q, out, 3, 0, &n, &rejected));
    assert_int_equal(n, 2);
    assert_ptr_equal(out[0], &reqs[0]);
    assert_ptr_equal(out[1], &reqs[1]);
    assert_ptr_equal(rejected, &reqs[2]);
    assert_null(rejected->next);
    queue_destroy(&q);
}

static void what_does_not_fit_is_handed_over_apart(void **state)
{
    struct store_req reqs[4] = {0};
    struct store_req *out[4];
    struct store_req *rejected;
    struct queue q;
    size_t n;

    (void)state;
    queue_init(&q, 2);
    for (size_t i = 0; i < ARRAY_LEN(reqs); i++)
        queue_push(&q, &reqs[i]);
    assert_int_equal(queue_depth(&q), 2);
    assert_true(queue_take(&q, out, 4, 0, &n, &rejected));
    assert_int_equal(n, 2);
    assert_ptr_equal(rejected, &reqs[2]);
    assert_ptr_equal(rejected->next, &reqs[3]);
    assert_null(rejected->next->next);
    queue_push(&q, &reqs[0]); /* there is room again */
    assert_true(queue_take(&q, out, 4, 0, &n, &rejected));
    assert_int_equal(n, 1);
    assert_null(rejected);
    queue_destroy(&q);
}

static void taking_waits_until_the_deadline(void **state)
{
    struct store_req *out[1];
    struct store_req *rejected;
    struct queue q;
    size_t n = 1;
    uint64_t deadline = clock_monotonic_ns() + WAIT_NS;

    (void)state;
    queue_init(&q, 2);
    assert_true(queue_take(&q, out, 1, deadline, &n, &rejected));
    assert_int_equal(n, 0);
    assert_true(clock_monotonic_ns() >= deadline);
    queue_destroy(&q);
}

static void a_closed_queue_gives_what_is_left_and_then_ends(void **state)
{
    struct store_req req = {0};
    struct store_req *out[1];
    struct store_req *rejected;
    struct queue q;
    size_t n;

    (void)state;
    queue_init(&q, 2);
    queue_push(&q, &req);
    queue_close(&q);
    assert_true(queue_take(&q, out, 1, 0, &n, &rejected));
    assert_int_equal(n, 1);
    assert_false(queue_take(&q, out, 1, 0, &n, &rejected));
    queue_destroy(&q);
}

static bool joins(enum store_op op)
{
    return op == STORE_SNAPSHOT || op == STORE_SESSION_GET;
}

static void those_that_join_come_together_and_the_others_keep_their_order(void **state)
{
    static const enum store_op ops[] = {STORE_SNAPSHOT, STORE_HISTORY,  STORE_SESSION_GET,
                                        STORE_STATS,    STORE_SNAPSHOT, STORE_SNAPSHOT};
    struct store_req reqs[ARRAY_LEN(ops)] = {0};
    struct store_req *out[3];
    struct store_req *rejected;
    struct queue q;
    size_t n;

    (void)state;
    queue_init(&q, 10);
    for (size_t i = 0; i < ARRAY_LEN(reqs); i++) {
        reqs[i].op = ops[i];
        queue_push(&q, &reqs[i]);
    }
    assert_true(queue_take_joined(&q, joins, out, 3, &n, &rejected));
    assert_int_equal(n, 3);
    assert_ptr_equal(out[0], &reqs[0]);
    assert_ptr_equal(out[1], &reqs[2]);
    assert_ptr_equal(out[2], &reqs[4]);
    assert_int_equal(queue_depth(&q), 3);
    assert_true(queue_take_joined(&q, joins, out, 3, &n, &rejected));
    assert_int_equal(n, 1); /* it does not join */
    assert_ptr_equal(out[0], &reqs[1]);
    queue_push(&q, &reqs[0]); /* behind the others */
    assert_true(queue_take_joined(&q, NULL, out, 3, &n, &rejected));
    assert_int_equal(n, 1);
    assert_ptr_equal(out[0], &reqs[3]);
    assert_true(queue_take_joined(&q, joins, out, 3, &n, &rejected));
    assert_int_equal(n, 2);
    assert_ptr_equal(out[0], &reqs[5]);
    assert_ptr_equal(out[1], &reqs[0]);
    queue_push(&q, &reqs[1]);
    queue_close(&q);
    assert_true(queue_take_joined(&q, joins, out, 3, &n, &rejected));
    assert_ptr_equal(out[0], &reqs[1]);
    assert_false(queue_take_joined(&q, joins, out, 3, &n, &rejected));
    queue_destroy(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_come_out_in_order_and_batches),
        cmocka_unit_test(a_list_comes_out_as_it_was_linked),
        cmocka_unit_test(what_does_not_fit_is_handed_over_apart),
        cmocka_unit_test(taking_waits_until_the_deadline),
        cmocka_unit_test(those_that_join_come_together_and_the_others_keep_their_order),
        cmocka_unit_test(a_closed_queue_gives_what_is_left_and_then_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
