/* library.h - functions of a shared library that is loaded when the first of them is needed, so
 * that a program which does not need them does not pay for what the library brings along.
 *
 * Threading: any; whoever calls sees to it that it is once (pthread_once). The library stays.
 */
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

struct library_function {
    const char *name;
    void *pointer; /* to a pointer to the function, which is set */
};

enum { LIBRARY_ERROR_SIZE = 320 };

/* FILE by its soname, such as "libcurl.so.4". False: it is not there, or lacks one of the N
 * FUNCTIONS; ERROR_OUT says which. */
bool library_load(const char *file, const struct library_function *functions, size_t n,
                  char error_out[LIBRARY_ERROR_SIZE]);

#endif
