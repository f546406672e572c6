/* page.h - a page of text written once, as Markdown or as HTML.
 *
 * Text is that little of Markdown which both need: `code`, **strong**, [text](#anchor), and an
 * empty line between paragraphs. Everything else of it stands for itself, and is escaped.
 * Threading: any. Ownership: appends to a buffer of the caller.
 */
#ifndef PROTOCOL_PAGE_H
#define PROTOCOL_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { PAGE_COLUMNS_MAX = 6 };

struct page {
    struct buf *out;
    bool html;
    size_t columns; /* of the table under way */
};

/* LEVEL 1 to 4. It can be linked to by page_anchor(TEXT). */
void page_heading(struct page *page, int level, const char *text);
/* What a heading's anchor is: letters and digits in lower case, '-' for blanks, nothing else. */
void page_anchor(struct buf *out, const char *text);
void page_text(struct page *page, const char *text);
void page_list_begin(struct page *page);
void page_list_item(struct page *page, const char *text);
void page_list_end(struct page *page);
void page_table_begin(struct page *page, const char *const *heads, size_t n);
void page_table_row(struct page *page, const char *const *cells);
void page_table_end(struct page *page);
/* A block of N bytes as they are. */
void page_code(struct page *page, const char *language, const char *text, size_t n);

#endif
