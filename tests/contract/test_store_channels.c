/* test_store_channels.c - channels, members and direct conversations, on every store. */
#include "tests/unit/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/macros.h"
#include "tests/unit/storage/bed.h"

struct scene {
    struct bed *bed;
    const char *ann, *ben, *cyd;
    const char *general; /* ann made it, ben is in it */
    const char *secret;  /* ann's, private */
};

static int create_scene(void **state)
{
    struct scene *s = mem_zalloc(sizeof(*s));

    s->bed = bed_create();
    s->ann = bed_user(s->bed, "ann");
    s->ben = bed_user(s->bed, "ben");
    s->cyd = bed_user(s->bed, "cyd");
    s->general = bed_channel(s->bed, s->ann, "general");
    s->secret = bed_private(s->bed, s->ann, "secret");
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

static struct store_req *req_on(struct scene *s, enum store_op op, const char *actor,
                                const char *channel, const char *user)
{
    struct store_req *req = bed_req(s->bed, op, actor);

    req->in.channel.channel = channel;
    req->in.channel.user = user;
    return req;
}

static enum err on(struct scene *s, enum store_op op, const char *actor, const char *channel,
                   const char *user)
{
    return bed_do(s->bed, req_on(s, op, actor, channel, user));
}

static char *log_of(struct scene *s, char kind, const char *id)
{
    char stream[STORE_STREAM_SIZE];

    (void)snprintf(stream, sizeof(stream), "%c:%s", kind, id);
    return bed_log(s->bed, stream);
}

static const struct store_event *last_event(struct scene *s, size_t back)
{
    return &s->bed->events[s->bed->events_n - 1 - back];
}

static void the_creator_is_the_first_member_and_moderator(void **state)
{
    struct scene *s = *state;
    struct store_channel view = bed_view(s->bed, s->ann, s->general);

    assert_true(view.joined);
    assert_int_equal(view.role, STORE_MODERATOR);
    assert_int_equal(view.members, 2);
    assert_string_equal(view.name, "general");
    assert_string_equal(view.topic, "");
    char *log = log_of(s, 'c', s->general);
    assert_memory_equal(log, "1 channel.created ", 18);
    assert_non_null(strstr(log, "\"name\":\"general\",\"type\":\"public\",\"topic\":\"\""));
    assert_non_null(strstr(log, "\"role\":\"moderator\""));
}

static void a_join_is_told_in_the_channel_and_then_in_the_users_stream(void **state)
{
    struct scene *s = *state;

    (void)bed_send(s->bed, s->ann, s->general, "old");
    struct store_req *req = req_on(s, STORE_CHANNEL_JOIN, s->cyd, s->general, NULL);
    assert_int_equal(bed_do(s->bed, req), ERR_OK);
    assert_int_equal(req->out.channel.members, 3);
    assert_int_equal(req->out.channel.unread, 0);
    assert_int_equal(req->out.channel.last_read_seq, req->out.channel.seq);
    const struct store_event *in_channel = last_event(s, 1);
    const struct store_event *own = last_event(s, 0);
    assert_int_equal(in_channel->type, STORE_EVENT_MEMBER_JOINED);
    assert_string_equal(in_channel->subject, s->cyd);
    assert_non_null(strstr(in_channel->data, "\"name\":\"cyd\""));
    assert_int_equal(own->type, STORE_EVENT_CHANNEL_JOINED);
    assert_memory_equal(own->stream, "u:", 2);
    assert_string_equal(own->subject, s->general);
    assert_int_equal(own->subject_seq, in_channel->seq);
    assert_non_null(strstr(own->data, "\"unread\":0"));

    struct store_req *events = bed_req(s->bed, STORE_EVENTS, NULL); /* and so it is kept */
    events->in.events.stream = own->stream;
    events->in.events.limit = 10;
    assert_int_equal(bed_do(s->bed, events), ERR_OK);
    assert_int_equal(events->out.events[0].subject_seq, in_channel->seq);
    assert_string_equal(events->out.events[0].subject, s->general);
    assert_string_equal(events->out.events[0].data, own->data);
}

static void joining_again_makes_no_event(void **state)
{
    struct scene *s = *state;
    size_t before = s->bed->events_n;

    assert_int_equal(on(s, STORE_CHANNEL_JOIN, s->ben, s->general, NULL), ERR_OK);
    assert_int_equal(s->bed->events_n, before);
}

static void leaving_ends_the_view(void **state)
{
    struct scene *s = *state;

    assert_int_equal(on(s, STORE_CHANNEL_LEAVE, s->ben, s->general, NULL), ERR_OK);
    const struct store_event *own = last_event(s, 0);
    assert_int_equal(own->type, STORE_EVENT_CHANNEL_LEFT);
    assert_int_equal(own->subject_seq, last_event(s, 1)->seq);
    char *expected = arena_alloc(s->bed->arena, 100);
    (void)snprintf(expected, 100, "\"channel\":{\"id\":\"%s\"}", s->general);
    assert_string_equal(own->data, expected);
    assert_int_equal(on(s, STORE_CHANNEL_LEAVE, s->ben, s->general, NULL), ERR_CONFLICT);
    struct store_channel view = bed_view(s->bed, s->ben, s->general);
    assert_false(view.joined);
    assert_int_equal(view.members, 1);
}

static void coming_back_starts_with_nothing_unread(void **state)
{
    struct scene *s = *state;

    (void)bed_send(s->bed, s->ann, s->general, "@ben while you are here");
    assert_int_equal(on(s, STORE_CHANNEL_LEAVE, s->ben, s->general, NULL), ERR_OK);
    (void)bed_send(s->bed, s->ann, s->general, "@ben while you are away");
    bed_join(s->bed, s->ben, s->general);
    struct store_channel view = bed_view(s->bed, s->ben, s->general);
    assert_int_equal(view.unread, 0);
    assert_int_equal(view.mentions, 0);
    assert_int_equal(view.role, STORE_MEMBER);
}

static void private_channels_are_there_for_members_only(void **state)
{
    struct scene *s = *state;

    assert_int_equal(on(s, STORE_CHANNEL_GET, s->ben, s->secret, NULL), ERR_NOT_FOUND);
    assert_int_equal(on(s, STORE_CHANNEL_GET, s->ben, "#secret", NULL), ERR_NOT_FOUND);
    assert_int_equal(on(s, STORE_CHANNEL_JOIN, s->ben, s->secret, NULL), ERR_NOT_FOUND);
    assert_int_equal(on(s, STORE_CHANNEL_LEAVE, s->ben, s->secret, NULL), ERR_NOT_FOUND);
    assert_int_equal(on(s, STORE_CHANNEL_ARCHIVE, s->ben, s->secret, NULL), ERR_NOT_FOUND);
    assert_int_equal(on(s, STORE_CHANNEL_INVITE, s->ben, s->secret, s->ben), ERR_NOT_FOUND);
    assert_int_equal(on(s, STORE_CHANNEL_REMOVE, s->ben, s->secret, s->ann), ERR_NOT_FOUND);
    struct store_req *req = bed_req(s->bed, STORE_CHANNEL_MEMBERS, s->ben);
    req->in.members.channel = s->secret;
    req->in.members.page.limit = 10;
    assert_int_equal(bed_do(s->bed, req), ERR_NOT_FOUND);
    assert_int_equal(on(s, STORE_CHANNEL_GET, NULL, "#secret", NULL), ERR_OK); /* the system */
}

static void members_invite_and_moderators_remove(void **state)
{
    struct scene *s = *state;

    assert_int_equal(on(s, STORE_CHANNEL_INVITE, s->ann, s->secret, s->ben), ERR_OK);
    assert_true(bed_view(s->bed, s->ben, s->secret).joined);
    assert_int_equal(on(s, STORE_CHANNEL_INVITE, s->ben, s->secret, s->cyd), ERR_OK);
    assert_int_equal(on(s, STORE_CHANNEL_INVITE, s->ben, s->secret, s->cyd), ERR_OK);
    assert_int_equal(on(s, STORE_CHANNEL_INVITE, s->ben, s->secret, "nobody"), ERR_NOT_FOUND);
    assert_int_equal(on(s, STORE_CHANNEL_INVITE, s->cyd, s->general, s->ann), ERR_FORBIDDEN);
    assert_int_equal(on(s, STORE_CHANNEL_REMOVE, s->ben, s->secret, s->cyd), ERR_FORBIDDEN);
    assert_int_equal(on(s, STORE_CHANNEL_REMOVE, s->ann, s->secret, s->cyd), ERR_OK);
    assert_int_equal(on(s, STORE_CHANNEL_REMOVE, s->ann, s->secret, s->cyd), ERR_NOT_FOUND);
    assert_int_equal(on(s, STORE_CHANNEL_GET, s->cyd, s->secret, NULL), ERR_NOT_FOUND);
    assert_string_equal(last_event(s, 0)->actor, s->ann);
}

static void moderators_and_admins_change_name_and_topic(void **state)
{
    struct scene *s = *state;
    struct store_req *req = req_on(s, STORE_CHANNEL_UPDATE, s->ben, s->general, NULL);

    req->in.channel.topic = "all of it";
    assert_int_equal(bed_do(s->bed, req), ERR_FORBIDDEN);
    req->actor.user = s->ann;
    assert_int_equal(bed_do(s->bed, req), ERR_OK);
    assert_string_equal(req->out.channel.topic, "all of it");
    assert_string_equal(req->out.channel.name, "general");
    assert_int_equal(last_event(s, 0)->type, STORE_EVENT_CHANNEL_UPDATED);
    assert_non_null(strstr(last_event(s, 0)->data, "\"topic\":\"all of it\""));
    size_t before = s->bed->events_n;
    assert_int_equal(bed_do(s->bed, req), ERR_OK); /* the same again: no event */
    assert_int_equal(s->bed->events_n, before);
    req = req_on(s, STORE_CHANNEL_UPDATE, s->cyd, s->general, NULL);
    req->actor.role = STORE_ROLE_ADMIN;
    req->in.channel.name = "secret"; /* taken, though cyd may not see it */
    assert_int_equal(bed_do(s->bed, req), ERR_CONFLICT);
    assert_string_equal(req->field, "name");
    req->in.channel.name = "plaza";
    assert_int_equal(bed_do(s->bed, req), ERR_OK);
    assert_int_equal(on(s, STORE_CHANNEL_GET, s->ben, "#plaza", NULL), ERR_OK);
    assert_int_equal(on(s, STORE_CHANNEL_GET, s->ben, "#general", NULL), ERR_NOT_FOUND);
}

static void names_of_channels_are_unique(void **state)
{
    struct scene *s = *state;
    struct store_req *reqs[8];

    for (size_t i = 0; i < ARRAY_LEN(reqs); i++) { /* in one batch, too */
        reqs[i] = bed_req(s->bed, STORE_CHANNEL_CREATE, s->ben);
        reqs[i]->in.channel_new.name = "only-one";
        bed_submit(s->bed, reqs[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(reqs); i++) {
        bed_wait(s->bed, reqs[i]);
        assert_int_equal(reqs[i]->err, i == 0 ? ERR_OK : ERR_CONFLICT);
    }
    assert_string_equal(reqs[1]->field, "name");
}

static void an_archived_channel_can_only_be_read(void **state)
{
    struct scene *s = *state;
    struct store_message m = bed_send(s->bed, s->ben, s->general, "last words");
    struct store_req *req = bed_req(s->bed, STORE_MESSAGE_SEND, s->ann);

    assert_int_equal(on(s, STORE_CHANNEL_ARCHIVE, s->ben, s->general, NULL), ERR_FORBIDDEN);
    assert_int_equal(on(s, STORE_CHANNEL_ARCHIVE, s->ann, s->general, NULL), ERR_OK);
    assert_int_equal(last_event(s, 0)->type, STORE_EVENT_CHANNEL_ARCHIVED);
    assert_non_null(strstr(last_event(s, 0)->data, "\"archived_at\":"));
    assert_int_equal(on(s, STORE_CHANNEL_ARCHIVE, s->ann, s->general, NULL), ERR_OK);
    req->in.send.channel = s->general;
    req->in.send.text = "one more";
    assert_int_equal(bed_do(s->bed, req), ERR_CONFLICT);
    assert_int_equal(on(s, STORE_CHANNEL_JOIN, s->cyd, s->general, NULL), ERR_CONFLICT);
    assert_int_equal(on(s, STORE_CHANNEL_INVITE, s->ann, s->general, s->cyd), ERR_CONFLICT);
    req = bed_req(s->bed, STORE_MESSAGE_EDIT, s->ben);
    req->in.message.message = m.id;
    req->in.message.text = "changed my mind";
    assert_int_equal(bed_do(s->bed, req), ERR_CONFLICT);
    assert_true(bed_view(s->bed, s->ben, s->general).archived_at > 0);
    req = bed_req(s->bed, STORE_MESSAGE_DELETE, s->ben); /* taking back always works */
    req->in.message.message = m.id;
    assert_int_equal(bed_do(s->bed, req), ERR_OK);
    assert_int_equal(on(s, STORE_CHANNEL_LEAVE, s->ben, s->general, NULL), ERR_OK);
}

/* The texts of a deleted channel go in the background. */
static void wait_purged(struct scene *s, const char *word)
{
    uint64_t deadline = clock_monotonic_ns() + UINT64_C(20000000000);

    while (strstr(log_of(s, 'c', s->general), word) != NULL) {
        if (clock_monotonic_ns() > deadline)
            fail_msg("\"%s\" is still in the log after 20 s", word);
        (void)usleep(2000);
    }
}

static void a_large_channel_is_purged_after_a_restart_too(void **state)
{
    struct scene *s = *state;
    struct store_req *reqs[250];

    for (size_t i = 0; i < ARRAY_LEN(reqs); i++) {
        reqs[i] = bed_req(s->bed, STORE_MESSAGE_SEND, s->ben);
        reqs[i]->in.send.channel = s->general;
        reqs[i]->in.send.text = "dirty linen";
        bed_submit(s->bed, reqs[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(reqs); i++)
        bed_wait(s->bed, reqs[i]);
    assert_int_equal(on(s, STORE_CHANNEL_DELETE, NULL, s->general, NULL), ERR_FORBIDDEN);
    struct store_req *req = req_on(s, STORE_CHANNEL_DELETE, s->ann, s->general, NULL);
    req->actor.role = STORE_ROLE_OWNER;
    bed_submit(s->bed, req);
    bed_wait(s->bed, req);
    assert_int_equal(req->err, ERR_OK);
    bed_reopen(s->bed);
    wait_purged(s, "dirty");
    (void)bed_channel(s->bed, s->ann, "general");
}

static size_t count_of(const char *text, const char *word)
{
    size_t n = 0;

    for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
        n++;
    return n;
}

static void a_deleted_channel_leaves_no_text_and_frees_its_name(void **state)
{
    struct scene *s = *state;
    struct store_message m = bed_send(s->bed, s->ben, s->general, "dirty linen");
    struct store_req *edit = bed_req(s->bed, STORE_MESSAGE_EDIT, s->ben);

    edit->in.message.message = m.id;
    edit->in.message.text = "dirty linen, washed";
    assert_int_equal(bed_do(s->bed, edit), ERR_OK);
    assert_int_equal(on(s, STORE_CHANNEL_DELETE, s->ann, s->general, NULL), ERR_FORBIDDEN);
    struct store_req *req = req_on(s, STORE_CHANNEL_DELETE, s->cyd, s->general, NULL);
    req->actor.role = STORE_ROLE_ADMIN;
    assert_int_equal(bed_do(s->bed, req), ERR_OK);
    char *log = log_of(s, 'c', s->general);
    wait_purged(s, "dirty");
    const char *deleted = strstr(log, "channel.deleted");
    assert_non_null(deleted);
    assert_int_equal(count_of(deleted, "member.left"), 2); /* and nothing else after it */
    assert_int_equal(count_of(deleted, "\n"), 3);
    assert_int_equal(count_of(log, "member.left"), 2);
    assert_non_null(strstr(log_of(s, 'u', s->ben), "channel.left"));
    assert_int_equal(on(s, STORE_CHANNEL_GET, s->ann, s->general, NULL), ERR_NOT_FOUND);
    assert_int_equal(on(s, STORE_CHANNEL_JOIN, s->ann, s->general, NULL), ERR_NOT_FOUND);
    req = bed_req(s->bed, STORE_MESSAGE_GET, NULL);
    req->in.message.message = m.id;
    assert_int_equal(bed_do(s->bed, req), ERR_NOT_FOUND);
    req = bed_req(s->bed, STORE_SNAPSHOT, NULL);
    req->in.user.user = s->ben;
    assert_int_equal(bed_do(s->bed, req), ERR_OK);
    assert_int_equal(req->out.n, 0);
    assert_string_not_equal(bed_channel(s->bed, s->ben, "general"), s->general);
}

enum { CROWD = 1000, STEP_EVENTS = 402 }; /* two for each of two hundred, and the request's own */

/* CROWD accounts in the general channel. */
static void fill_with_people(struct scene *s, const char *people_out[CROWD])
{
    struct store_req *reqs[CROWD];

    for (size_t i = 0; i < CROWD; i++) {
        char *name = arena_alloc(s->bed->arena, 16);
        (void)snprintf(name, 16, "p%zu", i);
        reqs[i] = bed_req(s->bed, STORE_USER_CREATE, NULL);
        reqs[i]->in.user_new.name = reqs[i]->in.user_new.display_name = name;
        reqs[i]->in.user_new.password_hash = "none";
        bed_submit(s->bed, reqs[i]);
    }
    for (size_t i = 0; i < CROWD; i++) {
        bed_wait(s->bed, reqs[i]);
        assert_int_equal(reqs[i]->err, ERR_OK);
        people_out[i] = reqs[i]->out.user.id;
        reqs[i] = req_on(s, STORE_CHANNEL_JOIN, people_out[i], s->general, NULL);
        bed_submit(s->bed, reqs[i]);
    }
    for (size_t i = 0; i < CROWD; i++) {
        bed_wait(s->bed, reqs[i]);
        assert_int_equal(reqs[i]->err, ERR_OK);
    }
}

static void note_largest(void *arg, const struct store_commit *commit)
{
    size_t *largest = arg;

    if (commit->events_n > *largest)
        *largest = commit->events_n;
}

static void delete_general(struct scene *s)
{
    struct store_req *req = req_on(s, STORE_CHANNEL_DELETE, s->ann, s->general, NULL);

    req->actor.role = STORE_ROLE_OWNER;
    assert_int_equal(bed_do(s->bed, req), ERR_OK);
}

static void wait_until_all_have_left(struct scene *s, size_t members)
{
    uint64_t deadline = clock_monotonic_ns() + UINT64_C(20000000000);

    while (count_of(log_of(s, 'c', s->general), "member.left") < members) {
        if (clock_monotonic_ns() > deadline)
            fail_msg("not all have left after 20 s");
        (void)usleep(2000);
    }
}

/* What everybody must find in the end, however it was interrupted. */
static void assert_all_left_once(struct scene *s, const char *const people[CROWD])
{
    char *log = log_of(s, 'c', s->general);

    assert_int_equal(count_of(log, "member.left"), CROWD + 2);
    assert_int_equal(count_of(log, "channel.deleted"), 1);
    char *by_ann = arena_alloc(s->bed->arena, 64);
    (void)snprintf(by_ann, 64, " member.left %s ", s->ann);
    assert_int_equal(count_of(log, by_ann), CROWD + 2);
    for (size_t i = 0; i < CROWD; i += 37)
        assert_int_equal(count_of(log_of(s, 'u', people[i]), "channel.left"), 1);
}

static void a_crowd_leaves_a_deleted_channel_in_steps(void **state)
{
    struct scene *s = *state;
    const char *people[CROWD];
    size_t largest = 0;

    fill_with_people(s, people);
    const char *other = bed_channel(s->bed, s->ann, "other");
    s->bed->on_commit_arg = &largest;
    s->bed->on_commit = note_largest;
    delete_general(s);
    assert_int_equal(on(s, STORE_CHANNEL_GET, people[CROWD - 1], s->general, NULL), ERR_NOT_FOUND);
    struct store_req *req = bed_req(s->bed, STORE_SNAPSHOT, NULL);
    req->in.user.user = people[CROWD - 1];
    assert_int_equal(bed_do(s->bed, req), ERR_OK);
    assert_int_equal(req->out.n, 0); /* whether told already or not */
    (void)bed_channel(s->bed, people[CROWD - 1], "general");
    (void)bed_send(s->bed, s->ann, other, "meanwhile");
    wait_until_all_have_left(s, CROWD + 2);
    assert_true(largest <= STEP_EVENTS);
    assert_all_left_once(s, people);
}

static void a_crowd_goes_on_leaving_after_a_restart(void **state)
{
    struct scene *s = *state;
    const char *people[CROWD];

    fill_with_people(s, people);
    delete_general(s);
    size_t left = 0;
    for (int i = 0; i < 3; i++) { /* closing does not wait for it */
        bed_reopen(s->bed);
        left = count_of(log_of(s, 'c', s->general), "member.left");
        assert_true(left >= 200);
    }
    wait_until_all_have_left(s, CROWD + 2);
    assert_all_left_once(s, people);
}

static void a_rebuild_finishes_what_a_deletion_began(void **state)
{
    struct scene *s = *state;
    const char *people[CROWD];
    char error[512];

    if (s->bed->on_mongo)
        skip(); /* its nodes do it, stream by stream */
    fill_with_people(s, people);
    (void)bed_send(s->bed, s->ben, s->general, "dirty linen");
    delete_general(s);
    bed_close(s->bed);
    assert_int_equal(store_rebuild(s->bed->url, NULL, NULL, error), ERR_OK);
    char *before = bed_dump(s->bed->path);
    assert_int_equal(store_rebuild(s->bed->url, NULL, NULL, error), ERR_OK);
    char *after = bed_dump(s->bed->path);
    assert_string_equal(before, after);
    free(before);
    free(after);
    bed_must_open(s->bed);
    assert_all_left_once(s, people);
    assert_null(strstr(log_of(s, 'c', s->general), "dirty"));
}

static void lists_show_public_channels_and_ones_own_private_ones(void **state)
{
    struct scene *s = *state;
    struct store_req *req = bed_req(s->bed, STORE_CHANNEL_LIST, s->ben);

    req->in.page.limit = 10;
    assert_int_equal(bed_do(s->bed, req), ERR_OK);
    assert_int_equal(req->out.n, 1);
    assert_true(req->out.channels[0].joined);
    req->actor.user = s->ann;
    assert_int_equal(bed_do(s->bed, req), ERR_OK);
    assert_int_equal(req->out.n, 2);
    assert_string_equal(req->out.channels[1].name, "secret");
    req = bed_req(s->bed, STORE_CHANNEL_LIST, NULL);
    req->in.page.limit = 1;
    assert_int_equal(bed_do(s->bed, req), ERR_OK);
    assert_string_equal(req->out.channels[0].name, "general");
    req->in.page.cursor = req->out.next;
    assert_int_equal(bed_do(s->bed, req), ERR_OK);
    assert_string_equal(req->out.channels[0].name, "secret");
    assert_null(req->out.next);
    req->in.page.cursor = "Not A Cursor";
    assert_int_equal(bed_do(s->bed, req), ERR_INVALID_PARAMS);
    assert_string_equal(req->field, "cursor");
    req->in.page.cursor = NULL;
    req->in.page.query = "SECR";
    assert_int_equal(bed_do(s->bed, req), ERR_OK);
    assert_int_equal(req->out.n, 1);
}

static void members_page_completely(void **state)
{
    struct scene *s = *state;
    struct store_req *req = bed_req(s->bed, STORE_CHANNEL_MEMBERS, s->cyd);

    bed_join(s->bed, s->cyd, s->general);
    req->in.members.channel = s->general;
    req->in.members.page.limit = 2;
    assert_int_equal(bed_do(s->bed, req), ERR_OK);
    assert_int_equal(req->out.n, 2);
    assert_string_equal(req->out.members[0].user.name, "ann");
    assert_int_equal(req->out.members[0].role, STORE_MODERATOR);
    req->in.members.page.cursor = req->out.next;
    assert_int_equal(bed_do(s->bed, req), ERR_OK);
    assert_int_equal(req->out.n, 1);
    assert_string_equal(req->out.members[0].user.name, "cyd");
    assert_null(req->out.next);
    req->in.members.page.cursor = "-1";
    assert_int_equal(bed_do(s->bed, req), ERR_INVALID_PARAMS);
}

static struct store_req *open_dm(struct scene *s, const char *actor, const char *const *users,
                                 size_t n)
{
    struct store_req *req = bed_req(s->bed, STORE_DM_OPEN, actor);

    req->in.dm.users = users;
    req->in.dm.users_n = n;
    (void)bed_do(s->bed, req);
    return req;
}

static void a_dm_is_the_same_for_the_same_people(void **state)
{
    struct scene *s = *state;
    const char *ben_cyd[] = {s->ben, s->cyd};
    const char *cyd_ann[] = {s->cyd, s->ann, s->cyd};
    struct store_req *first = open_dm(s, s->ann, ben_cyd, 2);
    struct store_req *again = open_dm(s, s->ben, cyd_ann, 3);
    struct store_req *fewer = open_dm(s, s->ann, ben_cyd, 1);

    assert_int_equal(first->err, ERR_OK);
    assert_string_equal(again->out.channel.id, first->out.channel.id);
    assert_string_not_equal(fewer->out.channel.id, first->out.channel.id);
    assert_int_equal(first->out.channel.type, STORE_DM);
    assert_string_equal(first->out.channel.name, "");
    assert_int_equal(first->out.channel.users_n, 3);
    assert_int_equal(first->out.channel.members, 3);
    assert_true(again->out.channel.joined);
    char *own = log_of(s, 'u', s->cyd);
    assert_non_null(strstr(own, "channel.joined"));
    for (size_t i = 0; i < 3; i++) /* whoever is told, is told of all */
        assert_non_null(strstr(own, i == 0 ? "\"ann\"" : i == 1 ? "\"ben\"" : "\"cyd\""));
    bed_reopen(s->bed);
    assert_string_equal(open_dm(s, s->cyd, cyd_ann + 1, 1)->out.channel.name, "");
    assert_string_equal(open_dm(s, s->ben, cyd_ann, 2)->out.channel.id, first->out.channel.id);
}

static void the_people_of_a_dm_never_change(void **state)
{
    struct scene *s = *state;
    const char *ben[] = {s->ben};
    const char *ghost[] = {"ghost"};
    const char *dm = open_dm(s, s->ann, ben, 1)->out.channel.id;

    assert_int_equal(on(s, STORE_CHANNEL_LEAVE, s->ann, dm, NULL), ERR_FORBIDDEN);
    assert_int_equal(on(s, STORE_CHANNEL_INVITE, s->ann, dm, s->cyd), ERR_FORBIDDEN);
    assert_int_equal(on(s, STORE_CHANNEL_REMOVE, s->ann, dm, s->ben), ERR_FORBIDDEN);
    assert_int_equal(on(s, STORE_CHANNEL_ARCHIVE, s->ann, dm, NULL), ERR_FORBIDDEN);
    assert_int_equal(on(s, STORE_CHANNEL_GET, s->cyd, dm, NULL), ERR_NOT_FOUND);
    assert_int_equal(on(s, STORE_CHANNEL_JOIN, s->cyd, dm, NULL), ERR_NOT_FOUND);
    struct store_req *req = open_dm(s, s->ann, ghost, 1);
    assert_int_equal(req->err, ERR_NOT_FOUND);
    assert_string_equal(req->field, "users");
    assert_int_equal(open_dm(s, s->ann, NULL, 0)->err, ERR_OK); /* notes to oneself */
}

static void the_wire_form_has_the_view_only_where_asked(void **state)
{
    struct scene *s = *state;
    struct buf out = {0};
    struct store_channel view = bed_view(s->bed, s->ben, s->general);

    store_channel_json(&out, &view, true);
    assert_non_null(strstr(out.data, "\"members\":2,\"role\":\"member\",\"epoch\":\""));
    assert_non_null(strstr(out.data, "\"mentions\":0}"));
    buf_clear(&out);
    store_channel_json(&out, &view, false);
    assert_non_null(strstr(out.data, "\"members\":2}"));
    assert_null(strstr(out.data, "users"));
    buf_free(&out);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, create_scene, destroy_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_creator_is_the_first_member_and_moderator),
        TEST(a_join_is_told_in_the_channel_and_then_in_the_users_stream),
        TEST(joining_again_makes_no_event),
        TEST(leaving_ends_the_view),
        TEST(coming_back_starts_with_nothing_unread),
        TEST(private_channels_are_there_for_members_only),
        TEST(members_invite_and_moderators_remove),
        TEST(moderators_and_admins_change_name_and_topic),
        TEST(names_of_channels_are_unique),
        TEST(an_archived_channel_can_only_be_read),
        TEST(a_deleted_channel_leaves_no_text_and_frees_its_name),
        TEST(a_large_channel_is_purged_after_a_restart_too),
        TEST(a_crowd_leaves_a_deleted_channel_in_steps),
        TEST(a_crowd_goes_on_leaving_after_a_restart),
        TEST(a_rebuild_finishes_what_a_deletion_began),
        TEST(lists_show_public_channels_and_ones_own_private_ones),
        TEST(members_page_completely),
        TEST(a_dm_is_the_same_for_the_same_people),
        TEST(the_people_of_a_dm_never_change),
        TEST(the_wire_form_has_the_view_only_where_asked),
    };
    return bed_run_on_every_store(tests, ARRAY_LEN(tests));
}
