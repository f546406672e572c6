#include "tests/unit/testing.h"

#include <string.h>

#include "base/macros.h"
#include "protocol/mrkdwn.h"

struct row {
    const char *text, *shown;
};

static void assert_shown(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct buf out = {0};
        mrkdwn_put(&out, rows[i].text, strlen(rows[i].text));
        assert_string_equal(out.data != NULL ? out.data : "", rows[i].shown);
        buf_free(&out);
    }
}

static void a_link_is_an_address_and_what_it_is_called(void **state)
{
    static const struct row rows[] = {
        {"<https://a.example>", "https://a.example"},
        {"see <https://a.example/x?a=1&amp;b=2|the run>.",
         "see the run (https://a.example/x?a=1&b=2)."},
        {"<https://a.example|https://a.example>", "https://a.example"},
        {"<https://a.example|a.example>", "https://a.example"},
        {"<mailto:ann@a.example|ann@a.example>", "ann@a.example"},
        {"<mailto:ann@a.example|Ann>", "Ann"},
        {"<mailto:ann@a.example>", "ann@a.example"},
        {"<tel:+49123|call>", "call"},
        {"<https://a.example|>", "https://a.example"},
    };

    (void)state;
    assert_shown(rows, ARRAY_LEN(rows));
}

static void names_are_shown_after_their_sign(void **state)
{
    static const struct row rows[] = {
        {"<@U024BE7LH>", "@U024BE7LH"},
        {"<@U024BE7LH|ann>", "@ann"},
        {"<@W1|@ann>", "@ann"},
        {"<#C1|general>", "#general"},
        {"<#C1>", "#C1"},
        {"<!channel> <!here> <!everyone>", "@channel @here @everyone"},
        {"<!subteam^S1|@team>", "@team"},
        {"<!subteam^S1>", "@subteam"},
        {"<!date^1392734382^Posted {date}|Feb 18>", "Feb 18"},
        {"<!date^1392734382^{date}>", "@date"},
    };

    (void)state;
    assert_shown(rows, ARRAY_LEN(rows));
}

static void what_is_no_reference_stays_as_it_is(void **state)
{
    static const struct row rows[] = {
        {"a < b and c > d", "a < b and c > d"},
        {"<b>no html</b>", "<b>no html</b>"},
        {"<>", "<>"},
        {"<!>", "<!>"},
        {"<@>", "<@>"},
        {"<", "<"},
        {"<https://a.example", "<https://a.example"},
        {"<https://a.example\n>", "<https://a.example\n>"},
        {"<javascript:alert(1)|click>", "<javascript:alert(1)|click>"},
        {"&lt;@U1&gt; &amp;amp; &copy; &", "<@U1> &amp; &copy; &"},
    };

    (void)state;
    assert_shown(rows, ARRAY_LEN(rows));
}

static void marks_are_doubled_where_they_mark_something(void **state)
{
    static const struct row rows[] = {
        {"*bold* and ~gone~ and _slanted_", "**bold** and ~~gone~~ and _slanted_"},
        {"*~both~*", "**~~both~~**"},
        {"*<https://a.example/*x*|it>*", "**it (https://a.example/*x*)**"},
        {"2 * 3 * 4", "2 * 3 * 4"},
        {"a*b*c", "a*b*c"},
        {"*not\nover lines*", "*not\nover lines*"},
        {"**twice**", "**twice**"},
        {"*open", "*open"},
        {"* item *", "* item *"},
        {"~/bin and ~/lib", "~/bin and ~/lib"},
        {"(*x*)", "(**x**)"},
        {"*", "*"},
        {"*a", "*a"},
    };

    (void)state;
    assert_shown(rows, ARRAY_LEN(rows));
}

static void code_stays_as_it_is(void **state)
{
    static const struct row rows[] = {
        {"`*a* &lt;b&gt; <@U1>`", "`*a* <b> <@U1>`"},
        {"`open *bold*", "`open **bold**"},
        {"``", "``"},
        {"```a\n*b*```", "```\na\n*b*\n```"},
        {"log: ```\nx\n``` end", "log: \n```\nx\n```\n end"},
        {"```never closed", "```never closed"},
        {"``````", "``````"},
    };

    (void)state;
    assert_shown(rows, ARRAY_LEN(rows));
}

/* Each of these looks for an end that does not come. */
static void long_texts_take_no_long_time(void **state)
{
    static const char *const parts[] = {"*a ", "<", "<@", "`", "~x ", "&", "*<", "``` "};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        struct buf text = {0};
        struct buf out = {0};
        while (text.len < 65536)
            buf_puts(&text, parts[i]);
        mrkdwn_put(&out, text.data, text.len);
        assert_true(out.len >= text.len / 2 && out.len <= 3 * text.len);
        buf_free(&text);
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_is_an_address_and_what_it_is_called),
        cmocka_unit_test(names_are_shown_after_their_sign),
        cmocka_unit_test(what_is_no_reference_stays_as_it_is),
        cmocka_unit_test(marks_are_doubled_where_they_mark_something),
        cmocka_unit_test(code_stays_as_it_is),
        cmocka_unit_test(long_texts_take_no_long_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
