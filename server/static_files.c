#include "server/static_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "server/gzip.h"
#include "server/http_match.h"

#define uthash_malloc(size) mem_alloc(size)
#define uthash_free(ptr, size) free(ptr)
#include <uthash.h>

enum { PATH_SIZE = 1024, DEPTH_MAX = 16, ETAG_SIZE = 36 };

enum coding { CODING_BR, CODING_GZIP, CODING_IDENTITY, CODINGS };
static const struct {
    const char *name;
    const char *suffix;
} codings[] = {{"br", ".br"}, {"gzip", ".gz"}, {"identity", ""}};

/* One representation of a file. */
struct variant {
    char *body; /* NULL: there is none */
    size_t len;
    char etag[ETAG_SIZE];
    char *headers;
    size_t headers_len;
    char *unmodified; /* headers of a 304 */
    size_t unmodified_len;
};

struct file {
    UT_hash_handle hh;
    char *path; /* "/assets/index.js" */
    struct variant variants[CODINGS];
};

struct static_files {
    struct file *by_path;
    const struct file *index;
    struct variant not_found; /* or, without an index, how to build the client */
    struct variant no_client;
    size_t count;
    size_t bytes;
};

/* -- headers --------------------------------------------------------------------------------- */

#define SECURITY_HEADERS                                                                           \
    "Content-Security-Policy: default-src 'self'; connect-src 'self'; img-src 'self'; "            \
    "script-src 'self'; style-src 'self'; object-src 'none'; base-uri 'none'; "                    \
    "form-action 'self'; frame-ancestors 'none'\r\n"                                               \
    "X-Content-Type-Options: nosniff\r\n"                                                          \
    "Referrer-Policy: same-origin\r\n"                                                             \
    "Cross-Origin-Opener-Policy: same-origin\r\n"                                                  \
    "Cross-Origin-Resource-Policy: same-origin\r\n"                                                \
    "Permissions-Policy: camera=(), microphone=(), geolocation=(), payment=(), usb=()\r\n"

static const char *content_type(const char *path)
{
    static const struct {
        const char *extension;
        const char *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".webp", "image/webp"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".json", "application/json"},
        {".map", "application/json"},
        {".webmanifest", "application/manifest+json"},
        {".txt", "text/plain; charset=utf-8"},
        {".mp3", "audio/mpeg"},
        {".wasm", "application/wasm"},
    };
    const char *extension = strrchr(path, '.');

    for (size_t i = 0; extension != NULL && i < ARRAY_LEN(types); i++)
        if (strcmp(types[i].extension, extension) == 0)
            return types[i].type;
    return "application/octet-stream";
}

/* /assets/name-HASH.ext, as the bundler names what never changes: HASH has 8 characters. */
static bool is_hashed(const char *path)
{
    enum { HASH_N = 8 };
    const char *dot = strrchr(path, '.');

    if (strncmp(path, "/assets/", 8) != 0 || dot == NULL || dot - path < 8 + 1 + HASH_N + 1 ||
        dot[-HASH_N - 1] != '-')
        return false;
    for (const char *c = dot - HASH_N; c < dot; c++)
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-", *c) == NULL)
            return false;
    return true;
}

static void make_etag(struct variant *variant)
{
    unsigned char hash[16];

    (void)crypto_generichash(hash, sizeof(hash), (const unsigned char *)variant->body, variant->len,
                             NULL, 0);
    variant->etag[0] = '"';
    (void)sodium_bin2hex(variant->etag + 1, 2 * sizeof(hash) + 1, hash, sizeof(hash));
    memcpy(variant->etag + 1 + 2 * sizeof(hash), "\"", 2);
}

static void make_headers(struct variant *variant, const char *path, const char *type,
                         enum coding coding, bool varies)
{
    struct buf same = {0};
    struct buf full = {0};

    make_etag(variant);
    buf_printf(&same, "ETag: %s\r\n", variant->etag);
    buf_printf(&same, "Cache-Control: %s\r\n",
               is_hashed(path) ? "public, max-age=31536000, immutable" : "no-cache");
    if (varies)
        buf_puts(&same, "Vary: Accept-Encoding\r\n");
    buf_puts(&same, SECURITY_HEADERS);
    buf_printf(&full, "Content-Type: %s\r\n", type);
    if (coding != CODING_IDENTITY)
        buf_printf(&full, "Content-Encoding: %s\r\n", codings[coding].name);
    buf_put(&full, same.data, same.len);
    variant->unmodified_len = same.len;
    variant->unmodified = buf_detach(&same);
    variant->headers_len = full.len;
    variant->headers = buf_detach(&full);
}

/* A page of our own, never cached. */
static void make_page(struct variant *variant, const char *type, const char *text)
{
    struct buf headers = {0};

    variant->body = mem_strdup(text);
    variant->len = strlen(text);
    buf_printf(&headers, "Content-Type: %s\r\nCache-Control: no-store\r\n" SECURITY_HEADERS, type);
    variant->headers_len = headers.len;
    variant->headers = buf_detach(&headers);
}

static void variant_free(struct variant *variant)
{
    free(variant->body);
    free(variant->headers);
    free(variant->unmodified);
}

/* -- loading --------------------------------------------------------------------------------- */

struct loading {
    struct static_files *files;
    char path[PATH_SIZE]; /* of what is being read, below the root, beginning with '/' */
    char *error_out;
    const char *root;
};

static bool load_fail(struct loading *load, const char *why)
{
    (void)snprintf(load->error_out, 512, "web_root: %.200s%.200s: %s", load->root, load->path, why);
    return false;
}

static struct file *file_add(struct static_files *files, const char *path)
{
    struct file *file;

    HASH_FIND_STR(files->by_path, path, file);
    if (file == NULL) {
        file = mem_zalloc(sizeof(*file));
        file->path = mem_strdup(path);
        HASH_ADD_KEYPTR(hh, files->by_path, file->path, strlen(file->path), file);
    }
    return file;
}

static bool read_all(int fd, char *to, size_t len)
{
    while (len > 0) {
        ssize_t n = read(fd, to, len);
        if (n <= 0)
            return false;
        to += n;
        len -= (size_t)n;
    }
    return true;
}

static bool load_file(struct loading *load, int fd, const struct stat *st)
{
    struct static_files *files = load->files;

    if (files->count == STATIC_FILES_MAX)
        return load_fail(load, "there are more than 2,000 files; this is not a built web client");
    if (st->st_size > (off_t)(STATIC_BYTES_MAX - files->bytes))
        return load_fail(load, "the files are larger than 64 MB together");
    size_t len = (size_t)st->st_size;
    char *body = mem_alloc(len + 1);
    if (!read_all(fd, body, len)) {
        free(body);
        return load_fail(load, "cannot be read, or shrank meanwhile");
    }
    struct variant *variant = &file_add(files, load->path)->variants[CODING_IDENTITY];
    variant->body = body;
    variant->len = len;
    files->bytes += len;
    files->count++;
    return true;
}

static bool load_dir(struct loading *load, int fd, int depth);

/* NAME in the directory FD. What is neither a file nor a directory is passed over, links too. */
static bool load_entry(struct loading *load, int fd, const char *name, int depth)
{
    struct stat st;
    bool good = true;
    int entry = openat(fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (entry < 0)
        return errno == ELOOP || errno == ENXIO ? true : load_fail(load, strerror(errno));
    if (fstat(entry, &st) != 0)
        good = load_fail(load, strerror(errno));
    else if (S_ISREG(st.st_mode))
        good = load_file(load, entry, &st);
    else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
        return load_dir(load, entry, depth + 1); /* closes it */
    (void)close(entry);
    return good;
}

/* Takes over FD. Names that begin with a dot are nobody's business. */
static bool load_dir(struct loading *load, int fd, int depth)
{
    size_t base = strlen(load->path);
    bool good = true;
    DIR *dir = fdopendir(fd);
    const struct dirent *entry;

    if (dir == NULL) {
        (void)close(fd);
        return load_fail(load, strerror(errno));
    }
    while (good && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        int n = snprintf(load->path + base, PATH_SIZE - base, "/%s", entry->d_name);
        good = n > 0 && (size_t)n < PATH_SIZE - base ? load_entry(load, fd, entry->d_name, depth)
                                                     : load_fail(load, "the path is too long");
        if (good)
            load->path[base] = '\0';
    }
    (void)closedir(dir);
    return good;
}

static void file_free(struct static_files *files, struct file *file)
{
    HASH_DEL(files->by_path, file);
    for (size_t i = 0; i < CODINGS; i++)
        variant_free(&file->variants[i]);
    free(file->path);
    free(file);
}

/* index.js.br beside index.js is not a file of its own but a variant. */
static void join_variants(struct static_files *files)
{
    struct file *file;
    struct file *next;
    struct file *plain;

    HASH_ITER(hh, files->by_path, file, next)
    {
        for (size_t i = 0; i < CODING_IDENTITY; i++) {
            size_t n = strlen(file->path);
            size_t suffix_n = strlen(codings[i].suffix);
            if (n <= suffix_n || strcmp(file->path + n - suffix_n, codings[i].suffix) != 0)
                continue;
            HASH_FIND(hh, files->by_path, file->path, n - suffix_n, plain);
            if (plain == NULL)
                continue;
            plain->variants[i] = file->variants[CODING_IDENTITY];
            file->variants[CODING_IDENTITY] = (struct variant){0};
            file_free(files, file);
            break;
        }
    }
}

static void finish_files(struct static_files *files)
{
    struct file *file;
    struct file *next;

    join_variants(files);
    HASH_ITER(hh, files->by_path, file, next)
    {
        bool varies =
            file->variants[CODING_BR].body != NULL || file->variants[CODING_GZIP].body != NULL;
        for (size_t i = 0; i < CODINGS; i++)
            if (file->variants[i].body != NULL)
                make_headers(&file->variants[i], file->path, content_type(file->path),
                             (enum coding)i, varies);
    }
    HASH_FIND_STR(files->by_path, "/index.html", file);
    files->index = file;
}

enum err static_files_load(const char *root, struct static_files **files_out, char error_out[512])
{
    struct static_files *files = mem_zalloc(sizeof(*files));
    struct loading load = {.files = files, .error_out = error_out, .root = root};
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good =
        fd >= 0 ? load_dir(&load, fd, 0) : errno == ENOENT || load_fail(&load, strerror(errno));

    finish_files(files);
    make_page(&files->not_found, "text/plain; charset=utf-8", "There is no such page.\n");
    make_page(&files->no_client, "text/html; charset=utf-8",
              "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
              "<title>Parley</title></head><body><h1>The web client is not built</h1>"
              "<p>The server runs, but it found no web client in its <code>web_root</code>.</p>"
              "<p>In Parley's source directory, <code>make web</code> builds it into "
              "<code>web/dist</code>; <code>make run</code> does that and starts the server. "
              "A web client elsewhere: <code>parleyd --web-root DIR</code>.</p></body></html>\n");
    if (!good) {
        static_files_destroy(&files);
        *files_out = NULL;
        return ERR_UNAVAILABLE;
    }
    if (files->index == NULL)
        log_warn("there is no web client", LOG_STR("web_root", root));
    *files_out = files;
    return ERR_OK;
}

/* As gzip, into VARIANT; left empty when it cannot be made. */
static void compress_gzip(struct variant *variant, const char *body, size_t len)
{
    enum { SMALLEST = 9 };
    struct buf small = {0};

    if (!gzip_put(&small, body, len, SMALLEST)) {
        buf_free(&small);
        return;
    }
    variant->len = small.len;
    variant->body = buf_detach(&small);
}

void static_files_add(struct static_files *files, const char *path, const char *type,
                      const char *body, size_t len)
{
    struct file *file = file_add(files, path);
    struct variant *plain = &file->variants[CODING_IDENTITY];
    struct variant *gzip = &file->variants[CODING_GZIP];

    for (size_t i = 0; i < CODINGS; i++) {
        variant_free(&file->variants[i]);
        file->variants[i] = (struct variant){0};
    }
    plain->body = mem_alloc(len + 1);
    memcpy(plain->body, body, len);
    plain->len = len;
    compress_gzip(gzip, body, len);
    make_headers(plain, path, type, CODING_IDENTITY, gzip->body != NULL);
    if (gzip->body != NULL)
        make_headers(gzip, path, type, CODING_GZIP, true);
}

void static_files_destroy(struct static_files **files_ref)
{
    struct static_files *files = *files_ref;

    if (files == NULL)
        return;
    *files_ref = NULL;
    while (files->by_path != NULL)
        file_free(files, files->by_path);
    variant_free(&files->not_found);
    variant_free(&files->no_client);
    free(files);
}

size_t static_files_count(const struct static_files *files)
{
    return files->count;
}

size_t static_files_bytes(const struct static_files *files)
{
    return files->bytes;
}

/* -- finding --------------------------------------------------------------------------------- */

/* The client's own routes, such as /c/<id>: the last part has no dot, and it is not /assets/. */
static bool is_route(const char *path)
{
    return strchr(strrchr(path, '/'), '.') == NULL && strncmp(path, "/assets/", 8) != 0;
}

static const struct file *find_file(const struct static_files *files, const char *target)
{
    char path[PATH_SIZE];
    struct file *file;

    if (!http_path_decode(target, path, sizeof(path)))
        return NULL;
    HASH_FIND_STR(files->by_path, path, file);
    return file == NULL && is_route(path) ? files->index : file;
}

bool static_files_has(const struct static_files *files, const char *target)
{
    char path[PATH_SIZE];
    struct file *file;

    if (!http_path_decode(target, path, sizeof(path)))
        return false;
    HASH_FIND_STR(files->by_path, path, file);
    return file != NULL;
}

/* The smallest of what the client likes best: br before gzip before the file itself. */
static const struct variant *choose(const struct file *file, const char *accept_encoding)
{
    const struct variant *best = &file->variants[CODING_IDENTITY];
    int best_quality = 0;

    for (size_t i = 0; i < CODING_IDENTITY; i++) {
        const struct variant *variant = &file->variants[i];
        int quality =
            variant->body != NULL ? http_encoding_quality(accept_encoding, codings[i].name) : 0;
        if (quality > best_quality) {
            best = variant;
            best_quality = quality;
        }
    }
    return best;
}

static void answer_page(const struct variant *page, struct static_response *out)
{
    *out = (struct static_response){
        .status = 404,
        .body = page->body,
        .body_len = page->len,
        .headers = page->headers,
        .headers_len = page->headers_len,
    };
}

void static_find(const struct static_files *files, const struct static_request *request,
                 struct static_response *out)
{
    const struct file *file = find_file(files, request->path);

    if (file == NULL) {
        answer_page(files->index != NULL ? &files->not_found : &files->no_client, out);
        return;
    }
    const struct variant *variant = choose(file, request->accept_encoding);
    if (http_etag_matches(request->if_none_match, variant->etag))
        *out = (struct static_response){
            .status = 304,
            .headers = variant->unmodified,
            .headers_len = variant->unmodified_len,
        };
    else
        *out = (struct static_response){
            .status = 200,
            .body = variant->body,
            .body_len = variant->len,
            .headers = variant->headers,
            .headers_len = variant->headers_len,
        };
}
