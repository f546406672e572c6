#include "cli/steps.h"

#include <string.h>

#include "cli/retry.h"

bool steps_progress(void *arg, const char *step, const char *unit, uint64_t done, uint64_t total)
{
    struct steps *steps = arg;

    if (steps->step == NULL || strcmp(step, steps->step) != 0) {
        if (steps->step != NULL)
            progress_end(&steps->bar, monotonic_ms());
        steps->step = step;
        progress_start(&steps->bar, stderr, steps->cli->err, step, unit, monotonic_ms());
    }
    progress_update(&steps->bar, done, total, monotonic_ms());
    return true;
}

void steps_end(struct steps *steps, bool done)
{
    if (steps->step == NULL)
        return;
    if (done)
        progress_end(&steps->bar, monotonic_ms());
    else
        progress_clear(&steps->bar);
}
