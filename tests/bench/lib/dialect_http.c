/* dialect_http.c - commands over HTTP, Parley's and those of the Express server with the same
 * handlers: the body of one request; there is no session and nothing is delivered. */
#include "tests/bench/lib/dialect.h"

#include <stdio.h>

#include "tests/bench/lib/swarm.h"

static size_t history_body(const struct member *member, uint64_t id, const char *text, char *out,
                           size_t capacity)
{
    (void)id;
    (void)text;
    int len = snprintf(out, capacity, "{\"channel\":\"%s\",\"limit\":50}", member->person->channel);
    return (size_t)len < capacity ? (size_t)len : 0;
}

/* Somebody else each time. */
static size_t user_body(const struct member *member, uint64_t id, const char *text, char *out,
                        size_t capacity)
{
    (void)text;
    int len = snprintf(out, capacity, "{\"user\":\"@member-%u\"}",
                       (unsigned)(id % member->swarm->options->people_count));
    return (size_t)len < capacity ? (size_t)len : 0;
}

const struct dialect dialect_http_history = {
    .name = "http-history",
    .path = "/api/v1/message.history",
    .http = true,
    .signs_in = true,
    .answers = true,
    .request = history_body,
};

const struct dialect dialect_http_user = {
    .name = "http-user",
    .path = "/api/v1/user.get",
    .http = true,
    .signs_in = true,
    .answers = true,
    .request = user_body,
};
