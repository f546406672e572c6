#include "protocol/mrkdwn.h"

#include <stdbool.h>
#include <string.h>

/* No mark reaches further than this, so that no text makes looking for its end slow. */
enum { SPAN_MAX = 2000, REF_MAX = 4096 };

struct text {
    const char *s;
    size_t n;
};

static struct text part(struct text t, size_t from, size_t to)
{
    return (struct text){t.s + from, to - from};
}

static bool begins(struct text t, const char *with)
{
    size_t n = strlen(with);

    return t.n >= n && memcmp(t.s, with, n) == 0;
}

/* Where C is among the next MAX bytes of the line behind FROM; t.n: nowhere. */
static size_t find(struct text t, size_t from, char c, size_t max)
{
    for (size_t i = from; i < t.n && i - from <= max && t.s[i] != '\n'; i++)
        if (t.s[i] == c)
            return i;
    return t.n;
}

/* -- entities -------------------------------------------------------------------------------- */

/* The bytes of the entity at T, 0 if there is none. */
static size_t entity(struct text t, char *c_out)
{
    static const struct {
        const char *name;
        char c;
    } entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}};

    for (size_t i = 0; i < sizeof(entities) / sizeof(*entities); i++)
        if (begins(t, entities[i].name)) {
            *c_out = entities[i].c;
            return strlen(entities[i].name);
        }
    return 0;
}

static void put_plain(struct buf *out, struct text t)
{
    for (size_t i = 0; i < t.n;) {
        char c = t.s[i];
        size_t n = c == '&' ? entity(part(t, i, t.n), &c) : 0;
        buf_putc(out, c);
        i += n > 0 ? n : 1;
    }
}

/* -- what stands in angle brackets ----------------------------------------------------------- */

static bool is_web(struct text url)
{
    return begins(url, "http://") || begins(url, "https://");
}

/* Without what a reader does not need: the scheme of an address to write or to call. */
static struct text bare(struct text url)
{
    if (begins(url, "mailto:"))
        return part(url, strlen("mailto:"), url.n);
    return begins(url, "tel:") ? part(url, strlen("tel:"), url.n) : url;
}

static bool says_the_same(struct text label, struct text url)
{
    size_t scheme = is_web(url) ? (size_t)(strchr(url.s, '/') - url.s) + 2 : 0;

    return (label.n == url.n && memcmp(label.s, url.s, url.n) == 0) ||
           (label.n == url.n - scheme && memcmp(label.s, url.s + scheme, label.n) == 0);
}

static void put_link(struct buf *out, struct text url, struct text label)
{
    if (label.n == 0 || says_the_same(label, url)) {
        put_plain(out, bare(url));
        return;
    }
    put_plain(out, label);
    if (!is_web(url))
        return;
    buf_puts(out, " (");
    put_plain(out, url);
    buf_putc(out, ')');
}

/* "!channel", "!subteam^S1|@team", "!date^1^{date}|today" */
static void put_special(struct buf *out, struct text word, struct text label)
{
    size_t end = find(word, 1, '^', word.n);

    if (label.n > 0) {
        put_plain(out, label);
        return;
    }
    buf_putc(out, '@');
    put_plain(out, part(word, 1, end));
}

/* NAME after SIGN, which it may have already. */
static void put_name(struct buf *out, char sign, struct text name)
{
    if (name.n == 0 || name.s[0] != sign)
        buf_putc(out, sign);
    put_plain(out, name);
}

/* The inside of <...>. False: it is nothing of this kind. */
static bool put_ref(struct buf *out, struct text ref)
{
    size_t bar = find(ref, 0, '|', ref.n);
    struct text what = part(ref, 0, bar);
    struct text label = bar < ref.n ? part(ref, bar + 1, ref.n) : (struct text){ref.s, 0};

    if (what.n < 2)
        return false;
    if (what.s[0] == '@' || what.s[0] == '#')
        put_name(out, what.s[0], label.n > 0 ? label : part(what, 1, what.n));
    else if (what.s[0] == '!')
        put_special(out, what, label);
    else if (is_web(what) || begins(what, "mailto:") || begins(what, "tel:"))
        put_link(out, what, label);
    else
        return false;
    return true;
}

/* -- marks ----------------------------------------------------------------------------------- */

static bool is_word(struct text t, size_t i)
{
    unsigned char c = (unsigned char)t.s[i];

    return c >= 0x80 || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Where what the mark at AT begins ends; t.n: it begins nothing. */
static size_t find_end(struct text t, size_t at)
{
    char mark = t.s[at];

    if ((at > 0 && (is_word(t, at - 1) || t.s[at - 1] == mark)) || at + 2 >= t.n ||
        is_blank(t.s[at + 1]) || t.s[at + 1] == mark)
        return t.n;
    for (size_t i = at + 1; i < t.n && i - at <= SPAN_MAX && t.s[i] != '\n'; i++) {
        size_t close = t.s[i] == '<' ? find(t, i, '>', REF_MAX) : t.n;
        if (close < t.n)
            i = close; /* a link may have the mark in it */
        else if (t.s[i] == mark && !is_blank(t.s[i - 1]) &&
                 (i + 1 == t.n || (!is_word(t, i + 1) && t.s[i + 1] != mark)))
            return i;
    }
    return t.n;
}

/* ```code``` has lines of its own. */
static size_t put_fence(struct buf *out, struct text t, size_t at)
{
    size_t from = at + 3;
    size_t to = from;

    while (to + 3 <= t.n && memcmp(t.s + to, "```", 3) != 0)
        to++;
    if (to + 3 > t.n || to == from)
        return 0;
    size_t end = to + 3;
    from += t.s[from] == '\n' ? 1 : 0;
    to -= to > from && t.s[to - 1] == '\n' ? 1 : 0;
    if (out->len > 0 && out->data[out->len - 1] != '\n')
        buf_putc(out, '\n');
    buf_puts(out, "```\n");
    put_plain(out, part(t, from, to));
    buf_puts(out, "\n```");
    if (end < t.n && t.s[end] != '\n')
        buf_putc(out, '\n');
    return end - at;
}

/* `code` as it is. */
static size_t put_code(struct buf *out, struct text t, size_t at)
{
    size_t end = find(t, at + 1, '`', SPAN_MAX);

    if (end == t.n || end == at + 1)
        return 0;
    put_plain(out, part(t, at, end + 1));
    return end + 1 - at;
}

static void put_marked(struct buf *out, struct text t);

/* What begins at AT, if it is more than text: how much of it was put, 0 if it is not. */
static size_t put_something(struct buf *out, struct text t, size_t at)
{
    size_t end;

    switch (t.s[at]) {
    case '`':
        end = begins(part(t, at, t.n), "```") ? put_fence(out, t, at) : 0;
        return end > 0 ? end : put_code(out, t, at);
    case '<':
        end = find(t, at + 1, '>', REF_MAX);
        return end < t.n && put_ref(out, part(t, at + 1, end)) ? end + 1 - at : 0;
    case '*':
    case '~':
        end = find_end(t, at);
        if (end == t.n)
            return 0;
        buf_putc(out, t.s[at]);
        buf_putc(out, t.s[at]);
        put_marked(out, part(t, at + 1, end)); /* in which there is none of these marks */
        buf_putc(out, t.s[at]);
        buf_putc(out, t.s[at]);
        return end + 1 - at;
    default:
        return 0;
    }
}

static void put_marked(struct buf *out, struct text t)
{
    for (size_t i = 0; i < t.n;) {
        char c = t.s[i];
        size_t n = strchr("`<*~", c) != NULL ? put_something(out, t, i) : 0;
        if (n == 0) {
            n = c == '&' ? entity(part(t, i, t.n), &c) : 0;
            buf_putc(out, c);
            n = n > 0 ? n : 1;
        }
        i += n;
    }
}

void mrkdwn_put(struct buf *out, const char *text, size_t len)
{
    put_marked(out, (struct text){text, len});
}
