/* fuzz_cli_answer.c - what parleyctl does with a server's answer: the answer is a result, a problem
 * with a type, or refused; whatever text is in it reaches the terminal harmless; JSON made safe for
 * a terminal is still the same JSON. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/macros.h"
#include "cli/client.h"
#include "cli/text.h"
#include "cli/units.h"

static void assert_harmless(const struct buf *shown, bool block)
{
    for (size_t i = 0; i < shown->len; i++) {
        unsigned char c = (unsigned char)shown->data[i];
        if ((c < 0x20 && !(block && (c == '\n' || c == '\t'))) || c == 0x7f)
            abort();
        if (c == 0xc2 && (unsigned char)shown->data[i + 1] < 0xa0)
            abort();
    }
    if (text_width(shown->data != NULL ? shown->data : "") > shown->len)
        abort();
}

static void show(const char *text)
{
    struct buf line = {0};
    struct buf block = {0};
    char time[UNITS_SIZE];

    text_escape(&line, text);
    assert_harmless(&line, false);
    if (line.len > 0 && text_fit(line.data, 10) > line.len)
        abort();
    text_escape_block(&block, text, 4);
    assert_harmless(&block, true);
    (void)units_time(text, 0, time);
    buf_free(&line);
    buf_free(&block);
}

static void show_json(const json_t *json)
{
    struct buf safe = {0};
    char *text = json_dumps(json, JSON_INDENT(2));

    text_escape_json(&safe, text, strlen(text));
    json_t *again = json_loadb(safe.data, safe.len, 0, NULL);
    if (!json_equal(json, again))
        abort();
    json_decref(again);
    buf_free(&safe);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct {
        long status;
        const char *type;
    } heads[] = {{200, "application/json"},
                 {422, "application/problem+json"},
                 {200, "application/problem+json"},
                 {500, "text/html"},
                 {204, NULL}};
    struct reply reply = {0};

    if (size == 0)
        return 0;
    size_t head = data[0] % ARRAY_LEN(heads);
    buf_put(&reply.body, data + 1, size - 1);
    show(reply.body.data);
    reply_parse(&reply, heads[head].status, heads[head].type);
    if (reply.kind == REPLY_PROBLEM && (head != 1 || reply.problem.type == NULL))
        abort();
    if (reply.kind == REPLY_RESULT && (head != 0 || !json_is_object(reply.json)))
        abort();
    if (reply.kind == REPLY_GARBLED && reply.cause[0] == '\0')
        abort();
    if (reply.kind != REPLY_GARBLED)
        show_json(reply.json);
    reply_free(&reply);
    return 0;
}
