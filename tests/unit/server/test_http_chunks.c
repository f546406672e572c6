#include "tests/unit/testing.h"

#include <string.h>

#include "server/http_chunks.h"

/* The outcome when TEXT comes in pieces of STEP bytes. */
static enum http_chunks_outcome take(const char *text, size_t step, size_t max, struct buf *body)
{
    struct http_chunks chunks = {0};
    enum http_chunks_outcome outcome = CHUNKS_MORE;

    buf_clear(body);
    for (size_t at = 0, n = strlen(text); at < n && outcome == CHUNKS_MORE; at += step)
        outcome = http_chunks_take(&chunks, text + at, n - at < step ? n - at : step, max, body);
    return outcome;
}

static void chunks_are_put_together_however_they_come(void **state)
{
    (void)state;
    static const char text[] =
        "3\r\nabc\r\n0A;x=\"y\"\r\n0123456789\r\n0\r\nSum: 1\r\n\r\nGET / HTTP/1.1";
    struct buf body = {0};

    for (size_t step = 1; step <= sizeof(text); step++) {
        assert_int_equal(take(text, step, 13, &body), CHUNKS_WHOLE);
        assert_string_equal(body.data, "abc0123456789");
    }
    assert_int_equal(take("0\r\n\r\n", 9, 0, &body), CHUNKS_WHOLE);
    assert_int_equal(take("3\r\nabc\r\n0\r\n", 1, 13, &body), CHUNKS_MORE);
    buf_free(&body);
}

static void what_is_not_quite_right_is_broken(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\r\n",        "x\r\n",           "-1\r\n",   "0x1\r\n",       "1\nA",
        "1\r\nAB\r\n", "1\r\nA\n",        "1\rA",     "00000001\r\nA", "1 \n",
        "0\r\n\n",     "0\r\nA: b\n\r\n", "0\r\n\rx", ";\r\n",         " 1\r\nA\r\n",
    };
    struct buf body = {0};

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (take(bad[i], 1, 100, &body) != CHUNKS_BROKEN)
            fail_msg("taken: %s", bad[i]);
    buf_free(&body);
}

static void more_than_the_bound_is_refused_by_the_size_of_its_chunk(void **state)
{
    (void)state;
    struct buf body = {0};

    assert_int_equal(take("2\r\n", 1, 1, &body), CHUNKS_TOO_LARGE);
    assert_int_equal(take("fffffff\r\n", 1, 65536, &body), CHUNKS_TOO_LARGE);
    assert_int_equal(take("1\r\nA\r\n1\r\n", 1, 1, &body), CHUNKS_TOO_LARGE);
    buf_free(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_are_put_together_however_they_come),
        cmocka_unit_test(what_is_not_quite_right_is_broken),
        cmocka_unit_test(more_than_the_bound_is_refused_by_the_size_of_its_chunk),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
