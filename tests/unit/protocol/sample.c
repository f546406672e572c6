#include "tests/unit/protocol/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool sample_is_sized_string(const struct param_spec *spec)
{
    switch (spec->type) {
    case PARAM_SEQ:
    case PARAM_INT:
    case PARAM_BOOL:
    case PARAM_ENUM:
    case PARAM_IDS:
    case PARAM_WORDS:
    case PARAM_POSITIONS:
        return false;
    default:
        return true;
    }
}

bool sample_is_integer(const struct param_spec *spec)
{
    return spec->type == PARAM_INT || spec->type == PARAM_SEQ;
}

json_t *sample_string(const struct param_spec *spec, size_t size)
{
    char *s = malloc(size + 1);

    memset(s, 'a', size);
    s[size] = '\0';
    if (size > 0 && spec->type == PARAM_PATH)
        s[0] = '/';
    if (size > 7 && spec->type == PARAM_URL)
        memcpy(s, "http://", 7);
    if (size > 1 && spec->type == PARAM_STREAM)
        memcpy(s, "c:", 2);
    json_t *json = json_string(s);
    free(s);
    return json;
}

json_t *sample_positions(size_t n)
{
    json_t *all = json_object();
    char stream[LIMIT_STREAM_CHARS + 1];

    for (size_t i = 0; i < n; i++) {
        (void)snprintf(stream, sizeof(stream), "c:%zu", i);
        json_object_set_new(all, stream,
                            json_pack("{s:s,s:I}", "epoch", "e", "seq", (json_int_t)i));
    }
    return all;
}

static json_t *first_word(const char *words)
{
    return json_stringn(words, strcspn(words, "|"));
}

json_t *sample_value(const struct param_spec *spec)
{
    switch (spec->type) {
    case PARAM_SEQ:
    case PARAM_INT:
        return json_integer(spec->min);
    case PARAM_BOOL:
        return json_true();
    case PARAM_ENUM:
        return first_word(spec->words);
    case PARAM_WORDS:
        return json_pack("[o]", first_word(spec->words));
    case PARAM_IDS:
        return json_pack("[s]", "01jx4n5v8rq7d2c9m3k6t0wz5b");
    case PARAM_POSITIONS:
        return sample_positions(2);
    default:
        return sample_string(spec, spec->min < 3 ? 3 : (size_t)spec->min);
    }
}

json_t *sample_call(const struct command *command, bool only_required)
{
    json_t *call = json_object();

    for (size_t i = 0; i < command->params_n; i++)
        if (command->params[i].required || !only_required)
            json_object_set_new(call, command->params[i].name, sample_value(&command->params[i]));
    return call;
}
