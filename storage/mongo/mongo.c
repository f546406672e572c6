/* mongo.c - opening a database, connections, and the ends of a transaction. */
#include "storage/mongo/mongo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "storage/copy_ops.h"
#include "storage/mongo/address.h"

/* -- opening ----------------------------------------------------------------------------------- */

static void mg_close(struct store_backend **backend)
{
    if (*backend == NULL)
        return;
    struct mg_backend *b = mg_backend(*backend);
    *backend = NULL;
    keeper_stop(b);
    if (b->pool != NULL)
        mongoc_client_pool_destroy(b->pool);
    turns_destroy(&b->turns);
    free(b);
}

static enum err prepare(struct mg_backend *b, bool existing, char error_out[STORE_ERROR_SIZE])
{
    struct store_conn *conn;
    enum err err = b->base.ops->connect(&b->base, true, &conn, error_out);

    if (err != ERR_OK)
        return err;
    err = mg_prepare(mg(conn), existing, error_out);
    b->base.ops->disconnect(&conn);
    return err;
}

static enum err mg_open(const char *url, enum store_open_mode mode,
                        struct store_backend **backend_out, char error_out[STORE_ERROR_SIZE])
{
    const char *problem = libmongoc_load();

    *backend_out = NULL;
    if (problem != NULL) {
        (void)snprintf(error_out, STORE_ERROR_SIZE, "%s", problem);
        return ERR_UNAVAILABLE;
    }
    struct mg_backend *b = mem_zalloc(sizeof(*b));
    b->base.ops = &store_mongo_ops;
    keeper_init(&b->keeper);
    turns_init(&b->turns);
    *backend_out = &b->base;
    enum err err = mg_address_open(url, b, error_out);
    if (err == ERR_OK)
        err = prepare(b, mode != STORE_OPEN_OR_CREATE, error_out);
    if (err == ERR_OK)
        err = keeper_start(b, error_out);
    if (err != ERR_OK)
        mg_close(backend_out);
    return err;
}

/* -- connections ------------------------------------------------------------------------------- */

static enum err mg_connect(struct store_backend *backend, bool writes, struct store_conn **conn_out,
                           char error_out[STORE_ERROR_SIZE])
{
    struct mg_backend *b = mg_backend(backend);
    mongoc_client_t *client = mongoc_client_pool_try_pop(b->pool);

    *conn_out = NULL;
    if (client == NULL) {
        (void)snprintf(error_out, STORE_ERROR_SIZE,
                       "%s: maxPoolSize in the address is too small: a connection for each reader"
                       " and two more are needed",
                       b->address);
        return ERR_UNAVAILABLE;
    }
    struct mg_conn *c = mem_zalloc(sizeof(*c));
    c->base.ops = &store_mongo_ops;
    c->backend = b;
    c->client = client;
    c->writes = writes;
    c->arena = arena_create();
    *conn_out = &c->base;
    return ERR_OK;
}

static void mg_disconnect(struct store_conn **conn)
{
    if (*conn == NULL)
        return;
    struct mg_conn *c = mg(*conn);
    *conn = NULL;
    stage_free(&c->stage);
    mg_warm_free(c);
    for (size_t i = 0; i < MG_COLLS; i++)
        if (c->colls[i] != NULL)
            mongoc_collection_destroy(c->colls[i]);
    mongoc_client_pool_push(c->backend->pool, c->client);
    arena_destroy(&c->arena);
    free(c->behind);
    free(c);
}

/* -- transactions ------------------------------------------------------------------------------ */

static enum err mg_begin(struct store_conn *conn, bool write)
{
    struct mg_conn *c = mg(conn);

    c->base.failed = ERR_OK;
    stage_clear(&c->stage);
    mg_warm_clear(c);
    c->behind_n = 0;
    c->had_none = false;
    c->appending = false;
    c->began_ns = clock_monotonic_ns();
    c->writing = write;
    if (arena_used(c->arena) > 0) {
        arena_destroy(&c->arena);
        c->arena = arena_create();
    }
    if (keeper_is_away(c->backend, c->base.reason)) {
        c->base.failed = ERR_UNAVAILABLE;
        return ERR_UNAVAILABLE;
    }
    return ERR_OK;
}

static uint64_t mg_idle(struct store_conn *conn)
{
    return turns_idle(mg(conn));
}

/* What was durable of the batch can still be asked. */
static void mg_rollback(struct store_conn *conn)
{
    struct mg_conn *c = mg(conn);

    if (conn->failed != ERR_CONFLICT) /* else it runs again at once */
        turns_give(c);
    conn->failed = ERR_OK;
    c->writing = false;
}

/* The keeper finds it out. */
static enum err mg_probe(struct store_conn *conn)
{
    return keeper_is_away(mg(conn)->backend, conn->reason) ? ERR_UNAVAILABLE : ERR_OK;
}

static bool mg_away(struct store_backend *backend, char reason_out[STORE_REASON_SIZE])
{
    return keeper_is_away(mg_backend(backend), reason_out);
}

static void mg_mark(struct store_conn *conn, size_t req)
{
    mg(conn)->stage.req = req;
}

/* Requests that look at what they write, or are written at once: each is a batch of its own. */
static bool mg_alone(enum store_op op)
{
    switch (op) {
    case STORE_MESSAGE_SEND:
    case STORE_MESSAGE_EDIT:
    case STORE_MESSAGE_DELETE:
    case STORE_CHANNEL_JOIN:
    case STORE_CHANNEL_LEAVE:
    case STORE_CHANNEL_INVITE:
    case STORE_CHANNEL_REMOVE:
    case STORE_READ_MARK:
    case STORE_SESSION_CREATE:
    case STORE_SESSION_TOUCH:
    case STORE_HOOK_LEASE:
    case STORE_HOOK_MARK:
        return false;
    default:
        return true;
    }
}

const struct store_ops store_mongo_ops = {
    .scheme = "mongodb",
    .open = mg_open,
    .close = mg_close,
    .connect = mg_connect,
    .disconnect = mg_disconnect,
    .begin = mg_begin,
    .commit = mg_commit,
    .rollback = mg_rollback,
    .probe = mg_probe,
    .away = mg_away,
    .alone = mg_alone,
    .mark = mg_mark,
    .durable = mg_durable,
    .event_seq = mg_event_seq,
    .prefetch = mg_prefetch,
    .accounts_changed = mg_accounts_changed,
    .tail = mg_tail,
    .take_turns = mg_take_turns,
    .contended = turns_contended,
    .idle = mg_idle,
    .expect = mg_expect,
    .behind = mg_behind,
    .joins = mg_joins,
    .gather = mg_gather,
    .streams_get = mg_streams_get,
    .stream_get = mg_stream_get,
    .stream_add = mg_stream_add,
    .stream_save = mg_stream_save,
    .event_add = mg_event_add,
    .event_get = mg_event_get,
    .event_scrub = mg_event_scrub,
    .events_list = mg_events_list,
    .client_msg_find = mg_client_msg_find,
    .events_scan = mg_events_scan,
    .events_count = mg_events_count,
    .projections_clear = mg_projections_clear,
    .chan_get = mg_chan_get,
    .chan_by_dm = mg_chan_by_dm,
    .chan_add = mg_chan_add,
    .chan_save = mg_chan_save,
    .chan_rename = mg_chan_rename,
    .chan_remove = mg_chan_remove,
    .purge_next = mg_purge_next,
    .purge = mg_purge,
    .chans_list = mg_chans_list,
    .chans_of = mg_chans_of,
    .member_get = mg_member_get,
    .member_add = mg_member_add,
    .member_save = mg_member_save,
    .member_remove = mg_member_remove,
    .members_list = mg_members_list,
    .message_add = mg_message_add,
    .message_save = mg_message_save,
    .message_get = mg_message_get,
    .message_at = mg_message_at,
    .msg_no_at = mg_msg_no_at,
    .messages_before = mg_messages_before,
    .messages_after = mg_messages_after,
    .mention_add = mg_mention_add,
    .mention_remove = mg_mention_remove,
    .mentions_forget = mg_mentions_forget,
    .mentions_count = mg_mentions_count,
    .user_get = mg_user_get,
    .user_by_key = mg_user_by_key,
    .user_add = mg_user_add,
    .user_save = mg_user_save,
    .user_owner = mg_user_owner,
    .user_counts = mg_user_counts,
    .users_list = mg_users_list,
    .bots_list = mg_bots_list,
    .session_add = mg_session_add,
    .session_get = mg_session_get,
    .session_touch = mg_session_touch,
    .session_remove = mg_session_remove,
    .sessions_expire = mg_sessions_expire,
    .sessions_list = mg_sessions_list,
    .invite_add = mg_invite_add,
    .invite_find = mg_invite_find,
    .invite_use = mg_invite_use,
    .invite_remove = mg_invite_remove,
    .invites_list = mg_invites_list,
    .hook_add = mg_hook_add,
    .hook_save = mg_hook_save,
    .hook_get = mg_hook_get,
    .hook_remove = mg_hook_remove,
    .hooks_list = mg_hooks_list,
    .hooks_outgoing = mg_hooks_outgoing,
    .hook_lease = mg_hook_lease,
    .hook_mark = mg_hook_mark,
    .hook_failure_put = mg_hook_failure_put,
    .hook_failure_due = mg_hook_failure_due,
    .hook_failure_remove = mg_hook_failure_remove,
    .hook_failures_list = mg_hook_failures_list,
    .hook_failures_trim = mg_hook_failures_trim,
    .stats = mg_stats,
    .copy = &store_mongo_copy_ops,
};
