#include "server/libcurl.h"

#include <pthread.h>
#include <stdio.h>

#include "base/library.h"
#include "base/log.h"
#include "base/macros.h"

#define LIBRARY "libcurl.so.4"

struct libcurl libcurl;
static bool loaded;

static void load(void)
{
    static const struct library_function functions[] = {
#define X(name) {"curl_" #name, &libcurl.name},
        LIBCURL_FUNCTIONS(X)
#undef X
    };
    char cause[LIBRARY_ERROR_SIZE];

    loaded = library_load(LIBRARY, functions, ARRAY_LEN(functions), cause);
    if (loaded && libcurl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        (void)snprintf(cause, sizeof(cause), "it does not start");
        loaded = false;
    }
    if (!loaded)
        log_error("no requests can be sent to webhooks and slash commands: install " LIBRARY
                  " (Debian: libcurl4), then restart parleyd",
                  LOG_STR("cause", cause));
}

bool libcurl_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, load);
    return loaded;
}
