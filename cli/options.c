#include "cli/options.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/units.h"

static const char *option_name_at(size_t i)
{
    return option_at((enum option_id)i)->name;
}

static const char *command_words_at(size_t i)
{
    return command_at(i)->words;
}

struct parser {
    struct options *options;
    int argc;
    char *const *argv;
    int next;
    const char *words[OPTIONS_ARGS_MAX + 2]; /* what is not an option */
    size_t count;
    struct buf *error;
};

static bool unknown_option(struct parser *p, const char *name, size_t len)
{
    char typed[32];
    const char *near = NULL;

    if (len < sizeof(typed)) {
        memcpy(typed, name, len);
        typed[len] = '\0';
        near = nearest_word(typed, option_name_at, OPTION_COUNT);
    }
    buf_printf(p->error, "there is no option --%.*s", (int)len, name);
    if (near != NULL)
        buf_printf(p->error, "; did you mean --%s?", near);
    return false;
}

/* ATTACHED is what stands behind `=` or behind the letter, or NULL. */
static bool take_option(struct parser *p, enum option_id id, const char *attached)
{
    const struct option_row *row = option_at(id);
    bool wants_value = *row->value != '\0';

    if (!wants_value && attached != NULL) {
        buf_printf(p->error, "--%s takes no value", row->name);
        return false;
    }
    if (wants_value && attached == NULL) {
        if (p->next >= p->argc) {
            buf_printf(p->error, "--%s wants a value: --%s %s", row->name, row->name, row->value);
            return false;
        }
        attached = p->argv[p->next++];
    }
    p->options->value[id] = wants_value ? attached : "";
    return true;
}

static bool parse_long(struct parser *p, const char *arg)
{
    size_t len = strcspn(arg, "=");
    enum option_id id = option_find(arg, len);

    if (id == OPTION_COUNT)
        return unknown_option(p, arg, len);
    return take_option(p, id, arg[len] == '=' ? arg + len + 1 : NULL);
}

/* `-y`, `-n5`, `-yn5` */
static bool parse_letters(struct parser *p, const char *arg)
{
    while (*arg != '\0') {
        enum option_id id = option_find_letter(*arg);
        if (id == OPTION_COUNT) {
            buf_printf(p->error, "there is no option -%c; a text that begins with - goes after --",
                       *arg);
            return false;
        }
        arg++;
        if (*option_at(id)->value != '\0')
            return take_option(p, id, *arg != '\0' ? arg : NULL);
        (void)take_option(p, id, NULL);
    }
    return true;
}

static bool split(struct parser *p)
{
    bool only_words = false;

    while (p->next < p->argc) {
        const char *arg = p->argv[p->next++];
        bool ok = true;
        if (only_words || arg[0] != '-' || arg[1] == '\0') {
            if (p->count == OPTIONS_ARGS_MAX + 2) {
                buf_puts(p->error, "too many arguments");
                return false;
            }
            p->words[p->count++] = arg;
        } else if (strcmp(arg, "--") == 0) {
            only_words = true;
        } else if (arg[1] == '-') {
            ok = parse_long(p, arg + 2);
        } else {
            ok = parse_letters(p, arg + 1);
        }
        if (!ok)
            return false;
    }
    return true;
}

static void unknown_command(struct parser *p)
{
    struct buf typed = {0};
    bool group = command_is_group(p->words[0]);

    buf_puts(&typed, p->words[0]);
    if (group && p->count == 1) {
        buf_printf(p->error, "`%s` wants one more word:", p->words[0]);
        for (size_t i = 0, n = 0; i < command_count(); i++) {
            size_t len = strlen(p->words[0]);
            const char *words = command_at(i)->words;
            if (strncmp(words, p->words[0], len) == 0 && words[len] == ' ')
                buf_printf(p->error, "%s %s", n++ > 0 ? "," : "", words + len + 1);
        }
    } else {
        const char *near = NULL;
        if (!group)
            near = nearest_word(typed.data, command_words_at, command_count());
        if (p->count > 1 && near == NULL) {
            buf_printf(&typed, " %s", p->words[1]);
            near = nearest_word(typed.data, command_words_at, command_count());
        }
        buf_printf(p->error, "there is no command `%s`", group ? typed.data : p->words[0]);
        if (near != NULL)
            buf_printf(p->error, "; did you mean `%s`?", near);
    }
    buf_free(&typed);
}

static bool check_options(struct parser *p)
{
    const struct command *command = p->options->command;

    for (int i = 0; i < OPTION_COUNT; i++) {
        if (p->options->value[i] == NULL || command_has_option(command, (enum option_id)i))
            continue;
        buf_printf(p->error, "`%s` has no option --%s", command->words,
                   option_at((enum option_id)i)->name);
        return false;
    }
    return true;
}

static bool check_arity(struct parser *p)
{
    const struct options *options = p->options;
    size_t min;
    size_t max;

    command_arity(options->command, &min, &max);
    if (options->arg_count < min) {
        const struct placeholder *missing = command_argument(options->command, options->arg_count);
        buf_printf(p->error, "`%s` wants %s: %s", options->command->words, missing->word,
                   missing->summary);
        return false;
    }
    if (options->arg_count > max) {
        buf_printf(p->error, "`%s` does not know what to do with `%s`%s", options->command->words,
                   options->args[max],
                   max > 0 ? "; a value with spaces in it goes between quotes" : "");
        return false;
    }
    return true;
}

bool options_parse(int argc, char *const *argv, struct options *options_out, struct buf *error)
{
    struct parser p = {
        .options = options_out, .argc = argc, .argv = argv, .next = 1, .error = error};
    size_t used = 0;

    *options_out = (struct options){0};
    if (!split(&p))
        return false;
    bool help = options_out->value[OPTION_HELP] != NULL;
    if (p.count == 0) {
        if (help || options_out->value[OPTION_VERSION] != NULL)
            return true;
        buf_puts(error, "a command is missing");
        return false;
    }
    options_out->command = command_find(p.words, p.count, &used);
    if (options_out->command == NULL) {
        if (help && p.count == 1 && command_is_group(p.words[0])) {
            options_out->group = p.words[0];
            return true;
        }
        unknown_command(&p);
        return false;
    }
    if (p.count - used > OPTIONS_ARGS_MAX) {
        buf_puts(error, "too many arguments");
        return false;
    }
    options_out->arg_count = p.count - used;
    memcpy(options_out->args, p.words + used, options_out->arg_count * sizeof(*p.words));
    return help || (check_options(&p) && check_arity(&p));
}

bool options_number(const struct options *options, enum option_id id, int64_t min, int64_t max,
                    int64_t preset, int64_t *n_out, struct buf *error)
{
    const char *text = options->value[id];

    *n_out = preset;
    if (text == NULL || units_parse_count(text, min, max, n_out))
        return true;
    buf_printf(error, "--%s is a number from %" PRId64 " to %" PRId64 ", not `%s`",
               option_at(id)->name, min, max, text);
    return false;
}

bool options_choice(const char *what, const char *text, const char *choices, struct buf *error)
{
    size_t len = strlen(text);

    for (const char *p = choices; *p != '\0'; p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");
        if (n == len && memcmp(p, text, n) == 0)
            return true;
        p += n;
    }
    buf_printf(error, "%s is one of %s, not `%s`", what, choices, text);
    return false;
}

char **options_copy(int argc, char *const *argv)
{
    char **copy = mem_zalloc(((size_t)argc + 1) * sizeof(*copy));

    for (int i = 0; i < argc; i++)
        copy[i] = mem_strdup(argv[i]);
    return copy;
}

void options_copy_free(int argc, char ***copy)
{
    for (int i = 0; i < argc; i++) {
        explicit_bzero((*copy)[i], strlen((*copy)[i]));
        free((*copy)[i]);
    }
    free(*copy);
    *copy = NULL;
}
