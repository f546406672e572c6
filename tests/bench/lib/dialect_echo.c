/* dialect_echo.c - servers that send every text frame to everybody as it is:
 * the bare epoll server and the server made with the npm package ws. */
#include "tests/bench/lib/dialect.h"

#include <string.h>

static struct incoming echo_read(struct member *member, const char *text, size_t len)
{
    (void)member;
    (void)text;
    (void)len;
    return (struct incoming){.meaning = MEANING_DELIVERY};
}

static size_t echo_request(const struct member *member, uint64_t id, const char *text, char *out,
                           size_t capacity)
{
    (void)member;
    (void)id;
    size_t len = strlen(text);
    if (len > capacity)
        len = capacity;
    memcpy(out, text, len);
    return len;
}

const struct dialect dialect_echo = {
    .name = "echo",
    .path = "/",
    .ready_at_open = true,
    .delivers = true,
    .read = echo_read,
    .request = echo_request,
};
