#include "cli/reader.h"

#include <stdio.h>

#include "cli/report.h"

static void fail(struct reader *r, const char *key, const char *wanted)
{
    if (r->failed)
        return;
    r->failed = true;
    r->wanted = wanted;
    (void)snprintf(r->member, sizeof(r->member), "%s", key);
}

/* The member, or NULL when it is missing, null or not of the type; fails unless it may be absent.
 */
static const json_t *get(struct reader *r, const json_t *object, const char *key, json_type type,
                         const char *wanted, bool optional)
{
    const json_t *value = json_object_get(object, key);
    bool absent = value == NULL || json_is_null(value);

    if (!absent && json_typeof(value) == type)
        return value;
    if (!absent || !optional)
        fail(r, key, wanted);
    return NULL;
}

const char *reader_string(struct reader *r, const json_t *object, const char *key)
{
    const json_t *value = get(r, object, key, JSON_STRING, "a string", false);

    return value != NULL ? json_string_value(value) : "";
}

const char *reader_string_opt(struct reader *r, const json_t *object, const char *key)
{
    const json_t *value = get(r, object, key, JSON_STRING, "a string", true);

    return value != NULL ? json_string_value(value) : NULL;
}

static uint64_t to_uint(struct reader *r, const json_t *value, const char *key)
{
    json_int_t n = value != NULL ? json_integer_value(value) : 0;

    if (n < 0)
        fail(r, key, "a number from 0 on");
    return n < 0 ? 0 : (uint64_t)n;
}

uint64_t reader_uint(struct reader *r, const json_t *object, const char *key)
{
    return to_uint(r, get(r, object, key, JSON_INTEGER, "a whole number", false), key);
}

uint64_t reader_uint_opt(struct reader *r, const json_t *object, const char *key)
{
    return to_uint(r, get(r, object, key, JSON_INTEGER, "a whole number", true), key);
}

bool reader_bool_opt(struct reader *r, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (value != NULL && !json_is_null(value) && !json_is_boolean(value))
        fail(r, key, "true or false");
    return json_is_true(value);
}

const json_t *reader_array(struct reader *r, const json_t *object, const char *key)
{
    return get(r, object, key, JSON_ARRAY, "an array", false);
}

const json_t *reader_object(struct reader *r, const json_t *object, const char *key)
{
    return get(r, object, key, JSON_OBJECT, "an object", false);
}

bool reader_ok(const struct reader *r)
{
    if (!r->failed)
        return true;
    report_error("the answer to %s is not what was expected: `%s` is not %s", r->command, r->member,
                 r->wanted);
    report_hint("parleyctl and parleyd are perhaps of different versions: parleyctl version");
    return false;
}
