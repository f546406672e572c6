#include "protocol/query.h"

#include <string.h>

#include "base/utf8.h"

enum { DIGITS_MAX = 18 }; /* of a number that fits into an int64_t whatever its digits are */

/* Only as JSON would have it; anything else stays the string that it is. */
static json_t *integer_of(const char *text, size_t n)
{
    bool minus = n > 0 && text[0] == '-';
    int64_t value = 0;

    if (n - minus == 0 || n - minus > DIGITS_MAX || (text[minus] == '0' && n - minus > 1))
        return NULL;
    for (size_t i = minus; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return NULL;
        value = value * 10 + (text[i] - '0');
    }
    return json_integer(minus ? -value : value);
}

static json_t *list_of(const char *text, size_t n)
{
    json_t *list = json_array();
    const char *end = text + n;

    for (;;) {
        const char *comma = memchr(text, ',', (size_t)(end - text));
        size_t item = (size_t)((comma != NULL ? comma : end) - text);
        (void)json_array_append_new(list, json_stringn(text, item));
        if (comma == NULL)
            return list;
        text = comma + 1;
    }
}

static json_t *value_of(const struct param_spec *spec, const char *text, size_t n)
{
    json_t *value = NULL;

    switch (spec->type) {
    case PARAM_SEQ:
    case PARAM_INT:
        value = integer_of(text, n);
        break;
    case PARAM_BOOL:
        if (n == 4 && memcmp(text, "true", n) == 0)
            value = json_true();
        else if (n == 5 && memcmp(text, "false", n) == 0)
            value = json_false();
        break;
    case PARAM_IDS:
        value = list_of(text, n);
        break;
    default:
        break;
    }
    return value != NULL ? value : json_stringn(text, n);
}

static const struct param_spec *find_spec(const struct command *cmd, const char *name)
{
    static const struct param_spec unknown = {.type = PARAM_TEXT};

    for (size_t i = 0; i < cmd->params_n; i++)
        if (strcmp(cmd->params[i].name, name) == 0)
            return &cmd->params[i];
    return &unknown;
}

enum err query_put(const struct command *cmd, const char *arg, size_t len, json_t *object,
                   struct problem *problem_out)
{
    const char *equals = memchr(arg, '=', len);
    size_t name_n = equals != NULL ? (size_t)(equals - arg) : len;
    const char *text = equals != NULL ? equals + 1 : arg + len;
    size_t text_n = len - (size_t)(text - arg);
    char name[sizeof(problem_out->field_buf)];

    if (!utf8_is_valid(arg, len) || memchr(arg, '\0', len) != NULL) {
        problem_set(problem_out, "query", "must be valid UTF-8 without NUL");
        return ERR_INVALID_PARAMS;
    }
    if (name_n >= sizeof(name)) {
        problem_set(problem_out, "query", "unknown parameter");
        return ERR_INVALID_PARAMS;
    }
    memcpy(name, arg, name_n);
    name[name_n] = '\0';
    if (json_object_get(object, name) != NULL) {
        problem_set(problem_out, name, "must be given once");
        return ERR_INVALID_PARAMS;
    }
    (void)json_object_set_new(object, name, value_of(find_spec(cmd, name), text, text_n));
    return ERR_OK;
}
