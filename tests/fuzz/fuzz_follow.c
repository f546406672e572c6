/* fuzz_follow.c - what a client of server-sent events says when it begins, a line each: the streams
 * it wants, its last id, and an event's text. What is refused is named; what is taken keeps its
 * bounds; an id that goes out brings back every position.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "protocol/jsonrpc.h"
#include "protocol/limits.h"
#include "server/follow.h"
#include "server/frame.h"

static void require(int condition)
{
    if (!condition)
        abort();
}

static char *next_line(char **at)
{
    char *line = *at;
    char *end = line == NULL ? NULL : strchr(line, '\n');

    *at = end == NULL ? NULL : end + 1;
    if (end != NULL)
        *end = '\0';
    return line;
}

/* The id of BLOCK, and in it the position of STREAM. */
static void check_id(const char *block, const char *stream, const char *epoch, uint64_t seq)
{
    const char *field;
    const char *again_epoch;
    uint64_t again_seq;

    require(strncmp(block, "id: ", 4) == 0);
    char *id = mem_strndup(block + 4, strcspn(block + 4, "\n"));
    require(strlen(id) <= FOLLOW_ID_MAX);
    struct follow *again = follow_create(NULL, id, &field);
    require(again != NULL);
    require(follow_position(again, stream, &again_epoch, &again_seq));
    require(again_seq == seq && strcmp(again_epoch, epoch) == 0);
    follow_destroy(&again);
    free(id);
}

static void check_positions(struct follow *f)
{
    const char *epoch;
    uint64_t seq;
    struct buf out = {0};

    if (follow_position(f, "c:one", &epoch, &seq)) {
        require(seq <= (uint64_t)LIMIT_SEQ_MAX && strlen(epoch) <= LIMIT_EPOCH_CHARS);
        char *kept = mem_strdup(epoch);
        follow_set(f, "c:two", "e2", 5);
        follow_set(f, "c:one", kept, seq);
        follow_put(f, &out, "session.started", "{}", 2);
        bool prints = true;
        for (const char *c = kept; *c != '\0'; c++)
            prints = prints && *c > ' ' && *c < 0x7f;
        check_id(out.data, "c:one", prints ? kept : "", seq);
        check_id(out.data, "c:two", "e2", 5);
        buf_free(&out);
        free(kept);
    }
}

/* Whatever is in a frame, it becomes blocks that end where they should. */
static void check_frame(struct follow *f, const char *text)
{
    struct frame *frame = frame_text(text, strlen(text));
    struct frame *made = follow_frame(f, frame);

    if (made != NULL) {
        require(made->len >= 2 && memcmp(made->bytes + made->len - 2, "\n\n", 2) == 0);
        frame_unref(made);
    }
    frame_unref(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *field;
    char *text = mem_strndup((const char *)data, size);
    char *at = text;
    const char *streams = next_line(&at);
    const char *last_id = next_line(&at);
    const char *event = next_line(&at);
    bool named = streams[0] != '\0';

    struct follow *f = follow_create(named ? streams : NULL, last_id, &field);
    if (f == NULL) {
        require(field != NULL &&
                (strcmp(field, "streams") == 0 || strcmp(field, "last_event_id") == 0));
    } else {
        require(field == NULL && follow_named(f) <= FOLLOW_STREAMS_MAX);
        require(named == (follow_named(f) > 0));
        require(!named || !follow_wants(f, "x:never"));
        check_positions(f);
        if (event != NULL)
            check_frame(f, event);
        follow_destroy(&f);
    }
    free(text);
    return 0;
}
