#include "base/log.h"

#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

static enum log_level threshold = LOG_LEVEL_INFO;
static bool as_json;

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void log_configure(enum log_level level, bool json)
{
    threshold = level;
    as_json = json;
}

bool log_enabled(enum log_level level)
{
    return level <= threshold;
}

bool log_limited(int64_t *last_ms, int64_t interval_ms)
{
    int64_t now = clock_unix_ms();

    if (now - *last_ms < interval_ms && now >= *last_ms)
        return true;
    *last_ms = now;
    return false;
}

/* A value without blanks, quotes or control characters stands bare, any other is quoted. */
static void put_text_value(struct buf *line, const char *s)
{
    bool plain = *s != '\0';

    for (const unsigned char *p = (const unsigned char *)s; *p != '\0'; p++)
        plain = plain && *p > ' ' && *p != '"' && *p != '\\' && *p != '=' && *p != 0x7f;
    if (plain)
        buf_puts(line, s);
    else
        buf_json_string(line, s);
}

static void put_text(struct buf *line, const struct log_field *f)
{
    buf_putc(line, ' ');
    buf_puts(line, f->key);
    buf_putc(line, '=');
    if (f->str != NULL)
        put_text_value(line, f->str);
    else
        buf_json_int(line, f->num);
}

static void put_json(struct buf *line, const struct log_field *f)
{
    if (f->str != NULL)
        buf_json_member(line, f->key, f->str);
    else
        buf_json_member_int(line, f->key, f->num);
}

void log_write(enum log_level level, const char *msg, const struct log_field *fields, size_t n)
{
    struct buf line = {0};
    char ts[CLOCK_TEXT_SIZE];

    clock_format(clock_unix_ms(), ts);
    if (as_json) {
        buf_putc(&line, '{');
        buf_json_member(&line, "ts", ts);
        buf_json_member(&line, "level", level_names[level]);
        buf_json_member(&line, "msg", msg);
    } else {
        buf_printf(&line, "%s %s %s", ts, level_names[level], msg);
    }
    for (size_t i = 0; i < n; i++)
        (as_json ? put_json : put_text)(&line, &fields[i]);
    buf_puts(&line, as_json ? "}\n" : "\n");
    ssize_t written = write(STDERR_FILENO, line.data, line.len);
    (void)written; /* nowhere left to say so */
    buf_free(&line);
}
