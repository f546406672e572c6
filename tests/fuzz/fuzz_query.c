/* fuzz_query.c - parameters from a URL's query: the first byte picks the command, the rest are
 * arguments with `&` between. What is taken is JSON that params_parse() can judge; what is refused
 * names a field and says why.
 */
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "protocol/query.h"

static void require(int condition)
{
    if (!condition)
        abort();
}

/* The argument is there, under its name, with its value as it was unless the row wants another
 * type. */
static void check_taken(const char *arg, size_t len, const json_t *object)
{
    char name[256];
    const char *equals = memchr(arg, '=', len);
    size_t name_n = equals == NULL ? len : (size_t)(equals - arg);

    require(name_n < sizeof(name));
    memcpy(name, arg, name_n);
    name[name_n] = '\0';
    const json_t *value = json_object_get(object, name);
    require(value != NULL);
    size_t text_n = equals == NULL ? 0 : len - name_n - 1;
    if (json_is_string(value))
        require(json_string_length(value) == text_n &&
                (text_n == 0 || memcmp(json_string_value(value), equals + 1, text_n) == 0));
    else
        require(json_is_integer(value) || json_is_boolean(value) || json_is_array(value));
}

static void check_refused(enum err err, const struct problem *problem)
{
    require(err == ERR_INVALID_PARAMS);
    require(problem->field != NULL && problem->reason != NULL);
    require(utf8_is_valid(problem->field, strlen(problem->field)));
}

static enum err put_all(const struct command *cmd, const char *text, size_t n, json_t *object,
                        struct problem *problem)
{
    enum err err = ERR_OK;

    for (size_t at = 0; err == ERR_OK && at < n;) {
        const char *end = memchr(text + at, '&', n - at);
        size_t len = end == NULL ? n - at : (size_t)(end - text) - at;
        err = query_put(cmd, text + at, len, object, problem);
        if (err == ERR_OK)
            check_taken(text + at, len, object);
        at += len + 1;
    }
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct problem problem = {0};
    struct params params = {0};

    if (size == 0)
        return 0;
    const struct command *cmd = command_get((enum command_id)(data[0] % CMD_COUNT));
    json_t *object = json_object();
    enum err err = put_all(cmd, (const char *)data + 1, size - 1, object, &problem);
    if (err == ERR_OK) {
        err = params_parse(cmd, object, &params, &problem);
        if (err != ERR_OK)
            check_refused(err, &problem);
        params_free(&params);
    } else {
        check_refused(err, &problem);
    }
    json_decref(object);
    return 0;
}
