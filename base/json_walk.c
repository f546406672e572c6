#include "base/json_walk.h"

#include <string.h>

#include "base/macros.h"

struct walk {
    const char *at, *end;
};

static bool value(struct walk *w, unsigned depth);

static void blanks(struct walk *w)
{
    while (w->at < w->end && (*w->at == ' ' || *w->at == '\t' || *w->at == '\n' || *w->at == '\r'))
        w->at++;
}

static bool take(struct walk *w, char c)
{
    if (w->at == w->end || *w->at != c)
        return false;
    w->at++;
    return true;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool escape(struct walk *w)
{
    if (w->at == w->end)
        return false;
    char c = *w->at++;
    if (c != 'u')
        return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
    for (int i = 0; i < 4; i++)
        if (w->at == w->end || !is_hex(*w->at++))
            return false;
    return true;
}

static bool string(struct walk *w)
{
    if (!take(w, '"'))
        return false;
    while (w->at < w->end) {
        unsigned char c = (unsigned char)*w->at++;
        if (c == '"')
            return true;
        if (c < 0x20 || (c == '\\' && !escape(w)))
            return false;
    }
    return false;
}

static bool digits(struct walk *w)
{
    const char *from = w->at;

    while (w->at < w->end && *w->at >= '0' && *w->at <= '9')
        w->at++;
    return w->at > from;
}

static bool number(struct walk *w)
{
    (void)take(w, '-');
    if (!take(w, '0') && !digits(w))
        return false;
    if (take(w, '.') && !digits(w))
        return false;
    if (!take(w, 'e') && !take(w, 'E'))
        return true;
    if (!take(w, '+'))
        (void)take(w, '-');
    return digits(w);
}

static bool word(struct walk *w)
{
    static const char *const words[] = {"true", "false", "null"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(w->end - w->at) >= n && memcmp(w->at, words[i], n) == 0) {
            w->at += n;
            return true;
        }
    }
    return false;
}

static bool array(struct walk *w, unsigned depth)
{
    w->at++;
    blanks(w);
    if (take(w, ']'))
        return true;
    do {
        if (!value(w, depth))
            return false;
    } while (take(w, ','));
    return take(w, ']');
}

static bool object(struct walk *w, unsigned depth, json_member_fn member, void *arg)
{
    w->at++;
    blanks(w);
    if (take(w, '}'))
        return true;
    do {
        blanks(w);
        struct json_span name = {.at = w->at + 1};
        if (!string(w))
            return false;
        name.n = (size_t)(w->at - name.at) - 1;
        blanks(w);
        if (!take(w, ':'))
            return false;
        blanks(w);
        struct json_span span = {.at = w->at};
        if (!value(w, depth))
            return false;
        span.n = (size_t)(w->at - span.at);
        while (span.n > 0 && strchr(" \t\r\n", span.at[span.n - 1]) != NULL)
            span.n--; /* value() ends behind the blanks */
        if (member != NULL && !member(arg, name, span))
            return false;
    } while (take(w, ','));
    return take(w, '}');
}

/* One value, and the blanks around it. DEPTH: how many may be inside each other. */
static bool value(struct walk *w, unsigned depth)
{
    bool ok;

    blanks(w);
    if (w->at == w->end || depth == 0)
        return false;
    if (*w->at == '{')
        ok = object(w, depth - 1, NULL, NULL);
    else if (*w->at == '[')
        ok = array(w, depth - 1);
    else if (*w->at == '"')
        ok = string(w);
    else
        ok = word(w) || number(w);
    blanks(w);
    return ok;
}

bool json_walk(const char *text, size_t n, json_member_fn member, void *arg)
{
    struct walk w = {.at = text, .end = text + n};

    blanks(&w);
    if (w.at == w.end || *w.at != '{' || !object(&w, JSON_WALK_DEPTH - 1, member, arg))
        return false;
    blanks(&w);
    return w.at == w.end;
}

bool json_span_is(struct json_span span, const char *text)
{
    return span.n == strlen(text) && memcmp(span.at, text, span.n) == 0;
}

bool json_span_text(struct json_span value, struct json_span *out)
{
    if (value.n < 2 || value.at[0] != '"' || value.at[value.n - 1] != '"' ||
        memchr(value.at, '\\', value.n) != NULL)
        return false;
    *out = (struct json_span){value.at + 1, value.n - 2};
    return true;
}

bool json_span_uint(struct json_span value, uint64_t *out)
{
    uint64_t n = 0;

    if (value.n == 0)
        return false;
    for (size_t i = 0; i < value.n; i++) {
        char c = value.at[i];
        if (c < '0' || c > '9' || n > (INT64_MAX - (uint64_t)(c - '0')) / 10)
            return false;
        n = n * 10 + (uint64_t)(c - '0');
    }
    *out = n;
    return true;
}
