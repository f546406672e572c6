/* test_store_writers.c - several nodes on one database: races, retries, and what a dead node
 * leaves. */
#include "tests/unit/testing.h"

#include <mongoc/mongoc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "tests/contract/sender.h"
#include "tests/unit/storage/bed.h"

struct scene {
    struct bed *a, *b; /* two nodes */
    const char *ann, *ben;
    const char *general; /* ann made it on a, ben is in it */
    char stream[STORE_STREAM_SIZE];
};

static int create_scene(void **state)
{
    struct scene *s = mem_zalloc(sizeof(*s));

    s->a = bed_create();
    s->b = bed_beside(s->a);
    bed_must_open(s->b);
    s->ann = bed_user(s->a, "ann");
    s->ben = bed_user(s->b, "ben");
    s->general = bed_channel(s->a, s->ann, "general");
    bed_join(s->b, s->ben, s->general);
    (void)snprintf(s->stream, sizeof(s->stream), "c:%s", s->general);
    *state = s;
    return 0;
}

static int destroy_scene(void **state)
{
    struct scene *s = *state;

    bed_destroy(&s->b);
    bed_destroy(&s->a);
    free(s);
    return 0;
}

static struct store_req *send_req(struct bed *bed, struct scene *s, const char *user,
                                  const char *text, const char *client_msg_id)
{
    struct store_req *req = bed_req(bed, STORE_MESSAGE_SEND, user);

    req->in.send.channel = s->general;
    req->in.send.text = text;
    req->in.send.client_msg_id = client_msg_id;
    return req;
}

/* -- the database behind their backs ---------------------------------------------------------- */

struct raw {
    mongoc_client_t *client;
    const char *db;
};

static struct raw raw_open(const struct bed *bed)
{
    struct raw raw = {.client = mongoc_client_new(bed->url), .db = bed->path};

    assert_non_null(raw.client);
    return raw;
}

static void raw_update(const struct raw *raw, const char *coll, bson_t *filter, bson_t *update)
{
    mongoc_collection_t *c = mongoc_client_get_collection(raw->client, raw->db, coll);
    bson_error_t error;

    if (!mongoc_collection_update_many(c, filter, update, NULL, NULL, &error))
        fail_msg("%s", error.message);
    mongoc_collection_destroy(c);
    bson_destroy(filter);
    bson_destroy(update);
}

static int64_t raw_count(const struct raw *raw, const char *coll, bson_t *filter)
{
    mongoc_collection_t *c = mongoc_client_get_collection(raw->client, raw->db, coll);
    bson_error_t error;
    int64_t n = mongoc_collection_count_documents(c, filter, NULL, NULL, NULL, &error);

    if (n < 0)
        fail_msg("%s", error.message);
    mongoc_collection_destroy(c);
    bson_destroy(filter);
    return n;
}

static void raw_delete(const struct raw *raw, const char *coll, bson_t *filter)
{
    mongoc_collection_t *c = mongoc_client_get_collection(raw->client, raw->db, coll);
    bson_error_t error;
    bson_t reply;
    bson_iter_t iter;

    if (!mongoc_collection_delete_many(c, filter, NULL, &reply, &error))
        fail_msg("%s", error.message);
    assert_true(bson_iter_init_find(&iter, &reply, "deletedCount"));
    assert_true(bson_iter_as_int64(&iter) > 0);
    bson_destroy(&reply);
    mongoc_collection_destroy(c);
    bson_destroy(filter);
}

/* -- races ------------------------------------------------------------------------------------ */

enum { RACE_EACH = 400 };

/* Sends of both nodes at once, each in flight together. */
static void both_nodes_into_one_stream_leave_no_hole_and_keep_each_order(void **state)
{
    struct scene *s = *state;
    struct store_req *reqs[2][RACE_EACH];
    uint64_t last[2] = {0};

    for (size_t i = 0; i < RACE_EACH; i++)
        for (size_t n = 0; n < 2; n++) {
            struct bed *bed = n == 0 ? s->a : s->b;
            reqs[n][i] = send_req(bed, s, n == 0 ? s->ann : s->ben, "race", NULL);
            bed_submit(bed, reqs[n][i]);
        }
    for (size_t i = 0; i < RACE_EACH; i++)
        for (size_t n = 0; n < 2; n++) {
            bed_wait(n == 0 ? s->a : s->b, reqs[n][i]);
            assert_int_equal(reqs[n][i]->err, ERR_OK);
            assert_true(reqs[n][i]->out.message.seq > last[n]);
            last[n] = reqs[n][i]->out.message.seq;
        }
    assert_int_equal(bed_view(s->a, s->ann, s->general).seq, 3 + 2 * RACE_EACH);
    assert_int_equal(bed_view(s->b, s->ann, s->general).msg_no, 2 * RACE_EACH);
    assert_string_equal(bed_log(s->a, s->stream), bed_log(s->b, s->stream));
}

static void flood(struct scene *s, struct store_req *reqs[2][RACE_EACH], size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        for (size_t n = 0; n < 2; n++) {
            struct bed *bed = n == 0 ? s->a : s->b;
            reqs[n][i] = send_req(bed, s, n == 0 ? s->ann : s->ben, "flood", NULL);
            bed_submit(bed, reqs[n][i]);
        }
}

static enum err member_op(struct bed *bed, struct scene *s, enum store_op op, const char *user)
{
    struct store_req *req = bed_req(bed, op, user);

    req->in.channel.channel = s->general;
    return bed_do(bed, req);
}

/* Nodes that take turns skip messages of each other, but nothing else: each is asked for what the
 * other one has just changed, while both are busy. */
static void who_takes_turns_misses_no_change_of_members(void **state)
{
    enum { ROUNDS = 8, EACH = RACE_EACH / ROUNDS };
    struct scene *s = *state;
    struct store_req *reqs[2][RACE_EACH];
    const char *cid = bed_user(s->a, "cid");
    size_t sent = 0;

    for (size_t round = 0; round < ROUNDS; round++) {
        struct bed *changes = round % 4 < 2 ? s->a : s->b;
        struct bed *asks = round % 4 < 2 ? s->b : s->a;
        bool joins = round % 2 == 0;
        flood(s, reqs, round * EACH, (round + 1) * EACH);
        assert_int_equal(
            member_op(changes, s, joins ? STORE_CHANNEL_JOIN : STORE_CHANNEL_LEAVE, cid), ERR_OK);
        struct store_req *req = send_req(asks, s, cid, "am I in?", NULL);
        assert_int_equal(bed_do(asks, req), joins ? ERR_OK : ERR_FORBIDDEN);
        sent += joins ? 1 : 0;
    }
    for (size_t i = 0; i < RACE_EACH; i++)
        for (size_t n = 0; n < 2; n++) {
            bed_wait(n == 0 ? s->a : s->b, reqs[n][i]);
            assert_int_equal(reqs[n][i]->err, ERR_OK);
        }
    assert_int_equal(bed_view(s->a, s->ann, s->general).members, 2);
    assert_int_equal(bed_view(s->b, s->ann, s->general).msg_no, 2 * RACE_EACH + sent);
    assert_string_equal(bed_log(s->a, s->stream), bed_log(s->b, s->stream));
}

static size_t count_lines(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += *text == '\n' ? 1 : 0;
    return n;
}

/* Every event of the log comes once, with its place; every ack is in it, those of a process in
 * order. */
static void check_log(struct scene *s, const struct acks *acks, size_t processes)
{
    char *log = bed_log(s->a, s->stream);
    uint64_t seq = 0;
    size_t lines = count_lines(log);

    for (const char *line = log; *line != '\0'; line = strchr(line, '\n') + 1)
        assert_int_equal(strtoull(line, NULL, 10), ++seq);
    assert_int_equal(seq, lines);
    for (size_t p = 0; p < processes; p++) {
        const char *at = log;
        for (size_t i = 0; i < acks[p].n; i++) {
            char text[48];
            (void)snprintf(text, sizeof(text), "\"text\":\"%s\"", acks[p].ids[i]);
            at = strstr(at, text);
            if (at == NULL)
                fail_msg("ack %zu of process %zu, %s, is not in the log", i, p, acks[p].ids[i]);
            at++;
            assert_null(strstr(at, text));
        }
    }
}

enum { PROCESSES = 2, ENOUGH = 300 };

static void two_processes_race_one_is_killed_the_other_goes_on(void **state)
{
    struct scene *s = *state;
    const char *users[PROCESSES] = {s->ann, s->ben};
    struct acks acks[PROCESSES] = {{0}};
    struct pollfd fds[PROCESSES];
    pid_t pids[PROCESSES];

    for (int p = 0; p < PROCESSES; p++) {
        pids[p] = sender_start(s->a->url, users[p], s->general, p, &fds[p].fd);
        fds[p].events = POLLIN;
    }
    while (acks[0].n < ENOUGH || acks[1].n < ENOUGH) {
        assert_true(poll(fds, PROCESSES, 60000) > 0);
        for (int p = 0; p < PROCESSES; p++)
            if (fds[p].revents != 0 && !sender_ack(fds[p].fd, &acks[p]))
                fail_msg("process %d ended by itself after %zu acks", p, acks[p].n);
    }
    sender_kill(pids[0], fds[0].fd, &acks[0]);
    size_t more = acks[1].n + ENOUGH;
    while (acks[1].n < more)
        if (!sender_ack(fds[1].fd, &acks[1]))
            fail_msg("the survivor ended by itself after %zu acks", acks[1].n);
    sender_kill(pids[1], fds[1].fd, &acks[1]);
    check_log(s, acks, PROCESSES);
    struct store_channel view = bed_view(s->a, s->ann, s->general);
    (void)bed_send(s->b, s->ben, s->general, "life goes on");
    assert_int_equal(bed_view(s->a, s->ann, s->general).seq, view.seq + 1);
    for (int p = 0; p < PROCESSES; p++)
        free(acks[p].ids);
}

static void a_retry_on_another_node_gives_the_original_message(void **state)
{
    struct scene *s = *state;
    struct store_req *first = send_req(s->a, s, s->ann, "once", "retry");
    struct store_req *again = send_req(s->b, s, s->ann, "once more", "retry");
    struct store_req *new = send_req(s->b, s, s->ann, "new", "retry-2");

    assert_int_equal(bed_do(s->a, first), ERR_OK);
    bed_submit(s->b, again);
    bed_submit(s->b, new);
    bed_wait(s->b, again);
    bed_wait(s->b, new);
    assert_int_equal(again->err, ERR_OK);
    assert_true(again->out.duplicate);
    assert_string_equal(again->out.message.id, first->out.message.id);
    assert_string_equal(again->out.message.text, "once");
    assert_int_equal(new->err, ERR_OK);
    assert_false(new->out.duplicate);
    assert_int_equal(bed_view(s->a, s->ann, s->general).msg_no, 2);
}

/* -- what another node has changed ------------------------------------------------------------- */

static void a_refusal_is_never_from_an_old_cache(void **state)
{
    struct scene *s = *state;
    const char *cyd = bed_user(s->a, "cyd");

    assert_int_equal(bed_do(s->b, send_req(s->b, s, cyd, "let me in", NULL)), ERR_FORBIDDEN);
    bed_join(s->a, cyd, s->general);
    assert_int_equal(bed_do(s->b, send_req(s->b, s, cyd, "I am in", NULL)), ERR_OK);
    struct store_req *leave = bed_req(s->a, STORE_CHANNEL_LEAVE, cyd);
    leave->in.channel.channel = s->general;
    assert_int_equal(bed_do(s->a, leave), ERR_OK);
    assert_int_equal(bed_do(s->b, send_req(s->b, s, cyd, "am I out?", NULL)), ERR_FORBIDDEN);
    leave = bed_req(s->b, STORE_CHANNEL_LEAVE, cyd);
    leave->in.channel.channel = s->general;
    assert_int_equal(bed_do(s->b, leave), ERR_CONFLICT);
    assert_int_equal(bed_view(s->b, s->ann, s->general).members, 2);
}

static void a_position_that_another_node_has_reached_can_be_marked(void **state)
{
    struct scene *s = *state;

    (void)bed_send(s->b, s->ben, s->general, "mine"); /* so that b has it in its cache */
    struct store_message m = bed_send(s->a, s->ann, s->general, "news");
    struct store_req *mark = bed_req(s->b, STORE_READ_MARK, s->ben);
    mark->in.read.channel = s->general;
    mark->in.read.seq = m.seq;
    assert_int_equal(bed_do(s->b, mark), ERR_OK);
    assert_int_equal(mark->out.channel.unread, 0);
    assert_int_equal(mark->out.channel.seq, m.seq);
}

static void a_name_is_one_nodes(void **state)
{
    struct scene *s = *state;
    struct store_req *reqs[2];

    for (int round = 0; round < 10; round++) {
        char *name = arena_alloc(s->a->arena, 16);
        (void)snprintf(name, 16, "room%d", round);
        for (size_t n = 0; n < 2; n++) {
            reqs[n] = bed_req(n == 0 ? s->a : s->b, STORE_CHANNEL_CREATE, s->ann);
            reqs[n]->in.channel_new.name = name;
            bed_submit(n == 0 ? s->a : s->b, reqs[n]);
        }
        for (size_t n = 0; n < 2; n++)
            bed_wait(n == 0 ? s->a : s->b, reqs[n]);
        size_t winner = reqs[0]->err == ERR_OK ? 0 : 1;
        assert_int_equal(reqs[winner]->err, ERR_OK);
        assert_int_equal(reqs[1 - winner]->err, ERR_CONFLICT);
        assert_string_equal(reqs[1 - winner]->field, "name");
    }
}

static void a_dm_is_one_channel_on_all_nodes(void **state)
{
    struct scene *s = *state;
    const char *ben[] = {s->ben};
    struct store_req *reqs[2];

    for (size_t n = 0; n < 2; n++) {
        reqs[n] = bed_req(n == 0 ? s->a : s->b, STORE_DM_OPEN, s->ann);
        reqs[n]->in.dm.users = ben;
        reqs[n]->in.dm.users_n = 1;
        bed_submit(n == 0 ? s->a : s->b, reqs[n]);
    }
    for (size_t n = 0; n < 2; n++) {
        bed_wait(n == 0 ? s->a : s->b, reqs[n]);
        assert_int_equal(reqs[n]->err, ERR_OK);
    }
    assert_string_equal(reqs[0]->out.channel.id, reqs[1]->out.channel.id);
    assert_int_equal(bed_view(s->a, s->ben, reqs[0]->out.channel.id).members, 2);
}

static void one_account_is_the_first(void **state)
{
    struct bed *a = bed_create();
    struct bed *b = bed_beside(a);
    struct store_req *reqs[2];
    static const char *const names[] = {"ann", "ben"};
    static const char *const general[] = {"general"};
    int owners = 0;

    (void)state;
    bed_must_open(b);
    for (size_t n = 0; n < 2; n++) {
        reqs[n] = bed_req(n == 0 ? a : b, STORE_USER_CREATE, NULL);
        reqs[n]->in.user_new.name = names[n];
        reqs[n]->in.user_new.first_is_owner = true;
        reqs[n]->in.user_new.join = general;
        reqs[n]->in.user_new.join_n = 1;
        bed_submit(n == 0 ? a : b, reqs[n]);
    }
    for (size_t n = 0; n < 2; n++) {
        bed_wait(n == 0 ? a : b, reqs[n]);
        assert_int_equal(reqs[n]->err, ERR_OK);
        owners += reqs[n]->out.user.role == STORE_ROLE_OWNER ? 1 : 0;
    }
    assert_int_equal(owners, 1);
    bed_destroy(&b);
    bed_destroy(&a);
}

/* -- what a dead node leaves ------------------------------------------------------------------ */

/* The log has the join, nothing else: as if its node had died right after the commit. */
static void half_a_join(struct scene *s, const char *user)
{
    struct raw raw = raw_open(s->a);
    char own[STORE_STREAM_SIZE];

    bed_join(s->a, user, s->general);
    bed_close(s->a);
    bed_close(s->b);
    (void)snprintf(own, sizeof(own), "u:%s", user);
    raw_delete(&raw, "events", BCON_NEW("stream", BCON_UTF8(own)));
    raw_delete(&raw, "members", BCON_NEW("at", BCON_INT64(4)));
    raw_update(&raw, "streams", BCON_NEW("_id", BCON_UTF8(own)),
               BCON_NEW("$set", "{", "seq", BCON_INT64(0), "}"));
    raw_update(&raw, "streams", BCON_NEW("_id", BCON_UTF8(s->stream)),
               BCON_NEW("$set", "{", "seq", BCON_INT64(3), "members", BCON_INT64(2), "}"));
    mongoc_client_destroy(raw.client);
}

static void check_joined(struct scene *s, const char *user)
{
    char own[STORE_STREAM_SIZE];
    struct store_channel view = bed_view(s->b, user, s->general);

    assert_true(view.joined);
    assert_int_equal(view.members, 3);
    assert_int_equal(view.unread, 0);
    (void)snprintf(own, sizeof(own), "u:%s", user);
    char *log = bed_log(s->b, own);
    assert_memory_equal(log, "1 channel.joined ", 17);
    assert_int_equal(count_lines(log), 1);
}

static void a_reader_finishes_the_join_of_a_dead_node(void **state)
{
    struct scene *s = *state;
    const char *cyd = bed_user(s->a, "cyd");

    half_a_join(s, cyd);
    bed_must_open(s->b);
    struct store_req *members = bed_req(s->b, STORE_CHANNEL_MEMBERS, s->ann);
    members->in.members.channel = s->general;
    members->in.members.page.limit = 10;
    assert_int_equal(bed_do(s->b, members), ERR_OK);
    assert_int_equal(members->out.n, 3);
    check_joined(s, cyd);
}

static void many_readers_at_once_finish_the_join_of_a_dead_node(void **state)
{
    struct scene *s = *state;
    const char *cyd = bed_user(s->a, "cyd");
    struct store_req *asks[20];

    half_a_join(s, cyd);
    s->b->options.readers = 1;
    bed_must_open(s->b);
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        const char *user = i % 2 == 0 ? s->ann : s->ben;
        asks[i] = bed_req(s->b, STORE_SNAPSHOT, user);
        asks[i]->in.user.user = user;
        bed_submit(s->b, asks[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        bed_wait(s->b, asks[i]);
        assert_int_equal(asks[i]->err, ERR_OK);
        assert_int_equal(asks[i]->out.n, 1);
        assert_int_equal(asks[i]->out.channels[0].members, 3);
    }
    check_joined(s, cyd);
}

static void a_writer_finishes_the_join_of_a_dead_node(void **state)
{
    struct scene *s = *state;
    const char *cyd = bed_user(s->a, "cyd");

    half_a_join(s, cyd);
    bed_must_open(s->b);
    struct store_message m = bed_send(s->b, cyd, s->general, "thank you");
    assert_int_equal(m.seq, 5);
    check_joined(s, cyd);
}

static void a_half_deleted_message_is_scrubbed(void **state)
{
    struct scene *s = *state;
    struct raw raw = raw_open(s->a);
    struct store_message m = bed_send(s->a, s->ann, s->general, "unwise");
    struct store_req *drop = bed_req(s->a, STORE_MESSAGE_DELETE, s->ann);

    drop->in.message.message = m.id;
    assert_int_equal(bed_do(s->a, drop), ERR_OK);
    bed_close(s->a);
    bed_close(s->b);
    char data[160];
    (void)snprintf(data, sizeof(data),
                   "\"message\":{\"id\":\"%s\",\"text\":\"unwise\",\"msg_no\":1}", m.id);
    raw_update(&raw, "events", BCON_NEW("_id", BCON_UTF8(m.id)),
               BCON_NEW("$set", "{", "text", BCON_UTF8("unwise"), "data", BCON_UTF8(data),
                        "deleted_at", BCON_INT64(0), "}"));
    raw_update(&raw, "streams", BCON_NEW("_id", BCON_UTF8(s->stream)),
               BCON_NEW("$set", "{", "seq", BCON_INT64(4), "}"));
    mongoc_client_destroy(raw.client);
    bed_must_open(s->b);
    struct store_req *get = bed_req(s->b, STORE_MESSAGE_GET, s->ben);
    get->in.message.message = m.id;
    assert_int_equal(bed_do(s->b, get), ERR_OK);
    assert_null(get->out.message.text);
    assert_null(strstr(bed_log(s->b, s->stream), "unwise"));
}

static void a_channel_that_was_only_created_in_the_log_is_found(void **state)
{
    struct scene *s = *state;
    struct raw raw = raw_open(s->a);
    const char *room = bed_channel(s->a, s->ann, "room");
    char stream[STORE_STREAM_SIZE];

    bed_close(s->a);
    bed_close(s->b);
    (void)snprintf(stream, sizeof(stream), "c:%s", room);
    raw_update(&raw, "streams", BCON_NEW("_id", BCON_UTF8(stream)),
               BCON_NEW("$set", "{", "seq", BCON_INT64(0), "}", "$unset", "{", "type",
                        BCON_INT32(1), "name", BCON_INT32(1), "members", BCON_INT32(1), "}"));
    mongoc_client_destroy(raw.client);
    bed_must_open(s->b);
    assert_string_equal(bed_view(s->b, s->ann, "#room").id, room);
    struct store_req *taken = bed_req(s->b, STORE_CHANNEL_CREATE, s->ben);
    taken->in.channel_new.name = "room";
    assert_int_equal(bed_do(s->b, taken), ERR_CONFLICT);
}

/* -- opening ---------------------------------------------------------------------------------- */

static void a_newer_database_and_a_wrong_address_are_refused_without_the_password(void **state)
{
    struct scene *s = *state;
    struct raw raw = raw_open(s->a);
    char error[512];

    bed_close(s->b);
    raw_update(&raw, "meta", BCON_NEW("_id", BCON_UTF8("schema")),
               BCON_NEW("$set", "{", "version", BCON_INT32(99), "}"));
    mongoc_client_destroy(raw.client);
    assert_int_not_equal(bed_open(s->b, error), ERR_OK);
    assert_non_null(strstr(error, "written by a newer Parley (schema 99"));
    (void)snprintf(s->b->url, sizeof(s->b->url),
                   "mongodb://ann:hunter2@127.0.0.1:1/x?serverSelectionTimeoutMS=200");
    assert_int_not_equal(bed_open(s->b, error), ERR_OK);
    assert_non_null(strstr(error, "127.0.0.1:1"));
    assert_null(strstr(error, "hunter2"));
    (void)snprintf(s->b->url, sizeof(s->b->url), "mongodb://ann:hunt%%er2@:/");
    assert_int_not_equal(bed_open(s->b, error), ERR_OK);
    assert_null(strstr(error, "hunt"));
}

static struct store_req *slash_req(struct bed *bed, const char *user, const char *channel)
{
    struct store_req *req = bed_req(bed, STORE_HOOK_CREATE, user);

    req->actor.role = STORE_ROLE_ADMIN;
    req->in.hook.kind = STORE_HOOK_SLASH;
    req->in.hook.channel = channel;
    req->in.hook.name = "Deploy";
    req->in.hook.secret = "secret";
    req->in.hook.hash = "hash";
    req->in.hook.url = "https://hook.example/";
    req->in.hook.command = "deploy";
    return req;
}

static void one_command_of_a_name_is_made_whoever_asks(void **state)
{
    struct scene *s = *state;
    struct raw raw = raw_open(s->a);

    for (int i = 1; i <= 5; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "room%d", i);
        const char *room = bed_channel(s->a, s->ann, name);
        struct store_req *one = slash_req(s->a, s->ann, room);
        struct store_req *two = slash_req(s->b, s->ben, room);
        bed_submit(s->a, one);
        bed_submit(s->b, two);
        bed_wait(s->a, one);
        bed_wait(s->b, two);
        assert_int_equal((one->err == ERR_OK) + (two->err == ERR_OK), 1);
        assert_int_equal(one->err == ERR_OK ? two->err : one->err, ERR_CONFLICT);
        assert_int_equal(raw_count(&raw, "hooks", BCON_NEW("channel", BCON_UTF8(room))), 1);
        assert_int_equal(raw_count(&raw, "users",
                                   BCON_NEW("hook", BCON_BOOL(true), "disabled_at", BCON_INT64(0))),
                         i);
        assert_int_equal(bed_view(s->a, s->ann, room).members, 2);
    }
    mongoc_client_destroy(raw.client);
}

static void one_of_two_nodes_delivers_for_a_hook(void **state)
{
    struct scene *s = *state;
    struct bed *beds[2] = {s->a, s->b};
    static const char *const nodes[2] = {"a", "b"};
    struct store_req *make = slash_req(s->a, s->ann, s->general);

    make->in.hook.kind = STORE_HOOK_OUTGOING;
    make->in.hook.command = NULL;
    assert_int_equal(bed_do(s->a, make), ERR_OK);
    for (int round = 0; round < 5; round++) {
        struct store_req *reqs[2];
        for (int i = 0; i < 2; i++) {
            reqs[i] = bed_req(beds[i], STORE_HOOK_LEASE, NULL);
            reqs[i]->in.hook_at.hook = make->out.hook.id;
            reqs[i]->in.hook_at.node = nodes[i];
            reqs[i]->in.hook_at.until = INT64_MAX;
            bed_submit(beds[i], reqs[i]);
        }
        for (int i = 0; i < 2; i++)
            bed_wait(beds[i], reqs[i]);
        int winner = reqs[0]->err == ERR_OK ? 0 : 1;
        assert_int_equal(reqs[winner]->err, ERR_OK);
        assert_int_equal(reqs[1 - winner]->err, ERR_CONFLICT);
        reqs[winner]->in.hook_at.until = 0;
        assert_int_equal(bed_do(beds[winner], reqs[winner]), ERR_OK);
    }
}

static void an_older_database_is_marked_as_of_this_version(void **state)
{
    struct scene *s = *state;
    struct raw raw = raw_open(s->a);

    bed_close(s->b);
    raw_update(&raw, "meta", BCON_NEW("_id", BCON_UTF8("schema")),
               BCON_NEW("$set", "{", "version", BCON_INT32(1), "}"));
    bed_must_open(s->b);
    assert_int_equal(
        raw_count(&raw, "meta", BCON_NEW("_id", BCON_UTF8("schema"), "version", BCON_INT32(3))), 1);
    mongoc_client_destroy(raw.client);
    assert_string_equal(bed_view(s->b, s->ann, "#general").id, s->general);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, create_scene, destroy_scene)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(both_nodes_into_one_stream_leave_no_hole_and_keep_each_order),
        TEST(who_takes_turns_misses_no_change_of_members),
        TEST(two_processes_race_one_is_killed_the_other_goes_on),
        TEST(a_retry_on_another_node_gives_the_original_message),
        TEST(a_refusal_is_never_from_an_old_cache),
        TEST(a_position_that_another_node_has_reached_can_be_marked),
        TEST(a_name_is_one_nodes),
        TEST(a_dm_is_one_channel_on_all_nodes),
        cmocka_unit_test(one_account_is_the_first),
        TEST(a_reader_finishes_the_join_of_a_dead_node),
        TEST(many_readers_at_once_finish_the_join_of_a_dead_node),
        TEST(a_writer_finishes_the_join_of_a_dead_node),
        TEST(a_half_deleted_message_is_scrubbed),
        TEST(a_channel_that_was_only_created_in_the_log_is_found),
        TEST(one_command_of_a_name_is_made_whoever_asks),
        TEST(one_of_two_nodes_delivers_for_a_hook),
        TEST(an_older_database_is_marked_as_of_this_version),
        TEST(a_newer_database_and_a_wrong_address_are_refused_without_the_password),
    };

    sender_main(argc, argv);
    return bed_run_on_mongo(tests, ARRAY_LEN(tests));
}
