#include "server/recent.h"

#include <string.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/mem.h"
#include "server/bus/envelope.h"
#include "server/event.h"

/* Entries of all nodes are the same, so that it does not matter who writes one, or how often. */
static const char entry_node[] = "cache";

/* -- the window ------------------------------------------------------------------------------- */

void recent_open(struct recent *w, struct arena *arena, const char *stream, const char *epoch,
                 uint64_t from, uint64_t to)
{
    if (to >= RECENT_EVENTS && from <= to - RECENT_EVENTS)
        from = to - RECENT_EVENTS + 1;
    *w = (struct recent){
        .arena = arena, .stream = stream, .epoch = epoch, .from = from, .to = to, .first = to + 1};
    if (from <= to)
        w->events = arena_alloc(arena, (size_t)(to - from + 1) * sizeof(*w->events));
    if (from <= to)
        memset(w->events, 0, (size_t)(to - from + 1) * sizeof(*w->events));
}

static struct recent_event *slot_of(const struct recent *w, uint64_t seq)
{
    return seq >= w->from && seq <= w->to ? &w->events[seq - w->from] : NULL;
}

void recent_take(struct recent *w, const void *bytes, size_t n)
{
    struct envelope e;

    if (n > RECENT_BYTES || envelope_read(bytes, n, &e) != ENVELOPE_OK ||
        strcmp(e.node, entry_node) != 0 || strcmp(e.stream, w->stream) != 0 ||
        (e.flags & ENVELOPE_EPHEMERAL) != 0 || !json_walk(e.json, e.json_len, NULL, NULL)) {
        w->wrong = true;
        return;
    }
    struct recent_event *slot = slot_of(w, e.seq);
    if (slot == NULL || strcmp(e.epoch, w->epoch) != 0)
        return; /* newer or older than the window; of the time before a backup */
    slot->doubted = slot->doubted ||
                    (slot->json != NULL &&
                     (slot->json_len != e.json_len || memcmp(slot->json, e.json, e.json_len) != 0));
    w->wrong = w->wrong || slot->doubted;
    if (slot->doubted)
        slot->json = NULL;
    if (slot->doubted || slot->json != NULL)
        return;
    *slot = (struct recent_event){.type = e.type,
                                  .json = e.json,
                                  .json_len = e.json_len,
                                  .subject = e.subject,
                                  .subject_seq = e.subject_seq};
}

void recent_know(struct recent *w, const struct event *event)
{
    struct recent_event *slot = slot_of(w, event->seq);

    if (slot == NULL || strcmp(event->epoch, w->epoch) != 0)
        return;
    *slot = (struct recent_event){
        .type = event->type, .subject = event->subject, .subject_seq = event->subject_seq};
    slot->json = frame_payload(event->frame, &slot->json_len);
}

void recent_close(struct recent *w)
{
    while (w->first > w->from && slot_of(w, w->first - 1)->json != NULL)
        w->first--;
}

bool recent_has_deletion(const struct recent *w)
{
    for (uint64_t seq = w->first; seq <= w->to; seq++) {
        enum store_event_type type = slot_of(w, seq)->type;
        if (type == STORE_EVENT_MESSAGE_DELETED || type == STORE_EVENT_CHANNEL_DELETED)
            return true;
    }
    return false;
}

struct event *recent_event(const struct recent *w, uint64_t seq)
{
    const struct recent_event *from = slot_of(w, seq);
    struct envelope e = {.stream = w->stream,
                         .epoch = w->epoch,
                         .seq = seq,
                         .type = from->type,
                         .json = from->json,
                         .json_len = from->json_len,
                         .subject = from->subject,
                         .subject_seq = from->subject_seq};

    return event_from(&e);
}

bool recent_entry(struct buf *out, const struct event *event)
{
    struct envelope e = {.node = entry_node,
                         .stream = event->stream,
                         .epoch = event->epoch,
                         .seq = event->seq,
                         .type = event->type,
                         .subject = event->subject,
                         .subject_seq = event->subject_seq};
    size_t before = out->len;

    e.json = frame_payload(event->frame, &e.json_len);
    if (e.json_len > RECENT_BYTES)
        return false;
    envelope_put(out, &e);
    return out->len - before <= RECENT_BYTES;
}

/* -- messages --------------------------------------------------------------------------------- */

/* The members of a message that matter here. */
struct seen {
    struct json_span message, channel, author;
    uint64_t seq, msg_no;
    unsigned found; /* bits */
};
enum { HAS_CHANNEL = 1, HAS_AUTHOR = 2, HAS_SEQ = 4, HAS_MSG_NO = 8, HAS_ALL = 15 };

static bool message_member(void *arg, struct json_span name, struct json_span value)
{
    struct seen *seen = arg;

    if (json_span_is(name, "channel") && json_span_text(value, &seen->channel))
        seen->found |= HAS_CHANNEL;
    else if (json_span_is(name, "author") && json_span_text(value, &seen->author))
        seen->found |= HAS_AUTHOR;
    else if (json_span_is(name, "seq") && json_span_uint(value, &seen->seq))
        seen->found |= HAS_SEQ;
    else if (json_span_is(name, "msg_no") && json_span_uint(value, &seen->msg_no))
        seen->found |= HAS_MSG_NO;
    return true;
}

static bool params_member(void *arg, struct json_span name, struct json_span value)
{
    struct seen *seen = arg;

    if (json_span_is(name, "message"))
        seen->message = value;
    return true;
}

static bool event_member(void *arg, struct json_span name, struct json_span value)
{
    return !json_span_is(name, "params") || json_walk(value.at, value.n, params_member, arg);
}

static bool message_of(const struct recent_event *event, const char *channel, struct seen *seen)
{
    *seen = (struct seen){0};
    return json_walk(event->json, event->json_len, event_member, seen) && seen->message.n > 0 &&
           json_walk(seen->message.at, seen->message.n, message_member, seen) &&
           seen->found == HAS_ALL && json_span_is(seen->channel, channel) &&
           seen->author.n <= ID_MAX;
}

static struct recent_message *find_message(struct recent_message *messages, size_t n, uint64_t seq)
{
    size_t low = 0;

    for (size_t high = n; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (messages[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && messages[low].seq == seq ? &messages[low] : NULL;
}

/* What EVENT at SEQ makes of the N messages before it. False: it cannot be. */
static bool fold(const struct recent_event *event, uint64_t seq, const char *channel,
                 struct recent_message *messages, size_t *n)
{
    struct seen seen;

    if (event->type > STORE_EVENT_MESSAGE_DELETED)
        return event->type != STORE_EVENT_CHANNEL_DELETED;
    if (!message_of(event, channel, &seen))
        return false;
    if (event->type == STORE_EVENT_MESSAGE_CREATED) {
        if (seen.seq != seq || seen.msg_no == 0 ||
            (*n > 0 && seen.msg_no != messages[*n - 1].msg_no + 1))
            return false;
        messages[(*n)++] = (struct recent_message){seq, seen.msg_no, seen.message, seen.author};
        return true;
    }
    struct recent_message *m = find_message(messages, *n, seen.seq);
    if (m == NULL)
        return *n == 0 || seen.seq < messages[0].seq; /* an older one */
    m->json = seen.message;
    return m->msg_no == seen.msg_no;
}

/* -- pages ------------------------------------------------------------------------------------ */

static void list_authors(struct arena *arena, struct recent_answer *out)
{
    out->authors = arena_alloc(arena, (out->n + 1) * sizeof(*out->authors));
    for (size_t i = 0; i < out->n; i++) {
        struct json_span author = out->messages[i].author;
        size_t k = 0;
        while (k < out->authors_n && (out->authors[k].n != author.n ||
                                      memcmp(out->authors[k].at, author.at, author.n) != 0))
            k++;
        if (k == out->authors_n)
            out->authors[out->authors_n++] = author;
    }
}

/* Which of the N messages are the page: *FROM to *TO. As ops_history.c chooses. */
static bool choose(const struct recent *w, const struct recent_page *page,
                   const struct recent_message *messages, size_t n, size_t *from, size_t *to)
{
    bool all_before = w->first == 1 || (n > 0 && messages[0].msg_no == 1);
    uint64_t seq = page->from == STORE_NEWEST ? w->to + 1 : page->seq;
    size_t at = 0;

    while (at < n && messages[at].seq < (page->from == STORE_AFTER ? seq + 1 : seq))
        at++;
    size_t before = page->from == STORE_AFTER ? 0 : at;
    size_t after = page->from == STORE_AROUND || page->from == STORE_AFTER ? n - at : 0;
    if (page->from == STORE_AFTER ? seq + 1 < w->first && !all_before
                                  : before < page->limit && !all_before)
        return false;
    before = before < page->limit ? before : page->limit;
    after = after < page->limit ? after : page->limit;
    if (page->from == STORE_AROUND) {
        size_t half = page->limit - page->limit / 2;
        size_t most = page->limit - before > half ? page->limit - before : half;
        after = after < most ? after : most;
        before = before < page->limit - after ? before : page->limit - after;
    }
    *from = at - before;
    *to = at + after;
    return true;
}

enum recent_result recent_page(const struct recent *w, const struct recent_page *page,
                               struct recent_answer *out)
{
    size_t n = 0;
    size_t from;
    size_t to;

    *out = (struct recent_answer){0};
    if (w->first > w->to)
        return RECENT_SHORT;
    struct recent_message *messages =
        arena_alloc(w->arena, (size_t)(w->to - w->first + 1) * sizeof(*messages));
    for (uint64_t seq = w->first; seq <= w->to; seq++)
        if (!fold(slot_of(w, seq), seq, page->channel, messages, &n))
            return RECENT_WRONG;
    if (page->seq > INT64_MAX - 1 || !choose(w, page, messages, n, &from, &to) ||
        (n == 0 && w->first > 1))
        return RECENT_SHORT; /* without a message nobody knows how many there are before it */
    uint64_t top = n > 0 ? messages[n - 1].msg_no : 0;
    bool from_end = page->from == STORE_AFTER;
    out->messages = messages + from;
    out->n = to - from;
    out->more_before = out->n > 0 ? messages[from].msg_no > 1 : from_end && top > 0;
    out->more_after = out->n > 0 ? messages[to - 1].msg_no < top : !from_end && top > 0;
    list_authors(w->arena, out);
    return RECENT_OK;
}
