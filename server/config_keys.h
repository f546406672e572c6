/* config_keys.h - the table behind config.def: what each key is, and reading one value. For
 * config.c and config_text.c only.
 */
#ifndef SERVER_CONFIG_KEYS_H
#define SERVER_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct config;

enum config_kind {
    CONFIG_KIND_SECTION, /* not a key: a heading, its title is the name */
    CONFIG_KIND_ADDRS,
    CONFIG_KIND_ADDR,
    CONFIG_KIND_NETS,
    CONFIG_KIND_LIST,
    CONFIG_KIND_TEXT,
    CONFIG_KIND_UINT,
    CONFIG_KIND_WORD,
    CONFIG_KIND_BOOL,
};

struct config_key {
    enum config_kind kind;
    const char *name;
    size_t offset;        /* in struct config */
    const char *fallback; /* the default, as text */
    uint32_t min, max;    /* UINT */
    const char *what;     /* UINT: unit; WORD: words; TEXT: placeholder; LIST: a good item */
    bool (*check)(const char *item); /* LIST */
    const char *help;
};

extern const struct config_key config_keys[];
extern const size_t config_keys_n;

/* The lists: a second mention adds to the first. */
bool config_key_is_list(const struct config_key *key);
/* Puts VALUE into the member; what was there is released, but a list grows unless RESTART. False:
 * the value is not allowed; a list may have grown by the items before the bad one. */
bool config_key_set(const struct config_key *key, struct config *config, const char *value,
                    bool restart);
void config_key_free(const struct config_key *key, struct config *config);
/* Appends what is allowed: "a whole number from 0 to 64". */
void config_key_allowed(const struct config_key *key, struct buf *out);
/* The key NAME, with '-' for '_' if DASHES; NULL when there is none. */
const struct config_key *config_key_find(const char *name, bool dashes);
/* The key whose name looks most like NAME; NULL when none does. */
const struct config_key *config_key_guess(const char *name);

#endif
