/* rebuild.c - making the projections anew from the event log, in one transaction. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "storage/apply.h"
#include "storage/backends.h"
#include "storage/copy.h"
#include "storage/purge.h"

enum { FLUSH_EVENTS = 500 };

struct rebuild {
    struct txn txn;
    store_progress_fn progress;
    void *arg;
    uint64_t done, total;
    bool stopped;
    char at[STORE_STREAM_SIZE + 32]; /* the event that failed */
};

static enum err pause_for_breath(struct rebuild *r)
{
    enum err err = txn_flush(&r->txn);

    txn_start(&r->txn);
    if (err == ERR_OK && r->progress != NULL &&
        !r->progress(r->arg, "replaying", "events", r->done, r->total)) {
        r->stopped = true;
        err = ERR_UNAVAILABLE;
    }
    return err;
}

static enum err replay_event(void *arg, const char *stream, int64_t stream_key,
                             const struct event_row *row)
{
    struct rebuild *r = arg;
    struct arena *arena = arena_create();
    enum err err = apply_event(&r->txn, arena, stream, row);

    (void)stream_key;
    arena_destroy(&arena);
    if (err != ERR_OK) {
        (void)snprintf(r->at, sizeof(r->at), "event %llu of %s", (unsigned long long)row->seq,
                       stream);
        return err;
    }
    return ++r->done % FLUSH_EVENTS == 0 ? pause_for_breath(r) : ERR_OK;
}

static enum err replay_all(struct rebuild *r)
{
    struct txn *t = &r->txn;
    enum err err = t->ops->begin(t->conn, true);

    if (err == ERR_OK)
        err = t->ops->events_count(t->conn, &r->total);
    if (err == ERR_OK)
        err = t->ops->projections_clear(t->conn);
    if (err == ERR_OK)
        err = t->ops->events_scan(t->conn, false, replay_event, r);
    if (err == ERR_OK)
        err = t->ops->events_scan(t->conn, true, replay_event, r);
    if (err == ERR_OK)
        err = txn_flush(t);
    t->now = clock_unix_ms();
    while (err == ERR_OK)
        err = purge_step(t); /* what deleted channels left is there again */
    if (err == ERR_NOT_FOUND)
        err = pause_for_breath(r);
    return err == ERR_OK ? t->ops->commit(t->conn) : err;
}

static void explain(const struct rebuild *r, char error_out[STORE_ERROR_SIZE])
{
    const struct store_conn *conn = r->txn.conn;

    if (r->stopped)
        (void)snprintf(error_out, STORE_ERROR_SIZE, "stopped; nothing was changed");
    else
        (void)snprintf(error_out, STORE_ERROR_SIZE, "%s%s%s; nothing was changed",
                       conn->failed != ERR_OK ? conn->reason : "the event log cannot be replayed",
                       r->at[0] != '\0' ? ", at " : "", r->at);
}

enum err store_rebuild(const char *url, store_progress_fn progress, void *arg, char error_out[512])
{
    struct store_backend *backend;
    struct store_conn *conn = NULL;
    struct rebuild r = {.progress = progress, .arg = arg};

    error_out[0] = '\0';
    enum err err = backend_open(url, STORE_OPEN_EXISTING, &backend, error_out);
    if (err != ERR_OK)
        return err;
    err = backend->ops->connect(backend, true, &conn, error_out);
    if (err == ERR_OK)
        err = copy_refuse_half(conn, error_out);
    if (err == ERR_OK) {
        txn_init(&r.txn, conn);
        err = replay_all(&r);
        if (err != ERR_OK) {
            explain(&r, error_out);
            conn->ops->rollback(conn);
        }
        txn_free(&r.txn);
    }
    backend->ops->disconnect(&conn);
    backend->ops->close(&backend);
    return err;
}
