/* job.h - waiting for long work of the server's, with a progress bar. */
#ifndef CLI_JOB_H
#define CLI_JOB_H

#include "cli/run.h"

/* Follows the job that STARTED names until it ends; *reply is then admin.job's last answer. A
 * failed job is reported: REFUSED. */
enum exit_code job_wait(struct cli *cli, const struct reply *started, struct reply *reply);

#endif
