#include "cli/command.h"

#include <assert.h>
#include <string.h>

#include "base/macros.h"
#include "cli/run.h"

static const struct option_row options[] = {
#define GLOBAL true
#define LOCAL false
#define OPTION(id, name, letter, value, scope, summary)                                            \
    [OPTION_##id] = {name, letter, value, scope, summary},
#include "cli/options.def"
#undef OPTION
#undef GLOBAL
#undef LOCAL
};

static const struct placeholder placeholders[] = {
#define PLACEHOLDER(word, completion, choices, summary)                                            \
    {word, COMPLETE_##completion, choices, summary},
#include "cli/placeholders.def"
#undef PLACEHOLDER
};

static const struct command commands[] = {
#define O(id) (UINT64_C(1) << OPTION_##id)
#define COMMAND(id, words, arguments, options, summary, details, examples)                         \
    {words, cmd_##id, arguments, options, summary, details, examples},
#include "cli/commands.def"
#undef COMMAND
#undef O
};

static_assert(OPTION_COUNT <= 64, "an option is a bit of struct command.options");

size_t command_count(void)
{
    return ARRAY_LEN(commands);
}

const struct command *command_at(size_t i)
{
    return &commands[i];
}

const struct option_row *option_at(enum option_id id)
{
    return &options[id];
}

bool command_has_option(const struct command *command, enum option_id id)
{
    return options[id].global || (command->options >> id & 1) != 0;
}

/* Whether the command's words are the first ones of WORDS; how many they are. */
static size_t match(const struct command *command, const char *const *words, size_t count)
{
    const char *p = command->words;
    size_t used = 0;

    for (;;) {
        size_t len = strcspn(p, " ");
        if (used == count || strlen(words[used]) != len || memcmp(words[used], p, len) != 0)
            return 0;
        used++;
        if (p[len] == '\0')
            return used;
        p += len + 1;
    }
}

const struct command *command_find(const char *const *words, size_t count, size_t *used_out)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        *used_out = match(&commands[i], words, count);
        if (*used_out > 0)
            return &commands[i];
    }
    return NULL;
}

bool command_is_group(const char *word)
{
    size_t len = strlen(word);

    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strncmp(commands[i].words, word, len) == 0 && commands[i].words[len] == ' ')
            return true;
    return false;
}

enum option_id option_find(const char *name, size_t len)
{
    int id = 0;

    while (id < OPTION_COUNT &&
           (strlen(options[id].name) != len || memcmp(options[id].name, name, len) != 0))
        id++;
    return (enum option_id)id;
}

enum option_id option_find_letter(char letter)
{
    int id = 0;

    while (id < OPTION_COUNT && (options[id].letter != letter || letter == '\0'))
        id++;
    return (enum option_id)id;
}

const struct placeholder *placeholder_find(const char *word, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(placeholders); i++)
        if (strlen(placeholders[i].word) == len && memcmp(placeholders[i].word, word, len) == 0)
            return &placeholders[i];
    return NULL;
}

/* The I-th word of "USER [MESSAGE]", without brackets and dots; its length, 0 past the end. */
static size_t argument_word(const char *arguments, size_t i, const char **word_out,
                            bool *optional_out, bool *many_out)
{
    const char *p = arguments;

    for (; i > 0; i--) {
        p += strcspn(p, " ");
        p += strspn(p, " ");
    }
    *optional_out = *p == '[';
    p += *p == '[' ? 1 : 0;
    *word_out = p;
    size_t len = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    *many_out = strncmp(p + len, "]...", 4) == 0;
    return len;
}

const struct placeholder *command_argument(const struct command *command, size_t i)
{
    const char *word;
    bool optional;
    bool many;
    size_t len = argument_word(command->arguments, i, &word, &optional, &many);

    return len > 0 ? placeholder_find(word, len) : NULL;
}

void command_arity(const struct command *command, size_t *min_out, size_t *max_out)
{
    const char *word;
    bool optional;
    bool many;

    *min_out = 0;
    *max_out = 0;
    while (argument_word(command->arguments, *max_out, &word, &optional, &many) > 0) {
        if (many) {
            *max_out = SIZE_MAX;
            return;
        }
        *min_out += optional ? 0 : 1;
        ++*max_out;
    }
}

/* Edit distance (Levenshtein), words of at most 31 characters. */
static size_t distance(const char *a, const char *b)
{
    size_t row[32];
    size_t n = strlen(b);

    if (strlen(a) >= ARRAY_LEN(row) || n >= ARRAY_LEN(row))
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t best = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (row[j] + 1 < best)
                best = row[j] + 1;
            row[j] = best;
        }
    }
    return row[n];
}

const char *nearest_word(const char *typed, const char *(*at)(size_t i), size_t count)
{
    const char *best = NULL;
    size_t limit = strlen(typed) / 3 + 1;

    for (size_t i = 0; i < count; i++) {
        size_t d = distance(typed, at(i));
        if (d <= limit) {
            limit = d;
            best = at(i);
            if (d == 0)
                break;
            limit--;
        }
    }
    return best;
}
