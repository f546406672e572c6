/* test_store_accounts.c - accounts, sessions and invites, on every store. */
#include "tests/unit/testing.h"

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

static const char *const defaults[] = {"general", "random"};

static struct store_req *register_req(struct bed *bed, const char *name)
{
    struct store_req *req = bed_req(bed, STORE_USER_CREATE, NULL);

    req->in.user_new.name = name;
    req->in.user_new.display_name = name;
    req->in.user_new.password_hash = "secret hash";
    req->in.user_new.first_is_owner = true;
    req->in.user_new.join = defaults;
    req->in.user_new.join_n = 1;
    return req;
}

static struct store_req *update_req(struct bed *bed, const char *actor, enum store_role role,
                                    const char *user)
{
    struct store_req *req = bed_req(bed, STORE_USER_UPDATE, actor);

    req->actor.role = role;
    req->in.user.user = user;
    return req;
}

static struct store_req *session_req(struct bed *bed, enum store_op op, const char *actor)
{
    return bed_req(bed, op, actor);
}

static const char *log_in(struct bed *bed, const char *user, const char *hash, int64_t expires_at)
{
    struct store_req *req = bed_req(bed, STORE_SESSION_CREATE, NULL);

    req->in.session_new.user = user;
    req->in.session_new.token_hash = hash;
    req->in.session_new.expires_at = expires_at;
    req->in.session_new.address = "127.0.0.1";
    req->in.session_new.agent = "a browser";
    assert_int_equal(bed_do(bed, req), ERR_OK);
    return req->out.session.id;
}

static enum err look_up(struct bed *bed, const char *hash)
{
    struct store_req *req = bed_req(bed, STORE_SESSION_GET, NULL);

    req->in.session.token_hash = hash;
    return bed_do(bed, req);
}

static void the_first_account_is_the_owner_and_makes_the_default_channel(void **state)
{
    struct bed *bed = *state;
    struct store_req *first = register_req(bed, "ann");
    struct store_req *second = register_req(bed, "ben");

    assert_int_equal(bed_do(bed, first), ERR_OK);
    assert_int_equal(first->out.user.role, STORE_ROLE_OWNER);
    second->in.user_new.join_n = 2; /* the other one does not exist, and is not made */
    assert_int_equal(bed_do(bed, second), ERR_OK);
    assert_int_equal(second->out.user.role, STORE_ROLE_MEMBER);
    struct store_channel general = bed_view(bed, second->out.user.id, "#general");
    assert_true(general.joined);
    assert_int_equal(general.members, 2);
    struct store_req *list = bed_req(bed, STORE_CHANNEL_LIST, NULL);
    list->in.page.limit = 10;
    assert_int_equal(bed_do(bed, list), ERR_OK);
    assert_int_equal(list->out.n, 1);
}

static void names_of_accounts_are_unique(void **state)
{
    struct bed *bed = *state;
    struct store_req *twice = register_req(bed, "ann");

    assert_int_equal(bed_do(bed, register_req(bed, "ann")), ERR_OK);
    size_t events = bed->events_n;
    assert_int_equal(bed_do(bed, twice), ERR_CONFLICT);
    assert_string_equal(twice->field, "name");
    assert_int_equal(bed->events_n, events);
}

static void an_account_can_come_with_its_session(void **state)
{
    struct bed *bed = *state;
    struct store_req *req = register_req(bed, "ann");

    req->in.user_new.token_hash = "hash-1";
    req->in.user_new.session_expires_at = clock_unix_ms() + 60000;
    req->in.user_new.agent = "curl";
    assert_int_equal(bed_do(bed, req), ERR_OK);
    assert_non_null(req->out.session.id);
    struct store_req *get = session_req(bed, STORE_SESSION_GET, NULL);
    get->in.session.token_hash = "hash-1";
    assert_int_equal(bed_do(bed, get), ERR_OK);
    assert_string_equal(get->out.user.name, "ann");
    assert_string_equal(get->out.session.agent, "curl");
    assert_string_equal(get->out.session.address, "");
}

static void the_password_hash_is_only_given_where_it_is_asked_for(void **state)
{
    struct bed *bed = *state;
    struct store_req *req = register_req(bed, "ann");
    struct store_req *get = bed_req(bed, STORE_USER_GET, NULL);

    assert_int_equal(bed_do(bed, req), ERR_OK);
    assert_null(req->out.user.password_hash);
    get->in.user.user = "@ann";
    assert_int_equal(bed_do(bed, get), ERR_OK);
    assert_null(get->out.user.password_hash);
    get->in.user.secret = true;
    assert_int_equal(bed_do(bed, get), ERR_OK);
    assert_string_equal(get->out.user.password_hash, "secret hash");
    get->in.user.user = "@nobody";
    assert_int_equal(bed_do(bed, get), ERR_NOT_FOUND);
}

static void an_invite_lasts_as_often_as_it_says(void **state)
{
    struct bed *bed = *state;
    struct store_req *owner = register_req(bed, "ann");
    struct store_req *make = bed_req(bed, STORE_INVITE_CREATE, NULL);

    assert_int_equal(bed_do(bed, owner), ERR_OK);
    make->in.invite.hash = "invite-hash";
    make->in.invite.uses = 1;
    assert_int_equal(bed_do(bed, make), ERR_OK);
    struct store_req *ben = register_req(bed, "ben");
    ben->in.user_new.need_invite = true;
    assert_int_equal(bed_do(bed, ben), ERR_FORBIDDEN);
    assert_string_equal(ben->field, "invite");
    ben->in.user_new.invite_hash = "another";
    assert_int_equal(bed_do(bed, ben), ERR_FORBIDDEN);
    ben->in.user_new.invite_hash = "invite-hash";
    ben->in.user_new.name = "ann"; /* a name that is taken does not use it up */
    assert_int_equal(bed_do(bed, ben), ERR_CONFLICT);
    ben->in.user_new.name = "ben";
    assert_int_equal(bed_do(bed, ben), ERR_OK);
    struct store_req *cyd = register_req(bed, "cyd");
    cyd->in.user_new.invite_hash = "invite-hash";
    assert_int_equal(bed_do(bed, cyd), ERR_FORBIDDEN);
    struct store_req *list = bed_req(bed, STORE_INVITE_LIST, NULL);
    assert_int_equal(bed_do(bed, list), ERR_OK);
    assert_int_equal(list->out.n, 1);
    assert_int_equal(list->out.invites[0].uses_left, 0);
    struct store_req *drop = bed_req(bed, STORE_INVITE_DELETE, NULL);
    drop->in.invite.id = list->out.invites[0].id;
    assert_int_equal(bed_do(bed, drop), ERR_OK);
    assert_int_equal(bed_do(bed, drop), ERR_NOT_FOUND);
    make->actor = (struct store_actor){.user = ben->out.user.id};
    assert_int_equal(bed_do(bed, make), ERR_FORBIDDEN);
}

static void an_expired_invite_is_refused(void **state)
{
    struct bed *bed = *state;
    struct store_req *make = bed_req(bed, STORE_INVITE_CREATE, NULL);

    assert_int_equal(bed_do(bed, register_req(bed, "ann")), ERR_OK);
    make->in.invite.hash = "old";
    make->in.invite.uses = 5;
    make->in.invite.expires_at = clock_unix_ms() - 1;
    assert_int_equal(bed_do(bed, make), ERR_OK);
    struct store_req *ben = register_req(bed, "ben");
    ben->in.user_new.invite_hash = "old";
    assert_int_equal(bed_do(bed, ben), ERR_FORBIDDEN);
}

static void sessions_end_when_they_expire_or_are_revoked(void **state)
{
    struct bed *bed = *state;
    struct store_req *user = register_req(bed, "ann");
    int64_t later = clock_unix_ms() + 60000;

    assert_int_equal(bed_do(bed, user), ERR_OK);
    const char *ann = user->out.user.id;
    const char *a = log_in(bed, ann, "a", later);
    const char *b = log_in(bed, ann, "b", later);
    (void)log_in(bed, ann, "c", later);
    (void)log_in(bed, ann, "expired", clock_unix_ms() - 1);
    assert_int_equal(look_up(bed, "a"), ERR_OK);
    assert_int_equal(look_up(bed, "expired"), ERR_UNAUTHENTICATED);
    assert_int_equal(look_up(bed, "unknown"), ERR_UNAUTHENTICATED);
    struct store_req *end = session_req(bed, STORE_SESSION_DELETE, ann);
    end->in.session.id = a;
    assert_int_equal(bed_do(bed, end), ERR_OK);
    assert_int_equal(end->out.n, 1);
    assert_string_equal(end->out.ids[0], a);
    assert_int_equal(look_up(bed, "a"), ERR_UNAUTHENTICATED);
    assert_int_equal(bed_do(bed, end), ERR_NOT_FOUND);
    end = session_req(bed, STORE_SESSION_DELETE, ann);
    end->in.session.user = ann;
    end->in.session.except = b;
    assert_int_equal(bed_do(bed, end), ERR_OK);
    assert_int_equal(look_up(bed, "b"), ERR_OK);
    assert_int_equal(look_up(bed, "c"), ERR_UNAUTHENTICATED);
    bed_reopen(bed);
    assert_int_equal(look_up(bed, "b"), ERR_OK);
}

static void nobody_ends_or_sees_the_sessions_of_others(void **state)
{
    struct bed *bed = *state;
    struct store_req *ann = register_req(bed, "ann");
    struct store_req *ben = register_req(bed, "ben");

    assert_int_equal(bed_do(bed, ann), ERR_OK);
    assert_int_equal(bed_do(bed, ben), ERR_OK);
    const char *s = log_in(bed, ann->out.user.id, "a", clock_unix_ms() + 60000);
    struct store_req *end = session_req(bed, STORE_SESSION_DELETE, ben->out.user.id);
    end->in.session.id = s;
    assert_int_equal(bed_do(bed, end), ERR_NOT_FOUND);
    end->in.session.id = NULL;
    end->in.session.user = ann->out.user.id;
    assert_int_equal(bed_do(bed, end), ERR_FORBIDDEN);
    struct store_req *list = session_req(bed, STORE_SESSION_LIST, ben->out.user.id);
    list->in.session.user = ann->out.user.id;
    assert_int_equal(bed_do(bed, list), ERR_FORBIDDEN);
    list->actor.role = STORE_ROLE_ADMIN;
    assert_int_equal(bed_do(bed, list), ERR_OK);
    assert_int_equal(list->out.n, 1);
    assert_string_equal(list->out.sessions[0].agent, "a browser");
}

static void a_touched_session_was_seen_now(void **state)
{
    struct bed *bed = *state;
    struct store_req *ann = register_req(bed, "ann");

    assert_int_equal(bed_do(bed, ann), ERR_OK);
    const char *s = log_in(bed, ann->out.user.id, "a", clock_unix_ms() + 60000);
    int64_t before = clock_unix_ms();
    struct store_req *touch = session_req(bed, STORE_SESSION_TOUCH, NULL);
    touch->in.session.id = s;
    assert_int_equal(bed_do(bed, touch), ERR_OK);
    struct store_req *get = session_req(bed, STORE_SESSION_GET, NULL);
    get->in.session.token_hash = "a";
    assert_int_equal(bed_do(bed, get), ERR_OK);
    assert_true(get->out.session.last_seen_at >= before);
    touch->in.session.id = "nothing";
    assert_int_equal(bed_do(bed, touch), ERR_NOT_FOUND);
}

static void a_disabled_account_has_no_sessions_that_work(void **state)
{
    struct bed *bed = *state;
    struct store_req *ben = register_req(bed, "ben");

    assert_int_equal(bed_do(bed, register_req(bed, "ann")), ERR_OK);
    assert_int_equal(bed_do(bed, ben), ERR_OK);
    (void)log_in(bed, ben->out.user.id, "b", clock_unix_ms() + 60000);
    struct store_req *req = update_req(bed, NULL, STORE_ROLE_OWNER, "@ben");
    req->in.user.set_disabled = true;
    req->in.user.disabled = true;
    assert_int_equal(bed_do(bed, req), ERR_OK);
    assert_true(req->out.user.disabled_at > 0);
    assert_int_equal(look_up(bed, "b"), ERR_UNAUTHENTICATED);
    req->in.user.disabled = false;
    assert_int_equal(bed_do(bed, req), ERR_OK);
    assert_int_equal(req->out.user.disabled_at, 0);
    assert_int_equal(look_up(bed, "b"), ERR_OK);
}

static void the_last_owner_stays_one(void **state)
{
    struct bed *bed = *state;
    struct store_req *ann = register_req(bed, "ann");
    struct store_req *ben = register_req(bed, "ben");

    assert_int_equal(bed_do(bed, ann), ERR_OK);
    assert_int_equal(bed_do(bed, ben), ERR_OK);
    struct store_req *req = update_req(bed, ann->out.user.id, STORE_ROLE_OWNER, "@ann");
    req->in.user.set_role = true;
    req->in.user.role = STORE_ROLE_MEMBER;
    assert_int_equal(bed_do(bed, req), ERR_CONFLICT);
    req->in.user.user = "@ben";
    req->in.user.role = STORE_ROLE_OWNER;
    assert_int_equal(bed_do(bed, req), ERR_OK);
    req->in.user.user = "@ann";
    req->in.user.role = STORE_ROLE_MEMBER;
    assert_int_equal(bed_do(bed, req), ERR_OK);
    req = update_req(bed, NULL, STORE_ROLE_OWNER, "@ben");
    req->in.user.set_disabled = true;
    req->in.user.disabled = true;
    assert_int_equal(bed_do(bed, req), ERR_CONFLICT);
}

static void who_may_change_an_account(void **state)
{
    struct bed *bed = *state;
    struct store_req *ann = register_req(bed, "ann"); /* the owner */
    struct store_req *ben = register_req(bed, "ben");
    struct store_req *cyd = register_req(bed, "cyd");

    assert_int_equal(bed_do(bed, ann), ERR_OK);
    assert_int_equal(bed_do(bed, ben), ERR_OK);
    assert_int_equal(bed_do(bed, cyd), ERR_OK);
    struct store_req *req = update_req(bed, ben->out.user.id, STORE_ROLE_MEMBER, "@ben");
    req->in.user.display_name = "Ben B.";
    assert_int_equal(bed_do(bed, req), ERR_OK);
    assert_string_equal(req->out.user.display_name, "Ben B.");
    req->in.user.user = "@cyd";
    assert_int_equal(bed_do(bed, req), ERR_FORBIDDEN);
    req = update_req(bed, ben->out.user.id, STORE_ROLE_MEMBER, "@ben");
    req->in.user.set_role = true;
    req->in.user.role = STORE_ROLE_OWNER;
    assert_int_equal(bed_do(bed, req), ERR_FORBIDDEN);
    req->actor.role = STORE_ROLE_ADMIN;
    assert_int_equal(bed_do(bed, req), ERR_FORBIDDEN);
    req = update_req(bed, ben->out.user.id, STORE_ROLE_ADMIN, "@ann");
    req->in.user.password_hash = "taken over";
    assert_int_equal(bed_do(bed, req), ERR_FORBIDDEN);
    req->in.user.user = "@cyd";
    assert_int_equal(bed_do(bed, req), ERR_OK);
    req->in.user.user = "@nobody";
    assert_int_equal(bed_do(bed, req), ERR_NOT_FOUND);
}

static void a_changed_display_name_shows_in_the_next_event(void **state)
{
    struct bed *bed = *state;
    struct store_req *ann = register_req(bed, "ann");

    assert_int_equal(bed_do(bed, ann), ERR_OK);
    struct store_req *req = update_req(bed, ann->out.user.id, STORE_ROLE_OWNER, "@ann");
    req->in.user.display_name = "Ann \"A\"";
    assert_int_equal(bed_do(bed, req), ERR_OK);
    (void)bed_channel(bed, ann->out.user.id, "new");
    assert_non_null(strstr(bed->events[bed->events_n - 2].data, "Ann \\\"A\\\""));
}

static void lists_of_accounts_page_and_search(void **state)
{
    struct bed *bed = *state;
    struct store_req *req = bed_req(bed, STORE_USER_LIST, NULL);
    struct store_req *zoe = register_req(bed, "zoe");

    (void)bed_user(bed, "ann");
    (void)bed_user(bed, "ben");
    zoe->in.user_new.display_name = "Zo\xc3\x89 Q";
    assert_int_equal(bed_do(bed, zoe), ERR_OK);
    req->in.page.limit = 2;
    assert_int_equal(bed_do(bed, req), ERR_OK);
    assert_int_equal(req->out.n, 2);
    assert_string_equal(req->out.users[1].name, "ben");
    req->in.page.cursor = req->out.next;
    assert_int_equal(bed_do(bed, req), ERR_OK);
    assert_int_equal(req->out.n, 1);
    assert_null(req->out.next);
    req->in.page.cursor = NULL;
    req->in.page.query = "zo\xc3\xa9";
    assert_int_equal(bed_do(bed, req), ERR_OK);
    assert_int_equal(req->out.n, 1);
    req->in.page.query = "%";
    assert_int_equal(bed_do(bed, req), ERR_OK);
    assert_int_equal(req->out.n, 0);
    req->in.page.cursor = "../";
    assert_int_equal(bed_do(bed, req), ERR_INVALID_PARAMS);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, create_bed, destroy_bed)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_account_is_the_owner_and_makes_the_default_channel),
        TEST(names_of_accounts_are_unique),
        TEST(an_account_can_come_with_its_session),
        TEST(the_password_hash_is_only_given_where_it_is_asked_for),
        TEST(an_invite_lasts_as_often_as_it_says),
        TEST(an_expired_invite_is_refused),
        TEST(sessions_end_when_they_expire_or_are_revoked),
        TEST(nobody_ends_or_sees_the_sessions_of_others),
        TEST(a_touched_session_was_seen_now),
        TEST(a_disabled_account_has_no_sessions_that_work),
        TEST(the_last_owner_stays_one),
        TEST(who_may_change_an_account),
        TEST(a_changed_display_name_shows_in_the_next_event),
        TEST(lists_of_accounts_page_and_search),
    };
    return bed_run_on_every_store(tests, ARRAY_LEN(tests));
}
