/* map.h - a hash table from byte strings to pointers.
 *
 * Threading: none of its own. Ownership: keys and values are the caller's and stay where they are
 * while they are in the map; `struct map map = {0};` is an empty one.
 */
#ifndef STORAGE_MAP_H
#define STORAGE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_slot {
    uint64_t hash;
    const void *key; /* NULL: empty */
    size_t key_len;
    void *value;
};

struct map {
    struct map_slot *slots;
    size_t cap; /* a power of two */
    size_t n;
};

void *map_get(const struct map *map, const void *key, size_t key_len); /* NULL: absent */
/* The key must not be in the map yet. */
void map_put(struct map *map, const void *key, size_t key_len, void *value);
/* Empties it; a large one gives its memory back. */
void map_clear(struct map *map);
void map_free(struct map *map);

#endif
