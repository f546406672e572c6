/* log.h - structured log lines on stderr, one write(2) a line.
 *
 * Levels: error = an operator must act; warn = degraded; info = life cycle; debug = per message.
 * Never log message bodies, passwords or tokens.
 *
 *     log_info("connection open", LOG_STR("conn", id), LOG_INT("workers", n));
 *
 * Text form: `2026-01-02T03:04:05.678Z info connection open conn=12 workers=2`; JSON form: one
 * object a line (`ts`, `level`, `msg`, then the fields). Threading: any thread; lines never mix.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct log_field {
    const char *key;
    const char *str; /* NULL: the number counts */
    int64_t num;
};

#define LOG_STR(k, v) ((struct log_field){.key = (k), .str = (v) != NULL ? (v) : "-"})
#define LOG_INT(k, v) ((struct log_field){.key = (k), .num = (int64_t)(v)})

/* Set once before other threads start. Default: info, text. */
void log_configure(enum log_level level, bool json);
bool log_enabled(enum log_level level);
void log_write(enum log_level level, const char *msg, const struct log_field *fields, size_t n);
/* False at most once an INTERVAL_MS for one *last_ms: for what a flood would repeat. */
bool log_limited(int64_t *last_ms, int64_t interval_ms);

#define LOG_AT(level, msg, ...)                                                                    \
    do {                                                                                           \
        if (log_enabled(level)) {                                                                  \
            const struct log_field log_fields_[] = {{0}, ##__VA_ARGS__};                           \
            log_write(level, msg, log_fields_ + 1,                                                 \
                      sizeof(log_fields_) / sizeof(*log_fields_) - 1);                             \
        }                                                                                          \
    } while (0)

#define log_error(...) LOG_AT(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) LOG_AT(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) LOG_AT(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) LOG_AT(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
