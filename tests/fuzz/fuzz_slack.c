/* fuzz_slack.c - the body of a post to an incoming webhook: what is taken is a text that can be
 * sent, with a name, an icon and a key within their bounds. The first byte says whether it is a
 * form. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "protocol/json.h"
#include "protocol/slack.h"

static void require(bool fine)
{
    if (!fine)
        abort();
}

static bool is_line(const char *text, size_t max)
{
    return strlen(text) <= max && utf8_is_valid(text, strlen(text)) &&
           strpbrk(text, "\n\r\t") == NULL;
}

static void read_payload(const json_t *payload)
{
    struct slack_post post;
    const char *reason = NULL;

    if (slack_read(payload, &post, &reason) != ERR_OK) {
        require(reason != NULL);
    } else {
        require(post.text.len > 0 && post.text.len <= LIMIT_TEXT_BYTES);
        require(strlen(post.text.data) == post.text.len);
        require(utf8_is_valid(post.text.data, post.text.len));
        require(is_line(post.name, 4 * LIMIT_DISPLAY_NAME_CHARS));
        require(is_line(post.icon, 4 * LIMIT_ICON_CHARS));
        require(post.key[0] == '\0' || slack_is_key(post.key));
    }
    slack_post_free(&post);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *reason = NULL;

    if (size == 0)
        return 0;
    const char *body = (const char *)data + 1;
    json_t *payload = data[0] == 'f' ? slack_form(body, size - 1, &reason)
                                     : json_parse_bounded(body, size - 1, &reason);
    if (payload == NULL)
        require(reason != NULL);
    else
        read_payload(payload);
    json_decref(payload);
    return 0;
}
