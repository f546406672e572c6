#include "protocol/page.h"

#include <string.h>

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* -- HTML ------------------------------------------------------------------------------------- */

static void put_escaped(struct buf *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '&')
            buf_puts(out, "&amp;");
        else if (text[i] == '<')
            buf_puts(out, "&lt;");
        else if (text[i] == '>')
            buf_puts(out, "&gt;");
        else if (text[i] == '"')
            buf_puts(out, "&quot;");
        else
            buf_putc(out, text[i]);
    }
}

/* What stands between OPENING and CLOSING at the start of TEXT: its length, or -1. */
static long between(const char *text, const char *end, const char *opening, const char *closing)
{
    size_t open_n = strlen(opening);

    if ((size_t)(end - text) <= open_n || strncmp(text, opening, open_n) != 0)
        return -1;
    for (const char *at = text + open_n; at + strlen(closing) <= end; at++)
        if (strncmp(at, closing, strlen(closing)) == 0)
            return at - text - (long)open_n;
    return -1;
}

static void put_inline(struct buf *out, const char *text, size_t n);

/* One element of inline text; where the text goes on. NULL: there is none here. */
static const char *put_element(struct buf *out, const char *text, const char *end)
{
    long n = between(text, end, "`", "`");

    if (n >= 0) {
        buf_puts(out, "<code>");
        put_escaped(out, text + 1, (size_t)n);
        buf_puts(out, "</code>");
        return text + n + 2;
    }
    if ((n = between(text, end, "**", "**")) >= 0) {
        buf_puts(out, "<strong>");
        put_inline(out, text + 2, (size_t)n);
        buf_puts(out, "</strong>");
        return text + n + 4;
    }
    if ((n = between(text, end, "[", "](")) >= 0) {
        const char *link = text + n + 3;
        long link_n = between(link - 1, end, "(", ")");
        if (link_n < 0)
            return NULL;
        buf_puts(out, "<a href=\"");
        put_escaped(out, link, (size_t)link_n);
        buf_puts(out, "\">");
        put_inline(out, text + 1, (size_t)n);
        buf_puts(out, "</a>");
        return link + link_n + 1;
    }
    return NULL;
}

static void put_inline(struct buf *out, const char *text, size_t n)
{
    const char *end = text + n;

    while (text < end) {
        const char *next = put_element(out, text, end);
        if (next == NULL) {
            put_escaped(out, text, 1);
            next = text + 1;
        }
        text = next;
    }
}

/* -- both ------------------------------------------------------------------------------------- */

static void put_text(struct page *page, const char *text, size_t n)
{
    if (page->html)
        put_inline(page->out, text, n);
    else
        buf_put(page->out, text, n);
}

void page_anchor(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == ' ')
            buf_putc(out, '-');
        else if (is_word(*text))
            buf_putc(out, (char)(*text >= 'A' && *text <= 'Z' ? *text - 'A' + 'a' : *text));
    }
}

void page_heading(struct page *page, int level, const char *text)
{
    if (!page->html) {
        buf_printf(page->out, "%.*s %s\n\n", level, "####", text);
        return;
    }
    buf_printf(page->out, "<h%d id=\"", level);
    page_anchor(page->out, text);
    buf_puts(page->out, "\">");
    put_text(page, text, strlen(text));
    buf_printf(page->out, "</h%d>\n", level);
}

void page_text(struct page *page, const char *text)
{
    while (*text != '\0') {
        const char *end = strstr(text, "\n\n");
        size_t n = end != NULL ? (size_t)(end - text) : strlen(text);
        if (page->html)
            buf_puts(page->out, "<p>");
        put_text(page, text, n);
        buf_puts(page->out, page->html ? "</p>\n" : "\n\n");
        text += end != NULL ? n + 2 : n;
    }
}

void page_list_begin(struct page *page)
{
    if (page->html)
        buf_puts(page->out, "<ul>\n");
}

void page_list_item(struct page *page, const char *text)
{
    buf_puts(page->out, page->html ? "<li>" : "- ");
    put_text(page, text, strlen(text));
    buf_puts(page->out, page->html ? "</li>\n" : "\n");
}

void page_list_end(struct page *page)
{
    buf_puts(page->out, page->html ? "</ul>\n" : "\n");
}

/* -- tables ----------------------------------------------------------------------------------- */

/* '|' would end a cell of Markdown, also in code. */
static void put_cell(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            buf_putc(out, '\\');
        buf_putc(out, *text);
    }
}

static void put_row(struct page *page, const char *const *cells, const char *element)
{
    if (page->html)
        buf_puts(page->out, "<tr>");
    for (size_t i = 0; i < page->columns; i++) {
        if (page->html) {
            buf_printf(page->out, "<%s>", element);
            put_text(page, cells[i], strlen(cells[i]));
            buf_printf(page->out, "</%s>", element);
        } else {
            buf_puts(page->out, "| ");
            put_cell(page->out, cells[i]);
            buf_putc(page->out, ' ');
        }
    }
    buf_puts(page->out, page->html ? "</tr>\n" : "|\n");
}

void page_table_begin(struct page *page, const char *const *heads, size_t n)
{
    page->columns = n;
    if (page->html)
        buf_puts(page->out, "<div class=\"wide\" tabindex=\"0\"><table>\n<thead>");
    put_row(page, heads, "th");
    if (page->html) {
        buf_puts(page->out, "</thead>\n<tbody>\n");
        return;
    }
    for (size_t i = 0; i < n; i++)
        buf_puts(page->out, "| --- ");
    buf_puts(page->out, "|\n");
}

void page_table_row(struct page *page, const char *const *cells)
{
    put_row(page, cells, "td");
}

void page_table_end(struct page *page)
{
    buf_puts(page->out, page->html ? "</tbody>\n</table></div>\n" : "\n");
}

void page_code(struct page *page, const char *language, const char *text, size_t n)
{
    if (page->html) {
        buf_puts(page->out, "<pre tabindex=\"0\"><code>");
        put_escaped(page->out, text, n);
        buf_puts(page->out, "</code></pre>\n");
        return;
    }
    buf_printf(page->out, "```%s\n", language);
    buf_put(page->out, text, n);
    buf_puts(page->out, n > 0 && text[n - 1] == '\n' ? "```\n\n" : "\n```\n\n");
}
