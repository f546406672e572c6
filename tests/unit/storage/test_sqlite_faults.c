/* test_sqlite_faults.c - a disk that is full, broken or read-only, and pages that are damaged:
 * nothing acked is lost, reads go on where they can, writing resumes by itself. */
#include "tests/unit/testing.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/macros.h"
#include "tests/unit/storage/bed.h"
#include "tests/unit/storage/fault_vfs.h"

static struct bed *bed;
static const char *ann, *general;

static void works_again(void)
{
    fault_writes(0);
    fault_syncs(0);
    fault_reads(0);
}

static int create_bed(void **state)
{
    (void)state;
    works_again();
    bed = bed_create();
    ann = bed_user(bed, "ann");
    general = bed_channel(bed, ann, "general");
    (void)bed_send(bed, ann, general, "before");
    return 0;
}

static int destroy_bed(void **state)
{
    (void)state;
    works_again();
    bed_destroy(&bed);
    return 0;
}

static struct store_req *send_req(const char *text, const char *client_msg_id)
{
    struct store_req *req = bed_req(bed, STORE_MESSAGE_SEND, ann);

    req->in.send.channel = general;
    req->in.send.text = text;
    req->in.send.client_msg_id = client_msg_id;
    return req;
}

static struct store_req *history(uint32_t limit)
{
    struct store_req *req = bed_req(bed, STORE_HISTORY, ann);

    req->in.history.channel = general;
    req->in.history.limit = limit;
    (void)bed_do(bed, req);
    return req;
}

static void wait_writable(void)
{
    char reason[256];
    uint64_t deadline = clock_monotonic_ns() + UINT64_C(20000000000);

    while (!store_is_writable(bed->store, reason)) {
        if (clock_monotonic_ns() > deadline)
            fail_msg("still not writable after 20 s: %s", reason);
        (void)usleep(2000);
    }
}

/* Nothing is missing and nothing is there twice. */
static void expect_texts(const char *const *texts, size_t n)
{
    struct store_req *req = history(200);

    assert_int_equal(req->err, ERR_OK);
    assert_int_equal(req->out.n, n);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(req->out.messages[i].text, texts[i]);
        assert_int_equal(req->out.messages[i].msg_no, i + 1);
    }
}

static void fails_and_recovers(const char *cause)
{
    static const char *const texts[] = {"before", "retried", "after"};
    char reason[256];
    struct store_req *req = send_req("retried", "r1");

    assert_int_equal(bed_do(bed, req), ERR_UNAVAILABLE);
    assert_non_null(req->reason);
    assert_null(req->out.message.id);
    assert_false(store_is_writable(bed->store, reason));
    assert_non_null(strstr(reason, bed->path));
    assert_non_null(strstr(reason, cause));
    expect_texts(texts, 1); /* reading goes on */
    assert_int_equal(bed_do(bed, send_req("at once", NULL)), ERR_UNAVAILABLE);
    works_again();
    wait_writable();
    assert_true(store_is_writable(bed->store, reason));
    assert_string_equal(reason, "");
    req = send_req("retried", "r1");
    assert_int_equal(bed_do(bed, req), ERR_OK);
    assert_false(req->out.duplicate);
    (void)bed_send(bed, ann, general, "after");
    expect_texts(texts, ARRAY_LEN(texts));
    bed_reopen(bed);
    expect_texts(texts, ARRAY_LEN(texts));
}

static void a_full_disk_stops_writing_until_there_is_space(void **state)
{
    (void)state;
    fault_writes(SQLITE_FULL);
    fails_and_recovers("no space left");
}

static void a_disk_that_fails_in_the_middle_of_a_commit_loses_nothing(void **state)
{
    (void)state;
    fault_writes(SQLITE_IOERR_WRITE);
    fails_and_recovers("input/output error");
}

static void a_sync_that_fails_acks_nothing(void **state)
{
    (void)state;
    fault_syncs(SQLITE_IOERR_FSYNC);
    fails_and_recovers("input/output error");
}

static void a_file_that_became_read_only_stops_writing(void **state)
{
    (void)state;
    fault_writes(SQLITE_READONLY);
    fails_and_recovers("read-only");
}

static void another_program_that_holds_the_lock_only_delays(void **state)
{
    sqlite3 *other = NULL;
    char reason[256];

    (void)state;
    assert_int_equal(sqlite3_open_v2(bed->path, &other, SQLITE_OPEN_READWRITE, "unix"), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(bed_do(bed, send_req("locked out", NULL)), ERR_UNAVAILABLE);
    assert_false(store_is_writable(bed->store, reason));
    assert_non_null(strstr(reason, "locked by another program"));
    assert_int_equal(history(10)->out.n, 1);
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    wait_writable();
    assert_int_equal(bed_send(bed, ann, general, "in again").msg_no, 2);
}

static void a_batch_that_fails_fails_as_a_whole(void **state)
{
    static char long_text[8000]; /* the batch takes many more writes than are let through */
    struct store_req *reqs[64];
    size_t acked = 0;

    (void)state;
    memset(long_text, 'x', sizeof(long_text) - 1);
    fault_writes(SQLITE_FULL);
    fault_after(3);
    for (size_t i = 0; i < ARRAY_LEN(reqs); i++) {
        reqs[i] = send_req(long_text, NULL);
        bed_submit(bed, reqs[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(reqs); i++) {
        bed_wait(bed, reqs[i]);
        acked += reqs[i]->err == ERR_OK ? 1 : 0;
    }
    assert_true(acked < ARRAY_LEN(reqs));
    works_again();
    wait_writable();
    bed_reopen(bed);
    struct store_req *req = history(200);
    assert_int_equal(req->out.n, 1 + acked); /* all that were acked, nothing else */
    struct store_message m = bed_send(bed, ann, general, "next");
    assert_int_equal(m.msg_no, 2 + acked); /* no hole where the failed ones were */
}

/* Long texts until the log was copied into the database, and a while longer. How many. */
static size_t fill_log(void)
{
    static char long_text[30000];
    uint64_t deadline = clock_monotonic_ns() + UINT64_C(40000000000);
    struct store_req *reqs[100];
    size_t sent = 0;

    memset(long_text, 'x', sizeof(long_text) - 1);
    for (int after = 0; after < 3; after += fault_has_lost_pages() ? 1 : 0) {
        if (clock_monotonic_ns() > deadline)
            fail_msg("the log was not copied after %zu messages", sent);
        for (size_t i = 0; i < ARRAY_LEN(reqs); i++) {
            reqs[i] = send_req(long_text, NULL);
            bed_submit(bed, reqs[i]);
        }
        for (size_t i = 0; i < ARRAY_LEN(reqs); i++) {
            bed_wait(bed, reqs[i]);
            assert_int_equal(reqs[i]->err, ERR_OK);
        }
        sent += ARRAY_LEN(reqs);
    }
    return sent;
}

static void assert_intact(void)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;

    assert_int_equal(sqlite3_open_v2(bed->path, &db, SQLITE_OPEN_READWRITE, "unix"), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "ok");
    sqlite3_finalize(stmt);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void pages_that_a_failed_sync_has_lost_come_from_the_log(void **state)
{
    struct store_message m;
    uint64_t seq = 0;

    (void)state;
    fault_loses_pages();
    size_t sent = fill_log();
    bed_reopen(bed);
    for (size_t left = sent + 1; left > 0;) {
        struct store_req *req = bed_req(bed, STORE_HISTORY, ann);
        req->in.history.channel = general;
        req->in.history.from = STORE_AFTER;
        req->in.history.seq = seq;
        req->in.history.limit = 50;
        assert_int_equal(bed_do(bed, req), ERR_OK);
        assert_in_range(req->out.n, 1, left);
        left -= req->out.n;
        seq = req->out.messages[req->out.n - 1].seq;
    }
    m = bed_send(bed, ann, general, "next");
    assert_int_equal(m.msg_no, sent + 2);
    bed_close(bed);
    assert_intact();
    bed_must_open(bed);
}

static void what_cannot_be_read_fails_alone(void **state)
{
    (void)state;
    bed_reopen(bed); /* nothing is cached */
    fault_reads(SQLITE_IOERR_READ);
    struct store_req *req = history(10);
    assert_int_equal(req->err, ERR_UNAVAILABLE);
    assert_null(req->out.messages);
    works_again();
    assert_int_equal(history(10)->err, ERR_OK);
    assert_int_equal(history(10)->out.n, 1);
}

/* -- damage ---------------------------------------------------------------------------------- */

enum { PAGE = 4096, MANY = 600 };

/* A leaf of TABLE from the middle of it becomes rubbish. */
static void damage_leaf(const char *table)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    unsigned char rubbish[PAGE];
    int page = 0;

    assert_int_equal(sqlite3_open_v2(bed->path, &db, SQLITE_OPEN_READONLY, "unix"), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT pageno FROM dbstat WHERE name = ?1 AND"
                                        " pagetype = 'leaf' ORDER BY path LIMIT 1 OFFSET 4",
                                        -1, &stmt, NULL),
                     SQLITE_OK);
    sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    page = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    memset(rubbish, 0x5a, sizeof(rubbish));
    int fd = open(bed->path, O_WRONLY);
    assert_int_equal(pwrite(fd, rubbish, PAGE, (off_t)(page - 1) * PAGE), PAGE);
    assert_int_equal(close(fd), 0);
}

static void a_damaged_page_fails_only_what_touches_it(void **state)
{
    const char *first = NULL;
    struct store_req *reqs[8];
    char error[512];

    (void)state;
    for (int i = 0; i < MANY; i++) {
        struct store_message m = bed_send(bed, ann, general, "a text of some length to fill pages");
        first = i == 100 ? m.id : first;
    }
    bed_close(bed);
    damage_leaf("messages");
    bed_must_open(bed); /* it starts: nothing reads the whole file */
    assert_int_equal(history(20)->err, ERR_OK);
    size_t failed = 0;
    for (uint64_t seq = 1; seq < MANY; seq += 20) {
        struct store_req *req = bed_req(bed, STORE_HISTORY, ann);
        req->in.history.channel = general;
        req->in.history.from = STORE_AFTER;
        req->in.history.seq = seq;
        req->in.history.limit = 10;
        if (bed_do(bed, req) != ERR_OK) {
            assert_int_equal(req->err, ERR_INTERNAL);
            failed++;
        }
    }
    assert_in_range(failed, 1, 10);
    for (size_t i = 0; i < ARRAY_LEN(reqs); i++) { /* in one batch with writes that are fine */
        reqs[i] = send_req("fine", NULL);
        if (i == 3) {
            reqs[i] = bed_req(bed, STORE_MESSAGE_DELETE, ann);
            reqs[i]->in.message.message = first;
        }
        bed_submit(bed, reqs[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(reqs); i++) {
        bed_wait(bed, reqs[i]);
        assert_true(reqs[i]->err == ERR_OK || (i == 3 && reqs[i]->err == ERR_INTERNAL));
    }
    assert_true(store_is_writable(bed->store, error));
    bed_close(bed);
    assert_int_equal(store_rebuild(bed->url, NULL, NULL, error), ERR_INTERNAL);
    assert_non_null(strstr(error, "damaged"));
    assert_non_null(strstr(error, "restore a backup"));
}

static void rows_of_any_type_do_not_crash(void **state)
{
    static const char spoil[] =
        "PRAGMA ignore_check_constraints = 1; PRAGMA writable_schema = 1;"
        "UPDATE users SET role = 77, created_at = 'noon', display_name = x'00ff00';"
        "UPDATE channels SET type = -5, topic = 12.5, members = -3, created_at = 'x';"
        "UPDATE members SET role = 'boss', read_seq = -1, read_no = 1e300;"
        "UPDATE streams SET epoch = printf('%.*c', 500, 'e');"
        "UPDATE messages SET text = x'c3', mentions = '  ,  x', msg_no = 'many', author = 99;"
        "UPDATE events SET type = 1000, data = x'00', subject = 7;"
        "UPDATE sessions SET expires_at = 'never'";
    static const enum store_op reads[] = {STORE_SNAPSHOT,    STORE_USER_GET,    STORE_USER_LIST,
                                          STORE_CHANNEL_GET, STORE_HISTORY,     STORE_CHANNEL_LIST,
                                          STORE_STATS,       STORE_INVITE_LIST, STORE_SESSION_LIST};

    (void)state;
    bed_close(bed);
    bed_sql(bed, spoil);
    bed_must_open(bed);
    for (size_t i = 0; i < ARRAY_LEN(reads); i++) {
        struct store_req *req = bed_req(bed, reads[i], NULL);
        req->in.user.user = ann; /* lies where in.history.channel does */
        if (reads[i] == STORE_HISTORY || reads[i] == STORE_CHANNEL_GET)
            req->in.history.channel = general;
        if (reads[i] == STORE_HISTORY)
            req->in.history.limit = 50;
        if (reads[i] == STORE_USER_LIST || reads[i] == STORE_CHANNEL_LIST)
            req->in.page = (struct store_page){.limit = 50};
        (void)bed_do(bed, req);
    }
    char stream[STORE_STREAM_SIZE];
    (void)snprintf(stream, sizeof(stream), "c:%s", general);
    assert_non_null(bed_log(bed, stream));
    (void)bed_do(bed, send_req("@ann still", NULL));
    bed_close(bed);
    char error[512];
    assert_int_not_equal(store_rebuild(bed->url, NULL, NULL, error), ERR_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, create_bed, destroy_bed)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_full_disk_stops_writing_until_there_is_space),
        TEST(a_disk_that_fails_in_the_middle_of_a_commit_loses_nothing),
        TEST(a_sync_that_fails_acks_nothing),
        TEST(a_file_that_became_read_only_stops_writing),
        TEST(another_program_that_holds_the_lock_only_delays),
        TEST(a_batch_that_fails_fails_as_a_whole),
        TEST(pages_that_a_failed_sync_has_lost_come_from_the_log),
        TEST(what_cannot_be_read_fails_alone),
        TEST(a_damaged_page_fails_only_what_touches_it),
        TEST(rows_of_any_type_do_not_crash),
    };
    fault_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
