/* test_store.c - what every store must do, whatever database is behind it: messages, history,
 * retries, reading. Channels and accounts: test_store_channels.c, test_store_accounts.c. */
#include "tests/unit/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"
#include "tests/unit/storage/bed.h"

struct scene {
    struct bed *bed;
    const char *ann, *ben, *cyd; /* cyd is in no channel */
    const char *general;         /* ann made it, ben is in it */
};

static int create_scene(void **state)
{
    struct scene *s = mem_zalloc(sizeof(*s));

    s->bed = bed_create();
    s->ann = bed_user(s->bed, "ann");
    s->ben = bed_user(s->bed, "ben");
    s->cyd = bed_user(s->bed, "cyd");
    s->general = bed_channel(s->bed, s->ann, "general");
    bed_join(s->bed, s->ben, s->general);
    *state = s;
    return 0;
}

static int destroy_scene(void **state)
{
    struct scene *s = *state;

    bed_destroy(&s->bed);
    free(s);
    return 0;
}

static struct store_req *send_req(struct scene *s, const char *user, const char *text,
                                  const char *client_msg_id)
{
    struct store_req *req = bed_req(s->bed, STORE_MESSAGE_SEND, user);

    req->in.send.channel = s->general;
    req->in.send.text = text;
    req->in.send.client_msg_id = client_msg_id;
    return req;
}

static struct store_req *message_req(struct scene *s, enum store_op op, const char *user,
                                     const char *id, const char *text)
{
    struct store_req *req = bed_req(s->bed, op, user);

    req->in.message.message = id;
    req->in.message.text = text;
    return req;
}

static struct store_req *history(struct scene *s, const char *user, enum store_history_from from,
                                 uint64_t seq, uint32_t limit)
{
    struct store_req *req = bed_req(s->bed, STORE_HISTORY, user);

    req->in.history.channel = s->general;
    req->in.history.from = from;
    req->in.history.seq = seq;
    req->in.history.limit = limit;
    assert_int_equal(bed_do(s->bed, req), ERR_OK);
    return req;
}

static char *general_log(struct scene *s)
{
    char stream[STORE_STREAM_SIZE];

    (void)snprintf(stream, sizeof(stream), "c:%s", s->general);
    return bed_log(s->bed, stream);
}

static void a_sent_message_is_in_the_history_after_a_restart(void **state)
{
    struct scene *s = *state;
    struct store_message sent = bed_send(s->bed, s->ann, s->general, "hello");

    bed_reopen(s->bed);
    struct store_req *req = history(s, s->ann, STORE_NEWEST, 0, 50);
    assert_int_equal(req->out.n, 1);
    assert_string_equal(req->out.messages[0].text, "hello");
    assert_string_equal(req->out.messages[0].id, sent.id);
    assert_string_equal(req->out.messages[0].author, s->ann);
    assert_int_equal(req->out.messages[0].seq, sent.seq);
    assert_int_equal(req->out.users_n, 1);
    assert_string_equal(req->out.users[0].name, "ann");
    assert_false(req->out.more_before);
    assert_false(req->out.more_after);
}

static void seq_counts_every_event_and_msg_no_every_message(void **state)
{
    struct scene *s = *state;
    struct store_message a = bed_send(s->bed, s->ann, s->general, "one");
    bed_join(s->bed, s->cyd, s->general);
    struct store_message b = bed_send(s->bed, s->ben, s->general, "two");

    assert_int_equal(a.seq, 4); /* created, ann joined, ben joined */
    assert_int_equal(a.msg_no, 1);
    assert_int_equal(b.seq, 6);
    assert_int_equal(b.msg_no, 2);
}

static void a_commit_hands_over_every_event_in_order(void **state)
{
    struct scene *s = *state;

    (void)bed_send(s->bed, s->ann, s->general, "hello");
    const struct store_event *last = &s->bed->events[s->bed->events_n - 1];
    assert_int_equal(last->type, STORE_EVENT_MESSAGE_CREATED);
    assert_string_equal(last->actor, s->ann);
    assert_non_null(strstr(last->data, "\"text\":\"hello\""));
    assert_memory_equal(last->data, "\"message\":{", 11);
    char *log = general_log(s);
    assert_non_null(strstr(log, "1 channel.created "));
    assert_non_null(strstr(log, "2 member.joined "));
    assert_non_null(strstr(log, "3 member.joined "));
    assert_non_null(strstr(log, "4 message.created "));
    assert_non_null(strstr(log, last->data));
}

static void a_retried_send_gives_the_original_message(void **state)
{
    struct scene *s = *state;
    struct store_req *first = send_req(s, s->ann, "once", "retry-1");
    struct store_req *again = send_req(s, s->ann, "once, differently", "retry-1");

    assert_int_equal(bed_do(s->bed, first), ERR_OK);
    assert_false(first->out.duplicate);
    bed_reopen(s->bed);
    assert_int_equal(bed_do(s->bed, again), ERR_OK);
    assert_true(again->out.duplicate);
    assert_string_equal(again->out.message.id, first->out.message.id);
    assert_string_equal(again->out.message.text, "once");
    assert_int_equal(history(s, s->ann, STORE_NEWEST, 0, 50)->out.n, 1);
}

static void two_sends_of_one_client_msg_id_in_one_batch_are_one_message(void **state)
{
    struct scene *s = *state;
    struct store_req *reqs[32];

    for (size_t i = 0; i < ARRAY_LEN(reqs); i++) {
        reqs[i] = send_req(s, s->ann, "twin", "twin");
        bed_submit(s->bed, reqs[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(reqs); i++) {
        bed_wait(s->bed, reqs[i]);
        assert_int_equal(reqs[i]->err, ERR_OK);
        assert_string_equal(reqs[i]->out.message.id, reqs[0]->out.message.id);
        assert_int_equal(reqs[i]->out.duplicate, i > 0);
    }
    assert_int_equal(history(s, s->ann, STORE_NEWEST, 0, 50)->out.n, 1);
}

/* Between other commits, so that the answers outlive the batches that gave them. */
static void many_twins_over_many_batches_are_one_message_each(void **state)
{
    struct scene *s = *state;
    struct store_req *reqs[40][8];

    for (size_t round = 0; round < ARRAY_LEN(reqs); round++) {
        char *id = arena_alloc(s->bed->arena, 16);
        (void)snprintf(id, 16, "twin-%zu", round);
        for (size_t i = 0; i < ARRAY_LEN(reqs[round]); i++) {
            reqs[round][i] = send_req(s, s->ann, "twin", id);
            bed_submit(s->bed, reqs[round][i]);
        }
        bed_wait(s->bed, reqs[round][0]);
    }
    for (size_t round = 0; round < ARRAY_LEN(reqs); round++)
        for (size_t i = 0; i < ARRAY_LEN(reqs[round]); i++) {
            if (i > 0)
                bed_wait(s->bed, reqs[round][i]);
            assert_int_equal(reqs[round][i]->err, ERR_OK);
            assert_string_equal(reqs[round][i]->out.message.id, reqs[round][0]->out.message.id);
            assert_string_equal(reqs[round][i]->out.message.text, "twin");
            assert_int_equal(reqs[round][i]->out.duplicate, i > 0);
        }
    assert_int_equal(bed_view(s->bed, s->ann, s->general).msg_no, ARRAY_LEN(reqs));
}

static void the_same_client_msg_id_of_another_author_is_another_message(void **state)
{
    struct scene *s = *state;
    struct store_req *ann = send_req(s, s->ann, "mine", "same");
    struct store_req *ben = send_req(s, s->ben, "mine too", "same");

    assert_int_equal(bed_do(s->bed, ann), ERR_OK);
    assert_int_equal(bed_do(s->bed, ben), ERR_OK);
    assert_false(ben->out.duplicate);
    assert_string_not_equal(ann->out.message.id, ben->out.message.id);
}

static void a_retry_is_answered_with_what_the_message_has_become(void **state)
{
    struct scene *s = *state;
    struct store_req *first = send_req(s, s->ben, "v1", "r");
    assert_int_equal(bed_do(s->bed, first), ERR_OK);
    const char *id = first->out.message.id;

    assert_int_equal(bed_do(s->bed, message_req(s, STORE_MESSAGE_EDIT, s->ben, id, "v2")), ERR_OK);
    struct store_req *again = send_req(s, s->ben, "v1", "r");
    assert_int_equal(bed_do(s->bed, again), ERR_OK);
    assert_string_equal(again->out.message.text, "v2");

    struct store_req *leave = bed_req(s->bed, STORE_CHANNEL_LEAVE, s->ben);
    leave->in.channel.channel = s->general;
    assert_int_equal(bed_do(s->bed, leave), ERR_OK);
    assert_int_equal(bed_do(s->bed, message_req(s, STORE_MESSAGE_DELETE, s->ann, id, NULL)),
                     ERR_OK);
    again = send_req(s, s->ben, "v1", "r");
    assert_int_equal(bed_do(s->bed, again), ERR_OK); /* though he is no member any more */
    assert_true(again->out.duplicate);
    assert_null(again->out.message.text);
    assert_true(again->out.message.deleted_at > 0);
    assert_null(again->reason);
}

static void only_members_send_and_strangers_get_not_found(void **state)
{
    struct scene *s = *state;
    const char *secret = bed_private(s->bed, s->ann, "secret");
    struct store_req *req = send_req(s, s->cyd, "hi", NULL);

    assert_int_equal(bed_do(s->bed, req), ERR_FORBIDDEN);
    assert_string_equal(req->field, "channel");
    req = send_req(s, s->cyd, "hi", NULL);
    req->in.send.channel = secret;
    assert_int_equal(bed_do(s->bed, req), ERR_NOT_FOUND);
    req = send_req(s, s->ann, "hi", NULL);
    req->in.send.channel = "nothing";
    assert_int_equal(bed_do(s->bed, req), ERR_NOT_FOUND);
    req = send_req(s, s->ann, "hi", NULL);
    req->in.send.channel = "#general";
    assert_int_equal(bed_do(s->bed, req), ERR_OK);
    req = send_req(s, "ghost", "hi", NULL);
    assert_int_equal(bed_do(s->bed, req), ERR_FORBIDDEN);
}

static void only_the_author_edits(void **state)
{
    struct scene *s = *state;
    struct store_message m = bed_send(s->bed, s->ben, s->general, "v1");
    struct store_req *edit = message_req(s, STORE_MESSAGE_EDIT, s->ann, m.id, "v2");

    assert_int_equal(bed_do(s->bed, edit), ERR_FORBIDDEN);
    edit = message_req(s, STORE_MESSAGE_EDIT, s->ben, m.id, "v2");
    assert_int_equal(bed_do(s->bed, edit), ERR_OK);
    assert_string_equal(edit->out.message.text, "v2");
    assert_true(edit->out.message.edited_at > 0);
    assert_int_equal(edit->out.message.seq, m.seq);
    struct store_req *get = message_req(s, STORE_MESSAGE_GET, s->ann, m.id, NULL);
    assert_int_equal(bed_do(s->bed, get), ERR_OK);
    assert_string_equal(get->out.message.text, "v2");
    edit = message_req(s, STORE_MESSAGE_EDIT, s->ben, "nothing", "v2");
    assert_int_equal(bed_do(s->bed, edit), ERR_NOT_FOUND);
}

static void an_event_from_before_an_edit_still_shows_the_text_of_its_time(void **state)
{
    struct scene *s = *state;
    struct store_message m = bed_send(s->bed, s->ben, s->general, "v1");

    assert_int_equal(bed_do(s->bed, message_req(s, STORE_MESSAGE_EDIT, s->ben, m.id, "v2")),
                     ERR_OK);
    char *log = general_log(s);
    const char *created = strstr(log, "message.created");
    const char *updated = strstr(log, "message.updated");
    assert_non_null(strstr(created, "\"text\":\"v1\""));
    assert_non_null(strstr(updated, "\"text\":\"v2\""));
    assert_non_null(strstr(updated, "\"edited_at\":"));
}

static void a_deleted_message_leaves_a_tombstone_and_no_text_anywhere(void **state)
{
    struct scene *s = *state;
    struct store_message m = bed_send(s->bed, s->ben, s->general, "unwise words");

    for (int i = 0; i < 3; i++)
        assert_int_equal(
            bed_do(s->bed, message_req(s, STORE_MESSAGE_EDIT, s->ben, m.id, "unwise, edited")),
            ERR_OK);
    struct store_req *drop = message_req(s, STORE_MESSAGE_DELETE, s->ben, m.id, NULL);
    assert_int_equal(bed_do(s->bed, drop), ERR_OK);
    assert_null(drop->out.message.text);
    struct store_req *req = history(s, s->ann, STORE_NEWEST, 0, 50);
    assert_int_equal(req->out.n, 1);
    assert_null(req->out.messages[0].text);
    assert_true(req->out.messages[0].deleted_at > 0);
    char *log = general_log(s);
    assert_null(strstr(log, "unwise"));
    assert_non_null(strstr(log, "8 message.deleted "));
    assert_non_null(strstr(strstr(log, "4 message.created "), "\"deleted_at\":"));
    req = message_req(s, STORE_MESSAGE_EDIT, s->ben, m.id, "v3");
    assert_int_equal(bed_do(s->bed, req), ERR_CONFLICT);
}

static void moderators_and_admins_delete_what_others_wrote(void **state)
{
    struct scene *s = *state;
    struct store_message a = bed_send(s->bed, s->ben, s->general, "a");
    struct store_message b = bed_send(s->bed, s->ben, s->general, "b");
    struct store_message c = bed_send(s->bed, s->ann, s->general, "c");
    struct store_req *drop = message_req(s, STORE_MESSAGE_DELETE, s->ann, a.id, NULL);

    assert_int_equal(bed_do(s->bed, drop), ERR_OK); /* ann made the channel */
    drop = message_req(s, STORE_MESSAGE_DELETE, s->ben, c.id, NULL);
    assert_int_equal(bed_do(s->bed, drop), ERR_FORBIDDEN);
    drop = message_req(s, STORE_MESSAGE_DELETE, s->cyd, b.id, NULL);
    assert_int_equal(bed_do(s->bed, drop), ERR_FORBIDDEN);
    drop->actor.role = STORE_ROLE_ADMIN;
    assert_int_equal(bed_do(s->bed, drop), ERR_OK);
}

static void unread_counts_messages_of_others_until_they_are_read(void **state)
{
    struct scene *s = *state;

    for (int i = 0; i < 5; i++)
        (void)bed_send(s->bed, s->ann, s->general, "news");
    struct store_channel view = bed_view(s->bed, s->ben, s->general);
    assert_int_equal(view.unread, 5);
    assert_int_equal(view.msg_no, 5);
    assert_int_equal(bed_view(s->bed, s->ann, s->general).unread, 0); /* they are her own */
    struct store_req *mark = bed_req(s->bed, STORE_READ_MARK, s->ben);
    mark->in.read.channel = s->general;
    mark->in.read.seq = view.seq - 2;
    assert_int_equal(bed_do(s->bed, mark), ERR_OK);
    assert_int_equal(mark->out.channel.unread, 2);
    assert_int_equal(mark->out.channel.last_read_seq, view.seq - 2);
    mark->in.read.seq = 1; /* never back */
    assert_int_equal(bed_do(s->bed, mark), ERR_OK);
    assert_int_equal(mark->out.channel.last_read_seq, view.seq - 2);
    mark->in.read.seq = view.seq + 1;
    assert_int_equal(bed_do(s->bed, mark), ERR_INVALID_PARAMS);
    assert_string_equal(mark->field, "seq");
    bed_reopen(s->bed);
    assert_int_equal(bed_view(s->bed, s->ben, s->general).unread, 2);
}

static void sending_while_behind_does_not_mark_as_read(void **state)
{
    struct scene *s = *state;

    (void)bed_send(s->bed, s->ann, s->general, "unseen");
    (void)bed_send(s->bed, s->ben, s->general, "from another window");
    assert_int_equal(bed_view(s->bed, s->ben, s->general).unread, 2);
}

static void mentions_count_until_read(void **state)
{
    struct scene *s = *state;
    struct store_message m =
        bed_send(s->bed, s->ann, s->general, "@ben, @cyd and @ann: see mail@ben. @ben.");

    assert_int_equal(m.mentions_n, 1); /* ben once; cyd is no member, ann wrote it */
    assert_string_equal(m.mentions[0], s->ben);
    assert_int_equal(bed_view(s->bed, s->ben, s->general).mentions, 1);
    (void)bed_send(s->bed, s->ann, s->general, "hi @ben");
    assert_int_equal(bed_view(s->bed, s->ben, s->general).mentions, 2);
    assert_int_equal(bed_do(s->bed, message_req(s, STORE_MESSAGE_EDIT, s->ann, m.id, "nobody now")),
                     ERR_OK);
    assert_int_equal(bed_view(s->bed, s->ben, s->general).mentions, 1);
    struct store_req *mark = bed_req(s->bed, STORE_READ_MARK, s->ben);
    mark->in.read.channel = s->general;
    mark->in.read.seq = bed_view(s->bed, s->ben, s->general).seq;
    assert_int_equal(bed_do(s->bed, mark), ERR_OK);
    assert_int_equal(mark->out.channel.mentions, 0);
    assert_int_equal(bed_view(s->bed, s->ben, s->general).mentions, 0);
}

static void history_pages_in_both_directions_without_gap_or_overlap(void **state)
{
    struct scene *s = *state;
    char text[16];
    uint64_t first = 0;

    for (int i = 1; i <= 25; i++) {
        (void)snprintf(text, sizeof(text), "m%d", i);
        struct store_message m = bed_send(s->bed, s->ann, s->general, text);
        first = first == 0 ? m.seq : first;
        if (i % 5 == 0) /* holes between the messages' seqs */
            assert_int_equal(bed_do(s->bed, message_req(s, STORE_MESSAGE_EDIT, s->ann, m.id, text)),
                             ERR_OK);
    }
    struct store_req *page = history(s, s->ben, STORE_NEWEST, 0, 10);
    assert_int_equal(page->out.n, 10);
    assert_string_equal(page->out.messages[0].text, "m16");
    assert_string_equal(page->out.messages[9].text, "m25");
    assert_true(page->out.more_before);
    assert_false(page->out.more_after);
    page = history(s, s->ben, STORE_BEFORE, page->out.messages[0].seq, 10);
    assert_string_equal(page->out.messages[0].text, "m6");
    assert_string_equal(page->out.messages[9].text, "m15");
    assert_true(page->out.more_before);
    assert_true(page->out.more_after);
    page = history(s, s->ben, STORE_AFTER, page->out.messages[9].seq, 200);
    assert_int_equal(page->out.n, 10);
    assert_string_equal(page->out.messages[0].text, "m16");
    assert_false(page->out.more_after);
    page = history(s, s->ben, STORE_BEFORE, first, 10);
    assert_int_equal(page->out.n, 0);
    assert_false(page->out.more_before);
    assert_true(page->out.more_after);
    page = history(s, s->ben, STORE_AFTER, UINT64_MAX, 10);
    assert_int_equal(page->out.n, 0);
    assert_true(page->out.more_before);
}

static void history_around_a_position_has_it_in_the_middle(void **state)
{
    struct scene *s = *state;
    struct store_message m[20];

    for (size_t i = 0; i < ARRAY_LEN(m); i++)
        m[i] = bed_send(s->bed, s->ann, s->general, "x");
    struct store_req *page = history(s, s->ben, STORE_AROUND, m[10].seq, 6);
    assert_int_equal(page->out.n, 6);
    assert_int_equal(page->out.messages[0].seq, m[7].seq);
    assert_int_equal(page->out.messages[5].seq, m[12].seq);
    page = history(s, s->ben, STORE_AROUND, m[0].seq, 6); /* nothing before: more after */
    assert_int_equal(page->out.n, 6);
    assert_int_equal(page->out.messages[0].seq, m[0].seq);
    page = history(s, s->ben, STORE_AROUND, m[19].seq, 6);
    assert_int_equal(page->out.n, 6);
    assert_int_equal(page->out.messages[5].seq, m[19].seq);
    page = history(s, s->ben, STORE_AROUND, m[5].seq, 1);
    assert_int_equal(page->out.n, 1);
    assert_int_equal(page->out.messages[0].seq, m[5].seq);
}

static void private_messages_are_for_members_only(void **state)
{
    struct scene *s = *state;
    const char *secret = bed_private(s->bed, s->ann, "secret");
    struct store_message m = bed_send(s->bed, s->ann, secret, "psst");
    struct store_req *req = message_req(s, STORE_MESSAGE_GET, s->ben, m.id, NULL);

    assert_int_equal(bed_do(s->bed, req), ERR_NOT_FOUND);
    assert_null(req->out.message.id);
    assert_int_equal(bed_do(s->bed, message_req(s, STORE_MESSAGE_EDIT, s->ben, m.id, "x")),
                     ERR_NOT_FOUND);
    assert_int_equal(bed_do(s->bed, message_req(s, STORE_MESSAGE_DELETE, s->ben, m.id, NULL)),
                     ERR_NOT_FOUND);
    req = bed_req(s->bed, STORE_HISTORY, s->ben);
    req->in.history.channel = secret;
    req->in.history.limit = 10;
    assert_int_equal(bed_do(s->bed, req), ERR_NOT_FOUND);
    req->actor.role = STORE_ROLE_OWNER; /* not even the owner */
    assert_int_equal(bed_do(s->bed, req), ERR_NOT_FOUND);
    req->actor.system = true;
    assert_int_equal(bed_do(s->bed, req), ERR_OK);
}

static void anybody_reads_a_public_channel_before_joining(void **state)
{
    struct scene *s = *state;

    (void)bed_send(s->bed, s->ann, s->general, "welcome");
    assert_int_equal(history(s, s->cyd, STORE_NEWEST, 0, 10)->out.n, 1);
}

static void events_page_by_seq_and_know_the_top(void **state)
{
    struct scene *s = *state;
    char stream[STORE_STREAM_SIZE];
    struct store_req *req = bed_req(s->bed, STORE_EVENTS, NULL);

    (void)snprintf(stream, sizeof(stream), "c:%s", s->general);
    for (int i = 0; i < 7; i++)
        (void)bed_send(s->bed, s->ann, s->general, "x");
    req->in.events.stream = stream;
    req->in.events.after = 4;
    req->in.events.limit = 3;
    assert_int_equal(bed_do(s->bed, req), ERR_OK);
    assert_int_equal(req->out.n, 3);
    assert_int_equal(req->out.events[0].seq, 5);
    assert_int_equal(req->out.events[2].seq, 7);
    assert_int_equal(req->out.top.seq, 10);
    assert_string_equal(req->out.events[0].epoch, req->out.top.epoch);
    req->in.events.after = UINT64_MAX;
    assert_int_equal(bed_do(s->bed, req), ERR_OK);
    assert_int_equal(req->out.n, 0);
    req->in.events.stream = "c:nothing";
    assert_int_equal(bed_do(s->bed, req), ERR_OK);
    assert_int_equal(req->out.n, 0);
    assert_null(req->out.top.epoch);
}

/* What the committer's callback does with a read that it makes while a batch is handed over. */
struct peek {
    struct scene *scene;
    struct store_req *events;
    bool early; /* it was answered before the batch had been handed over */
};

static void peek_at_log(void *arg, const struct store_commit *commit)
{
    struct peek *peek = arg;
    struct timespec while_it_is_read = {.tv_nsec = 100000000};
    struct bed *bed = peek->scene->bed;

    assert_int_equal(commit->events_n, 1);
    bed->on_commit = NULL;
    bed_submit(bed, peek->events);
    (void)nanosleep(&while_it_is_read, NULL);
    peek->early = bed_is_answered(bed, peek->events);
}

static void nobody_reads_an_event_before_its_sender_is_answered(void **state)
{
    struct scene *s = *state;
    struct peek peek = {.scene = s, .events = bed_req(s->bed, STORE_EVENTS, NULL)};
    char stream[STORE_STREAM_SIZE];

    (void)snprintf(stream, sizeof(stream), "c:%s", s->general);
    peek.events->in.events.stream = stream;
    peek.events->in.events.limit = STORE_PAGE_MAX;
    s->bed->on_commit_arg = &peek;
    s->bed->on_commit = peek_at_log;
    struct store_message sent = bed_send(s->bed, s->ann, s->general, "hello");
    bed_wait(s->bed, peek.events);
    assert_false(peek.early);
    assert_int_equal(peek.events->err, ERR_OK);
    assert_int_equal(peek.events->out.events[peek.events->out.n - 1].seq, sent.seq);
}

static void tops_and_snapshot_agree(void **state)
{
    struct scene *s = *state;
    char channel[STORE_STREAM_SIZE];
    char own[STORE_STREAM_SIZE];

    (void)bed_send(s->bed, s->ann, s->general, "x");
    (void)snprintf(channel, sizeof(channel), "c:%s", s->general);
    (void)snprintf(own, sizeof(own), "u:%s", s->ben);
    const char *streams[] = {channel, "c:nothing", own};
    struct store_req *tops = bed_req(s->bed, STORE_TOPS, NULL);
    tops->in.tops.streams = streams;
    tops->in.tops.n = ARRAY_LEN(streams);
    assert_int_equal(bed_do(s->bed, tops), ERR_OK);
    assert_int_equal(tops->out.tops[0].seq, 4);
    assert_null(tops->out.tops[1].epoch);
    struct store_req *snap = bed_req(s->bed, STORE_SNAPSHOT, NULL);
    snap->in.user.user = s->ben;
    assert_int_equal(bed_do(s->bed, snap), ERR_OK);
    assert_int_equal(snap->out.n, 1);
    assert_int_equal(snap->out.channels[0].seq, 4);
    assert_int_equal(snap->out.channels[0].unread, 1);
    assert_true(snap->out.channels[0].joined);
    assert_string_equal(snap->out.channels[0].epoch, tops->out.tops[0].epoch);
    assert_int_equal(snap->out.top.seq, tops->out.tops[2].seq);
    assert_string_equal(snap->out.top.epoch, tops->out.tops[2].epoch);
    assert_string_equal(snap->out.user.name, "ben");
}

struct writer {
    struct scene *scene;
    const char *user;
    pthread_t thread;
};

enum { RACERS = 2, SENDS = 300 };

static void *send_many(void *arg)
{
    struct writer *w = arg;
    struct arena *arena = arena_create();
    struct store_req *reqs = mem_zalloc(SENDS * sizeof(*reqs));

    for (int i = 0; i < SENDS; i++) {
        reqs[i] = (struct store_req){.op = STORE_MESSAGE_SEND, .arena = arena};
        reqs[i].actor.user = w->user;
        reqs[i].in.send.channel = w->scene->general;
        reqs[i].in.send.text = "race";
        bed_submit(w->scene->bed, &reqs[i]);
    }
    for (int i = 0; i < SENDS; i++)
        bed_wait(w->scene->bed, &reqs[i]);
    free(reqs);
    arena_destroy(&arena);
    return NULL;
}

static void two_writers_of_one_stream_leave_no_hole(void **state)
{
    struct scene *s = *state;
    struct writer w[RACERS] = {{.scene = s, .user = s->ann}, {.scene = s, .user = s->ben}};
    uint64_t expected = 0;

    for (int i = 0; i < RACERS; i++)
        assert_int_equal(pthread_create(&w[i].thread, NULL, send_many, &w[i]), 0);
    for (int i = 0; i < RACERS; i++)
        assert_int_equal(pthread_join(w[i].thread, NULL), 0);
    for (size_t i = 0; i < s->bed->events_n; i++) {
        const struct store_event *e = &s->bed->events[i];
        if (strncmp(e->stream, "c:", 2) == 0)
            assert_int_equal(e->seq, ++expected);
    }
    assert_int_equal(expected, 3 + RACERS * SENDS);
    assert_int_equal(bed_view(s->bed, s->ann, s->general).msg_no, RACERS * SENDS);
    assert_true(s->bed->largest_batch > 1);
}

static void a_full_queue_answers_unavailable_and_goes_on(void **state)
{
    struct bed *bed = bed_create_closed();
    struct store_req *reqs[200];
    size_t refused = 0;

    (void)state;
    bed->options.queue_max = 1;
    bed->options.batch_max = 1;
    bed_must_open(bed);
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");
    for (size_t i = 0; i < ARRAY_LEN(reqs); i++) {
        reqs[i] = bed_req(bed, STORE_MESSAGE_SEND, ann);
        reqs[i]->in.send.channel = general;
        reqs[i]->in.send.text = "x";
        bed_submit(bed, reqs[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(reqs); i++) {
        bed_wait(bed, reqs[i]);
        assert_true(reqs[i]->err == ERR_OK || reqs[i]->err == ERR_UNAVAILABLE);
        refused += reqs[i]->err == ERR_UNAVAILABLE ? 1 : 0;
    }
    assert_true(refused > 0);
    assert_int_equal(bed_send(bed, ann, general, "after").msg_no, ARRAY_LEN(reqs) - refused + 1);
    bed_destroy(&bed);
}

static void the_log_says_how_much_there_is(void **state)
{
    struct scene *s = *state;
    struct store_req *req = bed_req(s->bed, STORE_STATS, NULL);

    (void)bed_send(s->bed, s->ann, s->general, "x");
    assert_int_equal(bed_do(s->bed, req), ERR_OK);
    assert_int_equal(req->out.stats.users, 3);
    assert_int_equal(req->out.stats.channels, 1);
    assert_int_equal(req->out.stats.members, 2);
    assert_int_equal(req->out.stats.messages, 1);
    assert_int_equal(req->out.stats.events, 4 + 2);
    assert_true(req->out.stats.bytes > 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, create_scene, destroy_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sent_message_is_in_the_history_after_a_restart),
        TEST(seq_counts_every_event_and_msg_no_every_message),
        TEST(a_commit_hands_over_every_event_in_order),
        TEST(a_retried_send_gives_the_original_message),
        TEST(two_sends_of_one_client_msg_id_in_one_batch_are_one_message),
        TEST(many_twins_over_many_batches_are_one_message_each),
        TEST(the_same_client_msg_id_of_another_author_is_another_message),
        TEST(a_retry_is_answered_with_what_the_message_has_become),
        TEST(only_members_send_and_strangers_get_not_found),
        TEST(only_the_author_edits),
        TEST(an_event_from_before_an_edit_still_shows_the_text_of_its_time),
        TEST(a_deleted_message_leaves_a_tombstone_and_no_text_anywhere),
        TEST(moderators_and_admins_delete_what_others_wrote),
        TEST(unread_counts_messages_of_others_until_they_are_read),
        TEST(sending_while_behind_does_not_mark_as_read),
        TEST(mentions_count_until_read),
        TEST(history_pages_in_both_directions_without_gap_or_overlap),
        TEST(history_around_a_position_has_it_in_the_middle),
        TEST(private_messages_are_for_members_only),
        TEST(anybody_reads_a_public_channel_before_joining),
        TEST(events_page_by_seq_and_know_the_top),
        TEST(nobody_reads_an_event_before_its_sender_is_answered),
        TEST(tops_and_snapshot_agree),
        TEST(two_writers_of_one_stream_leave_no_hole),
        cmocka_unit_test(a_full_queue_answers_unavailable_and_goes_on),
        TEST(the_log_says_how_much_there_is),
    };
    return bed_run_on_every_store(tests, ARRAY_LEN(tests));
}
