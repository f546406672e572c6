#include "tests/unit/testing.h"

#include <stdio.h>
#include <string.h>

#include "storage/map.h"

enum { MANY = 5000 };

static void what_was_put_is_found(void **state)
{
    static char keys[MANY][16];
    struct map map = {0};

    (void)state;
    assert_null(map_get(&map, "a", 1));
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "key%d", i);
        map_put(&map, keys[i], strlen(keys[i]), keys[i]);
    }
    for (int i = 0; i < MANY; i++)
        assert_ptr_equal(map_get(&map, keys[i], strlen(keys[i])), keys[i]);
    assert_null(map_get(&map, "key", 3));
    assert_null(map_get(&map, "key1\0", 5));
    map_free(&map);
}

static void a_cleared_map_is_empty_and_usable(void **state)
{
    struct map map = {0};
    int value = 1;

    (void)state;
    map_put(&map, "a", 1, &value);
    map_clear(&map);
    assert_null(map_get(&map, "a", 1));
    map_put(&map, "a", 1, &value);
    assert_ptr_equal(map_get(&map, "a", 1), &value);
    map_clear(&map);
    map_clear(&map);
    map_free(&map);
}

static void keys_may_be_any_bytes(void **state)
{
    int64_t a[2] = {1, 256};
    int64_t b[2] = {256, 1};
    struct map map = {0};

    (void)state;
    map_put(&map, a, sizeof(a), a);
    assert_ptr_equal(map_get(&map, a, sizeof(a)), a);
    assert_null(map_get(&map, b, sizeof(b)));
    map_free(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found),
        cmocka_unit_test(a_cleared_map_is_empty_and_usable),
        cmocka_unit_test(keys_may_be_any_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
