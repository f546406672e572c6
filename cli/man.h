/* man.h - manual pages in man(7) macros, made from the tables: what make man writes to docs/man/.
 * For man*.c and help.c only. */
#ifndef CLI_MAN_H
#define CLI_MAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

void man_parleyctl(FILE *out);   /* parleyctl(1), from cli's tables */
void man_parleyd(FILE *out);     /* parleyd(8), from server/config.def */
void man_parley_conf(FILE *out); /* parley.conf(5), from server/config.def */

/* The page's first lines. */
void man_title(FILE *out, const char *title, char section);
/* Text with what roff takes for its own escaped: as it stands, or in lines of fewer than 80
 * columns. */
void man_text(FILE *out, const char *text, size_t len, bool wrap);
void man_string(FILE *out, const char *text);

#endif
