/* mrkdwn.h - text in Slack's mrkdwn, made into text as Parley shows it.
 *
 * `<https://x|label>` is a link, `<@U1|ann>`, `<#C1|general>` and `<!channel>` name somebody or
 * something, `*bold*` and `~struck~` are marked once where Parley marks twice, and `&amp;`, `&lt;`
 * and
 * `&gt;` stand for themselves. What is none of that stays as it is: all of it is only text.
 * Threading: none of its own.
 */
#ifndef PROTOCOL_MRKDWN_H
#define PROTOCOL_MRKDWN_H

#include <stddef.h>

#include "base/buf.h"

/* Appends TEXT, valid UTF-8 without NUL. What comes of it is UTF-8 too, and at most some three
 * times as long. */
void mrkdwn_put(struct buf *out, const char *text, size_t len);

#endif
