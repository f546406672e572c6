#include "cli/secret.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "cli/report.h"
#include "cli/term.h"

void secret_wipe(char secret[SECRET_SIZE])
{
    explicit_bzero(secret, SECRET_SIZE);
}

static void warn_if_open_to_others(const char *what, const char *file, FILE *stream)
{
    struct stat st;

    if (fstat(fileno(stream), &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) != 0) {
        (void)fputs("parleyctl: warning: others can read this file: ", stderr);
        report_hint("%s (the %s is in it; chmod 600 helps)", file, what);
    }
}

/* Unbuffered, so that no copy of the secret stays in a stdio buffer. */
static bool read_first_line(FILE *stream, char out[SECRET_SIZE])
{
    size_t len = 0;
    int c;

    (void)setvbuf(stream, NULL, _IONBF, 0);
    while ((c = getc(stream)) != EOF && c != '\n') {
        if (len + 1 == SECRET_SIZE || c == '\0') {
            errno = c == '\0' ? EINVAL : EMSGSIZE;
            return false;
        }
        out[len++] = (char)c;
    }
    if (len > 0 && out[len - 1] == '\r')
        len--;
    out[len] = '\0';
    if (c == EOF && ferror(stream))
        return false;
    errno = len > 0 ? 0 : ENODATA;
    return len > 0;
}

static const char *read_error(void)
{
    switch (errno) {
    case ENODATA:
        return "its first line is empty";
    case EMSGSIZE:
        return "its first line is too long";
    case EINVAL:
        return "there is a NUL in its first line";
    default:
        return strerror(errno);
    }
}

enum exit_code secret_from_file(const char *what, const char *file, char out[SECRET_SIZE])
{
    bool standard = strcmp(file, "-") == 0;
    FILE *stream = standard ? stdin : fopen(file, "re");
    bool ok = false;

    if (stream != NULL) {
        if (!standard)
            warn_if_open_to_others(what, file, stream);
        ok = read_first_line(stream, out);
    }
    if (!ok) {
        report_error("cannot read the %s from %s: %s", what, standard ? "standard input" : file,
                     read_error());
        secret_wipe(out);
    }
    if (stream != NULL && !standard)
        (void)fclose(stream);
    return ok ? EXIT_CODE_OK : EXIT_CODE_USAGE;
}

static enum exit_code check_password(const char *password)
{
    size_t len = strlen(password);

    if (len < PASSWORD_MIN || len > PASSWORD_MAX) {
        report_error("a password has %d to %d bytes, this one has %zu", PASSWORD_MIN, PASSWORD_MAX,
                     len);
        return EXIT_CODE_USAGE;
    }
    if (!utf8_is_valid(password, len)) {
        report_error("the password is not valid UTF-8");
        return EXIT_CODE_USAGE;
    }
    return EXIT_CODE_OK;
}

static enum exit_code ask_twice(const char *name, char out[SECRET_SIZE])
{
    char prompt[96];
    char again[SECRET_SIZE];

    (void)snprintf(prompt, sizeof(prompt), "New password for %.40s: ", name);
    if (!term_ask(prompt, true, out, SECRET_SIZE) ||
        !term_ask("The same again: ", true, again, SECRET_SIZE)) {
        report_error("no password was given: %s",
                     errno == ENODATA ? "end of input" : strerror(errno));
        report_hint("Without a terminal, use --password-file FILE, or - for standard input.");
        return EXIT_CODE_USAGE;
    }
    bool same = strcmp(out, again) == 0;
    secret_wipe(again);
    if (same)
        return EXIT_CODE_OK;
    report_error("the two are not the same; nothing was changed");
    return EXIT_CODE_USAGE;
}

enum exit_code secret_new_password(const char *name, const char *file, char out[SECRET_SIZE])
{
    enum exit_code code;

    if (file == NULL && isatty(STDIN_FILENO))
        code = ask_twice(name, out);
    else
        code = secret_from_file("password", file != NULL ? file : "-", out);
    if (code == EXIT_CODE_OK)
        code = check_password(out);
    if (code != EXIT_CODE_OK)
        secret_wipe(out);
    return code;
}
