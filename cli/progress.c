#include "cli/progress.h"

#include <string.h>

#include "cli/text.h"
#include "cli/units.h"

enum { DRAW_EVERY_MS = 100, RATE_EVERY_MS = 250, BAR_MIN = 10, BAR_MAX = 40 };

void progress_start(struct progress *p, FILE *out, struct term term, const char *label,
                    const char *unit, uint64_t now_ms)
{
    *p = (struct progress){
        .out = out, .term = term, .unit = unit, .started_ms = now_ms, .rate_ms = now_ms};
    (void)snprintf(p->label, sizeof(p->label), "%s", label);
}

static void format_amount(const struct progress *p, uint64_t n, char out[UNITS_SIZE])
{
    if (strcmp(p->unit, "bytes") == 0)
        units_bytes(n, out);
    else
        units_count(n, out);
}

static void update_rate(struct progress *p, uint64_t now_ms)
{
    if (p->done < p->rate_done) {
        p->rate = 0;
        p->rate_done = p->done;
        p->rate_ms = now_ms;
    }
    if (now_ms - p->rate_ms < RATE_EVERY_MS)
        return;
    double seconds = (double)(now_ms - p->rate_ms) / 1000;
    double now_rate = (double)(p->done - p->rate_done) / seconds;
    double weight = seconds > 3 ? 1 : seconds / 3;
    p->rate = p->rate > 0 ? p->rate + (now_rate - p->rate) * weight : now_rate;
    p->rate_done = p->done;
    p->rate_ms = now_ms;
}

static void put_numbers(const struct progress *p, struct buf *buf)
{
    bool bytes = strcmp(p->unit, "bytes") == 0;
    char a[UNITS_SIZE];
    char b[UNITS_SIZE];

    format_amount(p, p->done, a);
    if (p->total > 0) {
        format_amount(p, p->total, b);
        buf_printf(buf, "  %s of %s", a, b);
    } else {
        buf_printf(buf, "  %s", a);
    }
    if (!bytes)
        buf_printf(buf, " %s", p->unit);
    if (p->rate < 0.5)
        return;
    format_amount(p, (uint64_t)p->rate, a);
    buf_printf(buf, "  %s/s", a);
    if (p->total > p->done) {
        double seconds = (double)(p->total - p->done) / p->rate;
        units_duration(((uint64_t)seconds + 1) * 1000, b);
        buf_printf(buf, "  %s left", b);
    }
}

void progress_render(const struct progress *p, size_t width, struct buf *buf)
{
    struct buf numbers = {0};
    uint64_t done = p->done < p->total ? p->done : p->total;
    double part = p->total > 0 ? (double)done / (double)p->total : 0;
    size_t label = text_width(p->label);

    buf_puts(buf, p->label);
    put_numbers(p, &numbers);
    /* two spaces, brackets, two spaces, "100%" */
    size_t rest = label + 2 + 2 + 2 + 4 + numbers.len;
    if (p->total > 0 && rest + BAR_MIN <= width) {
        size_t bar = width - rest < BAR_MAX ? width - rest : BAR_MAX;
        size_t full = (size_t)(part * (double)bar);
        buf_puts(buf, "  [");
        for (size_t i = 0; i < bar; i++)
            buf_putc(buf, i < full ? '#' : '-');
        buf_putc(buf, ']');
    }
    if (p->total > 0)
        buf_printf(buf, "  %3d%%", (int)(part * 100));
    buf_puts(buf, numbers.data);
    buf_free(&numbers);
    buf->len = text_fit(buf->data, width);
    buf->data[buf->len] = '\0';
}

static void draw(struct progress *p)
{
    struct buf line = {0};

    progress_render(p, p->term.width - 1, &line);
    (void)fprintf(p->out, "\r%s\033[K", line.data);
    (void)fflush(p->out);
    buf_free(&line);
    p->drawn = true;
}

void progress_update(struct progress *p, uint64_t done, uint64_t total, uint64_t now_ms)
{
    p->done = done;
    p->total = total;
    update_rate(p, now_ms);
    if (p->term.width < 2 || (p->drawn && now_ms - p->drawn_ms < DRAW_EVERY_MS))
        return;
    p->drawn_ms = now_ms;
    draw(p);
}

void progress_clear(struct progress *p)
{
    if (p->drawn)
        (void)fputs("\r\033[K", p->out);
    (void)fflush(p->out);
    p->drawn = false;
}

void progress_end(struct progress *p, uint64_t now_ms)
{
    char amount[UNITS_SIZE];
    char time[UNITS_SIZE];
    bool named = strcmp(p->unit, "bytes") != 0;

    progress_clear(p);
    format_amount(p, p->total > 0 ? p->total : p->done, amount);
    units_duration(now_ms - p->started_ms, time);
    (void)fprintf(p->out, "%s: %s%s%s in %s\n", p->label, amount, named ? " " : "",
                  named ? p->unit : "", time);
}
