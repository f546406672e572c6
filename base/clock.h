/* clock.h - time. Threading: any. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

enum { CLOCK_TEXT_SIZE = 28 }; /* "2026-01-02T03:04:05.678Z" and its NUL, with room */

int64_t clock_unix_ms(void);       /* wall clock, milliseconds since 1970-01-01 UTC */
uint64_t clock_monotonic_ns(void); /* never goes back; for time-outs and histograms */
/* RFC 3339 in UTC with milliseconds; years 1970 to 9999. */
void clock_format(int64_t unix_ms, char text_out[CLOCK_TEXT_SIZE]);

#endif
