#include "tests/unit/testing.h"

#include "protocol/page.h"

static void write_all(struct page *page)
{
    static const char *const heads[] = {"What", ""};

    page_heading(page, 2, "message.send it");
    page_text(page, "One <b> & `a<b`, **`c` is strong**.\n\nTwo: [there](#message).");
    page_list_begin(page);
    page_list_item(page, "x");
    page_list_end(page);
    page_table_begin(page, heads, 2);
    page_table_row(page, (const char *[]){"`a|b`", "\"q\""});
    page_table_end(page);
    page_code(page, "json", "{\"a\":\"<\"}", 9);
}

static void a_page_is_markdown(void **state)
{
    struct buf out = {0};

    (void)state;
    write_all(&(struct page){.out = &out});
    assert_string_equal(out.data, "## message.send it\n\n"
                                  "One <b> & `a<b`, **`c` is strong**.\n\n"
                                  "Two: [there](#message).\n\n"
                                  "- x\n\n"
                                  "| What |  |\n| --- | --- |\n| `a\\|b` | \"q\" |\n\n"
                                  "```json\n{\"a\":\"<\"}\n```\n\n");
    buf_free(&out);
}

static void the_same_is_html(void **state)
{
    struct buf out = {0};

    (void)state;
    write_all(&(struct page){.out = &out, .html = true});
    assert_string_equal(
        out.data,
        "<h2 id=\"messagesend-it\">message.send it</h2>\n"
        "<p>One &lt;b&gt; &amp; <code>a&lt;b</code>, <strong><code>c</code> is "
        "strong</strong>.</p>\n"
        "<p>Two: <a href=\"#message\">there</a>.</p>\n"
        "<ul>\n<li>x</li>\n</ul>\n"
        "<div class=\"wide\" tabindex=\"0\"><table>\n<thead><tr><th>What</th><th></th></tr>\n"
        "</thead>\n<tbody>\n<tr><td><code>a|b</code></td><td>&quot;q&quot;</td></tr>\n"
        "</tbody>\n</table></div>\n"
        "<pre tabindex=\"0\"><code>{&quot;a&quot;:&quot;&lt;&quot;}</code></pre>\n");
    buf_free(&out);
}

static void what_is_not_closed_stands_for_itself(void **state)
{
    struct buf out = {0};

    (void)state;
    page_text(&(struct page){.out = &out, .html = true}, "`a **b [c](d [e] f");
    assert_string_equal(out.data, "<p>`a **b [c](d [e] f</p>\n");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_markdown),
        cmocka_unit_test(the_same_is_html),
        cmocka_unit_test(what_is_not_closed_stands_for_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
