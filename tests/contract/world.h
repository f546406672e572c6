/* world.h - people who do all that can be done, at random: a store with everything in it.
 *
 * Threading: the test's. Ownership: all of it lives as long as the bed.
 */
#ifndef TESTS_CONTRACT_WORLD_H
#define TESTS_CONTRACT_WORLD_H

#include "storage/store.h"

enum {
    WORLD_USERS = 12,
    WORLD_CHANNELS = 8,
    WORLD_MESSAGES = 400,
    WORLD_OPERATIONS = 4000,
    WORLD_WAVE = 64
};

struct world {
    struct bed *bed;
    unsigned seed;
    const char *users[WORLD_USERS];
    const char *channels[WORLD_CHANNELS];
    const char *messages[WORLD_MESSAGES]; /* some of those that were sent */
    size_t ok[STORE_WRITES];              /* how many of each succeeded */
    int names;
};

/* Accounts and channels in W->bed, which is open. */
void world_make(struct world *w, unsigned seed);
/* That many random requests, in waves, so that many share a transaction. */
void world_live(struct world *w, int operations);

#endif
