/* progress.h - how far long work is: a bar on a terminal, one closing line elsewhere.
 *
 *     copying  [############--------]  61%  183 MB of 300 MB  92.1 MB/s  1 s left
 *
 * The text is made by progress_render() alone, from numbers, so that tests see it without a
 * terminal or a clock. Threading: one thread.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "cli/term.h"

struct progress {
    FILE *out;
    struct term term;
    const char *unit; /* "bytes", or what is counted: "events" */
    char label[48];
    uint64_t done;
    uint64_t total; /* 0: not known yet */
    uint64_t started_ms;
    uint64_t drawn_ms;
    double rate; /* units a second, smoothed over about 3 s */
    uint64_t rate_done;
    uint64_t rate_ms;
    bool drawn;
};

/* UNIT is borrowed. OUT is stderr outside of tests. */
void progress_start(struct progress *p, FILE *out, struct term term, const char *label,
                    const char *unit, uint64_t now_ms);
/* Draws at most ten times a second. Numbers that go back start the rate anew. */
void progress_update(struct progress *p, uint64_t done, uint64_t total, uint64_t now_ms);
/* The work is done, whether or not that was the last update: leaves one line, on a terminal or
 * not, of what was done in what time. */
void progress_end(struct progress *p, uint64_t now_ms);
/* Takes the bar off the terminal, before something else is written there. */
void progress_clear(struct progress *p);

/* The bar of P at NOW, without control sequences, at most WIDTH columns. */
void progress_render(const struct progress *p, size_t width, struct buf *buf);

#endif
