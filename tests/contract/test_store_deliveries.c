/* test_store_deliveries.c - what outgoing webhooks have delivered, who delivers, and dead letters,
 * on every store. */
#include "tests/unit/testing.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "tests/contract/hooks.h"

static int create_bed(void **state)
{
    *state = bed_create();
    return 0;
}

static int destroy_bed(void **state)
{
    bed_destroy((struct bed **)state);
    return 0;
}
/* -- delivering ------------------------------------------------------------------------------ */

static void an_outgoing_hook_begins_at_what_is_new(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");

    (void)bed_send(bed, ann, general, "old");
    const char *hook = hook_make(bed, ann, general, STORE_HOOK_OUTGOING);
    uint64_t position = hook_get(bed, ann, hook)->out.hook.position;
    assert_int_equal(position, bed_view(bed, ann, general).seq);
    (void)bed_send(bed, ann, general, "new");
    assert_int_equal(hook_enable(bed, ann, hook, true), ERR_OK); /* it was: nothing is skipped */
    assert_int_equal(hook_get(bed, ann, hook)->out.hook.position, position);
    assert_int_equal(hook_enable(bed, ann, hook, false), ERR_OK);
    (void)bed_send(bed, ann, general, "not for it");
    assert_int_equal(hook_enable(bed, ann, hook, true), ERR_OK);
    assert_int_equal(hook_get(bed, ann, hook)->out.hook.position, bed_view(bed, ann, general).seq);
}

static void a_position_never_goes_back(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *hook = hook_make(bed, ann, bed_channel(bed, ann, "general"), STORE_HOOK_OUTGOING);
    const struct store_hook *now;

    assert_int_equal(hook_mark(bed, hook, 50, STORE_HOOK_SKIPPED), ERR_OK);
    now = &hook_get(bed, ann, hook)->out.hook;
    assert_int_equal(now->position, 50);
    assert_int_equal(now->used_at, 0);
    assert_int_equal(hook_mark(bed, hook, 50, STORE_HOOK_FAILED), ERR_OK);
    now = &hook_get(bed, ann, hook)->out.hook;
    assert_true(now->failed_at > 0);
    assert_string_equal(now->error, "the answer was 500");
    assert_int_equal(hook_mark(bed, hook, 40, STORE_HOOK_DELIVERED), ERR_OK);
    now = &hook_get(bed, ann, hook)->out.hook;
    assert_int_equal(now->position, 50);
    assert_true(now->used_at > 0);
    assert_int_equal(now->failed_at, 0);
    assert_null(now->error);
    assert_int_equal(hook_mark(bed, hook, 51, STORE_HOOK_DELIVERED), ERR_OK);
    assert_int_equal(hook_mark(bed, hook, 51, STORE_HOOK_DELIVERED), ERR_OK);
    assert_int_equal(hook_get(bed, ann, hook)->out.hook.position, 51);
    assert_int_equal(hook_mark(bed, "nohook", 1, STORE_HOOK_DELIVERED), ERR_NOT_FOUND);
}

static void one_node_at_a_time_delivers_for_a_hook(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");
    const char *hook = hook_make(bed, ann, general, STORE_HOOK_OUTGOING);
    int64_t later = clock_unix_ms() + 60000;
    const struct store_req *mine = hook_lease(bed, hook, "n1", later);

    assert_int_equal(mine->err, ERR_OK);
    assert_string_equal(mine->out.hook.id, hook);
    assert_string_equal(mine->out.hook.secret, "secret");
    assert_int_equal(hook_lease(bed, hook, "n2", later)->err, ERR_CONFLICT);
    assert_int_equal(hook_lease(bed, hook, "n1", later + 1)->err, ERR_OK); /* renewed */
    assert_int_equal(hook_lease(bed, hook, "n1", 0)->err, ERR_OK);         /* and given back */
    assert_int_equal(hook_lease(bed, hook, "n2", clock_unix_ms() - 1)->err,
                     ERR_OK); /* died at once */
    assert_int_equal(hook_lease(bed, hook, "n1", later)->err, ERR_OK);
    assert_int_equal(hook_enable(bed, ann, hook, false), ERR_OK);
    assert_int_equal(hook_lease(bed, hook, "n1", later)->err, ERR_CONFLICT);
    assert_int_equal(hook_lease(bed, "nohook", "n1", later)->err, ERR_CONFLICT);
    const char *in = hook_make(bed, ann, general, STORE_HOOK_INCOMING);
    assert_int_equal(hook_lease(bed, in, "n1", later)->err, ERR_CONFLICT);
}

static void after_a_restart_all_outgoing_hooks_are_found(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");
    const char *random = bed_channel(bed, ann, "random");
    const char *ids[] = {hook_make(bed, ann, general, STORE_HOOK_OUTGOING),
                         hook_make(bed, ann, random, STORE_HOOK_OUTGOING),
                         hook_make(bed, ann, random, STORE_HOOK_OUTGOING)};
    const char *off = hook_make(bed, ann, random, STORE_HOOK_OUTGOING);
    const char *cursor = NULL;
    size_t seen = 0;

    (void)hook_make(bed, ann, general, STORE_HOOK_INCOMING);
    (void)hook_make(bed, ann, general, STORE_HOOK_SLASH);
    assert_int_equal(hook_enable(bed, ann, off, false), ERR_OK);
    bed_reopen(bed);
    do {
        struct store_req *req = bed_req(bed, STORE_HOOKS_OUTGOING, NULL);
        assert_true(seen <= ARRAY_LEN(ids));
        req->in.hooks.page.cursor = cursor;
        req->in.hooks.page.limit = 2;
        assert_int_equal(bed_do(bed, req), ERR_OK);
        for (size_t i = 0; i < req->out.n; i++)
            assert_string_equal(req->out.hooks[i].id, ids[seen++]);
        cursor = req->out.next;
    } while (cursor != NULL);
    assert_int_equal(seen, ARRAY_LEN(ids));
}

/* -- dead letters ---------------------------------------------------------------------------- */

static void what_was_given_up_is_listed_newest_first(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *hook = hook_make(bed, ann, bed_channel(bed, ann, "general"), STORE_HOOK_OUTGOING);

    for (uint64_t seq = 1; seq <= 5; seq++)
        assert_int_equal(hook_fail(bed, hook, seq, 8), ERR_OK);
    assert_int_equal(hook_fail(bed, hook, 3, 16), ERR_OK); /* again */
    const struct store_req *page = hook_failures(bed, ann, hook, NULL, 3);
    assert_int_equal(page->err, ERR_OK);
    assert_int_equal(page->out.n, 3);
    assert_int_equal(page->out.failures[0].seq, 5);
    assert_int_equal(page->out.failures[2].seq, 3);
    assert_int_equal(page->out.failures[2].attempts, 16);
    assert_int_equal(page->out.failures[0].status, 500);
    assert_string_equal(page->out.failures[0].event, "message.created");
    assert_string_equal(page->out.failures[0].error, "the answer was 500");
    assert_true(page->out.failures[0].at > 0);
    assert_false(page->out.failures[0].due);
    page = hook_failures(bed, ann, hook, page->out.next, 2);
    assert_int_equal(page->out.n, 2);
    assert_int_equal(page->out.failures[1].seq, 1);
    assert_null(page->out.next);
    assert_int_equal(hook_failures(bed, ann, hook, "x", 2)->err, ERR_INVALID_PARAMS);
}

static void a_dead_letter_is_due_until_it_is_settled(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *hook = hook_make(bed, ann, bed_channel(bed, ann, "general"), STORE_HOOK_OUTGOING);
    struct store_req *due = bed_req(bed, STORE_HOOK_FAILURES, NULL);
    struct store_req *again = bed_req(bed, STORE_HOOK_REDELIVER, ann);

    assert_int_equal(hook_fail(bed, hook, 7, 8), ERR_OK);
    assert_int_equal(hook_fail(bed, hook, 9, 8), ERR_OK);
    due->in.hooks.hook = hook;
    due->in.hooks.due = true;
    due->in.hooks.page.limit = 10;
    assert_int_equal(bed_do(bed, due), ERR_OK);
    assert_int_equal(due->out.n, 0);
    assert_int_equal(hook_about_failure(bed, STORE_HOOK_REDELIVER, ann, hook, 8), ERR_NOT_FOUND);
    again->in.hook_failure.hook = hook;
    again->in.hook_failure.seq = 7;
    assert_int_equal(bed_do(bed, again), ERR_OK);
    assert_int_equal(again->out.n, 1);
    assert_int_equal(again->out.failures[0].seq, 7);
    assert_true(again->out.failures[0].due);
    assert_string_equal(again->out.hook.id, hook);
    assert_int_equal(bed_do(bed, due), ERR_OK);
    assert_int_equal(due->out.n, 1);
    assert_int_equal(due->out.failures[0].seq, 7);
    assert_int_equal(hook_fail(bed, hook, 7, 9), ERR_OK); /* failed again: due no more */
    assert_int_equal(bed_do(bed, due), ERR_OK);
    assert_int_equal(due->out.n, 0);
    assert_int_equal(hook_about_failure(bed, STORE_HOOK_SETTLE, NULL, hook, 7), ERR_OK);
    assert_int_equal(hook_about_failure(bed, STORE_HOOK_SETTLE, NULL, hook, 7), ERR_NOT_FOUND);
    assert_int_equal(hook_failures(bed, ann, hook, NULL, 10)->out.n, 1);
    assert_int_equal(hook_enable(bed, ann, hook, false), ERR_OK);
    assert_int_equal(hook_about_failure(bed, STORE_HOOK_REDELIVER, ann, hook, 9), ERR_CONFLICT);
}

static void only_the_newest_dead_letters_are_kept(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *hook = hook_make(bed, ann, bed_channel(bed, ann, "general"), STORE_HOOK_OUTGOING);
    size_t n = STORE_HOOK_FAILURES_MAX + 5;
    struct store_req **reqs = arena_alloc(bed->arena, n * sizeof(struct store_req *));

    for (size_t i = 0; i < n; i++) {
        reqs[i] = bed_req(bed, STORE_HOOK_FAIL, NULL);
        reqs[i]->in.hook_failure = (struct store_hook_failure){
            .hook = hook, .seq = i + 1, .event = "message.created", .error = "no answer"};
        bed_submit(bed, reqs[i]);
    }
    for (size_t i = 0; i < n; i++) {
        bed_wait(bed, reqs[i]);
        assert_int_equal(reqs[i]->err, ERR_OK);
    }
    assert_int_equal(hook_about_failure(bed, STORE_HOOK_SETTLE, NULL, hook, 5), ERR_NOT_FOUND);
    assert_int_equal(hook_about_failure(bed, STORE_HOOK_SETTLE, NULL, hook, 6), ERR_OK);
    assert_int_equal(hook_about_failure(bed, STORE_HOOK_SETTLE, NULL, hook, n), ERR_OK);
}

int main(void)
{
#define HOOK_TEST(fn) cmocka_unit_test_setup_teardown(fn, create_bed, destroy_bed)
    const struct CMUnitTest tests[] = {
        HOOK_TEST(an_outgoing_hook_begins_at_what_is_new),
        HOOK_TEST(a_position_never_goes_back),
        HOOK_TEST(one_node_at_a_time_delivers_for_a_hook),
        HOOK_TEST(after_a_restart_all_outgoing_hooks_are_found),
        HOOK_TEST(what_was_given_up_is_listed_newest_first),
        HOOK_TEST(a_dead_letter_is_due_until_it_is_settled),
        HOOK_TEST(only_the_newest_dead_letters_are_kept),
    };

    return bed_run_on_every_store(tests, ARRAY_LEN(tests));
}
