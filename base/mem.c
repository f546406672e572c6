#include "base/mem.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BLOCK = 2048 };

struct block {
    struct block *next;
    size_t used;
    size_t size;
    alignas(max_align_t) unsigned char bytes[];
};

struct arena {
    struct block *head;
    size_t used;
};

static void out_of_memory(size_t size)
{
    (void)fprintf(stderr, "fatal: out of memory asking for %zu bytes\n", size);
    abort();
}

void *mem_alloc(size_t size)
{
    void *ptr = malloc(size == 0 ? 1 : size);

    if (ptr == NULL)
        out_of_memory(size);
    return ptr;
}

void *mem_zalloc(size_t size)
{
    void *ptr = calloc(1, size == 0 ? 1 : size);

    if (ptr == NULL)
        out_of_memory(size);
    return ptr;
}

void *mem_realloc(void *ptr, size_t size)
{
    void *grown = realloc(ptr, size == 0 ? 1 : size);

    if (grown == NULL)
        out_of_memory(size);
    return grown;
}

void *mem_realloc_array(void *ptr, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        out_of_memory(SIZE_MAX);
    return mem_realloc(ptr, count * size);
}

char *mem_strndup(const char *s, size_t n)
{
    char *copy = mem_alloc(n + 1);

    memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

char *mem_strdup(const char *s)
{
    return mem_strndup(s, strlen(s));
}

struct arena *arena_create(void)
{
    return mem_zalloc(sizeof(struct arena));
}

void arena_destroy(struct arena **arena)
{
    struct arena *a = *arena;

    if (a == NULL)
        return;
    *arena = NULL;
    while (a->head != NULL) {
        struct block *next = a->head->next;
        free(a->head);
        a->head = next;
    }
    free(a);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct block *b = arena->head;

    if (rounded < size)
        out_of_memory(size);
    if (b == NULL || b->size - b->used < rounded) {
        size_t room = rounded > ARENA_BLOCK ? rounded : ARENA_BLOCK;
        b = mem_alloc(sizeof(*b) + room);
        b->size = room;
        b->used = 0;
        b->next = arena->head;
        arena->head = b;
    }
    void *ptr = b->bytes + b->used;
    b->used += rounded;
    arena->used += rounded;
    return memset(ptr, 0, rounded);
}

char *arena_strndup(struct arena *arena, const char *s, size_t n)
{
    char *copy = arena_alloc(arena, n + 1);

    memcpy(copy, s, n);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *s)
{
    return s == NULL ? NULL : arena_strndup(arena, s, strlen(s));
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}
