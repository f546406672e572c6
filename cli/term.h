/* term.h - what the terminal can do, and asking a person on it.
 *
 * Threading: main thread only.
 */
#ifndef CLI_TERM_H
#define CLI_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum style { STYLE_PLAIN, STYLE_BOLD, STYLE_DIM, STYLE_RED, STYLE_GREEN, STYLE_YELLOW, STYLE_CYAN };

struct term {
    bool colour;  /* write escape sequences for styles */
    size_t width; /* columns to keep to; 0: not a terminal, no limit */
};

/* WHEN is "always", "never", or "auto": on a terminal, unless NO_COLOR is set or TERM is dumb. */
struct term term_of(FILE *stream, const char *when);
/* The sequence that starts STYLE (STYLE_PLAIN: that ends one), or "" without colour. */
const char *term_style(const struct term *term, enum style style);

/* Asks PROMPT on the controlling terminal, without echo when SECRET. False when there is no
 * terminal, on end of file, or when the answer is longer than SIZE - 1 bytes; errno tells. The
 * echo is restored also when a signal ends the program. */
bool term_ask(const char *prompt, bool secret, char *answer_out, size_t size);

#endif
