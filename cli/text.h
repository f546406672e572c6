/* text.h - text of unknown origin on a terminal: width, escaping, cutting.
 *
 * Names and messages are written by anybody, so nothing of them reaches the terminal that it
 * could take for a command or that could reorder a line: control characters (C0, DEL, C1),
 * bidirectional overrides, line and paragraph separators and bytes that are not UTF-8 are shown
 * as `\n`, `\x1b` or `\u{202e}`. Threading: any, after one setlocale() (see text_init).
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Makes wcwidth(3) know Unicode, whatever the locale of the environment. Once, at start. */
void text_init(void);

/* The code point at S (N > 0 bytes); returns its length in bytes, or 0 when it is not UTF-8. */
size_t text_decode(const char *s, size_t n, uint32_t *code_out);

/* S as it may be shown on one line. */
void text_escape(struct buf *buf, const char *s);
/* S as it may be shown on several: a line feed is followed by INDENT spaces, a tab stays. */
void text_escape_block(struct buf *buf, const char *s, size_t indent);
/* Escapes inside JSON text, as \u00XX, what JSON allows raw but a terminal must not get. */
void text_escape_json(struct buf *buf, const char *s, size_t n);

/* Columns that an escaped text takes on a terminal. */
size_t text_width(const char *escaped);
/* Bytes of ESCAPED that fit in COLUMNS. */
size_t text_fit(const char *escaped, size_t columns);

#endif
