/* test_store_copy.c - from one database into another and back: the same to the last row; whatever
 * is interrupted, wrong or changed underneath. And backups of every kind of store. */
#include "tests/unit/testing.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/macros.h"
#include "tests/contract/world.h"
#include "tests/unit/storage/bed.h"

static void make_session(struct bed *bed, const char *user, const char *hash)
{
    struct store_req *req = bed_req(bed, STORE_SESSION_CREATE, NULL);

    req->in.session_new.user = user;
    req->in.session_new.token_hash = hash;
    req->in.session_new.address = "192.0.2.1";
    req->in.session_new.agent = "a browser";
    req->in.session_new.expires_at = clock_unix_ms() + 86400000;
    assert_int_equal(bed_do(bed, req), ERR_OK);
}

/* A bot of USER's, and a token for it that is limited to CHANNEL. */
static void make_bot(struct bed *bed, const char *user, const char *channel)
{
    struct store_req *bot = bed_req(bed, STORE_USER_CREATE, user);
    struct store_req *token = bed_req(bed, STORE_TOKEN_CREATE, user);

    bot->in.user_new.name = bot->in.user_new.display_name = "bot";
    bot->in.user_new.owner = user;
    assert_int_equal(bed_do(bed, bot), ERR_OK);
    bed_join(bed, bot->out.user.id, channel);
    token->in.token.user = bot->out.user.id;
    token->in.token.name = "for the build";
    token->in.token.scopes = "messages:write";
    token->in.token.hash = "hash of a bot's token";
    token->in.token.channels = &channel;
    token->in.token.channels_n = 1;
    assert_int_equal(bed_do(bed, token), ERR_OK);
}

static void make_invite(struct bed *bed, const char *user, const char *hash)
{
    struct store_req *req = bed_req(bed, STORE_INVITE_CREATE, user);

    req->actor.role = STORE_ROLE_OWNER;
    req->in.invite.hash = hash;
    req->in.invite.uses = 3;
    assert_int_equal(bed_do(bed, req), ERR_OK);
}

/* A hook of each kind in CHANNEL, and dead letters of the outgoing one. */
static void make_hooks(struct bed *bed, const char *user, const char *channel)
{
    for (int kind = STORE_HOOK_INCOMING; kind <= STORE_HOOK_SLASH; kind++) {
        struct store_req *req = bed_req(bed, STORE_HOOK_CREATE, user);
        req->in.hook.kind = (enum store_hook_kind)kind;
        req->in.hook.channel = channel;
        req->in.hook.name = "A hook";
        req->in.hook.icon = ":ship:";
        req->in.hook.hash = "hash of a hook's token";
        req->in.hook.secret = "secret of a hook";
        req->in.hook.url = kind == STORE_HOOK_INCOMING ? NULL : "https://hook.example/";
        req->in.hook.trigger = kind == STORE_HOOK_OUTGOING ? "deploy" : NULL;
        req->in.hook.command = kind == STORE_HOOK_SLASH ? "deploy" : NULL;
        assert_int_equal(bed_do(bed, req), ERR_OK);
        for (uint64_t seq = 1; kind == STORE_HOOK_OUTGOING && seq <= 3; seq++) {
            struct store_req *fail = bed_req(bed, STORE_HOOK_FAIL, NULL);
            fail->in.hook_failure = (struct store_hook_failure){.hook = req->out.hook.id,
                                                                .seq = seq,
                                                                .event = "message.created",
                                                                .attempts = 8,
                                                                .status = 503,
                                                                .error = "the answer was 503"};
            assert_int_equal(bed_do(bed, fail), ERR_OK);
        }
    }
}

static enum err change_channel(struct bed *bed, const char *user, enum store_op op,
                               const char *channel, const char *name)
{
    struct store_req *req = bed_req(bed, op, user);

    req->actor.role = STORE_ROLE_OWNER;
    req->in.channel.channel = channel;
    req->in.channel.name = name;
    return bed_do(bed, req);
}

/* A closed SQLite database with all that there can be in one. */
static struct world *lived_in(unsigned seed, int operations)
{
    struct bed *bed = bed_create_file();
    struct world *w = arena_alloc(bed->arena, sizeof(*w));

    w->bed = bed;
    bed_must_open(bed);
    world_make(w, seed);
    make_session(bed, w->users[1], "hash of a token");
    make_session(bed, w->users[2], "hash of another");
    make_invite(bed, w->users[0], "hash of an invite");
    make_bot(bed, w->users[1], w->channels[0]);
    make_hooks(bed, w->users[0], bed_channel(bed, w->users[0], "with-hooks"));
    world_live(w, operations);
    bed_close(bed);
    return w;
}

static void must_migrate(const struct bed *from, const struct bed *to, struct store_copied *out)
{
    char error[512];

    if (store_migrate(from->url, to->url, NULL, NULL, out, error) != ERR_OK)
        fail_msg("%s", error);
}

static void refused(const struct bed *from, const struct bed *to, const char *reason)
{
    struct store_copied sum;
    char error[512];

    assert_int_not_equal(store_migrate(from->url, to->url, NULL, NULL, &sum, error), ERR_OK);
    if (strstr(error, reason) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", reason, error);
}

static void a_copy_there_and_back_is_the_same(void **state)
{
    (void)state;
    for (unsigned seed = 21; seed <= 22; seed++) {
        struct world *w = lived_in(seed, WORLD_OPERATIONS);
        struct bed *from = w->bed;
        struct bed *there = bed_create_closed();
        struct bed *back = bed_create_file();
        struct store_copied to = {0};
        struct store_copied fro = {0};
        assert_true(w->ok[STORE_MESSAGE_EDIT] > 0 && w->ok[STORE_MESSAGE_DELETE] > 0);
        assert_true(w->ok[STORE_CHANNEL_DELETE] > 0 && w->ok[STORE_CHANNEL_ARCHIVE] > 0);
        assert_true(w->ok[STORE_DM_OPEN] > 0 && w->ok[STORE_READ_MARK] > 0);
        must_migrate(from, there, &to);
        must_migrate(there, back, &fro);
        assert_int_equal(to.users, WORLD_USERS + 4); /* and a bot, and those of hooks */
        assert_int_equal(to.hooks, 3);
        assert_int_equal(to.sessions, 3); /* one is a token */
        assert_int_equal(to.invites, 1);
        assert_true(to.events > 1000);
        assert_false(to.resumed);
        assert_memory_equal(&to, &fro, sizeof(to)); /* also the hash */
        char *before = bed_dump_contents(from->path);
        char *after = bed_dump_contents(back->path);
        assert_true(strlen(before) > 10000);
        assert_string_equal(before, after);
        bed_must_open(there); /* and life goes on there, with the same ids */
        w->bed = there;
        world_live(w, WORLD_WAVE * 4);
        free(before);
        free(after);
        bed_destroy(&there);
        bed_destroy(&back);
        bed_destroy(&from);
    }
}

static void it_is_the_same_history(void **state)
{
    struct bed *from = bed_create_file();
    struct bed *to = bed_create_closed();
    struct store_copied sum;

    (void)state;
    bed_must_open(from);
    const char *ann = bed_user(from, "ann");
    const char *general = bed_channel(from, ann, "general");
    struct store_message hello = bed_send(from, ann, general, "hello");
    struct store_channel before = bed_view(from, ann, general);
    bed_close(from);
    must_migrate(from, to, &sum);
    bed_must_open(to);
    struct store_channel after = bed_view(to, ann, "#general");
    assert_string_equal(after.id, general);
    assert_string_equal(after.epoch, before.epoch);
    assert_int_equal(after.seq, before.seq);
    struct store_req *req = bed_req(to, STORE_MESSAGE_GET, ann);
    req->in.message.message = hello.id;
    assert_int_equal(bed_do(to, req), ERR_OK);
    assert_string_equal(req->out.message.text, "hello");
    assert_int_equal(bed_send(to, ann, general, "again").seq, before.seq + 1);
    bed_destroy(&to);
    bed_destroy(&from);
}

static void names_that_wandered_between_channels_are_no_conflict(void **state)
{
    struct bed *from = bed_create_file();
    struct bed *there = bed_create_closed();
    struct bed *back = bed_create_file();
    struct store_copied sum;

    (void)state;
    bed_must_open(from);
    const char *ann = bed_user(from, "ann");
    const char *a = bed_channel(from, ann, "first");
    const char *b = bed_channel(from, ann, "second");
    const char *c = bed_channel(from, ann, "third");
    assert_int_equal(change_channel(from, ann, STORE_CHANNEL_DELETE, b, NULL), ERR_OK);
    assert_int_equal(change_channel(from, ann, STORE_CHANNEL_UPDATE, a, "second"), ERR_OK);
    assert_int_equal(change_channel(from, ann, STORE_CHANNEL_UPDATE, c, "first"), ERR_OK);
    assert_int_equal(change_channel(from, ann, STORE_CHANNEL_UPDATE, a, "third"), ERR_OK);
    assert_int_equal(change_channel(from, ann, STORE_CHANNEL_UPDATE, c, "second"), ERR_OK);
    (void)bed_channel(from, ann, "first");
    bed_close(from);
    must_migrate(from, there, &sum);
    must_migrate(there, back, &sum);
    char *before = bed_dump_contents(from->path);
    char *after = bed_dump_contents(back->path);
    assert_string_equal(before, after);
    bed_must_open(there);
    assert_string_equal(bed_view(there, ann, "#third").id, a);
    assert_string_equal(bed_view(there, ann, "#second").id, c);
    assert_int_equal(change_channel(there, ann, STORE_CHANNEL_UPDATE, a, "second"), ERR_CONFLICT);
    (void)bed_channel(there, ann, "fourth");
    free(before);
    free(after);
    bed_destroy(&there);
    bed_destroy(&back);
    bed_destroy(&from);
}

/* Stops at the call with the number *ARG. */
static bool stop_at(void *arg, const char *step, const char *unit, uint64_t done, uint64_t total)
{
    int *calls_left = arg;

    (void)step;
    (void)unit;
    assert_true(done <= total);
    return --*calls_left != 0;
}

static void an_interrupted_copy_goes_on(void **state)
{
    struct world *w = lived_in(23, WORLD_OPERATIONS);
    struct bed *from = w->bed;
    struct bed *to = bed_create_closed();
    struct bed *back = bed_create_file();
    struct store_copied sum;
    char error[512];

    (void)state;
    for (int stop = 1; stop <= 3; stop++) {
        int calls = stop;
        assert_int_not_equal(store_migrate(from->url, to->url, stop_at, &calls, &sum, error),
                             ERR_OK);
        assert_string_equal(error, "stopped");
        assert_int_not_equal(bed_open(to, error), ERR_OK);
        assert_non_null(strstr(error, "only half a copy: a `parleyctl migrate` into it"));
    }
    refused(to, back, "only half a copy"); /* nor is it a source */
    must_migrate(from, to, &sum);
    assert_true(sum.resumed);
    assert_int_equal(sum.users, WORLD_USERS + 4); /* and bots, of hooks too */
    refused(from, to, "is not empty");            /* it is done */
    must_migrate(to, back, &sum);
    char *before = bed_dump_contents(from->path);
    char *after = bed_dump_contents(back->path);
    assert_string_equal(before, after);
    free(before);
    free(after);
    bed_must_open(to);
    bed_destroy(&to);
    bed_destroy(&back);
    bed_destroy(&from);
}

static void a_half_copy_is_not_mixed_with_another(void **state)
{
    struct world *w = lived_in(24, 1500);
    struct bed *other = lived_in(25, WORLD_WAVE)->bed;
    struct bed *from = w->bed;
    struct bed *to = bed_create_closed();
    struct store_copied sum;
    char error[512];
    int calls = 1;

    (void)state;
    assert_int_not_equal(store_migrate(from->url, to->url, stop_at, &calls, &sum, error), ERR_OK);
    refused(other, to, "half-way by a copy of something else");
    must_migrate(from, to, &sum);
    bed_destroy(&to);
    bed_destroy(&other);
    bed_destroy(&from);
}

static void a_target_with_something_in_it_is_left_alone(void **state)
{
    struct bed *from = lived_in(26, WORLD_WAVE)->bed;
    struct bed *to = bed_create();
    struct bed *none = bed_create_file();

    (void)state;
    const char *ann = bed_user(to, "ann");
    bed_close(to);
    refused(from, to, "the target is not empty");
    bed_must_open(to);
    const char *general = bed_channel(to, ann, "general");
    assert_int_equal(bed_send(to, ann, general, "still here").msg_no, 1);
    refused(none, from, none->path); /* no such source */
    bed_destroy(&none);
    bed_destroy(&to);
    bed_destroy(&from);
}

static void a_database_in_use_or_newer_is_refused(void **state)
{
    struct bed *from = lived_in(27, WORLD_WAVE)->bed;
    struct bed *to = bed_create_closed();

    (void)state;
    bed_must_open(from);
    refused(from, to, "in use by another parleyd");
    bed_close(from);
    bed_sql(from, "PRAGMA user_version = 99");
    refused(from, to, "written by a newer Parley");
    bed_destroy(&to);
    bed_destroy(&from);
}

static void what_is_not_the_same_is_noticed(void **state)
{
    static const struct {
        const char *sql, *reason;
    } rows[] = {
        {"UPDATE messages SET text = 'forged' WHERE pos = (SELECT max(pos) FROM messages m"
         " WHERE text IS NOT NULL AND EXISTS (SELECT 1 FROM channels c WHERE c.key = m.pos >> 36))",
         "the messages of"},
        {"UPDATE members SET read_seq = 1 WHERE read_seq > 1", "what is joined and read of"},
        {"UPDATE channels SET members = 99 WHERE members > 0", "the name, state or members of"},
        {"DELETE FROM events WHERE pos = (SELECT max(pos) - 1 FROM events e JOIN streams s"
         " ON s.key = e.pos >> 36 WHERE s.seq > 5)",
         "its log is damaged"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bed *from = lived_in(28, 500)->bed;
        struct bed *to = bed_create_closed();
        bed_sql(from, rows[i].sql);
        refused(from, to, rows[i].reason);
        bed_destroy(&to);
        bed_destroy(&from);
    }
}

static void a_source_that_changed_between_two_attempts_is_noticed(void **state)
{
    struct bed *from = lived_in(29, WORLD_OPERATIONS)->bed;
    struct bed *to = bed_create_closed();
    struct store_copied sum;
    char error[512];
    int calls = 1;

    (void)state;
    assert_int_not_equal(store_migrate(from->url, to->url, stop_at, &calls, &sum, error), ERR_OK);
    bed_sql(from, "UPDATE events SET at = at + 1 WHERE pos = (SELECT e.pos FROM events e JOIN"
                  " streams s ON s.key = e.pos >> 36 ORDER BY s.name, e.pos LIMIT 1)");
    refused(from, to, "the events of c:");
    bed_destroy(&to);
    bed_destroy(&from);
}

/* -- backups ----------------------------------------------------------------------------------- */

struct chatter {
    struct bed *bed;
    const char *user, *channel;
    atomic_bool stop;
    atomic_int rounds;
    pthread_t thread;
};

static void say(struct chatter *c, struct store_req *req)
{
    bed_submit(c->bed, req);
    bed_wait(c->bed, req);
    assert_int_equal(req->err, ERR_OK);
}

/* Sends, and deletes what was sent before. */
static void *chat(void *arg)
{
    struct chatter *c = arg;
    char last[ID_MAX + 1] = "";

    while (!atomic_load(&c->stop)) {
        struct store_req send = {.op = STORE_MESSAGE_SEND, .arena = arena_create()};
        struct store_req delete = {.op = STORE_MESSAGE_DELETE, .arena = send.arena};
        send.actor.user = delete.actor.user = c->user;
        send.in.send.channel = c->channel;
        send.in.send.text = "while it is copied";
        delete.in.message.message = last;
        if (last[0] != '\0')
            say(c, &delete);
        say(c, &send);
        (void)snprintf(last, sizeof(last), "%s", send.out.message.id);
        arena_destroy(&send.arena);
        atomic_fetch_add(&c->rounds, 1);
    }
    return NULL;
}

/* Lets the chatter get a word in before the copy goes on. */
static bool watch_copy(void *arg, const char *step, const char *unit, uint64_t done, uint64_t total)
{
    struct chatter *c = arg;
    int before = atomic_load(&c->rounds);
    uint64_t deadline = clock_monotonic_ns() + UINT64_C(60000000000);

    (void)step;
    (void)unit;
    assert_true(done <= total);
    while (atomic_load(&c->rounds) < before + 2 && clock_monotonic_ns() < deadline)
        (void)usleep(500);
    return atomic_load(&c->rounds) >= before + 2;
}

static void path_in(const struct bed *bed, const char *name, char out[128])
{
    (void)snprintf(out, 128, "%s/%s", bed->dir, name);
}

static void a_backup_of_any_store_is_one_file(void **state)
{
    struct world w = {.bed = bed_create()};
    struct bed *copy = bed_create_file();
    char error[512];
    struct stat st;

    (void)state;
    world_make(&w, 30);
    world_live(&w, 1500);
    const char *channel = bed_channel(w.bed, w.users[0], "busy");
    struct chatter c = {.bed = w.bed, .user = w.users[0], .channel = channel};
    (void)bed_send(w.bed, w.users[0], channel, "before the backup");
    assert_int_equal(pthread_create(&c.thread, NULL, chat, &c), 0);
    enum err err = store_backup(w.bed->store, copy->path, watch_copy, &c, error);
    atomic_store(&c.stop, true);
    assert_int_equal(pthread_join(c.thread, NULL), 0);
    if (err != ERR_OK)
        fail_msg("%s", error);
    assert_true(atomic_load(&c.rounds) > 2);
    (void)snprintf(error, sizeof(error), "%s.copying", copy->path);
    assert_int_not_equal(stat(error, &st), 0); /* nothing is left beside it */
    bed_must_open(copy);
    struct store_channel there = bed_view(copy, w.users[0], channel);
    struct store_channel here = bed_view(w.bed, w.users[0], channel);
    assert_true(there.msg_no >= 1 && there.msg_no <= here.msg_no);
    assert_string_not_equal(there.epoch, here.epoch);
    bed_close(copy);
    char *before = bed_dump(copy->path); /* it is consistent in itself */
    assert_int_equal(store_rebuild(copy->url, NULL, NULL, error), ERR_OK);
    char *after = bed_dump(copy->path);
    assert_string_equal(before, after);
    free(before);
    free(after);
    bed_destroy(&copy);
    bed_destroy(&w.bed);
}

static void a_backup_is_restored_as_another_history(void **state)
{
    struct world w = {.bed = bed_create()};
    struct bed *to = bed_create_closed();
    struct store_copied sum;
    char file[128];
    char error[512];
    struct stat before;
    struct stat after;

    (void)state;
    world_make(&w, 31);
    make_session(w.bed, w.users[1], "hash of a token");
    make_bot(w.bed, w.users[1], w.channels[0]);
    make_hooks(w.bed, w.users[0], bed_channel(w.bed, w.users[0], "with-hooks"));
    world_live(&w, 1500);
    const char *channel = bed_channel(w.bed, w.users[0], "restored");
    (void)bed_send(w.bed, w.users[0], channel, "kept");
    path_in(w.bed, "backup.db", file);
    if (store_backup(w.bed->store, file, NULL, NULL, error) != ERR_OK)
        fail_msg("%s", error);
    assert_int_equal(stat(file, &before), 0);
    if (store_restore(file, to->url, NULL, NULL, &sum, error) != ERR_OK)
        fail_msg("%s", error);
    assert_int_equal(stat(file, &after), 0); /* it is as it was, and may be used again */
    assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
    assert_int_equal(sum.users, WORLD_USERS + 4); /* and bots, of hooks too */
    bed_must_open(to);
    struct store_channel here = bed_view(w.bed, w.users[0], channel);
    struct store_channel there = bed_view(to, w.users[0], "#restored");
    assert_string_equal(there.id, here.id);
    assert_int_equal(there.seq, here.seq);
    assert_string_not_equal(there.epoch, here.epoch);
    struct store_req *req = bed_req(to, STORE_SESSION_GET, NULL);
    req->in.session.token_hash = "hash of a token";
    assert_int_equal(bed_do(to, req), ERR_OK);
    assert_int_equal(bed_send(to, w.users[0], channel, "on").seq, here.seq + 1);
    bed_close(to);
    assert_int_not_equal(store_restore(file, to->url, NULL, NULL, &sum, error), ERR_OK);
    assert_true(strstr(error, "is not empty") != NULL || strstr(error, "exists") != NULL);
    bed_destroy(&to);
    bed_destroy(&w.bed);
}

static void only_a_backup_is_restored(void **state)
{
    struct bed *from = lived_in(32, WORLD_WAVE)->bed;
    struct bed *to = bed_create_closed();
    struct store_copied sum;
    char error[512];

    (void)state;
    assert_int_not_equal(store_restore(from->path, to->url, NULL, NULL, &sum, error), ERR_OK);
    assert_non_null(strstr(error, "not a backup"));
    assert_int_not_equal(store_restore("/nonexistent/b.db", to->url, NULL, NULL, &sum, error),
                         ERR_OK);
    assert_non_null(strstr(error, "/nonexistent/b.db"));
    bed_sql(from, "INSERT INTO meta VALUES ('backup', 'now'); PRAGMA user_version = 99");
    assert_int_not_equal(store_restore(from->path, to->url, NULL, NULL, &sum, error), ERR_OK);
    assert_non_null(strstr(error, "written by a newer Parley"));
    bed_sql(from, "PRAGMA user_version = 1");
    assert_int_not_equal(store_restore(from->path, to->url, NULL, NULL, &sum, error), ERR_OK);
    assert_non_null(strstr(error, "made by an older Parley"));
    bed_must_open(to); /* nothing has come of all that */
    (void)bed_user(to, "ann");
    bed_destroy(&to);
    bed_destroy(&from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_there_and_back_is_the_same),
        cmocka_unit_test(it_is_the_same_history),
        cmocka_unit_test(names_that_wandered_between_channels_are_no_conflict),
        cmocka_unit_test(an_interrupted_copy_goes_on),
        cmocka_unit_test(a_half_copy_is_not_mixed_with_another),
        cmocka_unit_test(a_target_with_something_in_it_is_left_alone),
        cmocka_unit_test(a_database_in_use_or_newer_is_refused),
        cmocka_unit_test(what_is_not_the_same_is_noticed),
        cmocka_unit_test(a_source_that_changed_between_two_attempts_is_noticed),
        cmocka_unit_test(a_backup_of_any_store_is_one_file),
        cmocka_unit_test(a_backup_is_restored_as_another_history),
        cmocka_unit_test(only_a_backup_is_restored),
    };
    return bed_run_on_every_store(tests, ARRAY_LEN(tests));
}
