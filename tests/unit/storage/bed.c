#include "tests/unit/testing.h"

#include "tests/unit/storage/bed.h"

#include <ftw.h>
#include <mongoc/mongoc.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/macros.h"

enum { WAIT_S = 60 };

static const char *mongo_uri; /* of a server to make databases in; NULL: the store is SQLite */

int bed_run_on_every_store(const struct CMUnitTest *tests, size_t n)
{
    int failed = _cmocka_run_group_tests("sqlite", tests, n, NULL, NULL);

    return failed + bed_run_on_mongo(tests, n);
}

int bed_run_on_mongo(const struct CMUnitTest *tests, size_t n)
{
    const char *uri = getenv("PARLEY_TEST_MONGO");

    if (uri == NULL || *uri == '\0') {
        print_message("PARLEY_TEST_MONGO is not set: MongoDB is left out\n");
        return 0;
    }
    mongo_uri = uri;
    int failed = _cmocka_run_group_tests("mongodb", tests, n, NULL, NULL);
    mongo_uri = NULL;
    return failed;
}

/* The server's address with a database of its own for each bed. */
static void mongo_url(struct bed *bed)
{
    static int beds;
    const char *query = strchr(mongo_uri, '?');
    size_t n = query != NULL ? (size_t)(query - mongo_uri) : strlen(mongo_uri);

    while (n > 0 && mongo_uri[n - 1] == '/')
        n--;
    (void)snprintf(bed->path, sizeof(bed->path), "parley_test_%ld_%d", (long)getpid(), beds++);
    (void)snprintf(bed->url, sizeof(bed->url), "%.*s/%s%s", (int)n, mongo_uri, bed->path,
                   query != NULL ? query : "");
}

/* What a request's owner points to. */
struct waiter {
    bool done;
};

static void finish(struct bed *bed, struct store_req *req)
{
    struct waiter *w = req->owner;

    if (w != NULL)
        w->done = true;
    (void)pthread_cond_broadcast(&bed->answered);
}

static void keep_event(struct bed *bed, const struct store_event *e)
{
    if (bed->events_n == bed->events_cap) {
        bed->events_cap = bed->events_cap == 0 ? 64 : bed->events_cap * 2;
        bed->events = mem_realloc_array(bed->events, bed->events_cap, sizeof(*bed->events));
    }
    struct store_event *copy = &bed->events[bed->events_n++];
    *copy = *e;
    copy->stream = arena_strdup(bed->kept, e->stream);
    copy->epoch = arena_strdup(bed->kept, e->epoch);
    copy->actor = arena_strdup(bed->kept, e->actor);
    copy->data = arena_strndup(bed->kept, e->data, e->data_len);
    copy->subject = arena_strdup(bed->kept, e->subject);
}

static void on_commit(void *arg, const struct store_commit *commit)
{
    struct bed *bed = arg;

    if (bed->on_commit != NULL)
        bed->on_commit(bed->on_commit_arg, commit);
    (void)pthread_mutex_lock(&bed->lock);
    bed->commits++;
    if (commit->reqs_n > bed->largest_batch)
        bed->largest_batch = commit->reqs_n;
    for (size_t i = 0; i < commit->events_n; i++)
        keep_event(bed, &commit->events[i]);
    for (size_t i = 0; i < commit->reqs_n; i++)
        finish(bed, commit->reqs[i]);
    (void)pthread_mutex_unlock(&bed->lock);
}

static void on_read(void *arg, struct store_req *req)
{
    struct bed *bed = arg;

    (void)pthread_mutex_lock(&bed->lock);
    finish(bed, req);
    (void)pthread_mutex_unlock(&bed->lock);
}

static struct bed *create_closed(bool on_mongo)
{
    struct bed *bed = mem_zalloc(sizeof(*bed));
    pthread_condattr_t attr;

    (void)snprintf(bed->dir, sizeof(bed->dir), "/tmp/parley-store-XXXXXX");
    assert_non_null(mkdtemp(bed->dir));
    (void)snprintf(bed->path, sizeof(bed->path), "%s/parley.db", bed->dir);
    (void)snprintf(bed->url, sizeof(bed->url), "sqlite:%s", bed->path);
    bed->on_mongo = on_mongo;
    if (bed->on_mongo)
        mongo_url(bed);
    bed->arena = arena_create();
    bed->kept = arena_create();
    (void)pthread_mutex_init(&bed->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&bed->answered, &attr);
    (void)pthread_condattr_destroy(&attr);
    bed->options = (struct store_options){
        .url = bed->url, .on_commit = on_commit, .on_read = on_read, .arg = bed};
    return bed;
}

struct bed *bed_create_closed(void)
{
    return create_closed(mongo_uri != NULL);
}

struct bed *bed_create_file(void)
{
    return create_closed(false);
}

struct bed *bed_beside(const struct bed *other)
{
    struct bed *bed = bed_create_closed();

    memcpy(bed->path, other->path, sizeof(bed->path));
    memcpy(bed->url, other->url, sizeof(bed->url));
    bed->is_guest = true;
    return bed;
}

struct bed *bed_create(void)
{
    struct bed *bed = bed_create_closed();

    bed_must_open(bed);
    return bed;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* The database of a bed on MongoDB goes. */
static void bed_drop(struct bed *bed)
{
    bson_error_t error;
    mongoc_client_t *client = mongoc_client_new(bed->url);

    assert_non_null(client);
    mongoc_database_t *db = mongoc_client_get_database(client, bed->path);
    if (!mongoc_database_drop(db, &error))
        fail_msg("%s", error.message);
    mongoc_database_destroy(db);
    mongoc_client_destroy(client);
}

void bed_destroy(struct bed **bed)
{
    struct bed *b = *bed;

    if (b == NULL)
        return;
    *bed = NULL;
    bed_close(b);
    if (b->on_mongo && !b->is_guest)
        bed_drop(b);
    (void)nftw(b->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    for (size_t i = 0; i < b->arenas_n; i++)
        arena_destroy(&b->arenas[i]);
    free(b->arenas);
    arena_destroy(&b->arena);
    arena_destroy(&b->kept);
    (void)pthread_mutex_destroy(&b->lock);
    (void)pthread_cond_destroy(&b->answered);
    free(b->events);
    free(b);
}

enum err bed_open(struct bed *bed, char error_out[512])
{
    return store_open(&bed->options, &bed->store, error_out);
}

void bed_must_open(struct bed *bed)
{
    char error[512];

    if (bed_open(bed, error) != ERR_OK)
        fail_msg("%s", error);
}

void bed_close(struct bed *bed)
{
    store_close(&bed->store);
}

void bed_reopen(struct bed *bed)
{
    bed_close(bed);
    bed_must_open(bed);
}

struct store_req *bed_req(struct bed *bed, enum store_op op, const char *user)
{
    struct store_req *req = arena_alloc(bed->arena, sizeof(*req));

    req->op = op;
    req->arena = arena_create();
    bed->arenas = mem_realloc_array(bed->arenas, bed->arenas_n + 1, sizeof(struct arena *));
    bed->arenas[bed->arenas_n++] = req->arena;
    req->actor.user = user;
    req->actor.system = user == NULL;
    return req;
}

void bed_submit(struct bed *bed, struct store_req *req)
{
    req->owner = mem_zalloc(sizeof(struct waiter));
    store_submit(bed->store, req);
}

void bed_wait(struct bed *bed, struct store_req *req)
{
    struct waiter *w = req->owner;
    struct timespec until;
    int rc = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += WAIT_S;
    (void)pthread_mutex_lock(&bed->lock);
    while (!w->done && rc == 0)
        rc = pthread_cond_timedwait(&bed->answered, &bed->lock, &until);
    (void)pthread_mutex_unlock(&bed->lock);
    if (rc != 0)
        fail_msg("no answer to %s within %d s", store_op_name(req->op), WAIT_S);
    free(w);
    req->owner = NULL;
}

bool bed_is_answered(struct bed *bed, struct store_req *req)
{
    const struct waiter *w = req->owner;

    (void)pthread_mutex_lock(&bed->lock);
    bool done = w->done;
    (void)pthread_mutex_unlock(&bed->lock);
    return done;
}

enum err bed_do(struct bed *bed, struct store_req *req)
{
    bed_submit(bed, req);
    bed_wait(bed, req);
    return req->err;
}

static void must(struct bed *bed, struct store_req *req)
{
    if (bed_do(bed, req) != ERR_OK)
        fail_msg("%s: %s: %s %s", store_op_name(req->op), err_name(req->err),
                 req->field != NULL ? req->field : "", req->reason != NULL ? req->reason : "");
}

const char *bed_user(struct bed *bed, const char *name)
{
    struct store_req *req = bed_req(bed, STORE_USER_CREATE, NULL);

    req->in.user_new.name = name;
    req->in.user_new.display_name = name;
    req->in.user_new.password_hash = "hash";
    must(bed, req);
    return req->out.user.id;
}

static const char *make_channel(struct bed *bed, const char *user, const char *name,
                                enum store_channel_type type)
{
    struct store_req *req = bed_req(bed, STORE_CHANNEL_CREATE, user);

    req->in.channel_new.name = name;
    req->in.channel_new.type = type;
    must(bed, req);
    return req->out.channel.id;
}

const char *bed_channel(struct bed *bed, const char *user, const char *name)
{
    return make_channel(bed, user, name, STORE_PUBLIC);
}

const char *bed_private(struct bed *bed, const char *user, const char *name)
{
    return make_channel(bed, user, name, STORE_PRIVATE);
}

void bed_join(struct bed *bed, const char *user, const char *channel)
{
    struct store_req *req = bed_req(bed, STORE_CHANNEL_JOIN, user);

    req->in.channel.channel = channel;
    must(bed, req);
}

struct store_message bed_send(struct bed *bed, const char *user, const char *channel,
                              const char *text)
{
    struct store_req *req = bed_req(bed, STORE_MESSAGE_SEND, user);

    req->in.send.channel = channel;
    req->in.send.text = text;
    must(bed, req);
    return req->out.message;
}

struct store_channel bed_view(struct bed *bed, const char *user, const char *channel)
{
    struct store_req *req = bed_req(bed, STORE_CHANNEL_GET, user);

    req->in.channel.channel = channel;
    must(bed, req);
    return req->out.channel;
}

char *bed_log(struct bed *bed, const char *stream)
{
    struct buf text = {0};
    uint64_t after = 0;
    size_t n;

    do {
        struct store_req *req = bed_req(bed, STORE_EVENTS, NULL);
        req->in.events.stream = stream;
        req->in.events.after = after;
        req->in.events.limit = STORE_PAGE_MAX;
        must(bed, req);
        n = req->out.n;
        for (size_t i = 0; i < n; i++) {
            const struct store_event *e = &req->out.events[i];
            after = e->seq;
            buf_printf(&text, "%llu %s %s %s\n", (unsigned long long)e->seq,
                       store_event_name(e->type), e->actor, e->data);
        }
    } while (n > 0);
    char *out = arena_strdup(bed->arena, text.data != NULL ? text.data : "");
    buf_free(&text);
    return out;
}

static void dump_query(sqlite3 *db, struct buf *out, const char *sql)
{
    sqlite3_stmt *stmt = NULL;

    buf_printf(out, "%s\n", sql);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            const unsigned char *value = sqlite3_column_text(stmt, i);
            buf_printf(out, "%s|", value == NULL ? "NULL" : (const char *)value);
        }
        buf_putc(out, '\n');
    }
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
}

static char *dump_all(const char *path, const char *const *queries, size_t n)
{
    struct buf out = {0};
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    for (size_t i = 0; i < n; i++)
        dump_query(db, &out, queries[i]);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return buf_detach(&out);
}

char *bed_dump_contents(const char *path)
{
    static const char *const queries[] = {
        "SELECT id, name, display_name, role, created_at, disabled_at, password_hash, owner, hook"
        " FROM users"
        " ORDER BY key",
        "SELECT s.id, hash, u.id, s.created_at, last_seen_at, expires_at, address, agent, label,"
        " scopes, channels"
        " FROM sessions s JOIN users u ON u.key = s.user ORDER BY s.id",
        "SELECT * FROM invites ORDER BY id",
        "SELECT * FROM hooks ORDER BY id",
        "SELECT * FROM hook_failures ORDER BY hook, seq",
        "SELECT name, epoch, seq, msg_no FROM streams ORDER BY name",
        "SELECT s.name, e.pos & 0xfffffffff, e.type, u.id, e.at, e.subject, e.link,"
        " e.client_msg_id, e.data FROM events e JOIN streams s ON s.key = e.pos >> 36"
        " LEFT JOIN users u ON u.key = e.actor ORDER BY s.name, e.pos",
        "SELECT id, name, type, topic, dm_key, created_at, archived_at, members FROM channels"
        " ORDER BY id",
        "SELECT c.id, u.id, m.role, m.joined_at, m.read_seq, m.read_no FROM members m"
        " JOIN channels c ON c.key = m.channel JOIN users u ON u.key = m.user ORDER BY c.id, u.id",
        "SELECT c.id, m.pos & 0xfffffffff, m.id, m.msg_no, u.id, m.text, m.client_msg_id,"
        " m.created_at, m.edited_at, m.deleted_at, m.mentions, m.last_edit, m.as_name, m.as_icon"
        " FROM messages m"
        " JOIN channels c ON c.key = m.pos >> 36 LEFT JOIN users u ON u.key = m.author"
        " ORDER BY c.id, m.pos",
        "SELECT u.id, c.id, m.pos & 0xfffffffff FROM mentions m JOIN channels c"
        " ON c.key = m.pos >> 36 JOIN users u ON u.key = m.user ORDER BY u.id, c.id, m.pos",
    };

    return dump_all(path, queries, ARRAY_LEN(queries));
}

char *bed_dump(const char *path)
{
    static const char *const queries[] = {
        "SELECT * FROM streams ORDER BY key",
        "SELECT * FROM channels ORDER BY key",
        "SELECT * FROM members ORDER BY channel, user",
        "SELECT * FROM messages WHERE (pos >> 36) IN (SELECT key FROM channels) ORDER BY pos",
        "SELECT * FROM mentions ORDER BY user, pos",
    };

    return dump_all(path, queries, ARRAY_LEN(queries));
}

void bed_sql(struct bed *bed, const char *sql)
{
    sqlite3 *db = NULL;
    char *error = NULL;

    assert_int_equal(sqlite3_open_v2(bed->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", sql, error);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}
