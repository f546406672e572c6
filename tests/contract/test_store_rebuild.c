/* test_store_rebuild.c - the projections are what the events say: after thousands of random
 * operations a rebuild gives the same tables, row for row. And backups. */
#include "tests/unit/testing.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "tests/contract/world.h"
#include "tests/unit/storage/bed.h"

static void a_rebuild_gives_the_same_tables(void **state)
{
    static const enum store_op wanted[] = {
        STORE_MESSAGE_SEND,   STORE_MESSAGE_EDIT,    STORE_MESSAGE_DELETE, STORE_CHANNEL_CREATE,
        STORE_CHANNEL_UPDATE, STORE_CHANNEL_ARCHIVE, STORE_CHANNEL_DELETE, STORE_CHANNEL_JOIN,
        STORE_CHANNEL_LEAVE,  STORE_CHANNEL_INVITE,  STORE_CHANNEL_REMOVE, STORE_DM_OPEN,
        STORE_READ_MARK};
    char error[512];

    (void)state;
    for (unsigned seed = 1; seed <= 3; seed++) {
        struct world w = {.bed = bed_create()};
        world_make(&w, seed);
        world_live(&w, WORLD_OPERATIONS);
        for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
            if (w.ok[wanted[i]] == 0)
                fail_msg("seed %u: no %s succeeded", seed, store_op_name(wanted[i]));
        bed_close(w.bed);
        char *before = bed_dump(w.bed->path);
        if (store_rebuild(w.bed->url, NULL, NULL, error) != ERR_OK)
            fail_msg("seed %u: %s", seed, error);
        char *after = bed_dump(w.bed->path);
        assert_string_equal(before, after);
        assert_true(strlen(before) > 10000);
        bed_must_open(w.bed); /* and it goes on from there */
        world_live(&w, WORLD_WAVE);
        free(before);
        free(after);
        bed_destroy(&w.bed);
    }
}

static void a_rebuild_mends_what_is_wrong(void **state)
{
    struct world w = {.bed = bed_create()};
    char error[512];

    (void)state;
    world_make(&w, 7);
    world_live(&w, 500);
    bed_close(w.bed);
    char *before = bed_dump(w.bed->path);
    bed_sql(w.bed, "UPDATE messages SET text = 'forged'; DELETE FROM members WHERE user = 3;"
                   " UPDATE channels SET members = 99; DELETE FROM mentions;"
                   " UPDATE streams SET msg_no = 0");
    assert_int_equal(store_rebuild(w.bed->url, NULL, NULL, error), ERR_OK);
    char *after = bed_dump(w.bed->path);
    assert_string_equal(before, after);
    free(before);
    free(after);
    bed_destroy(&w.bed);
}

struct progress {
    uint64_t calls, last, total, stop_after;
};

static bool count_progress(void *arg, const char *step, const char *unit, uint64_t done,
                           uint64_t total)
{
    struct progress *p = arg;

    assert_null(strchr(step, ' ')); /* one word each: they label a bar and what it counts */
    assert_null(strchr(unit, ' '));
    assert_true(done <= total);
    p->last = done;
    p->total = total;
    return ++p->calls != p->stop_after;
}

static void a_rebuild_that_is_stopped_changes_nothing(void **state)
{
    struct world w = {.bed = bed_create()};
    struct progress p = {.stop_after = 1};
    char error[512];

    (void)state;
    world_make(&w, 8);
    world_live(&w, 1500);
    bed_close(w.bed);
    char *before = bed_dump(w.bed->path);
    assert_int_not_equal(store_rebuild(w.bed->url, count_progress, &p, error), ERR_OK);
    assert_non_null(strstr(error, "nothing was changed"));
    char *after = bed_dump(w.bed->path);
    assert_string_equal(before, after);
    p = (struct progress){0};
    assert_int_equal(store_rebuild(w.bed->url, count_progress, &p, error), ERR_OK);
    assert_true(p.calls > 1);
    assert_int_equal(p.last, p.total);
    free(before);
    free(after);
    bed_destroy(&w.bed);
}

static void a_rebuild_needs_the_database_for_itself(void **state)
{
    struct bed *bed = bed_create();
    char error[512];

    (void)state;
    assert_int_not_equal(store_rebuild(bed->url, NULL, NULL, error), ERR_OK);
    assert_non_null(strstr(error, "in use by another parleyd"));
    assert_int_not_equal(store_rebuild("sqlite:/nonexistent/parley.db", NULL, NULL, error), ERR_OK);
    assert_non_null(strstr(error, "/nonexistent"));
    bed_destroy(&bed);
}

static void an_event_log_that_cannot_be_replayed_names_the_event(void **state)
{
    struct bed *bed = bed_create();
    char error[512];

    (void)state;
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");
    (void)bed_send(bed, ann, general, "x");
    bed_close(bed);
    bed_sql(bed, "UPDATE events SET data = '\"message\":{' WHERE type = 0");
    assert_int_not_equal(store_rebuild(bed->url, NULL, NULL, error), ERR_OK);
    assert_non_null(strstr(error, "event 3 of c:"));
    bed_must_open(bed);
    assert_int_equal(bed_view(bed, ann, general).msg_no, 1);
    bed_destroy(&bed);
}

/* -- backups --------------------------------------------------------------------------------- */

struct chatter {
    struct bed *bed;
    const char *user, *channel;
    atomic_bool stop;
    atomic_int sent;
    pthread_t thread;
};

static void *chat(void *arg)
{
    struct chatter *c = arg;
    struct store_req req;

    while (!atomic_load(&c->stop)) {
        req = (struct store_req){.op = STORE_MESSAGE_SEND, .arena = arena_create()};
        req.actor.user = c->user;
        req.in.send.channel = c->channel;
        req.in.send.text = "while it is copied";
        bed_submit(c->bed, &req);
        bed_wait(c->bed, &req);
        arena_destroy(&req.arena);
        if (req.err == ERR_OK)
            atomic_fetch_add(&c->sent, 1);
    }
    return NULL;
}

/* Lets the chatter get a word in before the copy goes on. */
static bool watch_copy(void *arg, const char *step, const char *unit, uint64_t done, uint64_t total)
{
    struct chatter *c = arg;
    int before = atomic_load(&c->sent);

    (void)step;
    (void)unit;
    assert_true(done <= total);
    uint64_t deadline = clock_monotonic_ns() + UINT64_C(60000000000);
    while (atomic_load(&c->sent) < before + 2 && clock_monotonic_ns() < deadline)
        (void)usleep(500);
    return atomic_load(&c->sent) >= before + 2;
}

static void a_backup_taken_while_writing_is_one_moment(void **state)
{
    struct world w = {.bed = bed_create()};
    struct bed *copy = bed_create_closed();
    char error[512];

    (void)state;
    world_make(&w, 9);
    world_live(&w, 2000);
    const char *channel = bed_channel(w.bed, w.users[0], "busy");
    struct chatter c = {.bed = w.bed, .user = w.users[0], .channel = channel};
    (void)bed_send(w.bed, w.users[0], channel, "before the backup");
    assert_int_equal(pthread_create(&c.thread, NULL, chat, &c), 0);
    enum err err = store_backup(w.bed->store, copy->path, watch_copy, &c, error);
    atomic_store(&c.stop, true);
    assert_int_equal(pthread_join(c.thread, NULL), 0);
    if (err != ERR_OK)
        fail_msg("%s", error);
    assert_true(atomic_load(&c.sent) > 2);
    char *before = bed_dump(copy->path); /* what was copied is consistent in itself */
    assert_int_equal(store_rebuild(copy->url, NULL, NULL, error), ERR_OK);
    bed_must_open(copy);
    struct store_channel there = bed_view(copy, w.users[0], channel);
    struct store_channel here = bed_view(w.bed, w.users[0], channel);
    assert_true(there.msg_no >= 1);
    assert_true(there.msg_no < here.msg_no);
    (void)bed_send(copy, w.users[0], channel, "life goes on");
    free(before);
    bed_destroy(&copy);
    bed_destroy(&w.bed);
}

static void a_restored_backup_has_new_epochs_once(void **state)
{
    struct bed *bed = bed_create();
    struct bed *copy = bed_create_closed();
    char error[512];

    (void)state;
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");
    (void)bed_send(bed, ann, general, "x");
    assert_int_equal(store_backup(bed->store, copy->path, NULL, NULL, error), ERR_OK);
    bed_must_open(copy);
    struct store_channel original = bed_view(bed, ann, general);
    struct store_channel restored = bed_view(copy, ann, general);
    assert_int_equal(restored.seq, original.seq);
    assert_string_not_equal(restored.epoch, original.epoch);
    struct store_message m = bed_send(copy, ann, general, "y");
    assert_int_equal(m.msg_no, 2);
    assert_string_equal(copy->events[copy->events_n - 1].epoch, restored.epoch);
    bed_reopen(copy);
    assert_string_equal(bed_view(copy, ann, general).epoch, restored.epoch);
    bed_reopen(bed);
    assert_string_equal(bed_view(bed, ann, general).epoch, original.epoch);
    bed_destroy(&copy);
    bed_destroy(&bed);
}

static void a_backup_never_overwrites_and_leaves_nothing_half(void **state)
{
    struct bed *bed = bed_create();
    struct progress p = {.stop_after = 1};
    char path[128];
    char error[512];

    (void)state;
    (void)bed_user(bed, "ann");
    assert_int_not_equal(store_backup(bed->store, bed->path, NULL, NULL, error), ERR_OK);
    assert_non_null(strstr(error, "exists"));
    (void)snprintf(path, sizeof(path), "%s/copy.db", bed->dir);
    assert_int_not_equal(store_backup(bed->store, path, count_progress, &p, error), ERR_OK);
    assert_non_null(strstr(error, "stopped"));
    assert_null(fopen(path, "r"));
    strcat(path, ".partial");
    assert_null(fopen(path, "r"));
    assert_int_not_equal(store_backup(bed->store, "/nonexistent/copy.db", NULL, NULL, error),
                         ERR_OK);
    assert_non_null(strstr(error, "/nonexistent/copy.db"));
    bed_destroy(&bed);
}

static void a_backup_of_a_log_with_a_hole_is_refused(void **state)
{
    struct bed *bed = bed_create();
    char path[128];
    char error[512];

    (void)state;
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");
    for (int i = 0; i < 5; i++)
        (void)bed_send(bed, ann, general, "x");
    bed_close(bed);
    bed_sql(bed, "DELETE FROM events WHERE pos = (SELECT max(pos) - 2 FROM events)");
    bed_must_open(bed);
    (void)snprintf(path, sizeof(path), "%s/copy.db", bed->dir);
    assert_int_not_equal(store_backup(bed->store, path, NULL, NULL, error), ERR_OK);
    assert_non_null(strstr(error, "holes"));
    bed_destroy(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rebuild_gives_the_same_tables),
        cmocka_unit_test(a_rebuild_mends_what_is_wrong),
        cmocka_unit_test(a_rebuild_that_is_stopped_changes_nothing),
        cmocka_unit_test(a_rebuild_needs_the_database_for_itself),
        cmocka_unit_test(an_event_log_that_cannot_be_replayed_names_the_event),
        cmocka_unit_test(a_backup_taken_while_writing_is_one_moment),
        cmocka_unit_test(a_restored_backup_has_new_epochs_once),
        cmocka_unit_test(a_backup_never_overwrites_and_leaves_nothing_half),
        cmocka_unit_test(a_backup_of_a_log_with_a_hole_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
