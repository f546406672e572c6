#include "server/libcurl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "base/macros.h"

#define LIBRARY "libcurl.so.4"

struct libcurl libcurl;
static bool loaded;

static bool find(void *library, const char *name, void *function_out)
{
    void *symbol = dlsym(library, name);

    memcpy(function_out, &symbol, sizeof(symbol)); /* ISO C has no conversion between the two */
    return symbol != NULL;
}

static void load(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    const char *problem = library == NULL ? dlerror() : NULL;

#define X(name)                                                                                    \
    if (problem == NULL && !find(library, "curl_" #name, &libcurl.name))                           \
        problem = "it lacks curl_" #name;
    LIBCURL_FUNCTIONS(X)
#undef X
    if (problem == NULL && libcurl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        problem = "it does not start";
    if (problem != NULL)
        log_error("no requests can be sent to webhooks and slash commands: install " LIBRARY
                  " (Debian: libcurl4), then restart parleyd",
                  LOG_STR("cause", problem));
    loaded = problem == NULL;
}

bool libcurl_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, load);
    return loaded;
}
