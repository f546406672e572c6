/* proc.h - what a process costs, read from /proc.
 *
 * Every function returns false when the process is gone or /proc cannot be
 * read; outputs are then untouched.
 */
#ifndef TESTS_BENCH_LIB_PROC_H
#define TESTS_BENCH_LIB_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_memory {
    uint64_t rss_bytes;     /* all resident pages, shared libraries included */
    uint64_t pss_bytes;     /* shared pages divided among those who map them */
    uint64_t private_bytes; /* pages of this process alone: its user memory */
};

/* User and system time of all threads, the ended ones included. The kernel
 * rounds it to a clock tick (10 ms), so measure over seconds. */
bool proc_cpu_seconds(pid_t pid, double *seconds_out);

bool proc_memory_read(pid_t pid, struct proc_memory *memory_out);

/* CPU time this process itself has used so far. */
double proc_own_cpu_seconds(void);

/* CPU time that all processors were busy since the machine started, with what a
 * hypervisor took away. */
bool proc_machine_cpu_seconds(double *seconds_out);

#endif
