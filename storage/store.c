/* store.c - opening and closing a store, and the way into its queues. */
#include "storage/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "storage/backends.h"
#include "storage/copy.h"
#include "storage/threads.h"

enum { READERS = 2, READERS_MAX = 64, BATCH = 512, QUEUE = 65536 };

const struct store_ops *backend_find(const char *url, const char **path_out)
{
    static const struct {
        const char *scheme;
        const struct store_ops *ops;
        bool whole; /* it wants the scheme too */
    } backends[] = {{"sqlite", &store_sqlite_ops, false},
                    {"mongodb", &store_mongo_ops, true},
                    {"mongodb+srv", &store_mongo_ops, true}};

    for (size_t i = 0; i < ARRAY_LEN(backends); i++) {
        size_t n = strlen(backends[i].scheme);
        if (strncmp(url, backends[i].scheme, n) == 0 && url[n] == ':' && url[n + 1] != '\0') {
            *path_out = backends[i].whole ? url : url + n + 1;
            return backends[i].ops;
        }
    }
    return NULL;
}

enum err backend_open(const char *url, enum store_open_mode mode, struct store_backend **out,
                      char error_out[STORE_ERROR_SIZE])
{
    const char *path;
    const struct store_ops *ops = backend_find(url, &path);

    *out = NULL;
    if (ops != NULL)
        return ops->open(path, mode, out, error_out);
    /* Not all of it: there may be a password inside. */
    (void)snprintf(error_out, STORE_ERROR_SIZE,
                   "%.*s: not the address of a store: use \"sqlite:PATH\" or \"mongodb://...\"",
                   (int)strcspn(url, ":"), url);
    return ERR_INVALID_PARAMS;
}

static void fill_defaults(struct store *s, const struct store_options *options)
{
    s->url = mem_strdup(options->url);
    s->options = *options;
    s->options.url = s->url;
    if (s->options.readers == 0)
        s->options.readers = READERS;
    if (s->options.readers > READERS_MAX)
        s->options.readers = READERS_MAX;
    if (s->options.batch_max == 0)
        s->options.batch_max = BATCH;
    if (s->options.queue_max == 0)
        s->options.queue_max = QUEUE;
}

/* Each reader has a connection, the committer has one, and the backend may take one for itself. */
static enum err check_conns(const struct store *s, char error_out[STORE_ERROR_SIZE])
{
    unsigned wanted = s->options.readers + 2;
    unsigned max = s->backend->conns_max;

    if (max == 0 || max >= wanted)
        return ERR_OK;
    (void)snprintf(
        error_out, STORE_ERROR_SIZE,
        "the address of the store allows %u connections (maxPoolSize), and this server takes"
        " %u: raise it, or leave it out",
        max, wanted);
    return ERR_INVALID_PARAMS;
}

static enum err start_threads(struct store *s, char error_out[STORE_ERROR_SIZE])
{
    int rc = pthread_create(&s->committer, NULL, committer_run, s);

    s->committing = rc == 0;
    s->readers = mem_realloc_array(NULL, s->options.readers, sizeof(*s->readers));
    while (rc == 0 && s->readers_n < s->options.readers) {
        rc = pthread_create(&s->readers[s->readers_n], NULL, reader_run, s);
        s->readers_n += rc == 0 ? 1 : 0;
    }
    if (rc == 0)
        return ERR_OK;
    (void)snprintf(error_out, STORE_ERROR_SIZE, "cannot start a storage thread: %s", strerror(rc));
    return ERR_UNAVAILABLE;
}

enum err store_open(const struct store_options *options, struct store **store_out,
                    char error_out[512])
{
    struct store *s = mem_zalloc(sizeof(*s));

    *store_out = s;
    error_out[0] = '\0';
    fill_defaults(s, options);
    s->writable = true;
    (void)pthread_mutex_init(&s->state_lock, NULL);
    (void)pthread_mutex_init(&s->order_lock, NULL);
    queue_init(&s->writes, s->options.queue_max);
    queue_init(&s->reads, s->options.queue_max);
    enum err err = backend_open(s->url, STORE_OPEN_OR_CREATE, &s->backend, error_out);
    if (err == ERR_OK) {
        s->ops = s->backend->ops;
        err = check_conns(s, error_out);
    }
    if (err == ERR_OK)
        err = s->ops->connect(s->backend, true, &s->writer, error_out);
    if (err == ERR_OK)
        err = copy_refuse_half(s->writer, error_out);
    if (err == ERR_OK)
        err = start_threads(s, error_out);
    if (err != ERR_OK)
        store_close(store_out);
    return err;
}

void store_close(struct store **store)
{
    struct store *s = *store;

    if (s == NULL)
        return;
    *store = NULL;
    queue_close(&s->writes);
    if (s->committing)
        (void)pthread_join(s->committer, NULL);
    queue_close(&s->reads);
    for (unsigned i = 0; i < s->readers_n; i++)
        (void)pthread_join(s->readers[i], NULL);
    if (s->writer != NULL)
        s->ops->disconnect(&s->writer);
    if (s->backend != NULL)
        s->ops->close(&s->backend);
    queue_destroy(&s->writes);
    queue_destroy(&s->reads);
    (void)pthread_mutex_destroy(&s->state_lock);
    (void)pthread_mutex_destroy(&s->order_lock);
    free(s->readers);
    free(s->url);
    free(s);
}

void store_submit(struct store *store, struct store_req *req)
{
    queue_push(store_op_writes(req->op) ? &store->writes : &store->reads, req);
}

void store_submit_reads(struct store *store, struct store_req *first)
{
    queue_push_list(&store->reads, first);
}

bool store_is_writable(struct store *store, char reason_out[256])
{
    (void)pthread_mutex_lock(&store->state_lock);
    bool writable = store->writable;
    memcpy(reason_out, store->reason, sizeof(store->reason));
    (void)pthread_mutex_unlock(&store->state_lock);
    if (writable && store->ops->away != NULL && store->ops->away(store->backend, reason_out))
        return false;
    return writable;
}

size_t store_queue_depth(struct store *store)
{
    return queue_depth(&store->writes) + queue_depth(&store->reads);
}

enum err store_backup(struct store *store, const char *path, store_progress_fn progress, void *arg,
                      char error_out[512])
{
    error_out[0] = '\0';
    return store->ops->backup != NULL
               ? store->ops->backup(store->backend, path, progress, arg, error_out)
               : copy_backup(store->backend, path, progress, arg, error_out);
}
