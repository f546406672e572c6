#include "base/err.h"

#include <stddef.h>

static const struct {
    const char *name;
    const char *title;
    int rpc;
    int http;
} errors[ERR_COUNT] = {[ERR_OK] = {"ok", "Done", 0, 200},
#define X(name, wire, rpc, http, title) [ERR_##name] = {wire, title, rpc, http},
                       ERR_MAP(X)
#undef X
};

static size_t row_of(enum err err)
{
    return (size_t)err < ERR_COUNT ? (size_t)err : ERR_INTERNAL;
}

const char *err_name(enum err err)
{
    return errors[row_of(err)].name;
}

const char *err_title(enum err err)
{
    return errors[row_of(err)].title;
}

int err_rpc_code(enum err err)
{
    return errors[row_of(err)].rpc;
}

int err_http_status(enum err err)
{
    return errors[row_of(err)].http;
}
