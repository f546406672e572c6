#include "server/metrics_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

/* Counting descriptors costs a few milliseconds with 10,000 of them; once in this time is enough.
 */
static const uint64_t count_every_ns = 5000000000;

static int64_t started_unix_ms;
static uint64_t started_ns;
static _Atomic uint64_t counted_ns;
static _Atomic uint64_t counted;

void metrics_process_init(void)
{
    started_unix_ms = clock_unix_ms();
    started_ns = clock_monotonic_ns();
}

static uint64_t count_descriptors(void)
{
    uint64_t n = 0;
    DIR *dir = opendir("/proc/self/fd");

    if (dir == NULL)
        return 0;
    while (readdir(dir) != NULL)
        n++;
    (void)closedir(dir);
    return n > 3 ? n - 3 : 0; /* ".", ".." and the directory itself */
}

static uint64_t descriptors(void)
{
    uint64_t now = clock_monotonic_ns();
    uint64_t last = atomic_load(&counted_ns);

    if ((last == 0 || now - last > count_every_ns) &&
        atomic_compare_exchange_strong(&counted_ns, &last, now))
        atomic_store(&counted, count_descriptors());
    return atomic_load(&counted);
}

/* Resident memory, the second number of statm. */
static uint64_t resident_bytes(void)
{
    char text[128];
    char *end = text;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

    if (fd >= 0)
        (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    (void)strtoull(text, &end, 10);
    return strtoull(end, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void render(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s ", name, help, name, type, name);
}

static void render_ms(struct buf *out, uint64_t ms)
{
    buf_printf(out, "%llu.%03llu\n", (unsigned long long)(ms / 1000),
               (unsigned long long)(ms % 1000));
}

static void render_uint(struct buf *out, uint64_t value)
{
    buf_json_uint(out, value);
    buf_putc(out, '\n');
}

void metrics_process_render(struct buf *out)
{
    struct rlimit files = {0};
    struct timespec cpu = {0};

    (void)getrlimit(RLIMIT_NOFILE, &files);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    render(out, "parley_uptime_seconds", "gauge", "Time since the start.");
    render_ms(out, (clock_monotonic_ns() - started_ns) / 1000000);
    render(out, "process_resident_memory_bytes", "gauge", "Resident memory.");
    render_uint(out, resident_bytes());
    render(out, "process_open_fds", "gauge", "Open file descriptors, as of the last 5 seconds.");
    render_uint(out, descriptors());
    render(out, "process_max_fds", "gauge", "Most file descriptors that may be open.");
    render_uint(out, files.rlim_cur);
    render(out, "process_cpu_seconds_total", "counter", "Processor time, user and system.");
    render_ms(out, (uint64_t)cpu.tv_sec * 1000 + (uint64_t)cpu.tv_nsec / 1000000);
    render(out, "process_start_time_seconds", "gauge", "Start, in seconds since 1970.");
    render_ms(out, (uint64_t)started_unix_ms);
}
