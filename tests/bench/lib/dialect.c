#include "tests/bench/lib/dialect.h"

#include <string.h>

static const struct dialect *const dialects[] = {&dialect_parley,
                                                 &dialect_parley_history,
                                                 &dialect_parley_socketio,
                                                 &dialect_parley_socketio_polling,
                                                 &dialect_http_history,
                                                 &dialect_http_user,
                                                 &dialect_echo,
                                                 &dialect_socketio,
                                                 &dialect_socketio_polling,
                                                 &dialect_socketio_store};

const struct dialect *dialect_find(const char *name)
{
    for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++)
        if (strcmp(dialects[i]->name, name) == 0)
            return dialects[i];
    return NULL;
}
