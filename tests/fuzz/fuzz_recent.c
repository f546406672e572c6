/* fuzz_recent.c - what a cache may hold: anything at all as an entry, and anything at all as the
 * JSON of an event. What becomes of it stays inside of what was given.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/bus/envelope.h"
#include "server/event.h"
#include "server/recent.h"

enum { EVENTS = 6 };

static void demand(bool holds)
{
    if (!holds)
        abort();
}

struct bounds {
    const char *from, *to;
};

static void within(const struct bounds *all, struct json_span span)
{
    demand(span.at >= all->from && span.n <= (size_t)(all->to - span.at));
}

static bool member(void *arg, struct json_span name, struct json_span value)
{
    struct json_span text;
    uint64_t number;

    within(arg, name);
    within(arg, value);
    demand(value.n > 0);
    if (json_span_text(value, &text))
        within(arg, text);
    if (json_span_uint(value, &number))
        demand(number <= INT64_MAX);
    return true;
}

static void look(struct recent *w)
{
    static const enum store_history_from froms[] = {STORE_NEWEST, STORE_BEFORE, STORE_AFTER,
                                                    STORE_AROUND};
    struct recent_answer a;

    recent_close(w);
    (void)recent_has_deletion(w);
    for (size_t i = 0; i < 4; i++) {
        struct recent_page page = {.channel = "ch", .from = froms[i], .seq = 3, .limit = 2};
        if (recent_page(w, &page, &a) != RECENT_OK)
            continue;
        demand(a.n <= page.limit && a.authors_n <= a.n);
        for (size_t k = 0; k < a.n; k++)
            demand(json_walk(a.messages[k].json.at, a.messages[k].json.n, NULL, NULL));
    }
}

/* The lines of DATA are the events. */
static void try_events(struct arena *arena, const char *data, size_t size)
{
    struct event *events[EVENTS];
    struct recent w;
    size_t n = 0;

    recent_open(&w, arena, "c:ch", "0123456789abcdef", 1, EVENTS);
    for (size_t at = 0; at < size && n < EVENTS; n++) {
        const char *end = memchr(data + at, '\n', size - at);
        size_t len = end == NULL ? size - at : (size_t)(end - data) - at;
        struct envelope e = {.stream = "c:ch", .epoch = "0123456789abcdef", .subject = ""};
        e.seq = n + 1;
        e.type = (enum store_event_type)(len % 4);
        e.json = data + at;
        e.json_len = len;
        events[n] = event_from(&e);
        recent_know(&w, events[n]);
        at += len + 1;
    }
    w.to = n;
    w.first = n + 1;
    look(&w);
    while (n > 0)
        event_unref(events[--n]);
}

static void try_entry(struct arena *arena, const char *data, size_t size)
{
    struct recent w;

    recent_open(&w, arena, "c:ch", "0123456789abcdef", 1, EVENTS);
    recent_take(&w, data, size);
    look(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create();
    char *text = mem_strndup((const char *)data, size);
    struct bounds all = {text, text + size};

    (void)json_walk(text, size, member, &all);
    try_events(arena, text, size);
    try_entry(arena, text, size);
    free(text);
    arena_destroy(&arena);
    return 0;
}
