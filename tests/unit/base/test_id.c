#include "tests/unit/testing.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"

enum { THREADS = 4, IDS_EACH = 20000 };

static void ids_of_a_thread_increase_strictly(void **state)
{
    (void)state;
    char last[ID_SIZE] = "";
    char id[ID_SIZE];

    for (int i = 0; i < 200000; i++) {
        id_make(id);
        assert_true(strcmp(last, id) < 0);
        memcpy(last, id, sizeof(id));
    }
}

static void *make_ids(void *arg)
{
    char(*ids)[ID_SIZE] = arg;

    for (int i = 0; i < IDS_EACH; i++)
        id_make(ids[i]);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void ids_of_many_threads_are_unique(void **state)
{
    (void)state;
    char(*ids)[ID_SIZE] = malloc(sizeof(*ids) * THREADS * IDS_EACH);
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_ids, ids + i * IDS_EACH), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    qsort(ids, (size_t)THREADS * IDS_EACH, sizeof(*ids), compare);
    for (int i = 1; i < THREADS * IDS_EACH; i++)
        assert_true(strcmp(ids[i - 1], ids[i]) < 0);
    free(ids);
}

static unsigned digit_value(char c)
{
    return (unsigned)(strchr("0123456789abcdefghjkmnpqrstvwxyz", c) -
                      "0123456789abcdefghjkmnpqrstvwxyz");
}

/* Back to the 16 bytes of the UUID. */
static void decode(const char *id, unsigned char uuid[16])
{
    memset(uuid, 0, 16);
    for (size_t i = 0; i < ID_SIZE - 1; i++)
        for (size_t b = 0; b < 5; b++) {
            size_t bit = 5 * i + b; /* of 130: two zero bits lead */
            if (bit >= 2 && (digit_value(id[i]) >> (4 - b) & 1) != 0)
                uuid[(bit - 2) / 8] |= (unsigned char)(0x80 >> (bit - 2) % 8);
        }
}

static void an_id_is_a_uuid_of_version_7_with_the_time(void **state)
{
    (void)state;
    unsigned char uuid[16];
    char id[ID_SIZE];
    int64_t ms = 0;

    int64_t before = clock_unix_ms();
    id_make(id);
    int64_t after = clock_unix_ms();
    assert_int_equal(strlen(id), ID_SIZE - 1);
    assert_true(id_is_valid(id));
    decode(id, uuid);
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | uuid[i];
    /* A thread that makes more than 2,048 ids in a millisecond borrows from the next ones. */
    assert_in_range(ms, before, after + 1000);
    assert_int_equal(uuid[6] >> 4, 7);
    assert_int_equal(uuid[8] >> 6, 2);
}

static void an_id_has_1_to_36_letters_digits_hyphens_and_underscores(void **state)
{
    (void)state;
    assert_true(id_is_valid("a"));
    assert_true(id_is_valid("AZaz09_-"));
    assert_true(id_is_valid("0123456789abcdef0123456789abcdef0123"));
    assert_false(id_is_valid("0123456789abcdef0123456789abcdef01234"));
    assert_false(id_is_valid(""));
    assert_false(id_is_valid("a b"));
    assert_false(id_is_valid("a.b"));
    assert_false(id_is_valid("../a"));
    assert_false(id_is_valid("\xc3\xa4"));
    assert_false(id_is_valid("a\n"));
}

static void tokens_are_long_and_never_the_same(void **state)
{
    (void)state;
    char a[TOKEN_SIZE];
    char b[TOKEN_SIZE];

    token_make(a);
    token_make(b);
    assert_int_equal(strlen(a), TOKEN_SIZE - 1);
    assert_string_not_equal(a, b);
    assert_int_equal(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
                     TOKEN_SIZE - 1);
}

static void a_hash_is_blake2b_256_in_hex(void **state)
{
    (void)state;
    char hex[HASH_HEX_SIZE];

    /* As `printf abc | b2sum -l 256` says. */
    token_hash("abc", hex);
    assert_string_equal(hex, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    token_hash("", hex);
    assert_string_equal(hex, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
}

static void random_bytes_fill_all_they_are_given(void **state)
{
    (void)state;
    unsigned char bytes[64] = {0};
    unsigned char seen[64] = {0};

    for (int round = 0; round < 20; round++) {
        random_bytes(bytes, sizeof(bytes));
        for (size_t i = 0; i < sizeof(bytes); i++)
            seen[i] |= bytes[i];
    }
    for (size_t i = 0; i < sizeof(seen); i++)
        assert_int_not_equal(seen[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_a_uuid_of_version_7_with_the_time),
        cmocka_unit_test(ids_of_a_thread_increase_strictly),
        cmocka_unit_test(ids_of_many_threads_are_unique),
        cmocka_unit_test(an_id_has_1_to_36_letters_digits_hyphens_and_underscores),
        cmocka_unit_test(tokens_are_long_and_never_the_same),
        cmocka_unit_test(a_hash_is_blake2b_256_in_hex),
        cmocka_unit_test(random_bytes_fill_all_they_are_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
