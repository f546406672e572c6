/* units.h - numbers, sizes, durations and times for people. Threading: any. */
#ifndef CLI_UNITS_H
#define CLI_UNITS_H

#include <stdbool.h>
#include <stdint.h>

enum { UNITS_SIZE = 32 }; /* room for any of the texts below */

/* "1,234,567" */
void units_count(uint64_t n, char out[UNITS_SIZE]);
/* "812 B", "1.2 KB", "3.4 GB": powers of 1000. */
void units_bytes(uint64_t bytes, char out[UNITS_SIZE]);
/* "450 ms", "12 s", "3 min 20 s", "2 h 05 min", "4 d 03 h" */
void units_duration(uint64_t ms, char out[UNITS_SIZE]);
/* An RFC 3339 time in UTC as local time, "2026-01-02 03:04:05", or only "03:04:05" when it is of
 * the same local day as NOW (seconds since 1970; 0: never). False, and OUT empty, when it is not
 * such a time. */
bool units_time(const char *rfc3339, int64_t now, char out[UNITS_SIZE]);
/* RFC 3339 to seconds since 1970. */
bool units_parse_time(const char *rfc3339, int64_t *seconds_out);
/* "90", "90s", "15m", "12h", "7d" to seconds, 1 to 10 years. */
bool units_parse_duration(const char *text, int64_t *seconds_out);
/* Decimal digits only, MIN to MAX. */
bool units_parse_count(const char *text, int64_t min, int64_t max, int64_t *n_out);

#endif
