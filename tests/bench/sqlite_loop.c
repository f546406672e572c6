/* sqlite_loop.c - what SQLite alone can store: the yardstick of durable sends.
 *
 * One thread, one connection, the settings that parleyd uses (WAL, FULL), and the
 * rows that parleyd writes for a message (its event and its projection, with
 * their unique indexes), in commits of a given size. No network, no JSON parsing,
 * no rules, no counters of channels and read positions. The messages go round the
 * channels, so that the tables grow at as many places as a server's do: pages
 * that a commit touches are what it costs.
 *
 * usage: sqlite_loop DATABASE CHANNELS BATCH SECONDS     DATABASE must not exist yet
 * Prints {"messages_per_s","batch","messages","commit_ms"}. */
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "tests/bench/lib/hist.h"
#include "tests/bench/lib/ns.h"

enum { SEQ_BITS = 36 };

static const char text[] = "~T00000000000000000000000 and so the talk goes on in ordinary words of "
                           "ordinary length, a hundred bytes";

static const char schema[] =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 8000;"
    "CREATE TABLE events (pos INTEGER PRIMARY KEY, type INTEGER NOT NULL, actor INTEGER,"
    " at INTEGER NOT NULL, subject TEXT, link INTEGER NOT NULL, client_msg_id TEXT,"
    " data TEXT NOT NULL);"
    "CREATE UNIQUE INDEX events_client_msg ON events (actor, client_msg_id)"
    " WHERE client_msg_id IS NOT NULL;"
    "CREATE TABLE messages (pos INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " msg_no INTEGER NOT NULL, author INTEGER NOT NULL, text TEXT, client_msg_id TEXT,"
    " created_at INTEGER NOT NULL, edited_at INTEGER NOT NULL, deleted_at INTEGER NOT NULL,"
    " mentions TEXT, last_edit INTEGER NOT NULL);";

static const char event_sql[] = "INSERT INTO events (pos, type, actor, at, link, client_msg_id,"
                                " data) VALUES (?1, 0, ?2, ?3, 1, ?4, ?5)";

static const char message_sql[] =
    "INSERT INTO messages (pos, id, msg_no, author, text, client_msg_id, created_at, edited_at,"
    " deleted_at, last_edit) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 0)";

struct loop {
    sqlite3 *db;
    sqlite3_stmt *event;
    sqlite3_stmt *message;
    sqlite3_stmt *begin;
    sqlite3_stmt *commit;
    uint64_t channels;
    uint64_t stored;
    struct hist commits;
};

static struct loop loop;

static void check(bool ok)
{
    if (ok)
        return;
    fprintf(stderr, "sqlite_loop: %s\n", sqlite3_errmsg(loop.db));
    exit(EXIT_FAILURE);
}

static void run(sqlite3_stmt *statement)
{
    check(sqlite3_step(statement) == SQLITE_DONE);
    check(sqlite3_reset(statement) == SQLITE_OK);
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *statement = NULL;

    check(sqlite3_prepare_v3(loop.db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) ==
          SQLITE_OK);
    return statement;
}

static void bind_text(sqlite3_stmt *statement, int index, const char *value)
{
    check(sqlite3_bind_text(statement, index, value, -1, SQLITE_STATIC) == SQLITE_OK);
}

static void bind_number(sqlite3_stmt *statement, int index, int64_t value)
{
    check(sqlite3_bind_int64(statement, index, value) == SQLITE_OK);
}

static void store_message(void)
{
    char id[ID_SIZE];
    char client_msg_id[24];
    char data[512];
    int64_t channel = 1 + (int64_t)(loop.stored % loop.channels);
    int64_t seq = 1 + (int64_t)(loop.stored / loop.channels);
    int64_t position = channel << SEQ_BITS | seq;
    int64_t now = clock_unix_ms();

    id_make(id);
    snprintf(client_msg_id, sizeof(client_msg_id), "%llx",
             (unsigned long long)clock_monotonic_ns());
    snprintf(data, sizeof(data),
             "\"message\":{\"id\":\"%s\",\"channel\":\"%s\",\"seq\":%lld,\"msg_no\":%lld,"
             "\"author\":\"%s\",\"text\":\"%s\",\"client_msg_id\":\"%s\","
             "\"created_at\":\"2026-01-02T03:04:05.678Z\"}",
             id, id, (long long)seq, (long long)seq, id, text, client_msg_id);
    bind_number(loop.event, 1, position);
    bind_number(loop.event, 2, channel);
    bind_number(loop.event, 3, now);
    bind_text(loop.event, 4, client_msg_id);
    bind_text(loop.event, 5, data);
    run(loop.event);
    bind_number(loop.message, 1, position);
    bind_text(loop.message, 2, id);
    bind_number(loop.message, 3, seq);
    bind_number(loop.message, 4, channel);
    bind_text(loop.message, 5, text);
    bind_text(loop.message, 6, client_msg_id);
    bind_number(loop.message, 7, now);
    run(loop.message);
    loop.stored++;
}

static void store_batch(unsigned long size)
{
    uint64_t start = clock_monotonic_ns();

    run(loop.begin);
    for (unsigned long i = 0; i < size; i++)
        store_message();
    run(loop.commit);
    hist_record(&loop.commits, clock_monotonic_ns() - start);
}

static void open_database(const char *path)
{
    check(sqlite3_open(path, &loop.db) == SQLITE_OK);
    check(sqlite3_exec(loop.db, schema, NULL, NULL, NULL) == SQLITE_OK);
    loop.event = prepare(event_sql);
    loop.message = prepare(message_sql);
    loop.begin = prepare("BEGIN IMMEDIATE");
    loop.commit = prepare("COMMIT");
}

static void close_database(void)
{
    sqlite3_finalize(loop.event);
    sqlite3_finalize(loop.message);
    sqlite3_finalize(loop.begin);
    sqlite3_finalize(loop.commit);
    sqlite3_close(loop.db);
}

int main(int argc, char **argv)
{
    loop.channels = argc == 5 ? strtoul(argv[2], NULL, 10) : 0;
    unsigned long batch = argc == 5 ? strtoul(argv[3], NULL, 10) : 0;
    if (loop.channels == 0 || batch == 0) {
        fprintf(stderr, "usage: sqlite_loop DATABASE CHANNELS BATCH SECONDS\n");
        return 2;
    }
    uint64_t wanted = ns_from_seconds(strtod(argv[4], NULL));
    open_database(argv[1]);
    uint64_t start = clock_monotonic_ns();
    while (clock_monotonic_ns() - start < wanted)
        store_batch(batch);
    double seconds = ns_to_seconds(clock_monotonic_ns() - start);
    close_database();
    printf("{\"messages_per_s\":%.1f,\"batch\":%lu,\"messages\":%llu,\"commit_ms\":",
           (double)loop.stored / seconds, batch, (unsigned long long)loop.stored);
    hist_print_json(&loop.commits, stdout);
    printf("}\n");
    return EXIT_SUCCESS;
}
