/* steps.h - long work of this process's own, shown: each step of it has its own bar.
 *
 * Threading: main thread only.
 */
#ifndef CLI_STEPS_H
#define CLI_STEPS_H

#include "cli/progress.h"
#include "cli/run.h"

struct steps {
    struct cli *cli;
    struct progress bar;
    const char *step; /* NULL: none yet */
};

/* A store_progress_fn; ARG is a struct steps that begins as {.cli = cli}. */
bool steps_progress(void *arg, const char *step, const char *unit, uint64_t done, uint64_t total);
/* The work is over: the last bar leaves its line if it was DONE, else nothing. */
void steps_end(struct steps *steps, bool done);

#endif
