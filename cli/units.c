#include "cli/units.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"

void units_count(uint64_t n, char out[UNITS_SIZE])
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
    char *to = out;

    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
}

void units_bytes(uint64_t bytes, char out[UNITS_SIZE])
{
    static const char *const names[] = {"KB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t i = 0;

    if (bytes < 1000) {
        (void)snprintf(out, UNITS_SIZE, "%" PRIu64 " B", bytes);
        return;
    }
    for (value /= 1000; value >= 999.95 && i + 1 < ARRAY_LEN(names); i++)
        value /= 1000;
    (void)snprintf(out, UNITS_SIZE, "%.*f %s", value < 99.95 ? 1 : 0, value, names[i]);
}

void units_duration(uint64_t ms, char out[UNITS_SIZE])
{
    uint64_t s = ms / 1000;

    if (ms < 1000)
        (void)snprintf(out, UNITS_SIZE, "%" PRIu64 " ms", ms);
    else if (s < 60)
        (void)snprintf(out, UNITS_SIZE, "%" PRIu64 " s", s);
    else if (s < 3600)
        (void)snprintf(out, UNITS_SIZE, "%" PRIu64 " min %02" PRIu64 " s", s / 60, s % 60);
    else if (s < 86400)
        (void)snprintf(out, UNITS_SIZE, "%" PRIu64 " h %02" PRIu64 " min", s / 3600, s / 60 % 60);
    else
        (void)snprintf(out, UNITS_SIZE, "%" PRIu64 " d %02" PRIu64 " h", s / 86400, s / 3600 % 24);
}

/* Whether TEXT begins like LAYOUT, in which 0 stands for any digit. */
static bool has_layout(const char *text, const char *layout)
{
    for (; *layout != '\0'; text++, layout++)
        if (*layout == '0' ? *text < '0' || *text > '9' : *text != *layout)
            return false;
    return true;
}

bool units_parse_time(const char *rfc3339, int64_t *seconds_out)
{
    static const char layout[] = "0000-00-00T00:00:00";
    struct tm tm = {0};

    *seconds_out = 0;
    if (!has_layout(rfc3339, layout) ||
        sscanf(rfc3339, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
               &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
        return false;
    const char *rest = rfc3339 + sizeof(layout) - 1;
    if (*rest == '.')
        rest += 1 + strspn(rest + 1, "0123456789");
    if (strcmp(rest, "Z") != 0 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 ||
        tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *seconds_out = (int64_t)timegm(&tm);
    return true;
}

bool units_time(const char *rfc3339, int64_t now, char out[UNITS_SIZE])
{
    int64_t seconds;
    struct tm tm;
    struct tm today;
    time_t then;
    time_t present = (time_t)now;

    out[0] = '\0';
    if (!units_parse_time(rfc3339, &seconds))
        return false;
    then = (time_t)seconds;
    if (localtime_r(&then, &tm) == NULL || localtime_r(&present, &today) == NULL)
        return false;
    bool same_day = now != 0 && tm.tm_year == today.tm_year && tm.tm_yday == today.tm_yday;
    return strftime(out, UNITS_SIZE, same_day ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &tm) > 0;
}

bool units_parse_count(const char *text, int64_t min, int64_t max, int64_t *n_out)
{
    size_t len = strspn(text, "0123456789");
    int64_t n = 0;

    *n_out = 0;
    if (len == 0 || len > 18 || text[len] != '\0')
        return false;
    for (size_t i = 0; i < len; i++)
        n = n * 10 + (text[i] - '0');
    *n_out = n;
    return n >= min && n <= max;
}

bool units_parse_duration(const char *text, int64_t *seconds_out)
{
    static const int64_t ten_years = INT64_C(3650) * 86400;
    char number[20] = "";
    size_t len = strspn(text, "0123456789");
    int64_t unit;

    *seconds_out = 0;
    if (len == 0 || len >= sizeof(number))
        return false;
    memcpy(number, text, len);
    if (strcmp(text + len, "") == 0 || strcmp(text + len, "s") == 0)
        unit = 1;
    else if (strcmp(text + len, "m") == 0)
        unit = 60;
    else if (strcmp(text + len, "h") == 0)
        unit = 3600;
    else if (strcmp(text + len, "d") == 0)
        unit = 86400;
    else
        return false;
    if (!units_parse_count(number, 1, ten_years / unit, seconds_out))
        return false;
    *seconds_out *= unit;
    return true;
}
