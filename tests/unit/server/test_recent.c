#include "tests/unit/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "server/event.h"
#include "server/recent.h"

#define CHANNEL "general"
#define STREAM "c:" CHANNEL
#define EPOCH "0123456789abcdef"

static struct arena *arena;
static struct buf kept[512]; /* the entries that the windows point into */
static size_t kept_n;

static int setup(void **state)
{
    (void)state;
    arena = arena_create();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_destroy(&arena);
    while (kept_n > 0)
        buf_free(&kept[--kept_n]);
    return 0;
}

static struct event *make(enum store_event_type type, const char *epoch, uint64_t seq,
                          const char *data)
{
    return event_make(&(struct store_event){.stream = STREAM,
                                            .epoch = epoch,
                                            .seq = seq,
                                            .type = type,
                                            .actor = "ann",
                                            .at = 1,
                                            .data = data,
                                            .data_len = strlen(data)});
}

/* An event about the message at MESSAGE. */
static struct event *about(enum store_event_type type, uint64_t seq, uint64_t message,
                           uint64_t msg_no, const char *author, const char *text)
{
    struct buf data = {0};
    struct store_message m = {.id = "id",
                              .channel = CHANNEL,
                              .seq = message,
                              .msg_no = msg_no,
                              .author = author,
                              .text = text,
                              .created_at = 1,
                              .deleted_at = text == NULL ? 2 : 0};

    buf_json_key(&data, "message");
    store_message_json(&data, &m);
    struct event *event = make(type, EPOCH, seq, data.data);
    buf_free(&data);
    return event;
}

/* As it would come from Redis. */
static void take(struct recent *w, struct event *event)
{
    struct buf *entry = &kept[kept_n++];

    assert_true(recent_entry(entry, event));
    recent_take(w, entry->data, entry->len);
    event_unref(event);
}

static void take_message(struct recent *w, uint64_t seq, uint64_t msg_no)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "text %d", (int)seq);
    take(w, about(STORE_EVENT_MESSAGE_CREATED, seq, seq, msg_no, seq % 2 ? "ann" : "bob", text));
}

/* A window of messages only, from FIRST to LAST; msg_no is the seq. */
static struct recent messages(uint64_t first, uint64_t last)
{
    struct recent w;

    recent_open(&w, arena, STREAM, EPOCH, first, last);
    for (uint64_t seq = last; seq >= first && seq > 0; seq--) /* order does not matter */
        take_message(&w, seq, seq);
    recent_close(&w);
    assert_int_equal(w.first, first);
    return w;
}

static enum recent_result page(const struct recent *w, enum store_history_from from, uint64_t seq,
                               uint32_t limit, struct recent_answer *out)
{
    struct recent_page p = {.channel = CHANNEL, .from = from, .seq = seq, .limit = limit};

    return recent_page(w, &p, out);
}

static void expect(const struct recent_answer *a, uint64_t first, uint64_t last, bool before,
                   bool after)
{
    assert_int_equal(a->n, last - first + 1);
    assert_int_equal(a->messages[0].seq, first);
    assert_int_equal(a->messages[a->n - 1].seq, last);
    assert_int_equal(a->more_before, before);
    assert_int_equal(a->more_after, after);
}

static void the_newest_page_ends_the_window(void **state)
{
    struct recent w = messages(11, 30);
    struct recent_answer a;

    (void)state;
    assert_int_equal(page(&w, STORE_NEWEST, 0, 5, &a), RECENT_OK);
    expect(&a, 26, 30, true, false);
    assert_int_equal(a.authors_n, 2);
    assert_true(json_span_is(a.authors[0], "bob")); /* the first to appear */
    assert_int_equal(page(&w, STORE_NEWEST, 0, 20, &a), RECENT_OK);
    expect(&a, 11, 30, true, false);
    assert_int_equal(page(&w, STORE_NEWEST, 0, 21, &a), RECENT_SHORT);
}

static void pages_within_the_window_are_those_of_the_store(void **state)
{
    struct recent w = messages(11, 30);
    struct recent_answer a;

    (void)state;
    assert_int_equal(page(&w, STORE_BEFORE, 20, 4, &a), RECENT_OK);
    expect(&a, 16, 19, true, true);
    assert_int_equal(page(&w, STORE_BEFORE, 14, 4, &a), RECENT_SHORT);
    assert_int_equal(page(&w, STORE_AFTER, 20, 4, &a), RECENT_OK);
    expect(&a, 21, 24, true, true);
    assert_int_equal(page(&w, STORE_AFTER, 28, 4, &a), RECENT_OK);
    expect(&a, 29, 30, true, false);
    assert_int_equal(page(&w, STORE_AFTER, 10, 4, &a), RECENT_OK);
    assert_int_equal(page(&w, STORE_AFTER, 9, 4, &a), RECENT_SHORT);
    assert_int_equal(page(&w, STORE_AFTER, 30, 4, &a), RECENT_OK);
    assert_int_equal(a.n, 0);
    assert_true(a.more_before && !a.more_after);
    assert_int_equal(page(&w, STORE_AROUND, 20, 6, &a), RECENT_OK);
    expect(&a, 17, 22, true, true);
    assert_int_equal(page(&w, STORE_AROUND, 30, 6, &a), RECENT_OK);
    expect(&a, 25, 30, true, false);
    assert_int_equal(page(&w, STORE_BEFORE, UINT64_MAX, 4, &a), RECENT_SHORT);
}

static void a_window_from_the_beginning_has_all(void **state)
{
    struct recent w = messages(1, 8);
    struct recent_answer a;

    (void)state;
    assert_int_equal(page(&w, STORE_NEWEST, 0, 50, &a), RECENT_OK);
    expect(&a, 1, 8, false, false);
    assert_int_equal(page(&w, STORE_BEFORE, 1, 50, &a), RECENT_OK);
    assert_int_equal(a.n, 0);
    assert_true(!a.more_before && a.more_after);
    assert_int_equal(page(&w, STORE_AFTER, 0, 3, &a), RECENT_OK);
    expect(&a, 1, 3, false, true);
}

static void what_a_message_has_become_is_what_is_shown(void **state)
{
    struct recent w;
    struct recent_answer a;

    (void)state;
    recent_open(&w, arena, STREAM, EPOCH, 11, 16);
    take_message(&w, 11, 7);
    take_message(&w, 12, 8);
    take(&w, about(STORE_EVENT_MESSAGE_UPDATED, 13, 12, 8, "bob", "new words"));
    take(&w, make(STORE_EVENT_MEMBER_JOINED, EPOCH, 14, "\"user\":\"eve\""));
    take(&w, about(STORE_EVENT_MESSAGE_DELETED, 15, 11, 7, "ann", NULL));
    take(&w, about(STORE_EVENT_MESSAGE_UPDATED, 16, 3, 2, "ann", "far back"));
    recent_close(&w);
    assert_true(recent_has_deletion(&w));
    assert_int_equal(page(&w, STORE_NEWEST, 0, 2, &a), RECENT_OK);
    assert_int_equal(a.n, 2);
    assert_null(memmem(a.messages[0].json.at, a.messages[0].json.n, "text", 4));
    assert_non_null(memmem(a.messages[1].json.at, a.messages[1].json.n, "new words", 9));
}

static void a_hole_ends_the_window(void **state)
{
    struct recent w;
    struct recent_answer a;
    struct event *known = about(STORE_EVENT_MESSAGE_CREATED, 30, 30, 30, "ann", "known");

    (void)state;
    recent_open(&w, arena, STREAM, EPOCH, 11, 30);
    for (uint64_t seq = 11; seq < 30; seq++)
        if (seq != 20)
            take_message(&w, seq, seq);
    recent_close(&w);
    assert_int_equal(w.first, 31); /* the last one is missing: nothing counts */
    assert_int_equal(page(&w, STORE_NEWEST, 0, 1, &a), RECENT_SHORT);
    recent_know(&w, known);
    recent_close(&w);
    assert_int_equal(w.first, 21);
    assert_int_equal(page(&w, STORE_NEWEST, 0, 10, &a), RECENT_OK);
    assert_int_equal(page(&w, STORE_NEWEST, 0, 11, &a), RECENT_SHORT);
    event_unref(known);
}

static void other_epochs_and_positions_are_left_out(void **state)
{
    struct recent w;

    (void)state;
    recent_open(&w, arena, STREAM, EPOCH, 5, 6);
    take(&w, make(STORE_EVENT_MEMBER_JOINED, "fedcba9876543210", 6, ""));
    take_message(&w, 4, 4);
    take_message(&w, 7, 7);
    recent_close(&w);
    assert_int_equal(w.first, 7);
    assert_false(w.wrong); /* a node may well have put them there */
}

static void two_that_differ_for_one_place_are_both_not_believed(void **state)
{
    struct recent w;

    (void)state;
    recent_open(&w, arena, STREAM, EPOCH, 5, 6);
    take_message(&w, 5, 5);
    take_message(&w, 6, 6);
    take_message(&w, 6, 6);
    assert_false(w.wrong); /* the same twice is nothing */
    take(&w, about(STORE_EVENT_MESSAGE_CREATED, 5, 5, 5, "ann", "another"));
    take_message(&w, 5, 5);
    recent_close(&w);
    assert_true(w.wrong);
    assert_int_equal(w.first, 6);
}

static void nonsense_is_noticed(void **state)
{
    struct recent w;
    struct recent_answer a;
    struct buf entry = {0};
    struct event *event = about(STORE_EVENT_MESSAGE_CREATED, 6, 6, 6, "ann", "text");

    (void)state;
    assert_true(recent_entry(&entry, event));
    for (size_t n = 0; n < entry.len; n++) {
        recent_open(&w, arena, STREAM, EPOCH, 5, 6);
        recent_take(&w, entry.data, n);
        assert_true(w.wrong);
    }
    recent_open(&w, arena, "c:elsewhere", EPOCH, 5, 6);
    recent_take(&w, entry.data, entry.len);
    assert_true(w.wrong);
    buf_free(&entry);
    event_unref(event);

    recent_open(&w, arena, STREAM, EPOCH, 5, 6);
    take_message(&w, 5, 5);
    take(&w, about(STORE_EVENT_MESSAGE_CREATED, 6, 6, 9, "ann", "a number too high"));
    recent_close(&w);
    assert_int_equal(page(&w, STORE_NEWEST, 0, 1, &a), RECENT_WRONG);
    recent_open(&w, arena, STREAM, EPOCH, 6, 6);
    take(&w, about(STORE_EVENT_MESSAGE_CREATED, 6, 7, 6, "ann", "of another place"));
    recent_close(&w);
    assert_int_equal(page(&w, STORE_NEWEST, 0, 1, &a), RECENT_WRONG);
    recent_open(&w, arena, STREAM, EPOCH, 6, 6);
    take(&w, make(STORE_EVENT_MESSAGE_CREATED, EPOCH, 6, "\"message\":7"));
    recent_close(&w);
    assert_int_equal(page(&w, STORE_NEWEST, 0, 1, &a), RECENT_WRONG);
}

static void events_come_out_as_they_went_in(void **state)
{
    struct recent w = messages(1, 3);
    struct event *event = recent_event(&w, 2);
    struct event *same = about(STORE_EVENT_MESSAGE_CREATED, 2, 2, 2, "bob", "text 2");

    (void)state;
    assert_string_equal(event->stream, STREAM);
    assert_string_equal(event->epoch, EPOCH);
    assert_int_equal(event->seq, 2);
    assert_int_equal(event->frame->len, same->frame->len);
    assert_memory_equal(event->frame->bytes, same->frame->bytes, same->frame->len);
    event_unref(event);
    event_unref(same);
}

static void a_window_and_its_entries_are_bounded(void **state)
{
    struct recent w;
    struct buf entry = {0};
    struct buf text = {0};

    (void)state;
    recent_open(&w, arena, STREAM, EPOCH, 1, 100000);
    assert_int_equal(w.to - w.from + 1, RECENT_EVENTS);
    while (text.len < RECENT_BYTES)
        buf_puts(&text, "words ");
    struct event *event = about(STORE_EVENT_MESSAGE_CREATED, 6, 6, 6, "ann", text.data);
    assert_false(recent_entry(&entry, event));
    event_unref(event);
    buf_free(&entry);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_page_ends_the_window),
        cmocka_unit_test(pages_within_the_window_are_those_of_the_store),
        cmocka_unit_test(a_window_from_the_beginning_has_all),
        cmocka_unit_test(what_a_message_has_become_is_what_is_shown),
        cmocka_unit_test(a_hole_ends_the_window),
        cmocka_unit_test(other_epochs_and_positions_are_left_out),
        cmocka_unit_test(two_that_differ_for_one_place_are_both_not_believed),
        cmocka_unit_test(nonsense_is_noticed),
        cmocka_unit_test(events_come_out_as_they_went_in),
        cmocka_unit_test(a_window_and_its_entries_are_bounded),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
