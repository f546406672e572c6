/* test_store_killed.c - what was acked is there after kill -9, again and again. */
#include "tests/unit/testing.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tests/contract/sender.h"
#include "tests/unit/storage/bed.h"

enum { ROUNDS = 6 };

/* Every ack since the start is in the store once, in the order of the acks of its round. */
static void check_acks(struct bed *bed, const char *user, const char *channel,
                       const struct acks *acks)
{
    uint64_t after = 0;
    uint64_t msg_no = 0;
    size_t found = 0;

    for (;;) {
        struct store_req *req = bed_req(bed, STORE_HISTORY, user);
        req->in.history.channel = channel;
        req->in.history.from = STORE_AFTER;
        req->in.history.seq = after;
        req->in.history.limit = STORE_PAGE_MAX;
        assert_int_equal(bed_do(bed, req), ERR_OK);
        if (req->out.n == 0)
            break;
        for (size_t i = 0; i < req->out.n; i++) {
            after = req->out.messages[i].seq;
            assert_int_equal(req->out.messages[i].msg_no, ++msg_no);
            if (found < acks->n && strcmp(req->out.messages[i].text, acks->ids[found]) == 0)
                found++;
        }
    }
    if (found != acks->n)
        fail_msg("ack %zu of %zu, %s, is not in the store", found, acks->n, acks->ids[found]);
}

static void kill_9_loses_no_acked_message(void **state)
{
    struct bed *bed = bed_create();
    struct acks acks = {0};
    char *user = arena_strdup(bed->arena, bed_user(bed, "ann"));
    char *channel = arena_strdup(bed->arena, bed_channel(bed, user, "general"));

    (void)state;
    bed_close(bed);
    for (int round = 0; round < ROUNDS; round++) {
        int fd = -1;
        pid_t pid = sender_start(bed->url, user, channel, round, &fd);
        size_t enough = acks.n + 50 + (size_t)round * 400;
        while (acks.n < enough)
            if (!sender_ack(fd, &acks))
                fail_msg("the child ended by itself after %zu acks", acks.n);
        sender_kill(pid, fd, &acks);
        bed_must_open(bed);
        check_acks(bed, user, channel, &acks);
        struct store_req *again = bed_req(bed, STORE_MESSAGE_SEND, user); /* a retry */
        again->in.send.channel = channel;
        again->in.send.text = "again";
        again->in.send.client_msg_id = acks.ids[acks.n - 1];
        assert_int_equal(bed_do(bed, again), ERR_OK);
        assert_true(again->out.duplicate);
        bed_close(bed);
    }
    free(acks.ids);
    bed_destroy(&bed);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kill_9_loses_no_acked_message),
    };

    sender_main(argc, argv);
    return bed_run_on_every_store(tests, ARRAY_LEN(tests));
}
