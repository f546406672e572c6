/* copy_ops.h - what a database must do so that its contents can be copied into another one, and
 * others' into it; see copy.h. Included only by storage/.
 *
 * Pages go by a key that only grows: AFTER is the last one of the page before, and a page that is
 * not full is the last. Putting a row that is there already replaces it, so that whatever was
 * interrupted can be done again.
 * Threading, ownership, errors: as in store_ops.h.
 */
#ifndef STORAGE_COPY_OPS_H
#define STORAGE_COPY_OPS_H

#include "storage/store_ops.h"

enum { COPY_META_SIZE = 128 };

struct session_row {
    const char *hash;
    struct store_session session;
};

struct invite_row {
    const char *hash;
    struct store_invite invite;
};

struct store_copy_ops {
    /* A setting of the database: NOT_FOUND. VALUE NULL takes it away. */
    enum err (*meta_get)(struct store_conn *, const char *key, char value_out[COPY_META_SIZE]);
    enum err (*meta_set)(struct store_conn *, const char *key, const char *value);
    /* The epoch of its streams; to be set only while there are none. */
    void (*epoch_get)(struct store_conn *, char epoch_out[STORE_EPOCH_SIZE]);
    enum err (*epoch_set)(struct store_conn *, const char *epoch);

    /* By name, each with the top of its log. */
    enum err (*streams_page)(struct store_conn *, struct arena *, const char *after, uint32_t limit,
                             struct stream **out, size_t *n);
    /* What is in the log now, also beyond the seq of STREAM. All of a row is filled in; an actor
     * that is not known is "". */
    enum err (*events_page)(struct store_conn *, struct arena *, const struct stream *stream,
                            uint64_t after, uint32_t limit, struct event_row **out, size_t *n);
    /* Oldest first, with their passwords' hashes. */
    enum err (*users_page)(struct store_conn *, struct arena *, int64_t after, uint32_t limit,
                           struct account **out, size_t *n);
    enum err (*sessions_page)(struct store_conn *, struct arena *, const char *after,
                              uint32_t limit, struct session_row **out, size_t *n);
    enum err (*invites_page)(struct store_conn *, struct arena *, const char *after, uint32_t limit,
                             struct invite_row **out, size_t *n);
    enum err (*hooks_page)(struct store_conn *, struct arena *, const char *after, uint32_t limit,
                           struct hook_row **out, size_t *n);

    enum err (*user_put)(struct store_conn *, struct account *); /* sets the key */
    enum err (*session_put)(struct store_conn *, int64_t user_key, const struct session_row *);
    enum err (*invite_put)(struct store_conn *, const struct invite_row *);
    enum err (*hook_put)(struct store_conn *, const struct hook_row *); /* nobody has its lease */
};

extern const struct store_copy_ops store_sqlite_copy_ops;
extern const struct store_copy_ops store_mongo_copy_ops;

#endif
