#include "tests/unit/testing.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "server/presence.h"

/* What the last tick told, "ann=online bob=away ". */
static char told[4096];

static void note(void *arg, const char *user, enum presence_state state)
{
    size_t n = strlen(told);

    (void)arg;
    (void)snprintf(told + n, sizeof(told) - n, "%s=%s ", user, presence_name(state));
}

static const char *tick(struct presence *presence, uint64_t now_ms)
{
    told[0] = '\0';
    (void)presence_tick(presence, now_ms, note, NULL, NULL);
    return told;
}

/* What the last tick had to say to other nodes, "ann=o bob=- ". */
static char said[4096];

static void note_said(void *arg, const char *user, char letter)
{
    size_t n = strlen(said);

    (void)arg;
    (void)snprintf(said + n, sizeof(said) - n, "%s=%c ", user, letter);
}

/* "told|said" of a node in a cluster. */
static const char *shared_tick(struct presence *presence, uint64_t now_ms)
{
    static char both[sizeof(told) + sizeof(said) + 1];

    told[0] = said[0] = '\0';
    (void)presence_tick(presence, now_ms, note, note_said, NULL);
    (void)snprintf(both, sizeof(both), "%s|%s", told, said);
    return both;
}

static int create(void **state)
{
    *state = presence_create(PRESENCE_GRACE_MS);
    return 0;
}

static int destroy(void **state)
{
    presence_destroy((struct presence **)state);
    return *state != NULL;
}

static void who_connects_is_online_and_told_once(void **state)
{
    assert_int_equal(presence_get(*state, "ann"), PRESENCE_OFFLINE);
    presence_connect(*state, "ann");
    presence_connect(*state, "ann");
    assert_int_equal(presence_get(*state, "ann"), PRESENCE_ONLINE);
    assert_int_equal(presence_users(*state), 1);
    assert_string_equal(tick(*state, 1), "ann=online ");
    assert_string_equal(tick(*state, 2), "");
}

static void the_last_connection_that_goes_makes_offline_after_the_grace_time(void **state)
{
    presence_connect(*state, "ann");
    presence_connect(*state, "ann");
    assert_string_equal(tick(*state, 0), "ann=online ");
    presence_disconnect(*state, "ann", 1000);
    assert_string_equal(tick(*state, 10000), "");
    presence_disconnect(*state, "ann", 10000);
    assert_string_equal(tick(*state, 14999), "");
    assert_int_equal(presence_get(*state, "ann"), PRESENCE_ONLINE);
    assert_string_equal(tick(*state, 15000), "ann=offline ");
    assert_int_equal(presence_get(*state, "ann"), PRESENCE_OFFLINE);
    assert_int_equal(presence_users(*state), 0);
}

static void a_reload_does_not_flap(void **state)
{
    presence_connect(*state, "ann");
    (void)tick(*state, 0);
    presence_disconnect(*state, "ann", 1000);
    presence_connect(*state, "ann");
    assert_string_equal(tick(*state, 100000), "");
    assert_int_equal(presence_get(*state, "ann"), PRESENCE_ONLINE);
}

static void what_a_user_chose_is_told(void **state)
{
    presence_connect(*state, "ann");
    (void)tick(*state, 0);
    presence_set(*state, "ann", PRESENCE_DND);
    assert_int_equal(presence_get(*state, "ann"), PRESENCE_DND);
    assert_string_equal(tick(*state, 1), "ann=dnd ");
    presence_set(*state, "ann", PRESENCE_OFFLINE); /* not to be chosen */
    assert_string_equal(tick(*state, 2), "");
}

static void several_changes_are_told_as_one_or_none(void **state)
{
    presence_connect(*state, "ann");
    presence_set(*state, "ann", PRESENCE_AWAY);
    presence_set(*state, "ann", PRESENCE_DND);
    assert_string_equal(tick(*state, 0), "ann=dnd ");
    presence_set(*state, "ann", PRESENCE_ONLINE);
    presence_set(*state, "ann", PRESENCE_DND);
    assert_string_equal(tick(*state, 1), "");
}

static void who_came_and_went_unnoticed_is_not_told(void **state)
{
    presence_connect(*state, "ann");
    presence_disconnect(*state, "ann", 0);
    assert_string_equal(tick(*state, 5000), "");
    assert_int_equal(presence_users(*state), 0);
}

static void a_choice_ends_with_the_last_connection(void **state)
{
    presence_connect(*state, "ann");
    presence_set(*state, "ann", PRESENCE_DND);
    (void)tick(*state, 0);
    presence_disconnect(*state, "ann", 0);
    assert_string_equal(tick(*state, 5000), "ann=offline ");
    presence_connect(*state, "ann");
    assert_string_equal(tick(*state, 5001), "ann=online ");
}

static void a_choice_within_the_grace_time_counts(void **state)
{
    presence_connect(*state, "ann");
    (void)tick(*state, 0);
    presence_disconnect(*state, "ann", 0);
    presence_set(*state, "ann", PRESENCE_AWAY);
    assert_string_equal(tick(*state, 1), "ann=away ");
    presence_set(*state, "ann", PRESENCE_ONLINE);
    assert_string_equal(tick(*state, 5000), "ann=offline ");
}

static void users_leave_in_the_order_in_which_they_went(void **state)
{
    presence_connect(*state, "ann");
    presence_connect(*state, "bob");
    presence_connect(*state, "eve");
    assert_string_equal(tick(*state, 0), "ann=online bob=online eve=online ");
    presence_disconnect(*state, "bob", 100);
    presence_disconnect(*state, "ann", 200);
    assert_string_equal(tick(*state, 5100), "bob=offline ");
    assert_string_equal(tick(*state, 5200), "ann=offline ");
}

static void unknown_users_are_passed_over(void **state)
{
    presence_disconnect(*state, "nobody", 0);
    presence_set(*state, "nobody", PRESENCE_AWAY);
    assert_string_equal(tick(*state, 100000), "");
    assert_int_equal(presence_users(*state), 0);
}

static void states_have_names_and_only_three_may_be_chosen(void **state)
{
    (void)state;
    enum presence_state parsed = PRESENCE_OFFLINE;

    assert_true(presence_parse("dnd", &parsed));
    assert_int_equal(parsed, PRESENCE_DND);
    assert_false(presence_parse("offline", &parsed));
    assert_false(presence_parse("", &parsed));
    assert_string_equal(presence_name(PRESENCE_AWAY), "away");
    assert_string_equal(presence_name((enum presence_state)99), "offline");
}

static void *come_and_go(void *arg)
{
    char user[8];

    for (unsigned i = 0; i < 2000; i++) {
        (void)snprintf(user, sizeof(user), "u%u", i % 7);
        presence_connect(arg, user);
        presence_set(arg, user, (enum presence_state)(i % 3));
        (void)presence_get(arg, user);
        presence_disconnect(arg, user, i);
    }
    return NULL;
}

static void threads_may_use_one_table(void **state)
{
    pthread_t threads[4];

    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, *state), 0);
    for (uint64_t i = 0; i < 1000; i++)
        (void)tick(*state, i);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    (void)tick(*state, 100000);
    assert_int_equal(presence_users(*state), 0);
}

/* -- other nodes ------------------------------------------------------------------------------ */

static void who_is_on_another_node_is_there_and_not_told_again(void **state)
{
    presence_hear(*state, "b", "ann", 'a');
    assert_int_equal(presence_get(*state, "ann"), PRESENCE_AWAY);
    assert_string_equal(shared_tick(*state, 0), "|");
    presence_connect(*state, "ann");
    assert_string_equal(shared_tick(*state, 0), "|ann=a ");
    assert_int_equal(presence_get(*state, "ann"), PRESENCE_AWAY);
}

static void going_from_node_to_node_is_seen_by_nobody(void **state)
{
    presence_connect(*state, "ann");
    assert_string_equal(shared_tick(*state, 0), "ann=online |ann=o ");
    presence_disconnect(*state, "ann", 100);
    presence_hear(*state, "b", "ann", 'o');
    assert_string_equal(shared_tick(*state, 100 + PRESENCE_GRACE_MS), "|ann=_ ");
    assert_int_equal(presence_get(*state, "ann"), PRESENCE_ONLINE);
    presence_hear(*state, "b", "ann", '-');
    assert_string_equal(shared_tick(*state, 20000), "|");
    assert_int_equal(presence_get(*state, "ann"), PRESENCE_OFFLINE);
}

static void two_nodes_that_let_go_at_once_do_not_forget_to_say_so(void **state)
{
    presence_connect(*state, "ann");
    presence_hear(*state, "b", "ann", 'o');
    (void)shared_tick(*state, 0);
    presence_disconnect(*state, "ann", 0);
    assert_string_equal(shared_tick(*state, PRESENCE_GRACE_MS), "|ann=_ ");
    presence_hear(*state, "b", "ann", '_');
    assert_string_equal(shared_tick(*state, PRESENCE_GRACE_MS), "ann=offline |");
}

static void what_is_chosen_on_one_node_counts_on_all(void **state)
{
    presence_connect(*state, "ann");
    (void)shared_tick(*state, 0);
    presence_hear(*state, "b", "ann", 'D');
    assert_int_equal(presence_get(*state, "ann"), PRESENCE_DND);
    assert_string_equal(shared_tick(*state, 0), "|ann=d "); /* so that a third node knows */
    presence_hear(*state, "b", "ann", 'o');                 /* no choice: an echo of one */
    assert_int_equal(presence_get(*state, "ann"), PRESENCE_DND);
    presence_set(*state, "ann", PRESENCE_AWAY);
    assert_string_equal(shared_tick(*state, 0), "ann=away |ann=A ");
}

static void the_users_of_a_dead_node_go_offline_once(void **state)
{
    presence_hear(*state, "b", "ann", 'o');
    presence_hear(*state, "b", "bob", 'o');
    presence_hear(*state, "c", "bob", 'o');
    presence_connect(*state, "eve");
    presence_hear(*state, "b", "eve", 'o');
    (void)shared_tick(*state, 0);
    presence_node_gone(*state, "b", 1000, true);
    assert_string_equal(shared_tick(*state, 999), "|");
    assert_int_equal(presence_get(*state, "ann"), PRESENCE_ONLINE);
    assert_string_equal(shared_tick(*state, 1000), "ann=offline |");
    assert_string_equal(shared_tick(*state, 1001), "|");
    assert_int_equal(presence_get(*state, "bob"), PRESENCE_ONLINE);
    assert_int_equal(presence_get(*state, "eve"), PRESENCE_ONLINE);
}

static void another_node_tells_of_a_dead_one_s_users(void **state)
{
    presence_hear(*state, "b", "ann", 'o');
    presence_node_gone(*state, "b", 0, false);
    assert_string_equal(shared_tick(*state, 1), "|");
    assert_int_equal(presence_get(*state, "ann"), PRESENCE_OFFLINE);
}

static void a_node_that_speaks_is_not_dead(void **state)
{
    presence_hear(*state, "b", "ann", 'o');
    presence_node_gone(*state, "b", 1000, true);
    presence_hear(*state, "b", "bob", 'o');
    assert_string_equal(shared_tick(*state, 2000), "|");
    assert_int_equal(presence_get(*state, "ann"), PRESENCE_ONLINE);
}

static void a_whole_list_replaces_what_was_known(void **state)
{
    presence_hear(*state, "b", "ann", 'o');
    presence_hear(*state, "b", "bob", 'o');
    presence_hear(*state, "c", "ann", 'a');
    presence_hear_all(*state, "b", false);
    presence_hear(*state, "b", "bob", 'd');
    presence_hear(*state, "b", "eve", '?');
    presence_hear_all(*state, "b", true);
    assert_int_equal(presence_get(*state, "ann"), PRESENCE_AWAY);
    assert_int_equal(presence_get(*state, "bob"), PRESENCE_DND);
    assert_int_equal(presence_get(*state, "eve"), PRESENCE_OFFLINE);
}

int main(void)
{
#define WITH_PRESENCE(fn) cmocka_unit_test_setup_teardown(fn, create, destroy)
    const struct CMUnitTest tests[] = {
        WITH_PRESENCE(who_connects_is_online_and_told_once),
        WITH_PRESENCE(the_last_connection_that_goes_makes_offline_after_the_grace_time),
        WITH_PRESENCE(a_reload_does_not_flap),
        WITH_PRESENCE(what_a_user_chose_is_told),
        WITH_PRESENCE(several_changes_are_told_as_one_or_none),
        WITH_PRESENCE(who_came_and_went_unnoticed_is_not_told),
        WITH_PRESENCE(a_choice_ends_with_the_last_connection),
        WITH_PRESENCE(a_choice_within_the_grace_time_counts),
        WITH_PRESENCE(users_leave_in_the_order_in_which_they_went),
        WITH_PRESENCE(unknown_users_are_passed_over),
        WITH_PRESENCE(threads_may_use_one_table),
        cmocka_unit_test(states_have_names_and_only_three_may_be_chosen),
        cmocka_unit_test_setup_teardown(who_is_on_another_node_is_there_and_not_told_again, create,
                                        destroy),
        cmocka_unit_test_setup_teardown(going_from_node_to_node_is_seen_by_nobody, create, destroy),
        cmocka_unit_test_setup_teardown(two_nodes_that_let_go_at_once_do_not_forget_to_say_so,
                                        create, destroy),
        cmocka_unit_test_setup_teardown(what_is_chosen_on_one_node_counts_on_all, create, destroy),
        cmocka_unit_test_setup_teardown(the_users_of_a_dead_node_go_offline_once, create, destroy),
        cmocka_unit_test_setup_teardown(another_node_tells_of_a_dead_one_s_users, create, destroy),
        cmocka_unit_test_setup_teardown(a_node_that_speaks_is_not_dead, create, destroy),
        cmocka_unit_test_setup_teardown(a_whole_list_replaces_what_was_known, create, destroy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
