/* bed.h - a store to try things on: a fresh directory, requests that wait for their answer, and
 * everything that was committed, in order.
 *
 * Threading: a bed belongs to the test's thread; bed_submit() and bed_wait() may be used by
 * several.
 */
#ifndef TESTS_UNIT_STORAGE_BED_H
#define TESTS_UNIT_STORAGE_BED_H

#include <pthread.h>

#include "base/mem.h"
#include "storage/store.h"

struct bed {
    char dir[64];
    char path[96];
    char url[512];
    bool on_mongo;
    bool is_guest; /* the database is another bed's */
    struct store_options options;
    struct store *store;
    struct arena *arena;
    struct arena **arenas; /* one of each request */
    size_t arenas_n;

    pthread_mutex_t lock;
    pthread_cond_t answered;
    struct store_event *events; /* every committed one, copied; under lock */
    size_t events_n, events_cap;
    struct arena *kept;
    size_t commits;
    size_t largest_batch;
    void (*on_commit)(void *arg, const struct store_commit *commit); /* also called, if set */
    void *on_commit_arg;
};

/* A test group, once on every kind of store there is; the number of failed tests. */
struct CMUnitTest; /* of cmocka */
int bed_run_on_every_store(const struct CMUnitTest *tests, size_t n);
/* Only on MongoDB, where the environment names a server:
 * PARLEY_TEST_MONGO=mongodb://127.0.0.1:PORT/. Every bed gets a database of its own there, and
 * drops it. */
int bed_run_on_mongo(const struct CMUnitTest *tests, size_t n);

/* What a test needs: an empty directory and an open store on it. Fails the test if that fails. */
struct bed *bed_create(void);
/* Only the directory; open later with bed_open(). */
struct bed *bed_create_closed(void);
/* Another node: a closed store on the database of OTHER, which has to live longer. */
struct bed *bed_beside(const struct bed *other);
/* Closes and removes everything. */
void bed_destroy(struct bed **bed);

enum err bed_open(struct bed *bed, char error_out[512]);
void bed_must_open(struct bed *bed);
void bed_close(struct bed *bed);
void bed_reopen(struct bed *bed);

/* An empty request of OP as USER (id), a member; NULL: as the system. */
struct store_req *bed_req(struct bed *bed, enum store_op op, const char *user);
/* Submit and wait (a minute at most, or the test fails); its err. */
enum err bed_do(struct bed *bed, struct store_req *req);
void bed_submit(struct bed *bed, struct store_req *req);
void bed_wait(struct bed *bed, struct store_req *req);

/* Short forms; each must succeed. What they give lives as long as the bed. */
const char *bed_user(struct bed *bed, const char *name);
const char *bed_channel(struct bed *bed, const char *user, const char *name);
const char *bed_private(struct bed *bed, const char *user, const char *name);
void bed_join(struct bed *bed, const char *user, const char *channel);
struct store_message bed_send(struct bed *bed, const char *user, const char *channel,
                              const char *text);
/* USER's view of CHANNEL. */
struct store_channel bed_view(struct bed *bed, const char *user, const char *channel);

/* The events of STREAM as the store gives them now, as one text: a line "seq type actor data"
 * each. */
char *bed_log(struct bed *bed, const char *stream);
/* Every row of every table that store_rebuild() makes, and the tops: two databases of equal
 * contents give equal texts. Without messages of deleted channels that wait to be purged. free()
 * it. */
char *bed_dump(const char *path);
/* Run SQL on the closed database. */
void bed_sql(struct bed *bed, const char *sql);

#endif
