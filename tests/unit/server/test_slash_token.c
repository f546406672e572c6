#include "tests/unit/testing.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "server/slash_token.h"

static const struct slash_token said = {
    .hook = "01hook", .user = "01user", .run = "01run", .expires_at_s = 1800000000};

static void a_token_says_what_it_was_made_of(void **state)
{
    (void)state;
    char token[SLASH_TOKEN_SIZE];
    struct slash_token read;

    slash_token_make(&said, "secret", token);
    assert_true(slash_token_read(token, &read));
    assert_string_equal(read.hook, said.hook);
    assert_string_equal(read.user, said.user);
    assert_string_equal(read.run, said.run);
    assert_int_equal(read.expires_at_s, said.expires_at_s);
    assert_true(slash_token_is_true(token, "secret"));
    assert_false(slash_token_is_true(token, "secret2"));
    assert_false(slash_token_is_true(token, ""));
}

static void the_longest_ids_fit(void **state)
{
    (void)state;
    char token[SLASH_TOKEN_SIZE];
    struct slash_token longest = {.expires_at_s = 0xffffffffff};
    struct slash_token read;

    memset(longest.hook, 'h', ID_MAX);
    memset(longest.user, 'u', ID_MAX);
    memset(longest.run, 'r', ID_MAX);
    slash_token_make(&longest, "secret", token);
    assert_true(slash_token_read(token, &read));
    assert_memory_equal(&read, &longest, sizeof(read));
    assert_true(slash_token_is_true(token, "secret"));
}

static void no_byte_of_a_token_can_be_changed(void **state)
{
    (void)state;
    char token[SLASH_TOKEN_SIZE];
    char changed[SLASH_TOKEN_SIZE];

    slash_token_make(&said, "secret", token);
    for (size_t i = 0; i < strlen(token); i++) {
        memcpy(changed, token, sizeof(token));
        changed[i] = token[i] == 'A' ? 'B' : 'A';
        if (slash_token_is_true(changed, "secret"))
            fail_msg("byte %zu does not count", i);
    }
}

static void what_is_no_token_is_not_read(void **state)
{
    (void)state;
    static const char mac[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    static const char *const before[] = {
        "",           "h",         "h.u",        "h.u.r",
        "h.u.r.",     ".u.r.1.",   "h..r.1.",    "h.u..1.",
        "h.u.r..",    "h.u.r.x.",  "h.u.r.1.2.", "h.u.r.12345678901.",
        "h/x.u.r.1.", "h.u.r.-1.", "h h.u.r.1.", "0123456789012345678901234567890123456.u.r.1."};
    char text[512];
    struct slash_token read;

    for (size_t i = 0; i < ARRAY_LEN(before); i++) {
        (void)snprintf(text, sizeof(text), "%s%s", before[i], mac);
        if (slash_token_read(text, &read))
            fail_msg("%s is read", text);
    }
    (void)snprintf(text, sizeof(text), "h.u.r.1.%s", mac);
    assert_true(slash_token_read(text, &read));
    text[strlen(text) - 1] = '\0';
    assert_false(slash_token_read(text, &read));
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    assert_false(slash_token_read(text, &read));
    assert_false(slash_token_is_true("", "secret"));
    assert_false(slash_token_is_true("a.b", "secret"));
}

static void a_token_can_be_used_five_times(void **state)
{
    (void)state;
    struct slash_uses *uses = slash_uses_create(10);

    for (unsigned i = 1; i <= SLASH_USES_MAX; i++)
        assert_int_equal(slash_uses_take(uses, &said, 1000), i);
    assert_int_equal(slash_uses_take(uses, &said, 1000), 0);
    slash_uses_destroy(&uses);
    assert_null(uses);
}

static void uses_on_other_nodes_count(void **state)
{
    (void)state;
    struct slash_uses *uses = slash_uses_create(10);
    struct slash_token other = said;
    char key[SLASH_USE_KEY_SIZE];

    (void)snprintf(other.run, sizeof(other.run), "other");
    slash_use_key(&said, key);
    for (unsigned i = 1; i < SLASH_USES_MAX; i++)
        slash_uses_hear(uses, key, 1000);
    assert_int_equal(slash_uses_take(uses, &said, 1000), SLASH_USES_MAX);
    assert_int_equal(slash_uses_take(uses, &said, 1000), 0);
    slash_uses_hear(uses, key, 1000); /* more than there may be */
    assert_int_equal(slash_uses_take(uses, &said, 1000), 0);
    slash_uses_hear(uses, "n:other", 1000);
    slash_uses_hear(uses, "u:", 1000);
    slash_uses_hear(uses, "u:not an id", 1000);
    slash_uses_hear(uses, "", 1000);
    assert_int_equal(slash_uses_take(uses, &other, 1000), 1);
    slash_uses_destroy(&uses);
}

static void uses_are_forgotten_when_their_token_is_over(void **state)
{
    (void)state;
    struct slash_uses *uses = slash_uses_create(2);
    struct slash_token a = said, b = said, c = said;

    strcpy(a.run, "a");
    strcpy(b.run, "b");
    strcpy(c.run, "c");
    a.expires_at_s = 100;
    assert_int_equal(slash_uses_take(uses, &a, 50), 1);
    assert_int_equal(slash_uses_take(uses, &b, 50), 1);
    assert_int_equal(slash_uses_take(uses, &c, 50), 0); /* no room */
    assert_int_equal(slash_uses_take(uses, &b, 50), 2);
    assert_int_equal(slash_uses_take(uses, &c, 100), 1);
    assert_int_equal(slash_uses_take(uses, &b, 100), 3);
    slash_uses_destroy(&uses);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_says_what_it_was_made_of),
        cmocka_unit_test(the_longest_ids_fit),
        cmocka_unit_test(no_byte_of_a_token_can_be_changed),
        cmocka_unit_test(what_is_no_token_is_not_read),
        cmocka_unit_test(a_token_can_be_used_five_times),
        cmocka_unit_test(uses_on_other_nodes_count),
        cmocka_unit_test(uses_are_forgotten_when_their_token_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
