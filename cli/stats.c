/* stats.c - parleyctl stats: whatever numbers the server gives, named and with units.
 *
 * The server's own words make the labels; the end of a name tells the unit: `_bytes`, `_ms`, `_us`,
 * `_s`, `_at`, `_percent`. So a newer server's numbers show without a newer parleyctl.
 */
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "cli/list.h"
#include "cli/report.h"
#include "cli/units.h"

enum { DEPTH_MAX = 4 };

static bool ends_with(const char *key, const char *end)
{
    size_t n = strlen(key);
    size_t m = strlen(end);

    return n >= m && strcmp(key + n - m, end) == 0;
}

static bool is_bytes(const char *key)
{
    return ends_with(key, "_bytes") || strcmp(key, "bytes") == 0;
}

static void format_uint(const char *key, uint64_t n, char out[UNITS_SIZE])
{
    if (is_bytes(key))
        units_bytes(n, out);
    else if (ends_with(key, "_ms"))
        units_duration(n, out);
    else if (ends_with(key, "_s") || ends_with(key, "_seconds"))
        units_duration(n < UINT64_MAX / 1000 ? n * 1000 : UINT64_MAX, out);
    else if (ends_with(key, "_percent"))
        (void)snprintf(out, UNITS_SIZE, "%llu %%", (unsigned long long)n);
    else
        units_count(n, out);
}

static void format_value(const char *key, const json_t *value, struct buf *text)
{
    char number[UNITS_SIZE];

    switch (json_typeof(value)) {
    case JSON_INTEGER:
        if (json_integer_value(value) < 0) {
            buf_printf(text, "%lld", (long long)json_integer_value(value));
        } else {
            format_uint(key, (uint64_t)json_integer_value(value), number);
            buf_puts(text, number);
        }
        break;
    case JSON_REAL:
        buf_printf(text, "%.3g", json_real_value(value));
        break;
    case JSON_STRING:
        buf_puts(text, units_time(json_string_value(value), 0, number) ? number
                                                                       : json_string_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        buf_puts(text, json_is_true(value) ? "yes" : "no");
        break;
    default:
        buf_puts(text, "-");
    }
}

/* "storage queue depth" of {"storage": {"queue_depth": ...}}; the unit is in the value. */
static void put_label(struct buf *label, const char *prefix, const char *key)
{
    static const char *const units[] = {"_bytes", "_ms", "_s", "_seconds", "_at", "_percent"};
    size_t len = strlen(key);

    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (ends_with(key, units[i]) && len > strlen(units[i])) {
            len -= strlen(units[i]);
            break;
        }
    buf_printf(label, "%s%s%.*s", prefix, *prefix != '\0' ? " " : "", (int)len, key);
    for (char *p = label->data; *p != '\0'; p++)
        if (*p == '_')
            *p = ' ';
}

static void add_rows(struct table *table, const char *prefix, json_t *object, int depth)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        struct buf label = {0};
        struct buf text = {0};
        put_label(&label, prefix, key);
        if (json_is_object(value) && depth < DEPTH_MAX) {
            add_rows(table, label.data, value, depth + 1);
        } else {
            format_value(key, value, &text);
            table_cell(table, STYLE_PLAIN, label.data);
            table_cell(table, STYLE_BOLD, text.data);
        }
        buf_free(&label);
        buf_free(&text);
    }
}

enum exit_code cmd_stats(struct cli *cli)
{
    static const struct table_column columns[] = {{"WHAT", false}, {"VALUE", true}};
    struct reply reply = {0};
    struct buf params = {0};
    enum exit_code code = cli_call(cli, "admin.stats", &params, &reply);

    if (code == EXIT_CODE_OK && cli->json) {
        cli_print_json(cli, &reply);
    } else if (code == EXIT_CODE_OK) {
        struct table *table = table_create(columns, ARRAY_LEN(columns));
        add_rows(table, "", reply.json, 0);
        table_print(table, stdout, &cli->out);
        table_destroy(&table);
    }
    reply_free(&reply);
    return code;
}
