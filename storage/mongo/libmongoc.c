#include "storage/mongo/libmongoc.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/library.h"
#include "base/log.h"
#include "base/macros.h"

#define LIBRARY "libmongoc-1.0.so.0"

enum { REPEAT_MS = 30000 };

struct libmongoc libmongoc;
static char problem[512];

/* The driver keeps its counters in /dev/shm/mongoc-PID, opened when it is loaded. A process that
 * was killed leaves that file, and the next one of the same number would complain on stderr. So
 * this takes the place of the C library's for the driver, with memory that goes with the process;
 * who else asks, a preloaded library, gets theirs. The programs export it (mk/libraries.mk). */
int shm_open(const char *name, int flags, mode_t mode)
{
    static const char counters[] = "/mongoc-";

    if (strncmp(name, counters, sizeof(counters) - 1) == 0)
        return memfd_create(name, MFD_CLOEXEC);
    int (*others)(const char *, int, mode_t) =
        (int (*)(const char *, int, mode_t))dlsym(RTLD_NEXT, "shm_open");
    if (others != NULL)
        return others(name, flags, mode);
    errno = ENOSYS;
    return -1;
}

/* While a server is away the driver says the same twice a second, from any of its threads. */
static bool is_repetition(const char *message)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static char last[256];
    static int64_t said_ms;
    bool same;

    (void)pthread_mutex_lock(&lock);
    same = strncmp(message, last, sizeof(last) - 1) == 0;
    if (!same) {
        (void)snprintf(last, sizeof(last), "%s", message);
        said_ms = 0;
    }
    same = log_limited(&said_ms, REPEAT_MS) && same;
    (void)pthread_mutex_unlock(&lock);
    return same;
}

static void forward_log(mongoc_log_level_t level, const char *domain, const char *message,
                        void *arg)
{
    (void)arg;
    if (level <= MONGOC_LOG_LEVEL_WARNING && !is_repetition(message))
        log_warn("MongoDB driver", LOG_STR("domain", domain), LOG_STR("message", message));
}

static void load(void)
{
    static const struct library_function functions[] = {
#define X(name) {"mongoc_" #name, &libmongoc.name},
        LIBMONGOC_FUNCTIONS(X)
#undef X
    };
    char cause[LIBRARY_ERROR_SIZE];

    if (!library_load(LIBRARY, functions, ARRAY_LEN(functions), cause)) {
        (void)snprintf(problem, sizeof(problem),
                       "a store in MongoDB needs " LIBRARY " (Debian: install libmongoc-1.0-0): %s",
                       cause);
        return;
    }
    mongoc_init();
    mongoc_log_set_handler(forward_log, NULL);
}

const char *libmongoc_load(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, load);
    return problem[0] != '\0' ? problem : NULL;
}
