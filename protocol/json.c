#include "protocol/json.h"

#include <stdbool.h>
#include <string.h>

#include "protocol/limits.h"

/* The index of the quote that ends the string beginning at I, or LEN. */
static size_t string_end(const char *text, size_t len, size_t i)
{
    for (i++; i < len && text[i] != '"'; i++)
        if (text[i] == '\\')
            i++;
    return i < len ? i : len;
}

/* The parser recurses once a level, so the depth is looked at before it starts. */
static bool too_deep(const char *text, size_t len)
{
    int depth = 0;

    for (size_t i = 0; i < len; i++) {
        switch (text[i]) {
        case '"':
            i = string_end(text, len, i);
            break;
        case '{':
        case '[':
            if (++depth > LIMIT_JSON_DEPTH)
                return true;
            break;
        case '}':
        case ']':
            depth--;
            break;
        default:
            break;
        }
    }
    return false;
}

static const char *reason_of(const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_duplicate_key:
        return "has the same key twice in one object";
    case json_error_invalid_utf8:
        return "is not valid UTF-8";
    case json_error_null_character:
        return "contains a NUL character";
    case json_error_numeric_overflow:
        return "has a number out of range";
    case json_error_end_of_input_expected:
        return "has something after its end";
    case json_error_premature_end_of_input:
        return "ends too early";
    default:
        return "is not valid JSON";
    }
}

json_t *json_parse_bounded(const char *text, size_t len, const char **reason_out)
{
    json_error_t error;

    if (memchr(text, '\0', len) != NULL) { /* jansson takes one after a number for white space */
        *reason_out = "contains a NUL character";
        return NULL;
    }
    if (too_deep(text, len)) {
        *reason_out = "is nested too deeply";
        return NULL;
    }
    json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL)
        *reason_out = reason_of(&error);
    return json;
}
