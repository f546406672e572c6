#include "protocol/slack.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "protocol/json.h"
#include "protocol/mrkdwn.h"

#define ELLIPSIS "\xe2\x80\xa6" /* U+2026 */

/* -- forms ----------------------------------------------------------------------------------- */

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Undoes the encoding of a form (WHATWG URL, section 5.1). False: an escape is broken. */
static bool decode(const char *s, size_t n, struct buf *out)
{
    buf_clear(out);
    buf_puts(out, "");
    (void)buf_reserve(out, n);
    for (size_t i = 0; i < n; i++) {
        char c = s[i] == '+' ? ' ' : s[i];
        if (c == '%') {
            if (n - i < 3 || hex(s[i + 1]) < 0 || hex(s[i + 2]) < 0)
                return false;
            c = (char)(hex(s[i + 1]) << 4 | hex(s[i + 2]));
            i += 2;
        }
        buf_putc(out, c);
    }
    return utf8_is_valid(out->data, out->len) && memchr(out->data, '\0', out->len) == NULL;
}

/* The field at S, N bytes of `name=value`. False: what is wrong is in *REASON_OUT. */
static bool take_field(json_t *fields, const char *s, size_t n, struct buf *room,
                       const char **reason_out)
{
    const char *equals = memchr(s, '=', n);
    size_t name_n = equals != NULL ? (size_t)(equals - s) : n;
    struct buf name = {0};
    bool fine = decode(s, name_n, &name) &&
                decode(equals != NULL ? equals + 1 : "", equals != NULL ? n - name_n - 1 : 0, room);

    if (!fine)
        *reason_out = "is a form with a field that is not percent-encoded UTF-8 without NUL";
    else if (json_object_get(fields, name.data) != NULL) {
        *reason_out = "is a form that has the same field twice";
        fine = false;
    } else {
        (void)json_object_set_new(fields, name.data, json_stringn(room->data, room->len));
    }
    buf_free(&name);
    return fine;
}

static json_t *split_form(const char *body, size_t len, const char **reason_out)
{
    json_t *fields = json_object();
    struct buf room = {0};
    const char *end = body + len;
    bool fine = true;

    for (const char *at = body; fine && at < end;) {
        const char *amp = memchr(at, '&', (size_t)(end - at));
        size_t n = (size_t)((amp != NULL ? amp : end) - at);
        if (n > 0)
            fine = take_field(fields, at, n, &room, reason_out);
        if (fine && json_object_size(fields) > SLACK_FIELDS_MAX) {
            *reason_out = "is a form with more than 100 fields";
            fine = false;
        }
        at += n + 1;
    }
    buf_free(&room);
    if (fine)
        return fields;
    json_decref(fields);
    return NULL;
}

json_t *slack_form(const char *body, size_t len, const char **reason_out)
{
    if (len > 0 && body[0] == '{') { /* what curl -d says of it */
        *reason_out = "is JSON, but its Content-Type says that it is a form";
        return NULL;
    }
    json_t *fields = split_form(body, len, reason_out);
    const json_t *payload = fields != NULL ? json_object_get(fields, "payload") : NULL;

    if (payload == NULL)
        return fields;
    json_t *inner =
        json_parse_bounded(json_string_value(payload), json_string_length(payload), reason_out);
    json_decref(fields);
    return inner;
}

bool slack_is_key(const char *text)
{
    size_t n = 0;

    while (text[n] >= ' ' && text[n] <= '~' && n <= LIMIT_CLIENT_MSG_ID_CHARS)
        n++;
    return n > 0 && n <= LIMIT_CLIENT_MSG_ID_CHARS && text[n] == '\0';
}

/* -- pieces ---------------------------------------------------------------------------------- */

static const char *string_of(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    return s != NULL && *s != '\0' ? s : NULL;
}

/* On a line of its own. */
static void new_line(struct buf *out)
{
    if (out->len > 0 && out->data[out->len - 1] != '\n')
        buf_putc(out, '\n');
}

static void put_mrkdwn(struct buf *out, const char *text)
{
    mrkdwn_put(out, text, strlen(text));
}

static void put_line(struct buf *out, const char *text)
{
    if (text == NULL)
        return;
    new_line(out);
    put_mrkdwn(out, text);
}

/* A text object: {"type": "mrkdwn" or "plain_text", "text"}, or only a string. */
static void put_text_object(struct buf *out, const json_t *object)
{
    const char *type = string_of(object, "type");
    const char *text =
        json_is_string(object) ? json_string_value(object) : string_of(object, "text");

    if (text == NULL)
        return;
    if (type != NULL && strcmp(type, "plain_text") == 0)
        buf_puts(out, text);
    else
        put_mrkdwn(out, text);
}

static void put_texts(struct buf *out, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list) && i < SLACK_BLOCKS_MAX; i++) {
        new_line(out);
        put_text_object(out, json_array_get(list, i));
    }
}

/* -- blocks ---------------------------------------------------------------------------------- */

/* What an image shows. */
static void put_image(struct buf *out, const json_t *image)
{
    const char *alt = string_of(image, "alt_text");
    const char *url = string_of(image, "image_url");
    const json_t *title = json_object_get(image, "title");

    if (title != NULL)
        put_text_object(out, title);
    else if (alt != NULL)
        buf_puts(out, alt);
    if (url != NULL && strncmp(url, "http", 4) == 0) {
        buf_puts(out, title != NULL || alt != NULL ? " (" : "");
        buf_puts(out, url);
        buf_puts(out, title != NULL || alt != NULL ? ")" : "");
    }
}

static void put_context(struct buf *out, const json_t *elements)
{
    for (size_t i = 0; i < json_array_size(elements) && i < SLACK_BLOCKS_MAX; i++) {
        const json_t *element = json_array_get(elements, i);
        const char *type = string_of(element, "type");
        if (i > 0)
            buf_putc(out, ' ');
        if (type != NULL && strcmp(type, "image") == 0)
            put_image(out, element);
        else
            put_text_object(out, element);
    }
}

static void put_rich_leaf(struct buf *out, const json_t *leaf, const char *type)
{
    const char *text = string_of(leaf, "text");
    const char *url = string_of(leaf, "url");
    const char *name = string_of(leaf, "name");

    if (strcmp(type, "link") == 0 && url != NULL) {
        buf_puts(out, text != NULL ? text : url);
        if (text != NULL && strcmp(text, url) != 0)
            buf_printf(out, " (%s)", url);
    } else if (strcmp(type, "emoji") == 0 && name != NULL) {
        buf_printf(out, ":%s:", name);
    } else if (strcmp(type, "user") == 0 && string_of(leaf, "user_id") != NULL) {
        buf_printf(out, "@%s", string_of(leaf, "user_id"));
    } else if (strcmp(type, "channel") == 0 && string_of(leaf, "channel_id") != NULL) {
        buf_printf(out, "#%s", string_of(leaf, "channel_id"));
    } else if (strcmp(type, "broadcast") == 0 && string_of(leaf, "range") != NULL) {
        buf_printf(out, "@%s", string_of(leaf, "range"));
    } else if (text != NULL) {
        buf_puts(out, text);
    }
}

/* As deep as JSON may be. */
static void put_rich(struct buf *out, const json_t *node)
{
    const char *type = string_of(node, "type");
    const json_t *elements = json_object_get(node, "elements");

    if (type == NULL)
        return;
    if (!json_is_array(elements)) {
        put_rich_leaf(out, node, type);
        return;
    }
    bool list = strcmp(type, "rich_text_list") == 0;
    bool code = strcmp(type, "rich_text_preformatted") == 0;
    if (strcmp(type, "rich_text") != 0)
        new_line(out);
    if (code)
        buf_puts(out, "```\n");
    if (strcmp(type, "rich_text_quote") == 0)
        buf_puts(out, "> ");
    for (size_t i = 0; i < json_array_size(elements); i++) {
        struct buf inner = {0};
        put_rich(&inner, json_array_get(elements, i));
        if (list)
            new_line(out);
        if (list)
            buf_puts(out, "- ");
        else if (inner.len > 0 && strcmp(type, "rich_text") == 0)
            new_line(out);
        buf_put(out, inner.data, inner.len);
        buf_free(&inner);
    }
    if (code)
        buf_puts(out, "\n```\n");
}

static void put_header(struct buf *out, const json_t *block)
{
    struct buf text = {0};

    put_text_object(&text, json_object_get(block, "text"));
    if (text.len > 0)
        buf_printf(out, "**%s**", text.data);
    buf_free(&text);
}

static void put_section(struct buf *out, const json_t *block)
{
    const json_t *accessory = json_object_get(block, "accessory");
    const char *type = string_of(accessory, "type");

    put_text_object(out, json_object_get(block, "text"));
    put_texts(out, json_object_get(block, "fields"));
    if (type != NULL && strcmp(type, "image") == 0) {
        new_line(out);
        put_image(out, accessory);
    }
}

static void put_divider(struct buf *out, const json_t *block)
{
    (void)block;
    buf_puts(out, "---");
}

static void put_context_block(struct buf *out, const json_t *block)
{
    put_context(out, json_object_get(block, "elements"));
}

/* Those that only take input say nothing. */
static void put_block(struct buf *out, const json_t *block)
{
    static const struct {
        const char *type;
        void (*put)(struct buf *out, const json_t *block);
    } types[] = {{"section", put_section}, {"header", put_header}, {"context", put_context_block},
                 {"divider", put_divider}, {"image", put_image},   {"rich_text", put_rich},
                 {"markdown", put_section}};
    const char *type = string_of(block, "type");

    for (size_t i = 0; type != NULL && i < sizeof(types) / sizeof(*types); i++)
        if (strcmp(types[i].type, type) == 0) {
            new_line(out);
            types[i].put(out, block);
        }
}

static void put_blocks(struct buf *out, const json_t *blocks)
{
    for (size_t i = 0; i < json_array_size(blocks) && i < SLACK_BLOCKS_MAX; i++)
        put_block(out, json_array_get(blocks, i));
}

/* -- attachments ----------------------------------------------------------------------------- */

static void put_title(struct buf *out, const json_t *attachment)
{
    const char *title = string_of(attachment, "title");
    const char *link = string_of(attachment, "title_link");

    if (title == NULL)
        return;
    new_line(out);
    buf_puts(out, "**");
    put_mrkdwn(out, title);
    buf_puts(out, "**");
    if (link != NULL)
        buf_printf(out, " (%s)", link);
}

static void put_fields(struct buf *out, const json_t *fields)
{
    for (size_t i = 0; i < json_array_size(fields) && i < SLACK_BLOCKS_MAX; i++) {
        const json_t *field = json_array_get(fields, i);
        const char *title = string_of(field, "title");
        const char *value = string_of(field, "value");
        if (title == NULL && value == NULL)
            continue;
        new_line(out);
        if (title != NULL)
            put_mrkdwn(out, title);
        if (title != NULL && value != NULL)
            buf_puts(out, ": ");
        if (value != NULL)
            put_mrkdwn(out, value);
    }
}

static void put_attachment(struct buf *out, const json_t *attachment)
{
    size_t before = out->len;

    put_line(out, string_of(attachment, "pretext"));
    put_line(out, string_of(attachment, "author_name"));
    put_title(out, attachment);
    put_line(out, string_of(attachment, "text"));
    put_fields(out, json_object_get(attachment, "fields"));
    put_blocks(out, json_object_get(attachment, "blocks"));
    if (out->len == before)
        put_line(out, string_of(attachment, "fallback"));
    put_line(out, string_of(attachment, "footer"));
}

/* -- the whole ------------------------------------------------------------------------------- */

/* The bytes of the character at S. */
static size_t char_len(const char *s)
{
    unsigned char c = (unsigned char)*s;

    return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

static bool is_control(const char *s)
{
    unsigned char c = (unsigned char)*s;

    return c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)s[1] < 0xa0) ||
           (c == 0xe2 && (unsigned char)s[1] == 0x80 &&
            ((unsigned char)s[2] == 0xa8 || (unsigned char)s[2] == 0xa9));
}

/* One line of at most MAX characters, without blanks around it; OUT has room for that. */
static void put_short(char *out, const char *text, size_t max)
{
    size_t n = 0;

    if (text == NULL)
        text = "";
    text += strspn(text, " ");
    for (const char *s = text; *s != '\0' && max > 0; s += char_len(s)) {
        if (is_control(s))
            continue;
        memcpy(out + n, s, char_len(s));
        n += char_len(s);
        max--;
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

/* No blanks and line breaks at the ends, and not too long. */
static void trim(struct buf *text)
{
    size_t from = 0;

    while (text->len > 0 && strchr(" \t\r\n", text->data[text->len - 1]) != NULL)
        text->len--;
    while (from < text->len && strchr(" \t\r\n", text->data[from]) != NULL)
        from++;
    text->len -= from;
    if (text->data != NULL)
        memmove(text->data, text->data + from, text->len);
    if (text->len > LIMIT_TEXT_BYTES) {
        text->len = LIMIT_TEXT_BYTES - strlen(ELLIPSIS);
        while (((unsigned char)text->data[text->len] & 0xc0) == 0x80)
            text->len--;
        text->data[text->len] = '\0';
        buf_puts(text, ELLIPSIS);
    }
    if (text->data != NULL)
        text->data[text->len] = '\0';
}

static bool is_or_absent(const json_t *payload, const char *name, bool list)
{
    const json_t *value = json_object_get(payload, name);

    return value == NULL || json_is_null(value) ||
           (list ? json_is_array(value) : json_is_string(value));
}

static bool is_key_or_absent(const json_t *value)
{
    const char *key = json_string_value(value);

    return value == NULL || (key != NULL && slack_is_key(key));
}

static const char *misfit(const json_t *payload)
{
    if (!json_is_object(payload))
        return "must be an object";
    if (!is_or_absent(payload, "text", false))
        return "has a text that is no string";
    if (!is_or_absent(payload, "username", false))
        return "has a username that is no string";
    if (!is_or_absent(payload, "icon_emoji", false))
        return "has an icon_emoji that is no string";
    if (!is_key_or_absent(json_object_get(payload, "client_msg_id")))
        return "has a client_msg_id that is not 1 to 64 characters of printable ASCII";
    if (!is_or_absent(payload, "attachments", true))
        return "has attachments that are no list";
    if (json_array_size(json_object_get(payload, "attachments")) > SLACK_ATTACHMENTS_MAX)
        return "has more than 20 attachments";
    if (!is_or_absent(payload, "blocks", true))
        return "has blocks that are no list";
    if (json_array_size(json_object_get(payload, "blocks")) > SLACK_BLOCKS_MAX)
        return "has more than 50 blocks";
    return NULL;
}

enum err slack_read(const json_t *payload, struct slack_post *out, const char **reason_out)
{
    *out = (struct slack_post){.name = ""};
    *reason_out = misfit(payload);
    if (*reason_out != NULL)
        return ERR_INVALID_REQUEST;
    const char *text = string_of(payload, "text");
    const json_t *attachments = json_object_get(payload, "attachments");
    put_blocks(&out->text, json_object_get(payload, "blocks"));
    if (out->text.len == 0 && text != NULL && json_is_false(json_object_get(payload, "mrkdwn")))
        buf_puts(&out->text, text);
    else if (out->text.len == 0)
        put_line(&out->text, text);
    for (size_t i = 0; i < json_array_size(attachments); i++)
        put_attachment(&out->text, json_array_get(attachments, i));
    trim(&out->text);
    put_short(out->key, string_of(payload, "client_msg_id"), LIMIT_CLIENT_MSG_ID_CHARS);
    put_short(out->name, string_of(payload, "username"), LIMIT_DISPLAY_NAME_CHARS);
    put_short(out->icon, string_of(payload, "icon_emoji"), LIMIT_ICON_CHARS);
    if (out->text.len > 0)
        return ERR_OK;
    *reason_out = "says nothing: there is no text in it";
    return ERR_INVALID_REQUEST;
}

void slack_post_free(struct slack_post *post)
{
    buf_free(&post->text);
}
