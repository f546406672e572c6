#include "protocol/params.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/utf8.h"

/* -- what is wrong ------------------------------------------------------------------------------
 */

/* Copies what fits, whole characters only. */
static void copy_cut(char *to, size_t size, const char *from)
{
    size_t n = strlen(from);

    if (n >= size) {
        n = size - 1;
        while (n > 0 && ((unsigned char)from[n] & 0xc0) == 0x80)
            n--;
    }
    memcpy(to, from, n);
    to[n] = '\0';
}

void problem_set(struct problem *problem, const char *field, const char *reason)
{
    copy_cut(problem->field_buf, sizeof(problem->field_buf), field);
    copy_cut(problem->reason_buf, sizeof(problem->reason_buf), reason);
    problem->field = problem->field_buf;
    problem->reason = problem->reason_buf;
    problem->id = NULL;
}

static bool fail(struct problem *problem, const char *field, const char *reason)
{
    problem_set(problem, field, reason);
    return false;
}

static bool fail_bounds(struct problem *problem, const struct param_spec *spec, const char *prefix,
                        const char *unit)
{
    char reason[sizeof(problem->reason_buf)];

    if (spec->min == spec->max)
        (void)snprintf(reason, sizeof(reason), "must be %s%" PRId64 "%s", prefix, spec->max, unit);
    else
        (void)snprintf(reason, sizeof(reason), "must be %s%" PRId64 " to %" PRId64 "%s", prefix,
                       spec->min, spec->max, unit);
    return fail(problem, spec->name, reason);
}

/* -- strings ------------------------------------------------------------------------------------
 */

/* Each gives the reason why S is not one, or NULL. S is valid UTF-8 of the right length. */
typedef const char *check_fn(const struct param_spec *spec, const char *s, size_t n);

static bool all_between(const char *s, size_t n, unsigned char lo, unsigned char hi)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < lo || (unsigned char)s[i] > hi)
            return false;
    return true;
}

static const char *check_any(const struct param_spec *spec, const char *s, size_t n)
{
    (void)spec;
    (void)s;
    (void)n;
    return NULL;
}

static const char *check_id(const struct param_spec *spec, const char *s, size_t n)
{
    (void)spec;
    (void)n;
    return id_is_valid(s) ? NULL : "must be an id: letters, digits, '_' and '-'";
}

static const char *check_name(const struct param_spec *spec, const char *s, size_t n)
{
    static const char start[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char rest[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";

    (void)spec;
    return strchr(start, s[0]) != NULL && strspn(s, rest) == n
               ? NULL
               : "must be lower-case letters, digits, '.', '_' and '-', a letter or digit first";
}

static const char *check_id_ref(const struct param_spec *spec, const char *s, size_t n)
{
    if (s[0] != spec->words[0])
        return id_is_valid(s) ? NULL
               : spec->words[0] == '@'
                   ? "must be an id (letters, digits, '_' and '-') or @ and a name"
                   : "must be an id (letters, digits, '_' and '-') or # and a name";
    if (n < 2 || n > 1 + LIMIT_NAME_CHARS)
        return "must have a name of 1 to 32 characters after the sign";
    return check_name(spec, s + 1, n - 1);
}

/* Length of the control character or line break at S (U+0000-001F, 007F-009F, 2028, 2029), or 0. */
static size_t control_at(const unsigned char *s)
{
    if (s[0] < 0x20 || s[0] == 0x7f)
        return 1;
    if (s[0] == 0xc2 && s[1] < 0xa0)
        return 2;
    return s[0] == 0xe2 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9) ? 3 : 0;
}

static const char *check_line(const struct param_spec *spec, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (control_at((const unsigned char *)s + i) != 0)
            return "must not have control characters or line breaks";
    return spec->min > 0 && strspn(s, " ") == n ? "must not be blank" : NULL;
}

static const char *check_token(const struct param_spec *spec, const char *s, size_t n)
{
    (void)spec;
    return all_between(s, n, 0x21, 0x7e) ? NULL : "must be printable ASCII without spaces";
}

static const char *check_printable(const struct param_spec *spec, const char *s, size_t n)
{
    (void)spec;
    return all_between(s, n, 0x20, 0x7e) ? NULL : "must be printable ASCII";
}

static const char *check_stream(const struct param_spec *spec, const char *s, size_t n)
{
    (void)spec;
    (void)n;
    return (s[0] == 'c' || s[0] == 'u') && s[1] == ':' && id_is_valid(s + 2)
               ? NULL
               : "must be c: or u: and an id";
}

static const char *check_enum(const struct param_spec *spec, const char *s, size_t n)
{
    bool one = memchr(s, '|', n) == NULL;

    for (const char *word = spec->words; one && word != NULL; word = strchr(word, '|')) {
        word += *word == '|';
        if (strncmp(word, s, n) == 0 && (word[n] == '|' || word[n] == '\0'))
            return NULL;
    }
    return "must be one of "; /* the words follow */
}

static const char *check_path(const struct param_spec *spec, const char *s, size_t n)
{
    (void)spec;
    if (s[0] != '/')
        return "must be an absolute path";
    for (size_t i = 0; i < n; i++)
        if (control_at((const unsigned char *)s + i) != 0)
            return "must not have control characters";
    return NULL;
}

/* Of an authority (RFC 3986 section 3.2) that is a host, perhaps with a port, and nothing else. */
static bool is_authority(const char *s, size_t n)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789.-_[]:";

    return n > 0 && s[0] != ':' && strspn(s, letters) >= n;
}

static const char *check_url(const struct param_spec *spec, const char *s, size_t n)
{
    size_t scheme = strncmp(s, "https://", 8) == 0 ? 8 : strncmp(s, "http://", 7) == 0 ? 7 : 0;

    (void)spec;
    if (scheme == 0)
        return "must begin with https:// or http://";
    if (!all_between(s, n, 0x21, 0x7e))
        return "must be printable ASCII without spaces";
    return is_authority(s + scheme, strcspn(s + scheme, "/?#"))
               ? NULL
               : "must have a host behind its scheme, and no user or password";
}

static const struct string_rule {
    check_fn *check; /* NULL: the type is no string */
    bool in_bytes;
} string_rules[PARAM_TYPE_COUNT] = {
    [PARAM_ID] = {check_id, false},           [PARAM_ID_REF] = {check_id_ref, false},
    [PARAM_NAME] = {check_name, false},       [PARAM_TEXT] = {check_any, true},
    [PARAM_LINE] = {check_line, false},       [PARAM_PASSWORD] = {check_any, true},
    [PARAM_TOKEN] = {check_token, false},     [PARAM_CLIENT_MSG_ID] = {check_printable, false},
    [PARAM_CURSOR] = {check_printable, true}, [PARAM_STREAM] = {check_stream, false},
    [PARAM_EPOCH] = {check_token, false},     [PARAM_ENUM] = {check_enum, false},
    [PARAM_PATH] = {check_path, true},        [PARAM_URL] = {check_url, false},
};

static size_t count_characters(const char *s, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += ((unsigned char)s[i] & 0xc0) != 0x80;
    return count;
}

static bool fail_words(struct problem *problem, const struct param_spec *spec, const char *start)
{
    char reason[sizeof(problem->reason_buf)];
    size_t n = (size_t)snprintf(reason, sizeof(reason), "%s", start);

    for (const char *p = spec->words; *p != '\0' && n + 3 < sizeof(reason); p++) {
        reason[n++] = *p == '|' ? ',' : *p;
        if (*p == '|')
            reason[n++] = ' ';
    }
    reason[n] = '\0';
    return fail(problem, spec->name, reason);
}

static bool read_string(const struct param_spec *spec, const json_t *json, struct param_value *out,
                        struct problem *problem)
{
    const struct string_rule *rule = &string_rules[spec->type];
    const char *s = json_string_value(json);
    size_t n = json_string_length(json);

    if (s == NULL)
        return fail(problem, spec->name, "must be a string");
    if (memchr(s, '\0', n) != NULL || !utf8_is_valid(s, n))
        return fail(problem, spec->name, "must be valid UTF-8 without NUL");
    if (spec->type != PARAM_ENUM) {
        int64_t size = (int64_t)(rule->in_bytes ? n : count_characters(s, n));
        if (size < spec->min || size > spec->max)
            return fail_bounds(problem, spec, "", rule->in_bytes ? " bytes" : " characters");
    }
    const char *reason = rule->check(spec, s, n);
    if (reason != NULL)
        return spec->type == PARAM_ENUM ? fail_words(problem, spec, reason)
                                        : fail(problem, spec->name, reason);
    out->str = s;
    out->len = n;
    return true;
}

/* -- the other types ----------------------------------------------------------------------------
 */

static bool read_integer(const struct param_spec *spec, const json_t *json, struct param_value *out,
                         struct problem *problem)
{
    if (!json_is_integer(json))
        return fail(problem, spec->name, "must be an integer");
    out->num = json_integer_value(json);
    if (out->num < spec->min || out->num > spec->max)
        return fail_bounds(problem, spec, "an integer from ", "");
    return true;
}

static bool read_bool(const struct param_spec *spec, const json_t *json, struct param_value *out,
                      struct problem *problem)
{
    if (!json_is_boolean(json))
        return fail(problem, spec->name, "must be true or false");
    out->flag = json_is_true(json);
    return true;
}

static bool read_ids(const struct param_spec *spec, const json_t *json, struct param_value *out,
                     struct problem *problem)
{
    size_t n = json_array_size(json);

    if (!json_is_array(json))
        return fail(problem, spec->name, "must be a list of ids");
    if ((int64_t)n < spec->min || (int64_t)n > spec->max)
        return fail_bounds(problem, spec, "", " ids");
    for (size_t i = 0; i < n; i++) {
        const char *id = json_string_value(json_array_get(json, i));
        if (id == NULL || strlen(id) != json_string_length(json_array_get(json, i)) ||
            !id_is_valid(id)) {
            char field[sizeof(problem->field_buf)];
            (void)snprintf(field, sizeof(field), "%s[%zu]", spec->name, i);
            return fail(problem, field, check_id(spec, "", 0));
        }
    }
    out->ids = json;
    return true;
}

static bool read_words(const struct param_spec *spec, const json_t *json, struct param_value *out,
                       struct problem *problem)
{
    size_t n = json_array_size(json);

    if (n == 0 || n > PARAM_WORDS_MAX)
        return fail_words(problem, spec, "must be a list, not empty, of ");
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(json, i);
        const char *word = json_string_value(item);
        size_t len = json_string_length(item);
        if (word == NULL || len == 0 || strlen(word) != len || check_enum(spec, word, len) != NULL)
            return fail_words(problem, spec, "must be a list, not empty, of ");
    }
    out->ids = json;
    return true;
}

/* Why POSITION is not {epoch, seq}, or NULL. */
static const char *read_position(const struct param_spec *spec, const char *stream,
                                 const json_t *json, struct stream_position *out)
{
    const json_t *epoch = json_object_get(json, "epoch");
    const json_t *seq = json_object_get(json, "seq");
    const char *s = json_string_value(epoch);

    if (check_stream(spec, stream, 0) != NULL)
        return "must name a stream: c: or u: and an id";
    if (json_object_size(json) != 2 || s == NULL || !json_is_integer(seq))
        return "must be an object of epoch, a string, and seq, an integer";
    size_t n = json_string_length(epoch);
    if (n > LIMIT_EPOCH_CHARS || check_token(spec, s, n) != NULL)
        return "must have an epoch of at most 16 printable ASCII characters";
    if (json_integer_value(seq) < 0 || json_integer_value(seq) > LIMIT_SEQ_MAX)
        return "must have a seq from 0 to 9007199254740991";
    *out = (struct stream_position){stream, s, (uint64_t)json_integer_value(seq)};
    return NULL;
}

static bool read_positions(const struct param_spec *spec, json_t *json, struct params *params,
                           struct problem *problem)
{
    const char *stream;
    json_t *position;

    if (!json_is_object(json))
        return fail(problem, spec->name, "must be an object");
    if ((int64_t)json_object_size(json) > spec->max)
        return fail_bounds(problem, spec, "", " streams");
    params->positions =
        mem_realloc_array(params->positions, json_object_size(json), sizeof(*params->positions));
    json_object_foreach(json, stream, position)
    {
        const char *reason =
            read_position(spec, stream, position, &params->positions[params->positions_n]);
        if (reason != NULL) {
            char field[128];
            (void)snprintf(field, sizeof(field), "%s.%.100s", spec->name, stream);
            return fail(problem, field, reason);
        }
        params->positions_n++;
    }
    return true;
}

static bool read_value(const struct param_spec *spec, json_t *json, struct params *params,
                       struct param_value *out, struct problem *problem)
{
    switch (spec->type) {
    case PARAM_SEQ:
    case PARAM_INT:
        return read_integer(spec, json, out, problem);
    case PARAM_BOOL:
        return read_bool(spec, json, out, problem);
    case PARAM_IDS:
        return read_ids(spec, json, out, problem);
    case PARAM_WORDS:
        return read_words(spec, json, out, problem);
    case PARAM_POSITIONS:
        return read_positions(spec, json, params, problem);
    default:
        return read_string(spec, json, out, problem);
    }
}

/* -- a call -------------------------------------------------------------------------------------
 */

static size_t spec_index(const struct command *cmd, const char *name)
{
    size_t i = 0;

    while (i < cmd->params_n && strcmp(cmd->params[i].name, name) != 0)
        i++;
    return i;
}

static bool read_members(const struct command *cmd, json_t *object, struct params *out,
                         struct problem *problem)
{
    const char *name;
    json_t *json;

    json_object_foreach(object, name, json)
    {
        size_t i = spec_index(cmd, name);
        if (i == cmd->params_n)
            return fail(problem, name, "unknown parameter");
        if (!read_value(&cmd->params[i], json, out, &out->values[i], problem))
            return false;
        out->values[i].present = true;
    }
    return true;
}

enum err params_parse(const struct command *cmd, const json_t *object, struct params *out,
                      struct problem *problem_out)
{
    *out = (struct params){.command = cmd};
    if (object != NULL && !json_is_object(object)) {
        problem_set(problem_out, "params", "must be an object");
        return ERR_INVALID_PARAMS;
    }
    /* The iteration of jansson does not change the object, it only is not declared so. */
    if (object != NULL && !read_members(cmd, (json_t *)object, out, problem_out))
        return ERR_INVALID_PARAMS;
    for (size_t i = 0; i < cmd->params_n; i++)
        if (cmd->params[i].required && !out->values[i].present) {
            problem_set(problem_out, cmd->params[i].name, "is missing");
            return ERR_INVALID_PARAMS;
        }
    return ERR_OK;
}

void params_free(struct params *params)
{
    free(params->positions);
    params->positions = NULL;
    params->positions_n = 0;
}

/* The value of NAME if it was given and is of a type with that sort of value, else NULL. */
static const struct param_value *find(const struct params *params, const char *name)
{
    size_t i = spec_index(params->command, name);

    return i < params->command->params_n && params->values[i].present ? &params->values[i] : NULL;
}

bool param_has(const struct params *params, const char *name)
{
    return find(params, name) != NULL;
}

const char *param_str(const struct params *params, const char *name)
{
    const struct param_value *value = find(params, name);

    return value != NULL ? value->str : NULL;
}

size_t param_len(const struct params *params, const char *name)
{
    const struct param_value *value = find(params, name);

    return value != NULL ? value->len : 0;
}

int64_t param_int(const struct params *params, const char *name, int64_t absent)
{
    const struct param_value *value = find(params, name);

    return value != NULL ? value->num : absent;
}

bool param_bool(const struct params *params, const char *name, bool absent)
{
    const struct param_value *value = find(params, name);

    return value != NULL ? value->flag : absent;
}

size_t param_ids(const struct params *params, const char *name, const char **ids_out, size_t max)
{
    const struct param_value *value = find(params, name);
    size_t n = value != NULL ? json_array_size(value->ids) : 0;

    for (size_t i = 0; i < n && i < max; i++)
        ids_out[i] = json_string_value(json_array_get(value->ids, i));
    return n;
}

size_t param_positions_count(const struct params *params, const char *name)
{
    return find(params, name) != NULL ? params->positions_n : 0;
}

void param_position(const struct params *params, const char *name, size_t i,
                    struct stream_position *out)
{
    (void)name;
    *out = params->positions[i];
}
