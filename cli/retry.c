#include "cli/retry.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/id.h"

enum { FIRST_MS = 200, LONGEST_MS = 5000, ASKED_MAX_MS = 60000 };

uint64_t monotonic_ms(void)
{
    return clock_monotonic_ns() / 1000000;
}

void pause_ms(uint64_t ms)
{
    struct timespec pause = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

void retry_start(struct retry *retry, int64_t seconds)
{
    retry->tries = 0;
    retry->deadline_ms = seconds < 0 ? UINT64_MAX : monotonic_ms() + (uint64_t)seconds * 1000;
}

bool retry_helps(const struct reply *reply)
{
    switch (reply->kind) {
    case REPLY_UNREACHABLE:
    case REPLY_LOST:
    case REPLY_TIMEOUT:
        return true;
    case REPLY_PROBLEM:
        return strcmp(reply->problem.type, "unavailable") == 0 ||
               strcmp(reply->problem.type, "rate_limited") == 0;
    case REPLY_RESULT:
    case REPLY_GARBLED:
        break;
    }
    return false;
}

uint64_t retry_delay_ms(unsigned tries, int64_t retry_after_ms, uint32_t random)
{
    uint64_t delay = LONGEST_MS;

    if (tries < 8 && (uint64_t)FIRST_MS << tries < LONGEST_MS)
        delay = (uint64_t)FIRST_MS << tries;
    if (retry_after_ms > (int64_t)delay)
        delay = retry_after_ms < ASKED_MAX_MS ? (uint64_t)retry_after_ms : ASKED_MAX_MS;
    return delay + random % (delay / 4 + 1);
}

bool retry_wait(struct retry *retry, const struct reply *reply)
{
    uint64_t now = monotonic_ms();
    uint32_t random;

    if (now >= retry->deadline_ms)
        return false;
    random_bytes(&random, sizeof(random));
    int64_t asked = reply->kind == REPLY_PROBLEM ? reply->problem.retry_after_ms : -1;
    uint64_t delay = retry_delay_ms(retry->tries++, asked, random);
    if (delay > retry->deadline_ms - now)
        delay = retry->deadline_ms - now;
    pause_ms(delay);
    return true;
}
