/* --help, the sample file and the documentation, from config.def. */
#include <string.h>

#include "base/buf.h"
#include "server/config.h"
#include "server/config_keys.h"

/* TEXT in lines of at most WIDTH columns, each after PREFIX. */
static void put_wrapped(struct buf *out, const char *prefix, const char *text, size_t width)
{
    size_t room = width - strlen(prefix);

    while (*text != '\0') {
        size_t n = strlen(text);
        if (n > room) {
            n = room;
            while (n > 0 && text[n] != ' ')
                n--;
            if (n == 0)
                n = strcspn(text, " ");
        }
        buf_puts(out, prefix);
        buf_put(out, text, n);
        buf_putc(out, '\n');
        text += n;
        text += strspn(text, " ");
    }
}

static void put_alternatives(struct buf *out, const char *words, const char *between)
{
    for (; *words != '\0'; words++)
        if (*words == '|')
            buf_puts(out, between);
        else
            buf_putc(out, *words);
}

static void put_placeholder(struct buf *out, const struct config_key *key)
{
    switch (key->kind) {
    case CONFIG_KIND_ADDRS:
    case CONFIG_KIND_ADDR:
        buf_puts(out, "ADDR:PORT");
        break;
    case CONFIG_KIND_NETS:
        buf_puts(out, "ADDR[/BITS],...");
        break;
    case CONFIG_KIND_LIST:
        buf_puts(out, "WORD,...");
        break;
    case CONFIG_KIND_UINT:
        buf_puts(out, "N");
        break;
    default:
        put_alternatives(out, key->what, "|");
    }
}

static void put_flag_name(struct buf *out, const char *name)
{
    buf_puts(out, "--");
    for (; *name != '\0'; name++)
        buf_putc(out, *name == '_' ? '-' : *name);
}

static void help_key(struct buf *out, const struct config_key *key)
{
    struct buf text = {0};

    buf_puts(out, "  ");
    put_flag_name(out, key->name);
    buf_putc(out, ' ');
    put_placeholder(out, key);
    buf_putc(out, '\n');
    buf_puts(&text, key->help);
    if (key->kind == CONFIG_KIND_UINT)
        buf_printf(&text, " %u to %u %s, default %s.", key->min, key->max, key->what,
                   key->fallback);
    else if (key->fallback[0] != '\0')
        buf_printf(&text, " Default: %s.", key->fallback);
    put_wrapped(out, "        ", text.data, 80);
    buf_free(&text);
}

void config_help(struct buf *out)
{
    buf_puts(
        out,
        "Usage: parleyd [--config FILE] [--KEY VALUE]...\n"
        "\n"
        "The Parley chat server. Without anything it serves ./data on http://127.0.0.1:8080.\n"
        "\n"
        "Every key may stand on the command line (--log-level debug, --log-level=debug), in the\n"
        "environment (PARLEY_LOG_LEVEL=debug) or in FILE (log_level = debug); the first of these\n"
        "that has it counts.\n"
        "\n"
        "  --config FILE\n"
        "        Read FILE; $PARLEY_CONFIG does the same.\n"
        "  --check-config\n"
        "        Say whether the configuration is good (status 0, else 2), and end.\n"
        "  --dump-config-sample, --dump-config-docs\n"
        "        Print a configuration file with every key and its default; the reference.\n"
        "  --dump-typescript, --dump-protocol\n"
        "        Print the types of commands and events; a description of the protocol as JSON.\n"
        "  --dump-openapi, --dump-asyncapi\n"
        "        Print a description of the HTTP API, as OpenAPI 3.1; of the WebSocket, as\n"
        "        AsyncAPI 3.\n"
        "  --dump-api-docs\n"
        "        Print the reference of all commands and events for people, in Markdown.\n"
        "  -h, --help; -V, --version\n");
    for (size_t i = 0; i < config_keys_n; i++) {
        if (config_keys[i].kind == CONFIG_KIND_SECTION)
            buf_printf(out, "\n%s\n", config_keys[i].name);
        else
            help_key(out, &config_keys[i]);
    }
}

static void sample_key(struct buf *out, const struct config_key *key)
{
    struct buf allowed = {0};

    buf_putc(out, '\n');
    put_wrapped(out, "# ", key->help, 80);
    if (key->kind == CONFIG_KIND_UINT)
        buf_printf(out, "# %u to %u %s.\n", key->min, key->max, key->what);
    else if (key->kind != CONFIG_KIND_TEXT) {
        buf_puts(&allowed, "Value: ");
        config_key_allowed(key, &allowed);
        buf_putc(&allowed, '.');
        put_wrapped(out, "# ", allowed.data, 80);
    }
    buf_printf(out, "#%s =%s%s\n", key->name, key->fallback[0] != '\0' ? " " : "", key->fallback);
    buf_free(&allowed);
}

void config_sample(struct buf *out)
{
    buf_puts(
        out,
        "# Configuration of parleyd, with every key and its default: parleyd --config FILE.\n"
        "#\n"
        "# Lines are `key = value`. A list takes several lines or commas; an indented line goes\n"
        "# on with the value above. A flag (--log-level debug) or a variable\n"
        "# (PARLEY_LOG_LEVEL=debug) counts more than what stands here. An unknown key or a bad\n"
        "# value stops the start: parleyd --check-config --config FILE tells before.\n");
    for (size_t i = 0; i < config_keys_n; i++) {
        if (config_keys[i].kind == CONFIG_KIND_SECTION)
            buf_printf(out, "\n\n# ---- %s ----\n", config_keys[i].name);
        else
            sample_key(out, &config_keys[i]);
    }
}

/* For a cell of a table: '|' separates cells. */
static void put_cell(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            buf_putc(out, '\\');
        buf_putc(out, *text);
    }
}

static void docs_text(struct buf *out, const char *what)
{
    if (strcmp(what, "DIR") == 0)
        buf_puts(out, "a directory");
    else if (strcmp(what, "FILE") == 0)
        buf_puts(out, "a file");
    else if (strcmp(what, "URL") == 0)
        buf_puts(out, "an address");
    else if (strcmp(what, "CODE") == 0)
        buf_puts(out, "a code");
    else if (strcmp(what, "WORD") == 0)
        buf_puts(out, "lower-case letters, digits, '.', '_', '-'");
    else
        put_alternatives(out, what, " or ");
}

static void docs_key(struct buf *out, const struct config_key *key)
{
    struct buf allowed = {0};

    buf_printf(out, "| `%s` | ", key->name);
    if (key->fallback[0] != '\0')
        buf_printf(out, "`%s`", key->fallback);
    buf_puts(out, " | ");
    if (key->kind == CONFIG_KIND_UINT)
        buf_printf(&allowed, "%u to %u %s", key->min, key->max, key->what);
    else if (key->kind != CONFIG_KIND_TEXT)
        config_key_allowed(key, &allowed);
    else
        docs_text(&allowed, key->what);
    put_cell(out, allowed.data);
    buf_puts(out, " | ");
    put_cell(out, key->help);
    buf_puts(out, " |\n");
    buf_free(&allowed);
}

void config_docs(struct buf *out)
{
    for (size_t i = 0; i < config_keys_n; i++) {
        if (config_keys[i].kind == CONFIG_KIND_SECTION)
            buf_printf(
                out, "%s### %s\n\n| key | default | allowed | what |\n| --- | --- | --- | --- |\n",
                i > 0 ? "\n" : "", config_keys[i].name);
        else
            docs_key(out, &config_keys[i]);
    }
}
