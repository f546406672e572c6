/* config.h - the configuration: every key of config.def, from flags, environment and a file.
 *
 * Precedence: flags over PARLEY_* variables over the file (--config, or PARLEY_CONFIG) over
 * defaults. A list given in one place replaces the one of a lower place; within a place its
 * mentions add up.
 * Threading: load once before threads start, then read from anywhere.
 * Ownership: struct config owns its strings until config_free().
 */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "server/address.h"

struct buf;

/* The order of each enum is the order of the words in config.def. */
enum registration { REGISTRATION_OPEN, REGISTRATION_INVITE, REGISTRATION_CLOSED };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct config_addrs {
    struct listen_addr *items;
    size_t n;
};
struct config_nets {
    struct net_block *items;
    size_t n;
};
struct config_list {
    char **items;
    size_t n;
};

/* One member a key, named like it: cfg.listen.items[0], cfg.workers, cfg.registration,
 * cfg.data. Texts are never NULL, empty when not given; metrics_listen.len is 0 when not given. */
struct config {
#define CONFIG_SECTION(title)
#define CONFIG_ADDRS(name, ...) struct config_addrs name;
#define CONFIG_ADDR(name, ...) struct listen_addr name;
#define CONFIG_NETS(name, ...) struct config_nets name;
#define CONFIG_LIST(name, ...) struct config_list name;
#define CONFIG_TEXT(name, ...) char *name;
#define CONFIG_UINT(name, ...) uint32_t name;
#define CONFIG_WORD(name, type, ...) enum type name;
#define CONFIG_BOOL(name, ...) bool name;
#include "server/config.def"
#undef CONFIG_SECTION
#undef CONFIG_ADDRS
#undef CONFIG_ADDR
#undef CONFIG_NETS
#undef CONFIG_LIST
#undef CONFIG_TEXT
#undef CONFIG_UINT
#undef CONFIG_WORD
#undef CONFIG_BOOL
    char *file; /* the file that was read, empty without one */
};

/* What the command line asks for. */
enum config_action {
    CONFIG_RUN,
    CONFIG_HELP,            /* --help: config_help() */
    CONFIG_VERSION,         /* --version */
    CONFIG_DUMP_SAMPLE,     /* --dump-config-sample: config_sample() */
    CONFIG_DUMP_DOCS,       /* --dump-config-docs: config_docs() */
    CONFIG_DUMP_TYPESCRIPT, /* --dump-typescript */
    CONFIG_DUMP_PROTOCOL,   /* --dump-protocol: describe_json() */
    CONFIG_DUMP_OPENAPI,    /* --dump-openapi: describe_openapi() */
    CONFIG_DUMP_ASYNCAPI,   /* --dump-asyncapi: describe_asyncapi() */
    CONFIG_DUMP_API_DOCS,   /* --dump-api-docs: describe_reference() */
    CONFIG_CHECK,           /* --check-config: the configuration was read and is good */
};

enum { CONFIG_ERROR_SIZE = 1024 };

/* Fills *out completely. On failure *out is empty and ERROR_OUT holds a sentence that names the
 * place (file:line, flag or variable), the key, the value and what is allowed; the caller prints it
 * and exits with 2. ENV (like environ) may be NULL. For the actions that only print (help, version,
 * dumps) nothing but the flags is looked at. */
bool config_load(int argc, char *const argv[], char *const env[], struct config *out,
                 enum config_action *action_out, char error_out[CONFIG_ERROR_SIZE]);
/* Releases the strings and empties *config. */
void config_free(struct config *config);

/* Calls PROBLEM with one sentence for each thing wrong with the file PATH and returns how many
 * there were; a file that cannot be read is one. PROBLEM may be NULL. */
size_t config_file_check(const char *path, void (*problem)(void *arg, const char *text), void *arg);

/* The text of --help; the annotated sample file; the tables of docs/configuration.md. */
void config_help(struct buf *out);
void config_sample(struct buf *out);
void config_docs(struct buf *out);

/* A user's or channel's name as docs/protocol.md defines it. */
bool config_name_is_valid(const char *name);

#endif
