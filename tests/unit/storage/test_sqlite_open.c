/* test_sqlite_open.c - what is wrong with a database is said in a sentence that names the file and
 * the remedy; what an older version wrote is migrated. */
#include "tests/unit/testing.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/storage/bed.h"
#include "tests/unit/storage/fault_vfs.h"

static int create_closed(void **state)
{
    *state = bed_create_closed();
    return 0;
}

static int destroy(void **state)
{
    fault_writes(0);
    bed_destroy((struct bed **)state);
    return 0;
}

/* Opening fails, naming the file and saying WHAT and REMEDY. */
static void expect_refused(struct bed *bed, const char *what, const char *remedy)
{
    char error[512];

    assert_int_not_equal(bed_open(bed, error), ERR_OK);
    assert_null(bed->store);
    if (strstr(error, what) == NULL || strstr(error, remedy) == NULL ||
        strstr(error, bed->dir) == NULL)
        fail_msg("the error does not say \"%s\" and \"%s\" of %s: %s", what, remedy, bed->dir,
                 error);
}

static void write_file(const char *path, const char *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    assert_int_equal(close(fd), 0);
}

static void a_new_database_is_nobody_elses_to_read(void **state)
{
    struct bed *bed = *state;
    struct stat st;

    bed_must_open(bed);
    assert_int_equal(stat(bed->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_missing_directory_is_named(void **state)
{
    struct bed *bed = *state;
    char url[160];

    (void)snprintf(url, sizeof(url), "sqlite:%s/missing/parley.db", bed->dir);
    bed->options.url = url;
    expect_refused(bed, "No such file or directory", "create it");
}

static void a_file_that_is_no_database_is_left_alone(void **state)
{
    struct bed *bed = *state;
    static const char letter[] = "Dear diary, this is certainly not a database, and that goes on "
                                 "for more than one hundred bytes, as a real header would.";
    char kept[sizeof(letter)] = "";

    write_file(bed->path, letter, sizeof(letter));
    expect_refused(bed, "not a database", "move it away");
    int fd = open(bed->path, O_RDONLY);
    assert_int_equal(read(fd, kept, sizeof(kept)), sizeof(kept));
    (void)close(fd);
    assert_string_equal(kept, letter);
}

static void a_damaged_header_is_named(void **state)
{
    struct bed *bed = *state;
    unsigned char rubbish[2000];

    bed_must_open(bed);
    (void)bed_user(bed, "ann");
    bed_close(bed);
    memset(rubbish, 0x5a, sizeof(rubbish));
    int fd = open(bed->path, O_WRONLY);
    assert_int_equal(pwrite(fd, rubbish, sizeof(rubbish), 100), sizeof(rubbish));
    (void)close(fd);
    expect_refused(bed, "damaged", "restore a backup");
}

static void the_database_of_another_program_is_left_alone(void **state)
{
    struct bed *bed = *state;
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(bed->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE recipes (id)", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    expect_refused(bed, "another program", "data directory of its own");
}

static void a_newer_database_is_refused(void **state)
{
    struct bed *bed = *state;

    bed_must_open(bed);
    bed_close(bed);
    bed_sql(bed, "PRAGMA user_version = 1000");
    expect_refused(bed, "newer Parley (schema 1000", "start the newer parleyd");
    bed_sql(bed, "PRAGMA user_version = 4");
    bed_must_open(bed);
}

static void an_older_database_is_migrated_with_all_that_is_in_it(void **state)
{
    struct bed *bed = *state;

    bed_must_open(bed);
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");
    (void)bed_send(bed, ann, general, "from long ago");
    bed_close(bed);
    bed_sql(bed, "DROP TABLE hooks; DROP TABLE hook_failures; ALTER TABLE users DROP COLUMN hook;"
                 "ALTER TABLE messages DROP COLUMN as_name;"
                 "ALTER TABLE messages DROP COLUMN as_icon;"
                 "DROP INDEX users_bots; ALTER TABLE users DROP COLUMN owner;"
                 "ALTER TABLE sessions DROP COLUMN label; ALTER TABLE sessions DROP COLUMN scopes;"
                 "ALTER TABLE sessions DROP COLUMN channels;"
                 "DROP TABLE purges; PRAGMA user_version = 1"); /* what version 1 wrote */
    bed_must_open(bed);
    assert_int_equal(bed_view(bed, ann, general).msg_no, 1);
    bed_close(bed);
    bed_sql(bed,
            "SELECT key FROM purges; SELECT owner, hook FROM users;"
            "SELECT scopes FROM sessions; SELECT word FROM hooks; SELECT as_name FROM messages");
    bed_must_open(bed);
}

/* A table in the way of the next migration. */
static void a_migration_that_fails_changes_nothing(void **state)
{
    struct bed *bed = *state;
    char error[512];

    bed_must_open(bed);
    (void)bed_user(bed, "ann");
    bed_close(bed);
    bed_sql(bed, "PRAGMA user_version = 1");
    char *before = bed_dump(bed->path);
    assert_int_not_equal(bed_open(bed, error), ERR_OK);
    assert_non_null(strstr(error, bed->path));
    char *after = bed_dump(bed->path);
    assert_string_equal(before, after);
    bed_sql(bed, "PRAGMA user_version = 4");
    bed_must_open(bed);
    free(before);
    free(after);
}

static void a_second_parleyd_is_refused_and_told_which_is_the_first(void **state)
{
    struct bed *bed = *state;
    struct bed second = {.path = "", .options = bed->options};
    char pid[32];

    bed_must_open(bed);
    (void)snprintf(second.dir, sizeof(second.dir), "%s", bed->dir);
    (void)snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
    expect_refused(&second, "in use by another parleyd", pid);
    (void)bed_user(bed, "ann"); /* the first goes on */
    bed_reopen(bed);            /* and closing gives the lock back */
}

static void a_read_only_file_is_refused(void **state)
{
    struct bed *bed = *state;

    fault_writes(SQLITE_READONLY);
    expect_refused(bed, "read-only", "writable for this user");
}

static void a_full_disk_is_said_at_once(void **state)
{
    struct bed *bed = *state;

    fault_writes(SQLITE_FULL);
    expect_refused(bed, "no space left", "free some space");
    fault_writes(0);
    bed_must_open(bed); /* nothing half is left behind */
    (void)bed_user(bed, "ann");
}

static void a_directory_in_its_place_is_refused(void **state)
{
    struct bed *bed = *state;

    assert_int_equal(mkdir(bed->path, 0700), 0);
    expect_refused(bed, "Is a directory", "writable");
}

static void an_address_of_no_store_is_refused(void **state)
{
    struct bed *bed = *state;
    char error[512];

    bed->options.url = "postgres://ann:secret@localhost";
    assert_int_equal(bed_open(bed, error), ERR_INVALID_PARAMS);
    assert_non_null(strstr(error, "postgres: not the address of a store"));
    assert_null(strstr(error, "secret"));
    bed->options.url = "sqlite:";
    assert_int_equal(bed_open(bed, error), ERR_INVALID_PARAMS);
}

static void opening_again_keeps_everything_and_the_schema(void **state)
{
    struct bed *bed = *state;

    bed_must_open(bed);
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");
    (void)bed_send(bed, ann, general, "x");
    bed_close(bed);
    char *before = bed_dump(bed->path);
    bed_must_open(bed);
    bed_close(bed);
    char *after = bed_dump(bed->path);
    assert_string_equal(before, after);
    free(before);
    free(after);
}

/* Whether WORD stands anywhere in the file at PATH. */
static bool file_has(const char *path, const char *word)
{
    FILE *file = fopen(path, "rb");
    size_t at = 0;
    int c;

    assert_non_null(file);
    while ((c = fgetc(file)) != EOF && word[at] != '\0')
        at = c == word[at] ? at + 1 : c == word[0] ? 1 : 0;
    (void)fclose(file);
    return word[at] == '\0';
}

static void deleted_words_are_nowhere_in_the_file(void **state)
{
    struct bed *bed = *state;

    bed_must_open(bed);
    const char *ann = bed_user(bed, "ann");
    const char *general = bed_channel(bed, ann, "general");
    struct store_message m = bed_send(bed, ann, general, "unspeakable");
    for (int i = 0; i < 50; i++)
        (void)bed_send(bed, ann, general, "harmless");
    bed_close(bed);
    assert_true(file_has(bed->path, "unspeakable"));
    bed_must_open(bed);
    struct store_req *req = bed_req(bed, STORE_MESSAGE_DELETE, ann);
    req->in.message.message = m.id;
    assert_int_equal(bed_do(bed, req), ERR_OK);
    bed_close(bed);
    assert_false(file_has(bed->path, "unspeakable"));
    assert_true(file_has(bed->path, "harmless"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, create_closed, destroy)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_database_is_nobody_elses_to_read),
        TEST(a_missing_directory_is_named),
        TEST(a_file_that_is_no_database_is_left_alone),
        TEST(a_damaged_header_is_named),
        TEST(the_database_of_another_program_is_left_alone),
        TEST(a_newer_database_is_refused),
        TEST(an_older_database_is_migrated_with_all_that_is_in_it),
        TEST(a_migration_that_fails_changes_nothing),
        TEST(a_second_parleyd_is_refused_and_told_which_is_the_first),
        TEST(a_read_only_file_is_refused),
        TEST(a_full_disk_is_said_at_once),
        TEST(a_directory_in_its_place_is_refused),
        TEST(an_address_of_no_store_is_refused),
        TEST(opening_again_keeps_everything_and_the_schema),
        TEST(deleted_words_are_nowhere_in_the_file),
    };
    fault_vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
