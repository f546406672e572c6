#include "tests/unit/testing.h"

#include <stdio.h>
#include <string.h>

#include "storage/mentions.h"

/* All names found in TEXT, with a comma after each. */
static void expect(const char *text, const char *wanted)
{
    char name[MENTION_NAME_SIZE];
    char found[512] = "";
    const char *at = text;

    while (mention_next(&at, text, name))
        (void)snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s,", name);
    assert_string_equal(found, wanted);
}

static void names_follow_an_at_sign(void **state)
{
    (void)state;
    expect("@ann", "ann,");
    expect("hi @ann and @b.c-d_9!", "ann,b.c-d_9,");
    expect("(@ann),@ben;\n@cyd", "ann,ben,cyd,");
    expect("nothing here", "");
    expect("", "");
}

static void dots_at_the_end_are_punctuation(void **state)
{
    (void)state;
    expect("ask @ann.", "ann,");
    expect("ask @ann...", "ann,");
    expect("@a.b.", "a.b,");
    expect("@.", "");
}

static void an_address_is_no_mention(void **state)
{
    (void)state;
    expect("mail ann@example.org", "");
    expect("x_@ann", "");
    expect("\xe4\xbd\xa0\xe5\xa5\xbd@ann", "ann,"); /* no blanks between words there */
}

static void what_cannot_be_a_name_is_none(void **state)
{
    (void)state;
    expect("@Ann", "");
    expect("@-ann @_ann @.ann", "");
    expect("@@ann", "ann,");
    expect("@", "");
    expect("@abcdefghijklmnopqrstuvwxyz0123456", "");
    expect("@abcdefghijklmnopqrstuvwxyz012345", "abcdefghijklmnopqrstuvwxyz012345,");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_follow_an_at_sign),
        cmocka_unit_test(dots_at_the_end_are_punctuation),
        cmocka_unit_test(an_address_is_no_mention),
        cmocka_unit_test(what_cannot_be_a_name_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
