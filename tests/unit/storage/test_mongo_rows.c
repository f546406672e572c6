/* What a document of MongoDB reads as, whatever is in it, and the keys that follow from names. */
#include "tests/unit/testing.h"

#include <string.h>

#include "base/id.h"
#include "base/macros.h"
#include "storage/mongo/mongo.h"

static int create_arena(void **state)
{
    *state = arena_create();
    return 0;
}

static int destroy_arena(void **state)
{
    arena_destroy((struct arena **)state);
    return 0;
}

static void account_keys_sort_by_age(void **state)
{
    char id[ID_SIZE];
    int64_t last = 0;

    (void)state;
    for (int i = 0; i < 5000; i++) {
        id_make(id);
        int64_t key = mg_account_key(id);
        assert_true(key > last);
        last = key;
    }
    assert_true(mg_account_key("short") > 0);
    assert_true(mg_account_key("!!!!!!!!!!!!!!!!!!!!!!!!!!") >= 0);
}

static void keys_of_streams_are_positive_and_stay(void **state)
{
    (void)state;
    assert_true(mg_stream_key("c:a") > 0);
    assert_int_equal(mg_stream_key("c:a"), mg_stream_key("c:a"));
    assert_int_not_equal(mg_stream_key("c:a"), mg_stream_key("u:a"));
    assert_true(mg_stream_key("") > 0);
}

static void a_client_msg_id_comes_back_whatever_is_in_it(void **state)
{
    static const char *const ids[] = {"a", "a:b", ":", "=x", "1:2:3"};
    struct arena *arena = *state;

    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct message_row row;
        bson_t *doc = BCON_NEW("dedup", BCON_UTF8(mg_dedup(arena, 77, ids[i])));
        mg_read_message(arena, doc, &row);
        assert_string_equal(row.m.client_msg_id, ids[i]);
        bson_destroy(doc);
    }
    struct message_row row;
    bson_t *none = BCON_NEW("dedup", BCON_UTF8("=id:with:colons"));
    mg_read_message(arena, none, &row);
    assert_null(row.m.client_msg_id);
    bson_destroy(none);
}

static void an_empty_document_reads_as_the_least(void **state)
{
    struct arena *arena = *state;
    bson_t doc = BSON_INITIALIZER;
    struct account user;
    struct membership member;
    struct message_row message;
    struct event_row event;
    struct chan chan;

    mg_read_user(arena, &doc, &user);
    assert_string_equal(user.user.name, "");
    assert_int_equal(user.user.role, STORE_ROLE_MEMBER);
    mg_read_member(&doc, &member);
    assert_false(member.exists);
    mg_read_message(arena, &doc, &message);
    assert_null(message.m.text);
    assert_string_equal(message.m.channel, "");
    mg_read_event(arena, &doc, &event);
    assert_string_equal(event.data, "");
    assert_null(event.subject);
    assert_false(mg_read_chan(arena, &doc, "epoch", &chan));
    assert_string_equal(chan.id, "");
}

static void wrong_types_read_as_nothing(void **state)
{
    struct arena *arena = *state;
    struct account user;
    struct membership member;
    struct message_row message;
    struct chan chan;
    bson_t *doc =
        BCON_NEW("_id", BCON_INT32(5), "name", "{", "a", BCON_INT32(1), "}", "role", BCON_INT32(99),
                 "exists", BCON_UTF8("yes"), "read_seq", BCON_INT64(-4), "text", BCON_INT64(1),
                 "mentions", "[", BCON_INT32(1), BCON_UTF8("u"), "]", "type", BCON_DOUBLE(1e300),
                 "gone", BCON_INT32(1), "seq", BCON_INT64(INT64_MAX), "stream", BCON_UTF8("c"));

    mg_read_user(arena, doc, &user);
    assert_string_equal(user.user.id, "");
    assert_string_equal(user.user.name, "");
    assert_int_equal(user.user.role, STORE_ROLE_MEMBER);
    mg_read_member(doc, &member);
    assert_false(member.exists);
    assert_int_equal(member.read_seq, 0);
    mg_read_message(arena, doc, &message);
    assert_null(message.m.text);
    assert_int_equal(message.m.mentions_n, 1);
    assert_string_equal(message.m.mentions[0], "u");
    assert_string_equal(message.m.channel, "");
    assert_true(mg_read_chan(arena, doc, "epoch", &chan));
    assert_int_equal(chan.type, STORE_PUBLIC);
    assert_int_equal(chan.stream.seq, UINT64_C(1) << 53);
    bson_destroy(doc);
}

static void a_long_name_is_cut_where_it_has_to_fit(void **state)
{
    struct arena *arena = *state;
    struct chan chan;
    char name[300];

    memset(name, 'x', sizeof(name));
    name[0] = 'c';
    name[1] = ':';
    name[sizeof(name) - 1] = '\0';
    bson_t *doc = BCON_NEW("_id", BCON_UTF8(name), "type", BCON_INT32(0));
    assert_true(mg_read_chan(arena, doc, "epoch", &chan));
    assert_int_equal(strlen(chan.stream.name), STORE_STREAM_SIZE - 1);
    assert_int_equal(strlen(chan.id), ID_MAX);
    bson_destroy(doc);
}

static void only_duplicates_are_only_that(void **state)
{
    bson_t *both = BCON_NEW("writeErrors", "[", "{", "code", BCON_INT32(11000), "}", "{", "code",
                            BCON_INT64(11000), "}", "]");
    bson_t *other = BCON_NEW("writeErrors", "[", "{", "code", BCON_INT32(11000), "}", "{", "code",
                             BCON_INT32(121), "}", "]");
    bson_t *weak = BCON_NEW("writeErrors", "[", "{", "code", BCON_INT32(11000), "}", "]",
                            "writeConcernErrors", "[", "{", "code", BCON_INT32(64), "}", "]");
    bson_t none = BSON_INITIALIZER;

    (void)state;
    assert_true(mg_only_duplicates(both));
    assert_false(mg_only_duplicates(other));
    assert_false(mg_only_duplicates(weak));
    assert_false(mg_only_duplicates(&none));
    bson_destroy(both);
    bson_destroy(other);
    bson_destroy(weak);
}

static void what_is_late_keeps_the_newest_of_each(void **state)
{
    struct late late = {0};
    struct chan chan = {.stream = {.key = 1, .seq = 5, .name = "c:a"}, .name = "old", .topic = ""};
    struct stream further = {.key = 1, .seq = 9, .msg_no = 4, .name = "c:a"};
    struct stream back = {.key = 1, .seq = 7, .name = "c:a"};

    (void)state;
    late_chan(&late, &chan);
    late_stream(&late, &further);
    late_stream(&late, &back);
    chan.name = "older";
    late_chan(&late, &chan); /* from before what is there */
    assert_int_equal(HASH_COUNT(late.streams), 1);
    assert_int_equal(late.streams->stream.seq, 9);
    assert_int_equal(late.streams->stream.msg_no, 4);
    assert_string_equal(late.streams->chan.name, "old");
    for (uint64_t seq = 3; seq > 0; seq--)
        late_member(&late, &(struct membership){
                               .chan_key = 1, .user_key = 2, .read_seq = seq, .read_no = seq});
    assert_int_equal(HASH_COUNT(late.members), 1);
    assert_int_equal(late.members->read_seq, 3);
    late_clear(&late);
    assert_int_equal(HASH_COUNT(late.streams) + HASH_COUNT(late.members), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, create_arena, destroy_arena)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(account_keys_sort_by_age),
        TEST(keys_of_streams_are_positive_and_stay),
        TEST(a_client_msg_id_comes_back_whatever_is_in_it),
        TEST(an_empty_document_reads_as_the_least),
        TEST(wrong_types_read_as_nothing),
        TEST(a_long_name_is_cut_where_it_has_to_fit),
        TEST(only_duplicates_are_only_that),
        TEST(what_is_late_keeps_the_newest_of_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
