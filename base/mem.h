/* mem.h - allocation that cannot fail (running out of memory is fatal), and arenas.
 *
 * Threading: mem_* from any thread. An arena belongs to one thread at a time.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Never NULL; release with free(). mem_zalloc zeroes. */
void *mem_alloc(size_t size);
void *mem_zalloc(size_t size);
void *mem_realloc(void *ptr, size_t size);
/* COUNT * SIZE with the overflow checked. */
void *mem_realloc_array(void *ptr, size_t count, size_t size);
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t n);

/* An arena: everything that one request allocates, freed in one go. */
struct arena;

struct arena *arena_create(void);
/* Frees all that came from it, sets *arena to NULL; NULL is fine. */
void arena_destroy(struct arena **arena);
/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_strdup(struct arena *arena, const char *s); /* NULL gives NULL */
char *arena_strndup(struct arena *arena, const char *s, size_t n);
/* Bytes handed out so far. */
size_t arena_used(const struct arena *arena);

#endif
