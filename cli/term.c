#include "cli/term.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/macros.h"

struct term term_of(FILE *stream, const char *when)
{
    struct term term = {0};
    const char *kind = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    int fd = fileno(stream);

    if (fd >= 0 && isatty(fd)) {
        struct winsize size;
        term.width = ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
        term.colour = (no_color == NULL || *no_color == '\0') && kind != NULL && *kind != '\0' &&
                      strcmp(kind, "dumb") != 0;
    }
    if (strcmp(when, "always") == 0)
        term.colour = true;
    else if (strcmp(when, "never") == 0)
        term.colour = false;
    return term;
}

const char *term_style(const struct term *term, enum style style)
{
    static const char *const sequences[] = {
        [STYLE_PLAIN] = "\033[0m", [STYLE_BOLD] = "\033[1m",   [STYLE_DIM] = "\033[2m",
        [STYLE_RED] = "\033[31m",  [STYLE_GREEN] = "\033[32m", [STYLE_YELLOW] = "\033[33m",
        [STYLE_CYAN] = "\033[36m",
    };

    return term->colour ? sequences[style] : "";
}

/* What the signal handler needs to put the terminal back. */
static int tty_fd = -1;
static struct termios tty_before;

static void restore_and_die(int sig)
{
    (void)tcsetattr(tty_fd, TCSANOW, &tty_before);
    (void)raise(sig); /* the handler is one-shot: this ends the program as it would have */
}

static const int deadly[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

static void silence(int fd, struct sigaction before[ARRAY_LEN(deadly)])
{
    struct termios quiet = tty_before;
    struct sigaction act = {.sa_handler = restore_and_die, .sa_flags = (int)SA_RESETHAND};

    tty_fd = fd;
    (void)sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < ARRAY_LEN(deadly); i++)
        (void)sigaction(deadly[i], &act, &before[i]);
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
    quiet.c_lflag |= ECHONL;
    (void)tcsetattr(fd, TCSAFLUSH, &quiet);
}

static void unsilence(int fd, const struct sigaction before[ARRAY_LEN(deadly)])
{
    (void)tcsetattr(fd, TCSAFLUSH, &tty_before);
    for (size_t i = 0; i < ARRAY_LEN(deadly); i++)
        (void)sigaction(deadly[i], &before[i], NULL);
    tty_fd = -1;
}

/* One line without its line feed. */
static bool read_line(int fd, char *out, size_t size)
{
    size_t len = 0;
    bool fits = true;
    char c;

    for (;;) {
        ssize_t n = read(fd, &c, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? ENODATA : errno;
            return false;
        }
        if (c == '\n')
            break;
        if (len + 1 < size)
            out[len++] = c;
        else
            fits = false;
    }
    out[len] = '\0';
    if (!fits)
        errno = EMSGSIZE;
    return fits;
}

bool term_ask(const char *prompt, bool secret, char *answer_out, size_t size)
{
    struct sigaction before[ARRAY_LEN(deadly)];
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

    answer_out[0] = '\0';
    if (fd < 0)
        return false;
    bool quiet = secret && tcgetattr(fd, &tty_before) == 0;
    if (quiet)
        silence(fd, before);
    bool ok = write(fd, prompt, strlen(prompt)) >= 0 && read_line(fd, answer_out, size);
    int error = errno;
    if (quiet)
        unsilence(fd, before);
    (void)close(fd);
    errno = error;
    return ok;
}
