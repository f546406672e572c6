/* fuzz_params.c - parameters: the first byte picks the command, the rest is the parameters' JSON.
 * What is accepted is within the bounds of its row; what is refused names a field. */
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/utf8.h"
#include "protocol/json.h"
#include "protocol/jsonrpc.h"
#include "protocol/params.h"

static void require(int condition)
{
    if (!condition)
        abort();
}

static void check_string(const struct params *params, const struct param_spec *spec)
{
    const char *s = param_str(params, spec->name);

    require(s != NULL && strlen(s) == param_len(params, spec->name));
    require(utf8_is_valid(s, strlen(s)));
    if (spec->type != PARAM_ENUM)
        require(strlen(s) >= (size_t)spec->min && strlen(s) <= 4 * (size_t)spec->max);
    if (spec->type == PARAM_ID)
        require(id_is_valid(s));
    if (spec->type == PARAM_ENUM)
        require(*s != '\0' && strstr(spec->words, s) != NULL && strchr(s, '|') == NULL);
}

static void check_ids(const struct params *params, const struct param_spec *spec)
{
    const char *ids[LIMIT_HISTORY_LIMIT];
    size_t n = param_ids(params, spec->name, ids, LIMIT_HISTORY_LIMIT);

    require(n >= (size_t)spec->min && n <= (size_t)spec->max);
    for (size_t i = 0; i < n; i++)
        require(id_is_valid(ids[i]));
}

static void check_words(const struct params *params, const struct param_spec *spec)
{
    const char *words[PARAM_WORDS_MAX];
    size_t n = param_ids(params, spec->name, words, PARAM_WORDS_MAX);

    require(n >= 1 && n <= PARAM_WORDS_MAX);
    for (size_t i = 0; i < n; i++)
        require(*words[i] != '\0' && strstr(spec->words, words[i]) != NULL);
}

static void check_positions(const struct params *params, const struct param_spec *spec)
{
    for (size_t i = 0; i < param_positions_count(params, spec->name); i++) {
        struct stream_position position;
        param_position(params, spec->name, i, &position);
        require(position.stream[1] == ':' && id_is_valid(position.stream + 2));
        require(strlen(position.epoch) <= LIMIT_EPOCH_CHARS);
        require(position.seq <= (uint64_t)LIMIT_SEQ_MAX);
    }
}

static void check_value(const struct params *params, const struct param_spec *spec)
{
    switch (spec->type) {
    case PARAM_SEQ:
    case PARAM_INT:
        require(param_int(params, spec->name, -1) >= spec->min &&
                param_int(params, spec->name, -1) <= spec->max);
        break;
    case PARAM_BOOL:
        (void)param_bool(params, spec->name, false);
        break;
    case PARAM_IDS:
        check_ids(params, spec);
        break;
    case PARAM_WORDS:
        check_words(params, spec);
        break;
    case PARAM_POSITIONS:
        check_positions(params, spec);
        break;
    default:
        check_string(params, spec);
    }
}

static void check_problem(const struct problem *problem)
{
    struct buf out = {0};

    require(problem->field != NULL && problem->reason != NULL);
    problem_put(&out, ERR_INVALID_PARAMS, problem, NULL, -1, NULL);
    json_t *json = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
    require(json != NULL);
    json_decref(json);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *reason;
    struct params params;
    struct problem problem = {0};

    if (size == 0)
        return 0;
    const struct command *command = command_get((enum command_id)(data[0] % CMD_COUNT));
    json_t *json = json_parse_bounded((const char *)data + 1, size - 1, &reason);
    if (json == NULL)
        return 0;
    enum err err = params_parse(command, json, &params, &problem);
    if (err != ERR_OK) {
        require(err == ERR_INVALID_PARAMS);
        check_problem(&problem);
    } else {
        for (size_t i = 0; i < command->params_n; i++)
            if (param_has(&params, command->params[i].name))
                check_value(&params, &command->params[i]);
            else
                require(!command->params[i].required);
    }
    params_free(&params);
    json_decref(json);
    return 0;
}
