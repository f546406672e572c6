#include "protocol/recovery.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "protocol/limits.h"

enum { PID_BYTES_MAX = 32 * 1024 }; /* it has to fit into a CONNECT, with an offset and a token */

/* -- letters ---------------------------------------------------------------------------------- */

/* Nothing else is written: needs no escapes in JSON, and has no mark of ours. */
static bool is_plain(const char *s, size_t min, size_t max)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t n = strspn(s, letters);

    return s[n] == '\0' && n >= min && n <= max;
}

static bool is_stream(const char *s)
{
    return (s[0] == 'c' || s[0] == 'u') && s[1] == ':' && is_plain(s + 2, 1, LIMIT_ID_CHARS);
}

static bool read_seq(const char *s, uint64_t max, uint64_t *seq_out)
{
    uint64_t value = 0;

    if (*s == '\0' || strspn(s, "0123456789") != strlen(s))
        return false;
    for (; *s != '\0'; s++) {
        value = value * 10 + (uint64_t)(*s - '0');
        if (value > max)
            return false;
    }
    *seq_out = value;
    return true;
}

/* -- reading ---------------------------------------------------------------------------------- */

/* The next piece of *AT up to MARK, which becomes a NUL; NULL at the end. */
static char *next_piece(char **at, char mark)
{
    char *piece = *at;
    char *end = piece == NULL ? NULL : strchr(piece, mark);

    *at = end == NULL ? NULL : end + 1;
    if (end != NULL)
        *end = '\0';
    return piece;
}

/* <stream>~<epoch>~<seq> at *AT. */
static bool read_position(char **at, struct stream_position *out)
{
    const char *stream = next_piece(at, '~');
    const char *epoch = next_piece(at, '~');
    const char *seq = next_piece(at, '~');

    if (seq == NULL || !is_stream(stream) || !is_plain(epoch, 0, LIMIT_EPOCH_CHARS) ||
        !read_seq(seq, (uint64_t)LIMIT_SEQ_MAX, &out->seq))
        return false;
    out->stream = stream;
    out->epoch = epoch;
    return true;
}

static void add_row(struct recovery *r, const struct stream_position *at)
{
    r->rows = mem_realloc_array(r->rows, r->n + 1, sizeof(*r->rows));
    r->rows[r->n++] = (struct recovery_row){.at = *at};
}

static bool read_pid(struct recovery *r)
{
    char *at = r->pid;
    const char *tag = next_piece(&at, '~');
    struct stream_position position;

    if (!is_plain(tag, RECOVERY_TAG_LEN, RECOVERY_TAG_LEN))
        return false;
    memcpy(r->tag, tag, RECOVERY_TAG_LEN + 1);
    while (at != NULL) {
        if (r->n == LIMIT_POSITIONS || !read_position(&at, &position) ||
            (r->n > 0 && strcmp(r->rows[r->n - 1].at.stream, position.stream) >= 0))
            return false;
        add_row(r, &position);
    }
    r->base_n = r->n;
    return true;
}

/* <row>.<seq> or <row>.x */
static bool read_row(struct recovery *r, char *change, char *dot)
{
    uint64_t row;

    *dot = '\0';
    if (!read_seq(change, LIMIT_POSITIONS, &row) || row >= r->base_n)
        return false;
    if (strcmp(dot + 1, "x") == 0) {
        r->rows[row].left = true;
        return true;
    }
    return read_seq(dot + 1, (uint64_t)LIMIT_SEQ_MAX, &r->rows[row].at.seq);
}

static bool read_joined(struct recovery *r, char *change)
{
    struct stream_position position;

    if (!read_position(&change, &position) || change != NULL)
        return false;
    size_t row = recovery_find(r, position.stream);
    if (row < r->base_n) { /* it had no event at the beginning */
        r->rows[row].at = position;
        return true;
    }
    if (r->n == LIMIT_POSITIONS)
        return false;
    add_row(r, &position);
    return true;
}

static bool read_offset(struct recovery *r)
{
    char *at = r->offset;
    char *change;

    if (strcmp(next_piece(&at, ','), r->tag) != 0)
        return false;
    while ((change = next_piece(&at, ',')) != NULL) {
        char *dot = strchr(change, '.');
        if (dot != NULL ? !read_row(r, change, dot) : !read_joined(r, change))
            return false;
    }
    return true;
}

bool recovery_parse(const char *pid, const char *offset, struct recovery *out)
{
    *out = (struct recovery){0};
    if (strlen(pid) > PID_BYTES_MAX)
        return false;
    out->pid = mem_strdup(pid);
    out->offset = offset == NULL ? NULL : mem_strdup(offset);
    if (read_pid(out) && (offset == NULL || read_offset(out)))
        return true;
    recovery_free(out);
    return false;
}

void recovery_free(struct recovery *recovery)
{
    free(recovery->rows);
    free(recovery->pid);
    free(recovery->offset);
    *recovery = (struct recovery){0};
}

size_t recovery_find(const struct recovery *recovery, const char *stream)
{
    size_t low = 0;
    size_t high = recovery->base_n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(recovery->rows[middle].at.stream, stream);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return recovery->base_n;
}

/* -- writing ---------------------------------------------------------------------------------- */

static void put_position(struct buf *out, const struct stream_position *at)
{
    buf_printf(out, "%s~%s~%llu", at->stream, at->epoch, (unsigned long long)at->seq);
}

bool recovery_put_pid(struct buf *out, const struct stream_position *positions, size_t n)
{
    unsigned char random[RECOVERY_TAG_LEN / 4 * 3];
    char tag[RECOVERY_TAG_LEN + 1];
    bool fits = n <= LIMIT_POSITIONS;

    random_bytes(random, sizeof(random));
    (void)sodium_bin2base64(tag, sizeof(tag), random, sizeof(random),
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    buf_clear(out);
    buf_puts(out, tag);
    for (size_t i = 0; fits && i < n; i++) {
        fits = is_stream(positions[i].stream) &&
               is_plain(positions[i].epoch, 0, LIMIT_EPOCH_CHARS) && out->len < PID_BYTES_MAX;
        buf_putc(out, '~');
        put_position(out, &positions[i]);
    }
    fits = fits && out->len <= PID_BYTES_MAX;
    if (!fits)
        buf_clear(out);
    return fits;
}

void recovery_put_moved(struct buf *out, size_t row, uint64_t seq)
{
    buf_printf(out, ",%zu.%llu", row, (unsigned long long)seq);
}

void recovery_put_left(struct buf *out, size_t row)
{
    buf_printf(out, ",%zu.x", row);
}

void recovery_put_joined(struct buf *out, const struct stream_position *position)
{
    buf_putc(out, ',');
    put_position(out, position);
}
