#include "base/clock.h"

#include <string.h>
#include <time.h>

int64_t clock_unix_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t clock_monotonic_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static char *put_digits(char *to, unsigned value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        to[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return to + width;
}

void clock_format(int64_t unix_ms, char text_out[CLOCK_TEXT_SIZE])
{
    /* Days to civil date; the era is 400 years of 146097 days beginning 0000-03-01. */
    static const int64_t last = 253402300799999; /* the end of year 9999 */
    int64_t ms = unix_ms < 0 ? 0 : unix_ms > last ? last : unix_ms;
    unsigned day_ms = (unsigned)(ms % 86400000);
    int64_t z = ms / 86400000 + 719468;
    int64_t era = z / 146097;
    unsigned doe = (unsigned)(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    unsigned day = doy - (153 * mp + 2) / 5 + 1;
    unsigned month = mp < 10 ? mp + 3 : mp - 9;
    unsigned year = (unsigned)(era * 400) + yoe + (month <= 2 ? 1 : 0);
    char *p = text_out;

    p = put_digits(p, year, 4);
    *p++ = '-';
    p = put_digits(p, month, 2);
    *p++ = '-';
    p = put_digits(p, day, 2);
    *p++ = 'T';
    p = put_digits(p, day_ms / 3600000, 2);
    *p++ = ':';
    p = put_digits(p, day_ms / 60000 % 60, 2);
    *p++ = ':';
    p = put_digits(p, day_ms / 1000 % 60, 2);
    *p++ = '.';
    p = put_digits(p, day_ms % 1000, 3);
    memcpy(p, "Z", 2);
}
