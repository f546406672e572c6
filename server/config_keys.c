#include "server/config_keys.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/mem.h"
#include "server/config.h"
#include "server/origin.h"

enum { ITEMS_MAX = 256, TEXT_MAX = 1024 };

static_assert(sizeof(enum registration) == sizeof(unsigned) &&
                  sizeof(enum log_level) == sizeof(unsigned),
              "words are stored through unsigned");

#define AT(member) .name = #member, .offset = offsetof(struct config, member)
const struct config_key config_keys[] = {
#define CONFIG_SECTION(title) {.kind = CONFIG_KIND_SECTION, .name = title},
#define CONFIG_ADDRS(member, def, text)                                                            \
    {.kind = CONFIG_KIND_ADDRS, AT(member), .fallback = def, .help = text},
#define CONFIG_ADDR(member, text)                                                                  \
    {.kind = CONFIG_KIND_ADDR, AT(member), .fallback = "", .help = text},
#define CONFIG_NETS(member, text)                                                                  \
    {.kind = CONFIG_KIND_NETS, AT(member), .fallback = "", .help = text},
#define CONFIG_LIST(member, def, fn, good, text)                                                   \
    {.kind = CONFIG_KIND_LIST,                                                                     \
     AT(member),                                                                                   \
     .fallback = def,                                                                              \
     .check = fn,                                                                                  \
     .what = good,                                                                                 \
     .help = text},
#define CONFIG_TEXT(member, def, placeholder, text)                                                \
    {.kind = CONFIG_KIND_TEXT, AT(member), .fallback = def, .what = placeholder, .help = text},
#define CONFIG_UINT(member, def, lo, hi, unit, text)                                               \
    {.kind = CONFIG_KIND_UINT,                                                                     \
     AT(member),                                                                                   \
     .fallback = #def,                                                                             \
     .min = lo,                                                                                    \
     .max = hi,                                                                                    \
     .what = unit,                                                                                 \
     .help = text},
#define CONFIG_WORD(member, type, def, words, text)                                                \
    {.kind = CONFIG_KIND_WORD, AT(member), .fallback = def, .what = words, .help = text},
#define CONFIG_BOOL(member, def, text)                                                             \
    {.kind = CONFIG_KIND_BOOL, AT(member), .fallback = def, .what = "off|on", .help = text},
#include "server/config.def"
};
const size_t config_keys_n = ARRAY_LEN(config_keys);

static void *member_of(const struct config_key *key, struct config *config)
{
    return (char *)config + key->offset;
}

bool config_key_is_list(const struct config_key *key)
{
    return key->kind == CONFIG_KIND_ADDRS || key->kind == CONFIG_KIND_NETS ||
           key->kind == CONFIG_KIND_LIST;
}

bool config_name_is_valid(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-");

    return n >= 1 && n <= 32 && name[n] == '\0' && strchr("._-", name[0]) == NULL;
}

static bool parse_uint(const struct config_key *key, const char *value, uint32_t *out)
{
    size_t digits = strspn(value, "0123456789");

    if (digits == 0 || digits > 10 || value[digits] != '\0')
        return false;
    unsigned long long number = strtoull(value, NULL, 10);
    if (number < key->min || number > key->max)
        return false;
    *out = (uint32_t)number;
    return true;
}

/* The index of VALUE among "a|b|c". */
static bool parse_word(const char *words, const char *value, unsigned *out)
{
    size_t n = strlen(value);

    for (unsigned i = 0; n > 0 && *words != '\0'; i++) {
        size_t word_n = strcspn(words, "|");
        if (word_n == n && memcmp(words, value, n) == 0) {
            *out = i;
            return true;
        }
        words += word_n + (words[word_n] == '|');
    }
    return false;
}

static bool parse_text(const char *value, char **out)
{
    size_t n = strlen(value);

    for (size_t i = 0; i < n; i++)
        if ((unsigned char)value[i] < ' ' || value[i] == 0x7f)
            return false;
    if (n > TEXT_MAX)
        return false;
    free(*out);
    *out = mem_strdup(value);
    return true;
}

static bool add_addr(struct config_addrs *to, const char *item)
{
    to->items = mem_realloc_array(to->items, to->n + 1, sizeof(*to->items));
    return listen_addr_parse(item, &to->items[to->n]) && ++to->n <= ITEMS_MAX;
}

static bool add_net(struct config_nets *to, const char *item)
{
    to->items = mem_realloc_array(to->items, to->n + 1, sizeof(*to->items));
    return net_block_parse(item, &to->items[to->n]) && ++to->n <= ITEMS_MAX;
}

static bool add_word(const struct config_key *key, struct config_list *to, const char *item)
{
    if (!key->check(item) || to->n == ITEMS_MAX)
        return false;
    to->items = mem_realloc_array(to->items, to->n + 1, sizeof(*to->items));
    to->items[to->n++] = mem_strdup(item);
    return true;
}

static bool add_item(const struct config_key *key, struct config *config, const char *item)
{
    void *member = member_of(key, config);

    switch (key->kind) {
    case CONFIG_KIND_ADDRS:
        return add_addr(member, item);
    case CONFIG_KIND_NETS:
        return add_net(member, item);
    default:
        return add_word(key, member, item);
    }
}

/* Comma separated; blanks around an item and empty items do not count. */
static bool add_items(const struct config_key *key, struct config *config, const char *value)
{
    bool good = true;

    while (good && *value != '\0') {
        size_t n = strcspn(value, ",");
        const char *next = value + n + (value[n] == ',');
        while (n > 0 && (*value == ' ' || *value == '\t')) {
            value++;
            n--;
        }
        while (n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'))
            n--;
        if (n > 0) {
            char *item = mem_strndup(value, n);
            good = add_item(key, config, item);
            free(item);
        }
        value = next;
    }
    return good;
}

bool config_key_set(const struct config_key *key, struct config *config, const char *value,
                    bool restart)
{
    void *member = member_of(key, config);
    unsigned word = 0;

    switch (key->kind) {
    case CONFIG_KIND_SECTION:
        return false;
    case CONFIG_KIND_ADDRS:
    case CONFIG_KIND_NETS:
    case CONFIG_KIND_LIST:
        if (restart)
            config_key_free(key, config);
        return add_items(key, config, value);
    case CONFIG_KIND_ADDR:
        *(struct listen_addr *)member = (struct listen_addr){0};
        return value[0] == '\0' || listen_addr_parse(value, member);
    case CONFIG_KIND_TEXT:
        return parse_text(value, member);
    case CONFIG_KIND_UINT:
        return parse_uint(key, value, member);
    case CONFIG_KIND_WORD:
        return parse_word(key->what, value, member);
    case CONFIG_KIND_BOOL:
        if (!parse_word(key->what, value, &word))
            return false;
        *(bool *)member = word == 1;
        return true;
    }
    return false;
}

void config_key_free(const struct config_key *key, struct config *config)
{
    void *member = member_of(key, config);
    struct config_list *list = member;
    struct config_addrs *addrs = member;
    struct config_nets *nets = member;
    char **text = member;

    switch (key->kind) {
    case CONFIG_KIND_LIST:
        for (size_t i = 0; i < list->n; i++)
            free(list->items[i]);
        free(list->items);
        *list = (struct config_list){0};
        break;
    case CONFIG_KIND_ADDRS:
        free(addrs->items);
        *addrs = (struct config_addrs){0};
        break;
    case CONFIG_KIND_NETS:
        free(nets->items);
        *nets = (struct config_nets){0};
        break;
    case CONFIG_KIND_TEXT:
        free(*text);
        *text = NULL;
        break;
    default:
        break;
    }
}

static void put_words(struct buf *out, const char *words)
{
    for (; *words != '\0'; words++)
        if (*words == '|')
            buf_puts(out, ", ");
        else
            buf_putc(out, *words);
}

void config_key_allowed(const struct config_key *key, struct buf *out)
{
    switch (key->kind) {
    case CONFIG_KIND_SECTION:
        break;
    case CONFIG_KIND_ADDRS:
    case CONFIG_KIND_ADDR:
        buf_puts(out, "an address with its port such as 127.0.0.1:8080 or [::1]:8080");
        break;
    case CONFIG_KIND_NETS:
        buf_puts(out, "an address, or address/bits such as 10.0.0.0/8");
        break;
    case CONFIG_KIND_LIST:
        buf_printf(out, "%s; several with commas", key->what);
        break;
    case CONFIG_KIND_TEXT:
        buf_printf(out, "text without control characters, at most %d bytes", TEXT_MAX);
        break;
    case CONFIG_KIND_UINT:
        buf_printf(out, "a whole number from %u to %u", key->min, key->max);
        break;
    case CONFIG_KIND_WORD:
    case CONFIG_KIND_BOOL:
        buf_puts(out, "one of ");
        put_words(out, key->what);
        break;
    }
}

static bool same_name(const char *name, const char *key, bool dashes)
{
    for (; *key != '\0'; key++, name++)
        if (*name != *key && !(dashes && *key == '_' && *name == '-'))
            return false;
    return *name == '\0';
}

const struct config_key *config_key_find(const char *name, bool dashes)
{
    for (size_t i = 0; i < config_keys_n; i++)
        if (config_keys[i].kind != CONFIG_KIND_SECTION &&
            same_name(name, config_keys[i].name, dashes))
            return &config_keys[i];
    return NULL;
}

/* Levenshtein's distance, names cut at NAME_MAX_N bytes. '-' and '_' are the same. */
static size_t distance(const char *a, const char *b)
{
    enum { NAME_MAX_N = 40 };
    size_t row[NAME_MAX_N + 1];
    size_t a_n = strnlen(a, NAME_MAX_N);
    size_t b_n = strnlen(b, NAME_MAX_N);

    for (size_t j = 0; j <= b_n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_n; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_n; j++) {
            bool same = a[i - 1] == b[j - 1] || (a[i - 1] == '-' && b[j - 1] == '_');
            size_t best = corner + !same;
            corner = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b_n];
}

const struct config_key *config_key_guess(const char *name)
{
    const struct config_key *best = NULL;
    size_t least = strlen(name) / 3 + 1;

    for (size_t i = 0; i < config_keys_n; i++) {
        if (config_keys[i].kind == CONFIG_KIND_SECTION)
            continue;
        size_t d = distance(name, config_keys[i].name);
        if (d <= least && (best == NULL || d < least)) {
            best = &config_keys[i];
            least = d;
        }
    }
    return best;
}
