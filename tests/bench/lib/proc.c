#include "tests/bench/lib/proc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static FILE *proc_open(pid_t pid, const char *file)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, file);
    return fopen(path, "re");
}

bool proc_cpu_seconds(pid_t pid, double *seconds_out)
{
    char line[1024];
    unsigned long user = 0;
    unsigned long system = 0;
    FILE *stat = proc_open(pid, "stat");

    if (stat == NULL)
        return false;
    bool ok = fgets(line, sizeof(line), stat) != NULL;
    fclose(stat);
    /* The process name may hold blanks; the fields are counted behind it. */
    const char *rest = ok ? strrchr(line, ')') : NULL;
    if (rest == NULL || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                               &user, &system) != 2)
        return false;
    *seconds_out = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
    return true;
}

/* The kilobytes of LINE when it is the field KEY, else 0. */
static uint64_t field_bytes(const char *line, const char *key)
{
    size_t len = strlen(key);

    return strncmp(line, key, len) == 0 ? strtoull(line + len, NULL, 10) * 1024 : 0;
}

bool proc_memory_read(pid_t pid, struct proc_memory *memory_out)
{
    char line[256];
    struct proc_memory sum = {0};
    FILE *rollup = proc_open(pid, "smaps_rollup");

    if (rollup == NULL)
        return false;
    while (fgets(line, sizeof(line), rollup) != NULL) {
        sum.rss_bytes += field_bytes(line, "Rss:");
        sum.pss_bytes += field_bytes(line, "Pss:");
        sum.private_bytes += field_bytes(line, "Private_Clean:");
        sum.private_bytes += field_bytes(line, "Private_Dirty:");
    }
    fclose(rollup);
    if (sum.rss_bytes == 0)
        return false;
    *memory_out = sum;
    return true;
}

double proc_own_cpu_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

bool proc_machine_cpu_seconds(double *seconds_out)
{
    unsigned long long ticks[8] = {0};
    FILE *stat = fopen("/proc/stat", "re");

    if (stat == NULL)
        return false;
    /* user nice system idle iowait irq softirq steal */
    int fields = fscanf(stat, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &ticks[0], &ticks[1],
                        &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6], &ticks[7]);
    fclose(stat);
    if (fields != 8)
        return false;
    unsigned long long busy = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6] + ticks[7];
    *seconds_out = (double)busy / (double)sysconf(_SC_CLK_TCK);
    return true;
}
