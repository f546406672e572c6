/* fuzz_hook_answer.c - what the target of a hook answers, its Content-Type before the first line
 * break: a text that is taken keeps its bounds. The same bytes as a response URL's token and as a
 * URL: what is read is well-formed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "protocol/limits.h"
#include "server/hook_call.h"
#include "server/outbound_target.h"
#include "server/slash_token.h"

static void check_answer(const char *type, const char *body, size_t n, bool plain)
{
    struct arena *arena = arena_create();
    struct hook_answer answer;
    const char *wrong = hook_answer_read(arena, type, body, n, plain, &answer);

    if (wrong != NULL && answer.text != NULL)
        abort();
    if (answer.text != NULL) {
        size_t text_n = strlen(answer.text);
        if (text_n == 0 || text_n > LIMIT_TEXT_BYTES || !utf8_is_valid(answer.text, text_n))
            abort();
    }
    arena_destroy(&arena);
}

static void check_token(const char *text)
{
    struct slash_token token;
    char again[SLASH_TOKEN_SIZE];

    if (!slash_token_read(text, &token))
        return;
    if (!id_is_valid(token.hook) || !id_is_valid(token.user) || !id_is_valid(token.run))
        abort();
    slash_token_make(&token, "secret", again);
    if (!slash_token_is_true(again, "secret"))
        abort();
}

static void check_url(const char *url)
{
    char host[OUTBOUND_HOST_SIZE];

    if (outbound_url_problem(url) == NULL &&
        (!outbound_url_host(url, host) || strncmp(host, "http", 4) != 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_strndup((const char *)data, size); /* up to the first NUL */
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;

    check_token(text);
    check_url(text);
    if (end != NULL) {
        char *type = mem_strndup((const char *)data, (size_t)(end - data));
        size_t n = size - (size_t)(end + 1 - data);
        check_answer(type, (const char *)end + 1, n, true);
        check_answer(type, (const char *)end + 1, n, false);
        free(type);
    }
    free(text);
    return 0;
}
