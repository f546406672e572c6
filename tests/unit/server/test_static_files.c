#include "tests/unit/testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "server/static_files.h"

static char root[64];
static struct static_files *files;

static void path_of(char out[200], const char *name)
{
    (void)snprintf(out, 200, "%s/%s", root, name);
}

static void put(const char *name, const char *text)
{
    char path[200];

    path_of(path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void put_dir(const char *name)
{
    char path[200];

    path_of(path, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void put_link(const char *name, const char *target)
{
    char path[200];

    path_of(path, name);
    assert_int_equal(symlink(target, path), 0);
}

static void load(void)
{
    char error[512] = "";

    if (static_files_load(root, &files, error) != ERR_OK)
        fail_msg("%s", error);
}

static int make_root(void **state)
{
    (void)state;
    strcpy(root, "/tmp/parley-static-XXXXXX");
    return mkdtemp(root) == NULL;
}

static int remove_root(void **state)
{
    char command[100];

    (void)state;
    static_files_destroy(&files);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", root);
    return system(command);
}

static int make_client(void **state)
{
    if (make_root(state) != 0)
        return -1;
    put("index.html", "<!doctype html>index");
    put("index.html.br", "BR");
    put("index.html.gz", "GZIP");
    put("favicon.svg", "<svg/>");
    put("empty.txt", "");
    put("alone.gz", "not a variant");
    put_dir("assets");
    put("assets/index-AbC_d-12.js", "let x");
    put("assets/index-AbC_d-12.js.gz", "GZ");
    put("assets/plain.css", "p{}");
    put("assets/a b.txt", "blank");
    put_dir("empty");
    load();
    return 0;
}

static struct static_response find(const char *path)
{
    struct static_response out;

    static_find(files, &(struct static_request){.path = path}, &out);
    return out;
}

static struct static_response find_as(const char *path, const char *accept, const char *etag)
{
    struct static_response out;
    struct static_request request = {path, accept, etag};

    static_find(files, &request, &out);
    return out;
}

static void expect_body(struct static_response got, const char *body)
{
    assert_int_equal(got.status, 200);
    assert_int_equal(got.body_len, strlen(body));
    assert_memory_equal(got.body, body, strlen(body));
}

/* The value of a header, cut at the line's end; NULL when it is not there. */
static const char *header(const struct static_response *from, const char *name)
{
    static char values[4][600];
    static unsigned next;
    char find_line[64];

    (void)snprintf(find_line, sizeof(find_line), "%s: ", name);
    assert_int_equal(from->headers_len, strlen(from->headers));
    for (const char *line = from->headers; *line != '\0'; line = strstr(line, "\r\n") + 2)
        if (strncmp(line, find_line, strlen(find_line)) == 0) {
            char *value = values[next++ % 4];
            const char *start = line + strlen(find_line);
            (void)snprintf(value, 600, "%.*s", (int)strcspn(start, "\r"), start);
            return value;
        }
    return NULL;
}

static void expect_header(struct static_response from, const char *name, const char *value)
{
    const char *got = header(&from, name);

    if (got == NULL)
        fail_msg("no header %s", name);
    assert_string_equal(got, value);
}

static void files_are_found_by_their_path(void **state)
{
    (void)state;
    expect_body(find("/index.html"), "<!doctype html>index");
    expect_body(find("/favicon.svg?v=1"), "<svg/>");
    expect_body(find("/assets/plain.css"), "p{}");
    expect_body(find("/assets/a%20b.txt"), "blank");
    expect_body(find("/empty.txt"), "");
    expect_body(find("/alone.gz"), "not a variant");
    assert_int_equal(static_files_count(files), 10);
    assert_int_equal(static_files_bytes(files), 60);
}

static void routes_of_the_client_give_the_index(void **state)
{
    (void)state;
    expect_body(find("/"), "<!doctype html>index");
    expect_body(find("/c/0123-abc"), "<!doctype html>index");
    expect_body(find("/c/0123-abc/"), "<!doctype html>index");
    expect_body(find("/empty"), "<!doctype html>index");
}

static void what_is_not_there_is_not_found(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/nothing.js",    "/assets/nothing",    "/assets/",           "/c/x.y",
        "/index.html.br", "/../etc/passwd",     "/%2e%2e/etc/passwd", "/assets/..%2findex.html",
        "/index.html%00", "/assets\\plain.css", "relative",           "/%",
    };

    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        struct static_response got = find(paths[i]);
        if (got.status != 404)
            fail_msg("%d: %s", got.status, paths[i]);
        expect_header(got, "Content-Type", "text/plain; charset=utf-8");
        expect_header(got, "X-Content-Type-Options", "nosniff");
    }
}

static void the_smallest_encoding_that_is_accepted_is_sent(void **state)
{
    (void)state;
    struct static_response got = find_as("/", "gzip, deflate, br", NULL);

    expect_body(got, "BR");
    expect_header(got, "Content-Encoding", "br");
    expect_header(got, "Vary", "Accept-Encoding");
    expect_header(got, "Content-Type", "text/html; charset=utf-8");
    got = find_as("/", "gzip", NULL);
    expect_body(got, "GZIP");
    expect_header(got, "Content-Encoding", "gzip");
    expect_body(find_as("/", "br;q=0.5, gzip", NULL), "GZIP");
    got = find_as("/", "br;q=0, gzip;q=0", NULL);
    expect_body(got, "<!doctype html>index");
    assert_null(header(&got, "Content-Encoding"));
    expect_header(got, "Vary", "Accept-Encoding");
    expect_body(find_as("/assets/index-AbC_d-12.js", "br, gzip", NULL), "GZ");
    got = find_as("/favicon.svg", "br, gzip", NULL);
    expect_body(got, "<svg/>");
    assert_null(header(&got, "Vary"));
}

static void each_representation_has_its_own_validator(void **state)
{
    (void)state;
    struct static_response plain = find("/");
    struct static_response br = find_as("/", "br", NULL);
    const char *etag = header(&br, "ETag");

    assert_string_not_equal(header(&plain, "ETag"), etag);
    assert_int_equal(strlen(etag), 34);
    struct static_response got = find_as("/", "br", etag);
    assert_int_equal(got.status, 304);
    assert_null(got.body);
    assert_int_equal(got.body_len, 0);
    expect_header(got, "ETag", etag);
    expect_header(got, "Cache-Control", "no-cache");
    expect_header(got, "Vary", "Accept-Encoding");
    assert_null(header(&got, "Content-Encoding"));
    assert_null(header(&got, "Content-Type"));
    assert_int_equal(find_as("/", NULL, etag).status, 200);
}

static void only_hashed_names_are_kept_for_ever(void **state)
{
    (void)state;
    expect_header(find("/assets/index-AbC_d-12.js"), "Cache-Control",
                  "public, max-age=31536000, immutable");
    expect_header(find("/assets/plain.css"), "Cache-Control", "no-cache");
    expect_header(find("/"), "Cache-Control", "no-cache");
    expect_header(find("/nothing.js"), "Cache-Control", "no-store");
}

static void every_answer_has_the_security_headers(void **state)
{
    (void)state;
    static const char *const paths[] = {"/", "/favicon.svg", "/nothing.js"};

    for (size_t i = 0; i < 3; i++) {
        struct static_response got = find(paths[i]);
        const char *policy = header(&got, "Content-Security-Policy");
        assert_non_null(policy);
        assert_non_null(strstr(policy, "default-src 'self'"));
        assert_non_null(strstr(policy, "frame-ancestors 'none'"));
        assert_null(strstr(policy, "unsafe"));
        expect_header(got, "X-Content-Type-Options", "nosniff");
        expect_header(got, "Referrer-Policy", "same-origin");
        expect_header(got, "Cross-Origin-Opener-Policy", "same-origin");
        assert_non_null(header(&got, "Permissions-Policy"));
    }
}

static void types_come_from_the_extension(void **state)
{
    (void)state;
    expect_header(find("/assets/plain.css"), "Content-Type", "text/css; charset=utf-8");
    expect_header(find("/assets/index-AbC_d-12.js"), "Content-Type",
                  "text/javascript; charset=utf-8");
    expect_header(find("/favicon.svg"), "Content-Type", "image/svg+xml");
    expect_header(find("/alone.gz"), "Content-Type", "application/octet-stream");
}

static void links_and_hidden_files_are_not_served(void **state)
{
    (void)state;
    put("index.html", "index");
    put(".secret.txt", "secret");
    put_link("passwd.txt", "/etc/passwd");
    put_link("up", "..");
    put_link("self.html", "index.html");
    load();
    assert_int_equal(find("/passwd.txt").status, 404);
    assert_int_equal(find("/.secret.txt").status, 404);
    assert_int_equal(find("/self.html").status, 404);
    assert_int_equal(static_files_count(files), 1);
}

static void without_a_client_a_page_says_how_to_build_it(void **state)
{
    (void)state;
    char error[512];

    log_configure(LOG_LEVEL_ERROR, false);
    assert_int_equal(static_files_load("/nonexistent/web", &files, error), ERR_OK);
    struct static_response got = find("/");
    assert_int_equal(got.status, 404);
    assert_non_null(strstr(got.body, "make web"));
    expect_header(got, "Content-Type", "text/html; charset=utf-8");
    static_files_destroy(&files);
    load(); /* an empty directory */
    assert_non_null(strstr(find("/").body, "make web"));
    log_configure(LOG_LEVEL_INFO, false);
}

static void too_much_is_refused_with_a_reason(void **state)
{
    (void)state;
    char error[512] = "";
    char path[200];

    put("index.html", "index");
    path_of(path, "large.bin");
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, STATIC_BYTES_MAX), 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(static_files_load(root, &files, error), ERR_UNAVAILABLE);
    assert_null(files);
    assert_non_null(strstr(error, "larger than 64 MB"));
    assert_int_equal(unlink(path), 0);
    for (int i = 0; i < STATIC_FILES_MAX; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "%d.txt", i);
        put(name, "");
    }
    assert_int_equal(static_files_load(root, &files, error), ERR_UNAVAILABLE);
    assert_non_null(strstr(error, "more than 2,000 files"));
    put_dir("x");
    assert_int_equal(static_files_load("/dev/null", &files, error), ERR_UNAVAILABLE);
    assert_string_equal(error, "web_root: /dev/null: Not a directory");
}

int main(void)
{
#define WITH_CLIENT(fn) cmocka_unit_test_setup_teardown(fn, make_client, remove_root)
#define WITH_ROOT(fn) cmocka_unit_test_setup_teardown(fn, make_root, remove_root)
    const struct CMUnitTest tests[] = {
        WITH_CLIENT(files_are_found_by_their_path),
        WITH_CLIENT(routes_of_the_client_give_the_index),
        WITH_CLIENT(what_is_not_there_is_not_found),
        WITH_CLIENT(the_smallest_encoding_that_is_accepted_is_sent),
        WITH_CLIENT(each_representation_has_its_own_validator),
        WITH_CLIENT(only_hashed_names_are_kept_for_ever),
        WITH_CLIENT(every_answer_has_the_security_headers),
        WITH_CLIENT(types_come_from_the_extension),
        WITH_ROOT(links_and_hidden_files_are_not_served),
        WITH_ROOT(without_a_client_a_page_says_how_to_build_it),
        WITH_ROOT(too_much_is_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
