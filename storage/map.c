#include "storage/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MAP_MIN = 64, MAP_KEEP = 4096 };

/* FNV-1a. Keys are ids and names that the server has checked; long runs of equal hashes would
 * need ids that the server itself makes. */
static uint64_t hash_of(const void *key, size_t n)
{
    const unsigned char *p = key;
    uint64_t h = 14695981039346656037u;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 1099511628211u;
    return h ^ (h >> 29);
}

static struct map_slot *slot_of(const struct map *map, uint64_t hash, const void *key, size_t n)
{
    size_t i = (size_t)hash & (map->cap - 1);

    while (map->slots[i].key != NULL) {
        const struct map_slot *s = &map->slots[i];
        if (s->hash == hash && s->key_len == n && memcmp(s->key, key, n) == 0)
            break;
        i = (i + 1) & (map->cap - 1);
    }
    return &map->slots[i];
}

void *map_get(const struct map *map, const void *key, size_t key_len)
{
    if (map->n == 0)
        return NULL;
    return slot_of(map, hash_of(key, key_len), key, key_len)->value;
}

static void grow(struct map *map)
{
    struct map old = *map;

    map->cap = old.cap == 0 ? MAP_MIN : old.cap * 2;
    map->slots = mem_zalloc(map->cap * sizeof(*map->slots));
    for (size_t i = 0; i < old.cap; i++)
        if (old.slots[i].key != NULL)
            *slot_of(map, old.slots[i].hash, old.slots[i].key, old.slots[i].key_len) = old.slots[i];
    free(old.slots);
}

void map_put(struct map *map, const void *key, size_t key_len, void *value)
{
    if (map->n * 2 >= map->cap)
        grow(map);
    uint64_t hash = hash_of(key, key_len);
    *slot_of(map, hash, key, key_len) = (struct map_slot){hash, key, key_len, value};
    map->n++;
}

void map_clear(struct map *map)
{
    if (map->cap > MAP_KEEP) {
        map_free(map);
        return;
    }
    if (map->n > 0)
        memset(map->slots, 0, map->cap * sizeof(*map->slots));
    map->n = 0;
}

void map_free(struct map *map)
{
    free(map->slots);
    *map = (struct map){0};
}
