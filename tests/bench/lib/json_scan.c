#include "tests/bench/lib/json_scan.h"

#include <string.h>

static const struct json_span nothing = {NULL, 0};

static size_t skip_blanks(struct json_span text, size_t at)
{
    while (at < text.len && (unsigned char)text.at[at] <= ' ')
        at++;
    return at;
}

/* AT is on the opening quote; the result is behind the closing one. */
static size_t skip_string(struct json_span text, size_t at)
{
    for (at++; at < text.len; at++) {
        if (text.at[at] == '\\')
            at++;
        else if (text.at[at] == '"')
            return at + 1;
    }
    return text.len;
}

static size_t skip_nested(struct json_span text, size_t at)
{
    unsigned depth = 0;

    while (at < text.len) {
        char c = text.at[at];
        if (c == '"') {
            at = skip_string(text, at);
            continue;
        }
        at++;
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            return at;
    }
    return text.len;
}

static size_t skip_value(struct json_span text, size_t at)
{
    if (at >= text.len)
        return text.len;
    if (text.at[at] == '"')
        return skip_string(text, at);
    if (text.at[at] == '{' || text.at[at] == '[')
        return skip_nested(text, at);
    while (at < text.len && strchr(",]} \t\r\n", text.at[at]) == NULL)
        at++;
    return at;
}

bool json_next_member(struct json_span object, size_t *cursor, struct json_span *key_out,
                      struct json_span *value_out)
{
    size_t at = skip_blanks(object, *cursor);

    if (at >= object.len || (object.at[at] != '{' && object.at[at] != ','))
        return false;
    at = skip_blanks(object, at + 1);
    if (at >= object.len || object.at[at] != '"')
        return false;
    size_t key_end = skip_string(object, at);
    *key_out = json_content((struct json_span){object.at + at, key_end - at});
    at = skip_blanks(object, key_end);
    if (at >= object.len || object.at[at] != ':')
        return false;
    at = skip_blanks(object, at + 1);
    *cursor = skip_value(object, at);
    *value_out = (struct json_span){object.at + at, *cursor - at};
    return true;
}

struct json_span json_member(struct json_span object, const char *key)
{
    size_t cursor = 0;
    struct json_span name;
    struct json_span value;

    while (json_next_member(object, &cursor, &name, &value))
        if (json_equals(name, key))
            return value;
    return nothing;
}

bool json_next(struct json_span array, size_t *cursor, struct json_span *element_out)
{
    size_t at = skip_blanks(array, *cursor);

    if (at >= array.len || (array.at[at] != '[' && array.at[at] != ','))
        return false;
    at = skip_blanks(array, at + 1);
    if (at >= array.len || array.at[at] == ']')
        return false;
    size_t end = skip_value(array, at);
    *element_out = (struct json_span){array.at + at, end - at};
    *cursor = end;
    return true;
}

bool json_equals(struct json_span span, const char *text)
{
    return span.at != NULL && span.len == strlen(text) && memcmp(span.at, text, span.len) == 0;
}

struct json_span json_content(struct json_span value)
{
    if (value.len < 2 || value.at[0] != '"')
        return nothing;
    return (struct json_span){value.at + 1, value.len - 2};
}

uint64_t json_number(struct json_span value)
{
    uint64_t number = 0;

    for (size_t i = 0; i < value.len && value.at[i] >= '0' && value.at[i] <= '9'; i++)
        number = number * 10 + (uint64_t)(value.at[i] - '0');
    return number;
}
