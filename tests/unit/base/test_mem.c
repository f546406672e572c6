#include "tests/unit/testing.h"

#include <signal.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

static bool is_zero(const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (((const unsigned char *)bytes)[i] != 0)
            return false;
    return true;
}

static void memory_of_no_size_can_be_had_and_freed(void **state)
{
    (void)state;
    void *a = mem_alloc(0);
    void *b = mem_zalloc(0);

    assert_non_null(a);
    assert_non_null(b);
    a = mem_realloc(a, 0);
    assert_non_null(a);
    free(a);
    free(b);
}

static void zeroed_memory_is_zero_and_strings_are_copied(void **state)
{
    (void)state;
    void *zero = mem_zalloc(1000);
    char *s = mem_strdup("abc");
    char *part = mem_strndup("abcdef", 3);

    assert_true(is_zero(zero, 1000));
    assert_string_equal(s, "abc");
    assert_string_equal(part, "abc");
    free(zero);
    free(s);
    free(part);
}

/* Runs FN in a child, which must abort. */
static void assert_aborts(void (*fn)(void))
{
    pid_t child = fork();
    int status = 0;

    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO);
        fn();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void multiply_too_far(void)
{
    (void)mem_realloc_array(NULL, SIZE_MAX / 2, 3);
}

static void round_too_far(void)
{
    (void)arena_alloc(arena_create(), SIZE_MAX - 2);
}

static void a_size_that_overflows_is_fatal(void **state)
{
    (void)state;
    assert_aborts(multiply_too_far);
    assert_aborts(round_too_far);
    free(mem_realloc_array(NULL, 10, 0));
}

static void an_arena_gives_zeroed_aligned_memory_of_every_size(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    size_t sum = 0;

    for (size_t size = 0; size < 5000; size += 7) {
        unsigned char *p = arena_alloc(arena, size);
        assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
        assert_true(is_zero(p, size));
        memset(p, 0xff, size);
        sum += size;
    }
    assert_true(arena_used(arena) >= sum);
    arena_destroy(&arena);
    assert_null(arena);
    arena_destroy(&arena);
}

static void what_an_arena_gave_stays_where_it_is(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    const char *first = arena_strdup(arena, "first");
    const char *part = arena_strndup(arena, "partial", 4);

    for (int i = 0; i < 1000; i++)
        (void)arena_alloc(arena, 100);
    assert_string_equal(first, "first");
    assert_string_equal(part, "part");
    assert_null(arena_strdup(arena, NULL));
    arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_of_no_size_can_be_had_and_freed),
        cmocka_unit_test(zeroed_memory_is_zero_and_strings_are_copied),
        cmocka_unit_test(a_size_that_overflows_is_fatal),
        cmocka_unit_test(an_arena_gives_zeroed_aligned_memory_of_every_size),
        cmocka_unit_test(what_an_arena_gave_stays_where_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
