#include "protocol/command.h"

#include <assert.h>
#include <string.h>

#include "base/macros.h"

#define REQUIRED true
#define OPTIONAL false
#define PARAMS(...) __VA_ARGS__
#define P(n, t, need, lo, hi, h)                                                                   \
    {.name = (n), .type = (t), .required = (need), .min = (lo), .max = (hi), .help = (h)},
#define P_INT(n, lo, hi, def, h)                                                                   \
    {.name = (n),                                                                                  \
     .type = PARAM_INT,                                                                            \
     .min = (lo),                                                                                  \
     .max = (hi),                                                                                  \
     .has_default = true,                                                                          \
     .absent = (def),                                                                              \
     .help = (h)},
#define P_REF(n, sign, need, h)                                                                    \
    {.name = (n),                                                                                  \
     .type = PARAM_ID_REF,                                                                         \
     .required = (need),                                                                           \
     .min = 1,                                                                                     \
     .max = LIMIT_ID_CHARS,                                                                        \
     .words = (sign),                                                                              \
     .help = (h)},
#define P_ENUM(n, need, w, h)                                                                      \
    {.name = (n), .type = PARAM_ENUM, .required = (need), .words = (w), .help = (h)},
#define P_WORDS(n, need, w, h)                                                                     \
    {.name = (n), .type = PARAM_WORDS, .required = (need), .words = (w), .help = (h)},

/* The parameters of each command; an empty row ends them, so that none is possible too. */
#define COMMAND(id, name, handler, access, scope, rate, result, help, params)                      \
    static const struct param_spec params_##id[] = {params{0}};                                    \
    static_assert(ARRAY_LEN(params_##id) - 1 <= PARAMS_MAX, "PARAMS_MAX is too small for " name);
#include "protocol/commands.def"
#undef COMMAND

static const struct command commands[CMD_COUNT] = {
#define COMMAND(id, name, handler, access, scope, rate, result, help, params)                      \
    {CMD_##id, name, access, scope, rate, result, help, params_##id, ARRAY_LEN(params_##id) - 1},
#include "protocol/commands.def"
#undef COMMAND
};

/* The rows are sorted by name. */
const struct command *command_find(const char *name, size_t len)
{
    size_t lo = 0;
    size_t hi = CMD_COUNT;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        size_t n = strlen(commands[mid].name);
        int order = memcmp(commands[mid].name, name, n < len ? n : len);
        if (order == 0)
            order = (n > len) - (n < len);
        if (order == 0)
            return &commands[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

const struct command *command_get(enum command_id id)
{
    return &commands[id];
}

/* Two of the class mark or begin something: that costs as little as reading, but it is none. */
bool command_only_reads(const struct command *command)
{
    return command->rate == RATE_READ && command->id != CMD_READ_MARK &&
           command->id != CMD_SESSION_START;
}

const char *access_name(enum access access)
{
    static const char *const names[ACCESS_COUNT] = {
#define X(name, wire, help) [ACCESS_##name] = #wire,
        ACCESS_MAP(X)
#undef X
    };

    return names[access];
}

static const char *const scope_names[] = {
#define X(name, wire, help) [SCOPE_##name] = (wire),
    SCOPE_MAP(X)
#undef X
        [SCOPE_NONE] = "none",
    [SCOPE_SESSION] = "session",
};

const char *scope_name(enum scope scope)
{
    return scope_names[scope];
}

scope_set scope_parse(const char *text)
{
    scope_set set = 0;

    for (const char *word = text; *word != '\0';) {
        size_t n = strcspn(word, " ");
        for (unsigned i = 0; i < SCOPE_COUNT; i++)
            if (strlen(scope_names[i]) == n && memcmp(scope_names[i], word, n) == 0)
                set |= (scope_set)1 << i;
        word += n + (word[n] == ' ' ? 1 : 0);
    }
    return set;
}

const char *access_help(enum access access)
{
    static const char *const help[ACCESS_COUNT] = {
#define X(name, wire, help) [ACCESS_##name] = help,
        ACCESS_MAP(X)
#undef X
    };

    return help[access];
}

const char *param_type_name(enum param_type type)
{
    static const char *const names[PARAM_TYPE_COUNT] = {
#define X(name, wire, counts, help) [PARAM_##name] = #wire,
        PARAM_TYPE_MAP(X)
#undef X
    };

    return names[type];
}

const char *param_type_counts(enum param_type type)
{
    static const char *const counts[PARAM_TYPE_COUNT] = {
#define X(name, wire, counts, help) [PARAM_##name] = counts,
        PARAM_TYPE_MAP(X)
#undef X
    };

    return counts[type];
}

const char *param_type_help(enum param_type type)
{
    static const char *const help[PARAM_TYPE_COUNT] = {
#define X(name, wire, counts, help) [PARAM_##name] = help,
        PARAM_TYPE_MAP(X)
#undef X
    };

    return help[type];
}
