#include "base/library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

bool library_load(const char *file, const struct library_function *functions, size_t n,
                  char error_out[LIBRARY_ERROR_SIZE])
{
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL) {
        (void)snprintf(error_out, LIBRARY_ERROR_SIZE, "%s", dlerror());
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        void *symbol = dlsym(library, functions[i].name);
        if (symbol == NULL) {
            (void)snprintf(error_out, LIBRARY_ERROR_SIZE, "it lacks %s", functions[i].name);
            return false;
        }
        /* ISO C has no conversion between the two */
        memcpy(functions[i].pointer, &symbol, sizeof(symbol));
    }
    return true;
}
