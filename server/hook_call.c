#include "server/hook_call.h"

#include <ctype.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "protocol/json.h"
#include "protocol/jsonrpc.h"
#include "protocol/limits.h"

/* -- signing --------------------------------------------------------------------------------------
 */

void hook_sign(const char *secret, int64_t at_s, const char *body, size_t n,
               char signature_out[HOOK_SIGNATURE_SIZE])
{
    crypto_auth_hmacsha256_state state;
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    char time[24];

    int time_n = snprintf(time, sizeof(time), "%lld.", (long long)at_s);
    (void)crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret, strlen(secret));
    (void)crypto_auth_hmacsha256_update(&state, (const unsigned char *)time,
                                        (unsigned long long)time_n);
    (void)crypto_auth_hmacsha256_update(&state, (const unsigned char *)body, n);
    (void)crypto_auth_hmacsha256_final(&state, mac);
    memcpy(signature_out, "v1=", 3);
    (void)sodium_bin2hex(signature_out + 3, HOOK_SIGNATURE_SIZE - 3, mac, sizeof(mac));
}

/* -- which events ---------------------------------------------------------------------------------
 */

/* WORDS has blanks between. */
static bool has_word(const char *words, const char *word)
{
    size_t n = strlen(word);

    for (const char *at = words; (at = strstr(at, word)) != NULL; at += n)
        if ((at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
            return true;
    return false;
}

static bool is_word_byte(char c)
{
    unsigned char byte = (unsigned char)c;

    return isalnum(byte) || byte == '_' || byte == '-' || byte >= 0x80;
}

bool hook_is_triggered(const char *text, const char *word)
{
    size_t n = strlen(word);

    return strncmp(text, word, n) == 0 && !(is_word_byte(word[n - 1]) && is_word_byte(text[n]));
}

static bool wants_message(const struct store_hook *hook, const struct store_event *event)
{
    const char *reason;
    struct buf whole = {0};
    bool wanted = false;

    buf_putc(&whole, '{');
    buf_put(&whole, event->data, event->data_len);
    buf_putc(&whole, '}');
    json_t *root = json_parse_bounded(whole.data, whole.len, &reason);
    const json_t *message = json_object_get(root, "message");
    const char *text = json_string_value(json_object_get(message, "text"));
    const char *id = json_string_value(json_object_get(message, "client_msg_id"));
    size_t prefix_n = strlen(HOOK_MSG_ID_PREFIX);
    if (id == NULL || strncmp(id, HOOK_MSG_ID_PREFIX, prefix_n) != 0)
        wanted = hook->trigger == NULL || (text != NULL && hook_is_triggered(text, hook->trigger));
    if (text == NULL && event->type != STORE_EVENT_MESSAGE_DELETED)
        wanted = false; /* deleted meanwhile: there is an event for that, too */
    json_decref(root);
    buf_free(&whole);
    return wanted;
}

bool hook_wants(const struct store_hook *hook, const struct store_event *event)
{
    if (hook->events == NULL || !has_word(hook->events, store_event_name(event->type)) ||
        (event->actor != NULL && strcmp(event->actor, hook->id) == 0))
        return false;
    switch (event->type) {
    case STORE_EVENT_MESSAGE_CREATED:
    case STORE_EVENT_MESSAGE_UPDATED:
    case STORE_EVENT_MESSAGE_DELETED:
        return wants_message(hook, event);
    default:
        return hook->trigger == NULL;
    }
}

/* -- calls ----------------------------------------------------------------------------------------
 */

static void add_header(struct arena *arena, struct hook_call *call, const char *name,
                       const char *value)
{
    size_t size = strlen(name) + 2 + strlen(value) + 1;
    char *header = arena_alloc(arena, size);

    (void)snprintf(header, size, "%s: %s", name, value);
    for (char *c = header; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?'; /* of a value that no server has made */
    call->headers[call->headers_n++] = header;
}

/* The body is there: all headers. */
static void finish_call(struct arena *arena, const struct store_hook *hook, const char *type,
                        const char *event, const char *delivery, int64_t at_s,
                        struct hook_call *call)
{
    char signature[HOOK_SIGNATURE_SIZE];
    char time[24];

    (void)snprintf(time, sizeof(time), "%lld", (long long)at_s);
    hook_sign(hook->secret == NULL ? "" : hook->secret, at_s, call->body, call->body_n, signature);
    call->headers_n = 0;
    add_header(arena, call, "Content-Type", type);
    add_header(arena, call, "Parley-Hook", hook->id);
    add_header(arena, call, "Parley-Event", event);
    add_header(arena, call, "Parley-Delivery", delivery);
    add_header(arena, call, "Parley-Timestamp", time);
    add_header(arena, call, "Parley-Signature", signature);
}

static void take_body(struct arena *arena, struct buf *body, struct hook_call *call)
{
    call->body = arena_strndup(arena, body->len == 0 ? "" : body->data, body->len);
    call->body_n = body->len;
    buf_free(body);
}

/* The notification without its version, as stream.events lists it. */
static void put_event(struct buf *out, const struct store_event *e)
{
    static const char head[] = "{\"jsonrpc\":\"2.0\",";
    struct buf json = {0};

    rpc_put_event(&json, store_event_name(e->type), e->stream, e->epoch, e->seq, e->at, e->actor,
                  e->data, e->data_len);
    buf_putc(out, '{');
    buf_put(out, json.data + sizeof(head) - 1, json.len - (sizeof(head) - 1));
    buf_free(&json);
}

void hook_call_event(struct arena *arena, const struct store_hook *hook,
                     const struct store_event *event, unsigned attempt, int64_t at_s,
                     struct hook_call *out)
{
    char delivery[256];
    struct buf body = {0};

    (void)snprintf(delivery, sizeof(delivery), "%s:%s:%s:%llu", hook->id, event->stream,
                   event->epoch, (unsigned long long)event->seq);
    buf_putc(&body, '{');
    buf_json_member(&body, "hook", hook->id);
    buf_json_member(&body, "delivery", delivery);
    buf_json_member_int(&body, "attempt", attempt);
    buf_json_key(&body, "event");
    put_event(&body, event);
    buf_putc(&body, '}');
    take_body(arena, &body, out);
    finish_call(arena, hook, "application/json", store_event_name(event->type), delivery, at_s,
                out);
}

/* application/x-www-form-urlencoded, https://url.spec.whatwg.org/#concept-urlencoded-serializer */
static void put_form(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (isalnum(byte) || strchr("*-._", byte) != NULL)
            buf_putc(out, *text);
        else if (byte == ' ')
            buf_putc(out, '+');
        else
            buf_printf(out, "%%%02X", byte);
    }
}

void hook_call_command(struct arena *arena, const struct store_hook *hook, const char *delivery,
                       const struct hook_field *fields, size_t n, int64_t at_s,
                       struct hook_call *out)
{
    struct buf body = {0};

    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_putc(&body, '&');
        put_form(&body, fields[i].name);
        buf_putc(&body, '=');
        put_form(&body, fields[i].value);
    }
    take_body(arena, &body, out);
    finish_call(arena, hook, "application/x-www-form-urlencoded", "slash.run", delivery, at_s, out);
}

uint32_t hook_pause_ms(unsigned attempt, uint32_t first_ms, uint32_t retry_after_s, uint32_t random)
{
    uint64_t pause = first_ms;

    for (unsigned i = 1; i < attempt && pause < HOOK_PAUSE_MAX_MS; i++)
        pause *= 2;
    if (pause > HOOK_PAUSE_MAX_MS)
        pause = HOOK_PAUSE_MAX_MS;
    pause = pause / 2 + random % (pause / 2 + 1);
    uint64_t asked = (uint64_t)retry_after_s * 1000;
    if (asked > pause)
        pause = asked < HOOK_PAUSE_MAX_MS ? asked : HOOK_PAUSE_MAX_MS;
    return (uint32_t)pause;
}

/* -- answers --------------------------------------------------------------------------------------
 */

static bool is_type(const char *content_type, const char *type)
{
    size_t n = strlen(type);

    return strncasecmp(content_type, type, n) == 0 && strchr("; \t", content_type[n]) != NULL;
}

/* At most as long as a message's text, whole characters; NULL: blank. */
static const char *bounded_text(struct arena *arena, const char *text, size_t n)
{
    if (n > LIMIT_TEXT_BYTES) {
        n = LIMIT_TEXT_BYTES;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--;
    }
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        n--;
    return n == 0 ? NULL : arena_strndup(arena, text, n);
}

static const char *read_json(struct arena *arena, const char *body, size_t n,
                             struct hook_answer *out)
{
    const char *reason = NULL;
    json_t *root = json_parse_bounded(body, n, &reason);
    const json_t *text = json_object_get(root, "text");
    const json_t *type = json_object_get(root, "response_type");

    if (root == NULL)
        return reason;
    if (!json_is_object(root))
        reason = "is not a JSON object";
    else if (text != NULL && !json_is_string(text))
        reason = "has a text that is not a string";
    else if (type != NULL && !json_is_string(type))
        reason = "has a response_type that is not a string";
    else if (type != NULL && strcmp(json_string_value(type), "in_channel") != 0 &&
             strcmp(json_string_value(type), "ephemeral") != 0)
        reason = "has a response_type other than in_channel and ephemeral";
    if (reason == NULL) {
        out->in_channel = type != NULL && strcmp(json_string_value(type), "in_channel") == 0;
        if (text != NULL)
            out->text = bounded_text(arena, json_string_value(text), json_string_length(text));
    }
    json_decref(root);
    return reason;
}

const char *hook_answer_read(struct arena *arena, const char *content_type, const char *body,
                             size_t n, bool plain, struct hook_answer *out)
{
    *out = (struct hook_answer){0};
    if (n == 0)
        return NULL;
    if (is_type(content_type, "application/json"))
        return read_json(arena, body, n, out);
    if (!plain)
        return NULL;
    if (content_type[0] != '\0' && !is_type(content_type, "text/plain"))
        return "is neither JSON nor plain text";
    if (!utf8_is_valid(body, n) || memchr(body, '\0', n) != NULL)
        return "is not valid UTF-8";
    out->text = bounded_text(arena, body, n);
    return NULL;
}
