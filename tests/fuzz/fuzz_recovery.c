/* fuzz_recovery.c - a pid and an offset, parted by a line break: what is taken keeps its bounds,
 * and is the same when it is written and read again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "protocol/limits.h"
#include "protocol/recovery.h"

static void check_rows(const struct recovery *r)
{
    if (r->n > LIMIT_POSITIONS || r->base_n > r->n)
        abort();
    for (size_t i = 0; i < r->n; i++) {
        const struct stream_position *at = &r->rows[i].at;
        if (strlen(at->stream) > LIMIT_STREAM_CHARS || strlen(at->epoch) > LIMIT_EPOCH_CHARS ||
            at->seq > (uint64_t)LIMIT_SEQ_MAX)
            abort();
        if (i < r->base_n && recovery_find(r, at->stream) != i)
            abort();
    }
}

/* The pid's rows as a pid of their own. */
static void check_again(const struct recovery *r)
{
    struct stream_position *at = mem_zalloc((r->base_n + 1) * sizeof(*at));
    struct recovery again;
    struct buf pid = {0};

    for (size_t i = 0; i < r->base_n; i++)
        at[i] = r->rows[i].at;
    if (recovery_put_pid(&pid, at, r->base_n)) {
        if (!recovery_parse(pid.data, NULL, &again) || again.n != r->base_n)
            abort();
        for (size_t i = 0; i < again.n; i++)
            if (strcmp(again.rows[i].at.stream, at[i].stream) != 0 ||
                strcmp(again.rows[i].at.epoch, at[i].epoch) != 0 ||
                again.rows[i].at.seq != at[i].seq)
                abort();
        recovery_free(&again);
    }
    buf_free(&pid);
    free(at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct recovery recovery;
    char *text = malloc(size + 1);

    if (text == NULL)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    char *line = strchr(text, '\n');
    if (line != NULL)
        *line = '\0';
    if (recovery_parse(text, line == NULL ? NULL : line + 1, &recovery)) {
        check_rows(&recovery);
        check_again(&recovery);
        recovery_free(&recovery);
    }
    free(text);
    return 0;
}
