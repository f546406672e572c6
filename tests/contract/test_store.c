/* test_store.c - what every store must do, whatever database is behind it. */
#include "tests/unit/testing.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/storage/bed.h"

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

static void a_sent_message_is_in_the_history_after_a_restart(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");
    struct store_message sent = bed_send(bed, ann, general, "hello");

    bed_reopen(bed);
    struct store_req *req = bed_req(bed, STORE_HISTORY, ann);
    req->in.history.channel = general;
    req->in.history.limit = 50;
    assert_int_equal(bed_do(bed, req), ERR_OK);
    assert_int_equal(req->out.n, 1);
    assert_string_equal(req->out.messages[0].text, "hello");
    assert_string_equal(req->out.messages[0].id, sent.id);
    assert_int_equal(req->out.messages[0].seq, sent.seq);
    assert_string_equal(req->out.users[0].name, "ann");
    assert_string_equal(bed_log(bed, arena_strdup(bed->arena, "c:nothing")), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sent_message_is_in_the_history_after_a_restart,
                                        create_bed, destroy_bed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
