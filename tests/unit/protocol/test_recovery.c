#include "tests/unit/testing.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "protocol/recovery.h"

static const struct stream_position positions[] = {
    {"c:a", "e1", 5}, {"c:b", "", 0}, {"u:me", "e1", 12}};

/* The rows as "c:a e1 5|u:me e1 left|". */
static void assert_rows(const char *pid, const char *offset, const char *expected)
{
    struct recovery r;
    struct buf got = {0};

    assert_true(recovery_parse(pid, offset, &r));
    (void)buf_reserve(&got, 1);
    buf_puts(&got, "");
    for (size_t i = 0; i < r.n; i++) {
        buf_printf(&got, "%s %s ", r.rows[i].at.stream, r.rows[i].at.epoch);
        if (r.rows[i].left)
            buf_puts(&got, "left|");
        else
            buf_printf(&got, "%llu|", (unsigned long long)r.rows[i].at.seq);
    }
    assert_string_equal(got.data, expected);
    buf_free(&got);
    recovery_free(&r);
}

static void assert_none(const char *pid, const char *offset)
{
    struct recovery r;

    if (recovery_parse(pid, offset, &r))
        fail_msg("%s and %s were taken", pid, offset == NULL ? "no offset" : offset);
    assert_null(r.rows);
    assert_null(r.pid);
}

static void a_pid_says_where_a_connection_began(void **state)
{
    (void)state;
    struct buf pid = {0};

    assert_true(recovery_put_pid(&pid, positions, ARRAY_LEN(positions)));
    assert_string_equal(pid.data + RECOVERY_TAG_LEN, "~c:a~e1~5~c:b~~0~u:me~e1~12");
    assert_rows(pid.data, NULL, "c:a e1 5|c:b  0|u:me e1 12|");
    buf_free(&pid);
}

static void no_two_pids_are_the_same(void **state)
{
    (void)state;
    struct buf one = {0};
    struct buf two = {0};

    assert_true(recovery_put_pid(&one, positions, 3));
    assert_true(recovery_put_pid(&two, positions, 3));
    assert_string_not_equal(one.data, two.data);
    buf_free(&one);
    buf_free(&two);
}

static void an_offset_says_what_has_changed_since(void **state)
{
    (void)state;
    struct buf offset = {0};

    buf_puts(&offset, "AAAAAAAA");
    recovery_put_moved(&offset, 0, 9007199254740991);
    recovery_put_left(&offset, 2);
    recovery_put_joined(&offset, &(struct stream_position){"c:b", "e2", 3});
    recovery_put_joined(&offset, &(struct stream_position){"c:z", "e1", 7});
    assert_string_equal(offset.data, "AAAAAAAA,0.9007199254740991,2.x,c:b~e2~3,c:z~e1~7");
    assert_rows("AAAAAAAA~c:a~e1~5~c:b~~0~u:me~e1~12", offset.data,
                "c:a e1 9007199254740991|c:b e2 3|u:me e1 left|c:z e1 7|");
    assert_rows("AAAAAAAA~c:a~e1~5", "AAAAAAAA", "c:a e1 5|");
    assert_rows("AAAAAAAA", "AAAAAAAA", "");
    buf_free(&offset);
}

static void an_offset_of_another_connection_is_refused(void **state)
{
    (void)state;
    assert_none("AAAAAAAA~c:a~e1~5", "BAAAAAAA,0.6");
    assert_none("AAAAAAAA~c:a~e1~5", RECOVERY_NO_OFFSET);
    assert_none("AAAAAAAA~c:a~e1~5", "");
}

static void what_nobody_has_written_is_refused(void **state)
{
    (void)state;
    static const char *const pids[] = {"",
                                       "A",
                                       "AAAAAAAAA",
                                       "AAAAAAA!",
                                       "AAAAAAAA~",
                                       "AAAAAAAA~c:a",
                                       "AAAAAAAA~c:a~e1",
                                       "AAAAAAAA~c:a~e1~",
                                       "AAAAAAAA~c:a~e1~x",
                                       "AAAAAAAA~c:a~e1~-1",
                                       "AAAAAAAA~c:a~e1~9007199254740992",
                                       "AAAAAAAA~c:a~e1~99999999999999999999999",
                                       "AAAAAAAA~c:a~e1~5~",
                                       "AAAAAAAA~c:~e1~5",
                                       "AAAAAAAA~x:a~e1~5",
                                       "AAAAAAAA~c:a,b~e1~5",
                                       "AAAAAAAA~c:a~an-epoch-of-17-ch~5",
                                       "AAAAAAAA~c:a~\"~5",
                                       "AAAAAAAA~c:b~e1~5~c:a~e1~5",
                                       "AAAAAAAA~c:a~e1~5~c:a~e1~5"};
    static const char *const changes[] = {
        ",",        ",0",         ",0.",      ",1.5",
        ",-1.5",    ",0.-5",      ",0.xx",    ",0.y",
        ",a.5",     ",0.5,",      ",c:b",     ",c:b~e1",
        ",0.5.5",   ",c:b~e1~5~", ",c:b~e1~", ",c:b~e1~9007199254740992",
        "~c:b~e~5", ",9999999.5"};
    char offset[64];

    for (size_t i = 0; i < ARRAY_LEN(pids); i++)
        assert_none(pids[i], NULL);
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        (void)snprintf(offset, sizeof(offset), "AAAAAAAA%s", changes[i]);
        assert_none("AAAAAAAA~c:a~e1~5", offset);
    }
}

static void what_cannot_be_written_gives_no_pid(void **state)
{
    (void)state;
    struct buf pid = {0};
    static struct stream_position many[2000];

    assert_false(recovery_put_pid(&pid, &(struct stream_position){"c:a", "e~", 5}, 1));
    assert_false(recovery_put_pid(&pid, &(struct stream_position){"c:a", "\"", 5}, 1));
    assert_false(recovery_put_pid(&pid, &(struct stream_position){"stream", "e", 5}, 1));
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = (struct stream_position){"c:abcdefghijklmnopqrstuvwxyz", "e", 1};
    assert_false(recovery_put_pid(&pid, many, ARRAY_LEN(many))); /* 32 KB at most */
    assert_int_equal(pid.len, 0);
    assert_true(recovery_put_pid(&pid, many, 500));
    buf_free(&pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pid_says_where_a_connection_began),
        cmocka_unit_test(no_two_pids_are_the_same),
        cmocka_unit_test(an_offset_says_what_has_changed_since),
        cmocka_unit_test(an_offset_of_another_connection_is_refused),
        cmocka_unit_test(what_nobody_has_written_is_refused),
        cmocka_unit_test(what_cannot_be_written_gives_no_pid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
