#include "tests/unit/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "protocol/jsonrpc.h"
#include "server/follow.h"
#include "server/frame.h"

/* The text of one event's frame, as it goes out. */
static char *sent(struct follow *f, const char *stream, const char *epoch, uint64_t seq)
{
    struct buf json = {0};
    struct buf text = {0};

    rpc_put_event(&json, "message.created", stream, epoch, seq, 0, NULL, "\"x\":1", 5);
    struct frame *frame = frame_text(json.data, json.len);
    struct frame *made = follow_frame(f, frame);
    buf_put(&text, made->bytes, made->len);
    frame_unref(made);
    frame_unref(frame);
    buf_free(&json);
    return buf_detach(&text);
}

/* The id of a block, which the caller frees. */
static char *id_of(const char *block)
{
    struct buf id = {0};

    assert_int_equal(strncmp(block, "id: ", 4), 0);
    buf_put(&id, block + 4, strcspn(block + 4, "\n"));
    return buf_detach(&id);
}

static void an_id_brings_back_every_position(void **state)
{
    (void)state;
    const char *field;
    const char *epoch;
    uint64_t seq;
    struct follow *f = follow_create(NULL, NULL, &field);

    follow_set(f, "u:ann", NULL, 0);
    follow_set(f, "c:one", "e1", 7);
    free(sent(f, "c:two", "e1", 41));
    char *block = sent(f, "c:one", "e1", 8);
    char *id = id_of(block);
    assert_non_null(strstr(block, "\nevent: message.created\ndata: {\"stream\":\"c:one\""));
    assert_string_equal(block + strlen(block) - 2, "\n\n");
    follow_destroy(&f);
    f = follow_create(NULL, id, &field);
    assert_non_null(f);
    assert_true(follow_position(f, "c:one", &epoch, &seq));
    assert_string_equal(epoch, "e1");
    assert_int_equal(seq, 8);
    assert_true(follow_position(f, "c:two", &epoch, &seq));
    assert_string_equal(epoch, "e1");
    assert_int_equal(seq, 41);
    assert_true(follow_position(f, "u:ann", &epoch, &seq));
    assert_string_equal(epoch, "");
    assert_int_equal(seq, 0);
    assert_false(follow_position(f, "c:three", &epoch, &seq));
    follow_destroy(&f);
    free(id);
    free(block);
}

static void an_epoch_that_would_break_the_id_is_left_out(void **state)
{
    (void)state;
    static const char *const broken[] = {"e\nx: y", "e 1", "\x7f", "0123456789012345678901234"};
    const char *field;
    const char *epoch;
    uint64_t seq;

    for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
        struct follow *f = follow_create(NULL, NULL, &field);
        follow_set(f, "c:one", broken[i], 7);
        char *block = sent(f, "c:two", "e1", 1);
        char *id = id_of(block);
        assert_int_equal(strncmp(block + 4 + strlen(id), "\nevent: ", 8), 0);
        follow_destroy(&f);
        f = follow_create(NULL, id, &field);
        assert_non_null(f);
        assert_true(follow_position(f, "c:one", &epoch, &seq));
        assert_string_equal(epoch, "");
        assert_int_equal(seq, 7);
        follow_destroy(&f);
        free(id);
        free(block);
    }
}

static void an_id_has_the_streams_with_the_latest_events(void **state)
{
    (void)state;
    const char *field;
    const char *epoch;
    uint64_t seq;
    char name[16];
    struct follow *f = follow_create(NULL, NULL, &field);

    for (int i = 0; i < 3 * FOLLOW_STREAMS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "c:%d", i);
        follow_set(f, name, "e", 5);
    }
    char *block = sent(f, "c:0", "e", 6);
    char *id = id_of(block);
    assert_true(strlen(id) <= FOLLOW_ID_MAX);
    follow_destroy(&f);
    f = follow_create(NULL, id, &field);
    assert_non_null(f);
    assert_true(follow_position(f, "c:0", &epoch, &seq));
    assert_int_equal(seq, 6);
    assert_true(follow_position(f, "c:299", &epoch, &seq));
    assert_false(follow_position(f, "c:1", &epoch, &seq));
    follow_destroy(&f);
    free(id);
    free(block);
}

static void only_named_streams_are_wanted(void **state)
{
    (void)state;
    const char *field;
    struct follow *f = follow_create("c:a,u:b", NULL, &field);

    assert_int_equal(follow_named(f), 2);
    assert_true(follow_wants(f, "c:a"));
    assert_true(follow_wants(f, "u:b"));
    assert_false(follow_wants(f, "c:b"));
    follow_destroy(&f);
    static const char *const bad[] = {"", ",", "c:a,", "c:a,c:a", "x:a", "c:", "c:a b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_null(follow_create(bad[i], NULL, &field));
        assert_string_equal(field, "streams");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_brings_back_every_position),
        cmocka_unit_test(an_epoch_that_would_break_the_id_is_left_out),
        cmocka_unit_test(an_id_has_the_streams_with_the_latest_events),
        cmocka_unit_test(only_named_streams_are_wanted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
