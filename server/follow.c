#include "server/follow.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "protocol/jsonrpc.h"
#include "protocol/limits.h"
#include "protocol/websocket.h"
#include "server/frame.h"
#include "storage/store.h"

enum { KEY_BYTES = 6, KEY_CHARS = 8, KEY_SIZE = KEY_CHARS + 1 };

/* A stream and how far the client has it; the ones with the latest events first. */
struct row {
    char stream[STORE_STREAM_SIZE];
    char key[KEY_SIZE];
    char epoch[STORE_EPOCH_SIZE];
    uint64_t seq;
};

/* What a client has brought: of the streams only their keys are known. */
struct brought {
    char key[KEY_SIZE];
    char epoch[STORE_EPOCH_SIZE];
    uint64_t seq;
};

struct follow {
    char (*named)[STORE_STREAM_SIZE];
    size_t named_n;
    struct brought *brought;
    size_t brought_n;
    struct row *rows;
    size_t rows_n, rows_cap;
};

/* 48 bits of a hash: names made by the server cannot be chosen to collide, and among those of one
 * user they do not by chance. */
static void make_key(const char *stream, char key_out[KEY_SIZE])
{
    unsigned char hash[crypto_generichash_BYTES_MIN];

    (void)crypto_generichash(hash, sizeof(hash), (const unsigned char *)stream, strlen(stream),
                             NULL, 0);
    (void)sodium_bin2base64(key_out, KEY_SIZE, hash, KEY_BYTES,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* -- what the client says --------------------------------------------------------------------- */

static bool is_stream(const char *name, size_t n)
{
    char id[STORE_STREAM_SIZE];

    if (n < 3 || n >= sizeof(id) || (name[0] != 'c' && name[0] != 'u') || name[1] != ':')
        return false;
    memcpy(id, name + 2, n - 2);
    id[n - 2] = '\0';
    return id_is_valid(id);
}

static bool read_names(struct follow *f, const char *names)
{
    f->named = mem_zalloc(FOLLOW_STREAMS_MAX * sizeof(*f->named));
    for (;;) {
        size_t n = strcspn(names, ",");
        if (f->named_n == FOLLOW_STREAMS_MAX || !is_stream(names, n))
            return false;
        memcpy(f->named[f->named_n], names, n);
        bool again = false;
        for (size_t i = 0; i < f->named_n; i++)
            again = again || strcmp(f->named[i], f->named[f->named_n]) == 0;
        if (again)
            return false;
        f->named_n++;
        if (names[n] == '\0')
            return true;
        names += n + 1;
    }
}

/* One "key:seq" or "key:seq:epoch" of N bytes; without, the epoch is that of the one before. */
static bool read_brought(struct follow *f, const char *text, size_t n)
{
    struct brought *to = &f->brought[f->brought_n];
    const char *end = text + n;
    const char *digits = text + KEY_SIZE;
    uint64_t seq = 0;

    if (n <= KEY_SIZE || text[KEY_CHARS] != ':')
        return false;
    const char *at = digits;
    for (; at < end && *at >= '0' && *at <= '9' && at - digits < 16; at++)
        seq = seq * 10 + (uint64_t)(*at - '0');
    if (at == digits || seq > LIMIT_SEQ_MAX || (at < end && *at != ':') ||
        (at < end && end - at - 1 >= STORE_EPOCH_SIZE))
        return false;
    memcpy(to->key, text, KEY_CHARS);
    to->seq = seq;
    if (at < end)
        memcpy(to->epoch, at + 1, (size_t)(end - at - 1));
    else if (f->brought_n > 0)
        memcpy(to->epoch, to[-1].epoch, sizeof(to->epoch));
    f->brought_n++;
    return true;
}

static bool read_id(struct follow *f, const char *id)
{
    if (strlen(id) > FOLLOW_ID_MAX)
        return false;
    f->brought = mem_zalloc(FOLLOW_STREAMS_MAX * sizeof(*f->brought));
    for (;;) {
        size_t n = strcspn(id, " ");
        if (f->brought_n == FOLLOW_STREAMS_MAX || !read_brought(f, id, n))
            return false;
        if (id[n] == '\0')
            return true;
        id += n + 1;
    }
}

struct follow *follow_create(const char *streams, const char *last_id, const char **field_out)
{
    struct follow *f = mem_zalloc(sizeof(*f));

    *field_out = NULL;
    if (streams != NULL && !read_names(f, streams))
        *field_out = "streams";
    else if (last_id != NULL && last_id[0] != '\0' && !read_id(f, last_id))
        *field_out = "last_event_id";
    if (*field_out != NULL)
        follow_destroy(&f);
    return f;
}

void follow_destroy(struct follow **follow)
{
    struct follow *f = *follow;

    if (f == NULL)
        return;
    *follow = NULL;
    free(f->named);
    free(f->brought);
    free(f->rows);
    free(f);
}

bool follow_wants(const struct follow *follow, const char *stream)
{
    for (size_t i = 0; i < follow->named_n; i++)
        if (strcmp(follow->named[i], stream) == 0)
            return true;
    return follow->named == NULL;
}

size_t follow_named(const struct follow *follow)
{
    return follow->named_n;
}

bool follow_position(const struct follow *follow, const char *stream, const char **epoch_out,
                     uint64_t *seq_out)
{
    char key[KEY_SIZE];

    make_key(stream, key);
    for (size_t i = 0; i < follow->brought_n; i++) {
        if (strcmp(follow->brought[i].key, key) != 0)
            continue;
        *epoch_out = follow->brought[i].epoch;
        *seq_out = follow->brought[i].seq;
        return true;
    }
    return false;
}

/* -- positions -------------------------------------------------------------------------------- */

/* The row of STREAM, now the first one; a new one if there is none. */
static struct row *row_first(struct follow *f, const char *stream, size_t n)
{
    size_t i = 0;
    struct row row = {0};

    while (i < f->rows_n &&
           (strncmp(f->rows[i].stream, stream, n) != 0 || f->rows[i].stream[n] != '\0'))
        i++;
    if (i < f->rows_n) {
        row = f->rows[i];
    } else {
        if (f->rows_n == f->rows_cap) {
            f->rows_cap = f->rows_cap == 0 ? 4 : f->rows_cap * 2;
            f->rows = mem_realloc_array(f->rows, f->rows_cap, sizeof(*f->rows));
        }
        memcpy(row.stream, stream, n);
        make_key(row.stream, row.key);
        f->rows_n++;
    }
    if (i > 0)
        memmove(f->rows + 1, f->rows, i * sizeof(*f->rows));
    f->rows[0] = row;
    return &f->rows[0];
}

/* One that would not come back as it is goes without: nothing can be resumed by it. */
static void set_epoch(struct row *row, const char *epoch, size_t n)
{
    size_t i = 0;

    while (i < n && epoch[i] > ' ' && epoch[i] < 0x7f)
        i++;
    if (i < n || n >= sizeof(row->epoch))
        n = 0;
    memcpy(row->epoch, epoch, n);
    row->epoch[n] = '\0';
}

void follow_set(struct follow *follow, const char *stream, const char *epoch, uint64_t seq)
{
    struct row *row = row_first(follow, stream, strnlen(stream, STORE_STREAM_SIZE - 1));

    set_epoch(row, epoch == NULL ? "" : epoch, epoch == NULL ? 0 : strlen(epoch));
    row->seq = seq;
}

static void note(struct follow *f, const struct rpc_event *event)
{
    struct rpc_position p;

    if (!rpc_event_position(event, &p) || p.stream_len >= STORE_STREAM_SIZE)
        return;
    struct row *row = row_first(f, p.stream, p.stream_len);
    set_epoch(row, p.epoch, p.epoch_len);
    row->seq = p.seq;
}

static void put_id(const struct follow *f, struct buf *out)
{
    buf_puts(out, "id:");
    for (size_t i = 0; i < f->rows_n && i < FOLLOW_STREAMS_MAX; i++) {
        const struct row *row = &f->rows[i];
        buf_putc(out, ' ');
        buf_put(out, row->key, KEY_CHARS);
        buf_putc(out, ':');
        buf_json_uint(out, row->seq);
        if (i == 0 || strcmp(row->epoch, row[-1].epoch) != 0) {
            buf_putc(out, ':');
            buf_puts(out, row->epoch);
        }
    }
    buf_putc(out, '\n');
}

/* -- events ----------------------------------------------------------------------------------- */

static void put_block(const struct follow *f, struct buf *out, const char *name, size_t name_len,
                      const char *data, size_t len)
{
    put_id(f, out);
    buf_puts(out, "event: ");
    buf_put(out, name, name_len);
    buf_puts(out, "\ndata: "); /* one line: JSON has no line breaks but those between its tokens */
    buf_put(out, data, len);
    buf_puts(out, "\n\n");
}

void follow_put(struct follow *follow, struct buf *out, const char *name, const char *data,
                size_t len)
{
    put_block(follow, out, name, strlen(name), data, len);
}

/* When to come back, for clients that do so by themselves. */
static void put_retry(struct buf *out, const struct rpc_event *event)
{
    static const char method[] = "server.draining";
    static const char before[] = "{\"reconnect_after_ms\":";
    const size_t n = sizeof(before) - 1;

    if (event->method_len != sizeof(method) - 1 ||
        memcmp(event->method, method, sizeof(method) - 1) != 0 || event->params_len <= n ||
        memcmp(event->params, before, n) != 0)
        return;
    buf_puts(out, "retry: ");
    for (size_t i = n; i < event->params_len && event->params[i] >= '0' && event->params[i] <= '9';
         i++)
        buf_putc(out, event->params[i]);
    buf_putc(out, '\n');
}

struct frame *follow_frame(struct follow *follow, const struct frame *frame)
{
    struct buf text = {0};
    enum ws_opcode opcode;
    const unsigned char *payload;
    struct rpc_event event;
    uint32_t count = 0;
    size_t len;
    size_t used;

    for (size_t at = 0;
         (used = ws_frame_read(frame->bytes + at, frame->len - at, &opcode, &payload, &len)) > 0;
         at += used) {
        if (opcode != WS_OP_TEXT || !rpc_event_split((const char *)payload, len, &event))
            continue;
        note(follow, &event);
        put_retry(&text, &event);
        put_block(follow, &text, event.method, event.method_len, event.params, event.params_len);
        count++;
    }
    if (count == 0)
        return NULL;
    struct frame *made = frame_blank(text.len, count);
    memcpy(made->bytes, text.data, text.len);
    made->ephemeral = frame->ephemeral;
    buf_free(&text);
    return made;
}

struct frame *follow_beat(void)
{
    static const char text[] = ": alive\n\n";
    struct frame *made = frame_blank(sizeof(text) - 1, 0);

    memcpy(made->bytes, text, sizeof(text) - 1);
    made->ephemeral = 1;
    return made;
}
