/* test_store_hooks.c - webhooks and slash commands, on every store. */
#include "tests/unit/testing.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "tests/contract/hooks.h"

static int create_bed(void **state)
{
    *state = bed_create();
    return 0;
}

static int destroy_bed(void **state)
{
    bed_destroy((struct bed **)state);
    return 0;
}
/* -- what they are --------------------------------------------------------------------------- */

static void a_hook_has_a_bot_in_its_channel(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");
    struct store_req *req = hook_create_req(bed, ann, general, STORE_HOOK_INCOMING);

    assert_int_equal(bed_do(bed, req), ERR_OK);
    const struct store_hook *hook = &req->out.hook;
    assert_string_equal(hook->channel, general);
    assert_string_equal(hook->creator, ann);
    assert_null(hook->secret);
    assert_true(hook->enabled && hook->created_at > 0);
    const struct store_user *bot = &req->out.user;
    assert_string_equal(bot->id, hook->id);
    assert_string_equal(bot->display_name, "The Builder!");
    assert_string_equal(bot->owner, ann);
    assert_memory_equal(bot->name, "the-builder-", 12);
    assert_true(strlen(bot->name) <= 32);
    struct store_channel view = bed_view(bed, hook->id, general);
    assert_true(view.joined);
    assert_int_equal(view.role, STORE_MEMBER);
    assert_int_equal(view.members, 2);
    assert_int_equal(hook_post_as(bed, hook->id, general, "built"), ERR_OK);
}

static void all_that_a_hook_is_reads_back(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");
    struct store_req *req = hook_create_req(bed, ann, general, STORE_HOOK_OUTGOING);

    req->in.hook.icon = ":ship:";
    req->in.hook.events = "message.created member.joined";
    req->in.hook.trigger = "deploy";
    assert_int_equal(bed_do(bed, req), ERR_OK);
    const struct store_req *again = hook_get(bed, ann, req->out.hook.id);
    const struct store_hook *hook = &again->out.hook;
    assert_int_equal(again->err, ERR_OK);
    assert_int_equal(hook->kind, STORE_HOOK_OUTGOING);
    assert_string_equal(hook->name, "The Builder!");
    assert_string_equal(hook->icon, ":ship:");
    assert_string_equal(hook->url, "https://hook.example/x");
    assert_string_equal(hook->events, "message.created member.joined");
    assert_string_equal(hook->trigger, "deploy");
    assert_string_equal(hook->secret, "secret");
    assert_null(hook->command);
    assert_null(hook->error);
    assert_int_equal(hook->created_at, req->out.hook.created_at);
    assert_int_equal(hook->position, req->out.hook.position);
    assert_string_equal(again->out.user.id, hook->id);
    assert_string_equal(
        hook_get(bed, ann, hook_make(bed, ann, general, STORE_HOOK_OUTGOING))->out.hook.events,
        "message.created");
}

static void an_incoming_hook_is_found_by_its_id_and_token(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");
    const char *in = hook_make(bed, ann, general, STORE_HOOK_INCOMING);
    const char *out = hook_make(bed, ann, general, STORE_HOOK_OUTGOING);
    char own[64];

    const struct store_req *found = hook_find(bed, in, "hash");
    assert_int_equal(found->err, ERR_OK);
    assert_string_equal(found->out.hook.id, in);
    assert_string_equal(found->out.user.id, in);
    assert_int_equal(found->out.user.disabled_at, 0);
    assert_int_equal(hook_find(bed, in, "another")->err, ERR_NOT_FOUND);
    assert_int_equal(hook_find(bed, out, "hash")->err, ERR_NOT_FOUND);
    (void)snprintf(own, sizeof(own), "=%s", out);
    assert_int_equal(hook_find(bed, out, own)->err, ERR_NOT_FOUND);
}

static void a_rotated_token_is_good_no_more(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");
    const char *in = hook_make(bed, ann, general, STORE_HOOK_INCOMING);
    const char *out = hook_make(bed, ann, general, STORE_HOOK_OUTGOING);
    struct store_req *rotate = bed_req(bed, STORE_HOOK_ROTATE, ann);

    rotate->in.hook.hook = in;
    rotate->in.hook.hash = "new hash";
    rotate->in.hook.secret = "new secret";
    assert_int_equal(bed_do(bed, rotate), ERR_OK);
    assert_int_equal(hook_find(bed, in, "hash")->err, ERR_NOT_FOUND);
    assert_int_equal(hook_find(bed, in, "new hash")->err, ERR_OK);
    assert_null(hook_get(bed, ann, in)->out.hook.secret);
    rotate = bed_req(bed, STORE_HOOK_ROTATE, ann);
    rotate->in.hook.hook = out;
    rotate->in.hook.hash = "newer hash";
    rotate->in.hook.secret = "new secret";
    assert_int_equal(bed_do(bed, rotate), ERR_OK);
    assert_string_equal(hook_get(bed, ann, out)->out.hook.secret, "new secret");
    assert_int_equal(hook_find(bed, out, "newer hash")->err, ERR_NOT_FOUND);
}

static void what_does_not_go_with_its_kind_is_refused(void **state)
{
    static const struct {
        enum store_hook_kind kind;
        const char *url, *events, *trigger, *command, *field;
    } cases[] = {
        {STORE_HOOK_INCOMING, "https://a.example", NULL, NULL, NULL, "url"},
        {STORE_HOOK_INCOMING, NULL, "message.created", NULL, NULL, "events"},
        {STORE_HOOK_SLASH, "https://a.example", NULL, "word", "deploy", "trigger"},
        {STORE_HOOK_OUTGOING, "https://a.example", NULL, NULL, "deploy", "command"},
        {STORE_HOOK_OUTGOING, NULL, NULL, NULL, NULL, "url"},
        {STORE_HOOK_SLASH, NULL, NULL, NULL, "deploy", "url"},
        {STORE_HOOK_SLASH, "https://a.example", NULL, NULL, NULL, "command"},
    };
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct store_req *req = hook_create_req(bed, ann, general, cases[i].kind);
        req->in.hook.url = cases[i].url;
        req->in.hook.events = cases[i].events;
        req->in.hook.trigger = cases[i].trigger;
        req->in.hook.command = cases[i].command;
        assert_int_equal(bed_do(bed, req), ERR_INVALID_PARAMS);
        assert_string_equal(req->field, cases[i].field);
    }
    assert_int_equal(hook_list(bed, ann, general)->out.n, 0);
    assert_int_equal(bed_view(bed, ann, general).members, 1);
}

static void a_command_is_unique_in_its_channel(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");
    const char *first = hook_make(bed, ann, general, STORE_HOOK_SLASH);
    struct store_req *req = hook_create_req(bed, ann, general, STORE_HOOK_SLASH);

    assert_int_equal(bed_do(bed, req), ERR_CONFLICT);
    assert_string_equal(req->field, "command");
    (void)hook_make(bed, ann, bed_channel(bed, ann, "random"), STORE_HOOK_SLASH);
    req = hook_create_req(bed, ann, general, STORE_HOOK_SLASH);
    req->in.hook.command = "build";
    assert_int_equal(bed_do(bed, req), ERR_OK);
    struct store_req *rename = hook_update_req(bed, ann, first);
    rename->in.hook.command = "build";
    assert_int_equal(bed_do(bed, rename), ERR_CONFLICT);
    rename = hook_update_req(bed, ann, first);
    rename->in.hook.command = "deploy";
    assert_int_equal(bed_do(bed, rename), ERR_OK);
    assert_int_equal(hook_end(bed, ann, first), ERR_OK);
    (void)hook_make(bed, ann, general, STORE_HOOK_SLASH); /* the word is free again */
}

static void members_see_the_commands_that_they_may_give(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *ben = bed_user(bed, "ben");
    const char *general = bed_channel(bed, ann, "general");
    const char *slash = hook_make(bed, ann, general, STORE_HOOK_SLASH);
    struct store_req *req = bed_req(bed, STORE_HOOK_COMMANDS, ben);

    (void)hook_make(bed, ann, general, STORE_HOOK_INCOMING);
    req->in.hooks.channel = general;
    assert_int_equal(bed_do(bed, req), ERR_FORBIDDEN);
    bed_join(bed, ben, general);
    assert_int_equal(bed_do(bed, req), ERR_OK);
    assert_int_equal(req->out.n, 1);
    assert_string_equal(req->out.hooks[0].id, slash);
    assert_string_equal(req->out.hooks[0].command, "deploy");
    assert_int_equal(hook_enable(bed, ann, slash, false), ERR_OK);
    assert_int_equal(bed_do(bed, req), ERR_OK);
    assert_int_equal(req->out.n, 0);
}

/* -- who may --------------------------------------------------------------------------------- */

static void only_moderators_and_admins_manage_hooks(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *ben = bed_user(bed, "ben");
    const char *general = bed_channel(bed, ann, "general");
    const char *secret = bed_private(bed, ann, "secret");
    const char *hook = hook_make(bed, ann, general, STORE_HOOK_OUTGOING);
    const char *hidden = hook_make(bed, ann, secret, STORE_HOOK_OUTGOING);
    struct store_req *admin = hook_create_req(bed, ben, general, STORE_HOOK_SLASH);

    bed_join(bed, ben, general);
    assert_int_equal(bed_do(bed, hook_create_req(bed, ben, general, STORE_HOOK_INCOMING)),
                     ERR_FORBIDDEN);
    assert_int_equal(hook_list(bed, ben, general)->err, ERR_FORBIDDEN);
    assert_int_equal(hook_get(bed, ben, hook)->err, ERR_FORBIDDEN);
    assert_int_equal(hook_enable(bed, ben, hook, false), ERR_FORBIDDEN);
    assert_int_equal(hook_end(bed, ben, hook), ERR_FORBIDDEN);
    assert_int_equal(hook_failures(bed, ben, hook, NULL, 10)->err, ERR_FORBIDDEN);
    assert_int_equal(hook_about_failure(bed, STORE_HOOK_REDELIVER, ben, hook, 1), ERR_FORBIDDEN);
    assert_int_equal(hook_get(bed, ben, hidden)->err,
                     ERR_NOT_FOUND); /* it does not exist for him */
    assert_int_equal(hook_get(bed, ben, "nohook")->err, ERR_NOT_FOUND);
    admin->actor.role = STORE_ROLE_ADMIN;
    assert_int_equal(bed_do(bed, admin), ERR_OK);
    assert_int_equal(hook_get(bed, NULL, hidden)->err, ERR_OK); /* the system */
}

static void a_hook_is_made_by_a_person_for_a_room_in_use(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *ben = bed_user(bed, "ben");
    const char *general = bed_channel(bed, ann, "general");
    const char *hook = hook_make(bed, ann, general, STORE_HOOK_INCOMING);
    struct store_req *dm = bed_req(bed, STORE_DM_OPEN, ann);
    struct store_req *by_bot = hook_create_req(bed, hook, general, STORE_HOOK_INCOMING);
    struct store_req *archive = bed_req(bed, STORE_CHANNEL_ARCHIVE, ann);

    by_bot->actor.role = STORE_ROLE_ADMIN;
    assert_int_equal(bed_do(bed, by_bot), ERR_FORBIDDEN);
    dm->in.dm.users = &ben;
    dm->in.dm.users_n = 1;
    assert_int_equal(bed_do(bed, dm), ERR_OK);
    assert_int_equal(
        bed_do(bed, hook_create_req(bed, ann, dm->out.channel.id, STORE_HOOK_INCOMING)),
        ERR_FORBIDDEN);
    archive->in.channel.channel = general;
    assert_int_equal(bed_do(bed, archive), ERR_OK);
    assert_int_equal(bed_do(bed, hook_create_req(bed, ann, general, STORE_HOOK_INCOMING)),
                     ERR_CONFLICT);
}

static void a_channel_has_so_many_hooks_and_they_are_no_bots_of_their_creator(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");
    struct store_req *bots = bed_req(bed, STORE_BOT_LIST, ann);
    struct store_req *bot = bed_req(bed, STORE_USER_CREATE, ann);
    const char *first = NULL;

    for (int i = 0; i < STORE_HOOKS_MAX; i++) {
        const char *id = hook_make(bed, ann, general, STORE_HOOK_OUTGOING);
        first = first != NULL ? first : id;
    }
    assert_int_equal(bed_do(bed, hook_create_req(bed, ann, general, STORE_HOOK_OUTGOING)),
                     ERR_CONFLICT);
    assert_int_equal(hook_list(bed, ann, general)->out.n, STORE_HOOKS_MAX);
    bots->in.bots.owner = ann;
    bots->in.bots.page.limit = 50;
    assert_int_equal(bed_do(bed, bots), ERR_OK);
    assert_int_equal(bots->out.n, 0);
    bot->in.user_new.name = bot->in.user_new.display_name = "robot";
    bot->in.user_new.owner = ann;
    assert_int_equal(bed_do(bed, bot), ERR_OK);
    assert_int_equal(bed_do(bed, bots), ERR_OK);
    assert_int_equal(bots->out.n, 1);
    assert_int_equal(hook_end(bed, ann, first), ERR_OK);
    (void)hook_make(bed, ann, general, STORE_HOOK_OUTGOING);
}

static void the_account_of_a_hook_is_changed_only_with_it(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *hook = hook_make(bed, ann, bed_channel(bed, ann, "general"), STORE_HOOK_INCOMING);
    struct store_req *rename = bed_req(bed, STORE_USER_UPDATE, ann);
    struct store_req *token = bed_req(bed, STORE_TOKEN_CREATE, ann);

    rename->in.user.user = hook;
    rename->in.user.display_name = "Boss";
    assert_int_equal(bed_do(bed, rename), ERR_CONFLICT);
    token->in.token.user = hook;
    token->in.token.name = "t";
    token->in.token.scopes = "messages:write";
    token->in.token.hash = "token hash";
    assert_int_equal(bed_do(bed, token), ERR_CONFLICT);
}

/* -- changing and ending --------------------------------------------------------------------- */

static void an_update_changes_what_it_names_and_no_more(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");
    struct store_req *made = hook_create_req(bed, ann, general, STORE_HOOK_OUTGOING);

    made->in.hook.icon = ":ship:";
    made->in.hook.trigger = "deploy";
    assert_int_equal(bed_do(bed, made), ERR_OK);
    const char *hook = made->out.hook.id;
    struct store_req *req = hook_update_req(bed, ann, hook);
    req->in.hook.name = "Another";
    req->in.hook.trigger = "";
    assert_int_equal(bed_do(bed, req), ERR_OK);
    assert_string_equal(req->out.user.display_name, "Another");
    const struct store_hook *now = &hook_get(bed, ann, hook)->out.hook;
    assert_string_equal(now->name, "Another");
    assert_string_equal(now->icon, ":ship:");
    assert_string_equal(now->url, "https://hook.example/x");
    assert_string_equal(now->secret, "secret");
    assert_null(now->trigger);
    req = hook_update_req(bed, ann, hook);
    req->in.hook.icon = "";
    req->in.hook.url = "http://b.example";
    req->in.hook.events = "member.left";
    assert_int_equal(bed_do(bed, req), ERR_OK);
    now = &hook_get(bed, ann, hook)->out.hook;
    assert_null(now->icon);
    assert_string_equal(now->url, "http://b.example");
    assert_string_equal(now->events, "member.left");
    assert_true(now->enabled);
}

static void a_hook_is_disabled_with_its_bot_and_with_its_creator(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");
    const char *hook = hook_make(bed, ann, general, STORE_HOOK_INCOMING);
    struct store_req *lock = bed_req(bed, STORE_USER_UPDATE, NULL);

    assert_int_equal(hook_enable(bed, ann, hook, false), ERR_OK);
    assert_true(hook_find(bed, hook, "hash")->out.user.disabled_at > 0);
    assert_false(hook_find(bed, hook, "hash")->out.hook.enabled);
    assert_int_equal(hook_enable(bed, ann, hook, true), ERR_OK);
    assert_int_equal(hook_find(bed, hook, "hash")->out.user.disabled_at, 0);
    (void)bed_user(bed, "ben");
    lock->in.user.user = ann;
    lock->in.user.set_disabled = lock->in.user.disabled = true;
    assert_int_equal(bed_do(bed, lock), ERR_OK);
    assert_true(hook_find(bed, hook, "hash")->out.hook.enabled);
    assert_true(hook_find(bed, hook, "hash")->out.user.disabled_at > 0);
}

static void a_deleted_hook_takes_its_bot_and_dead_letters_with_it(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");
    const char *hook = hook_make(bed, ann, general, STORE_HOOK_OUTGOING);
    struct store_req *user = bed_req(bed, STORE_USER_GET, NULL);

    assert_int_equal(hook_fail(bed, hook, 1, 8), ERR_OK);
    assert_int_equal(hook_end(bed, ann, hook), ERR_OK);
    assert_int_equal(hook_get(bed, ann, hook)->err, ERR_NOT_FOUND);
    assert_int_equal(hook_end(bed, ann, hook), ERR_NOT_FOUND);
    assert_int_equal(hook_list(bed, ann, general)->out.n, 0);
    assert_int_equal(bed_view(bed, ann, general).members, 1);
    assert_int_equal(hook_about_failure(bed, STORE_HOOK_SETTLE, NULL, hook, 1), ERR_NOT_FOUND);
    assert_int_equal(hook_fail(bed, hook, 2, 8), ERR_NOT_FOUND);
    user->in.user.user = hook;
    assert_int_equal(bed_do(bed, user), ERR_OK);
    assert_true(user->out.user.disabled_at > 0);
    assert_int_equal(hook_post_as(bed, hook, general, "still here"), ERR_FORBIDDEN);
}

static void a_deleted_channel_takes_its_hooks_with_it(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");
    const char *random = bed_channel(bed, ann, "random");
    const char *hook = hook_make(bed, ann, general, STORE_HOOK_OUTGOING);
    const char *other = hook_make(bed, ann, random, STORE_HOOK_OUTGOING);
    struct store_req *drop = bed_req(bed, STORE_CHANNEL_DELETE, ann);
    struct store_req *user = bed_req(bed, STORE_USER_GET, NULL);

    assert_int_equal(hook_fail(bed, hook, 1, 8), ERR_OK);
    assert_int_equal(hook_fail(bed, other, 1, 8), ERR_OK);
    drop->actor.role = STORE_ROLE_ADMIN;
    drop->in.channel.channel = general;
    assert_int_equal(bed_do(bed, drop), ERR_OK);
    assert_int_equal(hook_get(bed, ann, hook)->err, ERR_NOT_FOUND);
    assert_int_equal(hook_about_failure(bed, STORE_HOOK_SETTLE, NULL, hook, 1), ERR_NOT_FOUND);
    assert_int_equal(hook_lease(bed, hook, "n1", clock_unix_ms() + 60000)->err, ERR_CONFLICT);
    user->in.user.user = hook;
    assert_int_equal(bed_do(bed, user), ERR_OK);
    assert_true(user->out.user.disabled_at > 0);
    assert_int_equal(hook_get(bed, ann, other)->err, ERR_OK);
    assert_int_equal(hook_about_failure(bed, STORE_HOOK_SETTLE, NULL, other, 1), ERR_OK);
}

/* -- how messages are shown ------------------------------------------------------------------ */

static void a_message_keeps_how_its_author_is_to_be_shown(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");
    struct store_req *send = bed_req(bed, STORE_MESSAGE_SEND, ann);
    struct store_req *edit = bed_req(bed, STORE_MESSAGE_EDIT, ann);
    struct store_req *read = bed_req(bed, STORE_MESSAGE_GET, ann);
    struct store_req *drop = bed_req(bed, STORE_MESSAGE_DELETE, ann);
    char stream[STORE_STREAM_SIZE];

    send->in.send.channel = general;
    send->in.send.text = "built";
    send->in.send.client_msg_id = "once";
    send->in.send.as_name = "Builder \"7\"";
    send->in.send.as_icon = ":ship:";
    assert_int_equal(bed_do(bed, send), ERR_OK);
    assert_int_equal(bed_do(bed, send), ERR_OK); /* a retry */
    assert_string_equal(send->out.message.as_name, "Builder \"7\"");
    edit->in.message.message = read->in.message.message = drop->in.message.message =
        send->out.message.id;
    edit->in.message.text = "built, really";
    assert_int_equal(bed_do(bed, edit), ERR_OK);
    assert_int_equal(bed_do(bed, read), ERR_OK);
    assert_string_equal(read->out.message.as_name, "Builder \"7\"");
    assert_string_equal(read->out.message.as_icon, ":ship:");
    (void)snprintf(stream, sizeof(stream), "c:%s", general);
    assert_non_null(strstr(bed_log(bed, stream),
                           "\"as\":{\"name\":\"Builder \\\"7\\\"\",\"icon\":\":ship:\"}"));
    assert_int_equal(bed_do(bed, drop), ERR_OK);
    assert_int_equal(bed_do(bed, read), ERR_OK);
    assert_null(read->out.message.as_name);
    assert_null(strstr(bed_log(bed, stream), "Builder"));
}

int main(void)
{
#define HOOK_TEST(fn) cmocka_unit_test_setup_teardown(fn, create_bed, destroy_bed)
    const struct CMUnitTest tests[] = {
        HOOK_TEST(a_hook_has_a_bot_in_its_channel),
        HOOK_TEST(all_that_a_hook_is_reads_back),
        HOOK_TEST(an_incoming_hook_is_found_by_its_id_and_token),
        HOOK_TEST(a_rotated_token_is_good_no_more),
        HOOK_TEST(what_does_not_go_with_its_kind_is_refused),
        HOOK_TEST(a_command_is_unique_in_its_channel),
        HOOK_TEST(members_see_the_commands_that_they_may_give),
        HOOK_TEST(only_moderators_and_admins_manage_hooks),
        HOOK_TEST(a_hook_is_made_by_a_person_for_a_room_in_use),
        HOOK_TEST(a_channel_has_so_many_hooks_and_they_are_no_bots_of_their_creator),
        HOOK_TEST(the_account_of_a_hook_is_changed_only_with_it),
        HOOK_TEST(an_update_changes_what_it_names_and_no_more),
        HOOK_TEST(a_hook_is_disabled_with_its_bot_and_with_its_creator),
        HOOK_TEST(a_deleted_hook_takes_its_bot_and_dead_letters_with_it),
        HOOK_TEST(a_deleted_channel_takes_its_hooks_with_it),
        HOOK_TEST(a_message_keeps_how_its_author_is_to_be_shown),
    };

    return bed_run_on_every_store(tests, ARRAY_LEN(tests));
}
