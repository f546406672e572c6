/* test_store_tokens.c - tokens and bots, on every store. */
#include "tests/unit/testing.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/macros.h"
#include "tests/unit/storage/bed.h"

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

static struct store_req *token_req(struct bed *bed, const char *actor, const char *user,
                                   const char *hash)
{
    struct store_req *req = bed_req(bed, STORE_TOKEN_CREATE, actor);

    req->in.token.user = user;
    req->in.token.name = "for the build";
    req->in.token.scopes = "messages:read messages:write";
    req->in.token.hash = hash;
    return req;
}

static const char *make_token(struct bed *bed, const char *actor, const char *user,
                              const char *hash)
{
    struct store_req *req = token_req(bed, actor, user, hash);

    assert_int_equal(bed_do(bed, req), ERR_OK);
    return req->out.session.id;
}

static struct store_req *get(struct bed *bed, const char *hash)
{
    struct store_req *req = bed_req(bed, STORE_SESSION_GET, NULL);

    req->in.session.token_hash = hash;
    (void)bed_do(bed, req);
    return req;
}

static enum err end(struct bed *bed, const char *actor, const char *id)
{
    struct store_req *req = bed_req(bed, STORE_SESSION_DELETE, actor);

    req->in.session.id = id;
    req->in.session.token = true;
    return bed_do(bed, req);
}

static struct store_req *bot_req(struct bed *bed, const char *actor, const char *owner,
                                 const char *name)
{
    struct store_req *req = bed_req(bed, STORE_USER_CREATE, actor);

    req->in.user_new.name = req->in.user_new.display_name = name;
    req->in.user_new.owner = owner;
    return req;
}

static const char *make_bot(struct bed *bed, const char *owner, const char *name)
{
    struct store_req *req = bot_req(bed, owner, owner, name);

    assert_int_equal(bed_do(bed, req), ERR_OK);
    return req->out.user.id;
}

static struct store_req *lock_req(struct bed *bed, const char *actor, const char *user, bool lock)
{
    struct store_req *req = bed_req(bed, STORE_USER_UPDATE, actor);

    req->in.user.user = user;
    req->in.user.set_disabled = true;
    req->in.user.disabled = lock;
    return req;
}

static void a_token_is_found_by_its_hash_with_all_that_it_is_for(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");
    const char *random = bed_channel(bed, ann, "random");
    const char *channels[] = {general, random};
    struct store_req *req = token_req(bed, ann, NULL, "h1");
    char both[128];

    req->in.token.channels = channels;
    req->in.token.channels_n = 2;
    assert_int_equal(bed_do(bed, req), ERR_OK);
    (void)make_token(bed, ann, ann, "h2");
    const struct store_req *one = get(bed, "h1");
    assert_int_equal(one->err, ERR_OK);
    (void)snprintf(both, sizeof(both), "%s %s", general, random);
    assert_string_equal(one->out.session.id, req->out.session.id);
    assert_string_equal(one->out.session.label, "for the build");
    assert_string_equal(one->out.session.scopes, "messages:read messages:write");
    assert_string_equal(one->out.session.channels, both);
    assert_int_equal(one->out.session.expires_at, STORE_NEVER);
    assert_int_equal(one->out.session.last_seen_at, 0);
    assert_string_equal(one->out.user.id, ann);
    assert_null(get(bed, "h2")->out.session.channels);
    assert_int_equal(get(bed, "h3")->err, ERR_UNAUTHENTICATED);
}

static void a_sign_in_has_no_scopes(void **state)
{
    struct bed *bed = *state;
    struct store_req *req = bed_req(bed, STORE_SESSION_CREATE, NULL);

    req->in.session_new.user = bed_user(bed, "ann");
    req->in.session_new.token_hash = "h1";
    req->in.session_new.expires_at = clock_unix_ms() + 60000;
    assert_int_equal(bed_do(bed, req), ERR_OK);
    assert_null(get(bed, "h1")->out.session.scopes);
    assert_null(get(bed, "h1")->out.session.label);
    assert_int_equal(end(bed, req->in.session_new.user, req->out.session.id), ERR_NOT_FOUND);
}

static void a_token_ends_when_it_expires_or_is_revoked(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *ben = bed_user(bed, "ben");
    struct store_req *req = token_req(bed, ann, NULL, "h1");

    req->in.token.expires_at = clock_unix_ms() - 1;
    assert_int_equal(bed_do(bed, req), ERR_OK);
    assert_int_equal(get(bed, "h1")->err, ERR_UNAUTHENTICATED);
    const char *id = make_token(bed, ann, NULL, "h2");
    assert_int_equal(end(bed, ben, id), ERR_NOT_FOUND);
    assert_int_equal(get(bed, "h2")->err, ERR_OK);
    assert_int_equal(end(bed, ann, id), ERR_OK);
    assert_int_equal(get(bed, "h2")->err, ERR_UNAUTHENTICATED);
    assert_int_equal(end(bed, ann, id), ERR_NOT_FOUND);
}

static void a_token_that_was_used_says_when(void **state)
{
    struct bed *bed = *state;
    const char *id = make_token(bed, bed_user(bed, "ann"), NULL, "h1");
    struct store_req *touch = bed_req(bed, STORE_SESSION_TOUCH, NULL);

    touch->in.session.id = id;
    assert_int_equal(bed_do(bed, touch), ERR_OK);
    assert_true(get(bed, "h1")->out.session.last_seen_at > 0);
}

static void a_token_is_limited_to_channels_that_its_maker_may_see(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *ben = bed_user(bed, "ben");
    const char *secret = bed_private(bed, ann, "secret");
    struct store_req *req = token_req(bed, ben, NULL, "h1");

    req->in.token.channels = &secret;
    req->in.token.channels_n = 1;
    assert_int_equal(bed_do(bed, req), ERR_NOT_FOUND);
    assert_string_equal(req->field, "channels");
    assert_int_equal(get(bed, "h1")->err, ERR_UNAUTHENTICATED);
}

static void an_account_has_so_many_tokens_and_no_more(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    char hash[16];

    for (int i = 0; i < STORE_TOKENS_MAX; i++) {
        (void)snprintf(hash, sizeof(hash), "h%d", i);
        const char *id = make_token(bed, ann, NULL, hash);
        if (i == 0)
            assert_int_equal(end(bed, ann, id), ERR_OK); /* that one does not count */
    }
    (void)make_token(bed, ann, NULL, "the last");
    assert_int_equal(bed_do(bed, token_req(bed, ann, NULL, "one more")), ERR_CONFLICT);
    (void)make_token(bed, bed_user(bed, "ben"), NULL, "of another");
}

static void a_bot_belongs_to_its_owner(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *ben = bed_user(bed, "ben");
    const char *bot = make_bot(bed, ann, "builder");
    struct store_req *find = bed_req(bed, STORE_USER_GET, NULL);

    find->in.user.user = "@builder";
    assert_int_equal(bed_do(bed, find), ERR_OK);
    assert_string_equal(find->out.user.owner, ann);
    (void)make_token(bed, ann, bot, "h1");
    assert_string_equal(get(bed, "h1")->out.user.id, bot);
    assert_int_equal(bed_do(bed, token_req(bed, ben, bot, "h2")), ERR_FORBIDDEN);
    assert_int_equal(bed_do(bed, token_req(bed, ben, ann, "h2")), ERR_FORBIDDEN);
    assert_int_equal(bed_do(bed, bot_req(bed, ben, ann, "other")), ERR_FORBIDDEN);
    assert_int_equal(bed_do(bed, bot_req(bed, bot, bot, "other")), ERR_CONFLICT);
    assert_int_equal(bed_do(bed, bot_req(bed, ann, ann, "ben")), ERR_CONFLICT);
    assert_int_equal(bed_do(bed, lock_req(bed, ben, bot, true)), ERR_FORBIDDEN);
    assert_int_equal(end(bed, ben, get(bed, "h1")->out.session.id), ERR_NOT_FOUND);
    assert_int_equal(end(bed, ann, get(bed, "h1")->out.session.id), ERR_OK);
}

static void a_bot_has_no_password_and_no_other_role(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *bot = make_bot(bed, ann, "builder");
    struct store_req *req = bed_req(bed, STORE_USER_UPDATE, NULL);
    struct store_req *log_in = bed_req(bed, STORE_SESSION_CREATE, NULL);

    req->in.user.user = bot;
    req->in.user.password_hash = "a hash";
    assert_int_equal(bed_do(bed, req), ERR_CONFLICT);
    req = bed_req(bed, STORE_USER_UPDATE, NULL);
    req->in.user.user = bot;
    req->in.user.set_role = true;
    req->in.user.role = STORE_ROLE_ADMIN;
    assert_int_equal(bed_do(bed, req), ERR_CONFLICT);
    log_in->in.session_new.user = bot;
    log_in->in.session_new.token_hash = "h";
    log_in->in.session_new.expires_at = clock_unix_ms() + 60000;
    assert_int_equal(bed_do(bed, log_in), ERR_FORBIDDEN);
}

static void a_bot_is_disabled_with_its_owner(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *bot = make_bot(bed, ann, "builder");
    struct store_req *list = bed_req(bed, STORE_SESSION_LIST, NULL);

    (void)make_token(bed, ann, bot, "h1");
    assert_int_equal(bed_do(bed, lock_req(bed, ann, bot, true)), ERR_OK);
    assert_int_equal(get(bed, "h1")->err, ERR_UNAUTHENTICATED);
    assert_int_equal(bed_do(bed, token_req(bed, ann, bot, "h2")), ERR_CONFLICT);
    assert_int_equal(bed_do(bed, lock_req(bed, ann, bot, false)), ERR_OK);
    assert_int_equal(get(bed, "h1")->err, ERR_OK);
    assert_int_equal(bed_do(bed, lock_req(bed, NULL, ann, true)), ERR_OK);
    assert_int_equal(get(bed, "h1")->err, ERR_UNAUTHENTICATED);
    list->in.session.user = bot;
    assert_int_equal(bed_do(bed, list), ERR_OK);
    assert_int_not_equal(list->out.user.disabled_at, 0);
    assert_int_equal(bed_do(bed, lock_req(bed, NULL, ann, false)), ERR_OK);
    assert_int_equal(get(bed, "h1")->err, ERR_OK);
}

static struct store_req *bots(struct bed *bed, const char *actor, const char *owner)
{
    struct store_req *req = bed_req(bed, STORE_BOT_LIST, actor);

    req->in.bots.owner = owner;
    req->in.bots.page.limit = STORE_PAGE_MAX;
    return req;
}

static void bots_are_listed_by_owner_or_all(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *ben = bed_user(bed, "ben");

    (void)make_bot(bed, ann, "b2");
    (void)make_bot(bed, ann, "b1");
    (void)make_bot(bed, ben, "b3");
    struct store_req *mine = bots(bed, ann, ann);
    assert_int_equal(bed_do(bed, mine), ERR_OK);
    assert_int_equal(mine->out.n, 2);
    assert_string_equal(mine->out.users[0].name, "b1");
    struct store_req *all = bots(bed, NULL, NULL);
    assert_int_equal(bed_do(bed, all), ERR_OK);
    assert_int_equal(all->out.n, 3);
    all = bots(bed, NULL, NULL);
    all->in.bots.page.limit = 2;
    assert_int_equal(bed_do(bed, all), ERR_OK);
    assert_string_equal(all->out.next, "b2");
    assert_int_equal(bed_do(bed, bots(bed, ann, ben)), ERR_FORBIDDEN);
    assert_int_equal(bed_do(bed, bots(bed, ann, NULL)), ERR_FORBIDDEN);
}

static void an_account_has_so_many_bots_and_no_more(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    char name[16];

    for (int i = 0; i < STORE_BOTS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "bot-%d", i);
        (void)make_bot(bed, ann, name);
    }
    assert_int_equal(bed_do(bed, bot_req(bed, ann, ann, "one-more")), ERR_CONFLICT);
}

/* -- limited to channels --------------------------------------------------------------------- */

static struct store_req *limited(struct bed *bed, enum store_op op, const char *user,
                                 const char *const *channels, size_t n)
{
    struct store_req *req = bed_req(bed, op, user);

    req->actor.channels = channels;
    req->actor.channels_n = n;
    return req;
}

static void other_channels_do_not_exist_for_whom_is_limited(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *in = bed_channel(bed, ann, "in");
    const char *out = bed_channel(bed, ann, "out");
    struct store_message hidden = bed_send(bed, ann, out, "hidden");
    struct store_req *req = limited(bed, STORE_CHANNEL_GET, ann, &in, 1);

    req->in.channel.channel = "#in";
    assert_int_equal(bed_do(bed, req), ERR_OK);
    req = limited(bed, STORE_CHANNEL_GET, ann, &in, 1);
    req->in.channel.channel = "#out";
    assert_int_equal(bed_do(bed, req), ERR_NOT_FOUND);
    req = limited(bed, STORE_MESSAGE_SEND, ann, &in, 1);
    req->in.send.channel = out;
    req->in.send.text = "x";
    assert_int_equal(bed_do(bed, req), ERR_NOT_FOUND);
    req = limited(bed, STORE_MESSAGE_GET, ann, &in, 1);
    req->in.message.message = hidden.id;
    assert_int_equal(bed_do(bed, req), ERR_NOT_FOUND);
    req = limited(bed, STORE_MESSAGE_DELETE, ann, &in, 1);
    req->in.message.message = hidden.id;
    assert_int_equal(bed_do(bed, req), ERR_NOT_FOUND);
    req = limited(bed, STORE_HISTORY, ann, &in, 1);
    req->in.history.channel = out;
    req->in.history.limit = 10;
    assert_int_equal(bed_do(bed, req), ERR_NOT_FOUND);
    req = limited(bed, STORE_CHANNEL_LIST, ann, &in, 1);
    req->in.page.limit = 10;
    assert_int_equal(bed_do(bed, req), ERR_OK);
    assert_int_equal(req->out.n, 1);
    req = limited(bed, STORE_SNAPSHOT, ann, &in, 1);
    req->in.user.user = ann;
    assert_int_equal(bed_do(bed, req), ERR_OK);
    assert_int_equal(req->out.n, 1);
    assert_string_equal(req->out.channels[0].id, in);
}

static void whom_is_limited_makes_no_channels(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *ben = bed_user(bed, "ben");
    const char *in = bed_channel(bed, ann, "in");
    struct store_req *req = limited(bed, STORE_CHANNEL_CREATE, ann, &in, 1);

    req->in.channel_new.name = "more";
    assert_int_equal(bed_do(bed, req), ERR_FORBIDDEN);
    req = limited(bed, STORE_DM_OPEN, ann, &in, 1);
    req->in.dm.users = &ben;
    req->in.dm.users_n = 1;
    assert_int_equal(bed_do(bed, req), ERR_FORBIDDEN);
}

/* The same client_msg_id gives the message that it had, but not out of a channel that is hidden. */
static void a_retry_shows_no_message_of_another_channel(void **state)
{
    struct bed *bed = *state;
    const char *ann = bed_user(bed, "ann");
    const char *in = bed_channel(bed, ann, "in");
    struct store_req *first = bed_req(bed, STORE_MESSAGE_SEND, ann);
    struct store_req *again = limited(bed, STORE_MESSAGE_SEND, ann, &in, 1);

    first->in.send.channel = bed_channel(bed, ann, "out");
    first->in.send.text = "hidden";
    first->in.send.client_msg_id = "one";
    assert_int_equal(bed_do(bed, first), ERR_OK);
    again->in.send.channel = in;
    again->in.send.text = "x";
    again->in.send.client_msg_id = "one";
    assert_int_equal(bed_do(bed, again), ERR_CONFLICT);
    assert_null(again->out.message.text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, create_bed, destroy_bed)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_token_is_found_by_its_hash_with_all_that_it_is_for),
        TEST(a_sign_in_has_no_scopes),
        TEST(a_token_ends_when_it_expires_or_is_revoked),
        TEST(a_token_that_was_used_says_when),
        TEST(a_token_is_limited_to_channels_that_its_maker_may_see),
        TEST(an_account_has_so_many_tokens_and_no_more),
        TEST(a_bot_belongs_to_its_owner),
        TEST(a_bot_has_no_password_and_no_other_role),
        TEST(a_bot_is_disabled_with_its_owner),
        TEST(bots_are_listed_by_owner_or_all),
        TEST(an_account_has_so_many_bots_and_no_more),
        TEST(other_channels_do_not_exist_for_whom_is_limited),
        TEST(whom_is_limited_makes_no_channels),
        TEST(a_retry_shows_no_message_of_another_channel),
    };
    return bed_run_on_every_store(tests, ARRAY_LEN(tests));
}
