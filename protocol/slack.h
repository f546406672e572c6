/* slack.h - what a Slack-compatible program posts to an incoming webhook, reduced to the text of a
 * message.
 *
 * Of a payload these count: `text`, `blocks` (instead of the text, where they say something:
 * section, header, context, divider, image, rich_text), `attachments` (behind it: pretext,
 * author_name, title, title_link, text, fields, blocks, footer; fallback where nothing else is),
 * `username`, `icon_emoji`, `mrkdwn`. Everything else is ignored, so that whatever speaks to Slack
 * can speak to Parley. Threading: none of its own.
 */
#ifndef PROTOCOL_SLACK_H
#define PROTOCOL_SLACK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "protocol/limits.h"

enum { SLACK_ATTACHMENTS_MAX = 20, SLACK_BLOCKS_MAX = 50, SLACK_FIELDS_MAX = 100 };

struct slack_post {
    struct buf text; /* 1 to LIMIT_TEXT_BYTES bytes; what is longer ends with U+2026 */
    char
        name[4 * LIMIT_DISPLAY_NAME_CHARS + 1]; /* how the author wants to be shown; "": not said */
    char icon[4 * LIMIT_ICON_CHARS + 1];
    char key[LIMIT_CLIENT_MSG_ID_CHARS + 1]; /* of a post that may come twice; "": none */
};

/* ERR_INVALID_REQUEST: *REASON_OUT, static, says what is wrong: a sentence without its subject,
 * which is the payload. Call slack_post_free() in any case. */
enum err slack_read(const json_t *payload, struct slack_post *out, const char **reason_out);
void slack_post_free(struct slack_post *post);

/* Whether TEXT can be a key: 1 to 64 characters of printable ASCII. */
bool slack_is_key(const char *text);

/* The payload of a body of the type application/x-www-form-urlencoded: its field `payload`, which
 * is JSON, or else its fields. NULL: *REASON_OUT as above. The caller's to free. */
json_t *slack_form(const char *body, size_t len, const char **reason_out);

#endif
