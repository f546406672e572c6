#include "protocol/limits.h"

static const struct rate_default rates[RATE_COUNT] = {
#define X(name, wire, per_second, burst, help) [RATE_##name] = {#wire, per_second, burst},
    RATE_MAP(X)
#undef X
};

const struct rate_default *rate_default(enum rate_class rate)
{
    return &rates[rate];
}
