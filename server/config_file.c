#include "server/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

enum { FILE_MAX = 1024 * 1024 };

int config_file_read(const char *path, char **text_out, size_t *len_out)
{
    enum { CHUNK = 4096 };
    struct buf text = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return errno;
    while ((n = read(fd, buf_reserve(&text, CHUNK), CHUNK)) > 0 && text.len <= FILE_MAX)
        text.len += (size_t)n;
    int failed = n < 0 ? errno : text.len > FILE_MAX ? EFBIG : 0;
    (void)close(fd);
    if (failed != 0) {
        buf_free(&text);
        return failed;
    }
    *buf_reserve(&text, 0) = '\0';
    *len_out = text.len;
    *text_out = buf_detach(&text);
    return 0;
}

const char *config_file_value(const char *path, char **value_out)
{
    char *text = NULL;
    size_t len = 0;
    const char *why = NULL;
    int failed = config_file_read(path, &text, &len);

    if (failed != 0 || text == NULL) {
        static _Thread_local char sentence[128];
        char reason[96];
        (void)snprintf(sentence, sizeof(sentence), "cannot be read: %s",
                       strerror_r(failed, reason, sizeof(reason)));
        return sentence;
    }
    if (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    if (len > 0 && text[len - 1] == '\r')
        text[--len] = '\0';
    if (len == 0)
        why = "is empty";
    else if (memchr(text, '\0', len) != NULL)
        why = "has a NUL byte";
    if (why == NULL) {
        *value_out = text;
    } else {
        explicit_bzero(text, len);
        free(text);
    }
    return why;
}

/* libinih tells its handler no line number; it reads a line and handles it before it reads the
 * next, so that the reader knows. */
struct parse {
    const char *at;
    const char *end;
    unsigned number; /* of the line read last */
    config_line_fn line;
    void *arg;
};

static void refuse(struct parse *parse, const char *why)
{
    parse->line(parse->arg, parse->number, "", NULL, why);
}

/* In the place of fgets(). A line that libinih cannot hold, or with a NUL, is told and reads as
 * empty. */
static char *read_line(char *line, int size, void *stream)
{
    struct parse *parse = stream;
    size_t room = (size_t)size - 2; /* for the newline and the NUL */

    if (parse->at == parse->end)
        return NULL;
    const char *start = parse->at;
    const char *newline = memchr(start, '\n', (size_t)(parse->end - start));
    const char *stop = newline != NULL ? newline : parse->end;
    size_t n = (size_t)(stop - start);
    parse->at = newline != NULL ? newline + 1 : parse->end;
    parse->number++;
    if (n > room || memchr(start, '\0', n) != NULL) {
        refuse(parse, n > room ? "the line is too long; a list may go on in indented lines"
                               : "the line has a NUL byte");
        n = 0;
    }
    memcpy(line, start, n);
    memcpy(line + n, "\n", 2);
    return line;
}

static int handle(void *user, const char *section, const char *name, const char *value)
{
    struct parse *parse = user;

    parse->line(parse->arg, parse->number, section, name, value);
    return 1;
}

void config_file_parse(const char *text, size_t len, config_line_fn line, void *arg)
{
    struct parse parse = {.at = text, .end = text + len, .line = line, .arg = arg};
    int bad = ini_parse_stream(read_line, &parse, handle, &parse);

    if (bad > 0) {
        parse.number = (unsigned)bad;
        refuse(&parse, "the line is not understood; lines are `key = value`, or comments with #");
    }
}
