#include "tests/unit/testing.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "server/password.h"

/* Outcomes as they come, with a way to wait for them. */
struct outcomes {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct password_result results[64];
    size_t n;
    bool hold; /* the callback does not return while this is set */
    size_t inside;
};

static struct outcomes outcomes = {
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, {{0}}, 0, false, 0};

static void note(void *arg, const struct password_result *result)
{
    struct outcomes *o = arg;

    assert_int_equal(pthread_mutex_lock(&o->lock), 0);
    o->inside++;
    (void)pthread_cond_broadcast(&o->more);
    while (o->hold)
        (void)pthread_cond_wait(&o->more, &o->lock);
    o->inside--;
    o->results[o->n++] = *result;
    (void)pthread_cond_broadcast(&o->more);
    assert_int_equal(pthread_mutex_unlock(&o->lock), 0);
}

/* The only outcome, once there. */
static const struct password_result *wait_one(void)
{
    static struct password_result result;

    (void)pthread_mutex_lock(&outcomes.lock);
    while (outcomes.n == 0)
        (void)pthread_cond_wait(&outcomes.more, &outcomes.lock);
    result = outcomes.results[--outcomes.n];
    (void)pthread_mutex_unlock(&outcomes.lock);
    return &result;
}

static const struct password_result *verify(struct password_pool *pool, const char *password,
                                            const char *hash)
{
    assert_int_equal(password_verify_async(pool, password, hash, note, &outcomes), ERR_OK);
    return wait_one();
}

static int create(void **state)
{
    *state = password_pool_create(&(struct password_options){.threads = 1});
    return 0;
}

static int destroy(void **state)
{
    password_pool_destroy((struct password_pool **)state);
    return *state != NULL;
}

static void a_hash_verifies_its_password_and_no_other(void **state)
{
    char hash[PASSWORD_HASH_SIZE];

    assert_int_equal(password_hash_async(*state, "correct horse", note, &outcomes), ERR_OK);
    const struct password_result *made = wait_one();
    assert_int_equal(made->err, ERR_OK);
    assert_int_equal(strncmp(made->hash, "$argon2id$v=19$m=19456,t=2,p=1$", 31), 0);
    strcpy(hash, made->hash);
    assert_true(verify(*state, "correct horse", hash)->matches);
    assert_false(verify(*state, "correct horse", hash)->needs_rehash);
    assert_false(verify(*state, "Correct horse", hash)->matches);
    assert_false(verify(*state, "", hash)->matches);
}

static void an_unknown_name_takes_as_long_and_never_matches(void **state)
{
    char hash[PASSWORD_HASH_SIZE];
    uint64_t known = 0;
    uint64_t unknown = 0;

    assert_int_equal(password_hash_async(*state, "secret", note, &outcomes), ERR_OK);
    strcpy(hash, wait_one()->hash);
    for (int i = 0; i < 5; i++) {
        uint64_t start = clock_monotonic_ns();
        assert_false(verify(*state, "wrong", hash)->matches);
        uint64_t middle = clock_monotonic_ns();
        assert_false(verify(*state, "wrong", NULL)->matches);
        known += middle - start;
        unknown += clock_monotonic_ns() - middle;
    }
    assert_true(unknown > known / 4 && known > unknown / 4);
}

static void a_malformed_hash_never_matches(void **state)
{
    char longer[400];

    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    assert_false(verify(*state, "x", "")->matches);
    assert_false(verify(*state, "x", "$argon2id$")->matches);
    assert_false(verify(*state, "x", longer)->matches);
}

static void a_hash_with_other_parameters_asks_for_a_new_one(void **state)
{
    char hash[PASSWORD_HASH_SIZE];
    struct password_pool *stronger = password_pool_create(&(struct password_options){.passes = 3});

    assert_int_equal(password_hash_async(*state, "secret", note, &outcomes), ERR_OK);
    strcpy(hash, wait_one()->hash);
    const struct password_result *result = verify(stronger, "secret", hash);
    assert_true(result->matches && result->needs_rehash);
    result = verify(stronger, "wrong", hash);
    assert_true(!result->matches && !result->needs_rehash);
    password_pool_destroy(&stronger);
}

static void hold(bool on)
{
    (void)pthread_mutex_lock(&outcomes.lock);
    outcomes.hold = on;
    (void)pthread_cond_broadcast(&outcomes.more);
    (void)pthread_mutex_unlock(&outcomes.lock);
}

static void wait_inside(void)
{
    (void)pthread_mutex_lock(&outcomes.lock);
    while (outcomes.inside == 0)
        (void)pthread_cond_wait(&outcomes.more, &outcomes.lock);
    (void)pthread_mutex_unlock(&outcomes.lock);
}

static void a_full_queue_refuses_at_once(void **state)
{
    (void)state;
    struct password_pool *pool =
        password_pool_create(&(struct password_options){.threads = 1, .queue_max = 2});

    hold(true);
    assert_int_equal(password_verify_async(pool, "a", "", note, &outcomes), ERR_OK);
    wait_inside(); /* its thread is busy from here on */
    assert_int_equal(password_verify_async(pool, "b", "", note, &outcomes), ERR_OK);
    assert_int_equal(password_hash_async(pool, "c", note, &outcomes), ERR_OK);
    assert_int_equal(password_queue_depth(pool), 2);
    assert_int_equal(password_verify_async(pool, "d", "", note, &outcomes), ERR_UNAVAILABLE);
    assert_int_equal(password_hash_async(pool, "e", note, &outcomes), ERR_UNAVAILABLE);
    hold(false);
    for (int i = 0; i < 3; i++)
        assert_int_equal(wait_one()->err, ERR_OK);
    password_pool_destroy(&pool);
}

static void *release(void *arg)
{
    (void)arg;
    hold(false);
    return NULL;
}

static void destroying_answers_everything_that_waits(void **state)
{
    (void)state;
    struct password_pool *pool = password_pool_create(&(struct password_options){.threads = 2});
    pthread_t releaser;

    hold(true);
    for (int i = 0; i < 10; i++)
        assert_int_equal(password_verify_async(pool, "a", "", note, &outcomes), ERR_OK);
    wait_inside();
    assert_int_equal(pthread_create(&releaser, NULL, release, NULL), 0);
    password_pool_destroy(&pool);
    assert_int_equal(pthread_join(releaser, NULL), 0);
    assert_null(pool);
    assert_int_equal(outcomes.n, 10);
    for (int i = 0; i < 10; i++) {
        enum err err = wait_one()->err;
        assert_true(err == ERR_OK || err == ERR_UNAVAILABLE);
    }
    password_pool_destroy(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_hash_verifies_its_password_and_no_other, create, destroy),
        cmocka_unit_test_setup_teardown(an_unknown_name_takes_as_long_and_never_matches, create,
                                        destroy),
        cmocka_unit_test_setup_teardown(a_malformed_hash_never_matches, create, destroy),
        cmocka_unit_test_setup_teardown(a_hash_with_other_parameters_asks_for_a_new_one, create,
                                        destroy),
        cmocka_unit_test(a_full_queue_refuses_at_once),
        cmocka_unit_test(destroying_answers_everything_that_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
