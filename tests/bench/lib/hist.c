#include "tests/bench/lib/hist.h"

#include "tests/bench/lib/ns.h"

enum { SUB_COUNT = 1 << HIST_SUB_BITS };

static unsigned slot_of(uint64_t value)
{
    if (value < SUB_COUNT)
        return (unsigned)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - HIST_SUB_BITS;
    unsigned sub = (unsigned)(value >> shift) & (SUB_COUNT - 1);
    return ((shift + 1) << HIST_SUB_BITS) + sub;
}

static uint64_t slot_end(unsigned slot)
{
    if (slot < SUB_COUNT)
        return slot;
    unsigned shift = (slot >> HIST_SUB_BITS) - 1;
    uint64_t first = (uint64_t)((slot & (SUB_COUNT - 1)) + SUB_COUNT) << shift;
    return first + ((UINT64_C(1) << shift) - 1);
}

void hist_record(struct hist *hist, uint64_t value)
{
    hist->slots[slot_of(value)]++;
    hist->count++;
    if (value > hist->max)
        hist->max = value;
}

uint64_t hist_quantile(const struct hist *hist, double quantile)
{
    uint64_t rank = (uint64_t)(quantile * (double)hist->count);
    uint64_t seen = 0;

    for (unsigned slot = 0; slot < HIST_SLOTS; slot++) {
        seen += hist->slots[slot];
        if (hist->slots[slot] > 0 && seen >= rank) {
            uint64_t end = slot_end(slot);
            return end < hist->max ? end : hist->max;
        }
    }
    return hist->max;
}

static double quantile_ms(const struct hist *hist, double quantile)
{
    return (double)hist_quantile(hist, quantile) / (double)NS_PER_MS;
}

void hist_print_json(const struct hist *hist, FILE *out)
{
    fprintf(
        out, "{\"count\":%llu,\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f}",
        (unsigned long long)hist->count, quantile_ms(hist, 0.5), quantile_ms(hist, 0.9),
        quantile_ms(hist, 0.99), quantile_ms(hist, 0.999), (double)hist->max / (double)NS_PER_MS);
}
