/* test_store_together.c - many reads at once: each gets what it would get alone. */
#include "tests/unit/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/macros.h"
#include "tests/contract/world.h"
#include "tests/unit/storage/bed.h"

enum { SEED = 20, OPERATIONS = 1200, ROUNDS = 3, HASH_SIZE = 16, ROOMS = 24, BURST = 30 };

/* One reader: all that is asked while it answers the first waits for it. */
static struct bed *create_bed(void)
{
    struct bed *bed = bed_create_closed();

    bed->options.readers = 1;
    bed_must_open(bed);
    return bed;
}

static const char *hash_of(struct bed *bed, size_t user)
{
    char hash[HASH_SIZE];

    (void)snprintf(hash, sizeof(hash), "hash-%zu", user);
    return arena_strdup(bed->arena, hash);
}

static void make_session(struct bed *bed, const char *user, const char *hash)
{
    struct store_req *req = bed_req(bed, STORE_SESSION_CREATE, NULL);

    req->in.session_new.user = user;
    req->in.session_new.token_hash = hash;
    req->in.session_new.expires_at = clock_unix_ms() + 600000;
    req->in.session_new.address = "127.0.0.1";
    req->in.session_new.agent = "a browser";
    assert_int_equal(bed_do(bed, req), ERR_OK);
}

static void make_token(struct bed *bed, const char *user, const char *hash, const char *channel)
{
    struct store_req *req = bed_req(bed, STORE_TOKEN_CREATE, user);
    const char **channels = arena_alloc(bed->arena, sizeof(*channels));

    channels[0] = channel;
    req->in.token.name = "the build";
    req->in.token.scopes = "messages:read messages:write";
    req->in.token.hash = hash;
    req->in.token.channels = channel != NULL ? channels : NULL;
    req->in.token.channels_n = channel != NULL ? 1 : 0;
    assert_int_equal(bed_do(bed, req), ERR_OK);
}

/* -- what is asked ---------------------------------------------------------------------------- */

static struct store_req *ask_session(struct bed *bed, const char *hash)
{
    struct store_req *req = bed_req(bed, STORE_SESSION_GET, NULL);

    req->in.session.token_hash = hash;
    return req;
}

static struct store_req *ask_snapshot(struct bed *bed, const char *user)
{
    struct store_req *req = bed_req(bed, STORE_SNAPSHOT, user);

    req->in.user.user = user;
    return req;
}

static struct store_req *ask_events(struct bed *bed, const char *kind, const char *id)
{
    struct store_req *req = bed_req(bed, STORE_EVENTS, NULL);
    char stream[STORE_STREAM_SIZE];

    (void)snprintf(stream, sizeof(stream), "%s:%s", kind, id);
    req->in.events.stream = arena_strdup(bed->arena, stream);
    req->in.events.after = 1;
    req->in.events.limit = 50;
    return req;
}

static struct store_req *ask_history(struct bed *bed, const char *user, const char *channel)
{
    struct store_req *req = bed_req(bed, STORE_HISTORY, user);

    req->in.history.channel = channel;
    req->in.history.limit = 10;
    return req;
}

struct questions {
    struct store_req *reqs[512];
    size_t n;
};

static void add(struct questions *q, struct store_req *req)
{
    assert_true(q->n < ARRAY_LEN(q->reqs));
    q->reqs[q->n++] = req;
}

/* Everything about everybody, and some who are not there. */
static void ask_all(const struct world *w, struct questions *q)
{
    struct bed *bed = w->bed;

    *q = (struct questions){0};
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < WORLD_USERS; i++) {
            add(q, ask_session(bed, hash_of(bed, i)));
            add(q, ask_snapshot(bed, w->users[i]));
            add(q, ask_events(bed, "u", w->users[i]));
            add(q, ask_history(bed, w->users[i], w->channels[i % WORLD_CHANNELS]));
        }
        for (size_t i = 0; i < WORLD_CHANNELS; i++)
            add(q, ask_events(bed, "c", w->channels[i]));
        add(q, ask_session(bed, "a token's"));
        add(q, ask_session(bed, "a limited token's"));
        add(q, ask_session(bed, "nobody's"));
        add(q, ask_snapshot(bed, "0000000000nobody0000000000"));
        add(q, ask_events(bed, "c", "0000000000nobody0000000000"));
    }
}

/* -- what is answered ------------------------------------------------------------------------- */

static void put_text(struct buf *out, const char *text)
{
    buf_printf(out, " %s", text != NULL ? text : "-");
}

static void put_answer(struct buf *out, const struct store_req *req)
{
    buf_printf(out, "%s %s", store_op_name(req->op), err_name(req->err));
    put_text(out, req->field);
    put_text(out, req->reason);
    put_text(out, req->out.user.id);
    put_text(out, req->out.user.name);
    put_text(out, req->out.session.id);
    put_text(out, req->out.session.user);
    put_text(out, req->out.session.agent);
    put_text(out, req->out.session.label);
    put_text(out, req->out.session.scopes);
    put_text(out, req->out.session.channels);
    put_text(out, req->out.top.epoch);
    buf_printf(out, " %llu %zu\n", (unsigned long long)req->out.top.seq, req->out.n);
    for (size_t i = 0; i < req->out.n && req->op == STORE_SNAPSHOT; i++) {
        store_channel_json(out, &req->out.channels[i], true);
        buf_putc(out, '\n');
    }
    for (size_t i = 0; i < req->out.n && req->op == STORE_EVENTS; i++)
        buf_printf(out, "%llu %.*s\n", (unsigned long long)req->out.events[i].seq,
                   (int)req->out.events[i].data_len, req->out.events[i].data);
    for (size_t i = 0; i < req->out.n && req->op == STORE_HISTORY; i++)
        buf_printf(out, "%s\n", req->out.messages[i].id);
}

static void put_answers(struct buf *out, const struct questions *q)
{
    for (size_t i = 0; i < q->n; i++)
        put_answer(out, q->reqs[i]);
    buf_putc(out, '\0');
}

static void everybody_gets_what_they_get_alone(void **state)
{
    struct world w = {.bed = create_bed()};
    struct buf alone = {0};
    struct buf together = {0};
    struct questions q;

    (void)state;
    world_make(&w, SEED);
    world_live(&w, OPERATIONS);
    for (size_t i = 0; i < WORLD_USERS; i++)
        make_session(w.bed, w.users[i], hash_of(w.bed, i));
    make_token(w.bed, w.users[0], "a token's", NULL);
    make_token(w.bed, w.users[0], "a limited token's", bed_channel(w.bed, w.users[0], "only-this"));
    ask_all(&w, &q);
    for (size_t i = 0; i < q.n; i++)
        (void)bed_do(w.bed, q.reqs[i]);
    put_answers(&alone, &q);
    ask_all(&w, &q);
    for (size_t i = 0; i < q.n; i++)
        bed_submit(w.bed, q.reqs[i]);
    for (size_t i = 0; i < q.n; i++)
        bed_wait(w.bed, q.reqs[i]);
    put_answers(&together, &q);
    assert_string_equal(alone.data, together.data);
    buf_free(&alone);
    buf_free(&together);
    bed_destroy(&w.bed);
}

/* Whoever joins is told so in their own stream: a snapshot whose position there is behind that
 * shows the channel. */
static void a_snapshot_shows_what_its_position_says(void **state)
{
    struct bed *bed = create_bed();
    const char *ann = bed_user(bed, "ann");
    const char *ben = bed_user(bed, "ben");
    const char *rooms[ROOMS];

    (void)state;
    for (size_t i = 0; i < ROOMS; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "room-%zu", i);
        rooms[i] = bed_channel(bed, ann, arena_strdup(bed->arena, name));
    }
    for (size_t i = 0; i < ROOMS; i++) {
        struct store_req *asks[BURST];
        struct store_req *join = bed_req(bed, STORE_CHANNEL_JOIN, ben);
        join->in.channel.channel = rooms[i];
        for (size_t k = 0; k < BURST; k++) {
            asks[k] = ask_snapshot(bed, k % 2 == 0 ? ben : ann);
            bed_submit(bed, asks[k]);
            if (k == BURST / 2)
                bed_submit(bed, join);
        }
        bed_wait(bed, join);
        assert_int_equal(join->err, ERR_OK);
        for (size_t k = 0; k < BURST; k++) {
            bed_wait(bed, asks[k]);
            assert_int_equal(asks[k]->err, ERR_OK);
            if (k % 2 == 0)
                assert_true(asks[k]->out.n >= asks[k]->out.top.seq);
            else
                assert_int_equal(asks[k]->out.n, ROOMS);
        }
    }
    bed_destroy(&bed);
}

/* What was answered before is in every answer that is asked for after it. */
static void a_burst_after_a_write_sees_it(void **state)
{
    struct bed *bed = create_bed();
    const char *ann = bed_user(bed, "ann");
    const char *room = bed_channel(bed, ann, "room");

    (void)state;
    for (size_t i = 0; i < ROOMS; i++) {
        struct store_message sent = bed_send(bed, ann, room, "hello");
        struct store_req *asks[BURST];
        for (size_t k = 0; k < BURST; k++) {
            asks[k] = ask_snapshot(bed, ann);
            bed_submit(bed, asks[k]);
        }
        for (size_t k = 0; k < BURST; k++) {
            bed_wait(bed, asks[k]);
            assert_int_equal(asks[k]->out.n, 1);
            assert_int_equal(asks[k]->out.channels[0].seq, sent.seq);
            assert_int_equal(asks[k]->out.channels[0].last_read_seq, sent.seq);
            assert_int_equal(asks[k]->out.channels[0].unread, 0);
        }
    }
    bed_destroy(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_gets_what_they_get_alone),
        cmocka_unit_test(a_snapshot_shows_what_its_position_says),
        cmocka_unit_test(a_burst_after_a_write_sees_it),
    };
    return bed_run_on_every_store(tests, ARRAY_LEN(tests));
}
