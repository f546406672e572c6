/* fuzz_json.c - the JSON reader against jansson's own: the same verdict and the same value. */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/json.h"
#include "protocol/limits.h"

static int depth_of(const json_t *json);

static int deeper(int deepest, const json_t *value)
{
    int depth = depth_of(value);

    return depth > deepest ? depth : deepest;
}

static int depth_of(const json_t *json)
{
    int deepest = 0;
    size_t i;
    const char *key;
    json_t *value;

    if (!json_is_array(json) && !json_is_object(json))
        return 0;
    json_array_foreach(json, i, value)
    {
        deepest = deeper(deepest, value);
    }
    json_object_foreach((json_t *)json, key, value)
    {
        deepest = deeper(deepest, value);
    }
    return deepest + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *reason = NULL;
    json_t *ours = json_parse_bounded(text, size, &reason);

    if ((ours == NULL) != (reason != NULL))
        abort();
    if (ours != NULL && depth_of(ours) > LIMIT_JSON_DEPTH)
        abort();
    /* jansson takes a NUL after a number for white space; ours takes it nowhere. */
    if (memchr(text, '\0', size) != NULL) {
        if (ours != NULL)
            abort();
        return 0;
    }
    json_t *theirs = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    bool too_deep = ours == NULL && strcmp(reason, "is nested too deeply") == 0;
    if (!too_deep &&
        ((ours == NULL) != (theirs == NULL) || (ours != NULL && !json_equal(ours, theirs))))
        abort();
    json_decref(ours);
    json_decref(theirs);
    return 0;
}
